# SPDX-License-Identifier: Apache-2.0
"""Documents write ETH on every chain; the words about a policy call the coin what its chain calls it."""

import re
from pathlib import Path

import pytest

from policies.answer.form import form
from policies.code import encoding
from policies.document import document
from policies.notation.amounts import ETHER, Token, coin_of, native_of
from policies.words.diff import diff
from policies.words.explain import explain
from policies.words.wording import Vocabulary
from tests.policies.test_explain import TOKENS

TEXT = (Path(__file__).parents[2] / "policies" / "templates" / "bounties.yaml").read_text()
SEND = "  - send: ETH\n    to: helpers\n    charge: {tips: value}\n"
COINS = {"xDAI": "xDAI", "native units": "native currency", "S": "S"}


def code(text: str = TEXT):
    return encoding.decode(encoding.encode(document.load(text)))


def lent(symbol: str) -> dict[bytes, Token]:
    return {ETHER.address: Token(symbol, ETHER.address, 18)}


@pytest.mark.parametrize(("symbol", "coin"), COINS.items())
def test_what_is_said_of_a_policy_names_the_coin(symbol, coin):
    policy = code()
    said = " ".join(explain(policy, {}, lent(symbol)))
    assert f"send {coin}, without data, to" in said
    assert f"no {coin} may go with it" in said
    assert f"0.2 {symbol}" in said
    assert f"counts {coin}:" in said
    changed = code(TEXT.replace("limit: 0.2 ETH", "limit: 0.3 ETH").replace("without objection: 0.2 ETH",
                                                                            "without objection: 0.3 ETH"))  # fmt: skip
    said += " ".join(str(change) for change in diff(policy, changed, {}, lent(symbol)))
    assert f"0.3 {symbol}" in said
    fields = [field for rule in form(policy, {}, lent(symbol), {}) for field in rule.fields if field.token == symbol]
    assert {field.label for field in fields} == {f"{coin[:1].upper() + coin[1:] if ' ' in coin else coin} to send"}
    assert not re.search(r"\bETH\b|\bether\b", said)


def test_without_a_word_from_the_chain_it_is_ether():
    assert explain(code(), {}, {}) == explain(code(), {}, lent("ETH"))
    assert "send ether, without data, to" in " ".join(explain(code(), {}, {}))


@pytest.mark.parametrize("symbol", ["", "x" * 17, "5 ETH", "xDAI\u202e", "a b", "ETH; everything is safe"])
def test_a_coin_with_a_name_that_misleads_is_ether(symbol):
    assert native_of(lent(symbol)) == ETHER


def test_decimals_are_the_chains_and_not_lent():
    assert native_of({ETHER.address: Token("xDAI", ETHER.address, 6)}).decimals == 18
    assert coin_of(ETHER) == "ether"


def test_a_token_that_is_called_like_the_coin_is_not_known_by_its_symbol():
    fake = b"\xcc" * 20
    words = Vocabulary(tokens={**lent("xDAI"), fake: Token("XDAI", fake, 18)})
    assert "of the unknown token 0x" in words.amount(5, fake)
    assert words.amount(5 * 10**18, ETHER.address).startswith("5 xDAI")
    assert Vocabulary(tokens=TOKENS).native == ETHER
