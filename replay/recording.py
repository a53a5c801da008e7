# SPDX-License-Identifier: Apache-2.0
"""Recorded events in CSV files, read strictly and encoded back into the logs that a contract emitted.

A folder is laid out `<chain id>/<contract>/<event signature>.csv`, with an optional `<chain id>/blocks.csv`
(`block_number,timestamp`). An event's file begins with the columns block_number, transaction_index, log_index; then
comes one column for each parameter, in the signature's order. The files say nothing of indexed parameters: those come
from a table of known events, and other events are refused by name.
"""

import csv
import functools
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from governance.chain import abi
from governance.chain.address import BadAddress, to_bytes

# Whose events are known here: the indexed parameters are those of these ABIs (`governance/chain/abis`).
KNOWN = ("Governor", "GovernorBravo", "GovernorOptimism", "ERC20Votes", "TimelockController", "TimelockCompound")
_PLACE = ("block_number", "transaction_index", "log_index")
_MOST = 2**63 - 1
_DIGITS = re.compile(r"[0-9]{1,80}")
csv.field_size_limit(sys.maxsize)


class BadRecording(Exception):
    """A folder or file can't be replayed: one line that says which, where, and why."""

    def __init__(self, problem: str, path: Path | None = None, line: int | None = None):
        self.problem, self.path, self.line = problem, path, line
        where = f"{path}:{line}: " if line is not None else f"{path}: " if path is not None else ""
        super().__init__(where + problem)


class RecordedLog(NamedTuple):
    """One event as the contract logged it."""

    block_number: int
    log_index: int
    transaction_index: int
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    signature: str


@dataclass
class Recording:
    """What was recorded of one chain. `logs` are in chain order; `times` are the block times that were recorded."""

    chain_id: int
    logs: list[RecordedLog]
    times: dict[int, int] = field(default_factory=dict)

    @property
    def first_block(self) -> int:
        return self.logs[0].block_number

    @property
    def last_block(self) -> int:
        return max(self.logs[-1].block_number, *self.times) if self.times else self.logs[-1].block_number


@functools.lru_cache(maxsize=1)
def known_events() -> dict[str, abi.Item]:
    """The table of known events: signature to its layout."""
    standards = abi.Registry.load(Path(abi.__file__).parent / "abis")
    items = [item for found in standards.events.values() for item in found if item.owner in KNOWN]
    items.sort(key=lambda item: KNOWN.index(item.owner), reverse=True)
    return {item.signature: item for item in items}


def load(folders: Iterable[Path]) -> list[Recording]:
    """What the folders hold together, by chain id. The same event found twice counts once.

    Raises:
        BadRecording: a folder, a file or a row is not what it should be.
    """
    logs: dict[int, dict[tuple[int, int, int], tuple[RecordedLog, Path]]] = {}
    times: dict[int, dict[int, int]] = {}
    for folder in folders:
        for chain_id, path in _files(folder):
            if path.name == "blocks.csv":
                _merge_times(times.setdefault(chain_id, {}), path)
                continue
            found = logs.setdefault(chain_id, {})
            for line, log in _rows(path):
                key = (log.block_number, log.transaction_index, log.log_index)
                if key in found and found[key][0] != log:
                    place = f"index {key[2]} in its transaction {key[1]}"
                    raise BadRecording(f"block {key[0]} has another log with {place}, in {found[key][1]}", path, line)
                found[key] = (log, path)
    if not any(logs.values()):
        raise BadRecording(f"no event was found in {', '.join(map(str, folders)) or 'no folder'}")
    recordings = []
    for chain_id, found in sorted(logs.items()):
        ordered = [log for _, (log, _) in sorted(found.items(), key=lambda item: item[0])]
        recordings.append(Recording(chain_id, ordered, times.get(chain_id, {})))
    return recordings


