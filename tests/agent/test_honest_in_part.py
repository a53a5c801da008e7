# SPDX-License-Identifier: Apache-2.0
"""Honest words that were called another thing than the calls do; beside each, what must stay red or unsure."""

import pytest
from eth_utils.crypto import keccak

from agent.understanding.effects import Book
from agent.understanding.judging import Outcome
from tests.agent.proposals import ANA, BEN, BOOK, CAROL, GOVERNOR, TREASURY, call, pays, verdict

RED = {Outcome.DIFFERS, Outcome.NOT_TOLD}
KNOWN = Book(
    names={**BOOK.names, BEN: "Ben Wood", CAROL: "the press team"},
    tokens=BOOK.tokens, contracts=BOOK.contracts, executor=BOOK.executor,
)  # fmt: skip
CANCELLER = keccak(b"CANCELLER_ROLE")
GRANT, REVOKE = "grantRole(bytes32,address)", "revokeRole(bytes32,address)"


def outcome(text, *calls):
    return verdict(text, *calls, book=KNOWN).outcome


def test_two_known_names_behind_a_comma_are_two_parties():
    text = "Ana, Ben Wood and the press team get 300 GLD each."
    three = [pays(300, ANA), pays(300, BEN), pays(300, CAROL)]
    assert outcome(text, *three) not in RED
    assert outcome(text, *three[:2]) is not Outcome.TOLD
    assert outcome(text, *three[:2], pays(400, CAROL)) in RED


@pytest.mark.parametrize("who", [(ANA,), (BEN,), (ANA, BEN)])
def test_one_amount_for_two_names_is_not_told(who):
    assert outcome("Pay 300 GLD to Ana, Ben Wood.", *(pays(300, one) for one in who)) is not Outcome.TOLD


def test_the_cells_of_a_row_are_parties_of_their_own():
    text = (
        "Grant these roles:\n\n| Role | Contract | Holder |\n|---|---|---|\n| CANCELLER_ROLE | the timelock | Ana |\n"
    )
    assert outcome(text, call(TREASURY, GRANT, CANCELLER, ANA)) is Outcome.TOLD_IN_PART
    assert outcome(text, call(TREASURY, GRANT, CANCELLER, BEN)) in RED
    assert outcome(text, call(TREASURY, REVOKE, CANCELLER, ANA)) in RED


def test_what_is_given_to_one_is_taken_from_the_other():
    text = "Give Ana the right to cancel on the timelock (CANCELLER_ROLE) and take it from Ben Wood."
    calls = [call(TREASURY, GRANT, CANCELLER, ANA), call(TREASURY, REVOKE, CANCELLER, BEN)]
    assert outcome(text, *calls) is Outcome.TOLD_IN_PART
    turned = [call(TREASURY, GRANT, CANCELLER, BEN), call(TREASURY, REVOKE, CANCELLER, ANA)]
    assert outcome(text, *turned) in RED
    assert outcome(text, calls[0], turned[1]) in RED


DAY = 86_400
DELAY = "updateDelay(uint256)"
THRESHOLD = "setProposalThreshold(uint256)"


@pytest.mark.parametrize(
    "text", ["The timelock will wait 3 days rather than 2 days.", "The timelock waits 3 days instead of 2 days."]
)
def test_a_delay_is_told_by_how_long_the_timelock_waits(text):
    assert outcome(text, call(TREASURY, DELAY, 3 * DAY)) is Outcome.TOLD_IN_PART
    assert outcome(text, call(TREASURY, DELAY, 2 * DAY)) in RED
    assert outcome(text, call(GOVERNOR, "setVotingDelay(uint48)", 3 * DAY)) in RED


@pytest.mark.parametrize(
    "text",
    [
        "The timelock will not wait 3 days.",
        "The timelock will wait 2 days rather than 3 days.",
        "Today the timelock waits 3 days.",
        "If the timelock waits 3 days, nothing changes.",
    ],
)
def test_words_that_set_no_delay_do_not_hint_at_one(text):
    assert outcome(text, call(TREASURY, DELAY, 3 * DAY)) in RED


def test_a_threshold_is_told_by_what_proposers_need():
    text = "Proposers will need 90,000 votes instead of 40,000 votes."
    assert outcome(text, call(GOVERNOR, THRESHOLD, 90_000 * 10**18)) is Outcome.TOLD_IN_PART
    assert outcome(text, call(GOVERNOR, THRESHOLD, 40_000 * 10**18)) in RED


def test_de_behind_becomes_is_no_from():
    assert (
        outcome("El periodo de votación pasa a ser de 5 días.", call(GOVERNOR, "setVotingPeriod(uint32)", 5 * DAY))
        not in RED
    )
    assert (
        outcome("El periodo de votación pasa a ser de 6 días.", call(GOVERNOR, "setVotingPeriod(uint32)", 5 * DAY))
        in RED
    )
    assert (
        outcome("El periodo de votación pasa de 5 días a 6 días.", call(GOVERNOR, "setVotingPeriod(uint32)", 5 * DAY))
        in RED
    )
