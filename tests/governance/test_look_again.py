# SPDX-License-Identifier: Apache-2.0
"""What one node alone showed is asked for again, however old its block is: it is confirmed, dropped, or kept marked."""

import pytest

from governance import unconfirmed
from governance.chain import abi
from governance.models import (
    Cursor,
    ModuleState,
    OnchainCheck,
    PowerCheckpoint,
    Proposal,
    ProposalTransition,
    RawLog,
    SyncIncident,
    UnconfirmedLog,
    Vote,
)
from governance.reconcile import reconcile
from governance.state import facts_of
from governance.sync import fetch, look_again, sync_once
from replay.node import ReplayNode
from tests.governance.lives import ACCOUNTS, FIRST_BLOCK, GOVERNOR, Kind, assert_fresh, emit
from tests.governance.test_disagreement import (
    CREATED,
    DEPTH,
    Counts,
    chain,
    client,
    dao,
    differing,
    marked,
    serve,
    shown,
    to_finality,
    told,
    transaction,
    undone,
    vote,
)

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["chain", "dao", "serve"]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Each step asks again about what the last one asked about."""
    monkeypatch.setattr(look_again, "_AGAIN_S", 0)


def one_alone(chain, serve, dao, *blocks, **options):
    """Blocks that one of two nodes shows alone, with no receipts root to prove them."""
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    rpc = client(honest, holed, **options)
    chain.grow(*blocks)
    sync_once(dao, rpc)
    return honest, holed, rpc


# ------------------------------------------------------------------------------------ when the other node answers again


@pytest.mark.parametrize("is_first", [True, False], ids=["the other one first", "the other one second"])
def test_marks_of_blocks_that_became_final_while_the_other_node_was_down_settle_when_it_answers(
    chain, serve, dao, is_first
):
    honest, holed = serve(has_receipts_root=False), serve(hole=1.0, has_receipts_root=False)
    rpc = client(*((holed, honest) if is_first else (honest, holed)), down_s=0.0)
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    sync_once(dao, rpc)
    holed.stop()
    to_finality(chain, dao, rpc)
    assert (len(marked(dao)), told(dao), len(differing(dao))) == (2, [], 1)
    holed.faults.hole = 0.0
    holed.start()
    for _ in range(3):
        sync_once(dao, rpc)
    assert (marked(dao), sorted(told(dao))) == (set(), ["proposal.created", "vote.cast"])
    assert differing(dao) == []  # nothing of those blocks is unconfirmed any more
    sync_once(dao, rpc)
    assert len(told(dao)) == 2


def test_marks_settle_when_a_node_is_trusted_again(chain, serve, dao):
    honest, holed, rpc = one_alone(chain, serve, dao, [transaction(CREATED)])
    [of_holed] = [view for view in (rpc.answerer(), *rpc.others()) if view.names == holed.url]
    of_holed.distrust("it was caught with something else")
    to_finality(chain, dao, rpc)
    assert len(marked(dao)) == 1
    holed.faults.hole = 0.0
    for endpoint in rpc._endpoints:
        endpoint.distrusted_until = 0.0
    sync_once(dao, rpc)
    assert (marked(dao), told(dao)) == (set(), ["proposal.created"])
    assert_fresh(chain, dao, honest.url)


def test_marks_of_old_blocks_settle_when_an_index_has_caught_up(chain, serve, dao):
    """Blocks that were final when they were read, and a second look that found them still with one node alone."""
    blocks = [[transaction(CREATED)], *[[transaction(vote(n))] for n in range(20)], *[[] for _ in range(DEPTH)]]
    honest, holed, rpc = one_alone(chain, serve, dao, *blocks)
    assert len(marked(dao)) == 21
    holed.faults.hole = 0.0
    waiting = []
    for _ in range(3):
        chain.grow([])
        sync_once(dao, rpc)
        waiting.append(len(marked(dao)))
    assert waiting == [13, 5, 0]  # a few blocks in each step
    assert told(dao).count("vote.cast") == 20
    assert_fresh(chain, dao, honest.url)


def test_those_come_first_that_were_not_asked_about_for_longest(chain, serve, dao):
    blocks = [[transaction(CREATED)], *[[transaction(vote(n))] for n in range(11)], *[[] for _ in range(DEPTH)]]
    _, _, rpc = one_alone(chain, serve, dao, *blocks)

    def asked() -> list[bool]:
        rows = UnconfirmedLog.objects.filter(dao=dao).order_by("log_id")
        return [row.asked_at is not None for row in rows]

    assert asked() == [True] * 8 + [False] * 4
    sync_once(dao, rpc)
    assert asked() == [True] * 12  # what no second node shows keeps nobody else waiting
    assert len(marked(dao)) == 12
    assert shown(dao) == (1, 11)


def test_the_same_is_not_asked_at_each_step(chain, serve, dao, monkeypatch):
    monkeypatch.setattr(look_again, "_AGAIN_S", 3600)
    _, holed, rpc = one_alone(chain, serve, dao, [transaction(CREATED)], *[[] for _ in range(DEPTH)])
    holed.faults.hole = 0.0
    sync_once(dao, rpc)
    assert len(marked(dao)) == 1
    UnconfirmedLog.objects.update(asked_at=None)
    sync_once(dao, rpc)
    assert marked(dao) == set()


class Inventing(ReplayNode):
    """A node that shows the last vote of a busy block once more, as another log of its transaction."""

    def sight(self):
        seen = super().sight()
        true = seen._get_logs

        def get_logs(condition):
            logs = true(condition)
            return [*logs, *({**log, "logIndex": hex(7)} for log in logs[-1:] if log["transactionIndex"] == "0x2")]

        seen._get_logs = get_logs
        return seen


@pytest.mark.parametrize("is_told", [False, True], ids=["told to nobody", "told already"])
def test_receipts_that_are_known_later_drop_what_was_invented_and_nothing_else(chain, serve, dao, is_told):
    facts = {"has_receipts_root": False, "numbering": "transaction"}
    honest, liar = serve(**facts), serve(Inventing, **facts)
    votes = [transaction(vote(number)) for number in range(3)]
    chain.grow([transaction(CREATED)], votes, [transaction(vote(3))])
    sync_once(dao, client(liar) if is_told else client(liar, honest))
    rpc = client(liar, honest)
    to_finality(chain, dao, rpc)
    assert marked(dao) == {(FIRST_BLOCK + 1, 7)}
    assert (shown(dao), told(dao).count("vote.cast")) == ((1, 5), 5 if is_told else 4)
    honest.faults.has_receipts_root = liar.faults.has_receipts_root = True
    sync_once(dao, rpc)
    assert (shown(dao), marked(dao)) == ((1, 4), set())
    assert undone(dao) == ["vote.cast.undone"] * is_told
    assert Vote.objects.filter(dao=dao).first().proposal.for_votes == sum(10**18 + number for number in range(4))
    incident = SyncIncident.objects.get(dao=dao, kind="missed_logs")
    assert "receipts prove were never there" in incident.detail
    assert [dropped["proposal_id"] for dropped in incident.facts["dropped_votes"]] == ["5"]
    assert not SyncIncident.objects.filter(dao=dao, kind="nodes_differ", resolved_at=None).exists()
    assert_fresh(chain, dao, honest.url)


# --------------------------------------------------------------------------------------------------- one node alone set


def test_with_one_node_set_what_it_shows_is_confirmed(chain, serve, dao):
    """The operator takes the other one away: all of the mirror is one node's word then."""
    honest, _, _ = one_alone(chain, serve, dao, [transaction(CREATED)], [transaction(vote(1))])
    alone = client(honest)
    to_finality(chain, dao, alone)
    assert (marked(dao), sorted(told(dao))) == (set(), ["proposal.created", "vote.cast"])


