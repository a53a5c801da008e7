# SPDX-License-Identifier: Apache-2.0
"""The greedy adversary: never above the formula, and on plain policies exactly at it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings

from policies.answer.evaluate import Allowed, Mode, PolicyState, evaluate, headroom
from policies.answer.state_after import performed, scheduled
from policies.code.policy_code import Budget, Charge, Clause, Dynamic, Kind, PolicyCode, Rule, Scope, Source
from policies.trial import stolen_key as simulate_module
from policies.trial.greedy_acts import Act, Charges
from policies.trial.spending import Spending
from policies.trial.stolen_key import _Game, _Run, simulate, simulate_together
from tests.policies.maker import Maker
from tests.policies.strategies import AGENT, OPERATOR, policies

TOKEN = b"\x70" * 20
START_S = 2_000_000_000 // 3600 * 3600
DAY_S = 86_400


def plain_policy(**changes: object) -> PolicyCode:
    """12 units in any 24 days, 6 of them at once, by transfers to one of two people."""
    budget = Budget(Scope.POLICY, TOKEN, 3, 24 * DAY_S, 6, 12, b"pay".ljust(32, b"\0"))
    clauses = (Clause(0, Kind.IN_LIST, 0),)
    rule = Rule(TOKEN, bytes.fromhex("a9059cbb"), False, True, 2, clauses, (Charge(0, Source.ARGUMENT, 1),))
    policy = PolicyCode(
        AGENT, OPERATOR, START_S, START_S + 400 * DAY_S, 0, 2 * DAY_S, 5 * DAY_S, 500, bytes(32), (budget,),
        ((1, 2),), (rule,),
    )  # fmt: skip
    return replace(policy, **changes)


@pytest.mark.parametrize(("days", "periods"), [(1, 1), (24, 1), (25, 2), (30, 2), (60, 3), (365, 14)])
def test_reaches_the_bound_of_a_plain_policy(days: int, periods: int) -> None:
    (reached,) = simulate(plain_policy(), days)
    assert reached.unopposed == reached.unopposed_bound == 6_000 * periods
    assert reached.complete


def test_announcing_reaches_the_whole_limit() -> None:
    (reached,) = simulate(plain_policy(), 60)
    assert (reached.in_all, reached.bound) == (36_000, 36_000)
    (alone,) = simulate(plain_policy(objection_delay_s=0, release_window_s=0), 60)
    assert alone.in_all == alone.unopposed == 18_000


def test_a_cap_makes_more_acts_and_takes_no_less() -> None:
    policy = plain_policy(cooldown_s=600)
    rule = policy.rules[0]
    capped = replace(rule, clauses=(*rule.clauses, Clause(1, Kind.CAP, 1_000)))
    (reached,) = simulate(replace(policy, rules=(capped,)), 30)
    assert reached.unopposed == reached.unopposed_bound == 12_000
    assert reached.acts >= 12


def test_what_no_clause_permits_is_not_taken() -> None:
    policy = plain_policy()
    rule = policy.rules[0]
    impossible = replace(rule, clauses=(Clause(0, Kind.AT_LEAST, 3), Clause(0, Kind.AT_MOST, 2)))
    (reached,) = simulate(replace(policy, rules=(impossible,)), 30)
    assert (reached.unopposed, reached.in_all, reached.acts) == (0, 0, 0)


def test_a_measured_budget_is_emptied_by_any_rule() -> None:
    policy = plain_policy()
    measured = replace(policy.budgets[0], measured=True)
    harmless = Rule(TOKEN, b"\1\2\3\4", False, False, 0, (), ())
    (reached,) = simulate(replace(policy, budgets=(measured,), rules=(harmless,)), 30)
    assert reached.unopposed == reached.unopposed_bound == 12_000


def test_says_when_it_was_cut_off() -> None:
    short = replace(plain_policy().budgets[0], period_s=7)
    (reached,) = simulate(plain_policy(budgets=(short,)), 30, most_acts=10)
    assert (reached.complete, reached.acts) == (False, 10)
    with pytest.raises(ValueError, match="one day"):
        simulate(plain_policy(), 0)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies())
def test_never_above_the_bound(policy: PolicyCode) -> None:
    for reached in simulate(policy, 1, most_acts=60):
        assert reached.unopposed <= reached.unopposed_bound
        assert reached.unopposed <= reached.in_all <= reached.bound


def test_all_budgets_of_an_asset_together_reach_what_is_said_of_them_and_no_single_one_does() -> None:
    first = plain_policy().budgets[0]
    second = replace(first, name=b"second".ljust(32, b"\0"))
    one = plain_policy().rules[0]
    other = replace(one, charges=(replace(one.charges[0], budget=1),), clauses=(Clause(0, Kind.EQUAL, 7),))
    policy = plain_policy(budgets=(first, second), rules=(other, one))
    (together,) = simulate_together(policy, 30)
    assert together.in_all == together.bound == sum(reached.in_all for reached in simulate(policy, 30))
    assert together.unopposed == together.unopposed_bound
    assert simulate_together(plain_policy(), 1) == ()  # of one budget its own line says it


def test_the_bound_is_what_stops_a_module_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """If charges were not remembered, the adversary would pass the bound: the comparison above can fail."""
    monkeypatch.setattr(Spending, "charge", lambda *_: None)
    (reached,) = simulate(plain_policy(cooldown_s=60), 1, most_acts=50)
    assert reached.unopposed > reached.unopposed_bound


class Witnessed(_Run):
    """A run whose every act is asked of `evaluate` once more, in the state that all acts before it left."""

    seen: ClassVar[Counter[Mode]] = Counter()

    def __init__(self, game: _Game, end_s: int) -> None:
        super().__init__(game, end_s)
        self._state = PolicyState(bytes(32), 1, 0, 0, self._policy.end_s, paused=False)

    def _execute(self, now_s: int) -> bool:
        return self._as_allowed(super()._execute, Mode.EXECUTE, now_s)

    def _announce(self, now_s: int) -> bool:
        return self._as_allowed(super()._announce, Mode.SCHEDULE, now_s)

    def _release(self, now_s: int) -> bool:
        return self._as_allowed(super()._release, Mode.RELEASE, now_s)

    def _charge(self, act: Act, charges: Charges, now_s: int) -> None:
        self._made_of = act, charges
        super()._charge(act, charges, now_s)

    def _as_allowed(self, step: Callable[[int], bool], mode: Mode, now_s: int) -> bool:
        before = list(self._pending)
        if not step(now_s):
            return False
        if mode is Mode.SCHEDULE:
            announced = self._pending[-1]
            self._made_of = announced.act, announced.act.charges
        act, charges = self._made_of
        windows = [(one.first_s, one.end_s) for one in before if one not in self._pending and one.act is act]
        state = replace(self._state, release_window_s=windows[0] if mode is Mode.RELEASE else None)
        left = headroom(self._policy, state, now_s)[self._acts.against(act).index]
        room = left.instant_units if mode is Mode.EXECUTE else left.units
        observed = None if mode is Mode.SCHEDULE else self._acts.against(act).observed(act, room)
        answer = evaluate(self._policy, state, act.calls, now_s, mode, observed)
        assert isinstance(answer, Allowed), (mode, now_s, answer)
        assert answer.charges == charges
        if mode is Mode.SCHEDULE:
            self._state = scheduled(self._policy, self._state, now_s)
        else:
            self._state = performed(self._policy, self._state, charges, now_s, released=mode is Mode.RELEASE)
        self.seen[mode] += 1
        return True


def test_every_act_of_the_adversary_is_one_that_the_module_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is possible is remembered by what was spent; the clock, the cooldown and the rings go on without asking."""
    monkeypatch.setattr(simulate_module, "_Run", Witnessed)
    Witnessed.seen.clear()
    for seed in range(12):
        simulate(Maker(seed).policy(), 1, most_acts=30)
        simulate_together(Maker(seed).policy(), 1, most_acts=30)
    assert min(Witnessed.seen[mode] for mode in Mode) > 20, Witnessed.seen


