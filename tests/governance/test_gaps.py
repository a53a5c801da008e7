# SPDX-License-Identifier: Apache-2.0
"""What is open in a mirror: proposals that were never seen, quorums that nobody has answered yet; and what a rebuild
tells anybody: nothing."""

from random import Random
from threading import Thread

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance import tasks
from governance.chain.rpc import Rpc
from governance.models import Cursor, OutboxEntry, Proposal, SyncIncident, Vote
from governance.projections import again as fold_again
from governance.projections.gaps import note_gaps
from governance.sync import Status, fence, step, sync_once
from replay.node import ReplayNode
from replay.sight import NodeError
from replay.synthetic import SyntheticChain, SyntheticTransaction
from tests.governance.dump import dump
from tests.governance.lives import ACCOUNTS, ASSET, FIRST_BLOCK, GOVERNOR, START_S, Kind, Life, answer, emit, mirrored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chain():
    made = SyntheticChain(78, START_S, finality_depth=8, call=answer)
    made.grow(*[[] for _ in range(FIRST_BLOCK - 1)])
    return made


@pytest.fixture
def rpc(chain):
    with ReplayNode(chain) as node:
        client = Rpc([node.url], 78, attempts=1)
        yield client
        client.close()


def vote(proposal_id: int) -> SyntheticTransaction:
    log = emit(Kind.GOVERNOR, "VoteCast", ACCOUNTS[0], proposal_id, 1, 5, b"")
    return SyntheticTransaction(GOVERNOR, (log,), salt=proposal_id)


def created(proposal_id: int, snapshot: int) -> SyntheticTransaction:
    values = (proposal_id, ACCOUNTS[0], [ASSET], [0], [b""], [b""], snapshot, snapshot + 9, b"# Pay")
    return SyntheticTransaction(GOVERNOR, (emit(Kind.GOVERNOR, "ProposalCreated", *values),), salt=1000 + proposal_id)


def gaps(dao) -> dict[str, int]:
    found = SyncIncident.objects.filter(dao=dao, kind="gap", resolved_at=None)
    return {incident.facts["proposal_id"]: incident.first_block for incident in found}


def test_many_proposals_never_seen_cost_as_many_queries_as_one(chain, rpc):
    dao = mirrored(chain, "d")
    chain.grow([vote(1)])
    sync_once(dao, rpc)
    with CaptureQueriesContext(
        connection,
    ) as one:
        note_gaps(dao)
    chain.grow([vote(n) for n in range(2, 60)])
    sync_once(dao, rpc)
    with CaptureQueriesContext(connection) as many:
        note_gaps(dao)
    assert len(gaps(dao)) == 59
    assert len(many) == len(one)


def test_a_gap_closes_when_the_proposal_is_seen_and_when_what_named_it_is_gone(chain, rpc):
    dao = mirrored(chain, "d")
    chain.grow([], [vote(1), vote(2)])
    sync_once(dao, rpc)
    assert gaps(dao) == {"1": 3, "2": 3}
    chain.grow([created(1, 90)])
    sync_once(dao, rpc)
    assert gaps(dao) == {"2": 3}
    chain.reorg(2, [vote(1)], [], [], [])
    sync_once(dao, rpc)
    assert gaps(dao) == {"1": 3}


def test_quorums_that_are_never_answered_keep_no_other_from_being_asked(chain, rpc):
    """Sixty newer proposals whose quorum the governor refuses, and ten older ones that it answers."""

    def refusing(to: bytes, data: bytes, block: int) -> bytes:
        if to == GOVERNOR and int.from_bytes(data[4:36], "big") >= 5:
            raise NodeError(3, "execution reverted", "0x")
        return answer(to, data, block)

    chain.call = refusing
    dao = mirrored(chain, "d")
    chain.grow([created(n, 4) for n in range(10)], [created(n, 5) for n in range(10, 80)], *[[] for _ in range(9)])
    for _ in range(6):
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
    assert Proposal.objects.filter(dao=dao, snapshot=4, quorum_votes=None).count() == 0
    assert Proposal.objects.filter(dao=dao, snapshot=5).exclude(quorum_votes=None).count() == 0