def test_with_one_node_set_what_it_does_not_show_stays_marked(chain, serve, dao):
    _, holed, _ = one_alone(chain, serve, dao, [transaction(CREATED)], [transaction(vote(1))])
    alone = client(holed)
    to_finality(chain, dao, alone)
    assert (len(marked(dao)), told(dao)) == (2, [])
    assert shown(dao) == (1, 1)


# ------------------------------------------------------------------- final blocks that were one node's word for a while


def test_what_a_node_left_out_while_it_was_alone_is_found_when_another_answers(chain, serve, dao):
    holed, other = serve(hole=1.0, blooms="zeros"), serve(blooms="zeros")
    rpc = client(holed, other, down_s=0.0, distrust_s=0.0)
    sync_once(dao, rpc)
    other.stop()
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    to_finality(chain, dao, rpc)
    assert shown(dao) == (0, 0)
    assert Cursor.objects.get(dao=dao).alone_from_block is not None
    other.start()
    for _ in range(4):
        sync_once(dao, rpc)
    assert shown(dao) == (1, 1)
    assert Cursor.objects.get(dao=dao).alone_from_block is None
    assert_fresh(chain, dao, other.url)


def test_a_past_that_was_read_by_one_node_alone_is_looked_at_when_another_answers(chain, serve, dao):
    chain.grow([transaction(CREATED)], [transaction(vote(1))], *[[] for _ in range(DEPTH + 4)])
    holed, other = serve(hole=1.0, has_receipts_root=False), serve(has_receipts_root=False)
    other.stop()
    rpc = client(holed, other, down_s=0.0)
    sync_once(dao, rpc)
    assert shown(dao) == (0, 0)
    other.start()
    for _ in range(5):
        sync_once(dao, rpc)
    assert shown(dao) == (1, 1)
    assert len(marked(dao)) == 2  # each is one node's word, and nothing proves it
    assert Cursor.objects.get(dao=dao).alone_from_block is None


