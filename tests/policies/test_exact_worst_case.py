# SPDX-License-Identifier: Apache-2.0
"""The bound over all budgets that a rule charges: never below what trying everything takes, and seldom above it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.answer.packing import Flow, most_carried
from policies.words.worst_case import charges, in_all, worst_case
from tests.policies.exact import SmallBudget, SmallPolicy, SmallRule, most_taken
from tests.policies.exact_quick import most_taken_quickly
from tests.policies.small_policies import (
    against_everything,
    against_the_greedy,
    as_code,
    generated,
    main,
    together_against_the_greedy,
)


def test_the_bound_of_small_policies_is_the_exact_worst_case_nearly_always() -> None:
    """Seeds are fixed: `make fuzz` runs 10,000 of them."""
    found = against_everything(120, 1)
    assert found["with_a_rule_that_charges_two"] >= 60  # type: ignore[operator]
    assert found["median_gap"] == 0
    assert found["gap_of_99_in_100"] <= 0.5  # type: ignore[operator]


def test_what_is_found_quickly_is_what_trying_everything_finds() -> None:
    for seed in (*range(5000, 5060), 2837):  # in the last one an act pays more a second later
        small, duration_s = generated(seed)
        wanted = list(range(len(small.rules)))
        at_most_s = min(duration_s, 9)
        assert most_taken_quickly(small, at_most_s, wanted) == most_taken(small, at_most_s, wanted), seed


def test_a_run_goes_on_where_it_was_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--exact", "3", "--greedy", "2", "--from", "2"])
    found = json.loads(capsys.readouterr().out)
    assert found["exact"]["policies"] == 1
    assert "greedy" not in found  # its two are done


def test_the_greedy_adversary_stays_below_the_bound() -> None:
    assert against_the_greedy(25, 5)["budgets"] > 25  # type: ignore[operator]


def test_the_greedy_adversary_stays_below_all_together() -> None:
    found = together_against_the_greedy(10, 5)
    assert found["budgets"] > 10  # type: ignore[operator]
    assert found["budgets_that_an_allowance_can_empty"] >= 3  # type: ignore[operator]
    assert found["assets_of_several_budgets"] >= 3  # type: ignore[operator]


def test_a_budget_is_bounded_by_what_its_rule_takes_from_another() -> None:
    """One rule charges both: what the second allows is all that can leave by it."""
    small = SmallPolicy((SmallBudget(640, 1), SmallBudget(280, 1)), (SmallRule((0, 1), None),), 0)
    assert [case.in_a_period for case in worst_case(as_code(small), 1)] == [280, 280]


def test_three_budgets_in_a_ring_are_more_than_any_choice_of_them_proves() -> None:
    """Each rule charges two of three: 15 can be taken, though the two smallest covers say 20."""
    small = SmallPolicy(
        (SmallBudget(2, 1), SmallBudget(2, 1), SmallBudget(2, 1)),
        (SmallRule((0, 1), None), SmallRule((1, 2), None), SmallRule((0, 2), None)),
        0,
    )
    assert most_taken(small, 7, [0, 1, 2]) == 3
    code = as_code(small)
    assert in_all(code, charges(code), 7) == 3


def test_a_cap_counts_where_acts_need_a_pause() -> None:
    small = SmallPolicy((SmallBudget(3, 2),), (SmallRule((0,), 1),), 5)
    code = as_code(small)
    assert in_all(code, charges(code), 10) == most_taken(small, 10, [0]) == 2
    assert in_all(code, charges(code), 11) == most_taken(small, 11, [0]) == 3


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=4),
    st.lists(st.tuples(st.sets(st.integers(0, 3), min_size=1), st.none() | st.integers(0, 9)), min_size=1, max_size=4),
)
def test_what_flows_carry_is_no_less_than_any_way_to_fill_them(
    sides: list[int], drawn: list[tuple[set[int], int | None]]
) -> None:
    limits = dict(enumerate(sides))
    flows = [Flow(frozenset(number % len(sides) for number in through), most) for through, most in drawn]
    most = most_carried(flows, limits)
    assert most is not None
    assert _filled(flows, limits) <= most <= sum(min(limits[one] for one in flow.through) for flow in flows)
    assert most <= min(sum(sides), most)


def _filled(flows: list[Flow], limits: dict[int, int]) -> int:
    """The most in whole units, by trying."""
    if not flows:
        return 0
    first, *rest = flows
    room = min(limits[one] for one in first.through)
    room = room if first.most is None else min(room, first.most)
    return max(
        amount + _filled(rest, {one: limit - amount * (one in first.through) for one, limit in limits.items()})
        for amount in range(room + 1)
    )


def test_a_flow_that_nothing_limits_has_no_most() -> None:
    assert most_carried([Flow(frozenset())], {}) is None
    assert most_carried([Flow(frozenset(), 4), Flow(frozenset({0}))], {0: 3}) == 7
    assert most_carried([], {0: 3}) == 0
    with pytest.raises(ValueError, match="below zero"):
        most_carried([Flow(frozenset({0}))], {0: -1})
