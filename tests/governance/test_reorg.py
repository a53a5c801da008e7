# SPDX-License-Identifier: Apache-2.0
"""Reorgs: given these blocks, when the node answers so, then this is what stays in the mirror."""

import pytest

from governance import reconcile, tasks
from governance.chain.rpc import Rpc
from governance.models import Block, Chain, Cursor, OnchainCheck, OutboxEntry, RawLog, RefusedAct, SyncIncident, Vote
from governance.projections import again
from governance.sync import GenesisChanged, Status, fence, reorg
from tests.governance.conftest import CHAIN_ID, POLICY_ID
from tests.governance.test_life import payment, send_anyway, snapshot_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def voting(mirror):
    """A proposal being voted on; ada has voted, and the mirror has read it."""
    d = mirror.deployed
    mirror.delegate(ada="ada", ben="ben")
    d.anvil.wind(10)
    mirror.proposal_id = mirror.propose("ada", "A proposal", [(d.addresses["usdc"], 0, b"\x01\x02\x03\x04")])
    d.anvil.wind(3700)
    d.send("ada", "governor", "castVote", mirror.proposal_id, 1)
    d.anvil.mine()
    mirror.sync()
    return mirror


def tally(mirror) -> tuple[int, int, int]:
    p = mirror.proposal(mirror.proposal_id)
    return (p.against_votes, p.for_votes, p.abstain_votes)


def agrees(mirror) -> None:
    """Tallies equal the chain's, nothing differs, and the projections are what the stored logs give."""
    assert tally(mirror) == mirror.deployed.read("governor", "proposalVotes", mirror.proposal_id)
    assert reconcile.reconcile(mirror.dao, mirror.rpc).differing == ()
    before = snapshot_of(mirror.dao)
    again.rebuild(mirror.dao)
    assert snapshot_of(mirror.dao) == before


def test_a_reorg_removes_a_vote(voting):
    d = voting.deployed
    d.send("ben", "governor", "castVote", voting.proposal_id, 0)
    d.anvil.mine(3)
    voting.sync()
    assert tally(voting)[0] > 0
    reconcile.reconcile(voting.dao, voting.rpc)
    assert OnchainCheck.objects.exists()

    d.anvil.call("anvil_reorg", 4, [])
    d.anvil.mine()
    result = voting.sync()
    assert not OnchainCheck.objects.exists()  # they were asked at a block that is gone

    assert result.status is Status.CAUGHT_UP
    assert tally(voting)[0] == 0
    incident = SyncIncident.objects.get(dao=voting.dao)
    assert incident.kind == "reorg"
    assert incident.facts["dropped_votes"] == [
        {
            "proposal_id": str(voting.proposal_id), "voter": d.accounts["ben"].address, "support": 0,
            "weight": str(250_000 * 10**18),
        }
    ]  # fmt: skip
    assert incident.facts["dropped_logs"] == 1
    assert incident.facts["blocks"] == 4
    told = list(OutboxEntry.objects.filter(topic__startswith="vote.cast").order_by("id").values_list("topic", "key"))
    assert [topic for topic, _ in told] == ["vote.cast", "vote.cast", "vote.cast.undone"]
    assert told[1][1] == told[2][1]
    agrees(voting)


def test_a_vote_that_comes_back_in_another_block_counts_once(voting):
    d = voting.deployed
    d.send("ben", "governor", "castVote", voting.proposal_id, 0)
    d.anvil.mine(2)
    voting.sync()
    block = Vote.objects.get(voter=d.address("ben")).log.block_number
    d.anvil.call("anvil_rollback", 3)
    d.anvil.mine(3)
    d.send("ben", "governor", "castVote", voting.proposal_id, 0)
    d.anvil.mine(2)
    voting.sync()
    assert Vote.objects.get(voter=d.address("ben")).log.block_number > block
    topics = list(
        OutboxEntry.objects.filter(topic__startswith="vote.cast").order_by("id").values_list("topic", flat=True)
    )
    assert topics == ["vote.cast", "vote.cast", "vote.cast.undone", "vote.cast"]
    agrees(voting)


def test_a_reorg_that_takes_the_proposal_itself(mirror):
    d = mirror.deployed
    mirror.delegate(ada="ada")
    d.anvil.wind(10)
    mirror.sync()
    mirror.propose("ada", "Gone", [(d.addresses["usdc"], 0, b"")])
    d.anvil.mine()
    mirror.sync()
    d.anvil.call("anvil_reorg", 2, [])
    d.anvil.mine()
    mirror.sync()
    assert not mirror.dao.proposals.exists()
    assert SyncIncident.objects.get().facts["dropped_proposals"]
    assert OutboxEntry.objects.latest("id").topic == "proposal.created.undone"


def test_a_reorg_brings_back_what_the_dropped_blocks_had_changed(mirror, payroll):
    """A killed act is pending again, a pause is over, a refusal is forgotten: folded from logs, not undone by hand."""
    d = mirror.deployed
    mirror.delegate(ben="ben")
    d.set_policy(POLICY_ID, payroll())
    mirror.sync()
    codehash = mirror.dao.policy_versions.get().codehash
    d.anvil.wind(10)
    calls = [payment(mirror, "ines", 1000)]
    d.send("agent", "module", "schedule", POLICY_ID, codehash, calls, 1, b"\x07" * 32)
    mirror.sync()
    act = mirror.dao.acts.get()
    before = snapshot_of(mirror.dao)
    d.send("ben", "module", "object", POLICY_ID, [act.act_id])
    d.send("gus", "module", "pause")
    refused = d.calldata("module", "execute", POLICY_ID, codehash, calls, 2, b"\x07" * 32)
    assert send_anyway(mirror, "agent", "module", refused)["status"] == "0x0"
    mirror.sync()
    act.refresh_from_db()
    assert act.status == "killed"
    assert RefusedAct.objects.count() == 1
    d.anvil.call("anvil_reorg", 3, [])
    d.anvil.mine()
    mirror.sync()
    assert snapshot_of(mirror.dao) == before
    assert not RefusedAct.objects.exists()
    undone = OutboxEntry.objects.filter(topic__endswith=".undone").values_list("topic", flat=True)
    assert sorted(undone) == [
        "act.killed.undone", "act.objected.undone", "act.refused.undone", "module.paused.undone",
    ]  # fmt: skip


