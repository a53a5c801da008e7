# SPDX-License-Identifier: Apache-2.0
"""What the effects of a proposal have that words may name, and which of a text's words name it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import cached_property
from typing import Any, TypeVar

from agent.understanding.described import namehash, need_of
from agent.understanding.effects import ETHER, Book, Effect
from agent.understanding.gate import words as sets
from agent.understanding.mentions.languages import Act
from agent.understanding.mentions.parties import Names, Party, skeleton
from agent.understanding.mentions.quantities import Quantity, Symbols, Unit
from agent.understanding.telling import acts_for, is_money
from policies.notation.amounts import base_units
from policies.notation.primitives import keccak

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class LeftOver:
    """Words at `[start:end]` of the document that no rule uses.

    `code` says of which kind: "amount", "party", "verb", "token", "time", "place", "language", "column" or "words".
    """

    code: str
    start: int
    end: int


@dataclass(frozen=True)
class Facts:
    """All that the effects of a proposal have, and the names that a text has for it."""

    effects: Sequence[Effect]
    book: Book
    names: Names
    symbols: Symbols
    by_symbol: Mapping[str, tuple[bytes, ...]]  # the book's spelling of a symbol -> assets
    parties: frozenset[bytes] = frozenset()  # who takes part, as payer, receiver, holder, contract or argument
    acts: frozenset[Act] = frozenset()
    words: frozenset[str] = frozenset()  # subjects, functions and arguments, in small letters
    numbers: frozenset[int] = frozenset()
    totals: Mapping[bytes, int] = field(default_factory=dict)  # of the payments, base units by asset
    hashes: frozenset[bytes] = frozenset()  # of names, among the arguments of effects that change names
    _kept: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, key: Hashable, found: Callable[[], _Found]) -> _Found:
        """What was found of these effects for `key` before; finds it now, once: several rules ask the same."""
        if key not in self._kept:
            self._kept[key] = found()
        kept: _Found = self._kept[key]
        return kept

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts among the arguments of effects that change names: links and the like, in small letters."""
        return tuple(
            argument.value.casefold()
            for effect in self.effects
            if str(effect.kind) == "name"
            for argument in effect.arguments
            if argument.type == "string" and isinstance(argument.value, str) and 5 < len(argument.value) < 300
        )

    @property
    def is_all_money(self) -> bool:
        return all(map(is_money, self.effects))

    @property
    def is_some_money(self) -> bool:
        return any(map(is_money, self.effects))

    def uses(self, quantity: Quantity) -> bool:
        """Whether a quantity is one of the effects', or the sum of all payments in its token."""
        if quantity.readings == (0,) and quantity.unit is Unit.TOKEN and quantity.symbol == self.book.ether:
            return True  # no ether goes along
        if quantity.is_about or (quantity.is_limit and not self.has_kind("approve")):
            return False
        if quantity.unit is Unit.TOKEN:
            assets = self.by_symbol.get(quantity.symbol, ())
            return any(
                self._is_amount_of(quantity.readings[0], a) or self._is_votes(quantity.readings[0], a) for a in assets
            )
        if quantity.unit is Unit.MONEY:
            return quantity.is_conversion
        if quantity.unit is Unit.BARE and 1 <= quantity.readings[0] <= len(self.effects):
            return True  # it counts calls, or numbers them
        scales = (100, 10**4, 10**16, 10**25) if quantity.unit is Unit.PERCENT else (1,)
        if quantity.unit is Unit.PERCENT and any(str(number) in self._set_shares for number in quantity.readings):
            return True
        if any(number * scale in self.numbers for number in quantity.readings for scale in scales):
            return True
        assets = {effect.asset for effect in self.effects if effect.asset is not None}
        return quantity.unit is Unit.BARE and any(self._is_amount_of(quantity.readings[0], asset) for asset in assets)

    def times_of(self, quantity: Quantity) -> int:
        """How many effects have an amount."""
        return sum(
            self._number_of(effect) in quantity.readings
            for effect in self.effects
            if effect.asset in self.by_symbol.get(quantity.symbol, ()) and not effect.along
        )

    def _is_amount_of(self, number: Decimal, asset: bytes) -> bool:
        token = self.book.tokens.get(asset)
        decimals = 18 if asset == ETHER else token.decimals if token is not None else None
        wanted = {effect.amount for effect in self.effects if effect.asset == asset} | {self.totals.get(asset)}
        return decimals is not None and base_units(number, decimals) in wanted - {None}

    def _is_votes(self, number: Decimal, asset: bytes) -> bool:
        """Whether a number of a token is a threshold that an effect sets: "25,000 GOVT" to propose."""
        token = self.book.tokens.get(asset)
        if token is None:
            return False
        wanted = {e.new_value for e in self.effects if str(e.kind) == "parameter_change" and "threshold" in e.subject}
        return str(base_units(number, token.decimals)) in wanted

    @property
    def _set_values(self) -> set[str]:
        return {effect.new_value for effect in self.effects if str(effect.kind) == "parameter_change"}

    @property
    def _set_shares(self) -> set[str]:
        """The values of settings that count parts of a whole: a threshold of signatures is none."""
        return {
            effect.new_value
            for effect in self.effects
            if str(effect.kind) == "parameter_change"
            and effect.subject not in ("number of signatures needed", "proposal threshold")
        }

    def leaves(self, quantity: Quantity) -> bool:
        """Whether a quantity is what remains of one effect's amount behind another's: 500 wrapped, 400 paid."""
        sums = {number for effect in self.effects if (number := self._number_of(effect)) is not None}
        return any(one - other in quantity.readings for one in sums for other in sums if one > other)

    def _number_of(self, effect: Effect) -> Decimal | None:
        if effect.amount is None or effect.asset is None or effect.amount >= 2**200:
            return None
        token = self.book.tokens.get(effect.asset)
        decimals = 18 if effect.asset == ETHER else token.decimals if token is not None else None
        return None if decimals is None else Decimal(effect.amount).scaleb(-decimals, Context(prec=80))

    def is_own_name(self, name: str) -> bool:
        """Whether a domain is one whose records the effects change."""
        return bool(self.hashes) and (
            namehash(name) in self.hashes or keccak(name.split(".")[0].encode()) in self.hashes
        )

    def has_kind(self, kind: str) -> bool:
        return any(str(effect.kind) == kind for effect in self.effects)

    def takes_part(self, party: Party) -> bool:
        """Whether a party of the text is one of the effects', called by a name that fits it."""
        if not party.addresses and party.name and self.is_own_name(party.name):
            return True  # the name whose record changes: "the resolver of dao.eth"
        if party.has_conflict or not party.addresses or not set(party.addresses) <= self.parties:
            return False
        paid = {effect.recipient for effect in self.effects if is_money(effect)}
        if party.is_own or not party.name or party.name in self.names.known or not paid & set(party.addresses):
            return True
        # A name that the text itself gives: "Uniswap's treasury (0x...)", "the escrow at 0x...".
        if _DOMAIN.search(party.name) is not None:
            return False  # a name that no book and no chain leads to this address
        if set(_WORD.findall(party.name)) & (sets.BINDING | sets.PLACES):
            return False
        return not self._is_name_of_another(party)

    def is_called_after_another(self, value: str) -> bool:
        """Whether a cell of a name has a word by which the book knows alone somebody who takes no part."""
        said = set(_WORD.findall(value)) - _COMMON
        return any(
            said & self._own_words.get(name, frozenset()) and not addresses & self.parties
            for name, addresses in self.names.known.items()
        )

    def has_number(self, quantity: Quantity) -> bool:
        """Whether a number, in whatever unit, is the amount of an effect in its token."""
        assets = {effect.asset for effect in self.effects if effect.asset is not None}
        return any(self._is_amount_of(quantity.readings[0], asset) for asset in assets)

    def _is_name_of_another(self, party: Party) -> bool:
        """Whether a name that the text gives to an address has a word by which the book knows another one alone, or
        looks like its name: "the council's account (0x...)", "grants.1umen.eth (0x...)"."""
        here = set(party.addresses)
        said = set(_WORD.findall(party.name)) - _COMMON
        for name, addresses in self.names.known.items():
            if addresses & here:
                continue
            is_part = bool(said) and set(_WORD.findall(party.name)) - {"eth"} <= set(_WORD.findall(name))
            if is_part or skeleton(name) == skeleton(party.name) or said & self._own_words.get(name, frozenset()):
                return True
        return False

    @cached_property
    def _own_words(self) -> Mapping[str, frozenset[str]]:
        """The words of each name of the book that no name of another address has."""
        users: dict[str, set[bytes]] = {}
        for name, addresses in self.names.known.items():
            for word in _WORD.findall(name):
                users.setdefault(word, set()).update(addresses)
        return {
            name: frozenset(
                word for word in _WORD.findall(name) if len(word) > 2 and word not in _COMMON and len(users[word]) == 1
            )
            for name in self.names.known
        }

    @property
    def is_paid_by_name(self) -> bool:
        """Whether anybody who is paid has a name, so that another one may be somebody else's."""
        paid = {effect.recipient for effect in self.effects if is_money(effect)} - self.names.own
        named = (*self.names.known.values(), *self.names.local.values())
        return any(paid & addresses for addresses in named)

    def moves(self, symbol: str) -> bool:
        """Whether a token is one that the effects move, or are about."""
        assets = self.by_symbol.get(symbol, ())
        return any(effect.asset in assets or effect.target in assets for effect in self.effects)


