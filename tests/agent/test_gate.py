# SPDX-License-Identifier: Apache-2.0
"""The last gate before a plain "told": words that no rule uses make a text told in part, and are shown.

Most texts of gate_texts.json pay lea 2,500 USDC, or say that they do.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from agent.understanding import ingest
from agent.understanding.effects import Book, Contract, effects_of
from agent.understanding.finding_words import sentence_of
from agent.understanding.judging import Outcome, Status, Verdict, judge
from governance.chain.abi import encode_call
from governance.chain.address import checksum, to_bytes
from governance.chain.call import ProposedCall
from policies.notation.amounts import Token
from tests.calls import plain_call

TEXTS = json.loads((Path(__file__).parent / "gate_texts.json").read_text())
LEA, BEN = to_bytes("0x82DbC737bB99116f23BF643D793EC596C3714c29"), to_bytes("0x" + "11" * 19 + "12")
USDC, DAI, WETH, VOTES = (bytes([n]) * 20 for n in (0xC0, 0xDA, 0xE7, 0x70))
TIMELOCK, SAFE, GOVERNOR, VAULT, PROXY = (bytes([n]) * 20 for n in (0x71, 0x5A, 0x60, 0x7F, 0x33))
BOOK = Book(
    {LEA: "lea", BEN: "ben", TIMELOCK: "the timelock", SAFE: "the grants Safe", VAULT: "the vault",
     GOVERNOR: "the governor"},
    {USDC: Token("USDC", USDC, 6), DAI: Token("DAI", DAI, 18), WETH: Token("WETH", WETH, 18),
     VOTES: Token("GOVT", VOTES, 18)},
    contracts={TIMELOCK: Contract("timelock"), SAFE: Contract("safe"), GOVERNOR: Contract("governor", "time"),
               VOTES: Contract("token")},
    executor=TIMELOCK,
)  # fmt: skip
ROLE = keccak(text="PROPOSER_ROLE")
PLACES = {"L": LEA, "B": BEN, "T": TIMELOCK, "G": GOVERNOR, "X": PROXY, "U": USDC}


def call(target: bytes, signature: str, *args) -> ProposedCall:
    return plain_call(target, 0, encode_call(signature, list(args)))


CALLS = {
    "P": call(USDC, "transfer(address,uint256)", LEA, 2_500 * 10**6),
    "PB900": call(USDC, "transfer(address,uint256)", BEN, 900 * 10**6),
    "PB2500": call(USDC, "transfer(address,uint256)", BEN, 2_500 * 10**6),
    "E1.5": plain_call(LEA, 15 * 10**17),
    "AP": call(USDC, "approve(address,uint256)", LEA, 2_500 * 10**6),
    "M": call(VOTES, "mint(address,uint256)", LEA, 1_000 * 10**18),
    "D": call(VOTES, "delegate(address)", LEA),
    "RP": call(TIMELOCK, "grantRole(bytes32,address)", ROLE, LEA),
    "RR": call(TIMELOCK, "revokeRole(bytes32,address)", ROLE, LEA),
    "VP": call(GOVERNOR, "setVotingPeriod(uint32)", 432_000),
    "UP": call(PROXY, "upgradeTo(address)", LEA),
}  # fmt: skip


def judged(
    text: str,
    calls: str,
    places: Mapping[str, bytes] = PLACES,
    known: Mapping[str, ProposedCall] = CALLS,
    book: Book = BOOK,
) -> Verdict:
    """The verdict of a text that names places by letter, on calls by their names."""
    for letter, address in places.items():
        text = text.replace(f"{{{letter}}}", checksum(address))
    return judge(ingest.read(text), effects_of([known[one] for one in calls.split(",")], book), book)


@pytest.mark.parametrize(
    ("calls", "text"),
    [pytest.param(*one, id=f"{kind}: {one[1][:60]}") for kind, listed in TEXTS["lies"].items() for one in listed],
)
def test_a_text_with_words_that_no_call_fulfils_is_no_plain_yes(calls, text):
    assert judged(text, calls).outcome is not Outcome.TOLD


@pytest.mark.parametrize(("calls", "text"), TEXTS["told"])
def test_a_text_of_which_every_word_is_used_is_told(calls, text):
    assert judged(text, calls).outcome is Outcome.TOLD


@pytest.mark.parametrize(("calls", "text"), TEXTS["in_part"])
def test_a_plain_text_with_a_word_that_no_list_has_is_told_in_part(calls, text):
    assert judged(text, calls).outcome is Outcome.TOLD_IN_PART


@pytest.mark.parametrize(
    ("text", "left", "words"),
    [
        ("Transfer 2,500 USDC to {L} whatever others want.", "whatever others want", "may change what the text"),
        ("Transfer 2,500 USDC to {L}. Three payments are made.", "Three payments are made", "may change what"),
        (
            "Transfer 2,500 USDC to {L}. The guardian loses its keys.",
            "The guardian loses its keys",
            "no call changes it",
        ),
        (
            "Transfer 2,500 USDC to {L}. Niniejsze zlecenie jest w całości odwołane.",
            "Niniejsze zlecenie jest w całości odwołane",
            "no language",
        ),
        ("Transfer 2,500 USDC to {L}. The costs were 900 DAI.", "900 DAI", "exactly the number"),
    ],
)
def test_the_words_that_are_left_over_are_the_reason(text, left, words):
    verdict = judged(text, "P")
    reasons = [finding for finding in verdict.findings if finding.status is Status.DOUBT]
    assert verdict.outcome is Outcome.TOLD_IN_PART
    assert [reason.quote.text.strip(".") for reason in reasons] == [left]
    assert words in sentence_of(reasons[0])


@pytest.mark.parametrize(
    ("reasons", "count", "first"),
    [
        ("", 0, ""),
        ("## Background\n\nWe write documentation for members.", 0, ""),
        ("## Why\n\nVoters gave a thumbs down. The hedgehogs of the garden sleep.", 2, "Voters gave a thumbs down."),
        ("## Motivation\n\n| Question | Answer |\n|---|---|\n| Voters | Thumbs down |", 1, "Voters Thumbs down"),
    ],
)
def test_beside_a_plain_yes_stands_how_many_sentences_nobody_compared(reasons, count, first):
    verdict = judged(f"Transfer 2,500 USDC to {{L}}.\n\n{reasons}", "P")
    assert verdict.outcome is Outcome.TOLD
    said = [finding for finding in verdict.findings if finding.status is Status.NOT_COMPARED]
    assert [(one.count, one.quote.text) for one in said] == ([(count, first)] if count else [])
    for one in said:
        assert f"not compared with the calls: {count}." in sentence_of(one)
    assert not [one for one in judged("Transfer 9 USDC to {L}.\n\n## Background\n\nHedgehogs sleep.", "P").findings
                if one.status is Status.NOT_COMPARED]  # fmt: skip


def test_of_several_sentences_that_tell_a_payment_one_without_other_words_is_enough():
    plain = "Transfer 2,500 USDC to {L}."
    odd = "Transfer 2,500 USDC to {L} whatever others want."
    assert judged(f"## Specification\n\n{plain}\n\n## Summary\n\n{plain}", "P").outcome is Outcome.TOLD
    assert judged(f"{odd}\n\n{odd}", "P").outcome is not Outcome.TOLD


def test_beside_an_effect_that_is_told_in_part_another_keeps_its_own_words():
    text = "Transfer 2,500 USDC to {L}.\n\nTransfer 900 USDC to {B} whatever others want."
    statuses = [finding.status for finding in judged(text, "P,PB900").findings if finding.effect]
    assert Status.TOLD not in statuses


@pytest.mark.parametrize(("left", "outcome"), [("1,600", Outcome.TOLD), ("1,700", Outcome.TOLD_IN_PART)])
def test_what_is_left_is_what_one_effect_brings_less_what_another_takes(left, outcome):
    text = f"1. Transfer 2,500 USDC to {{L}}.\n2. Transfer 900 USDC to {{B}}, leaving {left} USDC in the treasury."
    assert judged(text, "P,PB900").outcome is outcome
