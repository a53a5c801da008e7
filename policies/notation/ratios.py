# SPDX-License-Identifier: Apache-2.0
"""How much must come in for what goes out, as people write it: `at least 0.995 USDS per USDC`."""

import re
from dataclasses import dataclass
from fractions import Fraction

from policies.notation.amounts import Token, Unclear
from policies.notation.problems import shown

MOST = 2**128 - 1

_NUMBER, _SYMBOL = r"([0-9]{1,120})", r"([A-Za-z][A-Za-z0-9.]*)"
_RATIO = re.compile(rf"at least ([0-9]{{1,120}}(?:\.[0-9]{{1,120}})?) {_SYMBOL} per {_SYMBOL}")
_BASE_UNITS = re.compile(rf"at least {_NUMBER} base units of {_SYMBOL} per {_NUMBER} base units of {_SYMBOL}")
_FORM = "write it such as `at least 0.995 USDS per USDC`"


@dataclass(frozen=True, slots=True)
class Ratio:
    """At least numerator / denominator base units of `received` for each base unit of `spent`."""

    received: Token
    spent: Token
    numerator: int
    denominator: int


def parse_ratio(text: str, tokens: dict[str, Token]) -> Ratio:
    """The ratio with both tokens' decimals taken into account, exactly. Raises Unclear."""
    if match := _BASE_UNITS.fullmatch(text):
        received, spent = _token(match[2], tokens), _token(match[4], tokens)
        return _checked(Ratio(received, spent, int(match[1]), int(match[3])), text)
    match = _RATIO.fullmatch(text)
    if match is None:
        raise Unclear(f"{shown(text)} is not a ratio", _FORM)
    received, spent = _token(match[2], tokens), _token(match[3], tokens)
    exact = Fraction(match[1]) * Fraction(10**received.decimals, 10**spent.decimals)
    return _checked(_fitting(exact, received, spent, text), text)


def write_ratio(ratio: Ratio) -> str:
    """The same as `parse_ratio` reads it: in whole tokens where that gives back the same two numbers."""
    scale = Fraction(10**ratio.spent.decimals, 10**ratio.received.decimals)
    decimals = _decimal(Fraction(ratio.numerator, ratio.denominator) * scale)
    if decimals is not None:
        text = f"at least {decimals} {ratio.received.symbol} per {ratio.spent.symbol}"
        try:
            if parse_ratio(text, {token.symbol: token for token in (ratio.received, ratio.spent)}) == ratio:
                return text
        except Unclear:
            pass  # too long for whole tokens: base units say it exactly
    return (
        f"at least {ratio.numerator} base units of {ratio.received.symbol} "
        f"per {ratio.denominator} base units of {ratio.spent.symbol}"
    )


def _token(symbol: str, tokens: dict[str, Token]) -> Token:
    if symbol not in tokens:
        raise Unclear(f"the token {shown(symbol)} is not known", f"write one of: {', '.join(sorted(tokens))}")
    return tokens[symbol]


def _fitting(exact: Fraction, received: Token, spent: Token, text: str) -> Ratio:
    if max(exact.numerator, exact.denominator) > MOST:
        raise Unclear(f"{shown(text)} can't be held exactly", _nearest(exact, received, spent))
    return Ratio(received, spent, exact.numerator, exact.denominator)


def _nearest(exact: Fraction, received: Token, spent: Token) -> str:
    """The ratios with fewer decimals next below and above that can be held."""
    scale = Fraction(10**received.decimals, 10**spent.decimals)
    for decimals in range(40, -1, -1):
        below = Fraction(int(exact / scale * 10**decimals), 10**decimals)
        above = below + Fraction(1, 10**decimals)
        if all(0 < max((one * scale).numerator, (one * scale).denominator) <= MOST for one in (below, above)):
            texts = [f"`at least {_decimal(one)} {received.symbol} per {spent.symbol}`" for one in (below, above)]
            return f"write {texts[0]} or {texts[1]}"
    return "write a ratio that is nearer to one"


def _checked(ratio: Ratio, text: str) -> Ratio:
    if ratio.numerator == 0 or ratio.denominator == 0:
        raise Unclear(f"{shown(text)} demands nothing", "write how much must come in, or leave it out")
    if max(ratio.numerator, ratio.denominator) > MOST:
        raise Unclear(f"{shown(text)} has numbers that are too large", "write a ratio that is nearer to one")
    return ratio


def _decimal(value: Fraction) -> str | None:
    """The fraction as a decimal number, or None where none is exact."""
    twos_and_fives, places = value.denominator, 0
    while twos_and_fives % 10 == 0 or twos_and_fives % 2 == 0 or twos_and_fives % 5 == 0:
        twos_and_fives //= 10 if twos_and_fives % 10 == 0 else 2 if twos_and_fives % 2 == 0 else 5
        places += 1
    if twos_and_fives != 1:
        return None
    whole, rest = divmod(value.numerator * 10**places // value.denominator, 10**places)
    return f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".") if places else str(whole)
