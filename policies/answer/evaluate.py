# SPDX-License-Identifier: Apache-2.0
"""What the policy module would answer to an act, with every reason and the headroom left.

Pure: policy, state and clock in, answer out. The first reason of a refusal is the module's own custom error with the
same values; tests/policies/test_differential.py holds the two against each other on generated acts.

What only the calls themselves show (that they succeed, how far balances fall and rise, which allowance is left) is
either stated as conditions that an answer leaves open, or given as `Observations`, of an act that was simulated or
made. Not looked at is the agent's envelope: its key, the pinned code, the act's number and its decision hash.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from policies.code.arguments import SELECTOR, Arguments, read
from policies.code.call import Call
from policies.code.policy_code import ETHER_ASSET, Budget, Charge, Clause, Kind, PolicyCode, Rule, Source
from policies.code.ring import INDEX_MAX, Ring
from policies.notation.primitives import UINT256_MAX, word

MAX_PENDING = 4
MAX_TIME_S = 2**32 - 1


class Mode(Enum):
    """What the agent asks of the module."""

    EXECUTE = "execute"
    SCHEDULE = "schedule"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class PolicyState:
    """What the module has stored for the policy. `end_s` is the end in force (a policy can be shortened).

    `rings` holds the packed ring word of each budget key that was ever charged. `quiet_until_s` is when scheduling is
    possible again after a killed act; `pending_expiries_s` are the expiries of the acts that are pending;
    `release_window_s` is, for RELEASE, when the act may be released first, and when no more; `void` is, for RELEASE,
    whether the policy was replaced or a pause came since the act was scheduled.
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
    void: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """What a call did. `reverted` is the reason it gave, if it failed.

    `changes` are how far the treasury's balances rose (or, below zero, fell), in base units by asset, ether by the zero
    address; what is not named did not change.
    """

    reverted: bytes | None = None
    is_true: bool = True
    changes: Mapping[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observations:
    """What the calls of an act did, in order; `allowances` are those left at its end, by token and spender."""

    calls: Sequence[Observation]
    allowances: Mapping[tuple[bytes, bytes], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an act is refused. `error` and `arguments` are the module's custom error (docs of IPolicyModule).

    `call`, `rule`, `clause`, `income` and `budget` are places in the act and in the policy, from 0, and `element` that
    of the failing element in an array; `value` is what was asked and `limit` what is permitted (words for clauses,
    units for budgets, base units for incomes, seconds for times).
    """

    error: str
    arguments: tuple[int | bytes, ...] = ()
    call: int | None = None
    rule: int | None = None
    clause: int | None = None
    element: int | None = None
    income: int | None = None
    budget: int | None = None
    value: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """What an answer leaves open because only the calls show it; `error` is what the module answers if it doesn't hold.

    NotTrue: call `call` must return true. TooLittleIncome: it must bring in at least `amount` base units of `asset`,
    and more in proportion if the asset of the budget `budget` falls by more than is charged. OverInstant or OverBudget:
    over the whole act the treasury's balance of `asset` may fall by at most `amount` base units. AllowanceLeft: of
    `asset` no allowance may be left for `spender`. Besides, every call must succeed.
    """

    error: str
    call: int | None = None
    asset: bytes = ETHER_ASSET
    budget: int | None = None
    amount: int = 0
    spender: bytes = b""


@dataclass(frozen=True, slots=True)
class Headroom:
    """What a budget has left after the act, in units: at once, and with an objection window."""

    budget: int
    instant_units: int
    units: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """The module would do it. `band` is "instant" or "objection"; `charges` are units by the budget's number.

    `conditions` is what is left open: empty where the calls were observed.
    """

    band: str
    charges: Mapping[int, int]
    headroom: tuple[Headroom, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The module would revert, with the first of the reasons."""

    reasons: tuple[Reason, ...]


class ClockError(ValueError):
    """The clock stands before a budget's newest charge, which no chain's clock does."""


def evaluate(
    policy: PolicyCode,
    state: PolicyState,
    calls: Sequence[Call],
    now_s: int,
    mode: Mode,
    observed: Observations | None = None,
) -> Allowed | Refused:
    """The module's answer to the act at chain time `now_s`.

    In every mode an act that fits the whole limits but not what may be spent at once is of band "objection"; EXECUTE
    refuses it with OverInstant, SCHEDULE and RELEASE allow it. Scheduling observes nothing: `observed` is for the other
    two. Raises ClockError when `now_s` lies before the state.
    """
    budgets = _Budgets(policy, state, now_s)
    matching = _Matching(policy)
    reasons = [*_moment(policy, state, now_s, mode)]
    if not calls:
        reasons.append(Reason("NoCalls"))
    for number, call in enumerate(calls):
        reasons.extend(matching.check(number, call))
    charged = matching.amounts
    reasons.extend(budgets.refusals(charged, mode))
    if mode is Mode.SCHEDULE:
        reasons.extend(_docket(policy, state, now_s))
    if reasons:
        return Refused(tuple(reasons))
    conditions: tuple[Condition, ...] = ()
    if observed is None:
        conditions = tuple(_conditions(policy, budgets, matching, mode))
    elif mode is not Mode.SCHEDULE:
        charged, reasons = _settled(policy, budgets, matching, observed, mode)
        if reasons:
            return Refused(tuple(reasons))
    return Allowed(
        "instant" if budgets.instant(charged) else "objection",
        budgets.units(charged),
        tuple(budgets.headroom(charged)),
        conditions,
    )


def headroom(policy: PolicyCode, state: PolicyState, now_s: int) -> tuple[Headroom, ...]:
    """What each budget has left at `now_s`, in units. Raises ClockError."""
    return tuple(_Budgets(policy, state, now_s).headroom({}))


def amounts(policy: PolicyCode, calls: Sequence[Call]) -> Mapping[int, int]:
    """What the calls say that they take from each budget, in base units and not rounded, whether or not they may."""
    matching = _Matching(policy)
    for number, call in enumerate(calls):
        tuple(matching.check(number, call))
    return matching.amounts


# When


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


def _release_moment(state: PolicyState, now_s: int) -> Iterator[Reason]:
    if state.void or now_s >= state.end_s:
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
    releasable_s = now_s + policy.objection_delay_s
    if now_s < state.end_s <= releasable_s:  # where the policy has ended already, that is said
        yield Reason("EndsTooSoon", (releasable_s, state.end_s), value=releasable_s, limit=state.end_s)
    if now_s + policy.objection_delay_s + policy.release_window_s > MAX_TIME_S:
        yield Reason("BadTime")
    if now_s < state.quiet_until_s:
        yield Reason("Quiet", (state.quiet_until_s,), value=now_s, limit=state.quiet_until_s)
    waiting = [expiry for expiry in state.pending_expiries_s if expiry > now_s]
    if len(waiting) >= MAX_PENDING:
        yield Reason("TooManyPending", (min(waiting),), value=len(waiting), limit=min(waiting))


# Which rule, and what it charges


@dataclass(frozen=True, slots=True)
class _Matched:
    """A call under its rule; `amounts` is what it charges by itself, in base units by the budget's number."""

    number: int
    call: Call
    rule: Rule
    arguments: Arguments
    amounts: Mapping[int, int]


class _Matching:
    """Checks calls in order: finds each one's rule, counts the rule's caps and collects what is charged."""

    def __init__(self, policy: PolicyCode) -> None:
        self._policy = policy
        self._left: dict[tuple[int, int], int] = {}
        self.matched: list[_Matched] = []
        self.amounts: dict[int, int] = {}

    def check(self, number: int, call: Call) -> Iterator[Reason]:
        if 0 < len(call.data) < SELECTOR:
            yield Reason("BadCalldata", (number,), call=number, value=len(call.data), limit=SELECTOR)
            return
        selector = call.data[:SELECTOR].ljust(SELECTOR, b"\0")
        failures: list[Reason] = []
        for index, rule in self._policy.alternatives.get((call.to, selector, not call.data), ()):
            arguments = read(rule, call.data)
            failed = [*_failures(self._policy, number, index, rule, arguments)]
            if arguments is not None and not failed:
                yield from self._apply(number, call, index, arguments)
                return
            failures = failed + failures  # the last alternative's come first, as the module's error does
        yield from failures or [Reason("NoRule", (number, call.to, selector), call=number)]

    def _apply(self, number: int, call: Call, index: int, arguments: Arguments) -> Iterator[Reason]:
        rule = arguments.rule
        for place, clause in enumerate(rule.clauses):
            if clause.kind is Kind.CAP:
                yield from self._cap(number, index, place, clause, arguments)
        amounts = {charge.budget: _amount(charge, call, arguments) for charge in rule.charges}
        for budget, amount in amounts.items():
            self.amounts[budget] = _saturated(self.amounts.get(budget, 0) + amount)
        self.matched.append(_Matched(number, call, rule, arguments, amounts))
        if call.value_wei and not any(charge.source is Source.VALUE for charge in rule.charges):
            yield Reason("ValueNotCharged", (number,), call=number, rule=index, value=call.value_wei, limit=0)

    def _cap(self, number: int, index: int, place: int, clause: Clause, arguments: Arguments) -> Iterator[Reason]:
        left = self._left.get((index, place), clause.operand)
        amount = _saturated(sum(arguments.values(clause.word, clause.column)))
        self._left[index, place] = max(0, left - amount)
        if amount > left:
            yield Reason(
                "OverCap",
                (number, index, place, amount, left),
                call=number,
                rule=index,
                clause=place,
                value=amount,
                limit=left,
            )


def _failures(policy: PolicyCode, number: int, index: int, rule: Rule, arguments: Arguments | None) -> Iterator[Reason]:
    """Why the rule doesn't fit the call: the form, or the first failing value of every failing clause."""
    if arguments is None:
        yield Reason("BadCalldata", (number,), call=number, rule=index)
        return
    for place, clause in enumerate(rule.clauses):
        if clause.kind is Kind.CAP:
            continue
        for element, value in enumerate(arguments.values(clause.word, clause.column)):
            if not holds(clause, value, policy.members):
                yield Reason(
                    "ClauseFailed",
                    (number, index, place, word(value)),
                    call=number,
                    rule=index,
                    clause=place,
                    element=element,
                    value=value,
                    limit=clause.operand,
                )
                break


def holds(clause: Clause, value: int, members: tuple[frozenset[int], ...]) -> bool:
    """Whether a clause holds for one value; `members` are the policy's lists. A cap bounds no value by itself."""
    match clause.kind:
        case Kind.EQUAL:
            return value == clause.operand
        case Kind.NOT_EQUAL:
            return value != clause.operand
        case Kind.AT_MOST:
            return value <= clause.operand
        case Kind.AT_LEAST:
            return value >= clause.operand
        case Kind.IN_LIST:
            return value in members[clause.operand]
        case Kind.CAP:
            return True  # bounds the act's sum, see _Matching._cap


def _amount(charge: Charge, call: Call, arguments: Arguments) -> int:
    if charge.source is Source.VALUE:
        return call.value_wei
    return _saturated(sum(arguments.values(charge.word, charge.column)))


def _saturated(amount: int) -> int:
    """Sums stop at what a word holds, as the module's do: far above any limit, they stay above it."""
    return min(amount, UINT256_MAX)


# Budgets


class _Budgets:
    """The budgets at a moment. Amounts that are charged are base units by the budget's number."""

    def __init__(self, policy: PolicyCode, state: PolicyState, now_s: int) -> None:
        self._budgets = policy.budgets
        self._keys = [budget.key(state.policy_id, policy.agent) for budget in policy.budgets]
        self._spent = [
            _spent(budget, state.rings.get(key, 0), now_s)
            for budget, key in zip(policy.budgets, self._keys, strict=True)
        ]
        # Past the last segment that a ring can count (2106 at the earliest) nothing can be charged, so nothing is left.
        self._counts = [now_s // budget.segment_s <= INDEX_MAX for budget in policy.budgets]

    def units(self, amounts: Mapping[int, int]) -> dict[int, int]:
        """What is charged, in whole units, of the budgets that are charged with at least one."""
        return {index: self._budgets[index].units(amount) for index, amount in sorted(amounts.items()) if amount}

    def instant(self, amounts: Mapping[int, int]) -> bool:
        """Whether that would be allowed without an objection window."""
        return all(units <= self._instant_left(index) for index, units in self.units(amounts).items())

    def refusals(self, amounts: Mapping[int, int], mode: Mode) -> Iterator[Reason]:
        for index, units in self.units(amounts).items():
            left, instant_left = self._left(index), self._instant_left(index)
            if not self._counts[index]:
                yield Reason("BadTime", budget=index)
            elif units > left:
                yield self._over("OverBudget", index, units, left)
            elif mode is Mode.EXECUTE and units > instant_left:
                yield self._over("OverInstant", index, units, instant_left)

    def headroom(self, amounts: Mapping[int, int]) -> Iterator[Headroom]:
        charged = self.units(amounts)
        for index in range(len(self._budgets)):
            units = charged.get(index, 0)
            yield Headroom(index, max(0, self._instant_left(index) - units), max(0, self._left(index) - units))

    def may_fall(self, index: int, mode: Mode) -> int:
        """The most that the act may charge the budget, in base units."""
        units = self._instant_left(index) if mode is Mode.EXECUTE else self._left(index)
        return self._budgets[index].base_units(units)

    def _left(self, index: int) -> int:
        return max(0, self._budgets[index].limit - self._spent[index]) if self._counts[index] else 0

    def _instant_left(self, index: int) -> int:
        return max(0, self._budgets[index].instant_limit - self._spent[index]) if self._counts[index] else 0

    def _over(self, error: str, index: int, units: int, left: int) -> Reason:
        return Reason(error, (self._keys[index], units, left), budget=index, value=units, limit=left)


def _spent(budget: Budget, packed: int, now_s: int) -> int:
    try:
        return Ring.unpack(packed).spent(budget.segment_s, now_s) if packed else 0
    except ValueError as error:
        raise ClockError(f"budget {budget.label}: {error}") from error


# What only the calls show


def _conditions(policy: PolicyCode, budgets: _Budgets, matching: _Matching, mode: Mode) -> Iterator[Condition]:
    """What must turn out so, in the order in which the module looks at it."""
    for matched in matching.matched:
        if matched.rule.must_return_true:
            yield Condition("NotTrue", matched.number, matched.call.to)
        for income in matched.rule.incomes:
            least = income.least(matched.amounts.get(income.budget, 0))
            yield Condition("TooLittleIncome", matched.number, income.asset, income.budget, least)
    for index, budget in enumerate(policy.budgets):
        if budget.measured:
            error = "OverInstant" if mode is Mode.EXECUTE else "OverBudget"
            yield Condition(error, None, budget.asset, index, budgets.may_fall(index, mode))
    for matched in matching.matched:
        if matched.rule.approval:
            yield Condition("AllowanceLeft", matched.number, matched.call.to, spender=_spender(matched))


def _spender(matched: _Matched) -> bytes:
    (value,) = matched.arguments.values(0, 0)
    return word(value)[12:]


def _settled(
    policy: PolicyCode, budgets: _Budgets, matching: _Matching, observed: Observations, mode: Mode
) -> tuple[dict[int, int], list[Reason]]:
    """What the act charges in the end, in base units, and why it is refused after its calls."""
    falls: dict[int, int] = {}
    reasons: list[Reason] = []
    for matched, observation in zip(matching.matched, observed.calls, strict=True):
        reasons.extend(_call_refusals(matched, observation))
        charged = dict(matched.amounts)
        for index, fall in _falls(policy, observation):
            beyond = max(0, fall - charged.get(index, 0))
            falls[index] = _saturated(falls.get(index, 0) + beyond)
            charged[index] = max(fall, charged.get(index, 0))
        reasons.extend(_income_refusals(matched, observation, charged))
    amounts = dict(matching.amounts)
    for index, fall in falls.items():
        amounts[index] = _saturated(amounts.get(index, 0) + fall)
    fallen = {index: amounts[index] for index, fall in falls.items() if fall}
    reasons.extend(budgets.refusals(fallen, mode))
    reasons.extend(_allowance_refusals(matching, observed))
    return amounts, reasons


def _falls(policy: PolicyCode, observation: Observation) -> Iterator[tuple[int, int]]:
    """How far the treasury's balance of each measured budget's asset fell during the call."""
    for index, budget in enumerate(policy.budgets):
        if budget.measured:
            yield index, max(0, -observation.changes.get(budget.asset, 0))


def _call_refusals(matched: _Matched, observation: Observation) -> Iterator[Reason]:
    if observation.reverted is not None:
        yield Reason("CallFailed", (matched.number, observation.reverted), call=matched.number)
    elif matched.rule.must_return_true and not observation.is_true:
        yield Reason("NotTrue", (matched.number,), call=matched.number)


def _income_refusals(matched: _Matched, observation: Observation, charged: Mapping[int, int]) -> Iterator[Reason]:
    for place, income in enumerate(matched.rule.incomes):
        risen = max(0, observation.changes.get(income.asset, 0))
        least = _saturated(income.least(charged.get(income.budget, 0)))
        if risen < least:
            yield Reason(
                "TooLittleIncome",
                (matched.number, income.asset, risen, least),
                call=matched.number,
                income=place,
                budget=income.budget,
                value=risen,
                limit=least,
            )


def _allowance_refusals(matching: _Matching, observed: Observations) -> Iterator[Reason]:
    for matched in matching.matched:
        if not matched.rule.approval:
            continue
        spender = _spender(matched)
        left = observed.allowances.get((matched.call.to, spender), 0)
        if left:
            yield Reason("AllowanceLeft", (matched.number, spender, left), call=matched.number, value=left, limit=0)
