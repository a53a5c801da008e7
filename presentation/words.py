# SPDX-License-Identifier: Apache-2.0
"""Amounts, addresses, hashes and times as people read them. Pure: integers and bytes in, text out."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from cchecksum import to_checksum_address

from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line

ZERO_ADDRESS = bytes(20)


def address_text(address: bytes) -> str:
    """The EIP-55 checksummed text of a 20-byte address."""
    return str(to_checksum_address(hex_text(address)))


def short(text: str) -> str:
    """`0x1234…cdef`: enough to recognise, never enough to copy."""
    return f"{text[:6]}…{text[-4:]}" if len(text) > 14 else text


def amount(base_units: int, decimals: int, *, places: int | None = None) -> str:
    """Base units as a decimal number with thousands separated: `amount(12_500_000, 6) == "12.5"`.

    `places` cuts the fraction (towards zero) and marks the cut with an ellipsis; without it the text is exact.
    """
    whole, fraction = divmod(base_units, 10**decimals)
    digits = str(fraction).rjust(decimals, "0").rstrip("0") if decimals else ""
    cut = ""
    if places is not None and len(digits) > places:
        digits, cut = digits[:places].rstrip("0"), "…"
    return f"{whole:,}" + (f".{digits}" if digits else "") + cut


def percent(part: int, whole: int) -> str:
    """`part` of `whole` in per cent with one decimal, cut towards zero (so 49.96 % never reads as 50)."""
    if whole <= 0:
        return "0 %"
    tenths = part * 1000 // whole
    return f"{tenths // 10}.{tenths % 10} %" if tenths % 10 else f"{tenths // 10} %"


def duration(seconds: int) -> str:
    """A length of time in its two largest units: `3 days 4 hours`. Never negative."""
    seconds = max(0, seconds)
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    parts: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 seconds"


def moment(chain_s: int) -> str:
    """A chain time (Unix seconds) as `22 Nov 2026, 18:40 UTC`; a time no calendar has is shown as its number."""
    try:
        when = datetime.datetime.fromtimestamp(chain_s, tz=datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return f"Unix time {chain_s}"
    return f"{when.day} {when:%b %Y, %H:%M} UTC"


def iso(chain_s: int) -> str:
    """A chain time for a `datetime` attribute; empty where no calendar has it."""
    try:
        return datetime.datetime.fromtimestamp(chain_s, tz=datetime.UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return ""


VERDICTS = {
    "matches": "Each call matches a sentence of the text",
    "differs": "The text and the calls differ",
    "unmatched": "Code could not match the text to the calls",
    "opaque": "Some calls can't be decoded, so this can't be checked",
    "unread": "The text was not compared: no claims were read from it",
}

_HIDDEN = {
    "comment": "HTML comment, hidden by other sites",
    "element": "HTML that other sites hide",
    "attribute": "Words in an HTML tag, hidden by other sites",
    "alt": "Description of a picture, hidden by other sites",
    "definition": "Link definition that no page shows",
    "title": "Title of a link that no page prints",
    "language": "Words behind the name of a language that no page shows",
    "cell": "Cell of a table that no page shows",
    "zero-width": "Characters that nobody sees",
    "bidirectional": "Characters that turn the direction of writing",
    "tag": "Invisible characters that spell words",
    "control": "Control characters",
}


def verdict(code: str) -> str:
    """Return what a verdict says, as the start of a sentence; a code that is not known as it is."""
    return VERDICTS.get(code, code)


def hidden(notice: Mapping[str, Any]) -> str:
    """Return what some readers of a text don't see, with a sample: an item of `Summary.hidden` in words."""
    kind, count, sample = str(notice["kind"]), int(notice["count"]), str(notice.get("sample", ""))
    return f"{_HIDDEN.get(kind, kind)} ({count})" + (f": “{one_line(sample)}”" if sample else "")
