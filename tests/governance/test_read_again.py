# SPDX-License-Identifier: Apache-2.0
"""Blocks are read again, and logs come to light that stand below what is stored: the mirror is as if it had read them
in their place."""

from contextlib import ExitStack
from random import Random
from types import SimpleNamespace

import pytest

from governance import outbox
from governance.chain import abi
from governance.chain.rpc import Rpc
from governance.models import MANY_TOPICS, Act, ActCall, ChainAnswer, Proposal, RawLog
from governance.projections import acts
from governance.sync import Status, fence, reorg, sync_once
from policies.code.encoding import DecodeError
from policies.notation.primitives import keccak
from replay.node import ReplayNode
from replay.sight import NodeError
from replay.synthetic import SyntheticChain, SyntheticTransaction
from tests.governance.lives import (
    FIRST_BLOCK,
    GOVERNOR,
    MODULE,
    POLICIES,
    START_S,
    Kind,
    Life,
    answer,
    assert_fresh,
    emit,
    mirrored,
)

pytestmark = pytest.mark.django_db(transaction=True)

CHAIN_ID = 10**6 + 11
_PARTS = 6


@pytest.mark.parametrize("part", range(_PARTS))
@pytest.mark.parametrize("salt", [5, 1688])
def test_logs_that_were_left_out_take_their_place(part, salt):
    """As where a node had left out every sixth log of the few kinds, or a contract is added later."""
    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=64, call=answer)
        chain.grow(*Life(Random(salt), chain).blocks(40))
        node = stack.enter_context(ReplayNode(chain))
        rpc = Rpc([node.url], CHAIN_ID)
        stack.callback(rpc.close)
        dao = mirrored(chain, "again")
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        with fence.hold(dao) as writer:
            assert writer is not None
            with writer.transaction():
                few = RawLog.objects.filter(dao=dao).exclude(topic0__in=MANY_TOPICS)
                left_out = list(few.order_by("block_number", "log_index").values_list("pk", flat=True))[part::_PARTS]
                assert left_out
                RawLog.objects.filter(pk__in=left_out).delete()
                outbox.publish_many(dao, reorg.fold_again(dao, 0))
            reorg.restart_from(writer, FIRST_BLOCK)
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        assert_fresh(chain, dao, node.url)


class Forgetful(ReplayNode):
    """A node that does not know any transaction yet, while it is `young`."""

    young = True

    def sight(self):
        seen = super().sight()
        if self.young:
            seen._transaction = lambda _hash: None
        return seen


def test_an_act_gets_its_calls_from_an_answer_that_came_when_its_block_was_read_again():
    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=64, call=answer)
        life = Life(Random(3), chain)
        acts = [life._executed() for _ in range(4)]
        assert any(act.to == MODULE for act in acts)
        chain.grow(*[[] for _ in range(FIRST_BLOCK)], acts, [])
        node = stack.enter_context(Forgetful(chain))
        rpc = Rpc([node.url], CHAIN_ID)
        stack.callback(rpc.close)
        dao = mirrored(chain, "again")
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        assert not ActCall.objects.exists()
        node.young = False
        with fence.hold(dao) as writer:
            reorg.restart_from(writer, FIRST_BLOCK)
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        assert ActCall.objects.exists()
        assert_fresh(chain, dao, node.url)


def raised(to: bytes, data: bytes, block: int) -> bytes:
    """As `answer`, where the quorum at each snapshot is another one."""
    if data[:4] == abi.selector("quorum(uint256)"):
        return (77).to_bytes(32, "big")
    return answer(to, data, block)


@pytest.mark.parametrize("more", [0, 10], ids=["near the head", "among final blocks"])
def test_what_was_asked_in_a_block_that_is_gone_when_it_is_read_again_is_asked_again(more):
    """No log stands at that height, and what was asked because of none has nothing to fall with but its block."""
    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=3, call=answer)
        text = (1, bytes(20), [bytes(20)], [0], [b""], [b""], 2, 99, b"# Pay")
        created = SyntheticTransaction(GOVERNOR, (emit(Kind.GOVERNOR, "ProposalCreated", *text),))
        chain.grow(*[[] for _ in range(FIRST_BLOCK)], [created], [], [], [], [], [])
        node = stack.enter_context(ReplayNode(chain))
        rpc = Rpc([node.url], CHAIN_ID)
        stack.callback(rpc.close)
        dao = mirrored(chain, "again")
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        assert Proposal.objects.get(dao=dao).quorum_votes == 2 * 10**18
        with fence.hold(dao) as writer:
            reorg.restart_from(writer, chain.head)
        chain.call = raised
        chain.reorg(1, [], *[[] for _ in range(more)], salt=9)
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        assert Proposal.objects.get(dao=dao).quorum_votes == 77
        answers = ChainAnswer.objects.filter(dao=dao, kind=ChainAnswer.Kind.QUORUM)
        hashes = {block.number: block.hash for block in chain.blocks}
        assert all(hashes[row.block_number] == bytes(row.block_hash) for row in answers)


