# SPDX-License-Identifier: Apache-2.0
"""The greedy adversary: never above the formula, and on plain policies exactly at it."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from policies.answer.evaluate import Mode
from policies.code.policy_code import Budget, Charge, Clause, Dynamic, Kind, PolicyCode, Rule, Scope, Source
from policies.trial import stolen_key as simulate_module
from policies.trial.stolen_key import simulate
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


def test_the_bound_is_what_stops_a_module_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """If charges were not remembered, the adversary would pass the bound: the comparison above can fail."""
    keep = simulate_module.performed

    def forgetful(policy, state, charges, now_s, *, released=False):
        return replace(keep(policy, state, {}, now_s, released=released), last_act_s=now_s)

    monkeypatch.setattr(simulate_module, "performed", forgetful)
    (reached,) = simulate(plain_policy(cooldown_s=60), 1, most_acts=50)
    assert reached.unopposed > reached.unopposed_bound
    assert Mode.EXECUTE.value == "execute"


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
