# SPDX-License-Identifier: Apache-2.0
"""`manage.py doctor`: what an operator is told of a mirror that is well, and of one that is not, in each way."""

from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance import incidents
from governance.chain.rpc import Rpc
from governance.clocks import CLOCK_SOURCE
from governance.models import (
    Block,
    Contract,
    Cursor,
    OnchainCheck,
    PowerCheckpoint,
    RpcEndpoint,
    SyncIncident,
    UnconfirmedLog,
)
from governance.projections.events import Kind
from governance.words import say
from tests.governance.test_projections import VOTER, dao, log

__all__ = ["dao"]
pytestmark = pytest.mark.django_db
# Nobody answers there: the command asks no node.
URLS = ["http://127.0.0.1:9/one", "http://127.0.0.1:9/two"]
VOTE = "VoteCast(address indexed voter,uint256 proposalId,uint8 support,uint256 weight,string reason)"


@pytest.fixture
def well(dao, settings):
    """A mirror of which everything is well."""
    settings.RPC_URLS = {1: URLS}
    now = timezone.now()
    Cursor.objects.filter(dao=dao).update(
        next_block=101, head_hash=b"\x05" * 32, node_head_block=101, head_timestamp_chain_s=int(now.timestamp()) - 605,
        synced_at=now,
    )  # fmt: skip
    Contract.objects.create(dao=dao, kind=Kind.VOTES_TOKEN, address=b"\x70" * 20)
    stored = log(dao, VOTE, VOTER, 1, 1, 5, b"")
    PowerCheckpoint.objects.create(dao=dao, account=VOTER, timepoint=1, previous_power=0, power=5, log=stored)
    OnchainCheck.objects.create(
        dao=dao, subject="proposal:1:state", chain_says="Active", mirror_says="Active", matched=True, block_number=100,
        block_hash=b"\x05" * 32,
    )  # fmt: skip
    for fingerprint in Rpc.for_chain(1).known(django_settings.SECRET_KEY):
        RpcEndpoint.objects.create(chain_id=1, fingerprint=fingerprint, name="http://node", answered_at=now)
    return dao


def told(capsys, *slugs: str, fails: bool) -> str:
    """What the command prints."""
    if fails:
        with pytest.raises(SystemExit) as ended:
            call_command("doctor", *slugs)
        assert ended.value.code == 1
    else:
        call_command("doctor", *slugs)
    return capsys.readouterr().out


def wrong(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.startswith("  WRONG")]


def test_a_mirror_that_is_well(well, capsys):
    text = told(capsys, fails=False)
    assert text.startswith("d, chain Ethereum (1)\n")
    assert wrong(text) == []
    for words in (
        "up to block 100, 1 behind its node; that block was made 10 min ago", "last heard of the chain",
        "http://node: answers; takes all that was asked", "after 64 blocks; deepest reorg seen 0", "none is open",
        "in 1 answers, as far as the chain was asked", "no log is one node's alone",
        "the governor counts the chain's own blocks", "read from the votes token's logs", "nothing is wrong",
    ):  # fmt: skip
        assert words in text, words


def _nothing_read(dao, settings):
    Cursor.objects.filter(dao=dao).update(head_hash=None)
    return "reading nothing was read yet"


def _no_worker(dao, settings):
    Cursor.objects.filter(dao=dao).update(synced_at=timezone.now() - timedelta(minutes=5))
    return "worker last heard of the chain 5 min ago: none is running, or its node fails"


def _stuck_node(dao, settings):
    Cursor.objects.filter(dao=dao).update(head_timestamp_chain_s=int(timezone.now().timestamp()) - 7_300)
    return "that block was made 2 h ago by this machine's clock: the chain makes no blocks, its nodes are stuck, or"


def _no_node(dao, settings):
    settings.RPC_URLS = {}
    return "nodes none is set for chain 1"


