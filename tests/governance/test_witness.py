# SPDX-License-Identifier: Apache-2.0
"""Nodes that answer what is not so: which of it the mirror finds, when, and what it does."""

import contextlib
from random import Random

import pytest
from eth_utils import keccak

from governance.chain import bloom
from governance.chain.rpc import Distrusted, Rpc, RpcError
from governance.finality_depth import DEFAULT_BLOCKS, DEPTHS_BLOCKS, OF_ITS_TESTNET, finality_depth
from governance.models import Block, Chain, Cursor, OutboxEntry, RawLog, RefusedAct, SyncIncident, Vote
from governance.sync import GenesisChanged, Status, fence, finality, reorg, sync_once
from replay.faults import Faults
from replay.node import ReplayNode
from replay.synthetic import SyntheticChain, SyntheticTransaction
from tests.governance.lives import (
    ACCOUNTS,
    FIRST_BLOCK,
    GOVERNOR,
    START_S,
    STRANGER,
    Kind,
    Life,
    answer,
    assert_fresh,
    emit,
    mirrored,
)

pytestmark = pytest.mark.django_db(transaction=True)
EMPTY, THIN = {"empty_logs": 1.0}, {"missing_logs": 1.0}


def vote(number: int) -> SyntheticTransaction:
    log = emit(Kind.GOVERNOR, "VoteCast", ACCOUNTS[number % 4], number, 1, 10**18, b"")
    return SyntheticTransaction(GOVERNOR, (log,), salt=number)


@pytest.fixture
def chain():
    made = SyntheticChain(77, START_S, finality_depth=8, call=answer)
    made.grow(*[[] for _ in range(FIRST_BLOCK - 1)])
    return made


@pytest.fixture
def serve(chain):
    """Nodes of the chain, each with its faults; they end with the test."""
    running = []

    def start(faults: Faults | None = None) -> ReplayNode:
        node = ReplayNode(chain, faults=faults or Faults())
        node.start()
        running.append(node)
        return node

    yield start
    for node in running:
        node.stop()


@pytest.fixture
def dao(chain):
    return mirrored(chain, "d")


def client(*nodes: ReplayNode, **options) -> Rpc:
    return Rpc([node.url for node in nodes], 77, **{"attempts": 1, "aside_s": 0.0, **options})


def caught(dao) -> list[str]:
    return [incident.detail for incident in SyncIncident.objects.filter(dao=dao, kind="lying_node")]


# ------------------------------------------------------------------------------------------------------------ bloom


def test_a_bloom_never_denies_what_is_there():
    random = Random(5)
    items = [random.randbytes(random.choice((20, 32))) for _ in range(200)]
    seen = bloom.of_items(items)
    assert all(bloom.may_have(seen, item) for item in items)
    assert not any(bloom.may_have(bytes(256), item) for item in items)
    few = bloom.of_items(items[:5])
    assert sum(bloom.may_have(few, item) for item in items[5:]) < 3


def test_a_bloom_is_ethereums():
    """By the Yellow Paper's definition, spelled out: the low 11 bits of the hash's first three pairs of bytes."""
    item = b"\x0e" * 20
    digest = keccak(item)
    expected = 0
    for place in (0, 2, 4):
        expected |= 1 << (((digest[place] << 8) + digest[place + 1]) & 0x7FF)
    assert bloom.of_items([item]) == expected.to_bytes(256, "big")


def test_anvils_bloom_is_ours(deployed):
    receipt = deployed.send("ada", "votes_token", "delegate", deployed.address("ben"))
    header = Rpc([deployed.url], 31337).block(int(receipt["blockNumber"], 16))
    logs = [
        (bytes.fromhex(log["address"][2:]), [bytes.fromhex(t[2:]) for t in log["topics"]]) for log in receipt["logs"]
    ]
    assert logs
    assert header.logs_bloom == bloom.of_logs(logs)


# -------------------------------------------------------------------------------------------------- near the head


@pytest.mark.parametrize("lies", [EMPTY, THIN])
@pytest.mark.parametrize("first", [True, False])
def test_near_the_head_another_endpoint_has_what_one_leaves_out(chain, serve, dao, lies, first):
    chain.grow(*[[vote(n), vote(n + 10)] for n in range(6)])
    liar, honest = serve(Faults(chances=lies)), serve()
    rpc = client(liar, honest) if first else client(honest, liar)
    assert sync_once(dao, rpc).status is Status.CAUGHT_UP
    assert_fresh(chain, dao, honest.url)
    assert len(caught(dao)) == 1
    assert liar.url in caught(dao)[0]


