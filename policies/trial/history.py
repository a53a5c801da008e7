# SPDX-License-Identifier: Apache-2.0
"""What was done in the past, from a file, for `backtest`: payments, or calls of any kind.

Payments are CSV or a JSON list of objects: `time` (2026-11-01T00:00Z, or Unix seconds), `token` (a symbol of the
policy, `ETH`, or an address), `to` (a name of the policy, or an address), and either `amount` in whole tokens
(`1200.50`; the token's decimals must be known) or `base_units`. Calls by their bytes have `data` in place of the token
and the amount, and `value` in wei where ether went along. Other columns are ignored. Acts in words are YAML, under
`history:` (policies/trial/policy_tests.py reads them). Files come from strangers: sizes are
limited, nothing is guessed.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.code.call import Call
from policies.notation.amounts import ETHER, Token, Unclear, parse_supply_amount, parse_time
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import UINT256_MAX, checksum, is_hex_address
from policies.notation.problems import shown
from policies.trial.calls import call_data, payment

MAX_TRANSFERS = 100_000
MAX_SHOWN_PROBLEMS = 20
MAX_TIME_S = 2**32 - 1
_NEEDED = ("time", "token", "to")
_NEEDED_OF_CALLS = ("time", "to", "data")
_AMOUNTS = ("amount", "base_units")


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment out of a treasury. `asset` is zero for ether; `origin` says where it was read."""

    time_s: int
    asset: bytes
    to: bytes
    base_units: int
    origin: str

    @property
    def call(self) -> Call:
        """The call that makes it."""
        return payment(self.asset, self.to, self.base_units)


@dataclass(frozen=True, slots=True)
class PastCall:
    """One call that the treasury made, whatever it did."""

    time_s: int
    call: Call
    origin: str


class HistoryError(ValueError):
    """A file that is no history. `lines` say where, what is wrong and what to write."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def read_history(
    text: str, *, source: str, tokens: Mapping[str, Token], addresses: Mapping[str, bytes]
) -> tuple[Transfer | PastCall, ...]:
    """The payments or calls of a CSV file with a header, or of a JSON list of objects, in order of time.

    `tokens` by symbol (ETH is always known) and `addresses` by name are what the policy lends. Raises HistoryError.
    """
    is_json = text.lstrip().startswith(("[", "{"))
    rows = _json_rows(text, source) if is_json else _csv_rows(text, source)
    reading = _Reading(dict(tokens) | {ETHER.symbol: ETHER}, addresses)
    transfers: list[Transfer | PastCall] = []
    problems: list[str] = []
    for origin, row in rows:
        if len(transfers) >= MAX_TRANSFERS:
            raise HistoryError([f"{origin}: there are more than {MAX_TRANSFERS} rows; test a part of them"])
        try:
            transfers.append(reading.row(row, origin))
        except Unclear as unclear:
            problems.append(f"{origin}: {unclear.problem}; {unclear.suggestion}")
        if len(problems) >= MAX_SHOWN_PROBLEMS:
            break
    if problems:
        raise HistoryError(problems)
    if not transfers:
        raise HistoryError([f"{source}: there are no payments and no calls; write one on each line below the header"])
    return tuple(sorted(transfers, key=lambda transfer: transfer.time_s))


def _csv_rows(text: str, source: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        header = reader.fieldnames or []
        paid = set(_NEEDED) <= set(header) and len(set(_AMOUNTS) & set(header)) == 1
        if not paid and not set(_NEEDED_OF_CALLS) <= set(header):
            raise HistoryError(
                [f"{source}:1: the header must be `time,token,to,amount`, or end in `base_units`, or be `time,to,data`"]
            )
        for row in reader:
            yield f"{source}:{reader.line_num}", {key: value or "" for key, value in row.items() if key}
    except csv.Error as error:
        raise HistoryError([f"{source}:{reader.line_num}: this is not CSV ({error}); mind the quotes"]) from None


def _json_rows(text: str, source: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise HistoryError([f"{source}:{line}: this is not JSON; write a list of objects"]) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise HistoryError([f'{source}: write a list of objects, such as {{"time": ..., "token": ...}}'])
    for number, row in enumerate(rows, 1):
        # A float has already lost digits: what is no text or whole number is left out, and so refused as missing.
        kept = {key: str(value) for key, value in row.items() if isinstance(value, str | int) and value is not True}
        yield f"{source}: transfer {number}", kept


class _Reading:
    """Reads rows by the policy's tokens and names."""

    def __init__(self, tokens: dict[str, Token], addresses: Mapping[str, bytes]) -> None:
        self._tokens, self._addresses = tokens, addresses

    def row(self, row: Mapping[str, str], origin: str) -> Transfer | PastCall:
        """A payment, or, where the row has `data`, a call."""
        return self.past_call(row, origin) if row.get("data") else self.transfer(row, origin)

    def past_call(self, row: Mapping[str, str], origin: str) -> PastCall:
        missing = next((name for name in _NEEDED_OF_CALLS if not row.get(name)), None)
        if missing:
            raise Unclear(f"`{missing}` is missing", "write it as text")
        call = Call(self._address(row["to"]), _whole(row.get("value") or "0"), call_data(row["data"]))
        return PastCall(_time(row["time"]), call, origin)

    def transfer(self, row: Mapping[str, str], origin: str) -> Transfer:
        missing = next((name for name in _NEEDED if not row.get(name)), None)
        if missing:
            raise Unclear(f"`{missing}` is missing", "write it as text")
        asset = self._asset(row["token"])
        return Transfer(_time(row["time"]), asset, self._address(row["to"]), self._amount(row, asset), origin)

    def _asset(self, text: str) -> bytes:
        if text in self._tokens:
            return self._tokens[text].address
        return self._address(text, "a token of the policy or its address")

    def _address(self, text: str, wanted: str = "a name of the policy or an address") -> bytes:
        if text in self._addresses:
            return self._addresses[text]
        if not is_hex_address(text):
            raise Unclear(f"{shown(text)} is not known", f"write {wanted}")
        address = hex_bytes(text)
        if text[2:] != text[2:].lower() and text != checksum(address):
            raise Unclear(f"{text} has no valid checksum (EIP-55)", "copy the address again")
        return address

    def _amount(self, row: Mapping[str, str], asset: bytes) -> int:
        if "base_units" in row:
            return _whole(row["base_units"])
        text = row.get("amount", "")
        token = next((token for token in self._tokens.values() if token.address == asset), None)
        if token is None:
            raise Unclear("the decimals of this token are not known", "add it to the policy, or write `base_units`")
        return parse_supply_amount(f"{text} {token.symbol}", self._tokens)[0]


def _time(text: str) -> int:
    time_s = int(text) if re.fullmatch(r"[0-9]{1,12}", text) else parse_time(text)
    if not 0 <= time_s <= MAX_TIME_S:
        raise Unclear(f"{shown(text)} is past what the chain's clock counts", "write a time before the year 2106")
    return time_s


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,78}", text) or int(text) > UINT256_MAX:
        raise Unclear(f"{shown(text)} is not a whole number of base units", "write digits only")
    return int(text)
