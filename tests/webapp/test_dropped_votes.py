# SPDX-License-Identifier: Apache-2.0
"""Given votes that the mirror dropped, for whatever reason, this is what a member sees on the proposal's page."""

import re

import pytest

from governance.chain.rpc import Rpc
from governance.models import Block, Vote
from governance.sync import reorg, sync_once
from governance.sync.fence import hold
from presentation.words import address_text
from replay.node import ReplayNode
from replay.synthetic import SyntheticChain, SyntheticTransaction
from tests.governance.lives import ACCOUNTS, FIRST_BLOCK, GOVERNOR, START_S, STRANGER, Kind, answer, emit, mirrored

pytestmark = pytest.mark.django_db(transaction=True)


def created(number: int) -> SyntheticTransaction:
    log = emit(Kind.GOVERNOR, "ProposalCreated", number, ACCOUNTS[0], [STRANGER], [0], [b""], [b""], 3, 9, b"# Pay")
    return SyntheticTransaction(GOVERNOR, (log,))


def vote(proposal: int, voter: bytes) -> SyntheticTransaction:
    return SyntheticTransaction(GOVERNOR, (emit(Kind.GOVERNOR, "VoteCast", voter, proposal, 1, 10**18, b""),))


@pytest.fixture
def mirror():
    """A DAO whose proposal 5 has three votes, the last two in the newest block, and proposal 6 one; and its node."""
    chain = SyntheticChain(77, START_S, finality_depth=8, call=answer)
    chain.grow(*[[] for _ in range(FIRST_BLOCK - 1)])
    first, *others = ACCOUNTS[:4]
    chain.grow([created(5), created(6)], [vote(5, first)], [vote(5, others[0]), vote(5, others[1]), vote(6, others[2])])
    dao = mirrored(chain, "river")
    with ReplayNode(chain) as node:
        rpc = Rpc([node.url], chain.chain_id)
        sync_once(dao, rpc)
        yield dao, chain.head, rpc
        rpc.close()


def notices(client, number: int) -> list[str]:
    """The warnings above a proposal."""
    text = client.get(f"/river/proposals/{number}/").content.decode()
    return re.findall(r'<div class="note warn">.*?</div>', text)


@pytest.mark.parametrize("kind", ["reorg", "local_chain_rewound", "missed_logs"])
def test_the_proposal_shows_which_votes_were_dropped(client, mirror, kind):
    dao, head, _ = mirror
    assert notices(client, 5) == []
    below = Block.objects.get(dao=dao, number=head - 1)
    with hold(dao) as writer:
        reorg.drop_above(writer, reorg.Ancestor(below.number, below.hash, below.timestamp_chain_s), kind, head)
    [notice] = notices(client, 5)
    assert "removed 2 votes from this proposal" in notice
    assert [account for account in ACCOUNTS if address_text(account) in notice] == ACCOUNTS[1:3]
    [notice] = notices(client, 6)
    assert "removed a vote from this proposal" in notice
    told = client.get("/api/v1/daos/river/proposals/5").json()["reorgs"]
    assert [(entry["kind"], len(entry["removed_votes"])) for entry in told] == [(kind, 2)]


def test_a_nodes_wrong_answer_is_no_reorganisation(client, mirror):
    """The mirror drops what it read of such blocks and reads them again. Nobody has to vote again."""
    dao, head, rpc = mirror
    with hold(dao) as writer:
        reorg.drop_wrong(writer, head, head)
    [notice] = notices(client, 5)
    assert "A node answered wrongly, so the mirror removed 2 votes" in notice
    assert "reorganisation" not in notice
    assert "may vote again" not in notice
    sync_once(dao, rpc)
    assert Vote.objects.filter(dao=dao).count() == 4
    assert notices(client, 5) == [notice]


def test_a_node_that_left_logs_out_took_no_vote(client, mirror):
    """Blocks are read again, and what was read of them before stays."""
    dao, head, _ = mirror
    with hold(dao) as writer:
        reorg.read_again(writer, head, head)
    assert notices(client, 5) == []