def test_who_was_caught_is_not_asked_even_where_nobody_else_answers(chain, serve, dao):
    chain.grow([vote(1)])
    liar, honest = serve(Faults(chances=EMPTY)), serve()
    rpc = client(liar, honest)
    sync_once(dao, rpc)
    chain.grow([vote(2)])
    asked = liar.requests
    honest.stop()
    with pytest.raises(RpcError):
        sync_once(dao, rpc)
    assert liar.requests == asked
    rpc.answerer().distrust("it too")
    with pytest.raises(Distrusted):
        rpc.head_number()


def test_one_endpoint_alone_is_held_against_its_own_receipts(chain, serve, dao):
    """The index of logs has a hole, the receipts have not: seen where a node's index lags or was pruned."""
    chain.grow([vote(1)], [], [vote(2)])
    node = serve(Faults(chances=EMPTY))
    assert sync_once(dao, client(node)).logs == 2
    assert RawLog.objects.filter(dao=dao).count() == 2


def test_what_one_endpoint_alone_leaves_out_is_found_when_the_blocks_become_final(chain, serve, dao):
    chain.grow([vote(1), vote(2)], [vote(3)])
    node = serve(Faults(chances=THIN))
    rpc = client(node)
    sync_once(dao, rpc)
    assert RawLog.objects.filter(dao=dao).count() < 3  # a thinned answer shows nothing at first
    node.faults.chances = {}
    chain.grow(*[[] for _ in range(12)])
    for _ in range(3):
        sync_once(dao, rpc)
    assert_fresh(chain, dao, node.url)
    incident = SyncIncident.objects.get(dao=dao, kind="missed_logs")
    assert "answered wrongly" in incident.detail
    told = list(
        OutboxEntry.objects.filter(dao=dao, topic__startswith="vote").order_by("id").values_list("topic", flat=True)
    )
    assert told.count("vote.cast") - told.count("vote.cast.undone") == 3


# ------------------------------------------------------------------------------------------------------- ranges


@pytest.mark.parametrize("lies", [EMPTY, THIN])
def test_a_range_is_asked_of_two(chain, serve, dao, lies):
    chain.grow(*[[vote(n)] for n in range(40)])
    liar, honest = serve(Faults(chances=lies)), serve(Faults(max_range=7, provider="erigon"))
    assert sync_once(dao, client(liar, honest)).status is Status.CAUGHT_UP
    assert_fresh(chain, dao, honest.url)
    assert caught(dao)


def test_a_range_waits_for_the_second_endpoint_and_not_for_one_that_is_down_for_good(chain, serve, dao):
    chain.grow(*[[vote(n)] for n in range(40)])
    one, other = serve(), serve()
    other.stop()
    with pytest.raises(RpcError, match="no connection"):
        sync_once(dao, client(one, other))
    assert not RawLog.objects.filter(dao=dao).exists()
    assert sync_once(dao, client(one, other, down_s=0.0)).status is Status.CAUGHT_UP
    assert_fresh(chain, dao, one.url)


def test_an_empty_range_is_asked_for_twice_where_there_is_one_endpoint(chain, serve, dao):
    chain.grow(*[[vote(n)] for n in range(40)])

    class Once(Rpc):
        """Behind a balancer whose first node has pruned its index."""

        lies = 1

        def batch(self, requests, **options):
            answers = super().batch(requests, **options)
            if self.lies and any(method == "eth_getLogs" for method, _ in requests):
                self.lies = 0
                return [[] if m == "eth_getLogs" else a for (m, _), a in zip(requests, answers, strict=True)]
            return answers

    node = serve()
    rpc = Once([node.url], 77, attempts=1)
    sync_once(dao, rpc)
    assert rpc.lies == 0
    assert_fresh(chain, dao, node.url)


# ----------------------------------------------------------------------------------------- finality, other chains


def test_one_node_that_calls_its_head_final_stops_nobody(chain, serve, dao):
    """Alone, up to the chain's own depth; beside another, at any depth."""
    chain.grow(*[[vote(n)] for n in range(20)])
    node = serve(Faults(final_back=0))
    rpc = client(node)
    sync_once(dao, rpc)
    assert Block.objects.filter(dao=dao, finalized=True).order_by("-number").first().number == chain.head - 8
    chain.reorg(7, *[[vote(n)] for n in range(50, 60)])
    assert sync_once(dao, rpc).status is Status.CAUGHT_UP
    assert_fresh(chain, dao, node.url)


