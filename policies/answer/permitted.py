# SPDX-License-Identifier: Apache-2.0
"""Which calls a rule permits, as sets that can be compared: values at each place, and all their combinations.

Every answer errs on one side only: `Calls.without` never removes too much and `Calls.may_meet` never denies a meeting,
so "nothing is left" proves that one set lies within others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from policies.code.policy_code import Clause, Dynamic, Kind, PolicyCode, Rule, Source
from policies.notation.primitives import UINT256_MAX

Place = tuple[int, int]
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Values:
    """A set of 256-bit words: closed intervals, ascending, with a gap between any two."""

    intervals: tuple[Interval, ...]

    @classmethod
    def of(cls, items: Iterable[int]) -> "Values":
        """Exactly these words."""
        intervals: list[Interval] = []
        for item in sorted(set(items)):
            if intervals and intervals[-1][1] == item - 1:
                intervals[-1] = (intervals[-1][0], item)
            else:
                intervals.append((item, item))
        return cls(tuple(intervals))

    @classmethod
    def between(cls, low: int, high: int) -> "Values":
        """The words from `low` to `high`, both included; none where `low` is greater."""
        return cls(((low, high),) if low <= high else ())

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def __contains__(self, value: int) -> bool:
        return any(low <= value <= high for low, high in self.intervals)

    def __and__(self, other: "Values") -> "Values":
        found, mine, theirs = [], 0, 0
        while mine < len(self.intervals) and theirs < len(other.intervals):
            (low, high), (other_low, other_high) = self.intervals[mine], other.intervals[theirs]
            if max(low, other_low) <= min(high, other_high):
                found.append((max(low, other_low), min(high, other_high)))
            if high < other_high:
                mine += 1
            else:
                theirs += 1
        return Values(tuple(found))

    def __sub__(self, other: "Values") -> "Values":
        return self & other.complement()

    def __le__(self, other: "Values") -> bool:
        return not self - other

    def complement(self) -> "Values":
        """All other words."""
        gaps: list[Interval] = []
        begin = 0
        for low, high in self.intervals:
            if begin < low:
                gaps.append((begin, low - 1))
            begin = high + 1
        if begin <= UINT256_MAX:
            gaps.append((begin, UINT256_MAX))
        return Values(tuple(gaps))

    @property
    def highest(self) -> int:
        """The largest word; 0 where there is none."""
        return self.intervals[-1][1] if self.intervals else 0

    def listed(self, most: int) -> tuple[int, ...] | None:
        """All words, ascending, or None where they are more than `most`."""
        if sum(high - low + 1 for low, high in self.intervals) > most:
            return None
        return tuple(word for low, high in self.intervals for word in range(low, high + 1))


ANY = Values.between(0, UINT256_MAX)
AT_LEAST_ONE = Values.between(1, UINT256_MAX)
NO_CAP = None


@dataclass(frozen=True, slots=True)
class Form:
    """What shape a call's data must have: docs/policy-code.md, "Form of a call's data"."""

    no_selector: bool
    words: int
    dynamics: tuple[Dynamic, ...]

    @classmethod
    def of(cls, rule: Rule) -> "Form":
        return cls(rule.no_selector, rule.words, rule.dynamics)

    def may_meet(self, another: "Form") -> bool:
        """Whether some data could have both, though they differ. Only without arrays and bytes the length tells."""
        return bool(self.dynamics or another.dynamics)


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one form whose value at each place is one of the place's values: at a column, each of the values.

    Places that `values` does not name may hold anything. The length and the hash of bytes count as independent, so the
    set can hold calls that nobody can make.
    """

    form: Form
    columns: frozenset[Place]
    values: Mapping[Place, Values]

    def at(self, place: Place) -> Values:
        return self.values.get(place, ANY)

    @property
    def empty(self) -> bool:
        return not all(self.values.values())

    def may_meet(self, other: "Calls") -> bool:
        """False only if no call is in both."""
        if self.form != other.form:
            return self.form.may_meet(other.form)
        return all(self.at(place) & other.at(place) for place in {*self.values, *other.values})

    def without(self, removed: "Calls") -> list["Calls"]:
        """Sets that together hold every call of this one that is not in `removed`, and perhaps some that are.

        "Not every element lies in the column's values" is no set of this kind: such calls are all kept.
        """
        if self.form != removed.form or not self.may_meet(removed):
            return [self]
        if not all(self.at(place) <= removed.at(place) for place in removed.columns & removed.values.keys()):
            return [self]
        rest, within = [], self
        for place, values in removed.values.items():
            if place not in removed.columns and (outside := within.at(place) - values):
                rest.append(within.narrowed(place, outside))
                within = within.narrowed(place, values)
        return rest

    def narrowed(self, place: Place, values: Values) -> "Calls":
        return Calls(self.form, self.columns, {**self.values, place: self.at(place) & values})


def matched(rule: Rule, policy: PolicyCode) -> Calls:
    """The calls that the rule applies to when no alternative before it does: all clauses hold, caps apart."""
    return _calls(rule, policy, [clause for clause in rule.clauses if clause.kind is not Kind.CAP])


def permitted(rule: Rule, policy: PolicyCode) -> Calls:
    """Those of them that could be in an act: a value that is capped is at most the cap in each call too."""
    return _calls(rule, policy, rule.clauses)


def cap_of(rule: Rule, place: Place) -> int | None:
    """The most that the place's values may sum up to in an act, under this rule; None where nothing caps them."""
    return min((c.operand for c in rule.clauses if c.kind is Kind.CAP and (c.word, c.column) == place), default=NO_CAP)


def sends_ether(rule: Rule) -> bool:
    """Whether a call under the rule may carry ether: it must then charge it."""
    return any(charge.source is Source.VALUE for charge in rule.charges)


def _calls(rule: Rule, policy: PolicyCode, clauses: Iterable[Clause]) -> Calls:
    counts = {(dynamic.word, dynamic.width): AT_LEAST_ONE for dynamic in rule.dynamics if dynamic.width}
    columns = frozenset((dynamic.word, column) for dynamic in rule.dynamics for column in range(dynamic.width))
    whole = Calls(Form.of(rule), columns, counts)
    return reduce(lambda calls, c: calls.narrowed((c.word, c.column), clause_values(c, policy)), clauses, whole)


def clause_values(clause: Clause, policy: PolicyCode) -> Values:
    """The values that the clause permits to a single call."""
    match clause.kind:
        case Kind.EQUAL:
            return Values.of([clause.operand])
        case Kind.NOT_EQUAL:
            return Values.of([clause.operand]).complement()
        case Kind.AT_MOST | Kind.CAP:
            return Values.between(0, clause.operand)
        case Kind.AT_LEAST:
            return Values.between(clause.operand, UINT256_MAX)
        case Kind.IN_LIST:
            return Values.of(policy.lists[clause.operand])
