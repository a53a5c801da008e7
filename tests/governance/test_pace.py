# SPDX-License-Identifier: Apache-2.0
"""An endpoint is asked as much as it answers: the rate is found, kept, and found again when it changes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.chain.pace import Pace


class Provider:
    """Answers `limit` requests a second, counted in a sliding window, and refuses a batch that goes above."""

    def __init__(self, limit):
        self.limit, self.now, self.answered, self.refusals = limit, 1000.0, [], 0
        self.pace = Pace(lambda: self.now)

    def ask(self, count):
        """Whether a batch of `count` is answered."""
        self.now += self.pace.take(count, 1e9)
        self.answered = [(at, many) for at, many in self.answered if at > self.now - 1]
        recent = sum(many for _, many in self.answered)
        if recent + count > self.limit:
            self.refusals += 1
            self.pace.refused(count)
            self.now += 1  # the client sets it aside
            return False
        self.answered.append((self.now, count))
        self.pace.answered()
        return True

    def ask_all(self, count, batch):
        """Ask `count` requests in batches of at most `batch`; how long it took."""
        begun = self.now
        while count > 0:
            assert self.now < begun + 1000, "it came to no end"
            part = self.pace.portion(min(batch, count))
            count -= part if self.ask(part) else 0
        return self.now - begun


def test_nothing_is_held_back_before_a_refusal():
    pace = Pace()
    assert [pace.take(100, 0.0) for _ in range(1000)] == [0.0] * 1000
    pace.answered()
    assert pace.rate_per_s is None
    assert pace.portion(100) == 100


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 300), st.integers(1, 100))
def test_any_limit_is_found_whatever_the_batch(limit, batch):
    provider = Provider(limit)
    provider.ask_all(10 * limit, batch)
    before = provider.refusals
    took_s = provider.ask_all(10 * limit, batch)
    assert took_s < 30 + 5
    assert provider.refusals - before < took_s / 2 + 2
    assert provider.pace.rate_per_s is None or provider.pace.rate_per_s <= 2 * limit + 2


def test_refusals_are_few_once_the_limit_is_known():
    provider = Provider(25)
    provider.ask_all(500, 100)
    before = provider.refusals
    provider.ask_all(2500, 100)
    assert provider.refusals - before < 25


def test_a_limit_that_is_lifted_is_noticed():
    provider = Provider(10)
    provider.ask_all(200, 100)
    provider.limit = 10**9
    provider.ask_all(200_000, 100)
    assert provider.pace.rate_per_s is None


def test_refusals_of_what_was_under_way_together_are_one():
    now = [5.0]
    pace = Pace(lambda: now[0])
    for _ in range(10):
        pace.take(10, 1.0)
    pace.refused(10)
    assert pace.rate_per_s == 50
    now[0] += 0.8
    pace.refused(10)
    assert pace.rate_per_s == 50
    now[0] += 1.1
    pace.refused(10)
    assert pace.rate_per_s == pytest.approx(35)


def test_one_refusal_of_few_requests_is_no_limit():
    now = [5.0]
    pace = Pace(lambda: now[0])
    for after_s, limited in ((0, False), (6, False), (3, True)):
        now[0] += after_s
        pace.take(1, 1.0)
        pace.refused(1)
        assert (pace.rate_per_s is not None) == limited


def test_who_can_not_wait_takes_no_place():
    now = [5.0]
    pace = Pace(lambda: now[0])
    pace.rate_per_s = 5.0
    assert pace.take(15, 1.0) == 0.0
    assert pace.take(1, 1.0) is None
    assert pace.wait_s() == pytest.approx(3.0)
    assert pace.take(1, 3.5) == pytest.approx(3.0)
    pace.refused(1)
    assert pace.wait_s() == pytest.approx(3.2)
    now[0] += 3.2
    pace.refused(1)
    assert pace.wait_s() == pytest.approx(0.5)


def test_a_rate_that_is_not_used_does_not_grow():
    now = [5.0]
    pace = Pace(lambda: now[0])
    pace.rate_per_s = 100.0
    for _ in range(600):
        now[0] += 0.5
        pace.take(1, 1.0)
        pace.answered()
    assert pace.rate_per_s == 100.0