def _liar(dao, settings):
    row = RpcEndpoint.objects.first()
    row.distrusted_until = timezone.now() + timedelta(hours=1)
    row.save()
    return "node http://node: not asked until"


def _failing_node(dao, settings):
    RpcEndpoint.objects.filter(pk=RpcEndpoint.objects.first().pk).update(failures=3)
    return "node http://node: fails; last answer at"


def _incident(dao, settings):
    incidents.note(dao, incidents.Kind.CLOCK_DIFFERS, detail=say("snapshot_differs", snapshot="7", block=3, time_s=9))
    return "clock_differs since"


def _difference(dao, settings):
    OnchainCheck.objects.update(matched=False, chain_says="Defeated")
    return "differs proposal:1:state: at block 100 the chain says Defeated, the mirror Active"


def _one_nodes_word(dao, settings):
    Cursor.objects.filter(dao=dao).update(alone_from_block=7)
    return "final blocks from 7 on are one node's word, though others are set"


def _deep_reorgs(dao, settings):
    dao.chain.deepest_reorg_blocks = 157
    dao.chain.save()
    return "after 64 blocks; deepest reorg seen 157: set a greater depth"


def _unconfirmed(dao, settings):
    vote = log(dao, VOTE, VOTER, 1, 1, 5, b"", block=2)
    Block.objects.create(
        dao=dao, number=2, hash=bytes(vote.block_hash), parent_hash=bytes(32), timestamp_chain_s=24, finalized=True
    )
    UnconfirmedLog.objects.create(dao=dao, log=vote)
    return "unconfirmed 1 logs that one node alone shows, 1 of them in final blocks"


@pytest.mark.parametrize(
    "spoil",
    [_nothing_read, _no_worker, _stuck_node, _no_node, _liar, _failing_node, _incident, _difference, _one_nodes_word,
     _deep_reorgs, _unconfirmed],
)  # fmt: skip
def test_each_thing_that_is_wrong_is_told_and_fails(well, capsys, settings, spoil):
    words = spoil(well, settings)
    found = wrong(told(capsys, fails=True))
    assert len(found) == 1, found
    assert words in found[0]


def test_what_is_over_or_limited_is_told_and_is_no_failure(well, capsys, settings):
    settings.RPC_URLS = {1: URLS[:1]}
    PowerCheckpoint.objects.all().delete()
    Contract.objects.filter(kind=Kind.GOVERNOR).update(
        capabilities={"clock": "blocknumber", CLOCK_SOURCE: "l1BlockNumber"}
    )
    SyncIncident.objects.create(dao=well, kind="reorg", detail="")
    UnconfirmedLog.objects.create(dao=well, log=log(well, VOTE, VOTER, 1, 1, 5, b"", block=99))
    OnchainCheck.objects.all().delete()
    Cursor.objects.filter(dao=well).update(node_head_block=5_000)
    text = told(capsys, fails=False)
    for words in (
        "4,900 behind its node", "the past is still being read", "one alone: all that is shown is its word", "1 reorg",
        "degraded: The votes token logged no change of voting power", "blocks of the chain below (L1), which headers",
        "1 logs that one node alone shows, 0 of them in final blocks", "the chain was not asked yet",
    ):  # fmt: skip
        assert words in text, words


def test_a_node_that_was_not_heard_for_long_is_not_said_to_answer(well, capsys):
    RpcEndpoint.objects.update(answered_at=timezone.now() - timedelta(days=2))
    text = told(capsys, fails=False)
    assert "http://node: answered last at" in text
    assert "http://node: answers" not in text


def test_of_the_named_daos_only(well, capsys):
    assert told(capsys, "d", fails=False).startswith("d, ")
    with pytest.raises(CommandError, match="there is no DAO 'e'"):
        call_command("doctor", "d", "e")


def test_without_a_dao_there_is_nothing_to_look_at():
    with pytest.raises(CommandError, match="no DAO is mirrored"):
        call_command("doctor")
