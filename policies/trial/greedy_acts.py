# SPDX-License-Identifier: Apache-2.0
"""What a greedy adversary can do against one budget, asked of `evaluate` once for each state of the budgets.

What `evaluate` says of an act depends on the moment (which the game looks at) and on what is left of the budgets. So
the answer for what was spent before holds whenever as much is spent, and a game of thousands of acts asks a few times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.answer.evaluate import (
    Allowed,
    Mode,
    Observation,
    Observations,
    PolicyState,
    Refused,
    amounts,
    evaluate,
)
from policies.code.call import Call
from policies.code.policy_code import PolicyCode
from policies.code.ring import Ring
from policies.trial.greedy_calls import HungryRule, hungry_rules
from policies.trial.spending import Spent

Charges = Mapping[int, int]
_POLICY_ID = bytes(32)
_PLENTY = 2**200  # base units that a contract gives back, so that no income is what stops the adversary


@dataclass(frozen=True, slots=True, eq=False)
class Act:
    """Calls that take of the wanted budget `units` at most, and what they charge (units by the budget's number).

    `takes_more`: whether the called contract takes more than the calls say. `said` is what they say, in base units.
    """

    calls: Sequence[Call]
    charges: Charges
    units: int
    takes_more: bool
    said: int


class Acts:
    """The acts that take most of budget number `index`."""

    def __init__(self, policy: PolicyCode, index: int) -> None:
        self.policy, self.index, self.budget = policy, index, policy.budgets[index]
        self._rules = hungry_rules(policy, index)
        self._instant = tuple(budget.instant_limit for budget in policy.budgets)
        asset = self.budget.asset
        self._gains = dict.fromkeys({income.asset for rule in policy.rules for income in rule.incomes}, _PLENTY)
        self._falls_count = any(budget.measured and budget.asset == asset for budget in policy.budgets)
        self._at_once: dict[Spent, Act | None] = {}
        self._announced: dict[tuple[Spent, int], Act | None] = {}
        self._released: dict[tuple[Act, Spent], Charges | None] = {}

    def at_once(self, spent: Spent) -> Act | None:
        """The act that takes most without waiting, if one takes something."""
        counted = tuple(map(min, spent, self._instant))  # what is above leaves as little: nothing
        if counted not in self._at_once:
            rooms = tuple(limit - units for limit, units in zip(self._instant, counted, strict=True))
            self._at_once[counted] = self._best(counted, Mode.EXECUTE, rooms)
        return self._at_once[counted]

    @property
    def segments_s(self) -> tuple[int, ...]:
        """The lengths of segments to whose edges a game is timed."""
        return (self.budget.segment_s,)

    def against(self, _: Act) -> "Acts":
        """The acts against the one budget that the act takes from."""
        return self

    def announced(self, spent: Spent, pending: Sequence[Act]) -> Act | None:
        """The act that takes most of what is not promised to those announced before, for when its time comes."""
        return self.beside(spent, sum(one.units for one in pending))

    def beside(self, spent: Spent, promised: int) -> Act | None:
        """The same beside so many units of the wanted budget that are promised."""
        if (spent, promised) not in self._announced:
            rooms = list(self._rooms(spent))
            rooms[self.index] -= promised
            self._announced[spent, promised] = self._best(spent, Mode.SCHEDULE, tuple(rooms))
        return self._announced[spent, promised]

    def released(self, act: Act, spent: Spent) -> Charges | None:
        """What an announced act charges now that its time has come; None where it is refused."""
        if (act, spent) not in self._released:
            observed = self.observed(act, self._rooms(spent)[self.index])
            answer = evaluate(self.policy, self._state(spent), act.calls, self.policy.start_s, Mode.RELEASE, observed)
            self._released[act, spent] = answer.charges if isinstance(answer, Allowed) else None
        return self._released[act, spent]

    def taken(self, act: Act, charges: Charges) -> int:
        """Base units that the act takes from the budget: what is charged is rounded up, what is taken is not."""
        charged = self.budget.base_units(charges.get(self.index, 0))
        return charged if act.takes_more else min(charged, act.said)

    def observed(self, act: Act, room: int) -> Observations | None:
        """What the calls of the act do where the budget has so many units left."""
        return self._fall(room, act.calls, takes_more=act.takes_more)

    def _best(self, spent: Spent, mode: Mode, rooms: Sequence[int]) -> Act | None:
        best: Act | None = None
        if rooms[self.index] < 1:
            return None
        for rule in self._rules:
            found = self._by(rule, spent, mode, rooms)
            if found and found.takes_more:
                return found
            if found and found.units > (best.units if best else 0):
                best = found
        return best

    def _by(self, rule: HungryRule, spent: Spent, mode: Mode, rooms: Sequence[int]) -> Act | None:
        """The act of one rule that takes most, or its first call alone, if that is allowed."""
        budgets = self.policy.budgets
        calls = rule.act({number: budgets[number].base_units(units) for number, units in enumerate(rooms)})
        answer = self._ask(spent, mode, rooms, calls, takes_more=rule.takes_more)
        if isinstance(answer, Refused) and len(calls) > 1:
            calls = calls[:1]
            answer = self._ask(spent, mode, rooms, calls, takes_more=rule.takes_more)
        if isinstance(answer, Refused):
            return None
        units = rooms[self.index] if rule.takes_more else answer.charges.get(self.index, 0)
        return Act(calls, answer.charges, units, rule.takes_more, self._said(calls))

    def _ask(
        self, spent: Spent, mode: Mode, rooms: Sequence[int], calls: Sequence[Call], *, takes_more: bool
    ) -> Allowed | Refused:
        observed = None if mode is Mode.SCHEDULE else self._fall(rooms[self.index], calls, takes_more=takes_more)
        return evaluate(self.policy, self._state(spent), calls, self.policy.start_s, mode, observed)

    def _fall(self, room: int, calls: Sequence[Call], *, takes_more: bool) -> Observations | None:
        """Of a measured budget: its first call takes all that is left, and gives back whatever income is demanded. Of
        one that is not, each call takes what it says, which other budgets of the asset may measure.
        """
        asset = self.budget.asset
        if not takes_more:
            if not self._falls_count:
                return None
            return Observations([Observation(changes={**self._gains, asset: -self._said([one])}) for one in calls])
        first = Observation(changes={**self._gains, asset: -self.budget.base_units(room)})
        return Observations([first, *(Observation(changes=self._gains) for _ in calls[1:])])

    def _said(self, calls: Sequence[Call]) -> int:
        return amounts(self.policy, calls).get(self.index, 0)

    def _rooms(self, spent: Spent) -> tuple[int, ...]:
        return tuple(budget.limit - units for budget, units in zip(self.policy.budgets, spent, strict=True))

    def _state(self, spent: Spent) -> PolicyState:
        """The policy's state at its start in which so much counts, and nothing but that and the act decides."""
        policy, rings = self.policy, {}
        for budget, units in zip(policy.budgets, spent, strict=True):
            ring = Ring().charged(budget.segment_s, policy.start_s, units)
            rings[budget.key(_POLICY_ID, policy.agent)] = ring.pack()
        rested_s = policy.start_s - policy.cooldown_s
        return PolicyState(_POLICY_ID, 1, 0, rested_s, policy.end_s, paused=False, rings=rings)


class ActsTogether:
    """The acts that take most of an asset, from whichever of its budgets: those against each, the largest first."""

    def __init__(self, policy: PolicyCode, asset: bytes) -> None:
        self.policy = policy
        self._each = [Acts(policy, number) for number, budget in enumerate(policy.budgets) if budget.asset == asset]
        self._owners: dict[Act, Acts] = {}

    @property
    def segments_s(self) -> tuple[int, ...]:
        """The lengths of segments to whose edges a game is timed."""
        return tuple(dict.fromkeys(one.budget.segment_s for one in self._each))

    def at_once(self, spent: Spent) -> Act | None:
        """The act that takes most without waiting, if one takes something."""
        return self._largest([(one, one.at_once(spent)) for one in self._each])

    def announced(self, spent: Spent, pending: Sequence[Act]) -> Act | None:
        """The act that takes most of what is not promised to those announced before, for when its time comes."""
        return self._largest([(one, one.beside(spent, self._promised(one, pending))) for one in self._each])

    def against(self, act: Act) -> Acts:
        """The acts against the budget that the act was found for."""
        return self._owners[act]

    def released(self, act: Act, spent: Spent) -> Charges | None:
        """What an announced act charges now that its time has come; None where it is refused."""
        return self.against(act).released(act, spent)

    def taken(self, act: Act, charges: Charges) -> int:
        """Base units of the asset that the act takes: once, however many budgets it charges."""
        return self.against(act).taken(act, charges)

    def _promised(self, acts: Acts, pending: Sequence[Act]) -> int:
        """Units of the budget of these acts that announced acts are to take, those against other budgets among them."""
        return sum(one.units if self.against(one) is acts else one.charges.get(acts.index, 0) for one in pending)

    def _largest(self, found: Sequence[tuple[Acts, Act | None]]) -> Act | None:
        best, most = None, 0
        for acts, act in found:
            if act is not None and (takes := acts.budget.base_units(act.units)) > most:
                best, most = act, takes
                self._owners[act] = acts
        return best
