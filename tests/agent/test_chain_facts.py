# SPDX-License-Identifier: Apache-2.0
"""When the chain is asked of a proposal's accounts, what is kept, and what is judged anew by it."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from agent.models import ChainFacts, Summary
from agent.understanding import chain_facts, summaries
from agent.understanding.live import asking
from agent.understanding.live.facts import Code, Facts
from agent.work_names import FACTS_WORK
from governance.chain.abi import encode_call
from governance.chain.address import checksum
from governance.chain.rpc import Answered, RpcUnreachable
from governance.models import Block, Chain, Contract, Cursor, Dao, OutboxEntry, PowerCheckpoint, Proposal, RawLog, Work
from tests.agent.attacker import attacker_model
from tests.agent.test_summaries import ADA, TEXT, TREASURY, USDC, propose, raw_log, scripted, use
from tests.governance.conftest import local_chain, mirror  # noqa: F401 -- fixtures

pytestmark = pytest.mark.django_db(transaction=True)

BY_NAME = "# Pay\n\nIt transfers 1,500 USDC from the treasury to ada.eth."
GOVERNOR = b"\x60" * 20


@pytest.fixture
def dao(monkeypatch):
    """A DAO on Ethereum's main chain whose votes are not over; its node is whatever `says` makes it say."""
    chain = Chain.objects.create(chain_id=1, name="main")
    dao = Dao.objects.create(chain=chain, slug="mandate", name="Mandate")
    token = {"symbol": "USDC", "decimals": 6}
    Contract.objects.create(dao=dao, kind=Contract.Kind.ASSET, address=USDC, capabilities=token)
    Contract.objects.create(dao=dao, kind=Contract.Kind.TREASURY, address=TREASURY)
    Contract.objects.create(dao=dao, kind=Contract.Kind.GOVERNOR, address=GOVERNOR)
    Cursor.objects.create(dao=dao, next_block=101, head_timestamp_chain_s=1)
    monkeypatch.setattr(chain_facts.endpoints, "known", contextmanager(lambda _chain_id: iter([None])))
    return dao


def says(monkeypatch, answer) -> list:
    """Let the node answer this, or raise it. Returns what it was asked of, as it is asked."""
    asked: list = []

    def ask(_rpc, text, calls, _book, block_hash, before):
        asked.append((text, [call.target for call in calls], block_hash, before))
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(asking, "ask", ask)
    return asked


def proposed(dao, text: str = BY_NAME, **more) -> Proposal:
    proposal = propose(dao, text=text, **more)
    Proposal.objects.filter(pk=proposal.pk).update(snapshot=10**9, deadline=2 * 10**9, created_block=1)
    return proposal


def test_a_name_that_the_chain_confirms_makes_the_verdict_anew_once_and_tells_subscribers(dao, monkeypatch):
    asked = says(monkeypatch, Facts(names={ADA: "ada.eth"}))
    proposal = proposed(dao)
    summaries.follow_outbox()
    assert Summary.objects.get().verdict == "told_in_part"
    assert summaries.facts_of(proposal).review.book.missing == ("ens",)
    assert [chain_facts.ask_due(), chain_facts.ask_due()] == [1, 0]
    assert asked == [(BY_NAME, [TREASURY], b"\1" * 32, None)]
    summary = Summary.objects.get()
    assert summary.verdict == "told"
    assert summary.effects[0]["sentence"] == f"Transfers 1,500 USDC to ada.eth ({checksum(ADA)})."
    assert summaries.facts_of(proposal).review.book.missing == ()
    assert list(OutboxEntry.objects.filter(topic=summaries.CHANGED).values_list("key", flat=True)) == ["7:told"]
    row = ChainFacts.objects.get()
    assert (row.block_number, bytes(row.block_hash), row.is_answered) == (1, b"\1" * 32, True)
    assert row.names == {checksum(ADA): "ada.eth"}


def test_what_is_decided_is_not_asked_of(dao, monkeypatch):
    asked = says(monkeypatch, Facts())
    Proposal.objects.filter(pk=proposed(dao).pk).update(canceled=True)
    summaries.follow_outbox()
    chain_facts.ask_due()
    assert asked == []
    assert not ChainFacts.objects.exists()


def test_a_node_without_that_state_leaves_it_unknown_and_one_that_is_down_is_asked_again(dao, monkeypatch):
    proposal = proposed(dao)
    summaries.follow_outbox()
    says(monkeypatch, RpcUnreachable("down"))
    chain_facts.ask_due()
    work = Work.objects.get(name=FACTS_WORK)
    assert work.done_at is None
    assert not ChainFacts.objects.exists()
    says(monkeypatch, Answered(-32000, "missing trie node"))
    Work.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    chain_facts.ask_due()
    assert ChainFacts.objects.get().is_answered is False
    assert summaries.facts_of(proposal).review.book.missing == ("ens",)  # what was not answered is not known
    assert Summary.objects.get().verdict == "told_in_part"


