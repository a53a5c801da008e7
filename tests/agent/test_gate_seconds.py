# SPDX-License-Identifier: Apache-2.0
"""The last gate before a plain "told", on a second act that a text makes of the words of an order.

gate_seconds.json has the texts; the calls stand in test_gate_kinds.py.
"""

import json
from pathlib import Path

import pytest

from agent.understanding.judging import Outcome
from tests.agent.test_gate_kinds import judged

TEXTS = json.loads((Path(__file__).parent / "gate_seconds.json").read_text())


@pytest.mark.parametrize(
    ("calls", "text"),
    [pytest.param(*one, id=f"{kind}: {one[1][-60:]}") for kind, listed in TEXTS["lies"].items() for one in listed],
)
def test_a_second_act_of_the_words_of_an_order_is_no_plain_yes(calls, text):
    assert judged(text, calls).outcome is not Outcome.TOLD


@pytest.mark.parametrize(("calls", "text"), TEXTS["told"])
def test_a_frame_around_one_order_is_told(calls, text):
    assert judged(text, calls).outcome is Outcome.TOLD
