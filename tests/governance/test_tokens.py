# SPDX-License-Identifier: Apache-2.0
"""What a token is: its decimals are its own word, and those of tokens with a number each are none."""

import pytest

from governance.address_book import tokens_of
from governance.capabilities import probe_token
from governance.chain import abi
from governance.chain.rpc import CallReverted, Rpc
from governance.models import Chain, Contract, Dao
from tests.governance.conftest import CHAIN_ID
from tests.governance.governors import compiled


@pytest.mark.parametrize(
    ("contract", "symbol", "decimals"), [("NumberedVotes", "SEAT", 0), ("SilentVotes", "HUSH", None)]
)
def test_votes_without_decimals(local_chain, contract, symbol, decimals):
    code = bytes.fromhex(compiled()[contract]["bytecode"].removeprefix("0x"))
    token = bytes.fromhex(local_chain.send_raw("mallory", None, code)["contractAddress"][2:])
    found = probe_token(Rpc([local_chain.url], CHAIN_ID, attempts=1), token)
    assert (found["symbol"], found["decimals"], found["votes"]) == (symbol, decimals, True)


def test_a_token_that_knows_no_interfaces_has_the_decimals_that_it_says(local_chain):
    rpc = Rpc([local_chain.url], CHAIN_ID, attempts=1)
    assert probe_token(rpc, local_chain.addresses["usdc"])["decimals"] == 6
    assert probe_token(rpc, local_chain.addresses["votes_token"])["decimals"] == 18


def text(value: bytes | str) -> bytes:
    return abi.encode(["string"], [value])


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


class Token:
    """A node whose only token answers these views; `rest` is what it answers to any other question."""

    def __init__(self, answers: dict[str, bytes], rest: bytes | None = None):
        self.answers, self.rest = {abi.selector(f"{name}()"): raw for name, raw in answers.items()}, rest

    def eth_calls(self, calls, _block):
        rest = CallReverted(b"") if self.rest is None else self.rest
        return [self.answers.get(data[:4], rest) for _, data in calls]


PLAIN = {"symbol": text("GOV"), "decimals": word(18), "totalSupply": word(10**24)}
# What it answers, and what it is called and counted in then: None where amounts are base units of its address.
ODD = {
    "a word for a symbol, as MKR": (PLAIN | {"symbol": b"MKR".ljust(32, b"\0")}, ("MKR", 18)),
    "a word without end": (PLAIN | {"symbol": b"A" * 32}, None),
    "a word with a hole": (PLAIN | {"symbol": b"US\0DC".ljust(32, b"\0")}, None),
    "a text with a hole": (PLAIN | {"symbol": text("US\0DC")}, None),
    "a text with a character without width": (PLAIN | {"symbol": text("US\u200bDC")}, None),
    "a text that turns round": (PLAIN | {"symbol": text("\u202eCDSU")}, None),
    "a Cyrillic letter": (PLAIN | {"symbol": text("US\u0405C")}, None),
    "a symbol as long as a book": (PLAIN | {"symbol": text("A" * 100_000)}, None),
    "a symbol of another length than it says": (
        PLAIN | {"symbol": word(32) + word(2**255) + b"GOV".ljust(32, b"\0")},
        None,
    ),
    "a symbol behind the end": (PLAIN | {"symbol": word(2**256 - 1) + word(3)}, None),
    "no symbol": ({name: raw for name, raw in PLAIN.items() if name != "symbol"}, None),
    "an empty symbol": (PLAIN | {"symbol": text("")}, None),
    "no decimals": ({name: raw for name, raw in PLAIN.items() if name != "decimals"}, None),
    "77 decimals": (PLAIN | {"decimals": word(77)}, ("GOV", 77)),
    "78 decimals": (PLAIN | {"decimals": word(78)}, None),
    "255 decimals": (PLAIN | {"decimals": word(255)}, None),
    "more decimals than fit": (PLAIN | {"decimals": word(2**255)}, None),
    "decimals less than none": (PLAIN | {"decimals": b"\xff" * 32}, None),
    "decimals as a byte": (PLAIN | {"decimals": b"\x12"}, None),
    "called like the chain's own coin": (PLAIN | {"symbol": text("eth")}, None),
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ODD)
def test_a_tokens_own_words_are_stored_and_name_it_only_where_they_can_pass_for_nothing_else(kind):
    answers, expected = ODD[kind]
    found = probe_token(Token(answers), b"\x01" * 20)
    dao = Dao.objects.create(chain=Chain.objects.create(chain_id=1, name="Ethereum"), slug="odd", name="Odd")
    row = Contract.objects.create(dao=dao, kind="asset", address=b"\x01" * 20, start_block=0, capabilities=found)
    row.refresh_from_db()
    assert row.capabilities == found
    named = {address: (token.symbol, token.decimals) for address, token in tokens_of(dao).items()}
    assert named == ({} if expected is None else {b"\x01" * 20: expected})
    assert found["total_supply"] == str(10**24)


def test_a_token_that_says_yes_to_any_question_is_no_token_with_numbers():
    """Its fallback answers: 18 decimals would become none, and amounts 10^18 times as much."""
    found = probe_token(Token(PLAIN, rest=word(1)), b"\x01" * 20)
    assert (found["decimals"], found["symbol"]) == (18, "GOV")


@pytest.mark.parametrize("supply", [b"", b"\x01", word(1)[:31]])
def test_a_supply_that_is_no_number_is_not_known(supply):
    assert probe_token(Token(PLAIN | {"totalSupply": supply}), b"\x01" * 20)["total_supply"] is None
