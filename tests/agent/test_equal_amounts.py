# SPDX-License-Identifier: Apache-2.0
"""Orders of one amount to several receivers: each must be paid, and none is taken for a total."""

import pytest
from eth_utils.crypto import keccak

from agent.understanding.finding_words import sentence_of
from agent.understanding.judging import Outcome, Status
from tests.agent.proposals import BEN, CAROL, TREASURY, call, pays, text_of, verdict

B, C = text_of(BEN), text_of(CAROL)
RED = {Outcome.DIFFERS, Outcome.NOT_TOLD}


@pytest.mark.parametrize(
    "text",
    [
        f"Pay 700 GLD to {B}. Pay 700 GLD to {C}.",
        f"Pay 700 GLD to {B} and 700 GLD to {C}.",
        f"- Pay 700 GLD to {B}\n- Pay 700 GLD to {C}\n",
        f"| To | Amount |\n|---|---|\n| {B} | 700 GLD |\n| {C} | 700 GLD |\n",
        f"Pay 700 GLD to {B}. Pay 700 GLD to the design team.",
    ],
)
def test_an_equal_amount_to_somebody_else_is_no_total_of_what_is_paid(text):
    found = verdict(text, pays(700))
    assert found.outcome is Outcome.DIFFERS
    assert found.orders_not_done


def test_a_total_beside_what_is_paid_is_no_order_of_its_own():
    text = f"Pay 700 GLD to {B} and 300 GLD to {C}. In total 1,000 GLD leave the treasury."
    assert verdict(text, pays(700), pays(300, CAROL)).outcome is Outcome.TOLD


def test_each_receiver_is_paid_once_by_one_mention():
    text = f"Pay 700 GLD each to {B} and {C}."
    assert verdict(text, pays(700), pays(700, CAROL)).outcome is Outcome.TOLD
    assert verdict(text, pays(700), pays(700)).outcome in RED


def test_of_equal_payments_that_one_sentence_tells_the_second_is_said_to_be_made_more_often():
    found = verdict(f"Pay 700 GLD to {B}.", pays(700), pays(700))
    told, again = found.findings
    assert (told.status, again.status) == (Status.TOLD, Status.DIFFERS)
    assert sentence_of(again).text == "The calls do this more often than the text says."
    assert again.quote is not None
    assert again.quote.text == f"Pay 700 GLD to {B}."


def test_of_another_payment_beside_an_order_no_word_is_said_to_tell():
    found = verdict(f"Pay 700 GLD to {B}.", pays(700), pays(800, CAROL))
    assert sentence_of(found.findings[1]).text == "The text orders another payment, and does not mention this one."


def test_a_role_that_no_word_tells_is_no_second_one_of_another_role():
    grant = call(TREASURY, "grantRole(bytes32,address)", keccak(text="PROPOSER_ROLE"), BEN)
    admin = call(TREASURY, "grantRole(bytes32,address)", bytes(32), BEN)
    found = verdict(f"Grant PROPOSER_ROLE on the timelock to {B}.", grant, admin)
    assert "more_often" not in found.findings[1].codes