def test_beside_another_node_a_false_claim_counts_for_nothing(chain, serve, dao):
    Chain.objects.update(finality_depth=0)
    chain.grow(*[[vote(n)] for n in range(20)])
    liar, honest = serve(Faults(final_back=0)), serve()
    rpc = client(liar, honest)
    sync_once(dao, rpc)
    assert Block.objects.filter(dao=dao, finalized=True).order_by("-number").first().number == chain.final
    chain.reorg(8, *[[vote(n)] for n in range(50, 60)])
    assert sync_once(dao, rpc).status is Status.CAUGHT_UP


def test_a_node_on_another_chain_is_left_where_another_has_what_was_final(chain, serve, dao):
    chain.grow(*[[vote(n)] for n in range(20)])
    honest = serve()
    sync_once(dao, client(honest))
    branch = SyntheticChain(77, START_S, finality_depth=8, call=answer)
    branch.grow(*[[vote(n)] for n in range(90, 120)])
    with ReplayNode(branch) as strayed:
        rpc = client(strayed, honest)
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        assert "was final" in caught(dao)[0]
        assert not SyncIncident.objects.filter(dao=dao, kind="deep_reorg").exists()
        assert sync_once(dao, client(strayed)).status is Status.STOPPED  # one word against what was final
    assert sync_once(dao, client(honest)).status is Status.CAUGHT_UP
    assert_fresh(chain, dao, honest.url)


def test_a_fail_over_to_another_chain_is_seen_by_its_first_block(chain, serve, dao):
    chain.grow([vote(1)])
    honest = serve()
    sync_once(dao, client(honest))
    foreign = SyntheticChain(77, START_S + 1, finality_depth=8, call=answer)
    with ReplayNode(foreign) as wrong:
        assert sync_once(dao, client(wrong, honest)).status is Status.CAUGHT_UP
        with pytest.raises(GenesisChanged):
            sync_once(dao, client(wrong))


def test_an_endpoint_whose_head_stands_still_keeps_nobody_waiting(chain, serve, dao):
    chain.grow(*[[vote(n)] for n in range(20)])
    stuck, honest = serve(Faults(head_back=10)), serve()
    rpc = client(stuck, honest, aside_s=60.0)
    sync_once(dao, rpc)
    assert Cursor.objects.get(dao=dao).next_block == chain.head + 1


def test_blocks_are_not_called_final_on_one_of_two_words(chain, serve, dao):
    chain.grow(*[[vote(n)] for n in range(6)])
    one, other = serve(), serve()
    rpc = client(one, other)
    sync_once(dao, rpc)
    chain.grow(*[[] for _ in range(4)])
    other.stop()
    sync_once(dao, rpc)
    assert not Block.objects.filter(dao=dao, finalized=True).exists()
    other.start()
    sync_once(dao, rpc)
    assert Block.objects.filter(dao=dao, finalized=True).exists()


def test_final_is_what_the_deepest_claim_says(chain, serve):
    chain.grow(*[[] for _ in range(30)])
    rpc = client(serve(Faults(final_back=20)), serve(Faults(final_back=0)))
    head = rpc.block("latest")
    assert finality.final_block(rpc, head, 5) == head.number - 20
    assert finality.final_block(rpc, head, 25) == head.number - 25


@pytest.mark.parametrize(("blocks", "is_believed"), [(30, True), (10_050, False)])
def test_who_calls_only_the_first_block_of_a_long_chain_final_has_no_tag(chain, serve, blocks, is_believed):
    chain.grow(*[[] for _ in range(blocks)])
    rpc = client(serve(Faults(final_back=100_000)))
    head = rpc.block("latest")
    assert finality.final_block(rpc, head, 8) == (0 if is_believed else head.number - 8)


def test_without_the_tag_the_chains_depth_says_what_is_final(chain, serve, dao):
    chain.grow(*[[] for _ in range(30)])
    rpc = client(serve(Faults(has_final_tag=False)))
    assert finality.final_block(rpc, rpc.block("latest"), 8) == chain.head - 8
    sync_once(dao, rpc)
    assert Block.objects.filter(dao=dao, finalized=True).order_by("-number").first().number == chain.head - 8


