# SPDX-License-Identifier: Apache-2.0
"""Nodes whose logs differ on chains whose blooms, or receipts, tell nothing: what a node shows by hash is kept, nobody
is distrusted without proof, and people are told where there is none."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from governance import unconfirmed
from governance.chain import abi, receipts
from governance.chain.call import ProposedCall
from governance.chain.governor import proposal_hash
from governance.chain.rpc import Rpc, RpcError, parse_log, parse_logs, parse_receipt
from governance.models import Block, OnchainCheck, OutboxEntry, Proposal, RawLog, SyncIncident, UnconfirmedLog, Vote
from governance.power import Continuity, continuity, delegate_of, power_now
from governance.reconcile import reconcile
from governance.state import facts_of, governor_of
from governance.sync import Status, fence, reorg, sync_once, witness
from replay.faults import BLOOMS, HASH_FILTERS, Faults
from replay.node import ReplayNode
from replay.sight import PlainAnswer
from replay.synthetic import SyntheticChain, SyntheticTransaction
from tests.governance.lives import (
    ACCOUNTS,
    FIRST_BLOCK,
    GOVERNOR,
    START_S,
    STRANGER,
    Kind,
    answer,
    assert_fresh,
    emit,
    mirrored,
)

pytestmark = pytest.mark.django_db(transaction=True)
DEPTH = 8
CREATED = emit(Kind.GOVERNOR, "ProposalCreated", 5, ACCOUNTS[0], [STRANGER], [0], [b""], [b""], 3, 9, b"# Pay")


def vote(number: int) -> tuple:
    return emit(Kind.GOVERNOR, "VoteCast", ACCOUNTS[number % 4], 5, 1, 10**18 + number, b"")


def transaction(*logs, **options) -> SyntheticTransaction:
    return SyntheticTransaction(GOVERNOR, logs, **options)


@pytest.fixture
def chain():
    made = SyntheticChain(77, START_S, finality_depth=DEPTH, call=answer)
    made.grow(*[[] for _ in range(FIRST_BLOCK - 1)])
    return made


@pytest.fixture
def serve(chain):
    """Nodes of the chain; they end with the test."""
    running = []

    def start(node: type[ReplayNode] = ReplayNode, **faults) -> ReplayNode:
        made = node(chain, faults=Faults(**faults))
        made.start()
        running.append(made)
        return made

    yield start
    for node in running:
        node.stop()


@pytest.fixture
def dao(chain):
    return mirrored(chain, "d")


def client(*nodes: ReplayNode, **options) -> Rpc:
    return Rpc([node.url for node in nodes], 77, **{"attempts": 1, "aside_s": 0.0, **options})


def shown(dao) -> tuple[int, int]:
    """How many proposals and votes a member sees."""
    return Proposal.objects.filter(dao=dao).count(), Vote.objects.filter(dao=dao).count()


def undone(dao) -> list[str]:
    topics = OutboxEntry.objects.filter(dao=dao, topic__endswith=".undone")
    return list(topics.values_list("topic", flat=True))


def caught(dao) -> str:
    return " ".join(SyncIncident.objects.filter(dao=dao, kind="lying_node").values_list("detail", flat=True))


def differing(dao) -> list[SyncIncident]:
    return list(SyncIncident.objects.filter(dao=dao, kind="nodes_differ", resolved_at=None))


def to_finality(chain, dao, rpc) -> None:
    chain.grow(*[[] for _ in range(DEPTH + 2)])
    for _ in range(3):
        sync_once(dao, rpc)
    assert Block.objects.filter(dao=dao, finalized=True, number__gt=FIRST_BLOCK).exists()


both_orders = pytest.mark.parametrize("holed_first", [True, False], ids=["the holed one first", "the honest one first"])
any_blooms = pytest.mark.parametrize("blooms", BLOOMS)
any_roots = pytest.mark.parametrize("has_receipts_root", [True, False], ids=["receipts root", "no receipts root"])


# ----------------------------------------------------------------------------------- a lasting hole in one node's index


@both_orders
@any_blooms
@any_roots
def test_a_hole_in_one_nodes_index_erases_nothing(chain, serve, dao, holed_first, blooms, has_receipts_root):
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))], [])
    facts = {"blooms": blooms, "has_receipts_root": has_receipts_root}
    honest, holed = serve(**facts), serve(hole=1.0, **facts)
    rpc = client(holed, honest) if holed_first else client(honest, holed)
    assert sync_once(dao, rpc).status is Status.CAUGHT_UP
    assert shown(dao) == (1, 2)
    to_finality(chain, dao, rpc)
    assert shown(dao) == (1, 2)
    assert undone(dao) == []
    assert honest.url not in caught(dao)
    assert (holed.url in caught(dao)) == has_receipts_root  # proved by receipts, or by nothing
    assert bool(differing(dao)) == (not has_receipts_root)
    assert_fresh(chain, dao, honest.url)


@both_orders
@any_roots
def test_a_hole_that_comes_later_erases_nothing_when_blocks_become_final(
    chain, serve, dao, holed_first, has_receipts_root
):
    facts = {"blooms": "zeros", "has_receipts_root": has_receipts_root}
    honest, other = serve(**facts), serve(**facts)
    nodes = (other, honest) if holed_first else (honest, other)
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))], [])
    sync_once(dao, client(*nodes))
    other.faults.hole = 1.0
    to_finality(chain, dao, client(*nodes))  # a process that was started anew
    assert shown(dao) == (1, 2)
    assert undone(dao) == []
    assert honest.url not in caught(dao)
    assert_fresh(chain, dao, honest.url)


@any_roots
def test_what_no_node_shows_any_more_is_kept(chain, serve, dao, has_receipts_root):
    """Both prune their index before the blocks become final."""
    facts = {"blooms": "zeros", "has_receipts_root": has_receipts_root}
    one, other = serve(**facts), serve(**facts)
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))], [])
    rpc = client(one, other, distrust_s=0.0)
    sync_once(dao, rpc)
    one.faults.hole = other.faults.hole = 1.0
    to_finality(chain, dao, rpc)
    assert shown(dao) == (1, 2)
    assert undone(dao) == []
    if not has_receipts_root:
        [incident] = differing(dao)
        assert "kept, unconfirmed" in incident.detail
        assert incident.first_block == FIRST_BLOCK
        assert caught(dao) == ""


def test_what_was_left_out_is_added_and_takes_nothing_away(chain, serve, dao):
    """The node that answers while blocks are read again has a hole where the other's logs were stored before."""
    facts = {"blooms": "zeros", "has_receipts_root": False}
    one, other = serve(**facts), serve(**facts)
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    sync_once(dao, client(one, other))
    one.faults.hole = other.faults.hole = 1.0
    chain.grow([transaction(vote(2))], [transaction(vote(3))])
    sync_once(dao, client(one, other))
    assert shown(dao) == (1, 1)  # both had lost the two newest
    one.faults.hole = 0.0
    to_finality(chain, dao, client(one, other))
    assert shown(dao) == (1, 3)
    assert undone(dao) == []
    assert "left logs out" in SyncIncident.objects.get(dao=dao, kind="missed_logs").detail
    assert_fresh(chain, dao, one.url)


