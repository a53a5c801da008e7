# SPDX-License-Identifier: Apache-2.0
"""The worst case against a spender who tries everything: never more than the formula, and on plain policies as much."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.answer.evaluate import Allowed, Mode, PolicyState, evaluate
from policies.code.call import Call
from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.code.ring import Ring, worst_case_units
from policies.notation.primitives import selector, word
from policies.words.worst_case import recipients, worst_case

AGENT, OPERATOR, TOKEN, ID = b"\xa9" * 20, b"\x0b" * 20, b"\x70" * 20, bytes(32)
TRANSFER = selector("transfer(address,uint256)")
START_S = 2_000_000_000 // 3600 * 3600
ANN, BOB = 0xA11CE, 0xB0B


def policy_of(budget: Budget, *clauses: Clause, **changes: object) -> PolicyCode:
    rule = Rule(TOKEN, TRANSFER, False, True, 2, clauses, (Charge(0, Source.ARGUMENT, 1),))
    policy = PolicyCode(
        AGENT, OPERATOR, START_S, START_S + 400 * 86_400, 0, 1, 60, 500, bytes(32), (budget,), ((ANN, BOB),), (rule,)
    )
    return replace(policy, **changes)  # type: ignore[arg-type]


def budget_of(period_s: int, instant: int, limit: int, **changes: object) -> Budget:
    budget = Budget(Scope.POLICY, TOKEN, 0, period_s, instant, limit, b"pay".ljust(32, b"\0"))
    return replace(budget, **changes)  # type: ignore[arg-type]


def most_taken(policy: PolicyCode, begin_s: int, duration_s: int, mode: Mode) -> int:
    """The most that any sequence of acts takes: every amount in every second, all states of the ring side by side."""
    budget = policy.budgets[0]
    key, best = budget.key(ID, AGENT), {Ring(): 0}
    for now_s in range(begin_s, begin_s + duration_s):
        reached: dict[Ring, int] = {}
        for ring, taken in best.items():
            turned = ring.turned(budget.segment_s, now_s)
            state = PolicyState(ID, 1, 1, 0, policy.end_s, paused=False, rings={key: turned.pack()})
            for units in range(budget.limit + 1):
                if units and not is_allowed(policy, state, units, now_s, mode):
                    break
                after = turned.charged(budget.segment_s, now_s, units)
                reached[after] = max(reached.get(after, 0), taken + units)
        best = reached
    return max(best.values())


def is_allowed(policy: PolicyCode, state: PolicyState, units: int, now_s: int, mode: Mode) -> bool:
    data = TRANSFER + word(ANN) + word(policy.budgets[0].base_units(units))
    return isinstance(evaluate(policy, state, [Call(TOKEN, 0, data)], now_s, mode), Allowed)


@pytest.mark.parametrize(("period_s", "limit"), [(7, 1), (7, 2), (8, 2), (14, 1), (21, 1)])
def test_who_tries_everything_takes_exactly_the_worst_case(period_s: int, limit: int) -> None:
    """Over all positions of the interval in the segments; announced acts may use the whole limit, instant ones half."""
    policy = policy_of(budget_of(period_s, limit // 2, limit))
    budget = policy.budgets[0]
    for duration_s in (1, 2, period_s, 8 * budget.segment_s - 1, 8 * budget.segment_s + 1, 9 * budget.segment_s + 2):
        begins = range(START_S, START_S + budget.segment_s)
        announced = max(most_taken(policy, begin_s, duration_s, Mode.RELEASE) for begin_s in begins)
        at_once = max(most_taken(policy, begin_s, duration_s, Mode.EXECUTE) for begin_s in begins)
        assert announced == worst_case_units(limit, budget.segment_s, duration_s)
        assert at_once == worst_case_units(limit // 2, budget.segment_s, duration_s)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(7, 22),
    st.integers(1, 2),
    st.integers(0, 30),
    st.integers(1, 40),
    st.lists(st.integers(0, 2), max_size=3),
)
def test_no_bounds_let_more_out(period_s: int, limit: int, offset_s: int, duration_s: int, caps: list[int]) -> None:
    clauses = tuple(Clause(1, Kind.CAP, cap) for cap in sorted(set(caps)))
    policy = policy_of(budget_of(period_s, limit, limit), *clauses)
    taken = most_taken(policy, START_S + offset_s, duration_s, Mode.EXECUTE)
    assert taken <= worst_case_units(limit, policy.budgets[0].segment_s, duration_s)


def test_the_worst_case_is_the_papers_formula() -> None:
    year_s, budget = 365 * 86_400, budget_of(24 * 86_400, 6_000, 12_000)
    s = budget.segment_s
    assert worst_case_units(12_000, s, year_s) == 12_000 * -(-((year_s - 2) // s + 2) // 8) == 168_000
    (case,) = worst_case(policy_of(budget), 365)
    assert (case.at_once, case.in_a_period, case.unopposed, case.in_all) == (6_000, 12_000, 84_000, 168_000)
    assert case.duration_s == year_s


def test_days_outside_the_policys_time_do_not_count() -> None:
    budget = budget_of(24 * 86_400, 6_000, 12_000, exponent=3)
    day = policy_of(budget, end_s=START_S + 86_400)
    assert worst_case(day, 365)[0].duration_s == 86_400
    assert worst_case(day, 365)[0].in_all == 12_000_000
    assert worst_case(day, 0)[0].in_all == 0


def test_recipients_are_named_only_if_nobody_else_can_get_it() -> None:
    budget = budget_of(7, 1, 1)
    both = tuple(value.to_bytes(20, "big") for value in (ANN, BOB))
    assert recipients(policy_of(budget, Clause(0, Kind.IN_LIST, 0)), 0) == tuple(sorted(both))
    assert recipients(policy_of(budget, Clause(0, Kind.IN_LIST, 0), Clause(0, Kind.NOT_EQUAL, BOB)), 0) == (both[0],)
    assert recipients(policy_of(budget, Clause(0, Kind.EQUAL, 2**160)), 0) is None
    assert recipients(policy_of(budget, Clause(0, Kind.NOT_EQUAL, ANN)), 0) is None
    assert recipients(policy_of(budget), 0) is None
    assert recipients(policy_of(replace(budget, measured=True), Clause(0, Kind.IN_LIST, 0)), 0) is None
    other_token = policy_of(replace(budget, asset=b"\x71" * 20), Clause(0, Kind.IN_LIST, 0))
    assert recipients(other_token, 0) is None
    payer = policy_of(budget, Clause(0, Kind.IN_LIST, 0))
    swap = Rule(TOKEN, b"\1\2\3\4", False, False, 1, (), (Charge(0, Source.ARGUMENT, 0),))
    assert recipients(replace(payer, rules=(swap, *payer.rules)), 0) is None
    ether = replace(budget, asset=bytes(20))
    send = Rule(TOKEN, bytes(4), True, False, 0, (), (Charge(0, Source.VALUE, 0),))
    assert recipients(policy_of(ether, rules=(send,)), 0) == (TOKEN,)