def test_a_range_that_one_node_alone_was_asked_for_is_looked_at_though_the_other_is_back(
    chain, serve, dao, monkeypatch
):
    """The other one answers again between the reading of a range and its being stored."""
    chain.grow([transaction(CREATED)], [transaction(vote(1))], *[[] for _ in range(DEPTH + 4)])
    holed, other = serve(hole=1.0), serve()
    other.stop()
    rpc = client(holed, other, down_s=0.0, distrust_s=0.0)
    take = fetch.Ahead.take

    def taken(*args, **options):
        found = take(*args, **options)
        other.start()
        assert [view.block("latest").number for view in rpc.others()] == [chain.head]
        return found

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(fetch.Ahead, "take", taken)
        sync_once(dao, rpc)
    for _ in range(4):
        sync_once(dao, rpc)
    assert shown(dao) == (1, 1)
    assert Cursor.objects.get(dao=dao).alone_from_block is None


@pytest.mark.parametrize("seen_blocks", [0, 1])
def test_a_node_that_lags_keeps_nobody_from_looking_later(chain, serve, dao, seen_blocks):
    """The node that came back calls none or few of the blocks final that were the other's word: what can't be looked at
    now is not forgotten."""
    holed, other = serve(hole=1.0, blooms="zeros"), serve(blooms="zeros")
    rpc = client(holed, other, down_s=0.0, distrust_s=0.0)
    to_finality(chain, dao, rpc)
    other.stop()
    chain.grow([transaction(CREATED)], [transaction(vote(1))])
    to_finality(chain, dao, rpc)
    alone = Cursor.objects.get(dao=dao).alone_from_block
    assert alone is not None
    other.faults.head_back = chain.head - (alone - 1 + seen_blocks)
    other.start()
    for _ in range(4):
        sync_once(dao, rpc)
    assert shown(dao) == (0, 0)
    assert Cursor.objects.get(dao=dao).alone_from_block == alone + seen_blocks
    other.faults.head_back = 0
    for _ in range(4):
        sync_once(dao, rpc)
    assert shown(dao) == (1, 1)
    assert Cursor.objects.get(dao=dao).alone_from_block is None
    assert_fresh(chain, dao, other.url)


def test_one_node_set_leaves_nothing_to_be_looked_at(chain, serve, dao):
    chain.grow([transaction(CREATED)])
    rpc = client(serve())
    to_finality(chain, dao, rpc)
    assert Cursor.objects.get(dao=dao).alone_from_block is None


# -------------------------------------------------------------------------------------- what the chain's answers settle


class Answers(Counts):
    """The chain's answers, of the module and the votes token too."""

    paused, power = False, 0

    def __call__(self, to: bytes, data: bytes, block: int) -> bytes:
        if data[:4] == abi.selector("paused()"):
            return abi.encode(["bool"], [self.paused])
        if data[:4] in (abi.selector("getVotes(address)"), abi.selector("getPastVotes(address,uint256)")):
            return abi.encode(["uint256"], [self.power])
        return super().__call__(to, data, block)


def marked_topics(dao) -> set[bytes]:
    return {bytes(row.log.topic0) for row in UnconfirmedLog.objects.filter(dao=dao).select_related("log")}