@both_orders
@any_roots
def test_a_range_of_final_blocks_is_what_either_shows(chain, serve, dao, holed_first, has_receipts_root):
    """More differing blocks than receipts are asked for."""
    chain.grow([transaction(CREATED)], *[[transaction(vote(n))] for n in range(60)], *[[] for _ in range(DEPTH)])
    facts = {"blooms": "zeros", "has_receipts_root": has_receipts_root}
    honest, holed = serve(**facts), serve(hole=0.7, **facts)
    rpc = client(holed, honest) if holed_first else client(honest, holed)
    assert sync_once(dao, rpc).status is Status.CAUGHT_UP
    assert shown(dao) == (1, 60)
    assert honest.url not in caught(dao)
    assert (holed.url in caught(dao)) == has_receipts_root
    assert_fresh(chain, dao, honest.url)


@any_roots
def test_a_hole_on_each_side_leaves_what_either_shows(chain, serve, dao, has_receipts_root):
    """Of each of them the other lacks some; with proof both are caught, and what they showed together stays."""

    class OtherHole(ReplayNode):
        def sight(self):
            seen = super().sight()
            lacks = seen._lacks
            seen._lacks = lambda log: not lacks(log)  # just what the other one has
            return seen

    facts = {"blooms": "omit", "has_receipts_root": has_receipts_root}
    one, other = serve(hole=0.5, **facts), serve(OtherHole, hole=0.5, **facts)
    chain.grow([transaction(CREATED)], *[[transaction(vote(n), vote(n + 100))] for n in range(6)])
    sync_once(dao, client(one, other, distrust_s=0.0))
    assert shown(dao) == (1, 12)


@any_blooms
def test_one_node_alone_is_believed_whatever_its_blooms_show(chain, serve, dao, blooms):
    node = serve(blooms=blooms)
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))], [])
    rpc = client(node)
    sync_once(dao, rpc)
    to_finality(chain, dao, rpc)
    node.faults.hole = 1.0
    sync_once(dao, rpc)
    assert shown(dao) == (1, 2)
    assert undone(dao) == []


# --------------------------------------------------------------------------- logs that stand in no bloom and no receipt


@both_orders
def test_logs_that_the_chain_itself_makes_are_kept(chain, serve, dao, holed_first):
    """As Polygon's state syncs: receipts that rebuild the root lack them, and prove nothing against who shows them."""
    honest, holed = serve(), serve(hole=1.0)
    chain.grow([transaction(CREATED), transaction(vote(1), vote(2), system=True)], [transaction(vote(3), system=True)])
    rpc = client(holed, honest) if holed_first else client(honest, holed)
    sync_once(dao, rpc)
    to_finality(chain, dao, client(holed, honest) if holed_first else client(honest, holed))
    assert shown(dao) == (1, 3)
    assert undone(dao) == []
    assert honest.url not in caught(dao)
    assert holed.url in caught(dao)  # for the proposal, which a receipt has
    assert_fresh(chain, dao, honest.url)


def test_a_node_whose_receipts_lack_what_it_shows_is_not_distrusted_for_it(chain, serve, dao):
    class WithoutReceipts(ReplayNode):
        def sight(self):
            seen = super().sight()
            complete = seen._receipt_of
            seen._receipt_of = lambda *place: {**complete(*place), "logs": []}
            return seen

    honest, holed = serve(WithoutReceipts), serve(WithoutReceipts, hole=1.0)
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))])
    rpc = client(holed, honest)
    sync_once(dao, rpc)
    to_finality(chain, dao, rpc)
    assert shown(dao) == (1, 2)
    assert caught(dao) == ""
    [incident] = differing(dao)
    assert f"{holed.url} does not show" in incident.detail


# ---------------------------------------------------------------------------------- a node that shows what is not there


def strange(kind: str) -> type[ReplayNode]:
    """A node that changes what it answers to eth_getLogs."""

    class Strange(ReplayNode):
        def sight(self):
            seen = super().sight()
            true = seen._get_logs

            def get_logs(condition):
                logs = true(condition)
                if kind == "altered":
                    return [{**log, "data": "0x" + "00" * (len(log["data"]) // 2 - 1)} for log in logs]
                if kind == "invented":
                    return [*logs, *({**log, "logIndex": hex(7)} for log in logs[:1])]
                return [{**log, "logIndex": "0x0"} for log in logs]

            seen._get_logs = get_logs
            return seen

    return Strange


@both_orders
def test_another_log_in_a_place_is_refuted_by_receipts(chain, serve, dao, holed_first):
    honest, liar = serve(), serve(strange("altered"))
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))])
    rpc = client(liar, honest) if holed_first else client(honest, liar)
    sync_once(dao, rpc)
    assert liar.url in caught(dao)
    assert honest.url not in caught(dao)
    assert_fresh(chain, dao, honest.url)


@both_orders
def test_another_log_in_a_place_that_nothing_refutes_stops_the_reading_and_is_told(chain, serve, dao, holed_first):
    honest, liar = serve(has_receipts_root=False), serve(strange("altered"), has_receipts_root=False)
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))])
    with pytest.raises(RpcError, match="different logs in one place"):
        sync_once(dao, client(liar, honest) if holed_first else client(honest, liar))
    assert shown(dao) == (0, 0)
    [incident] = differing(dao)
    assert honest.url in incident.detail
    assert liar.url in incident.detail
    assert caught(dao) == ""


