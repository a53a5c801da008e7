# SPDX-License-Identifier: Apache-2.0

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding import ingest, reader, verdict, words
from agent.understanding.effects import Book, effects_of
from agent.understanding.reader import ClaimType
from agent.understanding.verdict import FindingKind, Outcome
from governance.chain.abi import encode_call
from governance.chain.address import checksum
from governance.chain.call import Call
from policies.code import encoding
from policies.document import document
from policies.notation.amounts import Token
from tests.calls import plain_call

USDC, TREASURY = (bytes([n]) * 20 for n in (0xC0, 0x7E))
ADA = bytes.fromhex("690f0581ececcf8389c223170778cd9d029606f2")
MALLORY = bytes.fromhex("690f00000000000000000000000000000000 06f2".replace(" ", ""))
BOOK = Book({TREASURY: "the treasury"}, {USDC: Token("USDC", USDC, 6)})
TEXT = f"We transfer 5,000 USDC to Ada at {checksum(ADA)} for the work that she did in November."


def transfer(recipient: bytes, amount: int) -> Call:
    return plain_call(USDC, 0, encode_call("transfer(address,uint256)", [recipient, amount]))


def judged(text: str, *calls: Call, kind: ClaimType = ClaimType.PAYMENT, claimed: bool = True):
    document = ingest.read(text)
    effects = effects_of(calls, BOOK)
    claims = [reader.claim("c1", kind, tuple(document.spans), BOOK)] if claimed else []
    return verdict.judge(document, claims, effects, BOOK)


def kinds(judgement) -> list[FindingKind]:
    return [finding.kind for finding in judgement.findings]


def test_the_text_matches_when_each_call_is_claimed_with_its_amount_and_recipient():
    judgement = judged(TEXT, transfer(ADA, 5_000_000_000))
    assert judgement.outcome is Outcome.MATCHES
    assert kinds(judgement) == [FindingKind.CLAIMED_AND_DONE]


@pytest.mark.parametrize(
    "mutant", [transfer(ADA, 50_000_000_000), transfer(ADA, 5_000_000_001), transfer(MALLORY, 5_000_000_000)]
)
def test_another_amount_or_recipient_differs(mutant):
    judgement = judged(TEXT, mutant)
    assert judgement.outcome is Outcome.DIFFERS
    assert FindingKind.PARAMETER_DIFFERS in kinds(judgement)


def test_a_call_that_nobody_claims_blocks_the_match():
    judgement = judged(TEXT, transfer(ADA, 5_000_000_000), plain_call(ADA, 10**18, b""))
    assert judgement.outcome is Outcome.UNMATCHED or judgement.outcome is Outcome.DIFFERS
    assert (
        judged(TEXT, transfer(ADA, 5_000_000_000), plain_call(USDC, 0, encode_call("pause()"))).outcome
        is Outcome.UNMATCHED
    )


def test_a_claim_that_no_call_does_differs():
    judgement = judged(TEXT)
    assert judgement.outcome is Outcome.DIFFERS
    assert kinds(judgement) == [FindingKind.CLAIMED_NOT_DONE]


def test_a_call_that_cannot_be_decoded_is_opaque_whatever_is_claimed():
    assert judged(TEXT, transfer(ADA, 5_000_000_000), plain_call(ADA, 0, b"\xde\xad\xbe\xef")).outcome is Outcome.OPAQUE


def test_without_claims_nothing_is_read():
    assert judged(TEXT, transfer(ADA, 5_000_000_000), claimed=False).outcome is Outcome.UNREAD


def test_an_amount_without_its_recipient_anywhere_is_no_match():
    judgement = judged("We transfer 5,000 USDC to Ada, as was agreed.", transfer(ADA, 5_000_000_000))
    assert judgement.outcome is Outcome.UNMATCHED


@given(
    st.lists(st.tuples(st.sampled_from([ADA, MALLORY, TREASURY]), st.integers(0, 10**13)), max_size=5),
    st.text(max_size=200),
)
def test_the_text_matches_only_if_every_amount_and_recipient_stands_in_it(payments, extra):
    text = f"{TEXT} {extra}"
    document = ingest.read(text)
    effects = effects_of([transfer(*payment) for payment in payments], BOOK)
    claims = [reader.claim(f"c{n}", ClaimType.PAYMENT, (span,), BOOK) for n, span in enumerate(document.spans, start=1)]
    judgement = verdict.judge(document, claims, effects, BOOK)
    stated = {(address, amount.base_units or int(amount.number)) for address in reader.addresses_in(document.text)
              for claim in claims for amount in claim.amounts}  # fmt: skip
    if judgement.outcome is Outcome.MATCHES:
        for recipient, amount in payments:
            assert recipient in {address for address, _ in stated} or recipient == TREASURY
            assert amount in {base_units for _, base_units in stated} or any(
                claimed.number == amount or claimed.number * 10**6 == amount
                for claim in claims
                for claimed in claim.amounts
            )


