# SPDX-License-Identifier: Apache-2.0
"""When a budget is used up if it goes on as in its window so far: an estimate, and no promise of anybody's. Pure."""

from dataclasses import dataclass
from fractions import Fraction

from policies.code.policy_code import Budget
from policies.code.ring import BUCKETS, Ring

_MOST_SEGMENTS = 7 * 60  # sixty periods ahead; who looks further guesses


@dataclass(frozen=True, slots=True)
class Forecast:
    """The pace so far, and where it leads. Units are the budget's; times Unix seconds by the chain's clock."""

    since_s: int  # of the oldest spending that still counts, rounded down to its segment
    units_a_day: Fraction
    used_up_s: int | None  # when the next charge at this pace would not fit; None: not before `until_s`
    until_s: int  # how far ahead was looked: the policy's end, or sixty periods


def forecast(budget: Budget, ring: Ring, now_s: int, end_s: int) -> Forecast | None:
    """Go on at the pace of what counts now, even within each segment; None where nothing counts, or the policy is over.

    Raises RingError when `now_s` lies before the ring's newest segment.
    """
    turned, segment_s = ring.turned(budget.segment_s, now_s), budget.segment_s
    ages = [age for age in range(BUCKETS) if turned.buckets[(turned.index - age) % BUCKETS]]
    if not ages or now_s >= end_s:
        return None
    since_s = max(0, (turned.index - ages[-1]) * segment_s)
    pace = Fraction(sum(turned.buckets), max(segment_s, now_s - since_s))  # units a second
    until_s = min(end_s, now_s + _MOST_SEGMENTS * segment_s)
    counts = [Fraction(turned.buckets[(turned.index - age) % BUCKETS]) for age in reversed(range(BUCKETS))]
    at_s = now_s
    while at_s < until_s:
        next_s = min(until_s, (at_s // segment_s + 1) * segment_s)
        left = max(Fraction(0), budget.limit - sum(counts))
        if pace * (next_s - at_s) > left:
            return Forecast(since_s, pace * 86_400, at_s + int(left / pace), until_s)
        counts[-1] += pace * (next_s - at_s)
        if next_s % segment_s == 0:
            counts = [*counts[1:], Fraction(0)]
        at_s = next_s
    return Forecast(since_s, pace * 86_400, None, until_s)
