# SPDX-License-Identifier: Apache-2.0
"""Does the verdict say yes to honest texts, and never to a lie? A text each, the calls, and what must come out."""

import random
import sys

import pytest
from eth_utils.crypto import keccak

from agent.understanding import ingest
from agent.understanding.judging import Outcome, Status, judge
from governance.chain.call import ProposedCall
from tests.agent.proposals import (
    ANA,
    BEN,
    BOOK,
    CAROL,
    CODE,
    GOLD,
    GOVERNOR,
    PROXY,
    SAFE,
    SILVER,
    STRANGER,
    TREASURY,
    call,
    effects,
    ether,
    pays,
    text_of,
    verdict,
)

A, B, C, S = (text_of(one) for one in (ANA, BEN, CAROL, STRANGER))
T, P, I = (text_of(one) for one in (TREASURY, PROXY, CODE))  # noqa: E741
RED = {Outcome.DIFFERS, Outcome.NOT_TOLD}
OPAQUE = ProposedCall(STRANGER, 0, b"", bytes.fromhex("deadbeef"))

HONEST = [
    f"Pay {B} 2,500 GLD.",
    f"Send 2,500 GLD to {B}.",
    f"This proposal sends GLD 2,500 to {B}.",
    f"We propose to pay {B} 2.5k GLD for the audit.",
    f"It will transfer 2.500,00 GLD to {B}.",
    f"2,500 GLD will be sent to {B}.",
    f"2,500 GLD are transferred from the treasury to {B}.",
    f"Transferir 2.500,00 GLD a {B}.",
    f"Esta propuesta transfiere 2.500,00 GLD a {B} para el manual.",
    f"Cette proposition verse 2 500 GLD à {B}.",
    f"Dieser Vorschlag überweist 2.500,00 GLD an {B}.",
    f"Esta proposta transfere 2.500,00 GLD para {B}.",
    f"向 {B} 支付 2,500 GLD。",
    f"本提案向 {B} 转账 2,500 GLD。",
    f"Pay two thousand five hundred GLD to {B}.",
    f"Transfer 2500 GLD to {B}",
    f"The DAO grants 2,500 GLD to {B} for the handbook.",
    f"| To | GLD |\n|---|---|\n| {B} | 2,500 |\n",
    f"| Recipient | Amount (GLD) |\n|---|---|\n| {B} | 2,500 |\n",
    f"| Recipient | Token | Amount |\n|---|---|---|\n| {B} | GLD | 2,500 |\n",
    f"- Recipient: {B}\n- Amount: 2,500 GLD\n",
    f"**Recipient:** {B}\n**Amount:** 2,500 GLD\n",
    f"Payments:\n\n- 2,500 GLD to {B}\n",
    f"1. Transfer 2,500 GLD to {B}\n",
    f"If this proposal passes, 2,500 GLD will be transferred to {B}.",
    f"Upon approval, the treasury sends 2,500 GLD to {B}.",
    f"# Pay Ben\n\n## Summary\nThis proposal pays 2,500 GLD to Ben.\n\n## Orders\nTransfer 2,500 GLD to Ben ({B}).",
    f"Transfer 2,500 GLD from the timelock to {B}.",
    f"This proposal would transfer 2,500 GLD to {B}.",
    f"Transfer 2,500 $GLD to {B}.",
    f"{B} receives 2,500 GLD.",
    f"Reimburse {B} with 2,500 GLD.",
    f"Award a grant of 2,500 GLD to {B}.",
    f"Transfer 2,500 GLD to {B}.\n\nContact of the author: {C}.",
]