def test_without_the_tag_a_node_that_lags_is_not_read_for_final_blocks(chain, serve, dao):
    """Behind a load balancer it may still be on a branch that was left."""
    chain.grow(*[[] for _ in range(6)], [vote(1)], [])
    chain.reorg(2, [vote(2)], [], *[[] for _ in range(8)])
    node = serve(Faults(has_final_tag=False))
    lagging, newest = ReplayNode.sight, finality.newest

    class Balanced(type(node)):
        def sight(self):
            seen = lagging(self)
            if asked_for_logs:
                self.faults.sights_back = 1
                seen = lagging(self)
                self.faults.sights_back = 0
            return seen

    asked_for_logs = False
    node.__class__ = Balanced

    def newest_then_lagging(rpc):
        nonlocal asked_for_logs
        asked_for_logs = False
        return newest(rpc)

    final_block = finality.final_block

    def final_then_lagging(*arguments):
        nonlocal asked_for_logs
        found = final_block(*arguments)
        asked_for_logs = True
        return found

    finality.newest, finality.final_block = newest_then_lagging, final_then_lagging
    try:
        with pytest.raises(RpcError, match="changed while"):
            sync_once(dao, client(node))
    finally:
        finality.newest, finality.final_block = newest, final_block
    assert not Vote.objects.filter(dao=dao).exists()


@pytest.mark.parametrize(("blocks", "stopped"), [(157, False), (400, False), (501, True)])
def test_a_chain_is_given_the_depth_that_it_needs(serve, blocks, stopped):
    """Polygon has seen reorgs of 157 blocks: one is followed, and how deep it was is kept."""
    polygon = SyntheticChain(137, START_S, finality_depth=finality_depth(137), call=answer)
    polygon.grow(*[[] for _ in range(FIRST_BLOCK - 1 + 520)], [vote(1)])
    dao = mirrored(polygon, "p")
    with ReplayNode(polygon, faults=Faults(has_final_tag=False)) as node:
        rpc = Rpc([node.url], 137, attempts=1)
        sync_once(dao, rpc)
        polygon.reorg(3, [], [], [])
        sync_once(dao, rpc)
        polygon.reorg(blocks, *[[] for _ in range(blocks - 1)], [vote(2)], [vote(3)], even_final=True)
        assert (sync_once(dao, rpc).status is Status.STOPPED) is stopped
    assert Chain.objects.get(pk=137).deepest_reorg_blocks == blocks
    assert Vote.objects.filter(dao=dao).count() == (0 if stopped else 2)


def test_the_table_lists_only_what_is_deeper_than_elsewhere():
    assert list(DEPTHS_BLOCKS) == sorted(DEPTHS_BLOCKS)
    assert all(blocks > DEFAULT_BLOCKS for blocks in DEPTHS_BLOCKS.values())
    assert {DEPTHS_BLOCKS[chain_id] for chain_id in OF_ITS_TESTNET} <= {
        DEPTHS_BLOCKS[n] for n in (1_301, 2_522, 763_373)
    }


def test_the_operator_says_when_a_block_is_final(chain, serve, dao, settings):
    chain.grow(*[[] for _ in range(30)])
    rpc = client(serve())
    settings.FINALITY_DEPTHS = {77: 20, 137: 3}
    sync_once(dao, rpc)
    assert Block.objects.filter(dao=dao, finalized=True).order_by("-number").first().number == chain.head - 20
    assert Chain.objects.get(pk=77).depth_blocks == 20
    assert [finality_depth(n) for n in (1, 10, 137, 5)] == [64, 200, 3, 64]
    # Taken back, the table counts again, of a chain that is known already as of a new one.
    known = Chain.objects.create(chain_id=137, name="known")
    assert known.depth_blocks == 3
    settings.FINALITY_DEPTHS = {}
    assert [Chain.objects.get(pk=n).depth_blocks for n in (77, 137)] == [8, 500]


# -------------------------------------------------------------------------------------------------------- refusals


def test_a_refusal_in_a_replaced_block_is_taken_back(chain, serve, dao):
    """Blocks are read again, and what failed in one of them did not fail in the one that replaced it."""
    life = Life(Random(1), chain)
    chain.grow([], [life._refused()], [])
    node = serve()
    rpc = client(node)
    sync_once(dao, rpc)
    assert RefusedAct.objects.filter(dao=dao).count() == 1
    with fence.hold(dao) as writer:
        reorg.restart_from(writer, FIRST_BLOCK)
    chain.reorg(2, [], [], [])
    sync_once(dao, rpc)
    assert not RefusedAct.objects.filter(dao=dao).exists()
    told = OutboxEntry.objects.filter(dao=dao).order_by("id").values_list("topic", flat=True)
    assert list(told) == ["act.refused", "act.refused.undone"]