def test_the_modules_answer_settles_the_pause_that_it_shows(chain, serve, dao):
    """Not one before it, and none that the answer would be the same without."""
    chain.call = says = Answers()
    first, again = emit(Kind.MODULE, "Paused", ACCOUNTS[0], 1), emit(Kind.MODULE, "Paused", ACCOUNTS[0], 2)
    _, _, rpc = one_alone(chain, serve, dao, [transaction(first)])
    reconcile(dao, rpc)
    assert len(marked(dao)) == 1  # the chain says that it is not paused
    says.paused = True
    chain.grow([transaction(again)])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert len(marked(dao)) == 2  # of two pauses the answer proves neither
    says.paused = False
    chain.grow([transaction(emit(Kind.MODULE, "Unpaused", 3))])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert marked(dao) == {(FIRST_BLOCK, 0), (FIRST_BLOCK + 1, 0)}
    assert not ModuleState.objects.get(module__dao=dao).paused
    assert told(dao).count("module.paused") == 2  # of what stops the agent people hear at once


@pytest.mark.parametrize("is_forged", [False, True])
def test_only_where_its_code_lies_settles_which_policy_was_set(chain, serve, dao, is_forged):
    """The version is the chain's in both cases."""
    place = b"\x70" * 20

    class Policies(Counts):
        def __call__(self, to: bytes, data: bytes, block: int) -> bytes:
            if data[:4] == abi.selector("policyState(bytes32)"):
                types = ["address", "uint16", "uint24", "uint32", "uint40"]
                return abi.encode(types, [b"\x71" * 20 if is_forged else place, 1, 0, 0, 0])
            return super().__call__(to, data, block)

    chain.call = Policies()
    made = emit(Kind.MODULE, "PolicySet", bytes(31) + b"p", ACCOUNTS[0], 1, bytes(32), place)
    _, _, rpc = one_alone(chain, serve, dao, [transaction(made)], [])
    reconcile(dao, rpc)
    assert OnchainCheck.objects.get(dao=dao, subject__endswith=":version").matched
    assert len(marked(dao)) == is_forged
    assert told(dao).count("policy.set") == (not is_forged)


def test_a_vote_of_no_weight_is_not_settled_by_the_tally(chain, serve, dao):
    chain.call = Answers((0, 10**18 + 1, 0), state=0)
    nothing = emit(Kind.GOVERNOR, "VoteCast", ACCOUNTS[2], 5, 1, 0, b"")
    _, _, rpc = one_alone(chain, serve, dao, [transaction(CREATED)], [transaction(vote(1), nothing)])
    reconcile(dao, rpc)
    left = set(UnconfirmedLog.objects.filter(dao=dao).values_list("log_id", flat=True))
    assert left - {Proposal.objects.get(dao=dao).log_id} == set(
        Vote.objects.filter(dao=dao, weight=0).values_list("log_id", flat=True)
    )
    assert told(dao).count("vote.cast") == 1


def test_a_state_settles_what_it_shows_and_nothing_else(chain, serve, dao):
    chain.call = says = Answers(state=0)
    moved = emit(Kind.GOVERNOR, "ProposalExtended", 5, 11)
    _, _, rpc = one_alone(chain, serve, dao, [transaction(CREATED)], [transaction(moved)])
    reconcile(dao, rpc)  # Pending, with the moved deadline as without it
    kinds = ProposalTransition.objects.filter(proposal__dao=dao, kind__in=["created", "extended"])  # no hash, number 5
    unsettled = {(row.log.block_number, row.log.log_index) for row in kinds.select_related("log")}
    assert marked(dao) == unsettled
    chain.grow([transaction(emit(Kind.GOVERNOR, "ProposalCanceled", 5))])
    says.state = 2
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert marked(dao) == unsettled
    assert told(dao).count("proposal.canceled") == 1


@pytest.mark.parametrize("comes", ["with it", "without it", "never"])
def test_a_new_block_that_another_node_has_not_yet_waits_until_it_has(chain, serve, dao, comes):
    """One that is a block behind is the ordinary case: what the first one shows is told when the other shows it too."""
    first, other = serve(has_receipts_root=False), serve(has_receipts_root=False)
    rpc = client(first, other)
    chain.grow([transaction(CREATED)], [])
    sync_once(dao, rpc)
    assert (marked(dao), told(dao)) == (set(), ["proposal.created"])
    other.faults.head_back = 1
    chain.grow([transaction(vote(1))])
    for _ in range(2):
        sync_once(dao, rpc)
        assert shown(dao) == (1, 1)
        assert (marked(dao), told(dao)) == ({(chain.head, 0)}, ["proposal.created"])
        assert differing(dao) == []
    other.faults.head_back = 0
    if comes == "without it":
        other.faults.hole = 1.0
    elif comes == "never":  # it fails, and has failed for long
        other.stop()
        rpc = client(first, other, down_s=0.0)
    for _ in range(2):  # no new block
        sync_once(dao, rpc)
    is_shown = comes != "without it"
    assert bool(marked(dao)) != is_shown
    assert told(dao).count("vote.cast") == is_shown
    if comes != "never":
        to_finality(chain, dao, rpc)
        assert told(dao).count("vote.cast") == is_shown
        assert bool(differing(dao)) != is_shown


