# SPDX-License-Identifier: Apache-2.0
"""What one process learned of a node is known to all, and after a start; and the table holds no URL."""

import time
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from django.utils import timezone

from governance import endpoints, tasks
from governance.chain.rpc import Rpc, questions
from governance.models import Chain, RpcEndpoint
from governance.sync import Status, sync_once
from replay.faults import Faults
from replay.node import ReplayNode
from replay.synthetic import SyntheticChain
from tests.governance.lives import START_S, Life, answer, assert_fresh, mirrored
from tests.governance.runs import counted

CHAIN_ID = 10**6 + 9
KEY = "s3cr3t-api-key"
URLS = (f"http://127.0.0.1:1/v2/{KEY}", "http://127.0.0.1:2")

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain():
    return Chain.objects.create(chain_id=CHAIN_ID, name="synthetic")


def client():
    """Another process's."""
    return Rpc(URLS, CHAIN_ID)


def test_what_was_learned_is_known_to_another_process(chain):
    one = client()
    first, second = one._endpoints
    first.most_blocks = 500
    first.takes_no_batch(100, 10)
    one._alone(second).distrust("it lied")
    endpoints.remember(one)
    two = client()
    began = time.monotonic()
    endpoints.recall(two)
    first, second = two._endpoints
    assert (first.most_blocks, first.most_batch) == (500, 10)
    assert (second.lies, second.problem) == (1, "it lied")
    assert began + 290 < second.distrusted_until < time.monotonic() + 300 + 1
    assert not first.distrusted_until


def test_no_url_is_stored(chain):
    endpoints.remember(client())
    rows = list(RpcEndpoint.objects.order_by("name").values())
    assert [row["name"] for row in rows] == ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    assert KEY not in repr(rows)
    assert all(len(row["fingerprint"]) == 32 for row in rows)


def test_who_was_caught_is_not_trusted_sooner_because_another_process_did_not_see_it(chain):
    one, two = client(), client()
    one._alone(one._endpoints[0]).distrust("it lied")
    endpoints.remember(one)
    endpoints.remember(two)
    row = RpcEndpoint.objects.get(name="http://127.0.0.1:1")
    assert row.lies == 1
    assert row.distrusted_until > timezone.now() + timedelta(minutes=4)


def test_limits_are_tried_again_after_a_day_and_lies_are_not_forgotten(chain):
    one = client()
    one._endpoints[0].most_blocks = 500
    one._alone(one._endpoints[0]).distrust("it lied")
    endpoints.remember(one)
    RpcEndpoint.objects.update(most_blocks_said_at=timezone.now() - timedelta(days=2))
    two = client()
    endpoints.recall(two)
    assert two._endpoints[0].most_blocks is None
    assert two._endpoints[0].lies == 1


def test_a_limit_does_not_grow_younger_by_being_handed_on(chain):
    one = client()
    one._endpoints[0].most_blocks = 500
    endpoints.remember(one)
    said_at = timezone.now() - timedelta(hours=23)
    RpcEndpoint.objects.update(most_blocks_said_at=said_at)
    two = client()
    endpoints.recall(two)
    two._alone(two._endpoints[0]).distrust("it lied")
    endpoints.remember(two)
    assert two._endpoints[0].most_blocks == 500
    assert RpcEndpoint.objects.exclude(most_blocks=None).get().most_blocks_said_at == said_at


def test_who_knows_nothing_erases_nothing(chain):
    one = client()
    one._endpoints[0].most_blocks = 500
    one._alone(one._endpoints[0]).distrust("it lied")
    endpoints.remember(one)
    endpoints.remember(client())
    row = RpcEndpoint.objects.get(lies=1)
    assert (row.most_blocks, row.problem) == (500, "it lied")


def test_it_is_written_when_something_is_learned_and_otherwise_now_and_then(chain, django_assert_num_queries):
    one = client()
    endpoints.remember(one)
    with django_assert_num_queries(0):
        endpoints.remember(one)
    one._endpoints[0].took(0.5)  # changes with every request
    with django_assert_num_queries(0):
        endpoints.remember(one)
    one._endpoints[0].most_blocks = 20
    endpoints.remember(one)
    assert RpcEndpoint.objects.get(name="http://127.0.0.1:1").most_blocks == 20


def test_a_wrong_clock_distrusts_nobody_for_ever(chain):
    endpoints.remember(client())
    RpcEndpoint.objects.update(distrusted_until=timezone.now() + timedelta(days=365))
    one = client()
    endpoints.recall(one)
    endpoints.remember(one)
    assert not RpcEndpoint.objects.filter(distrusted_until__gt=timezone.now() + timedelta(hours=7)).exists()


def test_how_nodes_stand_is_told_in_a_line_each(chain):
    one = client()
    one._endpoints[0].most_blocks = 2000
    one._endpoints[0].takes_no_batch(100, 25)
    one._alone(one._endpoints[1]).distrust("its logs of block 7 lack 1 of 2")
    endpoints.remember(one)
    first = "http://127.0.0.1:1: "
    assert endpoints.told(one)[0] == first + "no answer yet"
    RpcEndpoint.objects.update(answered_at=timezone.now())
    assert endpoints.told(one)[0] == first + "answers; takes 2,000 blocks a question, 25 requests a batch"
    RpcEndpoint.objects.update(failures=3)
    assert endpoints.told(one)[0].startswith(first + "fails; last answer at 20")
    second = endpoints.told(one)[1]
    assert second.startswith("http://127.0.0.1:2: not asked until 20")
    assert second.endswith(" UTC: its logs of block 7 lack 1 of 2")
    assert len(endpoints.told(Rpc(URLS[:1], CHAIN_ID))) == 1  # not those that are configured no more


def test_a_chain_that_nobody_mirrors_is_not_written_of():
    endpoints.remember(client())
    assert not RpcEndpoint.objects.exists()


def test_it_is_kept_whatever_was_raised(chain, settings):
    settings.RPC_URLS = {CHAIN_ID: list(URLS)}

    def fails():
        with endpoints.known(CHAIN_ID) as rpc:
            rpc._alone(rpc._endpoints[1]).distrust("it lied")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert RpcEndpoint.objects.get(lies=1).problem == "it lied"


@pytest.mark.django_db(transaction=True)
def test_the_task_that_reads_keeps_what_it_learned_and_the_next_process_asks_for_no_more(settings):
    """Of a node that takes few blocks, answers few requests a second, and counts each of a batch."""
    chain = SyntheticChain(CHAIN_ID, START_S, finality_depth=3, call=answer)
    chain.grow(*Life(Random(5), chain).blocks(40))
    faults = Faults(max_range=7, provider="quicknode", requests_per_s=40)
    with ReplayNode(chain, faults=faults) as node:
        settings.RPC_URLS = {CHAIN_ID: [node.url]}
        dao = mirrored(chain, "limited")
        tasks.sync_all()
        row = RpcEndpoint.objects.get()
        assert row.most_blocks == 7
        assert row.answered_at is not None
        told = [i.detail for i in dao.incidents.filter(kind__in=["node_error", "sync_error"])]
        assert not told  # a limit is no failure
        dao.delete()
        dao = mirrored(chain, "again")
        questions._cache.clear()
        happened: Counter[str] = Counter()
        with endpoints.known(CHAIN_ID) as rpc, counted(happened):
            assert rpc.most_blocks == 7
            assert sync_once(dao, rpc, budget_s=60).status is Status.CAUGHT_UP
        assert not happened["quicknode refused a range"]
        node.faults.requests_per_s = None
        assert_fresh(chain, dao, node.url)