def test_the_local_chain_behind_the_mirror_rewinds_it_and_says_what_was_lost(voting):
    d = voting.deployed
    d.anvil.call("anvil_rollback", 2)  # the empty block and ada's vote
    voting.sync()
    incident = SyncIncident.objects.get()
    assert incident.kind == "local_chain_rewound"
    assert [v["voter"] for v in incident.facts["dropped_votes"]] == [d.accounts["ada"].address]
    assert Cursor.objects.get().next_block == voting.rpc.head_number() + 1
    agrees(voting)


def test_another_nodes_head_going_backwards_is_no_reorg(voting, settings):
    settings.LOCAL_CHAIN_ID = None
    before, cursor = snapshot_of(voting.dao), Cursor.objects.get().next_block
    voting.deployed.anvil.call("anvil_rollback", 2)
    assert voting.sync().status is Status.NODE_BEHIND
    assert snapshot_of(voting.dao) == before
    assert Cursor.objects.get().next_block == cursor
    assert not SyncIncident.objects.exists()


def test_deeper_than_finality_stops_and_changes_nothing(voting, settings):
    settings.LOCAL_CHAIN_ID = None
    Block.objects.filter(number__lte=voting.rpc.head_number() - 1).update(finalized=True)
    before, logs = snapshot_of(voting.dao), RawLog.objects.count()
    voting.deployed.anvil.call("anvil_reorg", 3, [])
    voting.deployed.anvil.mine()
    for _ in range(2):
        assert voting.sync().status is Status.STOPPED
    assert snapshot_of(voting.dao) == before
    assert RawLog.objects.count() == logs
    assert [i.kind for i in SyncIncident.objects.all()] == ["deep_reorg"]


def test_another_chain_with_the_same_id(voting, settings):
    Chain.objects.update(genesis_hash=b"\x01" * 32)
    settings.LOCAL_CHAIN_ID = None
    before = snapshot_of(voting.dao)
    with pytest.raises(GenesisChanged):
        voting.sync()
    assert snapshot_of(voting.dao) == before
    assert SyncIncident.objects.get().kind == "wrong_chain"
    settings.RPC_URLS = {CHAIN_ID: [voting.deployed.url]}
    tasks.sync_all()
    assert SyncIncident.objects.get().kind == "wrong_chain"  # told once


class Turning(Rpc):
    """The real node, with something happening to the chain right before one of its answers."""

    def __init__(self, url, method, happens):
        super().__init__([url], CHAIN_ID, attempts=1)
        self.method, self.happens = method, happens

    def batch(self, requests, **options):
        asked = list(requests)
        if self.happens and any(method == self.method for method, _ in asked):
            happens, self.happens = self.happens, None
            happens()
        return super().batch(asked, **options)


def test_a_reorg_between_header_and_logs_is_no_empty_block(voting):
    d = voting.deployed

    def reorg():
        d.anvil.call("anvil_rollback", 1)
        d.send("ben", "governor", "castVote", voting.proposal_id, 0)

    d.send("ben", "governor", "castVote", voting.proposal_id, 1)
    voting.rpc = Turning(d.url, "eth_getLogs", reorg)
    voting.sync()
    assert Vote.objects.get(voter=d.address("ben")).support == 0
    agrees(voting)


class Lagging(Rpc):
    """A load balancer that once reaches a node which has no new block yet, and says of such blocks: no logs."""

    def __init__(self, url):
        super().__init__([url], CHAIN_ID, attempts=1)
        self.lags = True

    def batch(self, requests, **options):
        asked = list(requests)
        if self.lags and any(method == "eth_getLogs" for method, _ in asked):
            self.lags = False
            return [[] if method == "eth_getLogs" else None for method, _ in asked]
        return super().batch(asked, **options)


def test_no_logs_from_a_node_without_the_block_is_no_empty_block(voting):
    d = voting.deployed
    d.send("ben", "governor", "castVote", voting.proposal_id, 0)
    voting.rpc = Lagging(d.url)
    voting.sync()
    assert not voting.rpc.lags
    assert Vote.objects.get(voter=d.address("ben")).support == 0
    agrees(voting)


def test_a_reorg_while_blocks_are_read_again_leaves_no_log_behind(voting, settings):
    """The blocks that were replaced are final before they are reached: they are read as a range, without headers."""
    d = voting.deployed
    d.send("ben", "governor", "castVote", voting.proposal_id, 0)
    d.anvil.mine()
    voting.sync()
    with fence.hold(voting.dao) as writer:
        reorg.restart_from(writer, d.start_block)
    d.anvil.call("anvil_rollback", 2)
    d.anvil.mine(3)
    Chain.objects.update(finality_depth=0)
    voting.sync()
    assert not Vote.objects.filter(voter=d.address("ben")).exists()
    told = OutboxEntry.objects.filter(topic__startswith="vote.cast").order_by("id").values_list("topic", flat=True)
    assert list(told) == ["vote.cast", "vote.cast", "vote.cast.undone"]
    agrees(voting)
