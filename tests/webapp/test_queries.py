# SPDX-License-Identifier: Apache-2.0
"""The pages' queries in a DAO that is large enough for plans to differ: none reads a large table from end to end."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agent.models import Request
from bench import queries
from governance.models import Act, AskedPower, PowerCheckpoint, Proposal, TreasuryFlow
from presentation.dao_view import DaoView
from webapp.agent.read import page_of_acts
from webapp.home.read import Agenda
from webapp.treasury.read import newest_flows


@pytest.fixture
def dao(settings, transactional_db):
    """With few acts: some pages of a DAO with thousands still read all of them (`make bench-queries` names which)."""
    settings.RPC_URLS = {}
    return queries.fill(proposals=6_000, votes=30_000, delegates=6_000, acts=100)


@pytest.fixture
def small(settings, transactional_db):
    """For what does not depend on how PostgreSQL plans."""
    settings.RPC_URLS = {}
    return queries.fill(proposals=50, votes=200, delegates=100)


def test_no_page_reads_a_large_table_whole(dao):
    found = queries.measure(dao)
    assert {name: len(page["queries"]) for name, page in found.items()}
    whole = {name: [q["sql"] for q in page["queries"] if q["whole_tables"]] for name, page in found.items()}
    assert not {name: texts for name, texts in whole.items() if texts}


def test_every_address_of_the_site_is_opened(small):
    opened = {name.partition("?")[0].removesuffix(" (old)").removesuffix(" (paid)") for name in queries.pages(small)}
    assert opened == {f"/{route}" for route in queries.routes()}


def test_nor_where_power_was_asked_of_the_chain(dao):
    """Of a token that logs no power: the newest snapshot's rows, among those of others."""
    PowerCheckpoint.objects.all().delete()
    snapshots = sorted(set(Proposal.objects.values_list("snapshot", flat=True)))[-40:]
    AskedPower.objects.bulk_create(
        AskedPower(
            dao=dao, account=number.to_bytes(20, "big"), timepoint=snapshot, power=number, block_number=1,
            block_hash=bytes(32),
        )
        for snapshot in snapshots
        for number in range(300)
    )  # fmt: skip
    with connection.cursor() as sql:
        sql.execute("VACUUM ANALYZE governance_askedpower")
        sql.execute("VACUUM ANALYZE governance_powercheckpoint")
    for path in (
        "/bench/delegates/",
        "/bench/delegates/?page=5",
        "/api/v1/daos/bench/delegates",
        "/bench/proposals/7/",
    ):
        explained = [queries.explain(sql, setting, runs=1) for setting, sql in queries.queries_of(path)[0]]
        assert not [query["sql"] for query in explained if query["whole_tables"]], path


def test_what_is_open_is_found_without_reading_what_is_over(dao):
    place = DaoView(dao)
    with CaptureQueriesContext(connection) as captured:
        agenda = Agenda.of(place)
    assert agenda.now
    assert agenda.ready
    assert agenda.others
    explained = [queries.explain(query["sql"], runs=1) for query in captured.captured_queries]
    assert not [query["sql"] for query in explained if query["whole_tables"]]


def test_twenty_requests_that_wait_take_no_more_queries_than_two(small):
    paths = ("/bench/agent/", "/bench/agent/requests/", "/api/v1/daos/bench/requests")
    many = {path: len(queries.queries_of(path)[0]) for path in paths}
    waiting = Request.objects.filter(status=Request.Status.NEEDS_APPROVAL).order_by("-id").values_list("pk", flat=True)
    assert len(waiting) == 20
    Request.objects.filter(pk__in=list(waiting)[2:]).update(status=Request.Status.REFUSED)
    assert not {path: count for path, count in many.items() if count > len(queries.queries_of(path)[0])}


def test_the_newest_acts_and_movements_are_in_the_order_of_the_chain(small):
    """Whatever numbers their rows have."""
    place = DaoView(small)
    first, last = (Act.objects.order_by(order)[0] for order in ("at_chain_s", "-at_chain_s"))
    Act.objects.filter(pk__in=[first.pk, last.pk]).update(at_chain_s=1)
    Act.objects.filter(pk=first.pk).update(at_chain_s=last.at_chain_s, log=last.log)
    assert page_of_acts(place)[0][0].pk == first.pk
    flows = newest_flows(place)
    assert [flow.log.block_number for flow in flows] == sorted((f.log.block_number for f in flows), reverse=True)
    assert flows[0].log_id == max(TreasuryFlow.objects.values_list("log_id", flat=True))


def test_the_bench_sees_a_table_that_is_read_whole(dao):
    explained = queries.explain("SELECT count(*) FROM governance_vote WHERE reason = 'nothing says this'", runs=1)
    assert explained["whole_tables"] == ["governance_vote"]
    quick, slow = {**explained, "ms": 0.0}, {**explained, "ms": queries.BAR_MS}
    assert len(queries.misses({"a page": {"queries": [quick, slow]}})) == 3
