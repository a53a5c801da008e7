# SPDX-License-Identifier: Apache-2.0
"""What a call says besides amount and receiver: switches, who else takes part, another chain."""

import pytest

from agent.understanding.effects import Book, Contract
from agent.understanding.judging import Outcome
from tests.agent.proposals import ANA, BEN, BOOK, CAROL, GOLD, address, call, text_of, verdict

POOL, VAULT = address(41), address(42)
KNOWN = Book(
    names={**BOOK.names, POOL: "the pool", VAULT: "the vault"},
    tokens=BOOK.tokens,
    contracts={**BOOK.contracts, POOL: Contract("pool"), VAULT: Contract("vault")},
    executor=BOOK.executor,
)
B = text_of(BEN)


def outcome(text, *calls):
    return verdict(text, *calls, book=KNOWN).outcome


@pytest.mark.parametrize(
    ("text", "signature", "arguments"),
    [
        ("Pause the vault {vault}.", "setPaused(bool)", (False,)),
        ("Enable borrowing of GLD in the pool {pool}.", "setReserveBorrowing(address,bool)", (GOLD, False)),
        ("Set borrowing of GLD in the pool {pool} to true.", "setReserveBorrowing(address,bool)", (GOLD, False)),
        ("Pause GLD in the pool {pool}.", "setReservePause(address,bool)", (GOLD, False)),
    ],
)
def test_the_opposite_of_a_switch_is_no_plain_yes(text, signature, arguments):
    target = VAULT if "vault" in text else POOL
    said = text.format(vault=text_of(VAULT), pool=text_of(POOL))
    assert outcome(said, call(target, signature, *arguments)) is not Outcome.TOLD


def test_taking_rights_is_no_granting():
    said = f"Grant rights over the vault {text_of(VAULT)} to {B}."
    assert outcome(said, call(VAULT, "deny(address)", BEN)) is not Outcome.TOLD


@pytest.mark.parametrize(
    ("text", "signature", "arguments"),
    [
        (f"Transfer 100 GLD to the pool {text_of(POOL)}.", "supply(address,uint256,address,uint16)",
         (GOLD, 100 * 10**6, CAROL, 0)),
        (f"Approve {B} to spend up to 100 GLD.", "setAllowance(address,address,uint96,uint16,uint32)",
         (BEN, GOLD, 100 * 10**6, 1, 0)),
        (f"Transfer 100 GLD to {B}.", "depositERC20To(address,address,address,uint256,uint32,bytes)",
         (GOLD, ANA, BEN, 100 * 10**6, 200_000, b"")),
    ],
)  # fmt: skip
def test_money_whose_call_says_more_than_amount_and_receiver_is_told_in_part_at_best(text, signature, arguments):
    assert outcome(text, call(POOL, signature, *arguments)) is not Outcome.TOLD


def test_money_and_power_of_a_function_without_meaning_are_not_denied():
    judged = verdict("A note on the newsletter.", call(POOL, "forward(bytes)", b"\1"), book=KNOWN)
    assert [finding.codes for finding in judged.findings] == [("call_not_mentioned",)]
