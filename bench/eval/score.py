# SPDX-License-Identifier: Apache-2.0
"""Counts with their Wilson bounds, and which effect of ours a person's reading means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.understanding import functions
from agent.understanding.effects import Book, Effect
from bench.eval.data import Read
from governance.chain.address import checksum

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"[A-Za-z]{4,}")


@dataclass(frozen=True)
class Rate:
    """So many of so many. `low` and `high` are the Wilson bounds of the rate at 95 %."""

    hits: int
    of: int

    def as_json(self) -> dict[str, Any]:
        low, high = wilson(self.hits, self.of)
        return {"hits": self.hits, "of": self.of, "low": round(low, 4), "high": round(high, 4)}

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else 0.0

    def __str__(self) -> str:
        low, high = wilson(self.hits, self.of)
        return f"{self.hits} of {self.of} ({self.share:.1%}; {low:.1%} to {high:.1%})"


def wilson(hits: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """The bounds of a share that was seen `hits` times in `of` tries; (0, 1) where nothing was tried."""
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    middle = share + z * z / (2 * of)
    spread = z * ((share * (1 - share) + z * z / (4 * of)) / of) ** 0.5
    whole = 1 + z * z / of
    return min(share, max(0.0, (middle - spread) / whole)), max(share, min(1.0, (middle + spread) / whole))


def paired(read: Sequence[Read], effects: Sequence[Effect], book: Book) -> list[tuple[Read, Effect | None]]:
    """Each effect that a person read with ours of the same call: by addresses, numbers, words and tokens in common and
    whether it gives or takes, then by their order. None where ours has fewer."""
    found: list[tuple[Read, Effect | None]] = []
    for call in sorted({one.call for one in read}):
        theirs = [one for one in read if one.call == call]
        ours = [effect for effect in effects if effect.position == call]
        scores = sorted(
            (
                (-_alike(one, effect, book), abs(i - j), i, j)
                for i, one in enumerate(theirs)
                for j, effect in enumerate(ours)
            ),
        )
        taken: dict[int, int] = {}
        for _, _, i, j in scores:
            if i not in taken and j not in taken.values():
                taken[i] = j
        found += [(one, ours[taken[i]] if i in taken else None) for i, one in enumerate(theirs)]
    return found


_TAKES = re.compile(r"\bno longer\b|\bmay not\b|\breplaced\b|\bremoved?\b|\brevoked?\b")


def _alike(read: Read, effect: Effect, book: Book) -> float:
    said = f"{effect.sentence} {effect.function}"
    said += " ".join(checksum(address) for address in effect.addresses)
    addresses = {a.lower() for a in _ADDRESS.findall(read.effect)} & {a.lower() for a in _ADDRESS.findall(said)}
    numbers = set(_NUMBER.findall(_ADDRESS.sub("", read.effect))) & set(_NUMBER.findall(_ADDRESS.sub("", said)))
    words = {w.lower() for w in _WORD.findall(read.effect)} & {w.lower() for w in _WORD.findall(said)}
    score = 4 * len(addresses) + 2 * len(numbers) + 0.5 * len(words)
    if effect.function.startswith(("revoke", "unscope", "scope", "allow")):
        score += 2 * len(_symbols(effect, book) & set(_SYMBOL.findall(read.effect)))
        takes = effect.function.startswith(("revoke", "unscope"))
        score -= 3 * (takes != (_TAKES.search(read.effect) is not None))
    return score


_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9]{1,10}")


def _symbols(effect: Effect, book: Book) -> set[str]:
    """The symbols of the tokens that a permission is about, as the book or a published list has them."""
    found = {book.symbol(address) for address in effect.addresses}
    listed = (functions.token(book.chain_id or 1, address) for address in effect.addresses)
    return (found | {token.symbol for token in listed if token}) - {""}