def test_a_block_of_a_week_before_is_asked_for_where_the_chains_pace_is_known(dao, monkeypatch):
    asked = says(monkeypatch, Facts())
    for number in range(90_000, 90_005):
        Block.objects.create(dao=dao, number=number, hash=number.to_bytes(32, "big"), parent_hash=bytes(32),
                             timestamp_chain_s=12 * number)  # fmt: skip
    proposal = proposed(dao)
    Proposal.objects.filter(pk=proposal.pk).update(created_block=80_000)
    summaries.follow_outbox()
    chain_facts.ask_due()
    assert asked[0][3] == 80_000 - 7 * 86_400 // 12


def test_a_model_that_read_while_the_chain_answered_takes_no_flag_back(dao, settings):
    """Its answer rests on what was known when it began to read."""
    proposal = proposed(dao, TEXT)
    summaries.follow_outbox()

    def slow(request):
        if not ChainFacts.objects.exists():
            chain_facts.keep(proposal, Facts(codes={TREASURY: Code(0)}))
        return scripted(request)

    with attacker_model(slow) as attacker:
        use(settings, attacker.url)
        summaries.run_due()
    summary = Summary.objects.get()
    assert summary.status == "written"
    assert "no_code" in [flag["code"] for flag in summary.flags]


def test_sentences_about_other_effects_are_chosen_anew(dao, settings):
    """A Safe that the chain confirms is opened: what was e1 is another effect now."""
    signature = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
    paid = encode_call("transfer(address,uint256)", [ADA, 1_500_000_000])
    calldata = encode_call(signature, [USDC, 0, paid, 0, 0, 0, 0, bytes(20), bytes(20), b""])
    proposal = proposed(dao, calldata=calldata)
    safe = b"\x5a\xfe" * 10
    proposal.actions.update(target=safe)
    summaries.follow_outbox()
    Summary.objects.update(status="written", sentences=[{"text": "x", "source": {"kind": "effect", "id": "e1"}}])
    chain_facts.keep(proposal, Facts(codes={safe: Code(9, is_safe=True)}))
    summary = Summary.objects.get()
    assert (summary.status, summary.effects[0]["kind"]) == ("pending", "transfer")
    assert {line["by"] for line in summary.sentences} == {"code"}


@pytest.mark.parametrize(("gained", "days", "is_raised"), [(900, 60, True), (100, 60, False), (900, 3, False)])
def test_a_proposer_whose_power_is_of_yesterday_is_flagged_in_a_dao_that_is_not_young(dao, gained, days, is_raised):
    now = 1_700_000_000
    old, new = propose(dao, 1), propose(dao, 2)
    RawLog.objects.filter(pk=old.log_id).update(block_timestamp_chain_s=now - days * 86_400)
    RawLog.objects.filter(pk=new.log_id).update(block_timestamp_chain_s=now)
    log = raw_log(dao, 9)
    RawLog.objects.filter(pk=log.pk).update(block_timestamp_chain_s=now - 3_600)
    PowerCheckpoint.objects.create(dao=dao, log=log, account=ADA, timepoint=1, previous_power=500, power=500 + gained)
    codes = [flag.code for flag in summaries.facts_of(Proposal.objects.get(pk=new.pk)).review.flags]
    assert ("new_power" in codes) is is_raised


def test_a_mirrored_proposal_is_asked_of_on_a_real_chain(mirror):  # noqa: F811 -- a fixture
    """From the log to the row: what is called is there, at the proposal's own block."""
    d = mirror.deployed
    mirror.delegate(ada="ada")
    d.anvil.wind(10)
    nobody = b"\x99" * 20
    calls = [(d.addresses["usdc"], 0, encode_call("transfer(address,uint256)", [d.address("ines"), 1])),
             (nobody, 0, encode_call("file(bytes32,uint256)", [bytes(32), 1]))]  # fmt: skip
    number = mirror.propose("ada", "# Pay\n\nSend 0.000001 USDC.", calls)
    mirror.sync()
    summaries.follow_outbox()
    assert chain_facts.ask_due() == 1
    row = ChainFacts.objects.get(proposal__proposal_id=number)
    assert (row.is_answered, row.names) == (True, {})
    assert row.block_number == mirror.proposal(number).created_block
    assert row.codes[checksum(nobody)]["size"] == 0
    assert row.codes[checksum(d.addresses["usdc"])]["size"] > 500
    assert row.codes[checksum(d.addresses["usdc"])]["lacks"] == []
    assert "no_code" in [flag["code"] for flag in Summary.objects.get().flags]