def test_an_act_that_the_module_refuses_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate_module, "_Run", Witnessed)
    monkeypatch.setattr(Spending, "charge", lambda *_: None)
    with pytest.raises(AssertionError, match="OverInstant"):
        simulate(plain_policy(), 1, most_acts=30)


def test_ether_is_emptied_through_the_value_and_tokens_are_not_sent_along() -> None:
    policy = plain_policy()
    ether = replace(policy.budgets[0], asset=bytes(20), name=b"tips".ljust(32, b"\0"))
    sends = Rule(b"\x11" * 20, bytes(4), True, False, 0, (), (Charge(0, Source.VALUE, 0),))
    pays = replace(policy.rules[0], charges=(Charge(1, Source.ARGUMENT, 1),))
    tips, wages = simulate(replace(policy, budgets=(ether, policy.budgets[0]), rules=(sends, pays)), 24)
    assert (tips.unopposed, wages.unopposed) == (6_000, 6_000)
    both = replace(policy.rules[0], charges=(Charge(0, Source.VALUE, 0), Charge(1, Source.ARGUMENT, 1)))
    tips, wages = simulate(replace(policy, budgets=(ether, policy.budgets[0]), rules=(both,)), 24)
    assert (tips.unopposed, wages.unopposed) == (6_000, 6_000)


def test_arrays_are_filled_row_by_row() -> None:
    policy = plain_policy()
    rule = replace(
        policy.rules[0], words=1, dynamics=(Dynamic(0, 2),), charges=(Charge(0, Source.ARGUMENT, 0, 1),),
        clauses=(Clause(0, Kind.IN_LIST, 0), Clause(0, Kind.AT_MOST, 100, 1), Clause(0, Kind.AT_MOST, 10, 2)),
    )  # fmt: skip
    (reached,) = simulate(replace(policy, rules=(rule,)), 24)
    assert reached.unopposed == reached.unopposed_bound == 6_000
