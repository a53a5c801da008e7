# SPDX-License-Identifier: Apache-2.0
"""Tokens as strangers write them, asked on a real chain: what page, API, mail and effects say of an amount of theirs is
the amount in a unit that is known, or base units of an address, and never words of the token's that could mislead."""

import html
import re

import pytest
from eth_abi import encode

from agent.understanding import effects
from agent.understanding.mirror_book import book_of
from governance.address_book import tokens_of
from governance.capabilities import probe_token
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.call import call_of
from governance.chain.rpc import Rpc
from governance.models import ProposalAction
from presentation.calls import call_words
from presentation.dao_view import DaoView
from presentation.proposals import proposal_of
from tests.governance.conftest import CHAIN_ID
from tests.governance.governors import compiled
from tests.webapp.conftest import account
from webapp.mail import digest

pytestmark = pytest.mark.django_db

ADA, AMOUNT = account(200), 5_000_000


def text(value: str | bytes) -> bytes:
    """An answer that is a string."""
    return encode(["bytes"], [value.encode() if isinstance(value, str) else value])


def number(value: int) -> bytes:
    return encode(["uint256"], [value])


SIX = number(6)
# name: (what symbol() answers, what decimals() answers, the amount on the page, the same in effects and mails). None
# is a revert, {} stands for the token's address.
TOKENS = {
    "an honest one": (text("USDX"), SIX, "5 USDX", "Transfers 5 USDX"),
    "no decimals at all": (text("USDX"), number(0), "5,000,000 USDX", "Transfers 5,000,000 USDX"),
    "decimals that revert": (text("USDX"), None, "5,000,000 base units of", "5,000,000 base units of token {}"),
    "decimals of no number": (text("USDX"), b"\1", "5,000,000 base units of", "5,000,000 base units of token {}"),
    "more decimals than a word": (text("USDX"), number(78), "5,000,000 base units of", "base units of token {}"),
    "decimals beyond uint8": (text("USDX"), number(2**255), "5,000,000 base units of", "base units of token {}"),
    "a symbol in a word": (b"OLDX".ljust(32, b"\0"), SIX, "5 OLDX", "Transfers 5 OLDX"),
    "a word of no text": (b"\xff" * 32, SIX, "5 tokens ({})", "base units of token {}"),
    "a symbol that reverts": (None, SIX, "5 tokens ({})", "base units of token {}"),
    "an empty symbol": (text(""), SIX, "5 tokens ({})", "base units of token {}"),
    "right to left": (text("\u202eCDSU"), SIX, "5 “[U+202E]CDSU” ({})", "base units of token {}"),
    "control characters": (text("USD\x00\x1b[2J\n"), SIX, "({})", "base units of token {}"),
    "no UTF-8": (text(b"US\xff\xfeDC"), SIX, "({})", "base units of token {}"),
    "ten thousand characters": (text("A" * 10_000), SIX, "({})", "base units of token {}"),
    "more digits": (text("000 USDC"), SIX, "5 “000 USDC” ({})", "base units of token {}"),
    "markup": (text("<img src=x>"), SIX, "5 “<img src=x>” ({})", "base units of token {}"),
    "the coin's name": (text("eth"), SIX, "5 eth ({})", "base units of token {}"),
    "a false length": (encode(["uint256", "uint256"], [32, 2**200]), SIX, "5 tokens ({})", "base units of token {}"),
}  # fmt: skip


def put(deployed, symbol: bytes | None, decimals: bytes | None) -> bytes:
    given = {"symbol()": symbol, "decimals()": decimals}
    known = {name: answer for name, answer in given.items() if answer is not None}
    arguments = encode(["bytes4[]", "bytes[]"], [[abi.selector(name) for name in known], list(known.values())])
    code = bytes.fromhex(compiled()["Answering"]["bytecode"].removeprefix("0x")) + arguments
    return bytes.fromhex(deployed.send_raw("mallory", None, code)["contractAddress"][2:])


@pytest.mark.parametrize("name", TOKENS)
def test_an_amount_of_a_strangers_token(deployed, client, made, name):
    symbol, decimals, on_page, in_effects = TOKENS[name]
    token = put(deployed, symbol, decimals)
    contract = made.contracts["asset"]
    contract.address, contract.capabilities = token, probe_token(Rpc([deployed.url], CHAIN_ID, attempts=1), token)
    contract.save()
    proposal = made.proposal(7)
    proposal.actions.all().delete()
    calldata = abi.encode_call("transfer(address,uint256)", [ADA, AMOUNT])
    ProposalAction.objects.create(proposal=proposal, position=0, target=token, value_wei=0, calldata=calldata)
    found = effects.effects_of(map(call_of, proposal.actions.all()), book_of(made.dao))
    made.summary(proposal, effects=[effect.as_json() for effect in found], sentences=[])

    place = DaoView(made.dao)
    due_page, due_effects = on_page.format(checksum(token)), in_effects.format(checksum(token))
    assert due_page in call_words(place, token, 0, calldata)
    raw = client.get("/river/proposals/7/").content.decode()
    told = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", raw)).split())
    assert due_page in told
    assert due_effects in told
    (action,) = client.get("/api/v1/daos/river/proposals/7").json()["actions"]
    assert action["effect"]["amount"] == str(AMOUNT) or str(AMOUNT) in str(action["effect"])
    mail = " ".join(digest.of_proposal(place, proposal_of(place, 7), None).effects)
    assert due_effects in mail
    assert "<img" not in raw
    for shown in (raw, mail, call_words(place, token, 0, calldata)):
        assert "\u202e" not in shown
        assert "\x1b" not in shown
        assert "\x00" not in shown
        assert "A" * 40 not in shown


def test_two_tokens_of_one_symbol_name_their_addresses_everywhere(deployed, client, made):
    first, second = (put(deployed, text(symbol), SIX) for symbol in ("USDX", "usdx"))
    rpc = Rpc([deployed.url], CHAIN_ID, attempts=1)
    contract = made.contracts["asset"]
    contract.address, contract.capabilities = first, probe_token(rpc, first)
    contract.save()
    made.dao.contracts.create(kind="asset", address=second, capabilities=probe_token(rpc, second))
    calldata = abi.encode_call("transfer(address,uint256)", [ADA, AMOUNT])
    place, book = DaoView(made.dao), book_of(made.dao)
    assert set(tokens_of(made.dao)) >= {first, second}
    for token, symbol in ((first, "USDX"), (second, "usdx")):
        due = f"5 {symbol} ({checksum(token)})"
        assert due in call_words(place, token, 0, calldata)
        assert due == book.amount(token, AMOUNT)