LIES = [
    # another recipient, amount, token, verb, payer
    f"Transfer 2,500 GLD to {C}.",
    f"Transfer 2,600 GLD to {B}.",
    f"Transfer 25,000 GLD to {B}.",
    f"Transfer 2,500.01 GLD to {B}.",
    f"Transfer 2.5 GLD to {B}.",
    f"Transfer 2,500 SLV to {B}.",
    f"Transfer 2,500 ODD to {B}.",
    f"Transfer 2,500 GLD worth of SLV to {B}.",
    f"Mint 2,500 GLD to {B}.",
    f"Approve {B} to spend 2,500 GLD.",
    "Burn 2,500 GLD.",
    "Swap 2,500 GLD for SLV.",
    f"Lend 2,500 GLD to {B}.",
    f"Transfer 2,500 GLD from {C} to {B}.",
    f"Transferir 2.500,00 GLD a {C}.",
    f"Receive 2,500 GLD from {B}.",
    f"Request 2,500 GLD from {B}.",
    f"{B} pays 2,500 GLD to the treasury.",
    f"{B} sends 2,500 GLD to {C}.",
    f"{C} sends 2,500 GLD to {B}.",
    f"2,500 GLD are sent to {B} by {C}.",
    # denied
    f"Do not transfer 2,500 GLD to {B}.",
    f"This proposal doesn't transfer 2,500 GLD to {B}.",
    f"We won't send 2,500 GLD to {B}.",
    f"Instead of paying 2,500 GLD to {B}, we wait.",
    f"No transfer of 2,500 GLD to {B} is made.",
    f"Cancel the transfer of 2,500 GLD to {B}.",
    f"Stop paying 2,500 GLD to {B}.",
    f"We end the payment of 2,500 GLD to {B}.",
    f"We lament the payment of 2,500 GLD to {B}.",
    f"Nobody transfers 2,500 GLD to {B}.",
    f"Transfer 2,500 GLD to {B} was rejected.",
    f"We refuse: transfer 2,500 GLD to {B}.",
    f"~~Transfer 2,500 GLD to {B}.~~",
    f"No transferir 2.500,00 GLD a {B}.",
    f"Nous ne versons pas 2 500 GLD à {B}.",
    f"Wir überweisen keine 2.500,00 GLD an {B}.",
    f"Não transferir 2.500,00 GLD para {B}.",
    f"不向 {B} 支付 2,500 GLD。",
    f"# Cancelled: a grant\n\nTransfer 2,500 GLD to {B}.",
    # history
    f"Last year the DAO transferred 2,500 GLD to {B}.",
    f"The DAO has paid 2,500 GLD to {B}.",
    f"2,500 GLD were sent to {B}.",
    f"Until now we paid 2,500 GLD to {B}.",
    f"In 2023 we transfer 2,500 GLD to {B}.",
    f"{B} donated 2,500 GLD.",
    f"Past payments:\n\n- 2,500 GLD to {B}",
    f"## Past payments\n\nTransfer 2,500 GLD to {B}.",
    f"Already paid in May:\n\n| Recipient | Amount |\n|---|---|\n| {B} | 2,500 GLD |\n",
    f"| Recipient | Paid |\n|---|---|\n| {B} | 2,500 GLD |\n",
    f"| Recipient | Amount | Date |\n|---|---|---|\n| {B} | 2,500 GLD | paid in May 2023 |\n",
    f"El año pasado el DAO pagó 2.500,00 GLD a {B}.",
    f"L'an dernier la DAO a versé 2 500 GLD à {B}.",
    f"Im Mai wurden 2.500,00 GLD an {B} überwiesen.",
    f"已向 {B} 支付 2,500 GLD。",
    # conditions, questions, others' words, examples
    f"If the audit passes, transfer 2,500 GLD to {B}.",
    f"Should we transfer 2,500 GLD to {B}?",
    f"The committee may transfer 2,500 GLD to {B}.",
    f"The committee then sends 2,500 GLD to {B}.",
    f"> Transfer 2,500 GLD to {B}.",
    f'The other DAO said: "Transfer 2,500 GLD to {B}."',
    f"The rival proposal transfers 2,500 GLD to {B}.",
    f"This proposal is unlike the one that transfers 2,500 GLD to {B}.",
    f"The attacker wants to transfer 2,500 GLD to {B}.",
    f"Voting against means that 2,500 GLD are sent to {B}.",
    f"Example: transfer 2,500 GLD to {B}.",
    f"For example, a transfer of 2,500 GLD to {B} costs gas.",
    f"## Alternatives considered\n\n- Transfer 2,500 GLD to {B}",
    # no exact amount
    f"Transfer up to 2,500 GLD to {B}.",
    f"Transfer about 2,500 GLD to {B}.",
    f"Transfer 2,500 GLD per month to {B}.",
    # taken back, or more promised
    f"Transfer 2,500 GLD to {B}. The payment above is cancelled.",
    f"Transfer 2,500 GLD to {B}.\n\nJust kidding.",
    f"Transfer 2,500 GLD to {B} and 1,000 GLD to {C}.",
    f"Transfer 2,500 GLD to {B}.\n\nTransfer 900 GLD to the design team.",
    f"Transfer 2,500 GLD to {B} twice.",
    # a name that is somebody else's
    f"Transfer 2,500 GLD to ana ({B}).",
    f"[{C}](https://example.org/address/{B}) receives 2,500 GLD.",
    # no order at all
    "The newsletter gets a new name.",
    f"| Recipient | Balance |\n|---|---|\n| {B} | 2,500 GLD |\n",
    f"Balances:\n\n| Address | Amount |\n|---|---|\n| {B} | 2,500 GLD |\n",
    f"| Recipient | Amount | Status |\n|---|---|---|\n| {B} | 2,500 GLD | rejected |\n",
    f"Our treasury holds 2,500 GLD; see {B}.",
    f"A bond of 2,500 GLD is posted by {B}.",
    f"- Amount: 2,500 GLD\n- From: {B}\n- Recipient: {C}\n",
]


