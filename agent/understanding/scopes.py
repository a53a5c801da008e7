# SPDX-License-Identifier: Apache-2.0
"""Stretches of text that may tell an effect which is no plain amount: a passage, or a section with its heading."""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from agent.understanding.mentions.quantities import Unit
from agent.understanding.orders import Read
from agent.understanding.passages import Shape
from policies.notation.hexadecimal import hex_bytes

MAX_SCOPE_CHARS = 6_000
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Scope:
    """A stretch of text that may tell an effect: one passage, or a whole section with its heading."""

    reads: tuple[Read, ...]
    start: int
    end: int
    text: str
    folded: str
    addresses: frozenset[bytes]  # also by names
    spelled: frozenset[bytes]  # those whose digits stand here
    is_section: bool
    _kept: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, key: Hashable, found: Callable[[], _Found]) -> _Found:
        """What was found here for `key` before; finds it now, once. Many effects ask the same of each scope."""
        if key not in self._kept:
            self._kept[key] = found()
        kept: _Found = self._kept[key]
        return kept

    @cached_property
    def numbers(self) -> frozenset[Decimal]:
        """What a call's number may be that words here give: as it stands, in tokens of 18 decimals, or in percent."""
        found: set[Decimal] = set()
        for read in self.reads:
            for quantity in read.quantities:
                before = read.voice.folded[max(0, quantity.start - 16) : quantity.start]
                if quantity.unit is Unit.BARE and _NUMBERED.search(before) is not None:
                    continue  # "Action 1: ..." numbers the action
                scales = _OF_PERCENT if quantity.unit is Unit.PERCENT else (1, 10**18)
                found |= {number * scale if scale != 1 else number for number in quantity.readings for scale in scales}
        return frozenset(found)


_NUMBERED = re.compile(r"\b(?:action|step|call|transaction|proposal|payment|transfer|item|signer|owner|part)\s?#?$")
_OF_PERCENT = (100, 10**16, 10**25, 10**4)


def scopes(reads: Sequence[Read]) -> list[Scope]:
    """Every passage, and every section that is short enough to be about one thing."""
    found = [_scope((read,), is_section=False) for read in reads]
    by_section: dict[int, list[Read]] = {}
    for read in reads:
        by_section.setdefault(read.passage.section, []).append(read)
    short = (s for s in by_section.values() if s[-1].passage.end - s[0].passage.start <= MAX_SCOPE_CHARS)
    found += [_scope(tuple(section), is_section=True) for section in short if len(section) > 1]
    return found


def _scope(reads: tuple[Read, ...], *, is_section: bool) -> Scope:
    text = "\n".join(read.passage.text for read in reads)
    addresses = frozenset(
        a for read in reads for party in read.parties if len(party.addresses) == 1 for a in party.addresses
    )
    spelled = frozenset(hex_bytes(h) for h in _HEX.findall(text) if len(h) == 42)
    for read in reads:
        if read.passage.shape is Shape.CODE:
            addresses |= spelled
    return Scope(
        reads, reads[0].passage.start, reads[-1].passage.end, text, " ".join(text.casefold().split()),
        addresses | spelled, spelled, is_section,
    )  # fmt: skip