@both_orders
@pytest.mark.parametrize("kind", ["altered", "added"])
def test_a_log_is_not_believed_in_a_block_that_is_not_looked_at(chain, serve, dao, kind, holed_first):
    """Of many blocks that differ only some are looked at: who leaves logs out in all the others can invent one here."""
    first, differing_blocks = FIRST_BLOCK + 1, 100

    class Liar(ReplayNode):
        def sight(self):
            seen = super().sight()
            true = seen._get_logs

            def get_logs(condition):
                logs = [log for log in true(condition) if int(log["blockNumber"], 16) in (FIRST_BLOCK, first + 1)]
                if kind == "added":
                    return [log | {"logIndex": hex(int(log["logIndex"], 16) + 1)} for log in logs if log in logs[-1:]]
                return [log | {"data": "0x" + "00" * (len(log["data"]) // 2 - 1)} for log in logs[-1:]]

            seen._get_logs = get_logs
            return seen

    filler = (STRANGER, (bytes(32),), b"")
    made = [[transaction(vote(number), filler, filler, salt=number)] for number in range(differing_blocks)]
    chain.grow([transaction(CREATED)], *made, *[[] for _ in range(DEPTH + 2)])
    honest, liar = serve(), serve(Liar)
    rpc = client(liar, honest) if holed_first else client(honest, liar)
    for _ in range(3):
        try:
            sync_once(dao, rpc)
        except RpcError:
            continue
    assert liar.url in caught(dao)
    assert honest.url not in caught(dao)
    assert differing(dao) == []
    assert shown(dao) == (1, differing_blocks)
    assert_fresh(chain, dao, honest.url)


def test_a_log_that_only_one_shows_and_nothing_proves_is_kept_and_told(chain, serve, dao):
    """Its index is above those of all receipts, as a log's that the chain itself makes."""
    honest, liar = serve(), serve(strange("invented"))
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))])
    sync_once(dao, client(honest, liar))
    assert shown(dao) == (1, 3)
    assert caught(dao) == ""
    [incident] = differing(dao)
    assert f"{honest.url} does not show 1 log(s)" in incident.detail
    assert "kept, unconfirmed" in incident.detail


def test_a_node_that_names_another_receipts_root_proves_nothing(chain, serve, dao):
    """Receipts and root of its own making: both headers have one hash, and only one of them is so."""

    class Forger(ReplayNode):
        def sight(self):
            seen = super().sight()
            complete = seen._receipt_of
            seen._receipt_of = lambda *place: {**complete(*place), "logs": []}
            seen._receipts_root = lambda number: (
                "0x" + receipts.root([parse_receipt(raw) for raw in seen._receipts(hex(number))]).hex()
            )
            return seen

    honest, forger = serve(), serve(Forger, hole=1.0)
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))])
    for rpc in (client(forger, honest), client(honest, forger)):
        sync_once(dao, rpc)
        assert honest.url not in caught(dao)
    to_finality(chain, dao, client(forger, honest))
    assert shown(dao) == (1, 2)
    assert undone(dao) == []


def test_a_node_that_forges_the_header_and_has_another_answer_for_the_logs_proves_nothing(chain, serve, dao):
    """It is the only one whose header was read when the other one's logs are compared with its own."""

    class Forger(ReplayNode):
        limits = False

        def sight(self):
            seen = super().sight()
            complete, true = seen._receipt_of, seen._get_logs
            seen._receipt_of = lambda *place: (found := complete(*place)) | {"logs": forged(found["logs"])}
            seen._receipts_root = lambda number: (
                "0x" + receipts.root([parse_receipt(raw) for raw in seen._receipts(hex(number))]).hex()
            )

            def get_logs(condition):
                if self.limits and "blockHash" in condition:
                    self.limits = False
                    raise PlainAnswer(429, b"too many requests")
                return forged(true(condition))

            seen._get_logs = get_logs
            return seen

    def forged(logs):
        return [{**log, "data": "0x" + "00" * (len(log["data"]) // 2 - 1)} for log in logs]

    honest, forger = serve(), serve(Forger)
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))])
    rpc = client(forger, honest)
    forger.limits = True
    with pytest.raises(RpcError, match="different logs in one place"):
        sync_once(dao, rpc)
    assert not forger.limits  # it was asked first, and the other one answered
    assert caught(dao) == ""
    assert shown(dao) == (0, 0)
    assert differing(dao)


def test_who_answered_for_some_blocks_only_is_not_caught_for_the_others():
    """One node answers for the first blocks, with a gap that is gone a moment later; the other one for the rest."""
    chain = SyntheticChain(77, START_S, finality_depth=64, call=answer)
    chain.grow(*[[] for _ in range(FIRST_BLOCK - 1)])
    dao = mirrored(chain, "d")

    class Flapping(ReplayNode):
        asked, limited = 0, False

        def sight(self):
            seen = super().sight()
            true = seen._get_logs

            def get_logs(condition):
                if "blockHash" not in condition or self.limited:
                    return true(condition)
                true(condition)  # a block that it does not know is an error, as of any node
                self.asked += 1
                if self.asked > 20:
                    self.limited = True
                    raise PlainAnswer(429, b"too many requests")
                return []

            seen._get_logs = get_logs
            return seen

    chain.grow([transaction(CREATED)], [transaction(vote(1))], *[[transaction(vote(n), salt=n)] for n in range(40)])
    dao.contracts.exclude(kind="governor").delete()  # one question for each block
    flapping, honest = Flapping(chain), ReplayNode(chain)
    flapping.start()
    honest.start()
    try:
        sync_once(dao, client(flapping, honest))
        assert honest.url not in caught(dao)
        assert flapping.url in caught(dao)
        assert shown(dao) == (1, 41)
    finally:
        flapping.stop()
        honest.stop()


# --------------------------------------------------------------------------------------------------- what must still be


@any_blooms
def test_a_reorg_still_undoes_what_it_took(chain, serve, dao, blooms):
    facts = {"blooms": blooms, "has_receipts_root": False}
    honest, holed = serve(**facts), serve(**facts)
    chain.grow([transaction(CREATED)], [transaction(vote(1))], [transaction(vote(2))])
    rpc = client(holed, honest)
    sync_once(dao, rpc)
    assert shown(dao) == (1, 2)
    holed.faults.hole = 1.0
    chain.reorg(2, [], [transaction(vote(3))], [])
    sync_once(dao, rpc)
    assert shown(dao) == (1, 1)
    assert undone(dao) == ["vote.cast.undone", "vote.cast.undone"]
    assert_fresh(chain, dao, honest.url)