@pytest.mark.parametrize("text", HONEST)
def test_a_payment_is_told_by_honest_words(text):
    judged = verdict(text, pays())
    assert judged.outcome is Outcome.TOLD, judged.findings
    told = judged.of("e1")
    assert told is not None
    assert told.quote is not None
    assert "2" in told.quote.text


@pytest.mark.parametrize("text", LIES)
def test_no_lie_tells_a_payment(text):
    judged = verdict(text, pays())
    assert judged.outcome is not Outcome.TOLD
    finding = judged.of("e1")
    assert finding is not None
    assert finding.codes or judged.orders_not_done  # it says what is wrong


@pytest.mark.parametrize(
    "text",
    [
        f"Transfer 2,500 GLD to {C}.",
        f"Transfer 2,600 GLD to {B}.",
        f"Transfer 2,500 SLV to {B}.",
        f"Transfer 2,500 ODD to {B}.",
        f"Approve {B} to spend 2,500 GLD.",
        f"Transfer 2,500 GLD from {C} to {B}.",
        f"Do not transfer 2,500 GLD to {B}.",
        f"Last year the DAO transferred 2,500 GLD to {B}.",
        f"If the audit passes, transfer 2,500 GLD to {B}.",
        "The newsletter gets a new name.",
        f"Transfer 2,500 GLD to {B}.\n\nTransfer 900 GLD to the design team.",
        f"This proposal renews the domain.\n\nTransfer 2,500 GLD to {B}.",
        f"Grants MINTER_ROLE on GLD to {C}.\n\nTransfer 2,500 GLD to {B}.",
        f"Transfer 2,500 GLD to {B}.\n\nSet the voting period to 5 days.",
    ],
)
def test_a_plain_lie_is_red(text):
    assert verdict(text, pays()).outcome in RED


PLAIN = f"Transfer 2,500 GLD to {B}."


@pytest.mark.parametrize(
    "calls",
    [
        (pays(), pays()),
        (pays(), pays(900, CAROL)),
        (pays(), ether(1, CAROL)),
        (call(GOLD, "transfer(address,uint256)", BEN, 2_500 * 10**6, wei=5),),
        (call(GOLD, "transferFrom(address,address,uint256)", CAROL, BEN, 2_500 * 10**6),),
        (call(GOLD, "approve(address,uint256)", BEN, 2_500 * 10**6),),
        (pays(2_501),),
        (pays(who=CAROL),),
        (pays(token=SILVER, decimals=18),),
        (pays(2_501), OPAQUE),  # an unknown call turns nothing grey
        (pays(), pays(), OPAQUE),
    ],
)
def test_what_the_words_do_not_tell_is_red(calls):
    assert verdict(PLAIN, *calls).outcome in RED