def test_a_moved_end_is_no_end_until_the_state_shows_it(chain, serve, dao):
    """What mails say of it, until the chain says that the vote is open when it would be over."""
    chain.call = says = Answers(state=1)
    moved = emit(Kind.GOVERNOR, "ProposalExtended", 5, 7)
    created = emit(Kind.GOVERNOR, "ProposalCreated", 5, ACCOUNTS[0], [GOVERNOR], [0], [b""], [b""], 3, 5, b"# Pay")
    chain.grow([transaction(created)], [])
    honest, holed = serve(has_receipts_root=False), serve(hole=0.0, has_receipts_root=False)
    rpc = client(honest, holed)
    sync_once(dao, rpc)
    holed.faults.hole = 1.0
    chain.grow([transaction(moved)])
    sync_once(dao, rpc)
    proposal = Proposal.objects.prefetch_related("operations").get(dao=dao)
    assert proposal.deadline == 7
    happened = unconfirmed.of_proposals(dao, [proposal]).happened[proposal.pk]
    assert unconfirmed.without_happened(facts_of(proposal), happened).deadline == 5
    while chain.head < 5:
        chain.grow([])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert len(marked(dao)) == 1  # open with it as without it
    chain.grow([])
    sync_once(dao, rpc)
    says.state = 3
    reconcile(dao, rpc)
    assert len(marked(dao)) == 1
    says.state = 1
    reconcile(dao, rpc)
    assert marked(dao) == set()
    assert told(dao).count("proposal.extended") == 1


def test_power_of_before_is_settled_by_the_past_and_not_by_the_present(chain, serve, dao):
    chain.call = says = Answers()
    moved = [emit(Kind.VOTES_TOKEN, "DelegateVotesChanged", ACCOUNTS[0], 0, power) for power in (7, 9)]
    _, _, rpc = one_alone(chain, serve, dao, [transaction(moved[0])], [transaction(moved[1])], [])
    says.power = 9  # now, and (wrongly) at any time
    reconcile(dao, rpc)
    older, _ = PowerCheckpoint.objects.filter(dao=dao).order_by("timepoint")
    assert set(UnconfirmedLog.objects.values_list("log_id", flat=True)) == {older.log_id}
    says.power = 7
    chain.grow([])
    sync_once(dao, rpc)
    reconcile(dao, rpc)
    assert OnchainCheck.objects.filter(dao=dao, subject__endswith=f"@{older.timepoint}", matched=True).exists()
    assert marked(dao) == set()


def test_nothing_of_another_contract_in_the_transaction_is_settled_with_power(chain, serve, dao):
    chain.call = says = Answers()
    says.power = 7
    logs = [
        emit(Kind.VOTES_TOKEN, "DelegateChanged", ACCOUNTS[0], ACCOUNTS[0], ACCOUNTS[0]),
        emit(Kind.VOTES_TOKEN, "DelegateVotesChanged", ACCOUNTS[0], 0, 7),
        emit(Kind.GOVERNOR, "QuorumNumeratorUpdated", 4, 5),
    ]
    _, _, rpc = one_alone(chain, serve, dao, [transaction(*logs)], [])
    reconcile(dao, rpc)
    assert RawLog.objects.filter(dao=dao).count() == 3
    assert {row.log.address for row in UnconfirmedLog.objects.select_related("log")} == {GOVERNOR}


def test_what_is_confirmed_counts_in_mails_again(chain, serve, dao):
    """As `unconfirmed.of_proposals` has it, which mails and pages ask."""
    _, holed, rpc = one_alone(chain, serve, dao, [transaction(CREATED)], [transaction(vote(1))])
    proposal = Vote.objects.get(dao=dao).proposal
    assert unconfirmed.of_proposals(dao, [proposal]).votes[proposal.pk]
    to_finality(chain, dao, rpc)
    holed.faults.hole = 0.0
    sync_once(dao, rpc)
    assert not unconfirmed.of_proposals(dao, [proposal]).votes
