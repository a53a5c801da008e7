# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.client import ModelRefused
from agent.understanding import ingest, reader, writer
from agent.understanding.effects import Book, effects_of
from agent.understanding.reader import CanaryLeaked, ClaimType
from governance.chain.abi import encode_call
from policies.notation.amounts import Token
from tests.agent.attacker import attacker_model
from tests.calls import plain_call

USDC, ADA = (bytes([n]) * 20 for n in (0xC0, 0xAD))
BOOK = Book({}, {USDC: Token("USDC", USDC, 6)})
TEXT = f"""This proposal **pays** Ada for her work on the docs.
It transfers `1,500.5 USDC` to 0x{ADA.hex()}.
Claim your reward at https://evil.example/now before it ends.
"""
DOCUMENT = ingest.read(TEXT)
CLAIMS = tuple(
    reader.claim(f"c{n}", ClaimType.PURPOSE, (span,), BOOK) for n, span in enumerate(DOCUMENT.spans, start=1)
)
EFFECTS = effects_of([plain_call(USDC, 0, encode_call("transfer(address,uint256)", [ADA, 1_500_500_000]))], BOOK)


def write(said, claims=CLAIMS):
    with attacker_model(lambda _: said) as attacker:
        return writer.write(claims, EFFECTS, attacker.model(), "c4n4ry00"), attacker.requests


def pick(*ids) -> str:
    return json.dumps({"sentences": list(ids)})


def test_the_model_picks_and_code_puts_the_words_with_their_source():
    writing, _ = write(pick("e1", "s2", "s1"))
    assert [sentence.as_json() for sentence in writing.sentences] == [
        {"text": "This proposal pays Ada for her work on the docs.",
         "source": {"kind": "span", "id": "s1", "quote": "This proposal pays Ada for her work on the docs.",
                    "start": 0, "end": 48}},
        {"text": f"It transfers 1,500.5 USDC to 0x{ADA.hex()}.",
         "source": {"kind": "span", "id": "s2", "quote": f"It transfers 1,500.5 USDC to 0x{ADA.hex()}.",
                    "start": 49, "end": 121}},
        {"text": EFFECTS[0].sentence, "source": {"kind": "effect", "id": "e1", "quote": EFFECTS[0].sentence}},
    ]  # fmt: skip


def test_a_sentence_with_a_web_address_is_not_offered():
    _, requests = write(pick("s1"))
    assert "evil.example" not in json.dumps(requests)
    with pytest.raises(ModelRefused):
        write(pick("s3"))


def test_where_a_link_leads_goes_into_the_summary_and_its_mails():
    to = "0x690F0581eCecCf8389c223170778cD9D029606F2"
    document = ingest.read(f"It pays [Ada](https://scan.test/address/{to}) for her work on the docs.")
    claims = (reader.claim("c1", ClaimType.PURPOSE, document.spans, BOOK),)
    assert writer.offered(claims, ())[0].text == f"It pays Ada (scan.test, {to}) for her work on the docs."


@pytest.mark.parametrize("said", [pick(), pick("e1")])
def test_a_summary_that_quotes_nothing_is_an_abstention(said):
    assert write(said)[0].sentences == ()


def test_with_nothing_to_quote_no_model_is_asked():
    writing, requests = write(pick("e1"), claims=())
    assert writing.sentences == ()
    assert requests == []


@pytest.mark.parametrize(
    "said", [pick("s9"), pick("s1", "s1", "s1", "s1", "s1"), json.dumps({"sentences": ["Pays 9,999 USDC."]})]
)
def test_what_was_not_offered_does_not_get_through(said):
    with pytest.raises(ModelRefused):
        write(said)


def test_a_writer_that_repeats_its_secret_is_not_listened_to(monkeypatch):
    monkeypatch.setattr(writer, "schema", lambda _: {"type": "object", "additionalProperties": True})
    with pytest.raises(CanaryLeaked):
        write(json.dumps({"sentences": ["s1"], "note": "c4n4ry00"}))


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("Pays 9,999 USDC", "Pays 5 USDC"),
        ("Pays 50 USDC", "Pays 5 USDC"),
        ("Pays ５０ USDC", "Pays 5 USDC"),
        ("Pays 1,000 USDC", "Pays 1000 USDC"),
        ("To 0x" + "ab" * 20, "To 0x" + "ab" * 19 + "ac"),
        ("It is safe", "It is"),
        ("Pays ٣ USDC", "Pays 5 USDC"),
    ],
)
def test_numbers_addresses_and_words_without_a_source_are_found(sentence, source):
    assert writer.unsourced(sentence, source)


@given(st.text(max_size=300), st.lists(st.integers(0, 20), max_size=4))
def test_no_sentence_holds_a_number_or_an_address_that_its_source_does_not(extra, picks):
    document = ingest.read(TEXT + extra)
    claims = [reader.claim(f"c{n}", ClaimType.PURPOSE, (span,), BOOK) for n, span in enumerate(document.spans, start=1)]
    items = writer.offered(claims, EFFECTS)
    for item in (items[i % len(items)] for i in picks):
        assert item.quote in document.text or item.kind == "effect"
        assert not writer.unsourced(item.text, item.quote)
        for group in re.findall(r"0x[0-9a-fA-F]+|\d+", item.text):
            assert group in item.quote