def test_what_was_found_in_a_replaced_block_is_found_no_more(chain, serve, dao):
    """Blocks are read again while the chain replaces them: what their logs had shown wrong is gone with them."""
    broken = emit(Kind.GOVERNOR, "VoteCast", ACCOUNTS[0], 1, 1, 1, b"", data=b"\x01")
    chain.grow([], [SyntheticTransaction(GOVERNOR, (broken,)), vote(9)], [])
    rpc = client(serve())
    sync_once(dao, rpc)
    found = SyncIncident.objects.filter(dao=dao, resolved_at=None)
    assert sorted(found.values_list("kind", flat=True)) == ["gap", "undecodable"]
    with fence.hold(dao) as writer:
        reorg.restart_from(writer, FIRST_BLOCK)
    chain.reorg(2, [], [], [])
    sync_once(dao, rpc)
    assert not found.exists()


def test_what_only_a_replaced_block_made_true_is_taken_back(chain, serve, dao):
    """Blocks are read again, of a branch that is shorter at first: what is new in it was told beside what only the old
    branch had further up, and not taken back with that."""
    life = Life(Random(1), chain)
    created = emit(
        Kind.GOVERNOR, "ProposalCreated", 5, ACCOUNTS[0], [STRANGER], [0], [b""], [b""], 11, 20, b"# Pay",
    )  # fmt: skip
    queued = emit(Kind.GOVERNOR, "ProposalQueued", 5, START_S + 900)
    chain.grow([], [], [], [SyntheticTransaction(GOVERNOR, (created,))])
    node = serve()
    rpc = client(node)
    sync_once(dao, rpc)
    with fence.hold(dao) as writer:
        reorg.restart_from(writer, FIRST_BLOCK)
    chain.reorg(3, [SyntheticTransaction(GOVERNOR, (queued,))])
    sync_once(dao, rpc)
    chain.grow(*life.blocks(1), [], [])
    sync_once(dao, rpc)
    assert_fresh(chain, dao, node.url)


def test_the_block_below_those_that_are_read_again_is_compared_with(chain, serve, dao):
    """It may be replaced meanwhile, and would else stay for ever: a fresh index has the chain's."""
    chain.grow([], [vote(1)], [vote(2)], [])
    node = serve()
    rpc = client(node)
    sync_once(dao, rpc)
    with fence.hold(dao) as writer:
        reorg.restart_from(writer, chain.head)
    chain.reorg(3, [vote(3)], [], [], [])
    sync_once(dao, rpc)
    stored = dict(Block.objects.filter(dao=dao).values_list("number", "hash"))
    assert stored == {number: chain.blocks[number].hash for number in stored}
    assert Vote.objects.filter(dao=dao).count() == 1


# ------------------------------------------------------------------------- another network behind the same balancer


def test_a_past_is_not_read_of_another_network(chain, serve, dao):
    """The very first answers: nothing that was read says yet which chain it is."""
    chain.grow([vote(1)], [vote(2)], *[[] for _ in range(20)])
    node = serve()
    rpc = client(node)
    rpc.head_number()  # its chain was asked for once
    node.faults.chances = {"other_network": 1.0}
    with pytest.raises(RpcError, match="answered for chain 78, but it is configured for chain 77"):
        sync_once(dao, rpc)
    assert not Block.objects.filter(dao=dao).exists()
    assert not RawLog.objects.filter(dao=dao).exists()


def test_answers_of_another_network_now_and_then_change_nothing(chain, serve, dao):
    chain.grow([vote(1)], [vote(2)], *[[] for _ in range(20)])
    node = serve()
    rpc = client(node)
    node.faults.chances = {"other_network": 0.3}
    for step in range(60):
        if step % 10 == 5:
            chain.grow([vote(step)])
        with contextlib.suppress(RpcError):
            sync_once(dao, rpc)
    node.faults.chances = {}
    assert sync_once(dao, rpc).status is Status.CAUGHT_UP
    assert not SyncIncident.objects.filter(dao=dao, kind__in=("reorg", "deep_reorg")).exists()
    assert_fresh(chain, dao, node.url)
