# SPDX-License-Identifier: Apache-2.0
"""Exports of the audit log, and their check. Pure: a bundle is checked without a database, also by other programs.

A bundle is JSON: `{"format": "mandate.audit-bundle/2", "first": N, "head": "0x...", "entries": [...]}`. Each entry has
`number`, `prev_hash`, `hash` and `body`, the text that was hashed. The rules:

- numbers go up by one from `first`; of entry 1 `prev_hash` is 32 zero bytes;
- `prev_hash` is the hash of the entry before;
- the body is canonical JSON (RFC 8785) of format `mandate.audit/2`, or of `mandate.audit/1`, which is older. Both may
  stand in one log in any order, for while a site changes from one version to the next both write;
- `hash` is SHA-256 over the 32 bytes of `prev_hash`, the number in 8 bytes, the highest first, and the body in UTF-8;
  of the older format over `prev_hash` and the body alone;
- `head` is the hash of the last entry.

A bundle alone shows that nothing in it was changed, left out, put in between or numbered anew, but for the numbers of a
bundle that begins in the middle and has entries of the older format alone. It can't show that entries are missing at
its end, or that the whole chain was not made anew: hold it against an export, or a `head`, that was kept elsewhere.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

from policies.notation.hexadecimal import hex_bytes, hex_text

FORMAT = "mandate.audit-bundle/2"
OLD_FORMAT = "mandate.audit-bundle/1"
ENTRY_FORMAT = "mandate.audit/2"
OLD_ENTRY_FORMAT = "mandate.audit/1"
FIRST_PREV = bytes(32)
COLUMNS = ("number", "at", "action", "dao", "via", "name", "account", "values", "prev_hash", "hash", "body")


@dataclass(frozen=True)
class Entry:
    """One entry as it is stored."""

    number: int
    prev_hash: bytes
    hash: bytes
    body: str

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "prev_hash": hex_text(self.prev_hash),
            "hash": hex_text(self.hash),
            "body": self.body,
        }


@dataclass(frozen=True)
class Checked:
    """What a check found: how many entries hold, the last one's hash, and the first problem (empty: there is none)."""

    entries: int
    head: bytes
    problem: str = ""


def hash_of(prev_hash: bytes, number: int | None, body: str) -> bytes:
    """Return the hash of an entry; of the older format it covers no number (None)."""
    covered = b"" if number is None else number.to_bytes(8, "big")
    return hashlib.sha256(prev_hash + covered + body.encode()).digest()


def covers_number(entry: Entry) -> bool:
    """Whether an entry that holds is of the format whose hash covers its number."""
    return bool(json.loads(entry.body)["format"] == ENTRY_FORMAT)


def check(entries: Iterable[Entry], *, first: int = 1, before: bytes | None = FIRST_PREV) -> Checked:
    """Check entries in order, the first of which has the number `first` and follows the hash `before` (None: whichever
    it says, for a bundle that begins in the middle). Stops at the first problem."""
    count, previous = 0, before
    for entry in entries:
        number = first + count
        if problem := _problem(entry, number, previous):
            return Checked(count, previous or FIRST_PREV, problem)
        count, previous = count + 1, entry.hash
    return Checked(count, previous if previous is not None else FIRST_PREV)


def _problem(entry: Entry, number: int, previous: bytes | None) -> str:
    if entry.number != number:
        return f"entry {number} is missing: entry {entry.number} comes in its place"
    if previous is not None and entry.prev_hash != previous:
        return f"entry {number} does not follow the entry before it"
    try:
        body = json.loads(entry.body)
        is_canonical = rfc8785.dumps(body).decode() == entry.body
    except (ValueError, RecursionError):
        return f"entry {number} is no JSON"
    format_ = body.get("format") if isinstance(body, dict) else None
    covered = None if format_ == OLD_ENTRY_FORMAT else number
    if hash_of(entry.prev_hash, covered, entry.body) != entry.hash:
        return f"entry {number} was changed: its hash is another"
    if not is_canonical or format_ not in (ENTRY_FORMAT, OLD_ENTRY_FORMAT):
        return f"entry {number} is no canonical JSON of the format {ENTRY_FORMAT}"
    return ""


def as_bundle(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return entries as a bundle."""
    return {
        "format": FORMAT,
        "first": entries[0].number if entries else 1,
        "head": hex_text(entries[-1].hash if entries else FIRST_PREV),
        "entries": [entry.as_json() for entry in entries],
    }


class BadBundle(ValueError):
    """What was given is no bundle; the message says why."""


def read(given: Any) -> list[Entry]:
    """Return a bundle's entries; they are not checked yet. Raises BadBundle."""
    if not isinstance(given, Mapping) or given.get("format") not in (FORMAT, OLD_FORMAT):
        raise BadBundle(f"this is no bundle of the format {FORMAT}")
    entries = list(_entries(given.get("entries")))
    head = hex_text(entries[-1].hash if entries else FIRST_PREV)
    if given.get("head") != head:
        raise BadBundle("its head is not the hash of its last entry: entries are missing at its end, or it was changed")
    if given.get("first") != (entries[0].number if entries else 1):
        raise BadBundle("it does not begin with the entry that it says it begins with")
    return entries


def _entries(given: Any) -> Iterator[Entry]:
    if not isinstance(given, list):
        raise BadBundle("it has no list of entries")
    for place, row in enumerate(given):
        try:
            number, body = row["number"], row["body"]
            prev_hash, hash_ = (hex_bytes(row[name]) for name in ("prev_hash", "hash"))
            is_right = (
                type(number) is int
                and 0 < number < 2**63
                and isinstance(body, str)
                and len(prev_hash) == len(hash_) == 32
            )
            body.encode()
        except (KeyError, TypeError, AttributeError, ValueError):
            is_right = False
        if not is_right:
            raise BadBundle(f"item {place} of its entries is no entry")
        yield Entry(number, prev_hash, hash_, body)


def as_csv(entries: Iterable[Entry]) -> str:
    """Return entries as a table for people and spreadsheets; `body` is what was hashed."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for entry in entries:
        body = json.loads(entry.body)
        by, dao = body["by"], body["dao"] or {}
        row = (
            entry.number, body["at"], body["action"], dao.get("slug", ""), by["via"], by["name"], by["account"] or "",
            rfc8785.dumps(body["values"]).decode(), hex_text(entry.prev_hash), hex_text(entry.hash), entry.body,
        )  # fmt: skip
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: str | int) -> str | int:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
