# SPDX-License-Identifier: Apache-2.0
"""Given proposals: what words, a proposer and an outcome find, on the page and by the API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import Proposal, TimelockOperation
from presentation.words import address_text
from tests.webapp.conftest import NOW, UNIT, account
from webapp.models import SearchText
from webapp.proposals import search

pytestmark = pytest.mark.django_db(transaction=True)


def numbers(client, **asked):
    answer = client.get("/api/v1/daos/river/proposals", asked)
    assert answer.status_code == 200
    return [int(row["id"]) for row in answer.json()["proposals"]]


@pytest.fixture
def three(made):
    made.proposal(7, description="# A grant for lea\n\nShe writes the delegates' handbook for 2,500 USDC.")
    made.proposal(8, description="# Rename the newsletter\n\nÜber größere Namen.")
    made.proposal(10**40, description="# Grants, again\n\nlea and <b>bob</b> [link](https://example.org/x)")
    search.keep_words()
    return made


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("grant", [10**40, 7]),
        ("GRANT lea", [10**40, 7]),
        ("handb", [7]),  # the start of a word
        ("book", []),  # the end of one
        ("2,500", [7]),
        ("größ über", [8]),
        ("delegates' handbook", [7]),
        ("grant newsletter", []),
        ("8", [8]),  # a number
        (str(10**40), [10**40]),
        ("nothing", []),
        ("'; DROP TABLE x --", []),
        ("zz & | ! :* <-> (", []),
        ("((((", []),
        ("\u0000lea", [10**40, 7]),
        ("x" * 5000, []),
        ("lea " * 500, [10**40, 7]),
    ],
)
def test_words_find_texts(three, client, words, found):
    assert numbers(client, q=words) == found


@pytest.mark.parametrize(
    "words",
    [
        "EIP-4844", "eip 4844", "AIP-42", "vitalik.eth", "vitalik", "1.5", "example.org", "Aave", "uniswap/aave",
        "-4844", "हिन्दी", "o\u0308konomie", "ökonomie", "snake_case", "case",
    ],
)  # fmt: skip
def test_names_are_found_as_they_are_written_and_by_their_parts(made, client, words):
    made.proposal(7, description="EIP-4844 and AIP-42: vitalik.eth sends 1.5 to https://example.org/x, Uniswap/Aave.\n"
                                 "हिन्दी में. O\u0308konomie, snake_case")  # fmt: skip
    made.proposal(8, description="# Another\n\nEIP of 1 May, in हि.")
    search.keep_words()
    assert numbers(client, q=words) == [7]


def test_who_proposed_it_and_how_it_ended(three, client):
    Proposal.objects.filter(proposal_id=7).update(proposer=account(3), executed=True)
    SearchText.objects.all().delete()  # a proposal's proposer never changes
    search.keep_words()
    Proposal.objects.filter(proposal_id=8).update(deadline=NOW - 1)
    late = three.proposal(9, description="# Queued and done", deadline=NOW - 1, for_votes=50_000 * UNIT, queued=True,
                          eta_chain_s=NOW - 1)  # fmt: skip
    TimelockOperation.objects.create(
        dao=three.dao, operation_id=b"\1" * 32, proposal=late, executed=True, log=late.log, ready_chain_s=NOW
    )
    assert numbers(client, by=address_text(account(3))) == [7]
    assert numbers(client, show="executed") == [9, 7]
    assert numbers(client, show="ended") == [8]
    assert numbers(client, show="open") == [10**40]
    assert numbers(client, show="canceled") == []
    assert numbers(client, show="executed", q="lea") == [7]
    assert client.get("/api/v1/daos/river/proposals", {"by": "0x12"}).status_code == 422


def test_the_page_shows_what_was_looked_for_and_keeps_it_in_its_links(three, client, monkeypatch):
    page = client.get("/river/proposals/", {"q": '"><script>lea', "show": "all"}).content.decode()
    assert "<script>lea" not in page
    assert "0 found." in page
    assert "Nothing was found." in page
    wrong = client.get("/river/proposals/", {"by": "0x12"}).content.decode()
    assert "That is no address" in wrong
    monkeypatch.setattr("webapp.proposals.page.PAGE", 1)
    monkeypatch.setattr("webapp.proposals.search.PAGE", 1)
    found = client.get("/river/proposals/", {"q": "grant"}).content.decode()
    assert "2 found." in found
    assert "q=grant" in found


def test_new_and_changed_texts_are_found_and_those_of_a_dropped_proposal_are_gone(three, client):
    assert search.keep_words() == 0
    Proposal.objects.filter(proposal_id=8).update(description="# Another wording")
    assert search.keep_words() == 1
    assert numbers(client, q="newsletter") == []
    assert numbers(client, q="wording") == [8]
    Proposal.objects.filter(proposal_id=8).delete()
    assert SearchText.objects.count() == 2


def test_texts_that_postgresql_can_hardly_hold_are_kept_all_the_same(made):
    wide = "".join(chr(0x10400 + n % 40) + chr(0x10428 + n // 40 % 40) + "-" for n in range(70_000))
    for number, text in enumerate((wide, "x" * 300_000, "http://a.b/" + "c/" * 60_000, "a" * 3000 + " lea", "")):
        made.proposal(number + 1, description=text, title="")
    assert search.keep_words() == 5
    assert search.keep_words() == 0


def test_a_search_takes_as_many_queries_for_many_as_for_one(three, client):
    def taken(words):
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/river/proposals/", {"q": words}).status_code == 200
        return len(captured)

    one = taken("handbook")
    for number in range(20, 30):
        three.proposal(number, description=f"# Many {number}")
    search.keep_words()
    assert taken("many") == one