def test_asking_in_turn_comes_to_everyone_and_always_to_the_newest():
    ids = list(range(500, 0, -1))
    asked = [step._in_turn(ids, turn) for turn in range(30)]
    assert {i for part in asked for i in part} == set(ids)
    assert all(part[0] == 500 and len(part) == len(set(part)) <= step._MOST_QUORUMS for part in asked)
    assert step._in_turn([3, 2], 7) == [3, 2]


def test_a_rebuild_tells_nothing_and_neither_does_the_reading_after_it(chain, rpc):
    dao = mirrored(chain, "d")
    chain.grow(*Life(Random(3), chain).blocks(40))
    sync_once(dao, rpc)
    told = list(OutboxEntry.objects.filter(dao=dao).order_by("id").values_list("topic", "key", "block_number"))
    assert told
    with fence.hold(dao) as writer, writer.transaction():
        fold_again.rebuild(dao)
    for _ in range(2):
        sync_once(dao, rpc)
    again = list(OutboxEntry.objects.filter(dao=dao).order_by("id").values_list("topic", "key", "block_number"))
    assert again == told


def test_readers_keep_the_old_projections_until_a_rebuild_is_done(chain, rpc, monkeypatch, capsys):
    """While a rebuild has dropped everything and written half of it, others read what was there, and wait for none."""
    dao = mirrored(chain, "d")
    chain.grow([created(1, chain.head + 3)], [], [], [vote(1)], [vote(1)])
    sync_once(dao, rpc)
    before = dump(dao)
    assert Vote.objects.filter(dao=dao).count() == 2
    seen = []

    def in_another_connection() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '1s'")
            seen.append(dump(dao))
        finally:
            connection.close()

    real = fold_again._drop_what_no_log_makes

    def half_done(*arguments):
        Vote.objects.filter(dao=dao).delete()  # what the rebuild has not written yet
        reader = Thread(target=in_another_connection)
        reader.start()
        reader.join(20)
        real(*arguments)

    # Once in the middle, where the votes are gone for the rebuild itself; the second time it is left alone.
    with monkeypatch.context() as patch:
        patch.setattr(fold_again, "_drop_what_no_log_makes", half_done)
        call_command("rebuild", "d")
    assert seen == [before]
    call_command("rebuild", "d")
    assert dump(dao) == before
    assert "made anew from" in capsys.readouterr().out


def test_a_proposal_that_only_another_event_names_is_a_gap(chain, rpc, capsys):
    dao = mirrored(chain, "d")
    chain.grow([SyntheticTransaction(GOVERNOR, (emit(Kind.GOVERNOR, "ProposalExecuted", 77),), salt=1)])
    sync_once(dao, rpc)
    with pytest.raises(SystemExit):
        call_command("gaps", "d")
    assert f"d: proposal 77 is named from block {chain.head} on, and never seen" in capsys.readouterr().out


def test_many_daos_on_many_chains_are_read_by_one_deployment(chain, settings):
    """And a chain whose node is away keeps no other from being read."""
    other = SyntheticChain(79, START_S, finality_depth=8, call=answer)
    other.grow(*[[] for _ in range(FIRST_BLOCK + 3)])
    with ReplayNode(chain) as one, ReplayNode(other) as node:
        settings.RPC_URLS = {78: [one.url], 79: [node.url], 80: ["http://127.0.0.1:9"]}
        daos = [mirrored(chain, "first"), mirrored(chain, "second"), mirrored(other, "third")]
        away = mirrored(SyntheticChain(80, START_S, finality_depth=8, call=answer), "fourth")
        tasks.sync_all()
    heads = [chain.head, chain.head, other.head]
    assert [Cursor.objects.get(dao=dao).next_block for dao in daos] == [head + 1 for head in heads]
    assert Cursor.objects.get(dao=away).head_hash is None
    assert [incident.kind for incident in away.incidents.all()] == ["node_error"]
    assert not any(dao.incidents.exists() for dao in daos)