def _files(folder: Path) -> Iterator[tuple[int, Path]]:
    """(chain id, file) of every CSV file; anything that has no place in the layout is refused."""
    layout = "expected <chain id>/<contract>/<event signature>.csv"
    if not folder.is_dir():
        raise BadRecording("there is no such folder", folder)
    chains = _entries(folder)
    if not chains:
        raise BadRecording(f"the folder is empty: {layout}", folder)
    for chain in chains:
        if not chain.is_dir() or not _DIGITS.fullmatch(chain.name) or not 0 < int(chain.name) <= _MOST:
            raise BadRecording(f"{chain.name!r} is no chain id: {layout}", folder)
        for contract in _entries(chain):
            if contract.name == "blocks.csv" and contract.is_file():
                yield int(chain.name), contract
                continue
            try:
                to_bytes(contract.name)
            except BadAddress as error:
                raise BadRecording(f"{contract.name!r} is no contract ({error}): {layout}", chain) from None
            if not contract.is_dir():
                raise BadRecording(f"{contract.name!r} is not a folder: {layout}", chain)
            for file in _entries(contract):
                if not file.is_file() or file.suffix != ".csv":
                    raise BadRecording(f"{file.name!r} is no CSV file: {layout}", contract)
                yield int(chain.name), file


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise BadRecording(f"can't be read ({error.strerror})", folder) from None


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line, fields) of each record, the header first."""
    line = 1
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file, strict=True)
            for record in reader:
                yield line, record
                line = reader.line_num + 1
    except csv.Error as error:
        raise BadRecording(f"not CSV, or cut off: {error}", path, line) from None
    except UnicodeDecodeError:
        raise BadRecording("not UTF-8", path, line) from None
    except OSError as error:
        raise BadRecording(f"can't be read ({error.strerror})", path) from None


def _merge_times(times: dict[int, int], path: Path) -> None:
    records = _records(path)
    if next(records, (1, []))[1] != ["block_number", "timestamp"]:
        raise BadRecording("the header must be block_number,timestamp", path, 1)
    for line, record in records:
        if len(record) != 2 or not all(_DIGITS.fullmatch(text) and int(text) <= _MOST for text in record):
            raise BadRecording("expected a block number and a time", path, line)
        number, timestamp = map(int, record)
        if times.setdefault(number, timestamp) != timestamp:
            raise BadRecording(f"block {number} has two times", path, line)


def _rows(path: Path) -> Iterator[tuple[int, RecordedLog]]:
    signature = path.stem
    item = known_events().get(signature)
    if item is None:
        raise BadRecording(f"{signature} is not an event whose indexed parameters are known here", path)
    address = to_bytes(path.parent.name)
    types = [abi.parse_type(part.type) for part in item.inputs]
    width = len(_PLACE) + len(types)
    records = _records(path)
    header = next(records, (1, []))[1]
    if tuple(header[:3]) != _PLACE or len(header) != width:
        raise BadRecording(f"the header must be {','.join(_PLACE)} and {len(types)} parameters", path, 1)
    for line, record in records:
        if len(record) != width:
            raise BadRecording(f"{len(record)} columns, expected {width}: cut off, or not this event", path, line)
        for name, text in zip(_PLACE, record, strict=False):
            if not _DIGITS.fullmatch(text) or int(text) > (_MOST if name == "block_number" else 2**31 - 1):
                raise BadRecording(f"{name} is {text[:40]!r}, not a number in range", path, line)
        block_number, transaction_index, log_index = map(int, record[:3])
        values: list[Any] = []
        for column, of, text in zip(header[3:], types, record[3:], strict=True):
            try:
                values.append(_value(of, text))
            except ValueError as error:
                raise BadRecording(f"{column} is not {of.text}: {error}", path, line) from None
        _settle_bytes(types, values)
        try:
            topics, data = abi.encode_log(item, values)
        except abi.BadAbi as error:
            raise BadRecording(str(error), path, line) from None
        yield line, RecordedLog(block_number, log_index, transaction_index, address, topics, data, signature)


# A list of byte strings is written `[a9059cbb..,,00ff]`, unquoted, so an empty list and a list of one empty string
# look the same.
_NONE_OR_ONE_EMPTY = object()


def _settle_bytes(types: list[abi.Type], values: list[Any]) -> None:
    """What `[]` means in a list of byte strings: as many as the row's other lists have, which run along with it."""
    others = {len(v) for of, v in zip(types, values, strict=True) if of.kind == "array" and isinstance(v, list)}
    for position, value in enumerate(values):
        if value is _NONE_OR_ONE_EMPTY:
            values[position] = [b""] if others == {1} else []


def _value(of: abi.Type, text: str) -> Any:
    """The value that a column's text stands for. Raises ValueError."""
    if of.kind == "array":
        if of.items[0].kind == "bytes":
            return _byte_strings(text)
        return _list(of.items[0], text)
    if of.kind == "string":
        # An empty text is written as two quotes, beside plain nothing.
        return "" if text == '""' else text
    return _plain(of, text)


def _plain(of: abi.Type, text: str) -> Any:
    if of.kind == "uint":
        if not _DIGITS.fullmatch(text) or int(text) >> of.size:
            raise ValueError(_shown(text))
        return int(text)
    if of.kind == "address":
        return to_bytes(text)
    if of.kind == "bool":
        if text.lower() not in ("true", "false"):
            raise ValueError(_shown(text))
        return text.lower() == "true"
    if of.kind in ("bytes", "fixed_bytes"):
        raw = _hex(text)
        if of.kind == "fixed_bytes" and len(raw) != of.size:
            raise ValueError(f"{len(raw)} bytes")
        return raw
    raise ValueError("this type is not read from CSV")


def _hex(text: str) -> bytes:
    digits = text.removeprefix("0x")
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", digits):
        raise ValueError(f"{_shown(text)} is not hexadecimal")
    return bytes.fromhex(digits)


def _byte_strings(text: str) -> Any:
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError(f"{_shown(text)} is no list")
    inner = text[1:-1]
    if not inner:
        return _NONE_OR_ONE_EMPTY
    return [_hex(part.strip().strip('"')) for part in inner.split(",")]


def _list(of: abi.Type, text: str) -> list[Any]:
    try:
        items = json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        raise ValueError(f"{_shown(text)} is no list") from None
    if not isinstance(items, list) or not all(isinstance(part, str) for part in items):
        raise ValueError(f"{_shown(text)} is no list of {of.text}")
    return items if of.kind == "string" else [_plain(of, part) for part in items]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
