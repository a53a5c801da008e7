# SPDX-License-Identifier: Apache-2.0
"""How much an agent that wants it all takes: a greedy adversary played through `evaluate`, budget by budget.

It knows the policy, times its acts to the edges of the ring's segments, fills each act up to its caps, and, where it
may be opposed, announces what goes over the part without objection while nobody objects. What it reaches is a lower
bound of the worst case; the formula beside it is an upper bound that holds for every adversary. Of a measured budget
the called contract is assumed to take all that is left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policies.answer.evaluate import (
    MAX_PENDING,
    Allowed,
    Mode,
    Observation,
    Observations,
    PolicyState,
    Refused,
    amounts,
    evaluate,
    headroom,
)
from policies.answer.state_after import next_return_s, performed, scheduled
from policies.code.call import Call
from policies.code.policy_code import PolicyCode
from policies.trial.greedy_calls import hungry_rules
from policies.words.worst_case import worst_case

MOST_ACTS = 20_000
DAY_S = 86_400
_POLICY_ID = bytes(32)
_PLENTY = 2**200  # base units that a contract gives back, so that no income is what stops the adversary


@dataclass(frozen=True, slots=True)
class Reached:
    """What one budget lost within the days, in base units, beside what the formula says can be lost at most.

    `acts` counts the acts of the harsher run, announced ones included. `complete` is False where a run was cut off
    after MOST_ACTS of them.
    """

    budget: int
    unopposed: int
    unopposed_bound: int
    in_all: int
    bound: int
    acts: int
    complete: bool


@dataclass(frozen=True, slots=True)
class _Announced:
    """An act that was scheduled, when it can be released first and when no more, and what it takes (units)."""

    calls: Sequence[Call]
    first_s: int
    end_s: int
    units: int
    takes_more: bool  # whether the called contract takes more than the calls say


def simulate(policy: PolicyCode, days: int, *, most_acts: int = MOST_ACTS) -> tuple[Reached, ...]:
    """The adversary against each budget of the policy by itself, in any `days` days of the policy's life.

    Raises ValueError for less than one day.
    """
    if days < 1:
        raise ValueError("at least one day is simulated")
    return tuple(_against(policy, index, days, most_acts) for index in range(len(policy.budgets)))


def _against(policy: PolicyCode, index: int, days: int, most_acts: int) -> Reached:
    alone = _harshest(_Game(policy, index, days * DAY_S, False, most_acts))
    both = _harshest(_Game(policy, index, days * DAY_S, True, most_acts))
    worst = max(alone, both, key=lambda run: run.taken)
    bound = worst_case(policy, days)[index]
    return Reached(
        budget=index,
        unopposed=alone.taken,
        unopposed_bound=bound.unopposed,
        in_all=worst.taken,
        bound=bound.in_all,
        acts=worst.acts,
        complete=alone.complete and both.complete,
    )


@dataclass(frozen=True, slots=True)
class _Game:
    """What is played: against which budget, for how long, whether acts are announced, and how many at most."""

    policy: PolicyCode
    index: int
    duration_s: int
    announces: bool
    most_acts: int


def _harshest(game: _Game) -> "_Run":
    runs = []
    for first_s in _beginnings(game):
        run = _Run(game, min(first_s + game.duration_s, game.policy.end_s))
        run.play(first_s)
        runs.append(run)
    return max(runs, key=lambda run: run.taken)


def _beginnings(game: _Game) -> Iterator[int]:
    """The policy's start, and when to begin so that the first fill ends in the last second of a segment."""
    policy = game.policy
    yield policy.start_s
    trial = _Run(game, policy.end_s)
    trial.fill(policy.start_s)
    segment_s = policy.budgets[game.index].segment_s
    for lead_s in {trial.filling_s, trial.filling_s + policy.objection_delay_s * game.announces}:
        last_second_s = -(-(policy.start_s + lead_s + 1) // segment_s) * segment_s - 1
        if last_second_s - lead_s < policy.end_s:
            yield last_second_s - lead_s


class _Run:
    """One game of the adversary, until `end_s`."""

    def __init__(self, game: _Game, end_s: int) -> None:
        self._policy, self._index, self._end_s = game.policy, game.index, end_s
        self._budget = self._policy.budgets[self._index]
        self._rules = hungry_rules(self._policy, self._index)
        self._announces = game.announces and bool(self._policy.objection_delay_s and self._policy.release_window_s)
        self._most_acts = game.most_acts
        self._state = PolicyState(_POLICY_ID, 1, 0, 0, self._policy.end_s, paused=False)
        self._pending: list[_Announced] = []
        self.taken = 0
        self.acts = 0
        self.filling_s = 0
        self.complete = True

    def play(self, now_s: int) -> None:
        """Acts whenever an act takes something, and waits in between for what changes next."""
        while now_s < self._end_s and self.acts < self._most_acts:
            if self._release(now_s) or self._execute(now_s) or (self._announces and self._announce(now_s)):
                continue
            following_s = self._next(now_s)
            if following_s is None:
                return
            now_s = following_s
        self.complete = now_s >= self._end_s

    def fill(self, now_s: int) -> None:
        """Only the first acts, as fast as the cooldown lets them: `filling_s` is how long they take."""
        first_s = now_s
        while now_s < self._end_s and self.acts < self._most_acts and self._execute(now_s):
            self.filling_s = now_s - first_s
            now_s += self._policy.cooldown_s

    def _execute(self, now_s: int) -> bool:
        """Whether an act at once takes something: then it is made."""
        best = self._best(now_s, Mode.EXECUTE, self._rooms(now_s, instant=True))
        if best is None:
            return False
        self._charge(best[1], best[0], now_s, released=False, takes_more=best[2])
        return True

    def _announce(self, now_s: int) -> bool:
        """Whether an act can be announced that takes what is left when its time comes: then it is."""
        waiting = [expiry_s for expiry_s in self._state.pending_expiries_s if expiry_s > now_s]
        if len(waiting) >= MAX_PENDING:
            return False
        rooms = self._rooms(now_s, instant=False)
        rooms[self._index] -= sum(act.units for act in self._pending if act.end_s > now_s) * self._budget.unit
        best = self._best(now_s, Mode.SCHEDULE, rooms)
        if best is None:
            return False
        calls, answer, takes_more = best
        first_s = now_s + self._policy.objection_delay_s
        units = rooms[self._index] // self._budget.unit if takes_more else answer.charges[self._index]
        end_s = first_s + self._policy.release_window_s
        self._pending.append(_Announced(calls, first_s, end_s, units, takes_more))
        self._state = scheduled(self._policy, self._state, now_s)
        self.acts += 1
        return True

    def _release(self, now_s: int) -> bool:
        """Whether one of the announced acts can be made now: then it is."""
        for act in self._pending:
            state = replace(self._state, release_window_s=(act.first_s, act.end_s))
            observed = self._fall(self._rooms(now_s, instant=False), act.calls, takes_more=act.takes_more)
            answer = evaluate(self._policy, state, act.calls, now_s, Mode.RELEASE, observed)
            if isinstance(answer, Allowed):
                self._pending.remove(act)
                expiries = list(self._state.pending_expiries_s)
                expiries.remove(act.end_s)
                self._state = replace(self._state, pending_expiries_s=tuple(expiries))
                self._charge(answer, act.calls, now_s, released=True, takes_more=act.takes_more)
                return True
        return False

    def _charge(self, answer: Allowed, calls: Sequence[Call], now_s: int, *, released: bool, takes_more: bool) -> None:
        self._state = performed(self._policy, self._state, answer.charges, now_s, released=released)
        charged = self._budget.base_units(answer.charges.get(self._index, 0))
        # What is charged is rounded up to whole units; what is taken is not.
        self.taken += charged if takes_more else min(charged, amounts(self._policy, calls).get(self._index, 0))
        self.acts += not released

    def _fall(self, rooms: dict[int, int], calls: Sequence[Call], *, takes_more: bool) -> Observations | None:
        """Of a measured budget: its first call takes all that is left, and gives back whatever income is demanded. Of
        one that is not, each call takes what it says, which other budgets of the asset may measure.
        """
        asset, assets = self._budget.asset, {income.asset for rule in self._policy.rules for income in rule.incomes}
        gains = dict.fromkeys(assets, _PLENTY)
        if not takes_more:
            if not any(budget.measured and budget.asset == asset for budget in self._policy.budgets):
                return None
            said = [amounts(self._policy, [call]).get(self._index, 0) for call in calls]
            return Observations([Observation(changes={**gains, asset: -amount}) for amount in said])
        first = Observation(changes={**gains, self._budget.asset: -rooms[self._index]})
        return Observations([first, *(Observation(changes=gains) for _ in calls[1:])])

    def _rooms(self, now_s: int, *, instant: bool) -> dict[int, int]:
        """What each budget has left, in base units."""
        return {
            left.budget: self._policy.budgets[left.budget].base_units(left.instant_units if instant else left.units)
            for left in headroom(self._policy, self._state, now_s)
        }

    def _best(self, now_s: int, mode: Mode, rooms: dict[int, int]) -> tuple[list[Call], Allowed, bool] | None:
        """The act of one rule that takes most of the budget, if any is allowed that takes something, and whether the
        called contract takes more than the act says.
        """
        best: tuple[list[Call], Allowed, bool] | None = None
        if rooms[self._index] < self._budget.unit:
            return None
        for rule in self._rules:
            calls = rule.act(rooms)
            more = rule.takes_more
            answer = self._ask(now_s, mode, rooms, calls, takes_more=more)
            if isinstance(answer, Refused) and len(calls) > 1:
                calls = calls[:1]
                answer = self._ask(now_s, mode, rooms, calls, takes_more=more)
            if isinstance(answer, Refused):
                continue
            if more:
                return calls, answer, more
            if answer.charges.get(self._index, 0) > (best[1].charges.get(self._index, 0) if best else 0):
                best = calls, answer, more
        return best

    def _ask(
        self, now_s: int, mode: Mode, rooms: dict[int, int], calls: Sequence[Call], *, takes_more: bool
    ) -> Allowed | Refused:
        observed = None if mode is Mode.SCHEDULE else self._fall(rooms, calls, takes_more=takes_more)
        return evaluate(self._policy, self._state, calls, now_s, mode, observed)

    def _next(self, now_s: int) -> int | None:
        """The next moment at which more could be possible."""
        moments = [self._state.last_act_s + self._policy.cooldown_s]
        moments += [moment for act in self._pending for moment in (act.first_s, act.end_s)]
        moments += list(self._state.pending_expiries_s)
        for budget in self._policy.budgets:
            packed = self._state.rings.get(budget.key(self._state.policy_id, self._policy.agent), 0)
            returns_s = next_return_s(budget, packed, now_s)
            moments += [] if returns_s is None else [returns_s]
        return min((moment for moment in moments if moment > now_s), default=None)
