# SPDX-License-Identifier: Apache-2.0
"""Given proposals: what words, a proposer and an outcome find, on the page and by the API."""

import importlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from governance import doctor
from governance.models import Proposal, TimelockOperation
from presentation.words import address_text
from tests.webapp.conftest import NOW, UNIT, account
from webapp.models import SearchText, SearchWord
from webapp.proposals import search, spelling

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


@pytest.fixture
def spelt(made):
    made.proposal(6, description="# Syllables\n\n" + " ".join(f"{a}{b}ab" for a in "bcdfghjklm" for b in "aeiouprst"))
    made.proposal(7, description="# Grant for the Delegates' handbook\n\nvitalik writes it. Naïve façade.")
    made.proposal(8, description="# Zahlungsliste für größere Vorschläge\n\nÖkonomie der Delegierten, Straße.")
    made.proposal(9, description="# Streams of the treasury\n\nvitaliks own, 2,500 USDC")
    search.keep_words()
    return made


@pytest.mark.parametrize(
    ("words", "found", "near"),
    [
        ("grnat", [7], {"grnat": ["grant"]}),  # two letters changed about
        ("handbok", [7], {"handbok": ["handbook"]}),
        ("hanndbook delegates", [7], {"hanndbook": ["handbook"]}),
        ("grant delegates vitalik wirtes hanndbook", [7], {"wirtes": ["writes"], "hanndbook": ["handbook"]}),
        ("vitalk", [7], {"vitalk": ["vitalik"]}),  # two mistakes off vitaliks
        ("tresuary", [9], {"tresuary": ["treasury"]}),
        ("Zahlungslsite", [8], {"zahlungslsite": ["zahlungsliste"]}),
        ("vorschlaege", [8], {"vorschlaege": ["vorschläge"]}),
        ("grossere", [8], {"grossere": ["größere"]}),
        ("strasse", [8], {"strasse": ["straße"]}),
        ("naive facade", [7], {"naive": ["naïve"], "facade": ["façade"]}),
        ("okonomie", [8], {"okonomie": ["ökonomie"]}),
        ("grant treasury", [], {}),  # each is there, in no text both
        ("grnat treasury", [], {}),
        ("grant", [7], {}),  # found as it is written
        ("stream", [9], {}),
        ("xyzzy", [], {}),
        ("usdt", [9], {"usdt": ["usdc"]}),
        ("grx", [], {}),  # too short to say what is meant
        ("1234", [], {}),
        ("tresuary'; DROP TABLE x --", [], {}),
        ("\u0000grnat", [7], {"grnat": ["grant"]}),
        ("grnat " * 300, [7], {"grnat": ["grant"]}),
    ],
)
def test_misspelt_words_find_what_is_spelt_nearly_so(spelt, client, words, found, near):
    answer = client.get("/api/v1/daos/river/proposals", {"q": words}).json()
    assert [int(row["id"]) for row in answer["proposals"]] == found
    assert {one["asked"]: one["words"] for one in answer["near"]} == near


def test_the_page_says_which_words_it_looked_for_instead(spelt, client):
    page = client.get("/river/proposals/", {"q": "grnat"}).content.decode()
    assert "No text has <bdi>grnat</bdi>. These have a word spelt nearly so: <bdi>grant</bdi>." in page
    german = client.get("/river/proposals/", {"q": "grnat"}, headers={"accept-language": "de"}).content.decode()
    assert "Kein Text enthält <bdi>grnat</bdi>." in german
    assert "No text has" not in client.get("/river/proposals/", {"q": "grant"}).content.decode()
    assert "No text has" not in client.get("/river/proposals/", {"q": "xyzzy"}).content.decode()


def test_what_is_near_is_found_among_what_else_was_asked_for(spelt, client):
    Proposal.objects.filter(proposal_id=7).update(proposer=account(3))
    SearchText.objects.all().delete()
    search.keep_words()
    assert numbers(client, q="grnat", by=address_text(account(3))) == [7]
    assert numbers(client, q="grnat", by=address_text(account(4))) == []
    assert numbers(client, q="grnat", show="open") == [7]
    assert numbers(client, q="grnat", show="executed") == []


LIGATURES = "\ufdfa" * 12  # each is taken apart into 18 letters