@any_roots
def test_a_contract_that_is_not_followed_any_more_is_no_disagreement(chain, serve, dao, has_receipts_root):
    paused = emit(Kind.MODULE, "Paused", ACCOUNTS[0], 1)
    chain.grow([transaction(paused)], [transaction(vote(1), paused)])
    one, other = serve(has_receipts_root=has_receipts_root), serve(has_receipts_root=has_receipts_root)
    rpc = client(one, other)
    sync_once(dao, rpc)
    dao.contracts.filter(kind="module").delete()
    other.faults.hole = 1.0  # so that there is something to judge in the same block
    to_finality(chain, dao, client(one, other))
    assert RawLog.objects.filter(dao=dao).count() == 3
    assert undone(dao) == []
    assert one.url not in caught(dao)
    assert all(other.url in incident.detail for incident in differing(dao))
    assert {number for incident in differing(dao) for number in incident.facts["blocks"]} <= {chain.head - DEPTH - 2}


def test_a_node_that_answers_more_than_was_asked_is_not_caught_for_it(chain, serve, dao):
    """It leaves out the topics of the question; what it shows is so."""

    class Generous(ReplayNode):
        def sight(self):
            seen = super().sight()
            true = seen._get_logs
            seen._get_logs = lambda condition: true({**condition, "topics": []})
            return seen

    unknown = (*emit(Kind.VOTES_TOKEN, "DelegateVotesChanged", ACCOUNTS[0], 0, 1)[:1], (bytes(32),), b"")
    chain.grow([transaction(CREATED, unknown)], [transaction(vote(1))])
    honest, generous = serve(), serve(Generous)
    sync_once(dao, client(honest, generous))
    assert shown(dao) == (1, 1)
    assert caught(dao) == ""


def test_where_nodes_differ_is_told_until_a_reorg_takes_those_blocks(chain, serve, dao):
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    chain.grow([], [transaction(CREATED)], [transaction(vote(1))])
    rpc = client(honest, holed)
    sync_once(dao, rpc)
    [incident] = differing(dao)  # one for all blocks
    assert incident.facts == {"blocks": [chain.head - 1, chain.head]}
    assert incident.first_block == chain.head - 1
    holed.faults.hole = 0.0
    chain.reorg(1, [transaction(vote(2))], [])
    sync_once(dao, rpc)
    assert differing(dao) == [incident]  # one of its blocks is still there
    chain.reorg(3, [transaction(CREATED)], [transaction(vote(2))], [], [])
    sync_once(dao, rpc)
    assert differing(dao) == []


# ------------------------------------------------------------------------------------------- what one node alone shows


def told(dao) -> list[str]:
    return list(OutboxEntry.objects.filter(dao=dao).order_by("id").values_list("topic", flat=True))


def marked(dao) -> set[tuple[int, int]]:
    """The places of the unconfirmed logs: block and index."""
    rows = UnconfirmedLog.objects.filter(dao=dao).select_related("log")
    return {(row.log.block_number, row.log.log_index) for row in rows}


class Counts:
    """The chain's own answers about proposal 5: its tally, and its state."""

    def __init__(self, votes=(0, 0, 0), state=1):
        self.votes, self.state = votes, state

    def __call__(self, to: bytes, data: bytes, block: int) -> bytes:
        if data[:4] == abi.selector("proposalVotes(uint256)"):
            return abi.encode(["uint256"] * 3, self.votes)
        if data[:4] == abi.selector("state(uint256)"):
            return abi.encode(["uint8"], [self.state])
        return answer(to, data, block)


@both_orders
def test_what_one_node_alone_shows_is_kept_marked_and_told_to_nobody(chain, serve, dao, holed_first):
    chain.grow([transaction(CREATED)])
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    rpc = client(*((holed, honest) if holed_first else (honest, holed)))
    holed.faults.hole = 0.0
    sync_once(dao, rpc)
    assert (marked(dao), told(dao)) == (set(), ["proposal.created"])
    holed.faults.hole = 1.0
    chain.grow([transaction(vote(1))])
    sync_once(dao, rpc)
    assert shown(dao) == (1, 1)
    assert marked(dao) == {(chain.head, 0)}
    assert told(dao) == ["proposal.created"]
    row = Proposal.objects.prefetch_related("operations").get(dao=dao)
    [doubted] = unconfirmed.of_proposals(dao, [row]).votes[row.pk]
    facts = facts_of(row)
    assert facts.for_votes == 10**18 + 1
    assert unconfirmed.without(dao, facts, [doubted]).for_votes == 0


def test_the_governors_tally_settles_a_vote(chain, serve, dao):
    """Not one that lacks it, and not one of an earlier block."""
    chain.call = counts = Counts()
    honest, holed = serve(has_receipts_root=False), serve(hole=0.0, has_receipts_root=False)
    rpc = client(honest, holed)
    chain.grow([transaction(CREATED)], [])
    sync_once(dao, rpc)
    holed.faults.hole = 1.0
    chain.grow([transaction(vote(1))])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert marked(dao) == {(chain.head, 0)}
    assert "vote.cast" not in told(dao)
    counts.votes = (0, 10**18 + 1, 0)
    chain.grow([])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert (marked(dao), told(dao).count("vote.cast")) == (set(), 1)
    reconcile(dao, rpc)
    assert told(dao).count("vote.cast") == 1


def saying(counts: "Counts") -> type[ReplayNode]:
    """A node that answers calls in its own way."""

    class Saying(ReplayNode):
        def sight(self):
            seen = super().sight()
            seen.chain = replace(seen.chain, call=counts)
            return seen

    return Saying


