# SPDX-License-Identifier: Apache-2.0
"""Strict rolling windows in one 256-bit word: eight buckets of 28 bits and the 32-bit index of the newest segment.

A segment is S = ceil(period / 7) seconds, so the eight buckets always cover at least one whole period, whatever the
moment: in every half-open interval of one period the sum of what was charged stays within the limit.
"""

from dataclasses import dataclass

BUCKETS = 8
BUCKET_BITS = 28
BUCKET_MAX = 2**BUCKET_BITS - 1
INDEX_MAX = 2**32 - 1


class RingError(ValueError):
    """The clock stands before the ring's newest segment, or a sum would not fit a bucket."""


def segment_seconds(period_s: int) -> int:
    """The length of one segment: seven of them are at least the period."""
    return -(-period_s // (BUCKETS - 1))


@dataclass(frozen=True, slots=True)
class Ring:
    """What was charged in the last eight segments. Bucket `i` holds the segment whose index is `i` modulo 8."""

    index: int = 0
    buckets: tuple[int, ...] = (0,) * BUCKETS

    @classmethod
    def unpack(cls, packed: int) -> "Ring":
        """From the module's storage word."""
        return cls(
            index=packed >> (BUCKETS * BUCKET_BITS),
            buckets=tuple([packed >> (BUCKET_BITS * i) & BUCKET_MAX for i in range(BUCKETS)]),
        )

    def pack(self) -> int:
        packed = self.index << (BUCKETS * BUCKET_BITS)
        for i, units in enumerate(self.buckets):
            packed |= units << (BUCKET_BITS * i)
        return packed

    def turned(self, segment_s: int, now_s: int) -> "Ring":
        """The same ring at `now_s`, segments that fell out of the window emptied.

        Raises RingError when `now_s` lies in a segment before the newest one.
        """
        index = now_s // segment_s
        if index < self.index:
            raise RingError("the clock is before the newest charge")
        buckets = list(self.buckets)
        for passed in range(self.index + 1, min(index, self.index + BUCKETS) + 1):
            buckets[passed % BUCKETS] = 0
        return Ring(index, tuple(buckets))

    def spent(self, segment_s: int, now_s: int) -> int:
        """Units that still count at `now_s`."""
        return sum(self.turned(segment_s, now_s).buckets)

    def returns_s(self, segment_s: int) -> int | None:
        """When the oldest of what counts stops counting; None where nothing counts."""
        for segment in range(self.index - BUCKETS + 1, self.index + 1):
            if self.buckets[segment % BUCKETS]:
                return (segment + BUCKETS) * segment_s
        return None

    def charged(self, segment_s: int, now_s: int, units: int) -> "Ring":
        """The ring after charging `units` at `now_s`. The caller has compared the sum with the limit."""
        turned = self.turned(segment_s, now_s)
        newest = turned.index % BUCKETS
        if turned.buckets[newest] + units > BUCKET_MAX:
            raise RingError("a bucket holds 28 bits")
        buckets = list(turned.buckets)
        buckets[newest] += units
        return Ring(turned.index, tuple(buckets))


def worst_case_units(limit: int, segment_s: int, duration_s: int) -> int:
    """The most that a budget of `limit` units lets out in any `duration_s` seconds: limit x ceil(segments / 8)."""
    if duration_s <= 0:
        return 0
    segments = (duration_s - 2) // segment_s + 2
    return limit * -(-segments // BUCKETS)
