# SPDX-License-Identifier: Apache-2.0
"""Amounts, durations, times and shares as people write them, read so that nothing has two meanings; and back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from policies.notation.primitives import UINT256_MAX
from policies.notation.problems import MOST_SHOWN, listed, shown

_AMOUNT = re.compile(r"([0-9]{1,3}(?:,[0-9]{3}){1,40}|[0-9]{1,120})(?:\.([0-9]{1,120}))? +([A-Za-z][A-Za-z0-9.]*)")
_NUMBER_ONLY = re.compile(r"[0-9][0-9.,_']*")
_DECIMAL_COMMA = re.compile(r"([0-9]{1,120}),([0-9]{1,2}|[0-9]{4,120}) +([A-Za-z][A-Za-z0-9.]*)")
_DOTTED_THOUSANDS = re.compile(r"([0-9]{1,3}(?:\.[0-9]{3}){1,40}) +([A-Za-z][A-Za-z0-9.]*)")
# How people write amounts elsewhere: the token in front or without a blank, other separators.
_LOOSE_AMOUNT = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9.]{0,15}) ?)?([0-9][0-9.,_' ]{0,60}?) ?([A-Za-z][A-Za-z0-9.]{0,15})?"
)
_GROUPED = re.compile(r"[0-9]{1,3}(?:([ _'])[0-9]{3}(?:\1[0-9]{3})*)")
_GERMAN = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]{1,2}")
_PLAIN_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,40})(?:\.[0-9]{1,2})?")
_DATE_ONLY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DURATION = re.compile(r"([0-9]{1,10}) +(second|minute|hour|day|week)s?")
_SHARE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))? ?%")
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(Z| UTC)")
_LOOSE_DURATION = re.compile(r"([0-9]{1,10}) *([A-Za-z]{1,8})\.?")
_UNITS = {
    "s": "second", "sec": "second", "secs": "second", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour",
    "hrs": "hour", "d": "day", "w": "week", "wk": "week", "wks": "week",
}  # fmt: skip
_NATIVE_WORDS = {"ether": "ETH", "ethers": "ETH", "gwei": "the amount in ETH", "wei": "the amount in ETH"}
_MANY_DECIMALS = re.compile(r"[0-9]{1,3}\.[0-9]{3,20} ?%")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


class Unclear(ValueError):
    """Text that isn't exactly one value: what is wrong, and what to write in its place."""

    def __init__(self, problem: str, suggestion: str, unknown: str | None = None, meant: str | None = None) -> None:
        """`unknown` is the name that nothing is known by, where that is the trouble, `meant` the one that surely is."""
        super().__init__(f"{problem}; {suggestion}")
        self.problem = problem
        self.suggestion = suggestion
        self.unknown = unknown
        self.meant = meant


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose amounts people write. `address` is zero for the chain's native currency; a unit is 10^decimals base
    units."""

    symbol: str
    address: bytes
    decimals: int

    def text(self, amount: int) -> str:
        """Return an amount of base units as people read it: `12,000 USDC`, exact, no trailing zeros."""
        return f"{units(amount, self.decimals)} {self.symbol}"


ETHER = Token("ETH", bytes(20), 18)
_NATIVE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,15}|native units")


def native_of(tokens: Mapping[bytes, Token]) -> Token:
    """Return the chain's native currency: the token lent under the zero address, ether where none is.

    Documents write ETH on every chain, for a policy names no chain. Who words a policy lends what its chain calls it.
    """
    lent = tokens.get(ETHER.address)
    return Token(lent.symbol, ETHER.address, ETHER.decimals) if lent and _NATIVE.fullmatch(lent.symbol) else ETHER


def coin_of(native: Token) -> str:
    """Return a native currency's name within a sentence: `ether`, `xDAI`, `native currency` where it is not known."""
    if native.symbol == ETHER.symbol:
        return "ether"
    return "native currency" if " " in native.symbol else native.symbol