@pytest.mark.parametrize("other", ["lacks it", "does not answer", "agrees"])
def test_no_node_confirms_what_it_alone_shows(chain, serve, dao, other):
    """Who made a vote up makes up the tally too."""
    true, made_up = Counts(), Counts((0, 10**18 + 1, 0))
    chain.call = true
    inventing = serve(saying(made_up), has_receipts_root=False)
    honest = serve(saying(made_up if other == "agrees" else true), hole=0.0, has_receipts_root=False)
    rpc = client(inventing, honest)
    chain.grow([transaction(CREATED)], [])
    sync_once(dao, rpc)
    honest.faults.hole = 1.0
    chain.grow([transaction(vote(1))])
    sync_once(dao, rpc)
    assert marked(dao) == {(chain.head, 0)}
    if other == "does not answer":
        honest.faults.errors = {"eth_call": 99}
    reconcile(dao, rpc)
    check = OnchainCheck.objects.get(dao=dao, subject="proposal:5:votes")
    assert (check.matched, check.endpoints) == (other != "lacks it", 2 if other == "agrees" else 1)
    assert bool(check.other_says) is (other == "lacks it")
    assert (marked(dao) == set()) is (other == "agrees")
    assert ("vote.cast" in told(dao)) is (other == "agrees")


def test_the_chains_word_of_a_block_that_went_while_blocks_were_read_again_goes_too(chain, serve, dao):
    chain.call = Counts()
    rpc = client(serve())
    chain.grow([transaction(CREATED)], [])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    said = set(OnchainCheck.objects.filter(dao=dao).values_list("block_hash", flat=True))
    assert said
    with fence.hold(dao, wait=True) as writer:
        reorg.restart_from(writer, FIRST_BLOCK)
    chain.reorg(1, [], [])
    sync_once(dao, rpc)
    assert not OnchainCheck.objects.filter(dao=dao, block_hash__in=said).exists()


OVERRIDABLE = "support=bravo,override&quorum=for,abstain&overridable=true"
FLEXIBLE = "support=bravo&quorum=for,abstain&params=fractional"


def counts_by(dao, mode: str) -> None:
    governor = governor_of(dao)
    governor.capabilities |= {"counting_mode": mode}
    governor.save()


def test_what_a_holder_took_from_a_delegate_is_in_doubt_and_settled_with_the_holders_vote(chain, serve, dao):
    """Its log is another one than the vote's: without it the tally is as wrong as with the vote alone."""
    counts_by(dao, OVERRIDABLE)
    chain.call = counts = Counts((0, 100, 0))
    honest, holed = serve(has_receipts_root=False), serve(hole=0.0, has_receipts_root=False)
    rpc = client(honest, holed)
    chain.grow([transaction(CREATED)], [transaction(emit(Kind.GOVERNOR, "VoteCast", ACCOUNTS[1], 5, 1, 100, b""))])
    sync_once(dao, rpc)
    holed.faults.hole = 1.0
    reduced = emit(Kind.GOVERNOR, "VoteReduced", ACCOUNTS[1], 5, 1, 40)
    override = emit(Kind.GOVERNOR, "OverrideVoteCast", ACCOUNTS[2], 5, 0, 40, b"")
    chain.grow([transaction(reduced, override)])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert len(marked(dao)) == 2
    row = Proposal.objects.prefetch_related("operations").get(dao=dao)
    facts, doubts = facts_of(row), unconfirmed.of_proposals(dao, [row])
    assert (facts.against_votes, facts.for_votes) == (40, 60)
    told_of = unconfirmed.without(dao, facts, doubts.votes[row.pk], doubts.reduced[row.pk])
    assert (told_of.against_votes, told_of.for_votes) == (0, 100)
    counts.votes = (40, 60, 0)
    chain.grow([])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert marked(dao) == set()


@pytest.mark.parametrize(
    ("mode", "support", "params", "is_settled"),
    [
        (FLEXIBLE, 1, bytes(48), False),
        (FLEXIBLE, 1, bytes(16) + (1).to_bytes(16, "big") + bytes(16), True),
        (OVERRIDABLE, 7, b"", False),
        (OVERRIDABLE, 1, b"", True),
    ],
)
def test_a_tally_settles_no_vote_that_adds_nothing(chain, serve, dao, mode, support, params, is_settled):
    counts_by(dao, mode)
    chain.call = counts = Counts()
    honest, holed = serve(has_receipts_root=False), serve(hole=0.0, has_receipts_root=False)
    rpc = client(honest, holed)
    chain.grow([transaction(CREATED)], [])
    sync_once(dao, rpc)
    holed.faults.hole = 1.0
    chain.grow([transaction(emit(Kind.GOVERNOR, "VoteCastWithParams", ACCOUNTS[1], 5, support, 100, b"", params))])
    sync_once(dao, rpc)
    assert len(marked(dao)) == 1
    row = Proposal.objects.get(dao=dao)
    counts.votes = (row.against_votes, row.for_votes, row.abstain_votes)
    reconcile(dao, rpc)
    assert OnchainCheck.objects.get(dao=dao, subject="proposal:5:votes").matched
    assert (marked(dao) == set()) is is_settled


def created(number: int, target: bytes, text: bytes = b"# Pay") -> tuple:
    return emit(Kind.GOVERNOR, "ProposalCreated", number, ACCOUNTS[0], [target], [0], [b""], [b""], 3, 9, text)


def test_the_governors_state_settles_a_proposal_whose_number_is_its_hash(chain, serve, dao):
    chain.call = Counts(state=0)
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    rpc = client(honest, holed)
    number = proposal_hash([ProposedCall(STRANGER, 0, b"", b"")], b"# Pay")
    chain.grow([transaction(created(number, STRANGER))])
    sync_once(dao, rpc)
    assert (len(marked(dao)), told(dao)) == (1, [])
    reconcile(dao, rpc)  # at block 2 its vote has not begun
    assert (marked(dao), told(dao)) == (set(), ["proposal.created"])


@pytest.mark.parametrize(("target", "text"), [(ACCOUNTS[1], b"# Pay"), (STRANGER, b"# Pay others")])
def test_the_governors_state_settles_no_other_calls_and_no_other_text(chain, serve, dao, target, text):
    """The number is one that the chain knows; what a node says of it is forged."""
    chain.call = Counts(state=0)
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    rpc = client(honest, holed)
    number = proposal_hash([ProposedCall(STRANGER, 0, b"", b"")], b"# Pay")
    chain.grow([transaction(created(number, target, text))])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert OnchainCheck.objects.get(subject=f"proposal:{number}:state").matched
    assert (len(marked(dao)), told(dao)) == (1, [])


