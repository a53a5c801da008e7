# SPDX-License-Identifier: Apache-2.0
"""Given a chain whose coin is not ether: what the agent says of amounts, and how it reads them."""

import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import django.apps
import pytest

import policies
from agent.acts.candidates import derive
from agent.acts.grammar import NotUnderstood, parse
from agent.acts.judging import Words
from agent.acts.tokens import read_tokens
from agent.models import Summary
from agent.understanding import summaries
from agent.understanding.effects import ETHER, Book, effects_of
from agent.understanding.reader import amounts_in
from governance.chain import abi
from governance.chain.address import ZERO, checksum
from governance.chain.call import call_of
from governance.chain.native import native_token
from governance.chain.rpc import Answered, CallReverted, RpcError
from governance.models import Chain, Contract, Dao, ProposalAction, Work
from policies.answer.evaluate import Reason
from policies.code import encoding
from policies.document import document
from policies.notation import amounts
from policies.notation.amounts import Token
from tests.agent.test_requests import LINES, NOW, STRANGER, USDC
from tests.agent.test_summaries import propose
from tests.calls import plain_call

ADA, OTHER = b"\xad" * 20, b"\xcc" * 20
XDAI = Token("xDAI", ZERO, 18)
UNITS = Token("native units", ZERO, 18)


def test_effects_say_the_coin_that_moves():
    paid = plain_call(ADA, 5 * 10**18)
    along = plain_call(ADA, 10**18, abi.encode_call("pause()"))
    assert effects_of([paid], Book(ether="xDAI"))[0].sentence == f"Transfers 5 xDAI to {checksum(ADA)}."
    said = effects_of([along], Book(ether="native units"))[1].sentence
    assert said == f"Sends 1 native units along to {checksum(ADA)}."


def test_a_function_that_nobody_knows_is_called_what_the_proposal_calls_it():
    (effect,) = effects_of([plain_call(ADA, 0, b"", "sweepEverything()\n\u202e")])
    assert effect.is_opaque
    assert "which the proposal calls “sweepEverything()[U+000A][U+202E]”: nobody can say" in effect.sentence


def test_two_tokens_of_one_symbol_are_told_apart():
    same = {asset: amounts.Token("USDC", asset, 6) for asset in (ADA, OTHER)}
    for asset in same:
        pay = abi.encode_call("transfer(address,uint256)", [ADA, 1])
        (paid,) = effects_of([plain_call(asset, 0, pay)], Book({}, same))
        assert f"0.000001 USDC ({checksum(asset)})" in paid.sentence
        unlimited = abi.encode_call("approve(address,uint256)", [ADA, 2**256 - 1])
        (allowed,) = effects_of([plain_call(asset, 0, unlimited)], Book({}, same))
        assert f"any amount of USDC ({checksum(asset)})" in allowed.sentence


@pytest.mark.parametrize("text", ["1,000 ETH", "1,000.5 ether", "2 ETH"])
def test_ether_in_a_text_is_not_another_chains_coin(text):
    assert amounts_in(text, Book(ether="xDAI")) == []
    assert [amount.asset for amount in amounts_in(text, Book())] == [ETHER]


def test_the_coin_in_a_text_is_read_by_its_name():
    (found,) = amounts_in("It pays 5 xDAI.", Book(ether="xDAI"))
    assert (found.asset, found.base_units) == (ETHER, 5 * 10**18)


@pytest.mark.parametrize(("coin", "said"), [(XDAI, "5 xDAI"), (XDAI, "5 xdai"), (UNITS, "5 native units")])
def test_a_request_names_the_coin_of_its_chain(coin, said):
    (draft,) = derive(parse(f"pay {STRANGER} {said}", LINES, [USDC, coin], NOW), LINES, [USDC, coin], frozenset(), NOW)
    assert [(line.asset, line.amount) for line in draft.lines] == [(ZERO, 5 * 10**18)]
    assert f"5 {coin.symbol}" in draft.label


@pytest.mark.parametrize("coin", [XDAI, UNITS])
@pytest.mark.parametrize("said", ["5 ETH", "5 ether", "5 native", "5 units"])
def test_a_request_for_ether_is_not_paid_in_another_coin(coin, said):
    with pytest.raises(NotUnderstood, match="is not understood as an amount"):
        parse(f"pay {STRANGER} {said}", LINES, [USDC, coin], NOW)


class Tokens:
    """A node of Gnosis whose tokens have these symbols and 18 decimals."""

    chain_id = 100

    def __init__(self, symbols: dict[bytes, str]):
        self.symbols = symbols

    def eth_calls(self, calls, _block):
        symbol = abi.selector("symbol()")
        return [abi.encode(["string"], [self.symbols[to]]) if data[:4] == symbol else abi.encode(["uint8"], [18])
                for to, data in calls]  # fmt: skip


def test_tokens_that_are_called_like_the_coin_are_left_out():
    node = Tokens({ADA: "XDAI", OTHER: "ETH", b"\x01" * 20: "GNO"})
    assert {token.symbol for token in read_tokens(node, [ZERO, *node.symbols])} == {"xDAI", "GNO"}


