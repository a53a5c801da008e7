# SPDX-License-Identifier: Apache-2.0
"""The ring against a plain list of charges: never more than the limit in any period, and headroom that comes back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.code.ring import BUCKET_MAX, INDEX_MAX, Ring, RingError, segment_seconds, worst_case_units

periods = st.one_of(st.integers(7, 300), st.sampled_from([2_073_600, 2_592_000]))


@given(st.integers(0, INDEX_MAX), st.lists(st.integers(0, BUCKET_MAX), min_size=8, max_size=8))
def test_pack_and_unpack_are_inverse(index: int, buckets: list[int]) -> None:
    ring = Ring(index, tuple(buckets))
    assert Ring.unpack(ring.pack()) == ring
    assert ring.pack() < 2**256


@given(st.integers(0, 2**256 - 1))
def test_every_word_unpacks_to_itself(packed: int) -> None:
    assert Ring.unpack(packed).pack() == packed


def _greedy(period_s: int, limit: int, moves: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Charges as much of each wish as the ring lets through; moves are (seconds waited, units wished)."""
    segment_s = segment_seconds(period_s)
    ring, now_s, charged = Ring(), 1_000_000, []
    for wait, wish in moves:
        now_s += wait
        units = min(wish, limit - ring.spent(segment_s, now_s))
        ring = ring.charged(segment_s, now_s, units)
        charged.append((now_s, units))
    return charged


@settings(max_examples=300)
@given(st.data(), periods, st.integers(1, 1000))
def test_no_interval_of_one_period_holds_more_than_the_limit(data: st.DataObject, period_s: int, limit: int) -> None:
    segment_s = segment_seconds(period_s)
    waits = st.one_of(
        st.integers(0, 3), st.sampled_from([segment_s - 1, segment_s, 7 * segment_s - 1, period_s - 1, period_s])
    )
    moves = data.draw(st.lists(st.tuples(waits, st.integers(0, limit)), max_size=40))
    charged = _greedy(period_s, limit, moves)
    for begin_s, _ in charged:
        assert sum(units for at_s, units in charged if begin_s <= at_s < begin_s + period_s) <= limit


@settings(max_examples=200)
@given(st.data(), periods, st.integers(1, 1000))
def test_spent_lies_between_the_lists_of_seven_and_eight_segments(
    data: st.DataObject, period_s: int, limit: int
) -> None:
    segment_s = segment_seconds(period_s)
    moves = data.draw(
        st.lists(st.tuples(st.integers(0, 3 * segment_s), st.integers(0, limit)), min_size=1, max_size=30)
    )
    charged = _greedy(period_s, limit, moves)
    ring = Ring()
    for at_s, units in charged:
        ring = ring.charged(segment_s, at_s, units)
    now_s = charged[-1][0] + data.draw(st.integers(0, 9 * segment_s))
    spent = ring.spent(segment_s, now_s)
    assert spent == sum(units for at_s, units in charged if at_s // segment_s > now_s // segment_s - 8)
    assert spent >= sum(units for at_s, units in charged if at_s > now_s - period_s)
    assert ring.spent(segment_s, charged[-1][0] + 8 * segment_s) == 0


@settings(max_examples=200)
@given(st.data(), st.integers(7, 100), st.integers(1, 50), st.integers(1, 1500))
def test_the_worst_case_bounds_every_spender(data: st.DataObject, period_s: int, limit: int, duration_s: int) -> None:
    segment_s = segment_seconds(period_s)
    waits = st.sampled_from([0, 1, segment_s, 7 * segment_s, 8 * segment_s, period_s])
    charged = _greedy(period_s, limit, data.draw(st.lists(st.tuples(waits, st.just(limit)), min_size=1, max_size=40)))
    for begin_s, _ in charged:
        taken = sum(units for at_s, units in charged if begin_s <= at_s < begin_s + duration_s)
        assert taken <= worst_case_units(limit, segment_s, duration_s)


def test_the_worst_case_is_reached() -> None:
    # Seven segments of 2 s: a charge in a segment's last second, then one in each ring's first free second.
    segment_s, limit = 2, 5
    ring, taken = Ring(), 0
    for now_s in range(1001, 1001 + 32):
        units = limit - ring.spent(segment_s, now_s)
        ring, taken = ring.charged(segment_s, now_s, units), taken + units
    assert taken == worst_case_units(limit, segment_s, 32) == 15


def test_seconds_before_the_newest_charge_are_refused() -> None:
    ring = Ring().charged(10, 1000, 1)
    with pytest.raises(RingError):
        ring.spent(10, 999)


def test_a_bucket_never_overflows_into_its_neighbour() -> None:
    with pytest.raises(RingError):
        Ring().charged(10, 1000, BUCKET_MAX).charged(10, 1000, 1)


@given(periods)
def test_seven_segments_cover_the_period(period_s: int) -> None:
    assert 7 * segment_seconds(period_s) >= period_s > 7 * (segment_seconds(period_s) - 1)
