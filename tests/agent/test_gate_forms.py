# SPDX-License-Identifier: Apache-2.0
"""The last gate before a plain "told", on what attackers who read its rules wrote, and on honest texts of these forms.

gate_forms.json has the texts; the calls stand in test_gate_kinds.py.
"""

import json
from pathlib import Path

import pytest

from agent.understanding.judging import Outcome
from tests.agent.test_gate_kinds import judged

TEXTS = json.loads((Path(__file__).parent / "gate_forms.json").read_text())


@pytest.mark.parametrize(
    ("calls", "text"),
    [pytest.param(*one, id=f"{kind}: {one[1][-60:]}") for kind, listed in TEXTS["lies"].items() for one in listed],
)
def test_a_text_that_makes_another_order_of_its_words_is_no_plain_yes(calls, text):
    assert judged(text, calls).outcome is not Outcome.TOLD


@pytest.mark.parametrize(("calls", "text"), TEXTS["told"])
def test_an_honest_text_of_such_a_form_is_told(calls, text):
    assert judged(text, calls).outcome is Outcome.TOLD


@pytest.mark.parametrize("text", ["Voting period of the governor {G}: 5 days", "Voting period of {G}: 3 days → 5 days"])
def test_a_setting_without_a_verb_is_told_in_part_and_never_called_untold(text):
    assert judged(text, "VP").outcome is Outcome.TOLD_IN_PART


@pytest.mark.parametrize(
    "text",
    [
        "Last year's voting period of {G}: 5 days",
        "Voting period of {G}: not 5 days",
        "If needed, {G}: voting period 5 days",
    ],
)
def test_a_setting_without_a_verb_that_is_past_or_denied_is_not_told(text):
    assert judged(text, "VP").outcome is Outcome.NOT_TOLD


@pytest.mark.parametrize(
    ("calls", "text"),
    [
        ("RP,GP", "Grant PROPOSER_ROLE on the timelock {T} to {L} on request of {A}."),
        ("RP,GP", "Grant PROPOSER_ROLE on the timelock {T} to {L} by a vote with {A}."),
        ("VP,VP7", "Set the voting period (7 days) of the governor {G} to 5 days."),
        (
            "VP,VP7",
            "Set the voting period of the governor {G} to 5 days.\n\nSet the voting period of the governor {G} "
            "to 7 days.",
        ),
        ("RP,GP", "Grant PROPOSER_ROLE on the timelock {T} to {L}.\n\nAuthor: {A}"),
        ("RP,GP", "- Grant PROPOSER_ROLE on the timelock {T} to {L}\n- {A} requests it"),
        ("UP,UPX", "Upgrade the proxy {X} to {L}, the new version of {E}."),
    ],
)
def test_words_that_tell_one_call_do_not_hide_a_second_of_its_kind(calls, text):
    assert judged(text, calls).outcome is not Outcome.TOLD


def test_two_who_are_named_side_by_side_are_both_told():
    assert judged("Grant PROPOSER_ROLE on the timelock {T} to {L} and {A}.", "RP,GP").outcome is Outcome.TOLD
