# SPDX-License-Identifier: Apache-2.0
"""A call's arguments as a rule sees them: whether they have the one canonical form, and the values at a place.

The same as contracts/src/libraries/Arguments.sol; the form is in docs/policy-code.md, *Acts*.
"""

from dataclasses import dataclass

from policies.code.policy_code import PlaceKind, Rule
from policies.notation.primitives import WORD, keccak

SELECTOR = 4


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a dynamic argument's elements or bytes begin in the data, and how many they are."""

    begin: int
    count: int


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of data that has the rule's form."""

    rule: Rule
    data: bytes
    tails: dict[int, Tail]

    def values(self, word: int, column: int) -> list[int]:
        """The values at a place of the rule: one, or one for each element where the place is an array's column."""
        width = self.rule.width(word)
        if width is None:
            return [_word(self.data, SELECTOR + WORD * word)]
        tail = self.tails[word]
        if self.rule.place(word, column) is PlaceKind.HASH:
            return [int.from_bytes(keccak(self.data[tail.begin : tail.begin + tail.count]), "big")]
        if column == width:
            return [tail.count]
        first = tail.begin + WORD * column
        return [_word(self.data, first + WORD * width * index) for index in range(tail.count)]


def read(rule: Rule, data: bytes) -> Arguments | None:
    """The arguments, or None where the data has not exactly the rule's form."""
    if rule.no_selector:
        return None if data else Arguments(rule, data, {})
    end = SELECTOR + WORD * rule.words
    if len(data) < end:
        return None
    tails: dict[int, Tail] = {}
    for dynamic in rule.dynamics:
        if _word(data, SELECTOR + WORD * dynamic.word) != end - SELECTOR:
            return None
        tail = _tail(data, end, dynamic.width)
        if tail is None:
            return None
        tails[dynamic.word] = tail
        end = _tail_end(tail, dynamic.width)
    return Arguments(rule, data, tails) if len(data) == end else None


def _tail(data: bytes, at: int, width: int) -> Tail | None:
    """The tail that begins at `at`, or None where it is not canonical or reaches behind the data."""
    if at + WORD > len(data):
        return None
    tail = Tail(at + WORD, _word(data, at))
    end = _tail_end(tail, width)
    if end > len(data) or (width and not tail.count):
        return None
    padding = b"" if width else data[tail.begin + tail.count : end]
    return None if any(padding) else tail


def _tail_end(tail: Tail, width: int) -> int:
    if width:
        return tail.begin + WORD * width * tail.count
    return tail.begin + -(-tail.count // WORD) * WORD


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + WORD], "big")
