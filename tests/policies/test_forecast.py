# SPDX-License-Identifier: Apache-2.0
"""When a budget is used up at the pace so far: held against spending on, segment by segment, for every ring."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from policies.answer.forecast import forecast
from policies.code.policy_code import Budget, Scope
from policies.code.ring import Ring

DAY_S = 86_400


def budget(limit: int, period_s: int = 7 * DAY_S) -> Budget:
    return Budget(Scope.POLICY, bytes(20), 0, period_s, limit, limit, b"b".ljust(32, b"\0"))


def test_a_budget_that_is_spent_evenly_is_used_up_on_the_day_on_which_it_does_not_fit() -> None:
    ring = Ring().charged(DAY_S, 10 * DAY_S, 100).charged(DAY_S, 11 * DAY_S, 100)
    # 200 in two days; 1,000 in a week: at 100 a day eight more days' worth fit, of the eight that count.
    found = forecast(budget(1000), ring, 12 * DAY_S, 400 * DAY_S)
    assert found is not None
    assert (found.since_s, found.units_a_day, found.used_up_s) == (10 * DAY_S, 100, None)
    found = forecast(budget(500), ring, 12 * DAY_S, 400 * DAY_S)
    assert found is not None
    assert found.used_up_s == 15 * DAY_S
    found = forecast(budget(500), ring, 12 * DAY_S, 14 * DAY_S)
    assert found is not None
    assert (found.used_up_s, found.until_s) == (None, 14 * DAY_S)


def test_nothing_is_foretold_where_nothing_counts_or_the_policy_is_over() -> None:
    assert forecast(budget(500), Ring(), 12 * DAY_S, 400 * DAY_S) is None
    spent = Ring().charged(DAY_S, 10 * DAY_S, 100)
    assert forecast(budget(500), spent, 19 * DAY_S, 400 * DAY_S) is None, "all of it has come back"
    assert forecast(budget(500), spent, 12 * DAY_S, 12 * DAY_S) is None


@given(
    st.lists(st.tuples(st.integers(0, 30 * DAY_S), st.integers(1, 5_000)), min_size=1, max_size=6),
    st.integers(0, 3 * DAY_S),
    st.integers(1, 20_000),
)
def test_until_then_each_whole_segment_at_the_pace_fits_and_then_one_does_not(
    charges: list[tuple[int, int]], later: int, limit: int
) -> None:
    ring, now_s = Ring(), 0
    for at_s, units in sorted(charges):
        ring, now_s = ring.charged(DAY_S, 10 * DAY_S + at_s, units), 10 * DAY_S + at_s
    now_s += later
    found = forecast(budget(limit), ring, now_s, now_s + 200 * DAY_S)
    if found is None:
        assert ring.spent(DAY_S, now_s) == 0
        return
    assert found.units_a_day > 0
    assert found.since_s <= now_s
    if found.used_up_s is not None:
        assert now_s <= found.used_up_s < found.until_s
    # A pace that is steady for longer than a window asks for eight segments of it: more than the limit can't last.
    steady = Fraction(found.units_a_day) * 8
    if steady > limit:
        assert found.used_up_s is not None
    elif ring.spent(DAY_S, now_s) <= limit and steady + ring.spent(DAY_S, now_s) <= limit:
        assert found.used_up_s is None