def test_an_unknown_call_may_be_what_the_text_orders():
    assert verdict(PLAIN, OPAQUE).outcome is Outcome.CANT_BE_CHECKED
    assert verdict(PLAIN, pays(), OPAQUE).outcome is Outcome.CANT_BE_CHECKED


def test_no_calls_is_said_with_the_orders():
    judged = verdict(PLAIN)
    assert judged.outcome is Outcome.NO_CALLS
    assert [quote.text for quote in judged.orders_not_done] == [PLAIN]


@pytest.mark.parametrize(
    ("text", "calls", "is_told"),
    [
        (f"Pay {B} 2,500 GLD and {C} 3,000 GLD.", (pays(), pays(3_000, CAROL)), True),
        (f"Pay {B} 2,500 GLD and {C} 3,000 GLD.", (pays(3_000), pays(2_500, CAROL)), False),
        (f"Send 2,500 GLD to {B} and 3,000 GLD to {C}.", (pays(), pays(3_000, CAROL)), True),
        (f"Send 2,500 GLD to {B} and 3,000 GLD to {C}.", (pays(3_000), pays(2_500, CAROL)), False),
        (f"Send 2,500 GLD each to {B} and {C}.", (pays(), pays(2_500, CAROL)), True),
        (f"Send 2,500 GLD to {B} and {C}.", (pays(), pays(2_500, CAROL)), False),
        (f"Send 2,500 GLD to {B} twice.", (pays(), pays()), True),
        (f"Transfer 2,500 GLD and 1.5 ETH to {B}.", (pays(), ether(15 * 10**17)), True),
        (f"| Recipient | Amount |\n|---|---|\n| {B} | 2,500 GLD |\n| {C} | 1,000 GLD |\n\nIn total 3,500 GLD.",
         (pays(), pays(1_000, CAROL)), True),
        (f"| Recipient | Amount |\n|---|---|\n| {B} | 2,500 GLD |\n| {C} | 1,000 GLD |\n",
         (pays(1_000), pays(2_500, CAROL)), False),
        (f"| Recipient | Amount |\n|---|---|\n| {B} | 2,500 GLD |\n| {C} | 1,000 GLD |\n", (pays(),), False),
        (f"| Recipient | Amount |\n|---|---|\n| {B} | 2,500 GLD |\n| {B} | 2,500 GLD |\n", (pays(), pays()), True),
        (f"| Recipient | Amount |\n|---|---|\n| {B} | 2,500 GLD |\n| {B} | 2,500 GLD |\n", (pays(),), False),
    ],
)  # fmt: skip
def test_one_mention_pays_for_one_effect(text, calls, is_told):
    assert (verdict(text, *calls).outcome is Outcome.TOLD) is is_told


def test_a_name_of_the_book_counts_and_another_one_tells_in_part():
    assert verdict("Pay ana 2,500 GLD.", pays(who=ANA)).outcome is Outcome.TOLD
    assert verdict("Pay ana 2,500 GLD.", pays()).outcome in RED
    judged = verdict("Pay 2,500 GLD to dora.", pays())
    assert judged.outcome is Outcome.TOLD_IN_PART
    assert judged.of("e1").codes == ("recipient_name",)


def _data(one: ProposedCall) -> str:
    return "0x" + one.data.hex()


def test_code_alone_tells_money_in_part_and_a_lie_above_it_differs():
    code = f"Target {text_of(GOLD)}, calldata {_data(pays())}."
    assert verdict(code, pays()).outcome is Outcome.TOLD_IN_PART
    assert verdict(f"This only renews a domain. {code}", pays()).outcome in RED
    assert verdict(f"No funds move. {code}", pays()).outcome in RED
    assert verdict(code, pays(2_501)).outcome in RED


