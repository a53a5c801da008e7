# SPDX-License-Identifier: Apache-2.0
"""What the policy module would answer to an act, with every reason and the headroom left.

Pure: policy, state and clock in, answer out. The first reason of a refusal is the module's own custom error with the
same values; tests/policies/test_differential.py holds the two against each other on generated acts. Not known here is
what only the calls themselves show (a target that reverts or does not return true) and the agent's envelope (its key,
the pinned code, the act's number and decision hash).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from policies.code import Budget, Clause, Kind, PolicyCode, Rule, Source
from policies.primitives import UINT256_MAX, WORD, word
from policies.ring import Ring

SELECTOR = 4
MAX_PENDING = 4
MAX_TIME_S = 2**32 - 1


class Mode(Enum):
    """What the agent asks of the module."""

    EXECUTE = "execute"
    SCHEDULE = "schedule"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an act: `value` in wei."""

    to: bytes
    value: int
    data: bytes


@dataclass(frozen=True, slots=True)
class PolicyState:
    """What the module has stored for the policy. `end_s` is the end in force (a policy can be shortened).

    `rings` holds the packed ring word of each budget key that was ever charged. `quiet_until_s` is when scheduling is
    possible again after a killed act; `pending_expiries_s` are the expiries of the acts that are pending;
    `release_window_s` is, for RELEASE, when the act may be released first, and when no more.
    """

    policy_id: bytes
    version: int
    number: int
    last_act_s: int
    end_s: int
    paused: bool
    rings: Mapping[bytes, int] = field(default_factory=dict)
    quiet_until_s: int = 0
    pending_expiries_s: tuple[int, ...] = ()
    release_window_s: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an act is refused. `error` and `arguments` are the module's custom error (docs of IPolicyModule).

    `call`, `rule`, `clause` and `budget` are places in the act and in the policy, from 0; `value` is what was asked and
    `limit` what is permitted (words for clauses, units for budgets, seconds for times).
    """

    error: str
    arguments: tuple[int | bytes, ...] = ()
    call: int | None = None
    rule: int | None = None
    clause: int | None = None
    budget: int | None = None
    value: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Headroom:
    """What a budget has left after the act, in units: at once, and with an objection window."""

    budget: int
    instant_units: int
    units: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """The module would do it. `band` is "instant" or "objection"; `charges` are units by the budget's number."""

    band: str
    charges: Mapping[int, int]
    headroom: tuple[Headroom, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The module would revert, with the first of the reasons."""

    reasons: tuple[Reason, ...]


class ClockError(ValueError):
    """The clock stands before a budget's newest charge, which no chain's clock does."""


def evaluate(
    policy: PolicyCode, state: PolicyState, calls: Sequence[Call], now_s: int, mode: Mode
) -> Allowed | Refused:
    """The module's answer to the act at chain time `now_s`.

    In every mode an act that fits the whole limits but not what may be spent at once is of band "objection"; EXECUTE
    refuses it with OverInstant, SCHEDULE and RELEASE allow it. Raises ClockError when `now_s` lies before the state.
    """
    matching = _Matching(policy)
    reasons = [*_moment(policy, state, now_s, mode)]
    if not calls:
        reasons.append(Reason("NoCalls"))
    for number, call in enumerate(calls):
        reasons.extend(matching.check(number, call))
    budgets = _Budgets(policy, state, now_s, matching.charges)
    reasons.extend(budgets.refusals(mode))
    if mode is Mode.SCHEDULE:
        reasons.extend(_docket(policy, state, now_s))
    if reasons:
        return Refused(tuple(reasons))
    return Allowed("instant" if budgets.instant else "objection", dict(matching.charges), tuple(budgets.headroom()))


def headroom(policy: PolicyCode, state: PolicyState, now_s: int) -> tuple[Headroom, ...]:
    """What each budget has left at `now_s`, in units. Raises ClockError."""
    return tuple(_Budgets(policy, state, now_s, {}).headroom())


def _moment(policy: PolicyCode, state: PolicyState, now_s: int, mode: Mode) -> Iterator[Reason]:
    """Whether the agent may act at this moment at all."""
    if state.paused:
        yield Reason("IsPaused")
    if mode is Mode.RELEASE:
        yield from _release_moment(state, now_s)
        return
    if now_s < policy.start_s:
        yield Reason("NotStarted", (policy.start_s,), value=now_s, limit=policy.start_s)
    if now_s >= state.end_s:
        yield Reason("Ended", (state.end_s,), value=now_s, limit=state.end_s)
    ready_s = state.last_act_s + policy.cooldown_s
    if now_s < ready_s:
        yield Reason("Cooling", (ready_s,), value=now_s, limit=ready_s)
    if now_s > MAX_TIME_S:
        yield Reason("BadTime")


def _release_moment(state: PolicyState, now_s: int) -> Iterator[Reason]:
    if now_s >= state.end_s:
        yield Reason("Voided", value=now_s, limit=state.end_s)
    if state.release_window_s is None:
        return
    first_s, end_s = state.release_window_s
    if now_s < first_s:
        yield Reason("NotYet", (first_s,), value=now_s, limit=first_s)
    if now_s >= end_s:
        yield Reason("Expired", (end_s,), value=now_s, limit=end_s)


def _docket(policy: PolicyCode, state: PolicyState, now_s: int) -> Iterator[Reason]:
    """Whether another act may be announced now."""
    if not (policy.objection_delay_s and policy.release_window_s):
        yield Reason("NotSchedulable")
    if now_s < state.quiet_until_s:
        yield Reason("Quiet", (state.quiet_until_s,), value=now_s, limit=state.quiet_until_s)
    waiting = [expiry for expiry in state.pending_expiries_s if expiry > now_s]
    if len(waiting) >= MAX_PENDING:
        yield Reason("TooManyPending", (min(waiting),), value=len(waiting), limit=min(waiting))
    elif now_s + policy.objection_delay_s + policy.release_window_s > MAX_TIME_S:
        yield Reason("BadTime")


class _Matching:
    """Checks calls in order: finds each one's rule, adds to the rule's caps and collects what is charged."""

    def __init__(self, policy: PolicyCode) -> None:
        self._policy = policy
        self._totals: dict[tuple[int, int], int] = {}
        self.charges: dict[int, int] = {}

    def check(self, number: int, call: Call) -> Iterator[Reason]:
        if 0 < len(call.data) < SELECTOR:
            yield Reason("BadLength", (number,), call=number, value=len(call.data), limit=SELECTOR)
            return
        alternatives = self._alternatives(call)
        if not alternatives:
            yield Reason("NoRule", (number, call.to, call.data[:SELECTOR].ljust(SELECTOR, b"\0")), call=number)
            return
        failures: list[Reason] = []
        for index, rule in alternatives:
            failed = list(self._failures(number, call, index, rule))
            if not failed:
                yield from self._apply(number, call, index, rule)
                return
            failures = failed + failures  # the last alternative's come first, as the module's error does
        yield from failures

    def _alternatives(self, call: Call) -> list[tuple[int, Rule]]:
        key = (call.to, call.data[:SELECTOR] if call.data else bytes(SELECTOR), not call.data)
        return [(index, rule) for index, rule in enumerate(self._policy.rules) if rule.key == key]

    def _failures(self, number: int, call: Call, index: int, rule: Rule) -> Iterator[Reason]:
        expected = 0 if rule.no_selector else SELECTOR + WORD * rule.words
        if len(call.data) != expected:
            yield Reason("BadLength", (number,), call=number, rule=index, value=len(call.data), limit=expected)
            return
        for place, clause in enumerate(rule.clauses):
            argument = _argument(call, clause.word)
            if not _holds(clause, argument, self._policy.lists):
                yield Reason(
                    "ClauseFailed",
                    (number, index, place, word(argument)),
                    call=number,
                    rule=index,
                    clause=place,
                    value=argument,
                    limit=clause.operand,
                )

    def _apply(self, number: int, call: Call, index: int, rule: Rule) -> Iterator[Reason]:
        for place, clause in enumerate(rule.clauses):
            if clause.kind is Kind.CAP:
                yield from self._cap(number, call, index, place, clause)
        for charge in rule.charges:
            amount = call.value if charge.source is Source.VALUE else _argument(call, charge.word)
            units = self._policy.budgets[charge.budget].units(amount)
            self.charges[charge.budget] = min(self.charges.get(charge.budget, 0) + units, UINT256_MAX)
        if call.value and not self._charges_value(rule):
            yield Reason("ValueNotCharged", (number,), call=number, rule=index, value=call.value, limit=0)

    def _cap(self, number: int, call: Call, index: int, place: int, clause: Clause) -> Iterator[Reason]:
        total = self._totals.get((index, place), 0) + _argument(call, clause.word)
        self._totals[index, place] = total
        if total > clause.operand:
            yield Reason(
                "OverCap",
                (index, place, min(total, UINT256_MAX)),
                call=number,
                rule=index,
                clause=place,
                value=total,
                limit=clause.operand,
            )

    def _charges_value(self, rule: Rule) -> bool:
        return any(
            charge.source is Source.VALUE and not any(self._policy.budgets[charge.budget].asset)
            for charge in rule.charges
        )


def _argument(call: Call, index: int) -> int:
    begin = SELECTOR + WORD * index
    return int.from_bytes(call.data[begin : begin + WORD], "big")


def _holds(clause: Clause, argument: int, lists: tuple[tuple[int, ...], ...]) -> bool:
    match clause.kind:
        case Kind.EQUAL:
            return argument == clause.operand
        case Kind.NOT_EQUAL:
            return argument != clause.operand
        case Kind.AT_MOST:
            return argument <= clause.operand
        case Kind.AT_LEAST:
            return argument >= clause.operand
        case Kind.IN_LIST:
            return argument in lists[clause.operand]
        case Kind.CAP:
            return True  # bounds the act's sum, see _Matching._apply


class _Budgets:
    """The budgets at a moment, beside what an act would charge them."""

    def __init__(self, policy: PolicyCode, state: PolicyState, now_s: int, charges: Mapping[int, int]) -> None:
        self._policy, self._charges = policy, charges
        self._keys = [budget.key(state.policy_id, policy.agent) for budget in policy.budgets]
        self._spent = [
            _spent(budget, state.rings.get(key, 0), now_s)
            for budget, key in zip(policy.budgets, self._keys, strict=True)
        ]

    @property
    def instant(self) -> bool:
        """Whether the act would be allowed without an objection window."""
        return all(
            units <= self._left(self._policy.budgets[index].instant_limit, index)
            for index, units in self._charges.items()
        )

    def refusals(self, mode: Mode) -> Iterator[Reason]:
        for index, units in sorted(self._charges.items()):
            budget = self._policy.budgets[index]
            left, instant_left = self._left(budget.limit, index), self._left(budget.instant_limit, index)
            if units > left:
                yield self._over("OverBudget", index, units, left)
            elif mode is Mode.EXECUTE and units > instant_left:
                yield self._over("OverInstant", index, units, instant_left)

    def headroom(self) -> Iterator[Headroom]:
        for index, budget in enumerate(self._policy.budgets):
            units = self._charges.get(index, 0)
            instant_left = max(0, self._left(budget.instant_limit, index) - units)
            yield Headroom(index, instant_left, max(0, self._left(budget.limit, index) - units))

    def _left(self, limit: int, index: int) -> int:
        return max(0, limit - self._spent[index])

    def _over(self, error: str, index: int, units: int, left: int) -> Reason:
        return Reason(error, (self._keys[index], units, left), budget=index, value=units, limit=left)


def _spent(budget: Budget, packed: int, now_s: int) -> int:
    try:
        return Ring.unpack(packed).spent(budget.segment_s, now_s)
    except ValueError as error:
        raise ClockError(f"budget {budget.label}: {error}") from error