def test_words_that_grow_when_accents_are_left_out_are_kept_cut(made):
    made.proposal(1, description=f"Honour {LIGATURES} grant", title="")
    assert search.keep_words() == 1
    kept = dict(SearchWord.objects.values_list("word", "folded"))
    assert kept["grant"] == "grant"
    assert len(kept[LIGATURES]) == 200


def test_the_migration_keeps_such_words_too(made):
    made.proposal(1, description=f"Honour {LIGATURES} grant", title="")
    search.keep_words()
    kept = set(SearchWord.objects.values_list("word", "folded"))
    SearchWord.objects.all().delete()
    migration = importlib.import_module("webapp.migrations.0019_search_words")
    with connection.cursor() as sql:
        sql.execute(migration.Migration.operations[-1].sql)
    assert set(SearchWord.objects.values_list("word", "folded")) == kept


def test_trigrams_in_a_schema_that_is_not_searched_are_none_and_the_doctor_says_so(spelt, client):
    with connection.cursor() as sql:
        sql.execute(
            "DROP INDEX search_word_near; CREATE SCHEMA elsewhere; ALTER EXTENSION pg_trgm SET SCHEMA elsewhere"
        )
    try:
        assert not spelling.has_trigrams()
        assert client.get("/river/proposals/", {"q": "gramt"}).status_code == 200
        assert "add elsewhere to the search_path" in doctor._spelling().words
    finally:
        with connection.cursor() as sql:
            sql.execute("ALTER EXTENSION pg_trgm SET SCHEMA public; DROP SCHEMA elsewhere")
        migration = importlib.import_module("webapp.migrations.0019_search_words")
        with connection.schema_editor() as editor:
            migration.make_trigrams(None, editor)
    assert spelling.has_trigrams()


def test_where_the_database_has_no_trigrams_search_goes_on_and_the_doctor_says_so(spelt, client):
    assert doctor._spelling().level is doctor.Level.OK
    with connection.cursor() as sql:
        sql.execute("DROP INDEX search_word_near")
    assert "is slow with misspelt words" in doctor._spelling().words
    assert numbers(client, q="grnat") == [7]
    with connection.cursor() as sql:
        sql.execute("DROP EXTENSION pg_trgm")
    try:  # each time another word: answers are kept a while
        assert doctor._spelling().level is doctor.Level.NOTE
        assert numbers(client, q="graant") == []
        assert numbers(client, q="grant") == [7]
        assert numbers(client, q="strasse") == [8]  # another way to write a sharp s is no mistake
        for statement in doctor._spelling().words.partition("runs in it: ")[2].split("; "):
            with connection.cursor() as sql:
                sql.execute(statement)
        assert doctor._spelling().level is doctor.Level.OK
        assert numbers(client, q="garnt") == [7]
    finally:
        migration = importlib.import_module("webapp.migrations.0019_search_words")
        with connection.schema_editor() as editor:
            migration.make_trigrams(None, editor)


def test_who_may_make_no_extension_migrates_all_the_same():
    migration = importlib.import_module("webapp.migrations.0019_search_words")
    with connection.cursor() as sql:
        sql.execute("DROP EXTENSION pg_trgm CASCADE; DROP ROLE IF EXISTS no_maker; CREATE ROLE no_maker")
        sql.execute("GRANT USAGE ON SCHEMA public TO no_maker")
    try:
        with connection.schema_editor() as editor:
            with connection.cursor() as sql:
                sql.execute("SET LOCAL ROLE no_maker")
            migration.make_trigrams(None, editor)
            assert not spelling.has_trigrams()
    finally:
        with connection.schema_editor() as editor:
            migration.make_trigrams(None, editor)
        with connection.cursor() as sql:
            sql.execute("REVOKE ALL ON SCHEMA public FROM no_maker; DROP ROLE no_maker")
    assert spelling.has_trigrams()


@given(st.text("abcdé", max_size=9), st.text("abcdé", max_size=9), st.integers(0, 3))
def test_mistakes_are_counted_alike_both_ways_and_bounded(one, other, most):
    counted = spelling.mistakes(one, other, most)
    assert counted == spelling.mistakes(other, one, most)
    assert (counted == 0) == (one == other)
    assert counted == min(spelling.mistakes(one, other, 20), most + 1)


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("grant", "grnat", 1), ("grant", "grat", 1), ("grant", "grantt", 1), ("grant", "great", 2), ("", "abc", 3)],
)
def test_mistakes(one, other, count):
    assert spelling.mistakes(one, other, 9) == count