@pytest.mark.parametrize(
    ("text", "amount", "is_told"),
    [
        (f"Approve {B} to spend 2,500 GLD.", 2_500 * 10**6, True),
        (f"Allow {B} to spend up to 2,500 GLD.", 2_500 * 10**6, True),
        (f"Let {B} take an unlimited amount of GLD.", 2**256 - 1, True),
        (f"Let {B} take an unlimited amount of SLV.", 2**256 - 1, False),
        (f"Approve {B} to spend 2,500 GLD.", 2**256 - 1, False),
        (f"Approve {C} to spend 2,500 GLD.", 2_500 * 10**6, False),
        (f"Transfer 2,500 GLD to {B}.", 2_500 * 10**6, False),
    ],
)
def test_approvals(text, amount, is_told):
    judged = verdict(text, call(GOLD, "approve(address,uint256)", BEN, amount))
    assert (judged.outcome is Outcome.TOLD) is is_told


PROPOSER = keccak(b"PROPOSER_ROLE")


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        (f"Grant PROPOSER_ROLE on the timelock to {B}.", True),
        (f"This proposal gives {B} the proposer role on the timelock.", True),
        (f"Grants the PROPOSER_ROLE role of {T} to {B}.", True),
        (f"Grant PROPOSER_ROLE on the timelock to {C}.", False),
        (f"Revoke PROPOSER_ROLE on the timelock from {B}.", False),
        (f"Grant EXECUTOR_ROLE on the timelock to {B}.", False),
        (f"Grant PROPOSER_ROLE on {P} to {B}.", False),
        (f"Do not grant PROPOSER_ROLE on the timelock to {B}.", False),
        (f"{B} was granted PROPOSER_ROLE on the timelock last year.", False),
        (f"If audited, grant PROPOSER_ROLE on the timelock to {B}.", False),
        (f"{B} keeps PROPOSER_ROLE on the timelock.", False),
    ],
)
def test_roles(text, is_told):
    judged = verdict(text, call(TREASURY, "grantRole(bytes32,address)", PROPOSER, BEN))
    assert (judged.outcome is Outcome.TOLD) is is_told


@pytest.mark.parametrize(
    ("text", "one"),
    [
        (
            f"Revoke PROPOSER_ROLE on the timelock from {B}.",
            call(TREASURY, "grantRole(bytes32,address)", PROPOSER, BEN),
        ),
        (f"Grant EXECUTOR_ROLE on the timelock to {B}.", call(TREASURY, "grantRole(bytes32,address)", PROPOSER, BEN)),
        (f"Grant PROPOSER_ROLE on the timelock to {C}.", call(TREASURY, "grantRole(bytes32,address)", PROPOSER, BEN)),
        (f"Grant PROPOSER_ROLE on the timelock to {B}.", call(TREASURY, "grantRole(bytes32,address)", bytes(32), BEN)),
        (f"Transfer the ownership of {P} to {B}.", call(PROXY, "transferOwnership(address)", CAROL)),
        (f"Upgrade the proxy {P} to the implementation {I}.", call(PROXY, "upgradeTo(address)", CAROL)),
        (f"Delegate the votes of GLD to {B}.", call(GOLD, "delegate(address)", CAROL)),
        ("The voting period becomes 5 days.", call(GOVERNOR, "setVotingPeriod(uint32)", 60)),
        ("We publish the report.", call(GOVERNOR, "setVotingPeriod(uint32)", 60)),
        ("Set the voting period to 5 days.", call(GOVERNOR, "setVotingDelay(uint48)", 432_000)),
    ],
)
def test_power_that_differs_is_red(text, one):
    assert verdict(text, one).outcome in RED


