# SPDX-License-Identifier: Apache-2.0
"""What a call says besides amount and receiver: switches, who else takes part, another chain."""

from dataclasses import replace

import pytest

from agent.understanding.effects import Book, Contract, Token
from agent.understanding.judging import Outcome
from policies.notation.primitives import keccak
from tests.agent.proposals import ANA, BEN, BOOK, CAROL, GOLD, SILVER, address, call, text_of, verdict

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
    judged = verdict("A note on the newsletter.", call(POOL, "activateConfig(bytes32)", bytes(32)), book=KNOWN)
    assert [finding.codes for finding in judged.findings] == [("call_not_mentioned",)]


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [("forward(bytes)", (b"\1",)), ("setFeeRecipient(address)", (BEN,)), ("setBeneficiary(address)", (CAROL,))],
)
def test_power_of_a_function_without_meaning_is_not_told_where_its_name_or_types_say_so(signature, arguments):
    judged = verdict("A note on the newsletter.", call(POOL, signature, *arguments), book=KNOWN)
    assert [(finding.status, finding.codes) for finding in judged.findings] == [("not_told", ("power",))]


def test_words_that_deny_an_effect_elsewhere_leave_a_doubt_about_those_that_tell_it():
    handed = call(GOLD, "transferOwnership(address)", BEN)
    said = f"Transfer the ownership of {text_of(GOLD)} to {B}."
    assert outcome(said, handed) is Outcome.TOLD
    assert outcome(f"{said}\n\nDo not transfer the ownership.", handed) is not Outcome.TOLD


@pytest.mark.parametrize(("label", "is_told"), [("example", True), ("exemple", False)])
def test_a_hash_is_held_against_the_name_that_the_text_says_it_is_of(label, is_told):
    owner = call(POOL, "setSubnodeOwner(bytes32,bytes32,address)", keccak(b"n"), keccak(b"example"), BEN)
    hashes = f'0x{keccak(b"n").hex()} and labelhash("{label}") = 0x{keccak(b"example").hex()}'
    said = f"Set the owner of the subnode of node {hashes} in {text_of(POOL)} to {B}."
    found = verdict(said, owner, book=KNOWN).findings[0]
    assert ("arguments" not in found.codes) is is_told


def test_data_of_a_call_that_is_not_made_is_an_order_not_done_where_the_text_lists_its_calls_data():
    one, other = (call(GOLD, "transferOwnership(address)", holder) for holder in (BEN, CAROL))
    listed = "\n\n".join(f"Transfer the ownership of {text_of(GOLD)}:\n\n`0x{c.data.hex()}`" for c in (one, other))
    assert verdict(listed, one, other).orders_not_done == ()
    assert len(verdict(listed, one).orders_not_done) == 1
    assert outcome(listed, one) is Outcome.DIFFERS
    assert verdict(listed, call(GOLD, "transferOwnership(address)", ANA)).orders_not_done == ()


MODIFIER, VENUE = address(43), address(44)
MANAGER = b"MANAGER".ljust(32, b"\0")
PERMISSIONS = "# Update of permissions\n\n## New permissions\n\n- Deposit and withdraw GLD\n\n"
TAKEN_BACK = "## Removed permissions\n\n- Remove the permission to stake on the old venue\n"


def permission(name: str, target: bytes, function: str):
    arguments = (MANAGER, target, keccak(function.encode())[:4])
    signature, more = ("revokeFunction(bytes32,address,bytes4)", ()) if name == "revoke" else (
        "allowFunction(bytes32,address,bytes4,uint8)", (0,))  # fmt: skip
    return call(MODIFIER, signature, *arguments, *more)


@pytest.mark.parametrize(
    ("text", "name", "target", "function", "status"),
    [
        (PERMISSIONS, "allow", VENUE, "deposit(uint256)", "told_in_part"),
        (PERMISSIONS, "allow", GOLD, "approve(address,uint256)", "told_in_part"),
        (PERMISSIONS, "allow", VENUE, "delegate(address)", "not_told"),
        (PERMISSIONS, "revoke", VENUE, "deposit(uint256)", "not_told"),
        (PERMISSIONS + TAKEN_BACK, "revoke", VENUE, "deposit(uint256)", "told_in_part"),
        (PERMISSIONS + TAKEN_BACK, "revoke", GOLD, "deposit(uint256)", "not_told"),
        (PERMISSIONS.replace("GLD", "SLV"), "allow", GOLD, "approve(address,uint256)", "not_told"),
        # a verb alone says nothing of what it is about: the ether, the gauge, the request
        (PERMISSIONS + TAKEN_BACK, "revoke", VENUE, "depositETH(address,address,uint16)", "not_told"),
        (
            PERMISSIONS + TAKEN_BACK + "- Remove the deposit of ETH\n",
            "revoke",
            VENUE,
            "depositETH(address,address,uint16)",
            "told_in_part",
        ),
        (PERMISSIONS, "allow", VENUE, "gaugeWithdraw(address,address,address,uint256)", "not_told"),
        (
            PERMISSIONS + "- Use gauges\n",
            "allow",
            VENUE,
            "gaugeWithdraw(address,address,address,uint256)",
            "told_in_part",
        ),
        (PERMISSIONS, "allow", VENUE, "requestWithdrawals(uint256[],address)", "not_told"),
        (
            PERMISSIONS + "- Liquidity provision\n",
            "allow",
            VENUE,
            "remove_liquidity_one_coin(uint256,int128,uint256)",
            "told_in_part",
        ),
    ],
)
def test_a_permission_is_told_only_by_words_of_giving_or_taking_that_name_its_token(
    text, name, target, function, status
):
    (finding,) = verdict(text, permission(name, target, function), book=KNOWN).findings[:1]
    assert finding.status == status


SWAPS = """# Update of permissions

## New permissions

- Swaps:
  - Tokens in:
    - GLD
  - Tokens out:
    - SLV
"""


def test_a_permission_to_swap_more_tokens_than_the_text_lists_names_the_tokens():
    copper = address(14)
    book = replace(KNOWN, tokens={**KNOWN.tokens, copper: Token("CPR", copper, 18)})

    def allowed(*tokens: bytes):
        one_of = [(0, 5, 2, b""), (0, 1, 16, b""), *((1, 1, 16, bytes(12) + token) for token in tokens)]
        signature = "scopeFunction(bytes32,address,bytes4,(uint8,uint8,uint8,bytes)[],uint8)"
        return call(MODIFIER, signature, MANAGER, VENUE, keccak(b"swapIt(address)")[:4], one_of, 0)

    codes = [verdict(SWAPS, allowed(*tokens), book=book).findings[0].codes for tokens in (
        (GOLD, SILVER), (GOLD, SILVER, copper))]  # fmt: skip
    assert ["tokens" in one for one in codes] == [False, True]
    assert "tokens" not in verdict(PERMISSIONS, allowed(GOLD, SILVER, copper), book=book).findings[0].codes


def test_an_order_of_nothing_that_no_call_does_leaves_a_doubt():
    paid = call(GOLD, "transfer(address,uint256)", BEN, 100 * 10**6)
    assert outcome(f"Transfer 100 GLD to {B}.", paid) is Outcome.TOLD
    assert outcome(f"Transfer 100 GLD to {B}.\n\nTransfer 0 GLD to {text_of(CAROL)}.", paid) is not Outcome.TOLD
