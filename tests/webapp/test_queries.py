# SPDX-License-Identifier: Apache-2.0
"""The pages' queries in a DAO that is large enough for plans to differ: none reads a large table from end to end."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench import queries
from governance.models import AskedPower, PowerCheckpoint, Proposal
from presentation.dao_view import DaoView
from webapp.home.read import Agenda


@pytest.fixture
def dao(settings, transactional_db):
    settings.RPC_URLS = {}
    return queries.fill(proposals=6_000, votes=30_000, delegates=6_000)


def test_no_page_reads_a_large_table_whole(dao):
    found = queries.measure(dao)
    assert {name: len(page["queries"]) for name, page in found.items()}
    whole = {name: [q["sql"] for q in page["queries"] if q["whole_tables"]] for name, page in found.items()}
    assert not {name: texts for name, texts in whole.items() if texts}


def test_every_address_of_the_site_is_opened(dao):
    opened = {name.partition("?")[0].removesuffix(" (old)") for name in queries.pages(dao)}
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


def test_the_bench_sees_a_table_that_is_read_whole(dao):
    explained = queries.explain("SELECT count(*) FROM governance_vote WHERE reason = 'nothing says this'", runs=1)
    assert explained["whole_tables"] == ["governance_vote"]
    quick, slow = {**explained, "ms": 0.0}, {**explained, "ms": queries.BAR_MS}
    assert len(queries.misses({"a page": {"queries": [quick, slow]}})) == 3