@pytest.mark.parametrize(
    ("text", "one"),
    [
        (
            f"Revoke PROPOSER_ROLE on the timelock from {B}.",
            call(TREASURY, "revokeRole(bytes32,address)", PROPOSER, BEN),
        ),
        (f"Transfer the ownership of {P} to {B}.", call(PROXY, "transferOwnership(address)", BEN)),
        (f"Upgrade the proxy {P} to the implementation {I}.", call(PROXY, "upgradeTo(address)", CODE)),
        (f"Delegate the votes of GLD to {B}.", call(GOLD, "delegate(address)", BEN)),
        (f"Mint 2,500 GLD to {B}.", call(GOLD, "mint(address,uint256)", BEN, 2_500 * 10**6)),
        ("Burn 2,500 GLD.", call(GOLD, "burn(uint256)", 2_500 * 10**6)),
    ],
)
def test_power_that_is_told(text, one):
    assert verdict(text, one).outcome is Outcome.TOLD


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("Set the governor's voting period to 432,000 seconds.", True),
        ("The voting period becomes 5 days.", True),
        ("Change the voting period from 3 days to 5 days.", True),
        ("This proposal increases the voting period to 120 hours.", True),
        ("| Parameter | Current | New |\n|---|---|---|\n| Voting period | 3 days | 5 days |\n", True),
        ("Cambiar el período de votación a 5 días.", True),
        ("Set the voting period to 6 days.", False),
        ("The voting period stays at 5 days.", False),
        ("Currently the voting period is 5 days.", False),
        ("Change the voting period from 5 days to 3 days.", False),
        ("The voting delay becomes 5 days.", False),
        ("Set the voting period to 432,000 blocks.", False),
        ("Set the voting period to 5 hours.", False),
        ("Do not set the voting period to 5 days.", False),
        ("We once set the voting period to 5 days.", False),
        ("If quorum fails, set the voting period to 5 days.", False),
        ("The voting period was changed to 5 days last year.", False),
    ],
)
def test_parameters_by_number_unit_and_subject(text, is_told):
    judged = verdict(text, call(GOVERNOR, "setVotingPeriod(uint32)", 432_000))
    assert (judged.outcome is Outcome.TOLD) is is_told


def test_a_payment_out_of_a_known_safe_is_told_by_its_name():
    inner = pays()
    safe = call(
        SAFE,
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
        inner.target, 0, inner.data, 0, 0, 0, 0, bytes(20), bytes(20), b"",
    )  # fmt: skip
    assert verdict(f"Transfer 2,500 GLD from the grants Safe to {B}.", safe).outcome is Outcome.TOLD
    assert verdict(f"Transfer 2,500 GLD from {C} to {B}.", safe).outcome in RED


# -------------------------------------------------------------------------------------------- random lies, and more


_TEMPLATES = [
    "Transfer {amount} GLD to {who}.",
    "This proposal pays {amount} GLD to {who} for the garden.",
    "{amount} GLD will be sent to {who}.",
    "We propose to send {who} {amount} GLD.",
    "| Recipient | Amount |\n|---|---|\n| {who} | {amount} GLD |\n",
    "Grant:\n\n- Amount: {amount} GLD\n- Recipient: {who}\n",
    "# Garden\n\nThe garden needs care.\n\n## Specification\n\n1. Pay {amount} GLD to {who}.",
]


def _written(amount: int, chance: random.Random) -> str:
    return chance.choice([f"{amount:,}", str(amount), f"{amount:,}".replace(",", " "), f"{amount:,}.00"])


def _mutants(chance: random.Random, amount: int, who: bytes):
    """Calls that are not what the text says: kind, calls."""
    flipped = bytearray(who)
    flipped[chance.randrange(20)] ^= 1 << chance.randrange(8)
    middle = who[:4] + bytes(chance.randrange(256) for _ in range(12)) + who[-4:]
    yield "recipient by one bit", (pays(amount, bytes(flipped)),)
    yield "recipient with the same ends", (pays(amount, middle),)
    yield "amount tenfold", (pays(amount * 10, who),)
    yield "amount and one", (call(GOLD, "transfer(address,uint256)", who, amount * 10**6 + 1),)
    yield "another token", (pays(amount, who, SILVER, 18),)
    yield "approval", (call(GOLD, "approve(address,uint256)", who, amount * 10**6),)
    yield "another payer", (call(GOLD, "transferFrom(address,address,uint256)", CAROL, who, amount * 10**6),)
    yield "done twice", (pays(amount, who), pays(amount, who))
    yield "dropped", (call(GOLD, "delegate(address)", who),)
    yield "ether goes along", (call(GOLD, "transfer(address,uint256)", who, amount * 10**6, wei=1),)
    yield "another call appended", (pays(amount, who), pays(7, STRANGER))
    yield "unknown call appended", (pays(amount, who), OPAQUE)