def parse_amount(text: str, tokens: dict[str, Token]) -> tuple[int, Token]:
    """`12,000 USDC` as base units and its token. Raises Unclear for whatever could be read in two ways."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise _unclear_amount(text, tokens)
    whole, fraction, symbol = match.group(1), match.group(2) or "", match.group(3)
    if len(whole) > 1 and whole.startswith("0"):
        raise Unclear(f"{shown(text)} begins with a zero", f"write {whole.lstrip('0,') or '0'} {symbol}")
    if _DOTTED_THOUSANDS.fullmatch(text) and whole != "0":
        raise Unclear(
            f"{shown(text)} can be read as {whole},{fraction} or as {whole}.{fraction}",
            f"write {whole},{fraction} {symbol}, or {f'{whole}.{fraction}'.rstrip('0').rstrip('.')} {symbol}"
            + ("" if fraction.endswith("0") else f" as {whole}.{fraction}0 {symbol}"),
        )
    token = _token(symbol, tokens)
    significant = fraction.rstrip("0")
    if len(significant) > token.decimals:
        raise Unclear(
            f"{shown(text)} has {len(significant)} decimals and {symbol} has {token.decimals}",
            f"write at most {token.decimals} decimals",
        )
    return int(whole.replace(",", "") + significant.ljust(token.decimals, "0")), token


def parse_supply_amount(text: str, tokens: dict[str, Token]) -> tuple[int, Token]:
    """The same, refusing what no word can hold and so no token can have."""
    amount, token = parse_amount(text, tokens)
    if amount > UINT256_MAX:
        raise Unclear(f"{shown(text)} is more than any token can have", "write a smaller amount")
    return amount, token


def _token(symbol: str, tokens: dict[str, Token]) -> Token:
    token = tokens.get(symbol)
    if token is None:
        meant = next((known for known in tokens if known.lower() == symbol.lower()), _NATIVE_WORDS.get(symbol.lower()))
        known = listed(sorted(tokens))
        raise Unclear(
            f"the token {shown(symbol)} is not known",
            f"write {meant}" if meant else f"add it under `tokens`, or write one of: {known}",
            unknown=symbol,
            meant=meant,
        )
    return token


def _unclear_amount(text: str, tokens: dict[str, Token]) -> Unclear:
    some = next((symbol for symbol in tokens if symbol != ETHER.symbol), ETHER.symbol)
    if match := _DECIMAL_COMMA.fullmatch(text):
        whole, fraction, symbol = match.groups()
        return Unclear(
            f"{shown(text)} is ambiguous: a comma only separates groups of three digits",
            f"write {whole}.{fraction} {symbol}, or {int(whole + fraction):,} {symbol}",
        )
    if match := _DOTTED_THOUSANDS.fullmatch(text):
        return Unclear(
            f"{shown(text)} has more than one decimal point", f"write {match[1].replace('.', ',')} {match[2]}"
        )
    if _NUMBER_ONLY.fullmatch(text):
        example = f"{text} {some}" if len(text) <= MOST_SHOWN else f"12,000 {some}"
        return Unclear(f"{shown(text)} has no token", f"write the token behind it, such as `{example}`")
    if meant := _meant_amount(text, tokens):
        return Unclear(f"{shown(text)} is not an amount", f"write {meant}")
    if text.lower() in ("none", "nothing", "no", "zero"):
        return Unclear(f"{shown(text)} is not an amount", f"write 0 and the token, such as `0 {some}`")
    if not text.strip():
        return Unclear("no amount is written here", f"write a number and its token, such as `12,000 {some}`")
    return Unclear(f"{shown(text)} is not an amount", f"write a number and its token, such as `12,000 {some}`")


def _meant_amount(text: str, tokens: Mapping[str, Token]) -> str | None:
    """What was surely meant by an amount in another notation, as it is written here; None where that is not sure."""
    match = _LOOSE_AMOUNT.fullmatch(text.strip())
    if match is None or bool(match[1]) == bool(match[3]):
        return None
    symbol = next((known for known in tokens if known.lower() == (match[1] or match[3]).lower()), None)
    digits = match[2].strip()
    if _GROUPED.fullmatch(digits):
        digits = re.sub(r"[ _']", ",", digits)
    elif _GERMAN.fullmatch(digits):
        digits = digits.replace(".", " ").replace(",", ".").replace(" ", ",")
    elif not _PLAIN_NUMBER.fullmatch(digits):
        return None
    return f"{digits} {symbol}" if symbol else None


def units(amount: int, decimals: int, *, places: int | None = None) -> str:
    """Return base units as a decimal number with thousands separated: units(1_500_000, 6) == "1.5".

    `places` cuts the fraction (towards zero) and marks the cut with an ellipsis; without it the text is exact.
    """
    whole, fraction = divmod(amount, 10**decimals)
    digits, cut = f"{fraction:0{decimals}d}".rstrip("0") if decimals else "", ""
    if places is not None and len(digits) > places:
        digits, cut = digits[:places].rstrip("0"), "…"
    return f"{whole:,}" + (f".{digits}" if digits else "") + cut


def base_units(number: Decimal, decimals: int) -> int | None:
    """Return a number of units as base units; None where it has more digits than the token."""
    digits = number.as_tuple()
    exponent = int(digits.exponent) + decimals
    coefficient = int("".join(map(str, digits.digits)) or "0")
    if exponent >= 0:
        scaled: int = coefficient * 10**exponent
        return scaled
    quotient, rest = divmod(coefficient, int(10**-exponent))
    return None if rest else quotient


def format_amount(amount: int, token: Token) -> str:
    """Return `Token.text`, for who has both."""
    return token.text(amount)


def write_amount(amount: int, token: Token) -> str:
    """The same as `parse_amount` reads it: never with exactly three decimals, which could be thousands."""
    text = format_amount(amount, token)
    digits, _, symbol = text.rpartition(" ")
    return f"{digits}0 {symbol}" if _DOTTED_THOUSANDS.fullmatch(text) and not digits.startswith("0.") else text


def parse_duration(text: str) -> int:
    """`24 days` in seconds. One whole number and one unit; months and years have no fixed length. Raises Unclear."""
    match = _DURATION.fullmatch(text)
    if match is None:
        if "month" in text:
            raise Unclear(
                f"{shown(text)}: months have no fixed length", "write days; monthly payments fit a period of 24 days"
            )
        if "year" in text:
            raise Unclear(f"{shown(text)}: years have no fixed length", "write days, such as `365 days`")
        meant = _meant_duration(text) or "a whole number and a unit, such as `24 days`"
        raise Unclear(f"{shown(text)} is not a duration", f"write {meant}")
    return int(match[1]) * _SECONDS[match[2]]


def _meant_duration(text: str) -> str | None:
    """What was surely meant by a duration with a short unit or without a blank. An `m` can be minutes or months."""
    match = _LOOSE_DURATION.fullmatch(text.strip())
    if match is None:
        return None
    word = match[2].lower()
    unit = _UNITS.get(word) or (word.removesuffix("s") if word.removesuffix("s") in _SECONDS else None)
    return unit and f"`{int(match[1])} {unit}{'' if int(match[1]) == 1 else 's'}`"


def write_duration(seconds: int) -> str:
    """The same as `parse_duration` reads it: a whole number and one unit."""
    lengths = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
    unit, length = next((unit, length) for unit, length in lengths if seconds % length == 0)
    return f"{seconds // length} {unit}{'' if seconds == length else 's'}"


def format_duration(seconds: int) -> str:
    """Seconds in the largest units that hold them exactly: `24 days`, `1 day 2 hours`."""
    parts = []
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0 seconds"


def parse_share(text: str) -> int:
    """`5 %` in basis points, at least one and at most all. Raises Unclear."""
    match = _SHARE.fullmatch(text)
    bps = int(match[1] + (match[2] or "").ljust(2, "0")) if match else 0
    if _MANY_DECIMALS.fullmatch(text):
        raise Unclear(f"{shown(text)} has more than two decimals", "write at most two, such as `0.25 %`")
    if not 1 <= bps <= 10_000:
        raise Unclear(f"{shown(text)} is not a share", "write a percentage from 0.01 % to 100 %, such as `5 %`")
    return bps


def format_share(bps: int) -> str:
    """Basis points as a percentage: `5 %`."""
    return f"{bps / 100:.2f}".rstrip("0").rstrip(".") + " %"


def parse_time(text: str) -> int:
    """`2026-11-01T00:00Z` in Unix seconds; the time zone must be said, and must be UTC. Raises Unclear."""
    match = _TIME.fullmatch(text)
    if match is None:
        example = f"{text}T00:00Z" if _DATE_ONLY.fullmatch(text) else "2026-11-01T00:00Z"
        raise Unclear(f"{shown(text)} is not a time in UTC", f"write it such as `{example}`")
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise Unclear(f"{shown(text)} is in no calendar", "write it such as `2026-11-01T00:00Z`") from None
    return int(moment.timestamp())


def write_time(seconds: int) -> str:
    """The same as `parse_time` reads it."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_time(seconds: int) -> str:
    """Unix seconds as `2026-11-01 00:00 UTC`, with seconds when there are any."""
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return f"{seconds:,} seconds after 1970-01-01 00:00 UTC"
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC" if seconds % 60 else "%Y-%m-%d %H:%M UTC")
