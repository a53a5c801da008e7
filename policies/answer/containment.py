# SPDX-License-Identifier: Apache-2.0
"""Proves that the rules of one policy permit no act that the rules of another refuse.

For each (target, selector) the alternatives of the *inner* policy are held against those of the *outer* one. An inner
rule lies within the outer policy when

- every call that it can be the first to match is matched by outer rules (coverage by union), and
- each outer rule that can be the first to match one of these calls bounds it no tighter: the inner rule charges each
  budget's ring that the outer one charges, with the same value (or the outer charge is always zero); it lets no ether
  go along that the outer one refuses; it demands each income at least at the same ratio, `true` where the outer one
  does, and an allowance of zero where the outer one does; and what all inner rules together can add to an outer rule's
  cap within one act stays within that cap.

A proof is a proof; where there is none, the inner policy may or may not permit more. Limits of budgets, times and what
is measured belong to whole policies and are compared in `policies.words.diff`.
"""

from dataclasses import dataclass
from functools import cached_property

from policies.answer.permitted import Calls, Place, cap_of, matched, permitted, sends_ether
from policies.code.policy_code import Charge, Income, Kind, PolicyCode, Rule, Source

MAX_STEPS = 20_000  # so that no policy, however made, keeps anybody waiting; beyond it nothing is proven
RuleKey = tuple[bytes, bytes, bool]
RingKey = bytes


class Undecided(Exception):
    """Too many cases to go through."""


def ring_keys(policy: PolicyCode) -> tuple[RingKey, ...]:
    """Which rings the policy's budgets use, in their order; comparable between versions of one policy."""
    return tuple(budget.key(bytes(32), policy.agent) for budget in policy.budgets)


@dataclass(frozen=True)
class Side:
    """The alternatives that one policy has for one (target, selector); `rings` are those of its budgets."""

    policy: PolicyCode
    rules: tuple[Rule, ...]
    rings: tuple[RingKey, ...]

    @classmethod
    def of(cls, policy: PolicyCode, key: RuleKey, rings: tuple[RingKey, ...]) -> "Side":
        return cls(policy, tuple(rule for rule in policy.rules if rule.key == key), rings)

    @cached_property
    def matched(self) -> tuple[Calls, ...]:
        return tuple(matched(rule, self.policy) for rule in self.rules)

    @cached_property
    def permitted(self) -> tuple[Calls, ...]:
        return tuple(permitted(rule, self.policy) for rule in self.rules)


class Containment:
    """Which of `inner`'s rules lie within what `outer` permits."""

    def __init__(self, inner: Side, outer: Side) -> None:
        self._inner, self._outer = inner, outer
        self._steps = 0
        self.proven = self._proven()

    def _proven(self) -> tuple[bool, ...]:
        """For each inner rule whether it provably lies within the outer policy."""
        try:
            self._reached = [self._first_matches(index) for index in range(len(self._inner.rules))]
            return tuple(self._lies_within(index) for index in range(len(self._inner.rules)))
        except Undecided:
            return (False,) * len(self._inner.rules)

    def _first_matches(self, index: int) -> list[Calls]:
        """The calls that no inner alternative before this one takes."""
        whole = self._inner.permitted[index]
        parts = [] if whole.empty else [whole]
        for earlier in self._inner.matched[:index]:
            parts = self._without(parts, earlier)
        return parts

    def _without(self, parts: list[Calls], removed: Calls) -> list[Calls]:
        self._steps += len(parts)
        if self._steps > MAX_STEPS:
            raise Undecided
        return [rest for part in parts for rest in part.without(removed)]

    def _lies_within(self, index: int) -> bool:
        rest = self._reached[index]
        for number, outer in enumerate(self._outer.matched):
            if any(part.may_meet(outer) for part in rest) and not self._bounds_as_tightly(index, number):
                return False
            rest = self._without(rest, outer)
        return not rest

    def _bounds_as_tightly(self, index: int, number: int) -> bool:
        if self._inner.matched[index].form != self._outer.matched[number].form:
            return False
        loosened = Loosened(self._inner, index, self._outer, number)
        return not loosened.anything and self._caps_hold(number)

    def _caps_hold(self, number: int) -> bool:
        rule = self._outer.rules[number]
        caps = [clause for clause in rule.clauses if clause.kind is Kind.CAP]
        return all(self._adds_up_to_at_most(number, (cap.word, cap.column), cap.operand) for cap in caps)

    def _adds_up_to_at_most(self, number: int, place: Place, cap: int) -> bool:
        total = 0
        for index, parts in enumerate(self._reached):
            if any(part.may_meet(self._outer.matched[number]) for part in parts):
                most = self._most_in_an_act(index, place)
                if most is None:
                    return False
                total += most
        return total <= cap

    def _most_in_an_act(self, index: int, place: Place) -> int | None:
        if self._inner.permitted[index].at(place).highest == 0:
            return 0
        return cap_of(self._inner.rules[index], place)


class Loosened:
    """What an outer rule demands of a call, apart from clauses and caps, that an inner rule does not."""

    def __init__(self, inner: Side, index: int, outer: Side, number: int) -> None:
        self._inner, self._outer = inner, outer
        self._rule, self._other = inner.rules[index], outer.rules[number]
        self._calls = inner.permitted[index]
        self.charges = tuple(charge for charge in self._other.charges if not self._charges_as_much(charge))
        self.incomes = tuple(income for income in self._other.incomes if not self._brings_as_much(income))
        self.ether = sends_ether(self._rule) and not sends_ether(self._other)
        self.return_value = self._other.must_return_true and not self._rule.must_return_true
        self.allowance = self._other.approval and not self._rule.approval

    @property
    def anything(self) -> bool:
        return bool(self.charges or self.incomes or self.ether or self.return_value or self.allowance)

    def _charges_as_much(self, wanted: Charge) -> bool:
        if self._is_always_zero(wanted):
            return True
        ring = self._outer.rings[wanted.budget]
        return any(
            self._inner.rings[charge.budget] == ring and what_is_charged(charge) == what_is_charged(wanted)
            for charge in self._rule.charges
        )

    def _is_always_zero(self, charge: Charge) -> bool:
        if charge.source is Source.VALUE:
            return not sends_ether(self._rule)
        return self._calls.at((charge.word, charge.column)).highest == 0

    def _brings_as_much(self, wanted: Income) -> bool:
        ring = self._outer.rings[wanted.budget]
        return any(
            income.asset == wanted.asset
            and self._inner.rings[income.budget] == ring
            and income.numerator * wanted.denominator >= wanted.numerator * income.denominator
            for income in self._rule.incomes
        )


def what_is_charged(charge: Charge) -> tuple[Source, int, int]:
    """The charge without its budget."""
    return (charge.source, charge.word, charge.column)
