# SPDX-License-Identifier: Apache-2.0
"""A plain yes needs a clause in which proposals give orders; other words around the verb leave a doubt."""

import pytest

from agent.understanding.judging import Outcome
from agent.understanding.mentions.languages import language_of
from tests.agent.proposals import BEN, GOVERNOR, call, pays, text_of, verdict

B = text_of(BEN)


@pytest.mark.parametrize(
    "text",
    [
        f"Voted down: pay 700 GLD to {B}.",
        f"Rumour has it that this vote pays 700 GLD to {B}.",
        f"It isn`t so that we pay 700 GLD to {B}.",
        f"🚫 Pay 700 GLD to {B}.",
        f"Pay 700 GLD to {B} after delivery.",
        f"Pay 700 GLD to {B} on Polygon.",
        f"Pay 700 GLD to {B} in kind.",
    ],
)
def test_a_clause_of_another_form_is_told_in_part_at_best(text):
    assert verdict(text, pays(700)).outcome is not Outcome.TOLD


@pytest.mark.parametrize(
    "text",
    [
        f"Pay 700 GLD to {B}.",
        f"Step 1: transfer 700 GLD to {B}.",
        f"To correct this oversight, this proposal pays 700 GLD to {B} for the handbook.",
        f"If this vote passes, the treasury will send 700 GLD to {B}.",
    ],
)
def test_the_forms_in_which_proposals_give_orders_are_told(text):
    assert verdict(text, pays(700)).outcome is Outcome.TOLD


@pytest.mark.parametrize(
    "text",
    [
        f"Background: in EP-12 the DAO approved a transfer of 700 GLD to {B}.",
        f"The following sums were sent in 2024.\n\n| Recipient | Amount |\n|---|---|\n| {B} | 700 GLD |\n",
        f"Pay 700 GLD to {B} for a week.",
        f"Pay 700 GLD to {B}.\n\nThe voting delay will be raised to two days.",
        f"Pay 700 GLD to {B}.\n\nThe design team gets 9,000 GLD.",
    ],
)
def test_the_past_a_limit_and_a_second_order_are_no_plain_yes(text):
    assert verdict(text, pays(700)).outcome is not Outcome.TOLD


def test_a_number_belongs_to_the_parameter_that_it_stands_behind():
    text = "The voting period becomes 604,800 seconds and the voting delay 86,400 seconds."
    period, delay = "setVotingPeriod(uint32)", "setVotingDelay(uint48)"
    assert verdict(text, call(GOVERNOR, period, 604_800), call(GOVERNOR, delay, 86_400)).outcome is Outcome.TOLD
    assert verdict(text, call(GOVERNOR, period, 86_400), call(GOVERNOR, delay, 604_800)).outcome is Outcome.DIFFERS


@pytest.mark.parametrize(
    "text",
    [
        f"Send {B} the invoice for 700 GLD.",
        f"Send the audit report of the 700 GLD payment to {B}.",
        f"Send 700 GLD's worth of thanks to {B}.",
        f"We will pay 700 GLD (for two months) to the multisig {B}.",  # each month, or for both?
    ],
)
def test_words_between_verb_amount_and_receiver_that_change_what_is_paid_are_no_plain_yes(text):
    assert verdict(text, pays(700)).outcome is not Outcome.TOLD


@pytest.mark.parametrize(
    "text",
    [
        f"Transfer a total of 700 GLD from the timelock to {B}.",
        f"We will pay 700 GLD to the multisig {B}.",
        f"Pay 700 GLD for the work on the handbook to {B}.",
    ],
)
def test_words_that_change_nothing_between_them_leave_it_told(text):
    assert verdict(text, pays(700)).outcome is Outcome.TOLD


def test_hexadecimal_letters_make_no_text_a_foreign_one():
    address = "0x" + "de4e" * 10
    assert language_of(f"todo: pay 5,000 gld to {address}") == "en"


@pytest.mark.parametrize("more", ["Deploy a new vault.", "Then lock the keys away.", "The rest is burned."])
def test_an_order_with_a_verb_that_no_rule_knows_leaves_no_plain_yes(more):
    assert verdict(f"Pay 700 GLD to {B}. {more}", pays(700)).outcome is not Outcome.TOLD


@pytest.mark.parametrize(
    "aside", ["See the forum for details.", "This work was audited.", "Thank you all for reading."]
)
def test_a_sentence_that_asks_for_nothing_leaves_it_told(aside):
    assert verdict(f"Pay 700 GLD to {B}. {aside}", pays(700)).outcome is Outcome.TOLD
