# SPDX-License-Identifier: Apache-2.0
"""Approvals as a step of what a text orders: no lie where who may take is known, and one where a stranger may."""

import pytest

from agent.understanding import ingest
from agent.understanding.effects import effects_of
from agent.understanding.judging import Outcome, Status, judge
from governance.chain.address import checksum
from tests.agent.test_gate import BEN, BOOK, LEA, TIMELOCK, USDC, VAULT, call

APPROVE = call(USDC, "approve(address,uint256)", VAULT, 2_500 * 10**6)
DEPOSIT = call(VAULT, "deposit(uint256,address)", 2_500 * 10**6, TIMELOCK)
PAY = call(USDC, "transfer(address,uint256)", BEN, 900 * 10**6)
STRANGER = bytes([0x99]) * 20


def statuses(text: str, *calls) -> tuple[Outcome, list[Status]]:
    text = text.replace("{L}", checksum(LEA)).replace("{B}", checksum(BEN))
    verdict = judge(ingest.read(text), effects_of(calls, BOOK), BOOK)
    return verdict.outcome, [finding.status for finding in verdict.findings if finding.effect]


def test_a_deposit_tells_the_approval_that_it_needs_in_part():
    outcome, found = statuses("Deposit 2,500 USDC into the vault.", APPROVE, DEPOSIT)
    assert outcome is Outcome.TOLD_IN_PART
    assert found == [Status.IN_PART, Status.IN_PART]


def test_of_a_stranger_s_contract_it_does_not():
    approve = call(USDC, "approve(address,uint256)", STRANGER, 2_500 * 10**6)
    deposit = call(STRANGER, "deposit(uint256,address)", 2_500 * 10**6, TIMELOCK)
    assert statuses("Deposit 2,500 USDC into the vault.", approve, deposit)[0] is Outcome.DIFFERS


def test_a_payment_that_is_ordered_is_no_approval_and_no_deposit():
    outcome, found = statuses("Send 2,500 USDC to {L}.", APPROVE, DEPOSIT)
    assert outcome is Outcome.DIFFERS
    assert found == [Status.DIFFERS, Status.DIFFERS]


def test_a_deposit_of_another_amount_differs():
    assert statuses("Deposit 2,600 USDC into the vault.", APPROVE, DEPOSIT)[0] is Outcome.DIFFERS


def test_an_approval_that_names_nobody_is_not_for_who_is_paid_in_the_next_item():
    outcome, found = statuses("1. Approve 2,500 USDC.\n2. Transfer 900 USDC to {B}.", APPROVE, PAY)
    assert outcome is Outcome.TOLD_IN_PART
    assert found == [Status.IN_PART, Status.TOLD]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Authorize 2,500 USDC for the vault to stream to {L}.", Outcome.TOLD_IN_PART),
        ("Authorize 2,500 USDC for a stream to {L}.", Outcome.DIFFERS),
    ],
)
def test_who_may_take_is_named_beside_who_gets(text, outcome):
    assert statuses(text, APPROVE)[0] is outcome
