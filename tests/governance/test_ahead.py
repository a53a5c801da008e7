# SPDX-License-Identifier: Apache-2.0
"""A range is read and prepared while the last one is stored: the mirror is the same, whatever ends in between."""

from collections import Counter
from contextlib import ExitStack
from random import Random

import pytest
from django.db import connection

from governance.chain.rpc import Rpc, RpcError
from governance.models import Chain, Cursor, Dao, RawLog
from governance.sync import Status, fetch, step, sync_once
from replay.node import ReplayNode
from replay.synthetic import SyntheticChain
from tests.governance.lives import START_S, Life, answer, assert_fresh, mirrored

pytestmark = pytest.mark.django_db(transaction=True)

CHAIN_ID = 10**6 + 7


@pytest.fixture
def narrow(monkeypatch):
    """Ranges of three blocks, however little is in them, and few ids beforehand; counts what became of them."""
    counted: Counter[str] = Counter()
    prepare_ahead, store = step._Sync._prepare_ahead, step.store_step
    made = {}

    def learn(self, _logs):
        self.blocks = 3

    def preparing(self, found):
        prepared = prepare_ahead(self, found)
        counted["too few ids" if prepared is None else "ahead"] += 1
        made[id(prepared)] = prepared
        return prepared

    def storing(writer, contracts, new, *rest, **options):
        counted["stored as prepared ahead"] += new is made.get(id(new)) and new.count > 0
        return store(writer, contracts, new, *rest, **options)

    monkeypatch.setattr(fetch.Span, "learn", learn)
    monkeypatch.setattr(step, "_LEAST_IDS", 1)
    monkeypatch.setattr(step._Sync, "_prepare_ahead", preparing)
    monkeypatch.setattr(step, "store_step", storing)
    return counted


@pytest.fixture
def life():
    with ExitStack() as stack:
        chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=3, call=answer)
        chain.grow(*Life(Random(5), chain).blocks(32))
        node = stack.enter_context(ReplayNode(chain))
        dao = mirrored(chain, "ahead")
        Cursor.objects.filter(dao=dao).update(span_blocks=3)
        rpc = Rpc([node.url], CHAIN_ID)
        stack.callback(rpc.close)
        yield chain, node, dao, rpc
    Dao.objects.filter(chain=CHAIN_ID).delete()
    Chain.objects.filter(pk=CHAIN_ID).delete()


def test_many_ranges_give_what_one_gives(life, narrow):
    chain, node, dao, rpc = life
    assert sync_once(dao, rpc, budget_s=600).status is Status.CAUGHT_UP
    assert narrow["stored as prepared ahead"] > 2
    assert narrow["too few ids"] >= 1
    places = RawLog.objects.filter(dao=dao).order_by("pk").values_list("block_number", "log_index")
    assert list(places) == sorted(places)  # ids ascend with the chain, also where some were lost
    assert_fresh(chain, dao, node.url)


def test_what_ends_a_step_with_a_range_under_way_loses_and_doubles_nothing(life, narrow, monkeypatch):
    chain, node, dao, rpc = life
    answers_for, calls = fetch.answers_for, Counter()

    def ending(*arguments):
        calls["asked"] += 1
        if calls["asked"] % 2 == 0:
            # In turn: the chain moves, the node fails, the worker breaks.
            calls["ended"] += 1
            raise (fetch.ChainMoved(1), step.RpcError(None, "no"), ValueError("broken"))[calls["ended"] % 3]
        return answers_for(*arguments)

    monkeypatch.setattr(fetch, "answers_for", ending)
    monkeypatch.setattr(step, "_MOVED_S", 0.0)
    for _ in range(100):
        try:
            if sync_once(dao, rpc, budget_s=600).status is Status.CAUGHT_UP:
                break
        except (step.RpcError, ValueError):
            assert not connection.in_atomic_block
    else:
        raise AssertionError("the mirror did not come to the head")
    assert calls["ended"] > 2
    assert narrow["stored as prepared ahead"] > 0
    monkeypatch.setattr(fetch, "answers_for", answers_for)
    assert_fresh(chain, dao, node.url)


def test_a_node_that_contradicts_itself_for_ever_is_an_error(life, monkeypatch):
    """Its logs name another block than its header does, each time that it is asked."""
    _, _, dao, rpc = life
    monkeypatch.setattr(step, "_MOVED_S", 0)

    def contradicting(logs, _headers):
        raise fetch.ChainMoved(logs[0].block_number)

    monkeypatch.setattr(fetch, "times_of", contradicting)
    with pytest.raises(RpcError, match="changed while block"):
        sync_once(dao, rpc, budget_s=600)
    assert not RawLog.objects.filter(dao=dao).exists()