def test_the_governors_state_settles_nothing_of_a_number_that_counts(chain, serve, dao):
    chain.call = Counts(state=0)
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    rpc = client(honest, holed)
    chain.grow([transaction(CREATED)])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert (len(marked(dao)), told(dao)) == (1, [])


def test_two_nodes_that_show_it_before_it_is_final_confirm_it(chain, serve, dao):
    """An index of logs that lagged has caught up."""
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    rpc = client(honest, holed)
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    sync_once(dao, rpc)
    assert (len(marked(dao)), told(dao)) == (2, [])
    holed.faults.hole = 0.0
    to_finality(chain, dao, rpc)
    assert (marked(dao), sorted(told(dao))) == (set(), ["proposal.created", "vote.cast"])


def test_what_stays_one_nodes_word_is_never_told(chain, serve, dao):
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    rpc = client(honest, holed)
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    to_finality(chain, dao, rpc)
    assert (len(marked(dao)), told(dao)) == (2, [])
    assert shown(dao) == (1, 1)


def test_an_unconfirmed_log_falls_with_its_block_and_takes_nothing_back(chain, serve, dao):
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    rpc = client(honest, holed)
    chain.grow([transaction(CREATED)])
    sync_once(dao, rpc)
    holed.faults.hole = 0.0
    chain.reorg(1, [], [transaction(CREATED)])
    sync_once(dao, rpc)
    assert (marked(dao), told(dao), undone(dao)) == (set(), ["proposal.created"], [])


def test_receipts_that_prove_it_confirm_it_at_once(chain, serve, dao):
    honest, holed = serve(), serve(hole=1.0)
    chain.grow([transaction(CREATED)])
    sync_once(dao, client(honest, holed))
    assert (marked(dao), told(dao)) == (set(), ["proposal.created"])


# -------------------------------------------------------------------------------------------------- two logs, one place


def test_two_logs_in_one_place_are_told_and_none_is_lost_in_silence(chain, serve, dao):
    node = serve(strange("all have the index 0"))
    chain.grow([transaction(CREATED)], [transaction(vote(1), vote(2))])
    with pytest.raises(RpcError, match="two different logs of transaction 0 in block"):
        sync_once(dao, client(node))
    assert shown(dao) == (0, 0)
    chain.grow(*[[] for _ in range(DEPTH + 2)])  # by range too
    with pytest.raises(RpcError, match="two different logs of transaction 0 in block"):
        sync_once(dao, client(node))


# ----------------------------------------------------------------------------------------- logs counted in transactions

PAID = emit(Kind.GOVERNOR, "VoteCast", ACCOUNTS[0], 5, 1, 10**18, b"")
BUSY = (
    transaction(CREATED, vote(1)),
    transaction(vote(2)),
    transaction((STRANGER, (bytes(32),), b""), vote(3), vote(4)),
    transaction(PAID),
    transaction(PAID, salt=1),  # the same payment by another transaction: two
)


@pytest.mark.parametrize("empty_blocks", [0, DEPTH + 2], ids=["near the head", "by range"])
def test_logs_counted_in_each_transaction_are_all_there_in_the_chains_order(chain, serve, dao, empty_blocks):
    node = serve(numbering="transaction")
    chain.grow([], BUSY, *[[] for _ in range(empty_blocks)])
    rpc = client(node)
    sync_once(dao, rpc)
    assert shown(dao) == (1, 6)
    rows = list(RawLog.objects.filter(dao=dao).order_by("pk").values_list("transaction_index", "log_index"))
    assert rows == [(0, 0), (0, 1), (1, 0), (2, 1), (2, 2), (3, 0), (4, 0)]
    to_finality(chain, dao, rpc)
    assert_fresh(chain, dao, node.url)
    assert SyncIncident.objects.filter(dao=dao).count() == 0


def test_power_is_that_of_the_later_transaction_however_logs_are_counted(chain, serve, dao):
    def power(*parts: int) -> tuple:
        return emit(Kind.VOTES_TOKEN, "DelegateVotesChanged", ACCOUNTS[0], *parts)

    moved = emit(Kind.VOTES_TOKEN, "DelegateChanged", ACCOUNTS[1], ACCOUNTS[2], ACCOUNTS[3])
    back = emit(Kind.VOTES_TOKEN, "DelegateChanged", ACCOUNTS[1], ACCOUNTS[3], ACCOUNTS[0])
    chain.grow([transaction(vote(1), moved, power(0, 7)), transaction(back, power(7, 5))])
    sync_once(dao, client(serve(numbering="transaction")))
    assert power_now(dao, ACCOUNTS[0]) == 5
    assert delegate_of(dao, ACCOUNTS[1]) == ACCOUNTS[0]
    assert continuity(dao) == Continuity(1, ())


@both_orders
@pytest.mark.parametrize("has_receipts_root", [True, False], ids=["with a root", "without"])
def test_the_same_log_under_two_numbers_is_one_log(chain, serve, dao, holed_first, has_receipts_root):
    """One node counts through the block and another in each transaction: near the head, by range and once more when
    blocks become final, whichever was asked before."""
    plain = serve(has_receipts_root=has_receipts_root)
    other = serve(numbering="transaction", has_receipts_root=has_receipts_root)
    chain.grow(BUSY, *[[] for _ in range(DEPTH + 2)], BUSY[1:2])
    rpc = client(other, plain) if holed_first else client(plain, other)
    sync_once(dao, rpc)
    assert shown(dao) == (1, 7)
    to_finality(chain, dao, client(plain, other) if holed_first else client(other, plain))
    assert shown(dao) == (1, 7)
    assert Proposal.objects.get(dao=dao).for_votes == sum(v.weight for v in Vote.objects.filter(dao=dao))
    assert (caught(dao), differing(dao), undone(dao)) == ("", [], [])


def test_blocks_that_another_node_numbers_otherwise_are_read_again_without_a_second_copy(chain, serve, dao):
    chain.grow(BUSY, *[[] for _ in range(DEPTH + 2)], BUSY[1:2])
    sync_once(dao, client(serve()))
    before = list(RawLog.objects.filter(dao=dao).order_by("pk").values())
    with fence.hold(dao) as writer:
        reorg.restart_from(writer, FIRST_BLOCK)
    sync_once(dao, client(serve(numbering="transaction")))
    assert list(RawLog.objects.filter(dao=dao).order_by("pk").values()) == before