def test_what_stops_an_act_is_known_once_a_node_can_say_the_supply_of_votes(monkeypatch):
    """A node that lags does not know the time yet at which votes are counted, and reverts."""
    monkeypatch.setattr(acts, "decode", lambda _code: SimpleNamespace(objection_threshold_bps=1_000))
    young = [True]

    def lagging(to: bytes, data: bytes, block: int) -> bytes:
        if young[0] and data[:4] == abi.selector("getPastTotalSupply(uint256)"):
            raise NodeError(3, "execution reverted", "0x")
        return answer(to, data, block)

    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=64, call=lagging)
        life = Life(Random(3), chain)
        code = b"\0" + POLICIES[0]
        chain.codes[keccak(code)[:20]] = code
        policy = emit(Kind.MODULE, "PolicySet", POLICIES[0], bytes(20), 1, keccak(code), keccak(code)[:20])
        announced = next(log for log in iter(life._scheduled, None) if log[1][1] == POLICIES[0])
        chain.grow(*[[] for _ in range(FIRST_BLOCK)], [SyntheticTransaction(MODULE, (policy, announced))], [])
        node = stack.enter_context(ReplayNode(chain))
        rpc = Rpc([node.url], CHAIN_ID)
        stack.callback(rpc.close)
        dao = mirrored(chain, "again")
        for known in (None, 2 * 10**18):  # a tenth of what `answer` says of that time
            assert sync_once(dao, rpc).status is Status.CAUGHT_UP
            assert Act.objects.get(dao=dao).objection_threshold == known
            young[0] = False
        assert_fresh(chain, dao, node.url)


@pytest.mark.parametrize("late", ["supply", "code"])
def test_what_stops_an_act_is_known_though_the_missing_answer_came_with_something_else(monkeypatch, late):
    """Two acts of different blocks with one snapshot, as where the clock counts another chain's blocks, and a node that
    can say the supply only when the second one is read; or policy code that comes after the act."""
    monkeypatch.setattr(acts, "decode", _with_tenth)
    young = [late == "supply"]

    def lagging(to: bytes, data: bytes, block: int) -> bytes:
        if young[0] and data[:4] == abi.selector("getPastTotalSupply(uint256)"):
            raise NodeError(3, "execution reverted", "0x")
        return answer(to, data, block)

    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=64, call=lagging)
        life = Life(Random(3), chain)
        code = b"\0" + POLICIES[0]
        pointer = keccak(code)[:20]
        if late == "supply":
            chain.codes[pointer] = code
        policy = emit(Kind.MODULE, "PolicySet", POLICIES[0], bytes(20), 1, keccak(code), pointer)
        announced = {}
        for log in iter(life._scheduled, None):
            if log[1][1] == POLICIES[0]:
                announced.setdefault(log[2], log)
            if len(announced) == 2:
                break
        first, second = announced.values()
        chain.grow(*[[] for _ in range(FIRST_BLOCK)], [SyntheticTransaction(MODULE, (policy, first))])
        node = stack.enter_context(ReplayNode(chain))
        rpc = Rpc([node.url], CHAIN_ID)
        stack.callback(rpc.close)
        dao = mirrored(chain, "again")
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        assert Act.objects.get(dao=dao).objection_threshold is None
        young[0] = False
        chain.codes[pointer] = code
        chain.grow([SyntheticTransaction(MODULE, (second,))])
        assert sync_once(dao, rpc).status is Status.CAUGHT_UP
        assert [act.objection_threshold for act in Act.objects.filter(dao=dao)] == [2 * 10**18] * 2
        assert_fresh(chain, dao, node.url)


def _with_tenth(code: bytes) -> SimpleNamespace:
    """A policy under which a tenth of the supply stops an act; as `decode`, of no code it is an error."""
    if not code:
        raise DecodeError(0, "is empty")
    return SimpleNamespace(objection_threshold_bps=1_000)
