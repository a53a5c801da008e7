# SPDX-License-Identifier: Apache-2.0
"""What `make bench-digest` counts as missed."""

import pytest

from bench import digest

GOOD = {
    "readers": 1_000, "planned_s": 1.0, "sent_s": 10.9, "own_s": 3.0, "readers_reached": 1_000, "mails": 1_000,
    "memory_mb": {"early": 100.0, "end": 140.0}, "model_calls_while_sending": 0,
    "model_calls_of_a_new_proposal": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sent_s": 11.1}, "12.1 s for 1000 readers: 12.0 s is the bar"),
        ({"readers_reached": 999}, "1000 mails to 999 of 1000 readers"),
        ({"mails": 1_001}, "1001 mails to 1000 of 1000 readers"),
        ({"memory_mb": {"early": 100.0, "end": 140.1}}, "memory grows from 100.0 MB to 140.1 MB"),
        (
            {"model_calls_of_a_new_proposal": 0},
            "a proposal without a summary brought no request to the model: requests are not counted",
        ),
        ({"model_calls_while_sending": 1}, "the model was asked 1 times while mails were written"),
    ],
)
def test_a_miss_is_named(change, said):
    assert digest.misses(GOOD) == []
    assert digest.misses({**GOOD, **change}) == [said]
