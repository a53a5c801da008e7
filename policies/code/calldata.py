# SPDX-License-Identifier: Apache-2.0
"""Calldata in the one form that policies permit (docs/policy-code.md, *Form*): head, then tails in order, no gap."""

from collections.abc import Sequence

from policies.code.policy_code import Rule
from policies.notation.primitives import WORD, word

Row = Sequence[int]
Value = int | bytes | Sequence[Row]


def pack_call(rule: Rule, values: Sequence[Value]) -> bytes:
    """The data of a call under the rule: one value for each word of the head.

    A number for a static word, bytes for bytes and string, and for an array a row of numbers for each element. Raises
    ValueError where a value is not of its place.
    """
    if rule.no_selector:
        return b""
    if len(values) != rule.words:
        raise ValueError(f"{len(values)} values for {rule.words} words")
    head, tails = b"", b""
    for index, value in enumerate(values):
        width = rule.width(index)
        if width is None:
            if not isinstance(value, int):
                raise ValueError(f"word {index} takes a number")
            head += word(value)
        else:
            head += word(WORD * rule.words + len(tails))
            tails += _tail(index, width, value)
    return rule.selector + head + tails


def _tail(index: int, width: int, value: Value) -> bytes:
    if width == 0:
        if not isinstance(value, bytes):
            raise ValueError(f"word {index} takes bytes")
        return word(len(value)) + value + bytes(-len(value) % WORD)
    if isinstance(value, int | bytes) or not value or any(len(row) != width for row in value):
        raise ValueError(f"word {index} takes one row or more of {width} numbers each")
    return word(len(value)) + b"".join(word(item) for row in value for item in row)
