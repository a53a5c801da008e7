# SPDX-License-Identifier: Apache-2.0
"""Regular expressions for whole numbers between two bounds, for schemas whose numbers are strings.

Servers that generate by a schema honour `pattern` on strings, and numbers above 2^53 must be strings; so the pattern is
what keeps an amount within its bounds. Only anchors, groups, alternatives, classes and counts are used.
"""

from collections.abc import Iterable, Iterator


def numbers_pattern(intervals: Iterable[tuple[int, int]]) -> str:
    """Matches exactly the decimal numbers without leading zeros in the closed intervals. Raises ValueError for none."""
    parts = [part for low, high in intervals for part in _between(low, high)]
    if not parts:
        raise ValueError("no number is permitted")
    return "^(" + "|".join(parts) + ")$"


def _between(low: int, high: int) -> Iterator[str]:
    """The numbers of one interval: those as short as its least, those in between, those as long as its greatest."""
    if not 0 <= low <= high:
        raise ValueError("an interval of whole numbers, ascending, was expected")
    shortest, longest = len(str(low)), len(str(high))
    if shortest == longest:
        yield from _same_length(str(low), str(high))
        return
    yield from _same_length(str(low), "9" * shortest)
    if longest - shortest > 1:
        yield "[1-9]" + _any(shortest, longest - 2)
    yield from _same_length("1" + "0" * (longest - 1), str(high))


def _same_length(first: str, last: str) -> Iterator[str]:
    """The numbers from `first` to `last`, which have the same number of digits."""
    if not first or first == last:
        yield first
        return
    rest = len(first) - 1
    if first[1:] == "0" * rest and last[1:] == "9" * rest:
        yield _digit(first[0], last[0]) + _any(rest)
        return
    if first[0] == last[0]:
        yield from (first[0] + part for part in _same_length(first[1:], last[1:]))
        return
    low, high = int(first[0]), int(last[0])
    if first[1:] != "0" * rest:
        yield from (first[0] + part for part in _same_length(first[1:], "9" * rest))
        low += 1
    below_last = high if last[1:] == "9" * rest else high - 1
    if low <= below_last:
        yield _digit(str(low), str(below_last)) + _any(rest)
    if below_last < high:
        yield from (last[0] + part for part in _same_length("0" * rest, last[1:]))


def _digit(low: str, high: str) -> str:
    return low if low == high else f"[{low}-{high}]"


def _any(least: int, most: int | None = None) -> str:
    """So many digits, whichever they are."""
    if most is not None and most != least:
        return f"[0-9]{{{least},{most}}}"
    return {0: "", 1: "[0-9]"}.get(least, f"[0-9]{{{least}}}")
