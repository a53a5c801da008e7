# SPDX-License-Identifier: Apache-2.0
"""A verb that frames orders, behind an order that has begun, begins a second act, which no call has."""

import pytest
from eth_utils.crypto import keccak

from agent.understanding.judging import Outcome
from tests.agent.proposals import ANA, BEN, GOLD, GOVERNOR, TREASURY, call, pays, text_of, verdict

B = text_of(BEN)
GRANT = call(TREASURY, "grantRole(bytes32,address)", keccak(b"CANCELLER_ROLE"), ANA)
PERIOD = call(GOVERNOR, "setVotingPeriod(uint32)", 4 * 86_400)
ALLOWS = call(GOLD, "approve(address,uint256)", ANA, 700 * 10**6)

ORDERS = [
    ("Grant CANCELLER_ROLE on the timelock to Ana", GRANT),
    ("Set the voting period to 4 days", PERIOD),
    (f"Pay {B} 700 GLD", pays(700)),
]
SECOND = [
    "and make Ana executor of the treasury",
    "and authorize her on the treasury",
    "and perform the treasury's payments",
    "and direct payments to her",
    "then execute the payments",
    ", and initiate grants",
]


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize(("order", "made"), ORDERS)
def test_a_second_act_by_a_framing_verb_is_not_told(order, made, second):
    assert verdict(f"{order}.", made).outcome is Outcome.TOLD
    assert verdict(f"{order} {second}.", made).outcome is not Outcome.TOLD


@pytest.mark.parametrize("second", ["and take the treasury", "and use the safe", "and draw on the treasury's tokens"])
def test_an_allowance_for_more_is_not_told(second):
    assert verdict("Approve Ana to spend 700 GLD.", ALLOWS).outcome is Outcome.TOLD
    assert verdict(f"Approve Ana to spend 700 GLD {second}.", ALLOWS).outcome is not Outcome.TOLD


@pytest.mark.parametrize(
    "text",
    [
        f"This proposal makes a payment of 700 GLD to {B}.",
        f"We request and authorize a transfer of 700 GLD to {B}.",
        f"We propose to pay 700 GLD to {B}.",
    ],
)
def test_a_framing_verb_before_the_order_stays_free(text):
    assert verdict(text, pays(700)).outcome is Outcome.TOLD
