# SPDX-License-Identifier: Apache-2.0
"""The pages' queries in a DAO that is large enough for plans to differ: none reads a large table from end to end."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench import queries
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


def test_what_is_open_is_found_without_reading_what_is_over(dao):
    place = DaoView(dao)
    with CaptureQueriesContext(connection) as captured:
        agenda = Agenda.of(place)
    assert agenda.now
    assert agenda.decided
    assert agenda.others
    explained = [queries.explain(query["sql"], runs=1) for query in captured.captured_queries]
    assert not [query["sql"] for query in explained if query["whole_tables"]]


def test_the_bench_sees_a_table_that_is_read_whole(dao):
    explained = queries.explain("SELECT count(*) FROM governance_vote WHERE reason = 'nothing says this'", runs=1)
    assert explained["whole_tables"] == ["governance_vote"]
    slow = {**explained, "ms": queries.BAR_MS}
    assert len(queries.misses({"a page": {"queries": [explained, slow]}})) == 3