@pytest.mark.parametrize("seed", range(40))
def test_an_honest_sentence_is_told_and_no_mutant_of_its_call_is(seed):
    chance = random.Random(seed)
    amount = chance.choice([7, 95, 1_000, 2_500, 48_750, 1_250_000]) + chance.randrange(3)
    who = bytes(chance.randrange(256) for _ in range(20))
    text = chance.choice(_TEMPLATES).format(amount=_written(amount, chance), who=text_of(who))
    assert verdict(text, pays(amount, who)).outcome is Outcome.TOLD, text
    for kind, calls in _mutants(chance, amount, who):
        judged = verdict(text, *calls)
        assert judged.outcome is not Outcome.TOLD, (kind, text)
        off = {Status.DIFFERS, Status.NOT_TOLD, Status.IN_PART, Status.OPAQUE}
        assert any(finding.status in off for finding in judged.findings if finding.effect), (kind, text)


_TURNS = [
    "This proposal does not do the following. {text}", "It is not true: {text}", "{text} The payment above is void.",
    "In 2021: {text}", "Last year: {text}", "If the court agrees: {text}", "Another DAO says: {text}",
    "An example follows. For example: {text}", "{text} Ignore the list above.", "Rejected alternative: {text}",
    "Hypothetically: {text}", "We decided never to {text}",
]  # fmt: skip


@pytest.mark.parametrize("turn", _TURNS)
@pytest.mark.parametrize("template", [t for t in _TEMPLATES if "\n" not in t])
def test_a_turned_sentence_tells_nothing(turn, template):
    text = turn.format(text=template.format(amount="2,500", who=B))
    assert verdict(text, pays()).outcome is not Outcome.TOLD, text


@pytest.mark.parametrize("seed", range(30))
def test_the_verdict_takes_any_text(seed):
    chance = random.Random(seed)
    pieces = [
        PLAIN,
        B,
        "2,500",
        "GLD",
        "|",
        "\n",
        "- ",
        "# ",
        "> ",
        '"',
        "(",
        ")",
        "not",
        "if",
        ":",
        "0x",
        "。",
        "支付",
        "\x00",
        "1.000",
    ]
    text = "".join(chance.choice(pieces) + chance.choice(["", " ", "\n\n"]) for _ in range(chance.randrange(400)))
    judged = verdict(text, pays(), OPAQUE)
    assert judged.outcome is not Outcome.TOLD
    assert judge(ingest.read(text), effects(), BOOK).outcome is Outcome.NO_CALLS


def _judged_steps(text: str) -> int:
    """How many lines of Python the verdict of a text runs, which grows as its time does."""
    steps = 0

    def count(_frame, event, _argument):
        nonlocal steps
        steps += event == "call"

    document, done = ingest.read(text), effects(pays())
    sys.setprofile(count)
    try:
        judge(document, done, BOOK)
    finally:
        sys.setprofile(None)
    return steps


@pytest.mark.parametrize(
    "piece",
    [
        PLAIN + "\n\n",
        "pay 1 GLD to " + B + " and ",
        "if not ",
        "- Amount: 5 GLD\n",
        "| a | 5 GLD |\n",
        "x (",
        "“",
        "1,000 ",
    ],
)
def test_work_grows_with_the_text_and_no_faster(piece):
    once, eight = _judged_steps(piece * 60), _judged_steps(piece * 480)
    assert eight < 14 * once + 20_000


def test_nothing_counts_as_told_in_a_text_that_is_not_read_to_its_end():
    for text in (
        f"{PLAIN}\n\n" + "- The weather is fine.\n" * 4_000,
        f"{PLAIN}\n\n" + "and so on " * 200,
        PLAIN + "\n\nMore. " * 40_000,
    ):
        assert verdict(text, pays()).outcome is Outcome.TOLD_IN_PART