@pytest.mark.parametrize("fails", ["symbol()", "decimals()"])
def test_a_token_at_which_the_node_fails_is_not_left_out(fails):
    """Two tokens say USDC; without the one that the node could not tell, the other would be the only USDC."""

    class Failing(Tokens):
        error: RpcError = Answered(-32000, "missing trie node")

        def eth_calls(self, calls, block):
            is_asked = [(to, data[:4]) == (ADA, abi.selector(fails)) for to, data in calls]
            answers = super().eth_calls(calls, block)
            return [self.error if bad else answer for bad, answer in zip(is_asked, answers, strict=True)]

    node = Failing({ADA: "USDC", OTHER: "USDC", b"\x01" * 20: "GNO"})
    with pytest.raises(Answered, match="missing trie node"):
        read_tokens(node, node.symbols)
    node.error = CallReverted(b"")  # the token's own word: it says none
    assert {token.address for token in read_tokens(node, node.symbols)} == {b"\x01" * 20, OTHER}


@pytest.fixture
def gnosis(db):
    dao = Dao.objects.create(chain=Chain.objects.create(chain_id=100, name="Gnosis"), slug="mandate", name="Mandate")
    for address, symbol in ((ADA, "XDAI"), (OTHER, "GNO")):
        told = {"symbol": symbol, "decimals": 18}
        Contract.objects.create(dao=dao, kind=Contract.Kind.ASSET, address=address, capabilities=told)
    return dao


def test_a_summary_of_a_proposal_on_gnosis_speaks_of_xdai(gnosis):
    proposal = propose(gnosis)
    ProposalAction.objects.create(proposal=proposal, position=1, target=OTHER, value_wei=5 * 10**18, calldata=b"")
    facts = summaries.facts_of(proposal)
    assert facts.review.effects[1].sentence == f"Transfers 5 xDAI to {checksum(OTHER)}."
    assert set(facts.review.book.tokens) == {OTHER}
    assert "ETH" not in str([*facts.review.effects, *facts.review.flags])


def test_other_bytes_are_another_summary(gnosis):
    proposal = propose(gnosis, text="\ufffd")
    before = summaries.facts_of(proposal).input_hash
    proposal.description_raw = b"\xff"
    assert summaries.facts_of(proposal).input_hash != before
    action = proposal.actions.get()
    action.signature = "\ufffd()"
    texts = {summaries.input_hash(b"", [action], "ETH")}
    for raw in (b"\xff()", b"\x00()"):
        action.signature_raw = raw
        assert call_of(action).signature == raw
        texts.add(summaries.input_hash(b"", [action], "ETH"))
    assert len(texts) == 3


def test_a_policy_that_is_set_is_worded_with_the_coin():
    bounties = (Path(policies.__file__).parent / "templates" / "bounties.yaml").read_text()
    set_policy = abi.encode_call("setPolicy(bytes32,bytes)", [b"\1" * 32, encoding.encode(document.load(bounties))])
    (effect,) = effects_of([plain_call(ADA, 0, set_policy)], Book(ether="xDAI"))
    said = " ".join(effect.details)
    assert "0.2 xDAI" in said
    assert not re.search(r"\bETH\b|\bether\b", said)


def test_a_refusal_is_worded_with_the_coin():
    bounties = (Path(policies.__file__).parent / "templates" / "bounties.yaml").read_text()
    policy = SimpleNamespace(code=encoding.decode(encoding.encode(document.load(bounties))))
    refusal = Reason("ValueNotCharged", (), call=0, value=5 * 10**18)
    assert Words([], native_token(100)).reason(refusal, policy) == (
        "Call 1: it sends 5 xDAI, and its rule permits none."
    )


def test_summaries_that_said_ether_of_another_coin_are_made_again(gnosis):
    said_so, of_no_summary = propose(gnosis, 1), propose(gnosis, 2)
    mainnet = Dao.objects.create(chain=Chain.objects.create(chain_id=1, name="Ethereum"), slug="other", name="Other")
    right, cut = propose(mainnet, 3), propose(mainnet, 4)
    cut.actions.update(signature="x" * 400)
    for proposal in (said_so, right, cut):
        Summary.objects.create(proposal=proposal, input_hash=bytes(32), effects=[{"sentence": "Transfers 5 ETH."}])
    migration = importlib.import_module("agent.migrations.0003_summaries_again")
    for _ in range(2):
        migration.enqueue(django.apps.apps, None)
        due = Work.objects.filter(name=summaries.WORK, key__startswith="again:").values_list("arguments", flat=True)
        assert sorted(arguments["proposal"] for arguments in due) == ["1", "4"]
    while summaries.run_due():
        pass
    newest = said_so.summaries.order_by("-id").first()
    assert newest.input_hash != bytes(32)
    assert "ETH" not in str(newest.effects)
    assert not of_no_summary.summaries.exists()
