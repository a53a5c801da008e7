# SPDX-License-Identifier: Apache-2.0
"""Given a book as JSON: what is read of it, and what is refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.effects import ETHER, BadBook, Book, Contract, Token
from governance.chain.address import checksum

USDC, ADA, LOCK, GOVERNOR = (bytes([n]) * 20 for n in (0xC0, 0xAD, 0x71, 0x60))
GIVEN = {
    "tokens": {"USDC": [checksum(USDC), 6]},
    "names": {"ada.example.eth": checksum(ADA), "the gardener": checksum(ADA), "the timelock": checksum(LOCK)},
    "contracts": {checksum(LOCK): {"kind": "timelock", "clock": "time"}, checksum(GOVERNOR): {"kind": "governor"}},
    "basis": {"ada": "her own page"},
}


def test_a_book_has_names_tokens_and_contracts():
    book = Book.from_json(json.dumps(GIVEN))
    assert book.tokens == {USDC: Token("USDC", USDC, 6)}
    assert book.names == {ADA: "ada.example.eth", LOCK: "the timelock"}  # the first name is the one that is shown
    assert book.addresses == {"ada.example.eth": ADA, "the gardener": ADA, "the timelock": LOCK}
    assert book.contracts == {LOCK: Contract("timelock", "time"), GOVERNOR: Contract("governor", None)}
    assert (book.executor, book.ether, book.chain_id) == (LOCK, "ETH", 1)
    assert Book.from_json("{}") == Book()


def test_an_amount_and_a_party_are_told_alike_as_text_and_as_value():
    book = Book.from_json(json.dumps(GIVEN))
    assert book.amount(USDC, 1_500_000) == "1.5 USDC"
    assert book.amount(ETHER, 10**18) == "1 ETH"
    assert book.amount(ADA, 5) == f"5 base units of token ada.example.eth ({checksum(ADA)})"
    assert book.name(GOVERNOR) == checksum(GOVERNOR)


def test_who_makes_the_calls_is_known_only_where_there_is_one():
    contracts = {checksum(ADA): {"kind": "timelock"}, checksum(LOCK): {"kind": "timelock"}}
    assert Book.from_json(json.dumps({"contracts": contracts})).executor is None
    assert Book.from_json(json.dumps({"contracts": {checksum(ADA): {"kind": "governor"}}})).executor == ADA


@pytest.mark.parametrize(
    ("given_json", "said"),
    [
        ("{", "the book is no JSON"),
        ("[]", "the book is no JSON object"),
        ("[" * 100_000, "the book is no JSON"),
        ('{"tokens": []}', "tokens is no JSON object"),
        ('{"tokens": {"A": ["0x1", 6]}}', "tokens: 'A' has no address: '0x1'"),
        (f'{{"tokens": {{"A": "{checksum(ADA)}"}}}}', "tokens: 'A' needs [address, decimals]"),
        (f'{{"tokens": {{"A": ["{checksum(ADA)}", 78]}}}}', "tokens: the decimals of 'A' are no number from 0 to 77"),
        (f'{{"tokens": {{"A": ["{checksum(ADA)}", true]}}}}', "tokens: the decimals of 'A' are no number from 0 to 77"),
        (f'{{"tokens": {{"A": ["{checksum(ADA)}", 1], "B": ["{checksum(ADA)}", 1]}}}}', "is given twice"),
        (f'{{"names": {{"a\\u202eb": "{checksum(ADA)}"}}}}', "names: 'a[U+202E]b' is no name"),
        (f'{{"names": {{"": "{checksum(ADA)}"}}}}', "names: '' is no name"),
        ('{"names": {"ada": 5}}', "names: 'ada' has no address: '5'"),
        (f'{{"names": {{"ada": "{checksum(ADA).replace("AD", "ad", 1)}"}}}}', "names: 'ada' has no address"),
        (f'{{"contracts": {{"{checksum(ADA)}": "safe"}}}}', "needs {"),
        (f'{{"contracts": {{"{checksum(ADA)}": {{"kind": "safe", "clock": "day"}}}}}}', "needs {"),
        ('{"chain_id": 0}', "chain_id is no whole number above 0"),
        ('{"native": "\\u200b"}', "native is no symbol"),
    ],
)
def test_what_is_no_book_is_refused_in_one_line(given_json, said):
    with pytest.raises(BadBook) as refused:
        Book.from_json(given_json)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(
    st.sampled_from(["tokens", "names", "contracts", "kind", "clock", checksum(ADA)]) | st.text(), of)))  # fmt: skip
def test_any_json_is_a_book_or_refused(body):
    refused = ""
    try:
        Book.from_json(json.dumps(body))
    except BadBook as problem:
        refused = str(problem)
    assert "\n" not in refused


def test_a_file_that_can_not_be_read_is_refused_in_one_line(tmp_path):
    for path in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(BadBook, match="the book can't be read"):
            Book.load(path)
    (tmp_path / "latin.json").write_bytes(b"\xff")
    with pytest.raises(BadBook, match="no UTF-8"):
        Book.load(tmp_path / "latin.json")
    (tmp_path / "good.json").write_text(json.dumps(GIVEN))
    assert Book.load(tmp_path / "good.json").executor == LOCK
