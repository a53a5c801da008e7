# SPDX-License-Identifier: Apache-2.0
"""A policy held against payments that were made before it: what it would have refused, and how full its budgets got.

The policy's own start and end are left aside (a history lies before the policy that is tested on it); cooldown, rules,
caps and budgets hold as on the chain. Calls of one moment are one act: all of it passes, or nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby, pairwise

from policies.answer.evaluate import Allowed, Condition, Mode, Observations, PolicyState, Reason, evaluate
from policies.answer.state_after import MOST_END_S, performed
from policies.code.call import Call
from policies.code.policy_code import PolicyCode
from policies.code.ring import BUCKET_MAX
from policies.trial.history import PastCall, Transfer

_ANY_POLICY_ID = bytes(32)  # rings are told apart by it, and here is only one policy


class Verdict(Enum):
    """What the policy says to a past act."""

    AT_ONCE = "at once"
    ANNOUNCED = "after an objection window"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PastAct:
    """Calls that were made together at `time_s`; `origin` says where they were found.

    `observed` is what they did, where that is known: without it nothing counts that no argument shows.
    """

    time_s: int
    calls: tuple[Call, ...]
    origin: str
    observed: Observations | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one act; `reasons` are why it is refused.

    `conditions` are what the verdict depends on and the history does not tell: what came in, what measured budgets
    counted, what was left of an allowance. That a call answered true is no such condition, for it was made.
    """

    act: PastAct
    verdict: Verdict
    reasons: tuple[Reason, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """The interval [from_s, from_s + period) in which most was charged, and how many units."""

    from_s: int
    units: int


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The fullest period of a budget: of what the policy lets through, and of all that its rules would charge.

    `asked` is the limit that the history would have needed, as far as rules and caps permit its acts.
    """

    budget: int
    permitted: Window
    asked: Window


@dataclass(frozen=True, slots=True)
class Backtest:
    outcomes: tuple[Outcome, ...]
    budgets: tuple[BudgetUse, ...]

    def count(self, verdict: Verdict) -> int:
        return sum(outcome.verdict is verdict for outcome in self.outcomes)


def acts_of(transfers: Iterable[Transfer | PastCall]) -> tuple[PastAct, ...]:
    """Payments and calls of the same second as one act, in order of time."""
    ordered = sorted(transfers, key=lambda transfer: transfer.time_s)
    acts = []
    for time_s, group in groupby(ordered, key=lambda transfer: transfer.time_s):
        together = tuple(group)
        more = f" and {len(together) - 1} more" if len(together) > 1 else ""
        acts.append(PastAct(time_s, tuple(transfer.call for transfer in together), together[0].origin + more))
    return tuple(acts)


def backtest(policy: PolicyCode, acts: Sequence[PastAct]) -> Backtest:
    """What the policy would have said to the acts, one after the other, had it always been in force.

    A refused act is taken as not made. An act that fits the limit and not the part without objection counts as
    announced in time. Raises ValueError where acts are not in order of time.
    """
    if any(later.time_s < earlier.time_s for earlier, later in pairwise(acts)):
        raise ValueError("the acts are not in order of time")
    always = replace(policy, start_s=0, end_s=MOST_END_S)
    state = PolicyState(_ANY_POLICY_ID, 1, 0, 0, MOST_END_S, paused=False)
    outcomes: list[Outcome] = []
    permitted: list[list[tuple[int, int]]] = [[] for _ in policy.budgets]
    asked: list[list[tuple[int, int]]] = [[] for _ in policy.budgets]
    for act in acts:
        _note(asked, act.time_s, _roomy_charges(always, act))
        answer = evaluate(always, state, act.calls, act.time_s, Mode.EXECUTE, act.observed)
        verdict = Verdict.AT_ONCE
        if not isinstance(answer, Allowed) and all(reason.error == "OverInstant" for reason in answer.reasons):
            answer = evaluate(always, state, act.calls, act.time_s, Mode.RELEASE, act.observed)
            verdict = Verdict.ANNOUNCED
        if isinstance(answer, Allowed):
            state = performed(always, state, answer.charges, act.time_s)
            _note(permitted, act.time_s, answer.charges.items())
            told = tuple(one for one in answer.conditions if one.error != "NotTrue")
            outcomes.append(Outcome(act, verdict, (), told))
        else:
            outcomes.append(Outcome(act, Verdict.REFUSED, answer.reasons))
    uses = [
        BudgetUse(index, fullest(permitted[index], budget.period_s), fullest(asked[index], budget.period_s))
        for index, budget in enumerate(policy.budgets)
    ]
    return Backtest(tuple(outcomes), tuple(uses))


def fullest(charges: Sequence[tuple[int, int]], period_s: int) -> Window:
    """The half-open interval of one period in which the (time, units) charges, in order of time, sum to most."""
    best, total, first = Window(0, 0), 0, 0
    for time_s, units in charges:
        total += units
        while charges[first][0] <= time_s - period_s:
            total -= charges[first][1]
            first += 1
        if total > best.units:
            best = Window(charges[first][0], total)
    return best


def _note(into: list[list[tuple[int, int]]], time_s: int, charges: Iterable[tuple[int, int]]) -> None:
    for budget, units in charges:
        into[budget].append((time_s, units))


def _roomy_charges(policy: PolicyCode, act: PastAct) -> Iterable[tuple[int, int]]:
    """What the act would charge if no budget were ever full; nothing where a rule or cap refuses it."""
    roomy = tuple(replace(budget, limit=BUCKET_MAX, instant_limit=BUCKET_MAX) for budget in policy.budgets)
    fresh = PolicyState(_ANY_POLICY_ID, 1, 0, 0, MOST_END_S, paused=False)
    unhurried = replace(policy, budgets=roomy, cooldown_s=0)
    answer = evaluate(unhurried, fresh, act.calls, act.time_s, Mode.EXECUTE, act.observed)
    return answer.charges.items() if isinstance(answer, Allowed) else ()
