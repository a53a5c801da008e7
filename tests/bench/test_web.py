# SPDX-License-Identifier: Apache-2.0
"""What `make bench-web` counts as missed, and how it tells the site's own time from its neighbours'."""

import pytest

from bench import web
from webapp.account import signin

GOOD = {
    "status": 200, "answered": 200, "asks_the_chain": False, "p50_ms": 9.0, "p95_ms": 49.9, "own_p50_ms": 4.0,
    "own_p95_ms": 20.0, "queries": 12, "queries_small": 12, "sent_bytes": 119_999,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"p95_ms": 50.0}, "p95 50.0 ms on the clock, 20.0 ms its own"),
        ({"queries": 13}, "13 queries, 12 in a small DAO"),
        ({"status": 404, "answered": 404}, "not opened, it answers 404"),
        ({"status": 403, "answered": 403, "p95_ms": 99.0}, "not opened, it answers 403"),
        ({"sent_bytes": 120_000}, "the first load takes 120,000 bytes"),
        ({"answered": 429}, "answered 429 while it was timed, and 200 before"),
    ],
)  # fmt: skip
def test_a_miss_is_named(change, said):
    assert web.misses({"/": GOOD}) == []
    assert web.misses({"/": {**GOOD, **change}}) == [f"/: {said}"]


def test_an_answer_that_the_node_gives_is_not_timed_and_one_that_is_only_in_the_large_dao_not_compared():
    assert web.misses({"/": {**GOOD, "asks_the_chain": True, "p95_ms": 999.0, "queries_small": None}}) == []


def test_percentiles_are_times_that_were_measured():
    assert web.percentile([float(number) for number in range(1, 101)], 0.95) == 95.0
    assert web.percentile([3.0], 0.95) == 3.0


def test_tasks_that_come_and_go_take_nothing_off_and_add_nothing():
    before = {"a": (1_000_000, 5_000_000), "gone": (10**12, 10**12)}
    after = {"a": (4_000_000, 7_000_000), "new": (10**12, 10**12)}
    assert web.Waiting.between(before, after) == (3.0, 2.0)


def test_a_page_for_keepers_is_opened_by_one_and_missed_where_that_is_refused_too():
    refused, mine = {**GOOD, "status": 403, "answered": 403, "p95_ms": 999.0}, "/log/" + web.SIGNED_IN
    assert web.misses({"/log/": refused, mine: GOOD}) == []
    assert len(web.misses({"/log/": refused, mine: refused})) == 2


def test_the_demos_pages_and_the_apis_root_are_to_refuse():
    refused = {**GOOD, "status": 403, "answered": 403}
    assert web.misses({"/local/": refused, f"/local/{web.SIGNED_IN}": refused}) == []
    assert web.misses({"/local/": GOOD}) == ["/local/: should refuse, and answers 200"]


def test_this_threads_own_looking_is_not_the_sites_time():
    before = {web.Waiting.HERE: (0, 0), "site": (0, 0)}
    after = {web.Waiting.HERE: (0, 9_000_000), "site": (1_000_000, 2_000_000)}
    assert web.Waiting.between(web.Waiting.elsewhere(before), web.Waiting.elsewhere(after)) == (1.0, 2.0)


def test_who_is_signed_in_sends_the_cookie_and_a_visitor_none():
    cookies = {"mandate": "abc"}
    assert web._headers("/<slug:slug>/" + web.SIGNED_IN, cookies) == {"Cookie": "mandate=abc"}
    assert web._headers("/<slug:slug>/", cookies) == {}


@pytest.mark.django_db
def test_the_cookie_is_of_an_account_that_the_site_takes_as_signed_in(client, settings):
    settings.SECRET_KEY = "a key of this test"
    settings.KEEPERS = frozenset({web._ACCOUNT})
    for name, value in web.signed_in().items():
        client.cookies[name] = value
    request = client.get("/").wsgi_request
    assert signin.signed_in(request) == (web._ACCOUNT, None)