@pytest.mark.parametrize(
    "calls",
    [
        (pays(), pays()),
        (pays(), pays(90_000, STRANGER)),
        (pays(who=STRANGER),),
        (call(GOLD, "transferFrom(address,address,uint256)", STRANGER, BEN, 2_500 * 10**6),),
    ],
)
def test_money_beside_what_the_text_orders_differs(calls):
    """A text that orders one payment and moves another says something else; it does not merely say nothing."""
    judged = verdict(f"Transfer 2,500 GLD to {B} for the handbook.", *calls)
    assert judged.outcome is Outcome.DIFFERS
    bad = [finding for finding in judged.findings if finding.status is Status.DIFFERS]
    assert bad
    assert all(finding.quote for finding in bad)


def test_money_in_a_text_that_speaks_of_no_payment_is_not_told():
    judged = verdict("# Rename the newsletter\n\nIts new name was chosen in the forum.", pays(90_000, STRANGER))
    assert judged.outcome is Outcome.NOT_TOLD


def test_money_that_only_hidden_words_name_differs():
    hidden = f'We publish the report every month.\n\n[1]: https://example.org "Transfer 2,500 GLD to {B}."'
    assert verdict(hidden, pays()).outcome is Outcome.DIFFERS
    assert verdict(hidden, pays(who=STRANGER)).outcome is Outcome.NOT_TOLD


def test_a_transfer_of_tokens_tells_no_upgrade_of_one():
    """ "transfer" sets nothing here, and a symbol in the text names no contract."""
    text = f"This proposal includes a transfer on the GLD token contract and one from the SLV DAO treasury to {B}."
    judged = verdict(text, call(SILVER, "upgradeTo(address)", GOLD))
    assert judged.outcome in RED


@pytest.mark.parametrize(
    ("text", "one"),
    [
        (f"{PLAIN} The owner of {P} is the DAO.", call(PROXY, "transferOwnership(address)", BEN)),
        (f"Transfer 2,500 GLD to {B}, the owner of {P}.", call(PROXY, "transferOwnership(address)", BEN)),
        (f"Set expectations: the voting period is 5 days. {PLAIN}", call(GOVERNOR, "setVotingPeriod(uint32)", 432_000)),
        (f"Delegates of GLD votes thank {B}. {PLAIN}", call(GOLD, "delegate(address)", BEN)),
        (f"The upgrade of {P} was reviewed. {I} is the author. {PLAIN}", call(PROXY, "upgradeTo(address)", CODE)),
        (f"Pause for a moment and thank {P}. {PLAIN}", call(PROXY, "pause()")),
    ],
)
def test_a_verb_about_something_else_tells_no_change_of_power(text, one):
    judged = verdict(text, pays(), one)
    assert judged.outcome is not Outcome.TOLD
    assert judged.of("e2").status is not Status.TOLD


@pytest.mark.parametrize(
    ("text", "one"),
    [
        (
            "The proposal threshold is raised to 100,000 votes.",
            call(GOVERNOR, "setProposalThreshold(uint256)", 100_000),
        ),
        (f"The grant of 2,500 GLD to {B} was paid in March.", pays()),
        (f"EP 5 transfers 2,500 GLD to {B}.", pays()),
        (f"Paying 2,500 GLD to {B} is off the table.", pays()),
        (f"Pay $2,500 in SLV to {B}.", pays(2_500, BEN, SILVER, 18)),
    ],
)
def test_what_is_told_otherwise_than_it_is_done_is_not_told(text, one):
    assert verdict(text, one).outcome is not Outcome.TOLD


def test_a_call_of_a_name_counts_once():
    root = call(PROXY, "transferOwnership(address)", BEN)
    text = f"Transfer the ownership of {P} to {B}."
    assert verdict(text, root).outcome is Outcome.TOLD
    assert verdict(text, root, root).outcome in RED