@both_orders
def test_a_hole_is_seen_by_receipts_that_count_in_each_transaction(chain, serve, dao, holed_first):
    honest, holed = serve(numbering="transaction"), serve(numbering="transaction", hole=1.0)
    chain.grow(BUSY, [transaction(vote(1), salt=9), transaction(vote(2), vote(3), system=True)])
    rpc = client(holed, honest) if holed_first else client(honest, holed)
    sync_once(dao, rpc)
    assert holed.url in caught(dao)
    assert honest.url not in caught(dao)
    assert shown(dao) == (1, 9)
    assert_fresh(chain, dao, honest.url)


def test_the_same_log_found_by_two_questions_is_one(chain):
    chain.grow([transaction(CREATED)])
    with ReplayNode(chain) as node:
        logs = client(node).logs((GOVERNOR,), first_block=chain.head, last_block=chain.head)
    assert witness.once([*logs, *logs]) == logs
    with pytest.raises(RpcError, match="index 0"):
        witness.once([*logs, logs[0]._replace(data=b"other")])


def test_a_stored_log_that_both_nodes_show_otherwise_is_read_again(chain, serve, dao):
    """It came from one node while the other failed, and two logs can't have one place."""
    liar, honest = serve(strange("altered")), serve()
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    sync_once(dao, client(liar))
    assert not any(bytes(log.data).strip(b"\0") for log in RawLog.objects.filter(dao=dao))
    other = serve()
    to_finality(chain, dao, client(honest, other))
    assert_fresh(chain, dao, honest.url)
    assert SyncIncident.objects.filter(dao=dao, kind="missed_logs").exists()


def test_one_nodes_other_word_about_a_place_is_told_and_changes_nothing(chain, serve, dao):
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    honest = serve()
    sync_once(dao, client(honest))
    before = list(RawLog.objects.filter(dao=dao).order_by("pk").values_list("data", flat=True))
    to_finality(chain, dao, client(serve(strange("altered"))))
    assert list(RawLog.objects.filter(dao=dao).order_by("pk").values_list("data", flat=True)) == before
    [incident] = differing(dao)
    assert "another log" in incident.detail


# -------------------------------------------------------------------------------------------------- times that are none


@pytest.mark.parametrize("hash_filter", HASH_FILTERS)
def test_null_in_place_of_no_logs_is_none_where_the_node_has_the_block(chain, serve, dao, hash_filter):
    chain.grow([transaction(CREATED)], [], [transaction(vote(1))], *[[] for _ in range(DEPTH + 2)])
    node = serve(null_logs=True, hash_filter=hash_filter)
    assert sync_once(dao, client(node)).status is Status.CAUGHT_UP  # by range, and near the head by hash
    assert_fresh(chain, dao, serve().url)
    with pytest.raises(RpcError, match="malformed"):
        client(serve(null_logs=True)).logs((STRANGER,), block_hash=chain.blocks[-1].hash)  # no word that it has it


@pytest.mark.parametrize("second", [False, True], ids=["alone", "beside another"])
@pytest.mark.parametrize("hash_filter", HASH_FILTERS[1:])
def test_a_node_without_the_filter_by_hash_is_read_up_to_its_head(chain, serve, dao, hash_filter, second):
    """By a range of the one block, whose hash its header says."""
    chain.grow([transaction(CREATED)], [transaction(vote(1))], [], [transaction(vote(2))])
    node = serve(hash_filter=hash_filter)
    rpc = client(node, serve()) if second else client(node)
    assert sync_once(dao, rpc).status is Status.CAUGHT_UP
    assert shown(dao) == (1, 2)
    chain.reorg(2, [transaction(vote(3))], [transaction(vote(4))], [])
    assert sync_once(dao, rpc).status is Status.CAUGHT_UP
    assert_fresh(chain, dao, serve().url)
    assert caught(dao) == ""


def test_a_node_that_does_not_know_the_filter_by_hash_is_asked_for_it_once(chain, serve, dao):
    refused = []

    class Counting(ReplayNode):
        def sight(self):
            seen = super().sight()
            true = seen._get_logs
            seen._get_logs = lambda condition: (
                (refused.append(1) if "blockHash" in condition else None) or true(condition)
            )
            return seen

    node = serve(Counting, hash_filter="refused")
    rpc = client(node)
    for number in range(4):
        chain.grow([transaction(vote(number))])
        sync_once(dao, rpc)
    assert shown(dao) == (0, 4)
    assert 0 < len(refused) <= 5  # the questions about one block, and one about none


def test_a_node_that_takes_no_notice_of_the_filter_by_hash_has_logs_though_its_newest_block_has_none(chain, serve, dao):
    """It answers for the newest block whatever is asked: an empty one says that all are."""
    chain.grow([transaction(CREATED)], [transaction(vote(1))], [])
    node = serve(hash_filter="ignored")
    sync_once(dao, client(node))
    assert shown(dao) == (1, 1)


def test_logs_by_range_are_not_believed_of_a_block_that_changed_meanwhile(chain, serve, dao):
    """The node replaces the block between its two answers: its logs are another block's."""

    class Moving(ReplayNode):
        def sight(self):
            seen, true = super().sight(), super().sight()
            lacking = true._get_logs

            def get_logs(condition):
                found = lacking(condition)
                if "blockHash" not in condition and self.moves:
                    self.moves -= 1
                    chain.reorg(1, [transaction(vote(7))], salt=self.moves + 5)
                    now = super(Moving, self).sight()
                    seen._block = now._block
                return found

            seen._get_logs = get_logs
            return seen

    Moving.moves = 3
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    node = serve(Moving, hash_filter="refused")
    sync_once(dao, client(node))
    sync_once(dao, client(node))
    assert_fresh(chain, dao, serve().url)


def timed(said: Callable[[int], object]) -> type[ReplayNode]:
    """A node whose logs say of their block's time (Unix seconds) what `said` makes of it."""

    class Timed(ReplayNode):
        def sight(self):
            seen = super().sight()
            true = seen._shown
            seen._shown = lambda log: {**true(log), "blockTimestamp": said(seen.chain.time_at(log.block_number))}
            return seen

    return Timed


