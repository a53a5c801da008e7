# SPDX-License-Identifier: Apache-2.0
"""An endpoint is asked as much at once as it answers, and no less because it refuses now and then."""

from random import Random

import pytest

from governance.chain.rpc.endpoint import Pace


@pytest.mark.parametrize("limit", [10, 30, 75, 150])
def test_a_limit_on_what_is_asked_at_once_is_found(limit):
    pace, done, refusals = Pace(), 0, 0
    while done < 2000:
        count = pace.portion(100)
        if count > limit:
            refusals += 1
            pace.refused(count)
        else:
            pace.answered(count)
            done += count
        assert refusals <= 5 + done / 8
    assert (pace.most is None) == (limit >= 100)


def test_nothing_is_held_back_before_a_refusal():
    pace = Pace()
    pace.answered(100)
    assert pace.portion(1000) == 1000


def test_refusals_for_other_reasons_do_not_make_it_collapse():
    """Three of a hundred batches are refused, whatever is asked: others use the same key, say."""
    random, pace, asked = Random(5), Pace(), []
    for _ in range(2000):
        count = pace.portion(100)
        asked.append(count)
        if random.random() < 0.03:
            pace.refused(count)
        else:
            pace.answered(count)
    assert sum(asked) / len(asked) > 75


def test_a_handful_is_always_asked_at_once():
    pace = Pace()
    for _ in range(100):
        pace.refused(pace.portion(100))
    assert pace.portion(100) == 8


def test_the_refusal_of_a_single_request_says_nothing_of_batches():
    pace = Pace()
    pace.refused(1)
    assert pace.portion(100) == 100
    pace.refused(100)
    pace.refused(1)
    assert pace.portion(100) == 50


def test_small_batches_say_nothing_of_larger_ones():
    pace = Pace()
    pace.refused(100)
    for _ in range(100):
        pace.answered(1)
    assert pace.portion(100) == 50
