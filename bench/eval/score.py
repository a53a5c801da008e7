# SPDX-License-Identifier: Apache-2.0
"""Counts with their Wilson bounds, and which effect of ours a person's reading means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from math import log
from typing import Any

from agent.understanding import functions
from agent.understanding.effects import Book, Effect
from bench.eval.data import Read
from governance.chain.address import checksum

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_EVERYWHERE = re.compile(r"Without sending ETH, and without delegatecall\.")
_PADDED = re.compile(r"0x[0-9a-fA-F]{64}")
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # of a name such as requestWithdrawalsWithPermit
_STEM = 5  # letters by which "withdrawals" and "withdraw" are the same word


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
    """Each effect that a person read with ours of the same call: by what both name, the rarer the better, and whether
    it gives or takes, then by their order. None where ours has fewer. Knows nothing of the verdict."""
    found: list[tuple[Read, Effect | None]] = []
    for call in sorted({one.call for one in read}):
        theirs = [one for one in read if one.call == call]
        ours = [effect for effect in effects if effect.position == call]
        named = [_named(effect, book) for effect in ours]
        often = Counter(word for words in named for word in words)
        also = Counter(word for one in theirs for word in _words(one.effect))
        rare = {
            word: log((len(ours) + 1) / count) * log((len(theirs) + 1) / also[word])
            for word, count in often.items()
            if word in also
        }
        scores = sorted(
            (
                (-_alike(one, effect, named[j], rare), abs(i - j), i, j)
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


def _alike(read: Read, effect: Effect, named: Set[str], rare: Mapping[str, float]) -> float:
    """How much of what one effect names a person's reading names too."""
    score = sum(rare[word] for word in _words(read.effect) & named)
    if effect.function.startswith(("revoke", "unscope", "scope", "allow")):
        takes = effect.function.startswith(("revoke", "unscope"))
        score -= 20 * (takes != (_TAKES.search(read.effect) is not None))
    return score


def _named(effect: Effect, book: Book) -> Set[str]:
    """What an effect names: addresses, numbers, symbols of tokens, and the beginnings of its words."""
    said = f"{effect.sentence} {effect.function} " + " ".join(map(checksum, effect.addresses))
    said = _EVERYWHERE.sub("", said)
    padded = {int(word, 16) for word in _PADDED.findall(said)}  # arguments of a function that nobody can read
    inside = {number.to_bytes(20, "big") for number in padded if 10**6 < number < 2**160}
    numbers = {str(number) for number in padded if number <= 10**6}
    symbols = _symbols((*effect.addresses, *inside), book)
    return _words(_PADDED.sub(" ", said)) | numbers | {symbol.casefold() for symbol in symbols}


def _words(said: str) -> Set[str]:
    """Addresses, numbers, and the beginnings of words, those in the names of functions too."""
    plain = _ADDRESS.sub(" ", said)
    parts = {part[:_STEM].casefold() for part in _PART.findall(plain) if len(part) > 2}
    whole = {word.casefold() for word in _SYMBOL.findall(plain)}
    return {a.casefold() for a in _ADDRESS.findall(said)} | set(_NUMBER.findall(plain)) | parts | whole


_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9]{1,10}")


def _symbols(addresses: Sequence[bytes], book: Book) -> set[str]:
    """The symbols of those addresses that are tokens, as the book or a published list has them."""
    listed = [functions.token(book.chain_id or 1, address) for address in addresses]
    return ({book.symbol(address) for address in addresses} | {token.symbol for token in listed if token}) - {""}
