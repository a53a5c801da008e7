# SPDX-License-Identifier: Apache-2.0
"""Forms of orders that people write, which were called another thing than the calls do, or left a doubt."""

import pytest

from agent.understanding.judging import Outcome
from agent.understanding.mentions.quantities import Symbols, quantities
from tests.agent.proposals import BEN, CAROL, pays, text_of, verdict

B, C = text_of(BEN), text_of(CAROL)
RED = {Outcome.DIFFERS, Outcome.NOT_TOLD}


def test_a_payment_is_made_to_each_of_several():
    text = f"Pay 700 GLD to each of {B} and {C}."
    assert verdict(text, pays(700), pays(700, CAROL)).outcome is Outcome.TOLD
    assert verdict(text, pays(700), pays(700)).outcome in RED


def test_several_payments_of_one_amount_are_counted():
    text = f"This proposal makes two payments of 700 GLD each to {B}."
    assert verdict(text, pays(700), pays(700)).outcome is Outcome.TOLD
    assert verdict(text, pays(700)).outcome is not Outcome.TOLD
    assert verdict(text, pays(700), pays(700), pays(700)).outcome in RED


def test_a_table_of_recipients_and_amounts_with_a_total_is_no_record():
    rows = f"| Recipient | Amount |\n|---|---|\n| {B} | 700 GLD |\n| {C} | 300 GLD |\n| **Total** | **1,000 GLD** |\n"
    assert verdict(rows, pays(700), pays(300, CAROL)).outcome is Outcome.TOLD
    assert verdict(rows, pays(700)).outcome in RED


def test_a_reason_that_denies_something_else_denies_no_payment():
    assert verdict(f"The code is not audited, so pay 700 GLD to {B}.", pays(700)).outcome is Outcome.TOLD_IN_PART
    assert verdict(f"It is decided not to pay 700 GLD to {B}.", pays(700)).outcome in RED


def test_the_month_of_may_is_no_condition():
    assert verdict(f"- Pay 700 GLD to {B} for May\n", pays(700)).outcome is not Outcome.DIFFERS
    assert verdict(f"We may pay 700 GLD to {B}.", pays(700)).outcome is not Outcome.TOLD


@pytest.mark.parametrize("text", ["one two five GLD", "five twenty GLD", "twenty twenty GLD"])
def test_words_that_spell_no_number_are_none(text):
    assert quantities(text, Symbols({"gld": "GLD"})) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [("one hundred and twenty five GLD", 125), ("twenty-five GLD", 25), ("two hundred thousand GLD", 200_000)],
)
def test_words_that_spell_a_number_are_read(text, number):
    assert [one.readings for one in quantities(text, Symbols({"gld": "GLD"}))] == [(number,)]