SAID = {
    "zero": lambda _time_s: "0x0", "zeros": lambda _time_s: "0x00", "null": lambda _time_s: None,
    "nothing": lambda _time_s: "0x", "a number": lambda time_s: time_s, "text": lambda time_s: f"{time_s}",
    "milliseconds": lambda time_s: hex(time_s * 1000), "too early": lambda time_s: hex(time_s - 10**6),
    "the first block's": lambda _time_s: hex(START_S), "backwards": lambda time_s: hex(2 * START_S - time_s + 20),
}  # fmt: skip
TIMES = ("milliseconds", "too early", "the first block's", "backwards")  # which only the headers tell from a time


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_a_log_without_a_time_takes_its_headers(chain, serve, dao, said):
    quiet = [[] for _ in range(DEPTH + 2)]
    chain.grow([], [transaction(CREATED)], [transaction(vote(1))], *quiet)
    node = serve(timed(said))
    rpc = client(node)
    sync_once(dao, rpc)
    chain.grow([transaction(vote(2))])
    sync_once(dao, rpc)
    times = dict(RawLog.objects.filter(dao=dao).values_list("block_number", "block_timestamp_chain_s"))
    assert times == {number: chain.blocks[number].time_s for number in times}
    assert len(times) == 3
    assert_fresh(chain, dao, serve().url)


def test_of_times_that_go_backwards_the_one_before_is_looked_at_too(chain, serve, dao):
    quiet = [[] for _ in range(DEPTH + 2)]
    votes = [blocks for n in range(1, 4) for blocks in ([], [transaction(vote(n))])]
    chain.grow([], [transaction(CREATED)], *votes, *quiet)
    lying, later = [block for block in chain.blocks if block.logs][1:3]
    node = serve(timed(lambda time_s: hex(later.time_s + 1 if time_s == lying.time_s else time_s)))
    sync_once(dao, client(node))
    times = dict(RawLog.objects.filter(dao=dao).values_list("block_number", "block_timestamp_chain_s"))
    assert len(times) == 4
    assert times == {number: chain.blocks[number].time_s for number in times}


def test_a_log_that_names_no_time_is_parsed_alike_alone_and_among_others(chain):
    chain.grow([transaction(CREATED)])
    for name, said in SAID.items():
        with timed(said)(chain) as node:
            raw = node.sight().answer("eth_getLogs", [{"blockHash": "0x" + chain.blocks[-1].hash.hex()}])
        assert parse_logs([*raw, *raw]) == [parse_log(log) for log in [*raw, *raw]]
        if name not in TIMES:
            assert parse_log(raw[0]).timestamp_chain_s is None


@pytest.mark.parametrize("blocks", [1, DEPTH + 4], ids=["near the head", "by range"])
def test_a_header_without_a_time_is_told_and_nothing_is_stored(chain, serve, dao, blocks):
    class Timeless(ReplayNode):
        def sight(self):
            seen = super().sight()
            true = seen._block
            seen._block = lambda *asked: (found := true(*asked)) and {**found, "timestamp": "0x0"}
            return seen

    chain.grow([transaction(CREATED)], *[[] for _ in range(blocks)])
    with pytest.raises(RpcError, match="a block without a time"):
        sync_once(dao, client(serve(Timeless)))
    assert not RawLog.objects.filter(dao=dao).exists()


def test_a_chain_may_begin_at_the_time_zero(chain, serve, dao):
    made = SyntheticChain(77, 0, finality_depth=DEPTH, call=answer)
    made.grow([], [transaction(CREATED)])
    with ReplayNode(made) as node:
        assert sync_once(dao, client(node)).status is Status.CAUGHT_UP
    assert shown(dao) == (1, 0)


# ------------------------------------------------------------------------------------------------------------- receipts


def test_the_receipts_root_is_ethereums(deployed):
    """Anvil's own roots, of blocks with one receipt and with many, legacy and typed ones, and of none."""
    deployed.send("ada", "votes_token", "delegate", deployed.address("ben"))
    rpc = Rpc([deployed.url], 31337)
    head = rpc.head_number()
    kinds = set()
    for number in range(head + 1):
        header = rpc.block(number)
        found = rpc.block_receipts(header.hash)
        kinds |= {receipt.kind for receipt in found}
        if number or header.receipts_root != bytes(32):  # the first block is nobody's
            assert receipts.root(found) == header.receipts_root, number
    assert kinds


def test_receipts_that_are_not_whole_rebuild_another_root(chain):
    chain.grow([transaction(vote(n)) for n in range(130)])  # places whose encoding has one byte, and two
    with ReplayNode(chain) as node:
        header = client(node).block(chain.head)
        found = client(node).block_receipts(header.hash)
    assert receipts.root(found) == header.receipts_root
    one = found[3]
    for wrong in (
        found[:-1],
        [*found[:3], one._replace(logs=()), *found[4:]],
        [*found[:3], one._replace(succeeded=False), *found[4:]],
        [*found[:3], one._replace(kind=0), *found[4:]],
        [found[1], found[0], *found[2:]],
    ):
        assert receipts.root(wrong) != header.receipts_root
    assert receipts.root([one._replace(cumulative_gas=None)]) is None
    assert receipts.root([one._replace(kind=None)]) is None
    assert receipts.root([one._replace(kind=0x80)]) is None


@pytest.mark.parametrize("said", ["0x2", None, "legacy", 2, "0x", "-0x1"])
def test_a_receipts_type_is_a_quantity_or_not_known(chain, said):
    chain.grow([transaction(vote(1))])
    with ReplayNode(chain) as node:
        raw = node.sight()._receipts(hex(chain.head))[0]
    assert parse_receipt({**raw, "type": said}).kind == {"0x2": 2, None: 0}.get(said)


@pytest.mark.parametrize("said", ["0x", "0x0", "0x00", 5, "none", "0x" + "00" * 33])
@pytest.mark.parametrize("name", ["receiptsRoot", "logsBloom"])
def test_a_chain_whose_headers_have_other_roots_and_blooms_is_read(chain, serve, dao, name, said):
    class Other(ReplayNode):
        def sight(self):
            seen = super().sight()
            true = seen._block
            seen._block = lambda *asked: (found := true(*asked)) and {**found, name: said}
            return seen

    node, other = serve(Other), serve(Other, hole=1.0)
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    assert sync_once(dao, client(node, other)).status is Status.CAUGHT_UP
    assert shown(dao) == (1, 1)
