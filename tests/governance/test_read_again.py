# SPDX-License-Identifier: Apache-2.0
"""Blocks are read again, and logs come to light that stand below what is stored: the mirror is as if it had read them
in their place."""

from contextlib import ExitStack
from random import Random

import pytest

from governance import outbox
from governance.chain.rpc import Rpc
from governance.models import MANY_TOPICS, ActCall, RawLog
from governance.sync import Status, fence, reorg, sync_once
from replay.node import ReplayNode
from replay.synthetic import SyntheticChain
from tests.governance.lives import FIRST_BLOCK, MODULE, START_S, Life, answer, assert_fresh, mirrored

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
