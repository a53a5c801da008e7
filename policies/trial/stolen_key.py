# SPDX-License-Identifier: Apache-2.0
"""How much an agent that wants it all takes: a greedy adversary played through `evaluate`, budget by budget.

It knows the policy, times its acts to the edges of the ring's segments, fills each act up to its caps, and, where it
may be opposed, announces what goes over the part without objection while nobody objects. What it reaches is a lower
bound of the worst case; the formula beside it is an upper bound that holds for every adversary. Of a measured budget
the called contract is assumed to take all that is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from policies.answer.evaluate import MAX_PENDING, MAX_TIME_S
from policies.code.policy_code import PolicyCode
from policies.trial.greedy_acts import Act, Acts, ActsTogether, Charges
from policies.trial.spending import Spending
from policies.words.worst_case import charges_of, in_all, unopposed, worst_case

MOST_ACTS = 20_000
DAY_S = 86_400


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
class ReachedTogether:
    """The same of one asset, from all the budgets that count it together."""

    asset: bytes
    unopposed: int
    unopposed_bound: int
    in_all: int
    bound: int
    acts: int
    complete: bool


def simulate(policy: PolicyCode, days: int, *, most_acts: int = MOST_ACTS) -> tuple[Reached, ...]:
    """The adversary against each budget of the policy by itself, in any `days` days of the policy's life.

    Raises ValueError for less than one day.
    """
    _at_least_a_day(days)
    return tuple(_against(policy, index, days, most_acts) for index in range(len(policy.budgets)))


def simulate_together(policy: PolicyCode, days: int, *, most_acts: int = MOST_ACTS) -> tuple[ReachedTogether, ...]:
    """The adversary against each asset that several budgets count, in any `days` days of the policy's life.

    Raises ValueError for less than one day.
    """
    _at_least_a_day(days)
    counted = [budget.asset for budget in policy.budgets]
    return tuple(
        _together(policy, asset, days, most_acts) for asset in dict.fromkeys(counted) if counted.count(asset) > 1
    )


def _at_least_a_day(days: int) -> None:
    if days < 1:
        raise ValueError("at least one day is simulated")


def _against(policy: PolicyCode, index: int, days: int, most_acts: int) -> Reached:
    alone, worst, complete = _played(Acts(policy, index), days, most_acts)
    bound = worst_case(policy, days)[index]
    return Reached(index, alone.taken, bound.unopposed, worst.taken, bound.in_all, worst.acts, complete)


def _together(policy: PolicyCode, asset: bytes, days: int, most_acts: int) -> ReachedTogether:
    alone, worst, complete = _played(ActsTogether(policy, asset), days, most_acts)
    duration_s, chosen = min(days * DAY_S, policy.end_s - policy.start_s), charges_of(policy, asset)
    return ReachedTogether(
        asset,
        alone.taken,
        unopposed(policy, chosen, duration_s),
        worst.taken,
        in_all(policy, chosen, duration_s),
        worst.acts,
        complete,
    )


def _played(acts: Acts | ActsTogether, days: int, most_acts: int) -> tuple["_Run", "_Run", bool]:
    """The harshest game without announcements, the harshest of all, and whether none was cut off."""
    policy = acts.policy
    alone = _harshest(_Game(acts, days * DAY_S, False, most_acts))
    announces = bool(policy.objection_delay_s and policy.release_window_s)
    both = _harshest(_Game(acts, days * DAY_S, True, most_acts)) if announces else alone
    return alone, max(alone, both, key=lambda run: run.taken), alone.complete and both.complete


@dataclass(frozen=True, slots=True)
class _Game:
    """What is played: by which acts, for how long, whether some are announced, and how many are made at most."""

    acts: Acts | ActsTogether
    duration_s: int
    announces: bool
    most_acts: int


@dataclass(frozen=True, slots=True)
class _Announced:
    """An act that was scheduled, when it can be released first and when no more."""

    act: Act
    first_s: int
    end_s: int


def _harshest(game: _Game) -> "_Run":
    runs = []
    for first_s in _beginnings(game):
        run = _Run(game, min(first_s + game.duration_s, game.acts.policy.end_s))
        run.play(first_s)
        runs.append(run)
    return max(runs, key=lambda run: run.taken)


def _beginnings(game: _Game) -> Sequence[int]:
    """The policy's start, and when to begin so that the first fill ends in the last second of a segment."""
    policy = game.acts.policy
    trial = _Run(game, policy.end_s)
    trial.fill(policy.start_s)
    found = [policy.start_s]
    for segment_s in game.acts.segments_s:
        for lead_s in (trial.filling_s, trial.filling_s + policy.objection_delay_s * game.announces):
            last_second_s = -(-(policy.start_s + lead_s + 1) // segment_s) * segment_s - 1
            if last_second_s - lead_s < policy.end_s:
                found.append(last_second_s - lead_s)
    return list(dict.fromkeys(found))


class _Run:
    """One game of the adversary, until `end_s`."""

    def __init__(self, game: _Game, end_s: int) -> None:
        self._acts, self._announces, self._most_acts = game.acts, game.announces, game.most_acts
        self._policy, self._end_s = game.acts.policy, end_s
        self._spending = Spending(self._policy.budgets)
        self._ready_s = self._policy.cooldown_s  # the chain counts from second 0 before the first act
        self._pending: list[_Announced] = []
        self.taken = 0
        self.acts = 0
        self.filling_s = 0
        self.complete = True

    def play(self, now_s: int) -> None:
        """Acts whenever an act takes something, and waits in between for what changes next."""
        while now_s < self._end_s and self.acts < self._most_acts:
            self._spending.turn(now_s)
            if self._release(now_s) or self._execute(now_s) or (self._announces and self._announce(now_s)):
                continue
            now_s = self._next(now_s)
        self.complete = now_s >= self._end_s

    def fill(self, now_s: int) -> None:
        """Only the first acts, as fast as the cooldown lets them: `filling_s` is how long they take."""
        first_s = now_s
        while now_s < self._end_s and self.acts < self._most_acts:
            self._spending.turn(now_s)
            if not self._execute(now_s):
                return
            self.filling_s = now_s - first_s
            now_s += self._policy.cooldown_s

    def _execute(self, now_s: int) -> bool:
        """Whether an act at once takes something: then it is made."""
        if now_s < self._ready_s:
            return False
        act = self._acts.at_once(self._spending.spent)
        if act is None:
            return False
        self._charge(act, act.charges, now_s)
        self._made(now_s)
        return True

    def _announce(self, now_s: int) -> bool:
        """Whether an act can be announced that takes what is left when its time comes: then it is."""
        first_s = now_s + self._policy.objection_delay_s
        end_s = first_s + self._policy.release_window_s
        self._pending = [one for one in self._pending if one.end_s > now_s]
        if now_s < self._ready_s or len(self._pending) >= MAX_PENDING:
            return False
        if first_s >= self._policy.end_s or end_s > MAX_TIME_S:
            return False
        act = self._acts.announced(self._spending.spent, [one.act for one in self._pending])
        if act is None:
            return False
        self._pending.append(_Announced(act, first_s, end_s))
        self._made(now_s)
        return True

    def _release(self, now_s: int) -> bool:
        """Whether one of the announced acts can be made now: then it is."""
        for one in self._pending:
            if not one.first_s <= now_s < one.end_s:
                continue
            charges = self._acts.released(one.act, self._spending.spent)
            if charges is not None:
                self._pending.remove(one)
                self._charge(one.act, charges, now_s)
                return True
        return False

    def _made(self, now_s: int) -> None:
        self._ready_s = now_s + self._policy.cooldown_s
        self.acts += 1

    def _charge(self, act: Act, charges: Charges, now_s: int) -> None:
        self._spending.charge(charges, now_s)
        self.taken += self._acts.taken(act, charges)

    def _next(self, now_s: int) -> int:
        """The next moment at which more could be possible, past every clock where there is none."""
        moments = [self._ready_s, self._spending.next_return_s]
        moments += [moment for one in self._pending for moment in (one.first_s, one.end_s)]
        return min(moment for moment in moments if moment > now_s)
