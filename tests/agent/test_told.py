# SPDX-License-Identifier: Apache-2.0
"""The verdict on one payment. LEA is paid 2,500 USDC in nearly all cases; what differs is what the text says of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding import ingest
from agent.understanding.effects import Book, Contract, effects_of
from agent.understanding.judging import Outcome, judge
from agent.understanding.mentions.parties import local_names
from dao.local.demo import AUDIT_TEXT, GRANTS_TEXT, MARKETING_TEXT, PERIOD_TEXT
from governance.chain.abi import encode_call
from governance.chain.address import ZERO, checksum, to_bytes
from governance.chain.call import ProposedCall
from policies.notation.amounts import Token
from tests.agent.test_ingest import HOSTILE
from tests.calls import plain_call
from tests.growth import grows_linearly

NAMED = {"matches": ("told",), "differs": ("differs", "not_told"), "opaque": ("cant_be_checked",)}
CASES = json.loads((Path(__file__).parent / "verdict_cases.json").read_text())

LEA, BEN, STRANGER = (
    to_bytes(text)
    for text in (
        "0x82DbC737bB99116f23BF643D793EC596C3714c29",
        "0x1111111111111111111111111111111111111112",
        "0x79224bC0bf70EC34F0ef56ed8251619499a59dEf",
    )
)
USDC, WETH, VOTES = bytes([0xC0]) * 20, bytes([0xE7]) * 20, bytes([0x70]) * 20
TIMELOCK, TREASURY, SAFE, GOVERNOR, VAULT = (bytes([n]) * 20 for n in (0x71, 0x7E, 0x5A, 0x60, 0x7F))
NAMES = {LEA: "lea", BEN: "ben", TREASURY: "the treasury", TIMELOCK: "the timelock", SAFE: "the treasury Safe",
         VAULT: "the vault", VOTES: "the votes token"}  # fmt: skip
TOKENS = {USDC: Token("USDC", USDC, 6), WETH: Token("WETH", WETH, 18)}
BOOK = Book(
    NAMES, TOKENS,
    contracts={TIMELOCK: Contract("timelock"), TREASURY: Contract("treasury"), SAFE: Contract("treasury"),
               GOVERNOR: Contract("governor")},
    executor=TIMELOCK,
)  # fmt: skip
LEAS = checksum(LEA)
ADMIN, PROPOSER = bytes(32), keccak(text="PROPOSER_ROLE")
PLAIN = f"Transfer 2,500 USDC to {LEAS}."


def call(target: bytes, signature: str, *args, value_wei: int = 0) -> ProposedCall:
    return plain_call(target, value_wei, encode_call(signature, list(args)))


def pay(recipient: bytes = LEA, amount: int = 2_500 * 10**6, token: bytes = USDC) -> ProposedCall:
    return call(token, "transfer(address,uint256)", recipient, amount)


def performed(inner: ProposedCall, by: bytes = TREASURY) -> ProposedCall:
    return call(by, "perform(address,uint256,bytes)", inner.target, inner.value_wei, inner.calldata)


def in_safe(
    inner: ProposedCall, *, operation: int = 0, gas: tuple = (0, 0, 0, ZERO, ZERO), by: bytes = SAFE
) -> ProposedCall:
    signature = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
    return call(by, signature, inner.target, inner.value_wei, inner.calldata, operation, *gas, b"")


def outcome(text: str, *calls: ProposedCall, book: Book = BOOK) -> Outcome:
    return judge(ingest.read(text), effects_of(calls, book), book).outcome


def is_told(text: str, *calls: ProposedCall, book: Book = BOOK) -> bool:
    return outcome(text, *calls, book=book) is Outcome.TOLD


# ------------------------------------------------------------------------------------------------ the project's cases


def case_book(case: dict, cases: dict = CASES) -> Book:
    contracts = {**cases["contracts"], **case.get("contracts", {})}
    kinds = {to_bytes(address): each["kind"] for address, each in contracts.items()}
    tokens = {symbol: (to_bytes(address), decimals) for symbol, (address, decimals) in cases["tokens"].items()}
    return Book(
        {to_bytes(address): name for name, address in cases["names"].items()},
        {address: Token(symbol, address, decimals) for symbol, (address, decimals) in tokens.items()},
        contracts={to_bytes(address): Contract(each["kind"], each.get("clock")) for address, each in contracts.items()},
        executor=next(address for address, kind in kinds.items() if kind == "timelock"),
    )


def case_calls(case: dict) -> list[ProposedCall]:
    return [
        plain_call(
            to_bytes(each["target"]), int(each["value"]), bytes.fromhex(each["calldata"][2:]), each.get("signature", "")
        )
        for each in case["calls"]
    ]


@pytest.mark.parametrize("case", CASES["cases"], ids=[case["name"] for case in CASES["cases"]])
def test_the_projects_cases(case):
    wanted = [case["want"]] if isinstance(case["want"], str) else case["want"]
    allowed = {one for want in wanted for one in NAMED.get(want, (want,))}
    assert outcome(case["text"], *case_calls(case), book=case_book(case)) in allowed


# -------------------------------------------------------------------------------------------------------------- honest


HONEST = {
    "plain": (PLAIN, [pay()]),
    "the DAO pays": (f"The DAO will pay 2,500 USDC to {LEAS} for the handbook.", [performed(pay())]),
    "from the treasury": (f"It transfers 2,500 USDC from the treasury to {LEAS}.", [performed(pay())]),
    "from the treasury, last": ("Send 2,500 USDC to lea from the treasury.", [performed(pay())]),
    "recipient first": ("This proposal pays lea 2,500 USDC for the work that she did in November.", [pay()]),
    "a label": (f"We transfer 2,500.00 USDC to Lea Moreau ({LEAS}) for the handbook, as agreed.", [pay()]),
    "a label after": (f"We transfer 2.5k USDC to {LEAS} (Lea Moreau).", [pay()]),
    "with at": (f"Send USDC 2,500 to the writers at {LEAS}!", [pay()]),
    "marks": (f"**Transfer** 2,500 `USDC` to the wallet `{LEAS}`.", [pay()]),
    "ether": (f"Send 1.5 ETH to {LEAS}.", [plain_call(LEA, 15 * 10**17)]),
    "dollars": (f"Pay $2,500 in USDC to {LEAS}.", [pay()]),
    "through a Safe": (f"Send 2,500 USDC from the treasury Safe to {LEAS}.", [in_safe(pay())]),
    "two": (
        "# Pay the writers\n\nThis proposal makes two payments:\n\n- Transfer 2,500 USDC to lea.\n"
        "- Transfer 900 USDC to ben.\n",
        [pay(), pay(BEN, 900 * 10**6)],
    ),
    "equal ones, each told": ("Transfer 2,500 USDC to lea. Transfer 2,500 USDC to lea.", [pay(), pay()]),
    "sections": (
        "# Pay lea 2,500 USDC\n\n## Motivation\n\nThe handbook helps new members to read proposals.\n\n"
        "## Specification\n\n1. Transfer 2,500 USDC to lea for the handbook.\n",
        [pay()],
    ),
    "an opening": (
        f"This proposal pays Lea for her work on the handbook.\nIt transfers 2,500 USDC to {LEAS}.", [pay()]
    ),
    "nothing else": (f"{PLAIN} Nothing else happens.", [pay()]),
    "a link aside": (
        "The chapters are in [the handbook](https://example.org/book).\n\n"
        f"This proposal transfers 2,500 USDC to {LEAS}.",
        [pay()],
    ),
    "reasons before": (
        "## Motivation\n\nThe handbook is good for new delegates.\n\n## Transfers\n\n"
        "1. Transfer 2,500 USDC to lea.\n2. Transfer 900 USDC to ben.\n",
        [pay(), pay(BEN, 900 * 10**6)],
    ),
    "counted": (
        "This proposal makes two payments:\n\n- The first call transfers 2,500 USDC to lea.\n"
        "- The second call transfers 900 USDC to ben.\n",
        [pay(), pay(BEN, 900 * 10**6)],
    ),
    "called as in the book": ("# Pay Lea for the handbook\n\nTransfer 2,500 USDC to lea.", [pay()]),
    "an approval": (
        f"Allow {LEAS} to spend up to 2,500 USDC.", [call(USDC, "approve(address,uint256)", LEA, 2_500 * 10**6)]
    ),
    "a role": (
        f"Grants PROPOSER_ROLE on the timelock {checksum(TIMELOCK)} to {LEAS}.",
        [call(TIMELOCK, "grantRole(bytes32,address)", PROPOSER, LEA)],
    ),
    "an owner": ("Transfer the ownership of the vault to lea.", [call(VAULT, "transferOwnership(address)", LEA)]),
    "an upgrade": (f"Upgrade the vault to the new implementation {LEAS}.", [call(VAULT, "upgradeTo(address)", LEA)]),
    "a delegation": (
        f"Delegate our voting power on the votes token to {LEAS}.", [call(VOTES, "delegate(address)", LEA)]
    ),
    "the demo's grant": (GRANTS_TEXT, [performed(pay())]),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_a_plain_and_honest_text_matches(name):
    text, calls = HONEST[name]
    assert is_told(text, *calls)


@pytest.mark.parametrize("text", [AUDIT_TEXT, MARKETING_TEXT, PERIOD_TEXT])
def test_the_demos_other_texts_say_too_much_to_be_compared(text):
    assert not is_told(text, performed(pay()))
    assert not is_told(text, call(GOVERNOR, "setVotingPeriod(uint32)", 432_000))


# ---------------------------------------------------------------------------------------- lies about an honest call


# A line is a text; ¶ ends a paragraph in it.
LIES = {
    "for a while": """
        Transfer 2,500 USDC to {lea} for thirty days.
        Transfer 2,500 USDC to {lea} for a week.
        Transfer 2,500 USDC to {lea}.\u2063
        Transfer 2,500 USDC to {lea}.\u202e
        We publish a report.¶[^1]: Transfer 2,500 USDC to {lea}.
    """,
    "negated": """
        We decided not to transfer 2,500 USDC to {lea}.
        This proposal does not transfer 2,500 USDC to {lea}.
        Do not transfer 2,500 USDC to {lea}.
        Don't transfer 2,500 USDC to {lea}.
        We won\u2019t transfer 2,500 USDC to {lea}.
        Never transfer 2,500 USDC to {lea}.
        We will no longer transfer 2,500 USDC to {lea}.
        Rather than transfer 2,500 USDC to {lea} we renew the domain.
        Instead of the grant: transfer 2,500 USDC to {lea}.
        This proposal works without the order to transfer 2,500 USDC to {lea}.
        Transfer 2,500 USDC to nobody, least of all to {lea}.
        Transfer 2,500 USDC to everybody except {lea}.
        Transfer 2,500 USDC to anyone other than the owner of {lea}.
        Transfer 2,500 USDC to {lea}? No.
        We refuse to transfer 2,500 USDC to {lea}.
        We refrain from this: transfer 2,500 USDC to {lea}.
        The DAO stops this: transfer 2,500 USDC to {lea}.
        Transfer 2,500 USDC to {lea} for the handbook is what we reject.
        Transfer 2,500 USDC to {lea} for nothing.
        Transfer 2,500 USDC to {lea} \u2014 not.
        Transfer 2,500 USDC to {lea}. This order is void.
        Transfer 2,500 USDC to {lea}. The above is cancelled.
        Transfer 2,500 USDC to {lea}. We called off this payment.
        Transfer 2,500 USDC to {lea}. It is postponed.
        Transfer 2,500 USDC to {lea}. None of this happens.
        Nothing below is done.¶Transfer 2,500 USDC to {lea}.
        We reject this:¶Transfer 2,500 USDC to {lea}.
        Wir transferieren nicht.¶Transfer 2,500 USDC to {lea}.
        Wir \u00fcberweisen keine 2,500 USDC an {lea}.
        No transferimos 2,500 USDC a {lea}.
        Nous ne payons pas 2,500 USDC \u00e0 {lea}.
        Transfer 2,500 USDC to {lea}.¶Todo lo anterior es falso y queda anulado.
        Transfer 2,500 USDC to {lea}.¶Davon wird nichts getan.
        Transfer 2,500 USDC to {lea}.¶Rien de cela ne se fait.
        Transfer 2,500 USDC to {lea}.¶\u042d\u0442\u043e \u043e\u0442\u043c\u0435\u043d\u0435\u043d\u043e.
        Transfer 2,500 USDC to {lea}.¶\u4ee5\u4e0a\u5168\u90e8\u4f5c\u5e9f\u3002
        ~~Transfer 2,500 USDC to {lea}.~~
        <del>Transfer 2,500 USDC to {lea}.</del>
        <s>Transfer 2,500 USDC to {lea}.</s>
    """,
    "history": """
        In March the DAO paid 2,500 USDC to {lea}.
        We have paid 2,500 USDC to {lea}.
        2,500 USDC was transferred to {lea}.
        2,500 USDC had been sent to {lea} in the spring.
        Previously we transfer 2,500 USDC to {lea}.
        Last year the DAO transfers 2,500 USDC to {lea}.
        It transferred 2,500 USDC to {lea}.
        Transfer 2,500 USDC to {lea} for the handbook last spring.
        Transfer 2,500 USDC to {lea} for the handbook was done in March.
        Transfer 2,500 USDC to {lea}. This was done in March.
        Transfer 2,500 USDC to {lea}. It has already happened.
        Two years ago: transfer 2,500 USDC to {lea}.
        Paid in 2023:¶Transfer 2,500 USDC to {lea}.
        Paid in 2023:¶- Transfer 2,500 USDC to {lea}.
        Grants of 2023¶- Transfer 2,500 USDC to {lea}.
        ## History¶Transfer 2,500 USDC to {lea}.
        ## Earlier grants¶Transfer 2,500 USDC to {lea}.
        Recall how EP 3 went.¶Transfer 2,500 USDC to {lea}.
        The text of EP 3 reads as follows.¶Transfer 2,500 USDC to {lea}.
        EP 3 in full.¶Transfer 2,500 USDC to {lea}.
        Transfer 2,500 USDC to {lea}.¶That is how EP 3 read.
        Transfer 2,500 USDC to {lea}.¶These words are of EP 3.
        Transfer 2,500 USDC to {lea}.¶This line is a relic.
        Transfer 2,500 USDC to {lea}.¶It is done.
        Transfer 2,500 USDC to {lea}.¶The line above is there for the record.
        The DAO of 2023.¶Transfer 2,500 USDC to {lea}.
        ## Season 3¶Transfer 2,500 USDC to {lea}.
        # Report on the past year¶Transfer 2,500 USDC to {lea}.
        **Previous proposal**¶Transfer 2,500 USDC to {lea}.
        Currently we transfer 2,500 USDC to {lea}.
        The stream currently pays 2,500 USDC to {lea}.
        Every month we pay 2,500 USDC to {lea}.
        | Year | Order |\n|---|---|\n| 2023 | Transfer 2,500 USDC to {lea}. |
    """,
    "a condition or a doubt": """
        If the audit passes, transfer 2,500 USDC to {lea}.
        Transfer 2,500 USDC to {lea} if the audit passes.
        Transfer 2,500 USDC to {lea} once the handbook is out.
        Transfer 2,500 USDC to {lea} unless members object.
        Transfer 2,500 USDC to {lea} for the handbook when it is done.
        Transfer 2,500 USDC to {lea} for the handbook subject to review.
        We may transfer 2,500 USDC to {lea}.
        We could transfer 2,500 USDC to {lea}.
        We should transfer 2,500 USDC to {lea}.
        Perhaps we transfer 2,500 USDC to {lea}.
        Shall we transfer 2,500 USDC to {lea}?
        Transfer 2,500 USDC to {lea}?
        Transfer 2,500 USDC to {lea}. Or do we?
        Transfer 2,500 USDC to {lea}. This depends on the audit.
        Transfer 2,500 USDC to {lea}. It takes place only when the audit is out.
        Transfer 2,500 USDC to {lea}. This is pending a review.
        Later we transfer 2,500 USDC to {lea}.
        A future proposal will transfer 2,500 USDC to {lea}.
        The next vote: transfer 2,500 USDC to {lea}.
    """,
    "no order of this proposal": """
        For example, transfer 2,500 USDC to {lea}.
        # What others asked for¶Transfer 2,500 USDC to {lea}.
        An example of an order follows.¶Transfer 2,500 USDC to {lea}.
        ## Example¶Transfer 2,500 USDC to {lea}.
        ## Rejected alternatives¶Transfer 2,500 USDC to {lea}.
        ## Not part of this proposal¶Transfer 2,500 USDC to {lea}.
        ## Out of scope¶Transfer 2,500 USDC to {lea}.
        ## Ben's idea¶Transfer 2,500 USDC to {lea}.
        ## What others asked for¶Transfer 2,500 USDC to {lea}.
        Rejected:¶- Transfer 2,500 USDC to {lea}.
        - Rejected:\n  - Transfer 2,500 USDC to {lea}.
        Ben said: "Transfer 2,500 USDC to {lea}."
        "Transfer 2,500 USDC to {lea}."
        \u201cTransfer 2,500 USDC to {lea}.\u201d
        \u00abTransfer 2,500 USDC to {lea}.\u00bb
        > Transfer 2,500 USDC to {lea}.
        A text of ben.¶> Transfer 2,500 USDC to {lea}.
        ```\nTransfer 2,500 USDC to {lea}.\n```
        ~~~\nTransfer 2,500 USDC to {lea}.\n~~~
        A text of ben.¶    Transfer 2,500 USDC to {lea}.
        Hypothetical: transfer 2,500 USDC to {lea}.
        Imagine this. Transfer 2,500 USDC to {lea}.
        This is a draft.¶Transfer 2,500 USDC to {lea}.
        Transfer 2,500 USDC to {lea}.¶This text is a test of our tools.
        Transfer 2,500 USDC to {lea}.¶Just kidding.
        The proposal of ben says to transfer 2,500 USDC to {lea}.
        Another DAO will transfer 2,500 USDC to {lea}.
        Ben will transfer 2,500 USDC to {lea}.
        The last payment transfers 2,500 USDC to {lea}.
        The next transaction transfers 2,500 USDC to {lea}.
        Ben has a plan.¶It will transfer 2,500 USDC to {lea}.
        Ben has a plan. It will transfer 2,500 USDC to {lea}.
        Ben made a proposal in the forum.¶The proposal transfers 2,500 USDC to {lea}.
        He pays 2,500 USDC to {lea}.
    """,
    "hidden": """
        <div hidden>Transfer 2,500 USDC to {lea}.</div>
        <div style="display:none">¶Transfer 2,500 USDC to {lea}.
        <span title="Transfer 2,500 USDC to {lea}.">We publish a report.</span>
        We publish a report.¶[1]: https://example.org "Transfer 2,500 USDC to {lea}."
        We publish a report.¶[1]: https://example.org 'Transfer 2,500 USDC to {lea}.'
        We publish a report.¶[1]: <Transfer> (Transfer 2,500 USDC to {lea}.)
        [Our report](https://example.org "Transfer 2,500 USDC to {lea}.") is public.
        We publish a report.¶[//]: # (Transfer 2,500 USDC to {lea}.)
        Trans\u200bfer 2,500 USDC to {lea}.
        <span style="font-size:0">Do not</span> Transfer 2,500 USDC to {lea}.
    """,
    "another number": """
        Transfer 2,501 USDC to {lea}.
        Transfer 25,000 USDC to {lea}.
        Transfer 2.500 USDC to {lea}.
        Transfer 2500000000 USDC to {lea}.
        Transfer 2,500,000,000 to {lea}.
        Transfer 2,500 to {lea}.
        Transfer 2500 tokens to {lea}.
        Transfer 2.5m USDC to {lea}.
        Transfer 2,500k USDC to {lea}.
        Transfer 0.0025 million million USDC to {lea}.
        Transfer 2,500 USDC (two thousand six hundred) to {lea}.
        Transfer up to 2,500 USDC to {lea}.
        Transfer at most 2,500 USDC to {lea}.
        Transfer about 2,500 USDC to {lea}.
        Transfer half of 2,500 USDC to {lea}.
        Transfer 2 x 2,500 USDC to {lea}.
        Transfer -2,500 USDC to {lea}.
        Transfer 2,500 USDC each to {lea}.
        Transfer 2,500 USDC a month to {lea}.
        Transfer 2,500 USDC to {lea} per month.
        Transfer 2,500 USDC to {lea} for each month of the year.
        Transfer 2,500 USDC to {lea} for every chapter of the handbook.
        Transfer 2,500 USDC to {lea} for the handbook in two instalments.
        Transfer 1,000 USDC or 2,500 USDC to {lea}.
        Transfer 12,500 USDC to {lea}.
        Transfer 1 2,500 USDC to {lea}.
        Transfer 2,5000 USDC to {lea}.
        Transfer 02,500 USDC to {lea}.
        Transfer 2,\u0665\u0660\u0660 USDC to {lea}.
        # Pay 9,000 USDC¶Transfer 2,500 USDC to {lea}.
        # Pay lea 250 USDC¶Transfer 2,500 USDC to {lea}.
        She asks for a grant of 9,000 USDC.¶Transfer 2,500 USDC to {lea}.
        Transfer 2,500 USDC to {lea}. That is 25,000 USDC in all.
    """,
    "another asset": """
        Transfer 2,500 USDT to {lea}.
        Transfer 2,500 WETH to {lea}.
        Transfer 2,500 USD to {lea}.
        Transfer 2,500 USDC.e to {lea}.
        Transfer 2,500 USDCx to {lea}.
        Transfer 2,500 USDC-LP to {lea}.
        Transfer 2,500 aUSDC to {lea}.
        Transfer 2,500 US\u0405C to {lea}.
        Transfer 2,500 \u216cSDC to {lea}.
        Transfer 2,500 UЅDC to {lea}.
        Transfer 2,500 USD to {lea} in USDC.
        Transfer 2,500 USDC worth of ETH to {lea}.
        Transfer 2,500 USDC in WETH to {lea}.
        Transfer $2,500 to {lea}.
        Pay $2,500 in WETH to {lea}.
        Pay \u20ac2,500 in USDC to {lea}.
        Transfer 2,500 USDC shares to {lea}.
        Transfer 2,500 ETH to {lea}.
        Transfer 2,500 of our tokens to {lea}.
    """,
    "another recipient": """
        Transfer 2,500 USDC to {ben}.
        Transfer 2,500 USDC to ben.
        Transfer 2,500 USDC to {ben}.¶The address of the author is {lea}.
        Transfer 2,500 USDC to ben ({lea}).
        Transfer 2,500 USDC to {lea} (ben).
        Transfer 2,500 USDC to ben at {lea}.
        Transfer 2,500 USDC to ben via {lea}.
        Transfer 2,500 USDC to lea and ben.
        Transfer 2,500 USDC to {lea} and {ben}.
        Transfer 2,500 USDC to {lea} or {ben}.
        Transfer 2,500 USDC to lea's sister.
        Transfer 2,500 USDC to lea van Dam.
        Transfer 2,500 USDC to the design team.
        Transfer 2,500 USDC to lea for ben.
        Transfer 2,500 USDC to {short}...4c29.
        Transfer 2,500 USDC to {lower}.
        Transfer 2,500 USDC to {lea}0.
        Transfer 2,500 USDC to l\u0435a.
        Transfer 2,500 USDC to 1ea.
        Transfer 2,500 USDC to the friends of lea ({lea}).
        Transfer 2,500 USDC to everybody near lea ({lea}).
        Transfer 2,500 USDC to {lea} on behalf of ben.
        Transfer 2,500 USDC to {lea} for ben.
        Transfer 2,500 USDC to {lea} for onward payment to the design team.
        # Pay {lower_ben}¶Transfer 2,500 USDC to {lea}.
        # Pay {ben}¶Transfer 2,500 USDC to {lea}.
        # Pay ben¶Transfer 2,500 USDC to {lea}.
        This proposal pays ben for his work.¶It transfers 2,500 USDC to {lea}.
    """,
    "more is promised": """
        {plain}¶Transfer 9,000 USDC to the design team.
        {plain}¶Transfer 9,000 USDC to {ben}.
        {plain}¶Pay the design team.
        {plain}¶Then reimburse Ben for his flights.
        {plain}¶The design team gets 9,000 USDC.
        {plain}¶The design team gets the same.
        {plain}¶Ben: 9,000
        {plain}¶- Ben: 50
        {plain}¶9,000 DAI go to the design team.
        {plain}¶Nine thousand dollars go to the design team.
        {plain}¶The rest goes to the design team.
        {plain}¶Do this twice.
        {plain}¶Repeat it every month.
        {plain}¶Grant ben the right to veto.
        {plain}¶Upgrade the vault.
        {plain}¶It makes ben the guardian.
        {plain}¶Add ben as a signer.
        {plain}¶Set the voting period to five days.
        {plain}¶The voting period becomes five days.
        {plain}¶Burn what is left.
        {plain}¶| Recipient | Amount |\n|---|---|\n| Ben | 9,000 USDC |
        {plain}¶| To | USDC |\n|---|---|\n| Ben | 9000 |
        {plain}¶A payment to the design team follows.
        {plain}¶Let ben take what he needs.
        {plain}¶Wir zahlen 9.000 Euro an das Team.
        {plain}¶10% of the treasury goes to ben.
        {plain} Ben gets one too.
        {plain} And ben.
        {plain}¶- Ben\n- {plain}
        We do these:¶- {plain}\n- Ben
        {plain}¶A bounty for ben.
        {plain}¶Ben is to have as much.
        {plain}¶The payment for ben is 50.
        {plain}¶Send ben.eth the domain.
    """,
    "code in place of words": """
        Target {usdc}, calldata 0x{data}. It pays for the handbook.
        This only renews a domain. Target {usdc}, calldata 0x{data}.
        ```\n{usdc}.transfer({lea}, 2500000000)\n```
        transfer({lea}, 2500000000)
        USDC.transfer({lea}, 2,500)
    """,
    "no word of it": """
        # Rename the newsletter¶The newsletter gets a new name that members chose in the forum.
        We publish the report of the treasury.
        The handbook is good for the members.
        Renew the domain.
        .
    """,
    "another verb": """
        Approve 2,500 USDC for {lea}.
        Allow {lea} to spend 2,500 USDC.
        Lend 2,500 USDC to {lea}.
        Stream 2,500 USDC to {lea}.
        Mint 2,500 USDC to {lea}.
        Burn 2,500 USDC.
        Sell 2,500 USDC to {lea}.
        Collect 2,500 USDC from {lea}.
        Receive 2,500 USDC from {lea}.
        Delegate 2,500 USDC to {lea}.
        Owe 2,500 USDC to {lea}.
        Promise 2,500 USDC to {lea}.
        Offer 2,500 USDC to {lea}.
        Return 2,500 USDC to {lea}.
    """,
    "taken back in words that no list has": """
        {plain}¶April fool!
        {plain} Psych!
        {plain} Yeah right.
        {plain} Nah.
        {plain}¶Dry run.
        {plain}¶Unpaid.
        {plain}¶The treasury stays untouched.
        {plain}¶The treasury stays as it is.
        {plain}¶The treasury withholds the coins.
        {plain}¶The members overruled the writers.
        {plain}¶The vote is moot.
        {plain}¶Members disapprove of the line.
        {plain}¶Members shot it down in the forum.
        {plain}¶The line is decorative.
        {plain}¶The ship has sailed.
        {plain}¶The text is from a novel.
        {plain}¶Alles in dieser Liste ist gelogen.
        {plain}¶Alles in deze lijst is onwaar.
        {plain}¶Reine Erfindung.
        {plain}¶The comma in the line is a decimal point.
        {plain}¶Figures stand for cents.
        {plain}¶By Lea we mean Kim.
        {plain}¶## Motivation¶To be read with a wink.
        {plain}¶Kim runs the vault.
    """,
    "another title, or words that no page shows": """
        # How to write a proposal¶## Specification¶{plain}
        # Temperature check¶## Specification¶{plain}
    """,
    "a quotation in parts": """
        Ben writes "Good morning.¶{plain}¶Good night."
        Ben sings \u201cGood morning.¶{plain}¶Good night.\u201d
        Ben has a line of his own "for the books.¶This proposal transfers 2,500 USDC to {lea}.
        (¶{plain}¶)
        /*¶{plain}¶*/
        ~~¶{plain}¶~~
        --¶{plain}¶--
        The losing bid.¶{plain}
        A poem by Ben.¶{plain}
        Ben is fond of a line.¶{plain}
        Ben pleads with us.¶{plain}
        Compound did so in March.¶{plain}
        # Proposals that lost¶## Specification¶{plain}
        # Letter from Ben¶## Specification¶{plain}
        # What Compound did¶## Summary¶{plain}
        ## Background¶{plain}
        ## Goals¶- {plain}
        ## Deliverables¶- {plain}
    """,
    "another count": """
        This proposal makes three payments:¶- {plain}
        The fifth call transfers 2,500 USDC to {lea}.
        The second call below transfers 2,500 USDC to {lea}.
        Call 7: transfer 2,500 USDC to {lea}.
        Call 0: transfer 2,500 USDC to {lea}.
    """,
    "a limit or a doubt beside the recipient": """
        Transfer 2,500 USDC to {lea} for collateral.
        Transfer 2,500 USDC to {lea} for the sake of argument.
        Transfer 2,500 USDC to {lea} for an unpaid clerk.
        Transfer 2,500 USDC to {lea} (half).
        Transfer 2,500 USDC to {lea} (x2).
        Transfer 2,500 USDC to {lea} (unpaid).
        Transfer 2,500 USDC to {lea} (disapproved).
        Transfer 2,500 USDC to {lea} (in WETH).
        Transfer 2,500 USDC to {lea} (WETH).
        Transfer 2,500 USDC to twelve people ({lea}).
        Transfer 2,500 USDC to 12 writers at {lea}.
        Transfer 2,500 USDC to Kim on Polygon at {lea}.
        # Pay Kim¶Transfer 2,500 USDC to lea.
        # Pay Kim¶Transfer 2,500 USDC to Lea Moreau ({lea}).
        This proposal pays Kim for her work. It transfers 2,500 USDC to lea.
    """,
    "words that no rule uses": """
        # Ben's plan¶Transfer 2,500 USDC to {lea}.
        # A grant for ben¶Transfer 2,500 USDC to {lea}.
        {plain}¶```\ntransfer({ben}, 9000)\n```
        - {plain}\n- The design team
        {plain}¶The design team: fifty
        {plain}¶Provide ben with a laptop.
        {plain}¶## Why¶The wallet is that of Kim.
        {plain}¶## Background¶On the day of the conference.
        {plain}¶The executor waits for the audit.
        {plain}¶The quorum is ten votes.
        {plain}¶This proposal is about the newsletter.
        {plain}¶| Name | Number |\n|---|---|\n| Ben | 50 |
        {plain}¶```\nunpaid\n```
        # A domain for Kim¶## Specification¶{plain}
        # Pay ten people¶{plain}
        # Pay in 3 parts¶{plain}
        # Fund the year, month by month¶{plain}
        The policy is for a year.¶This proposal transfers 2,500 USDC to {lea}.
        # Transfer to Kim¶Transfer 2,500 USDC to lea.
        Transfer 2,500 USDC to {lea}.<!-- and more -->
    """,
}  # fmt: skip


def texts(listed):
    words = {
        "lea": LEAS, "ben": checksum(BEN), "plain": PLAIN, "short": LEAS[:8], "lower": LEAS[:20] + LEAS[20:].swapcase(),
        "lower_ben": "0x" + "ab" * 20, "usdc": checksum(USDC), "data": pay().calldata.hex(),
    }  # fmt: skip
    for kind, lines in listed.items():
        for line in filter(None, map(str.strip, lines.split("\n        "))):
            yield pytest.param(line.replace("\u00b6", "\n\n").format(**words), id=f"{kind}: {line[:60]}")


@pytest.mark.parametrize("text", texts(LIES))
def test_a_text_that_does_not_order_the_call_never_matches(text):
    assert not is_told(text, pay())
    assert not is_told(text, performed(pay()))


# Texts that the rules before refused, and that say what is done: the page shows each word of them, and other ways to
# write a number or a token are read now.
ALSO_TOLD = {
    "told": """
        This proposal would transfer 2,500 USDC to {lea}.
        # Transfer 2,500 USDC to {lea}
        Transfer 2,500 USDC to {lea}.\n---
        [Transfer 2,500 USDC to {lea}.](https://example.org)
        | Order |\n|---|\n| Transfer 2,500 USDC to {lea}. |
        <!-- Transfer 2,500 USDC to {lea}. -->¶We publish the report of the treasury.
        <!-- Transfer 2,500 USDC to {lea}.
        ![Transfer 2,500 USDC to {lea}.](https://example.org/x.png)
        <details><summary>x</summary>¶Transfer 2,500 USDC to {lea}.¶</details>
        Transfer 2,500 USDC to {lea}.¶<script>x()</script>
        Transfer 2,500&nbsp;USDC to {lea}.
        &#84;ransfer 2,500 USDC to {lea}.
        Transfer 2.500,00 USDC to {lea}.
        Transfer 2 500 USDC to {lea}.
        Transfer \uff12,500 USDC to {lea}.
        Transfer 2,500 usdc to {lea}.
        {plain}¶Transfer 2,500 USDC to {lea}.
        {plain}¶The contact of the author is {ben}.
        # Transfer 2,500 USDC to lea
        {plain}¶[do not pay]: https://example.org
        {plain}¶[a]: https://example.org/never-do-this
        {plain}¶The handbook helps new members to read proposals.
        # A grant for the newsletter¶## Specification¶{plain}
    """
}


@pytest.mark.parametrize("text", texts(ALSO_TOLD))
def test_a_text_that_names_all_of_it_is_told_however_it_is_written(text):
    assert is_told(text, pay())


def test_the_lies_are_told_apart_by_what_makes_them_lies():
    """The same text without the lie matches, so that none of them is refused for a slip in this file."""
    assert is_told(PLAIN, pay())
    assert is_told(PLAIN, performed(pay()))
    assert sum(1 for _ in texts(LIES)) > 250


# ------------------------------------------------------------------------------------------------ lies in the calls


APPROVAL = f"Allow {LEAS} to spend up to 2,500 USDC."
ROLE = f"Grants PROPOSER_ROLE on the timelock to {LEAS}."
FROM_TREASURY = f"Transfer 2,500 USDC from the treasury to {LEAS}."
UPGRADE = f"Upgrade the vault to {LEAS}."
ETHER_TEXT = f"Send 1.5 ETH to {LEAS}."
SAFE_TEXT = f"Transfer 2,500 USDC from the treasury Safe to {LEAS}."
BATCH = "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)"
SCHEDULE = "schedule(address,uint256,bytes,bytes32,bytes32,uint256)"
OTHER_CALLS = {
    "paid twice": (PLAIN, [pay(), pay()]),
    "ether along": (PLAIN, [replace(pay(), value_wei=5 * 10**18)]),
    "one wei along": (PLAIN, [replace(pay(), value_wei=1)]),
    "ether along inside": (PLAIN, [performed(replace(pay(), value_wei=1))]),
    "ether left in the treasury": (PLAIN, [replace(performed(pay()), value_wei=1)]),
    "an approval": (PLAIN, [call(USDC, "approve(address,uint256)", LEA, 2_500 * 10**6)]),
    "a mint": (PLAIN, [call(USDC, "mint(address,uint256)", LEA, 2_500 * 10**6)]),
    "a burn": (PLAIN, [call(USDC, "burn(address,uint256)", LEA, 2_500 * 10**6)]),
    "from a stranger": (PLAIN, [call(USDC, "transferFrom(address,address,uint256)", STRANGER, LEA, 2_500 * 10**6)]),
    "another token": (PLAIN, [pay(token=WETH)]),
    "a token of a stranger": (PLAIN, [pay(token=STRANGER)]),
    "the same digits of another token": (PLAIN, [pay(amount=2_500 * 10**18, token=WETH)]),
    "a unit more": (PLAIN, [pay(amount=2_500 * 10**6 + 1)]),
    "another recipient": (PLAIN, [pay(BEN)]),
    "a call more": (PLAIN, [pay(), pay(BEN)]),
    "an unknown call more": (PLAIN, [pay(), plain_call(STRANGER, 0, b"\xde\xad\xbe\xef")]),
    "a known call more": (PLAIN, [pay(), call(TIMELOCK, "updateDelay(uint256)", 1)]),
    "a harmless call more": (PLAIN, [pay(), plain_call(STRANGER)]),
    "scheduled only": (
        PLAIN,
        [call(TIMELOCK, SCHEDULE, USDC, 0, pay().calldata, bytes(32), bytes(32), 1)],
    ),
    "trailing bytes": (PLAIN, [replace(pay(), data=pay().calldata + b"\0")]),
    "a stranger's container": (PLAIN, [performed(pay(), by=STRANGER)]),
    "a container that is a person of the book": (PLAIN, [performed(pay(), by=BEN)]),
    "a container of another kind": (PLAIN, [performed(pay(), by=TIMELOCK)]),
    "a stranger inside the treasury": (PLAIN, [performed(performed(pay(), by=STRANGER))]),
    "a stranger's Safe": (PLAIN, [in_safe(pay(), by=STRANGER)]),
    "a delegatecall": (PLAIN, [in_safe(pay(), operation=1)]),
    "a module's call, which may fail silently": (
        PLAIN, [call(SAFE, "execTransactionFromModule(address,uint256,bytes,uint8)", USDC, 0, pay().calldata, 0)]
    ),
    "a refund": (PLAIN, [in_safe(pay(), gas=(0, 10**6, 10**6, USDC, STRANGER))]),
    "a gas price": (PLAIN, [in_safe(pay(), gas=(0, 0, 1, ZERO, ZERO))]),
    "a base gas": (PLAIN, [in_safe(pay(), gas=(0, 1, 0, ZERO, ZERO))]),
    "a gas token": (PLAIN, [in_safe(pay(), gas=(0, 0, 0, USDC, ZERO))]),
    "a receiver of refunds": (PLAIN, [in_safe(pay(), gas=(0, 0, 0, ZERO, STRANGER))]),
    "gas that lets the call fail": (PLAIN, [in_safe(pay(), gas=(1, 0, 0, ZERO, ZERO))]),
    "the timelock pays, not the treasury": (FROM_TREASURY, [pay()]),
    "the Safe pays, not the treasury": (FROM_TREASURY, [in_safe(pay())]),
    "the treasury pays, not the Safe": (SAFE_TEXT, [performed(pay())]),
    "the timelock pays, not the Safe": (SAFE_TEXT, [pay()]),
    "the treasury pays, not the timelock": (f"The timelock pays 2,500 USDC to {LEAS}.", [performed(pay())]),
    "an approval without limit": (APPROVAL, [call(USDC, "approve(address,uint256)", LEA, 2**256 - 1)]),
    "an approval that adds": (APPROVAL, [call(USDC, "increaseAllowance(address,uint256)", LEA, 2_500 * 10**6)]),
    "a transfer in place of an approval": (APPROVAL, [pay()]),
    "the admin's role": (ROLE, [call(TIMELOCK, "grantRole(bytes32,address)", ADMIN, LEA)]),
    "an unknown role": (ROLE, [call(TIMELOCK, "grantRole(bytes32,address)", b"\1" * 32, LEA)]),
    "a role taken": (ROLE, [call(TIMELOCK, "revokeRole(bytes32,address)", PROPOSER, LEA)]),
    "a role given up": (ROLE, [call(TIMELOCK, "renounceRole(bytes32,address)", PROPOSER, LEA)]),
    "a role on another contract": (ROLE, [call(VAULT, "grantRole(bytes32,address)", PROPOSER, LEA)]),
    "a role for another": (ROLE, [call(TIMELOCK, "grantRole(bytes32,address)", PROPOSER, BEN)]),
    "a role granted, not revoked": (
        f"Revokes PROPOSER_ROLE on the timelock from {LEAS}.",
        [call(TIMELOCK, "grantRole(bytes32,address)", PROPOSER, LEA)],
    ),
    "an admin, not an owner": (
        f"Transfer the ownership of the vault to {LEAS}.", [call(VAULT, "changeAdmin(address)", LEA)]
    ),
    "a bool that says the opposite": (
        f"Grants PROPOSER_ROLE on the vault to {LEAS}.", [call(VAULT, "setController(address,bool)", LEA, False)]
    ),
    "an upgrade with call data": (UPGRADE, [call(VAULT, "upgradeToAndCall(address,bytes)", LEA, b"\x8a\x40\x68\xdd")]),
    "an upgrade of another": (UPGRADE, [call(TIMELOCK, "upgradeTo(address)", LEA)]),
    "an upgrade by ether": (UPGRADE, [call(VAULT, "upgradeTo(address)", LEA, value_wei=1)]),
    "a parameter": (
        "The call changes the governor's voting period to 60 seconds.", [call(GOVERNOR, "setVotingPeriod(uint32)", 60)]
    ),
    "more ether": (ETHER_TEXT, [plain_call(LEA, 15 * 10**17 + 1)]),
    "ether with data": (ETHER_TEXT, [plain_call(LEA, 15 * 10**17, b"\x12\x34\x56\x78")]),
    "ether in another's hands": (ETHER_TEXT, [plain_call(BEN, 15 * 10**17)]),
    "two payments, one counted": (f"This proposal makes one payment:\n\n- {PLAIN}\n- {PLAIN}", [pay()] * 2),
    "two payments, one the only": (f"The only payment transfers 2,500 USDC to {LEAS}. {PLAIN}", [pay()] * 2),
    "no calls": (PLAIN, []),
    "no calls, and a text that orders none": ("We publish the report of the treasury.", []),
    "201 calls": ("Transfer 2,500 USDC to lea. " * 201, [pay()] * 201),
    "200 calls": ("Transfer 2,500 USDC to lea. " * 200, [pay()] * 200),
}  # fmt: skip


OWNER = f"Transfer the ownership of the vault to {LEAS}."
OTHER_POWERS = {
    ROLE: """
        Revokes PROPOSER_ROLE on the timelock from {lea}.
        Revokes PROPOSER_ROLE on the timelock to {lea}.
        Grants EXECUTOR_ROLE on the timelock to {lea}.
        Grants DEFAULT_ADMIN_ROLE on the timelock to {lea}.
        Grants PROPOSER_ROLE on the vault to {lea}.
        Grants PROPOSER_ROLE on the timelock to ben.
        Grants PROPOSER_ROLE to {lea}.
        Grants PROPOSER_ROLE and EXECUTOR_ROLE on the timelock to {lea}.
        Does not grant PROPOSER_ROLE on the timelock to {lea}.
        Granted PROPOSER_ROLE on the timelock to {lea}.
        Grants PROPOSER_ROLE on the timelock to {lea} for one day until March.
        Grants PROPOSER_ROLE on the timelock to {lea}. Revokes PROPOSER_ROLE on the timelock from ben.
        Renounces PROPOSER_ROLE on the timelock for {lea}.
    """,
    UPGRADE: """
        Upgrade the vault to ben.
        Upgrade the timelock to {lea}.
        Upgrade the vault to {lea} and run the initialiser.
        Downgrade the vault to {lea}.
        Upgrade the vault from {lea}.
        The vault was upgraded to {lea}.
        Never upgrade the vault to {lea}.
        Upgrade the vault to {lea} if the review is good.
        Upgrade the proxy to {lea}.
        Upgrade the vault.
    """,
    APPROVAL: """
        Disallow {lea} to spend up to 2,500 USDC.
        Forbid {lea} to spend up to 2,500 USDC.
        Allow {lea} to spend any amount of USDC.
        Allow {lea} to spend 2,500 USDC a month.
        Allow ben to spend 2,500 USDC.
        Allow {lea} to spend at least 2,500 USDC.
        Allow {lea} to spend 2,500 more USDC.
        Approve {lea}.
        Allow {lea} to receive 2,500 USDC.
        Allow {lea} to burn 2,500 USDC.
        Let {lea} spend up to 2,500 WETH.
        Allow {lea} to spend no more than 2,500 USDC.
    """,
    OWNER: """
        Transfer the ownership of the vault to ben.
        Transfer the ownership of the timelock to lea.
        Transfer the guardianship of the vault to lea.
        Transfer the vault to lea.
        Transfer the ownership of the vault from lea.
        Renounce the ownership of the vault.
        Make lea the admin of the vault.
        Transfer ownership of the vault to lea once elected.
        Transferred the ownership of the vault to lea.
    """,
}  # fmt: skip
DOES = {
    ROLE: call(TIMELOCK, "grantRole(bytes32,address)", PROPOSER, LEA),
    UPGRADE: call(VAULT, "upgradeTo(address)", LEA),
    APPROVAL: call(USDC, "approve(address,uint256)", LEA, 2_500 * 10**6),
    OWNER: call(VAULT, "transferOwnership(address)", LEA),
}


@pytest.mark.parametrize(
    ("honest", "text"),
    [(honest, line.strip()) for honest, lines in OTHER_POWERS.items() for line in lines.strip().split("\n")],
)
def test_a_text_that_tells_another_change_of_power_never_matches(honest, text):
    assert is_told(honest, DOES[honest])
    assert not is_told(text.format(lea=LEAS), DOES[honest])


@pytest.mark.parametrize("name", OTHER_CALLS)
def test_calls_that_do_anything_else_than_the_text_orders_never_match(name):
    text, calls = OTHER_CALLS[name]
    assert not is_told(text, *calls)


def test_the_texts_of_these_calls_match_what_they_order():
    assert is_told(APPROVAL, call(USDC, "approve(address,uint256)", LEA, 2_500 * 10**6))
    assert is_told(ROLE, call(TIMELOCK, "grantRole(bytes32,address)", PROPOSER, LEA))
    assert is_told(FROM_TREASURY, performed(pay()))
    assert is_told(UPGRADE, call(VAULT, "upgradeToAndCall(address,bytes)", LEA, b""))
    assert is_told(ETHER_TEXT, plain_call(LEA, 15 * 10**17))
    assert is_told(SAFE_TEXT, in_safe(pay()))
    assert is_told("Transfer 2,500 USDC to lea. " * 9, *[pay()] * 9)


# --------------------------------------------------------------------------------------------------- hostile books


def with_tokens(*tokens: Token) -> Book:
    return replace(BOOK, tokens={token.address: token for token in tokens})


@pytest.mark.parametrize(
    "book",
    [
        with_tokens(TOKENS[USDC], Token("USDC", STRANGER, 6)),
        with_tokens(TOKENS[USDC], Token("usdc", STRANGER, 6)),
        with_tokens(TOKENS[USDC], Token("U5DC", STRANGER, 6)),
        with_tokens(TOKENS[USDC], Token("US\u200bDC", STRANGER, 6)),
        with_tokens(TOKENS[USDC], Token("\uff35SDC", STRANGER, 6)),
        with_tokens(TOKENS[USDC], Token(" USDC", STRANGER, 6)),
        with_tokens(Token("US\u0405C", USDC, 6)),
        with_tokens(Token("USDC to", USDC, 6)),
        with_tokens(Token("", USDC, 6)),
        with_tokens(Token("USDC", USDC, 18)),
        with_tokens(),
        replace(BOOK, ether="USDC"),
        replace(BOOK, names={LEA: "USDC"}, tokens={}),
    ],
)
def test_a_token_that_is_not_surely_the_one_that_is_named_never_matches(book):
    assert not is_told(PLAIN, pay(), book=book)


@pytest.mark.parametrize(
    "names",
    [
        {LEA: "lea", BEN: "lea"},
        {LEA: "lea", BEN: "Lea"},
        {LEA: "lea", BEN: "the lea"},
        {LEA: "lea", BEN: "1ea"},
        {LEA: "lea", BEN: "lea."},
        {LEA: "lea", BEN: "l-ea"},
        {LEA: "lea", BEN: "le a"},
        {LEA: "l\u0435a"},
        {LEA: ""},
        {BEN: "lea"},
        {LEA: "lea van Dam"},
    ],
)
def test_a_name_that_may_be_anothers_never_matches(names):
    text = "Transfer 2,500 USDC to lea."
    assert is_told(text, pay())
    assert not is_told(text, pay(), book=replace(BOOK, names=names))


@pytest.mark.parametrize("name", ["nobody", "everyone", "ben or lea", "lea via ben"])
def test_a_name_that_reads_as_another_word_is_nobodys(name):
    assert not is_told(f"Transfer 2,500 USDC to {name}.", pay(), book=replace(BOOK, names={LEA: name}))


def test_a_symbol_of_ether_that_a_token_bears_as_well_is_nobodys():
    book = replace(BOOK, tokens={**TOKENS, STRANGER: Token("ETH", STRANGER, 18)})
    assert is_told(ETHER_TEXT, plain_call(LEA, 15 * 10**17))
    assert not is_told(ETHER_TEXT, plain_call(LEA, 15 * 10**17), book=book)
    assert not is_told(ETHER_TEXT, pay(amount=15 * 10**17, token=STRANGER), book=book)


# ------------------------------------------------------------------------------------------------------- properties


NEGATIONS = ["do not", "never", "don't", "we no longer", "if it rains,", "instead of this we", "yesterday we", "we may"]


@given(
    amount=st.integers(1, 10**15),
    kind=st.sampled_from(
        ["amount", "times ten", "token", "nibble", "appended", "ether", "negated", "operation", "from", "verb", "twice"]
    ),
    seed=st.integers(1, 2**30),
)
def test_no_mutant_of_a_matching_proposal_matches(amount, kind, seed):
    whole, rest = divmod(amount, 10**6)
    # Three decimals can be read as thousands: six are written, or none.
    number = f"{whole:,}.{rest:06d}" if rest else f"{whole:,}"
    text, paid = f"Transfer {number} USDC to {LEAS}.", pay(amount=amount)
    assert is_told(text, paid)
    bit = seed % 160
    flipped = (int.from_bytes(LEA, "big") ^ (1 << bit)).to_bytes(20, "big")
    mutants = {
        "amount": (text, [pay(amount=amount + seed)]),
        "times ten": (text, [pay(amount=amount * 10)]),
        "token": (text, [pay(amount=amount, token=WETH)]),
        "nibble": (text, [pay(flipped, amount)]),
        "appended": (text, [paid, pay(flipped, seed)]),
        "ether": (text, [replace(paid, value_wei=seed)]),
        "negated": (text.replace("Transfer", NEGATIONS[seed % len(NEGATIONS)] + " transfer"), [paid]),
        "operation": (text, [in_safe(paid, operation=1)]),
        "from": (text, [call(USDC, "transferFrom(address,address,uint256)", flipped, LEA, amount)]),
        "verb": (text, [call(USDC, "approve(address,uint256)", LEA, amount)]),
        "twice": (text, [paid, paid]),
    }
    changed, calls = mutants[kind]
    assert not is_told(changed, *calls)


@given(HOSTILE, HOSTILE, st.sampled_from([pay(), plain_call(LEA, 15 * 10**17), pay(BEN)]))
def test_any_text_is_compared_and_matches_only_with_the_sentence_in_it(before, after, paid):
    text = f"{before}{PLAIN}{after}"
    if is_told(text, paid):
        assert paid == pay()


@pytest.mark.parametrize(
    "piece",
    ["Transfer 1 USDC to ", "Send lea ", "to for ", "a. ", "- ", "> ", "for c ", "[", "*a", "~~a", "|", "1,", "1",
     "Transfer 2,500 USDC to lea. ", "(0x",
     "# Pay 5 USDC\n", "0x" + "ab" * 20 + " ", "0x" + "ab" * 20 + ", ",
     "Transfer 2,500 USDC to lea for c ",
     "Transfer 2,500 USDC from " + "a " * 40 + "to " + "b " * 60 + "for " + "c " * 70 + "\n\n"],
    ids=lambda piece: repr(piece[:32]),
)  # fmt: skip
def test_no_text_makes_comparing_slow(piece):
    grows_linearly(lambda size: piece * (size // len(piece)), lambda text: is_told(text, pay()), 20_000 - 100)


@pytest.mark.parametrize("mark", [" ", ", "])
def test_names_of_ever_more_addresses_are_read_soon(mark):
    grows_linearly(
        lambda size: "the council (" + mark.join(f"0x{n:040x}" for n in range(size)),
        lambda text: local_names([text], {}),
        4_000,
    )


def test_where_too_many_addresses_have_names_none_is_believed():
    """The name of one that is looked at could be another's too, further on."""
    listed = "\n".join(f"Ana Lopez{n}: 0x{n + 1:040x}" for n in range(1_001))
    assert local_names([listed], {}) == {}
    assert local_names([f"the audit team (0x{1:040x})"], {}) == {"audit team": {(1).to_bytes(20, "big")}}


def test_titles_that_never_end_leave_a_doubt_about_every_order():
    assert is_told(f"# Pay Lea\n\n{PLAIN}", pay())
    assert not is_told("# Pay Lea\n" * 200 + f"\n{PLAIN}", pay())


def test_no_sentence_makes_comparing_slow():
    """One sentence, with ever more words that may begin another part of it."""
    grows_linearly(
        lambda size: "Transfer 2,500 USDC from a to b for c " + "for c " * (size // 6),
        lambda text: is_told(text, pay()),
        20_000 - 100,
    )


def test_a_book_with_many_names_is_compared_soon():
    grows_linearly(
        lambda size: replace(BOOK, names={n.to_bytes(20, "big"): f"member number {n}" for n in range(size)}),
        lambda book: is_told(GRANTS_TEXT, performed(pay()), book=book),
        2_000,
    )
    book = replace(BOOK, names={n.to_bytes(20, "big"): f"member number {n}" for n in range(2_000)})
    assert not is_told(GRANTS_TEXT, performed(pay()), book=book)