_WORD = re.compile(r"[^\W\d_]+")
_DOMAIN = re.compile(r"[\w-]\.[a-z]{2,}")
_COMMON = sets.HOLDERS | sets.GLUE
_NAMED = re.compile(r"“([\w.-]{1,60})”")


def facts_of(
    effects: Sequence[Effect],
    book: Book,
    names: Names,
    symbols: Symbols,
    by_symbol: Mapping[str, tuple[bytes, ...]],
) -> Facts:
    """Gather what the words of a text may name."""
    parties: set[bytes] = set(names.own)
    acts: set[Act] = set()
    said: set[str] = set()
    numbers: set[int] = {len(effects), len({effect.position for effect in effects})}
    totals: Counter[bytes] = Counter()
    hashes = {
        argument.value
        for effect in effects
        if str(effect.kind) == "name"
        for argument in effect.arguments
        if argument.type == "bytes32" and isinstance(argument.value, bytes)
    }
    for effect in effects:
        parties |= {effect.target, *effect.addresses, *effect.through}
        parties |= {one for one in (effect.asset, effect.sender, effect.recipient) if one is not None}
        if is_money(effect):
            acts |= acts_for(effect) | ({Act.RECEIVE} if str(effect.kind) == "transfer" else set())
            if str(effect.kind) == "transfer":
                totals[effect.asset or ETHER] += effect.amount or 0
            elif str(effect.kind) == "stream":
                acts.add(Act.CREATE)
        if not is_money(effect) or str(effect.kind) == "call":
            need = need_of(effect, book)
            acts |= need.acts
            for phrase in (*need.subjects, *need.target_words, effect.subject):
                said |= set(_WORD.findall(phrase.casefold()))
        said |= sets.OF_KIND.get(str(effect.kind), frozenset()) | _function_words(effect)
        if "quorum" in effect.subject:
            said |= {"supply", "circulating", "votes", "voting", "power"}
        if effect.amount is not None:
            numbers.add(effect.amount)
        if re.fullmatch(r"\d{1,90}", effect.new_value or ""):
            numbers.add(int(effect.new_value))
        numbers |= {int(a.value) for a in effect.arguments if isinstance(a.value, int)}
    return Facts(
        effects, book, names, symbols, by_symbol, frozenset(parties), frozenset(acts), frozenset(said),
        frozenset(numbers), totals, frozenset(hashes),
    )  # fmt: skip


def _function_words(effect: Effect) -> set[str]:
    """What a text may say of an effect as code: its function, arguments, and the names that its sentence has."""
    name = effect.function.split("(")[0]
    said = {name.casefold(), *(word.casefold() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name))}
    said |= {word.casefold() for word in _NAMED.findall(str(effect.sentence))}
    for argument in effect.arguments:
        said |= {argument.name.casefold(), argument.type.casefold()}
    return said
