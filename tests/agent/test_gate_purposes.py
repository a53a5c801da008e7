# SPDX-License-Identifier: Apache-2.0
"""The last gate before a plain "told", on what an order says besides: what it is for, who and what hangs on it.

gate_purposes.json has the texts; the calls stand in test_gate_kinds.py.
"""

import json
from pathlib import Path

import pytest

from agent.understanding.judging import Outcome
from tests.agent.test_gate_kinds import judged

TEXTS = json.loads((Path(__file__).parent / "gate_purposes.json").read_text())


@pytest.mark.parametrize(
    ("calls", "text"),
    [pytest.param(*one, id=f"{kind}: {one[1][-60:]}") for kind, listed in TEXTS["lies"].items() for one in listed],
)
def test_a_purpose_or_a_joined_word_that_makes_another_order_is_no_plain_yes(calls, text):
    assert judged(text, calls).outcome is not Outcome.TOLD


@pytest.mark.parametrize(("calls", "text"), TEXTS["told"])
def test_a_purpose_of_work_and_things_is_told(calls, text):
    assert judged(text, calls).outcome is Outcome.TOLD