def test_a_comment_that_the_page_shows_is_compared_like_any_other_text():
    """It was taken out of the check, though every reader of our page sees it."""
    more = f"We also transfer 9 USDC to {checksum(MALLORY)} for nothing."
    document = ingest.read(f"{TEXT}\n\n<!-- {more} -->")
    claims = [reader.claim(f"c{n}", ClaimType.PAYMENT, (span,), BOOK) for n, span in enumerate(document.spans)]
    payments = [transfer(ADA, 5_000_000_000), transfer(MALLORY, 9_000_000)]

    def outcome(*calls: Call) -> Outcome:
        return verdict.judge(document, claims, effects_of(calls, BOOK), BOOK).outcome

    assert outcome(payments[0]) is Outcome.DIFFERS
    assert outcome(*payments) is Outcome.UNMATCHED  # other sites hide it: never a match


@pytest.mark.parametrize(
    "hiding",
    [
        "\n\n[{}]: https://example.org",
        "\n\n[1]: https://example.org '{}'",
        "\n\n[//]: # ({})",
        ' [Ada](https://example.org "{}")',
        "\n\n```text {}\nPay.\n```",
        "\n\n| who |\n|---|\n| Ada | {} |",
    ],
)
def test_words_that_no_page_shows_say_nothing(hiding):
    """A link's definition named the recipient on no page, and the finding was that the text names it."""
    said = "We transfer 5,000 USDC to Ada for the work that she did in November."
    judgement = judged(said + hiding.format(f"to Ada at {checksum(ADA)}"), transfer(ADA, 5_000_000_000))
    assert judgement.outcome is Outcome.UNMATCHED
    assert FindingKind.CLAIMED_AND_DONE not in kinds(judgement)


def test_an_account_in_a_links_target_is_printed_and_counts():
    link = f"[Ada](https://scan.test/address/{checksum(ADA)})"
    said = f"We transfer 5,000 USDC to {link} for the work that she did in November."
    assert FindingKind.CLAIMED_AND_DONE in kinds(judged(said, transfer(ADA, 5_000_000_000)))
    assert judged(said, transfer(MALLORY, 5_000_000_000)).outcome is Outcome.DIFFERS


def test_who_pays_is_not_taken_for_who_is_paid():
    """An honest grant that names its recipient in words only: not comparable, but no alarm either."""
    text = "The call below transfers 2,500 USDC from the treasury to lea and does nothing else."
    judgement = judged(text, transfer(ADA, 2_500 * 10**6))
    assert kinds(judgement) == [FindingKind.NOT_COMPARED]
    assert judgement.outcome is Outcome.UNMATCHED
    to_the_treasury = "This transfers 2,500 USDC to the treasury."
    assert judged(to_the_treasury, transfer(ADA, 2_500 * 10**6)).outcome is Outcome.DIFFERS


def test_a_policys_own_words_promise_no_payment_of_the_proposal():
    template = (Path(__file__).parents[2] / "policies" / "templates" / "payroll.yaml").read_text()
    paid_in = template.replace("0x5c0000000000000000000000000000000000dEAD", checksum(USDC))
    code = encoding.encode(document.load(paid_in))
    set_policy = plain_call(TREASURY, 0, encode_call("setPolicy(bytes32,bytes)", [b"\1" * 32, code]))
    ines = checksum(bytes.fromhex("10" + "00" * 18 + "01"))
    told = f"It may call transfer on USDC: to must be one of these: ines ({ines}); at most 5,000 USDC an act."
    assert FindingKind.CLAIMED_NOT_DONE not in kinds(judged(told, set_policy))
    more = f"It may call transfer on USDC: to must be one of these: ines ({ines}); at most 5,001 USDC an act."
    assert FindingKind.CLAIMED_NOT_DONE in kinds(judged(more, set_policy))


def test_the_word_address_makes_no_change_of_roles():
    assert reader.type_in(ingest.read(f"The address {checksum(ADA)} is theirs.").spans[0], BOOK) is not (
        ClaimType.ROLE_CHANGE
    )


@pytest.mark.parametrize(
    "stored",
    [None, {}, {"code": "later", "values": {}}, {"code": "bad_checksum", "values": {"account": "0x1"}},
     {"code": "bad_checksum", "values": None}],
)  # fmt: skip
def test_a_sentence_that_this_version_does_not_know_is_shown_by_its_text(stored):
    assert words.shown(stored, "in words of then") == "in words of then"
