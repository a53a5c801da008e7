# SPDX-License-Identifier: Apache-2.0
"""Given a site in English and German: each reader gets pages and mails whole in one of them, programs get English."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import translation

from agent.acts import words as request_words
from agent.understanding import words as proposal_words
from agent.understanding.flags import large_share, not_in_calls
from agent.understanding.flags.flag import Found
from dao.local import languages
from governance import work
from governance.models import Cursor
from governance.sentences import worded
from presentation.dao_view import DaoView
from tests import pseudo
from tests.webapp import states
from tests.webapp.conftest import NOW, UNIT
from tests.webapp.test_pseudo_locale import of_policies
from webapp.mail import own, plan, send, subscriptions
from webapp.mail.kinds import Topic
from webapp.models import Reader, Subscription

pytestmark = pytest.mark.django_db(transaction=True)
GERMAN = {"accept-language": "de-CH, de;q=0.9, en;q=0.5"}


@pytest.fixture(autouse=True)
def _origin(settings):
    settings.SECRET_KEY = "a key of this test, long enough"
    settings.ORIGIN = "http://testserver"


@pytest.fixture(scope="module")
def english() -> set[str]:
    """What we say in English, where German says something else: the pieces of sentences between values and marks."""
    said: set[str] = set()
    kept: set[str] = set()
    for message in languages.read(languages.SOURCES / "de.po"):
        for texts, into in ((message.id, said), (message.string, kept)):
            for text in (texts,) if isinstance(texts, str) else texts:
                into |= pieces(text)
    return said - kept


def pieces(text: str) -> set[str]:
    parts = re.split(r"%\(\w+\)[sd]|\{\w[^{}]*\}|<[^<>]*>|\n", text)
    return {" ".join(part.split()).strip(" .:,;()“”„") for part in parts if len(part.split()) > 2}


def left(texts: list[str], english: set[str]) -> list[str]:
    """The texts that have a piece of one of our English sentences, of three words or more."""
    return [text for text in texts if any(piece in text for piece in english)]


class _OutsideOfEnglish(pseudo._Texts):
    """A page's texts but for those in parts that are marked as English: policies' own sentences."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, attrs)
        if tag not in ("meta", "link", "input", "br", "rect", "path", "img", "hr", "circle", "option"):
            self._open.append((tag, dict(attrs).get("lang") == "en"))

    def handle_endtag(self, tag):
        super().handle_endtag(tag)
        while self._open and any(name == tag for name, _ in self._open):
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data):
        if not any(is_english for _, is_english in self._open):
            super().handle_data(data)


def english_numbers(texts: list[str]) -> list[str]:
    """The texts with a number whose thousands a comma parts, but for hints of what a reader types and what is quoted:
    that somebody typed."""
    shown = [re.sub(r"1,000\.50|1,000 ist eintausend|„[^“]*“|\"[^\"]*\"", "", text) for text in texts]
    return [text for text in shown if re.search(r"[0-9],[0-9]{3}(?![0-9])", text)]


def texts_of(html: str) -> list[str]:
    parser = _OutsideOfEnglish()
    parser.feed(html)
    parser.close()
    return parser.found


def test_english_is_found_in_a_page(english):
    assert left(["Nur hier. Connect a wallet at the top of the page to see your voting power and to vote."], english)
    assert left(["Verbinden Sie oben auf der Seite eine Wallet."], english) == []


def test_every_page_in_german_has_no_english_sentence_of_ours(made, english):
    states.fill(made)
    # What `policies` says is English by design, and marked as such: these sentences stand nowhere else. But for why a
    # code is none, which stands at the end of a sentence of ours (docs/languages.md).
    english = english | {
        sentence for sentence in of_policies(made) if len(sentence.split()) > 4 and not sentence.startswith("byte ")
    }
    seen, marked = list(states.pages(made, {})), 0
    for path in seen:
        answer = Client(headers=GERMAN).get(path)
        is_page = answer["Content-Type"].startswith("text/html") and not path.endswith((".json", ".yaml", ".csv"))
        if not is_page or not answer.content:
            continue
        html = answer.content.decode()
        assert '<html lang="de">' in html, path
        assert answer["Content-Language"] == "de"
        assert left(texts_of(html), english) == [], path
        assert english_numbers(texts_of(html)) == [], path
        marked += "sind auf Englisch, auch ihre Zahlen" in html
    assert len(seen) > 40
    assert marked, "a page with a policy's sentences says that they are in English"


def test_a_reader_chooses_a_language_and_keeps_it(made, client):
    page = client.get("/river/proposals/?show=open")
    assert '<html lang="en">' in page.content.decode()
    assert 'name="next" value="/river/proposals/?show=open"' in page.content.decode()
    answer = client.post("/language", {"language": "de", "next": "/river/proposals/?show=open"})
    assert (answer.status_code, answer["Location"]) == (302, "/river/proposals/?show=open")
    page = client.get("/river/", headers={"accept-language": "en"})
    assert '<html lang="de">' in page.content.decode()
    assert '<button class="link" name="language" value="en" lang="en">English</button>' in page.content.decode()


def test_the_switch_leads_to_no_other_site_and_takes_no_get(client):
    answer = client.post("/language", {"language": "de", "next": "https://evil.example/"})
    assert answer["Location"] == "/"
    assert client.get("/language?language=de").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/language", {"language": "de"}).status_code == 403


@pytest.mark.parametrize(
    ("asked", "spoken"), [("", "en"), ("fr", "en"), ("fr, de;q=0.4", "de"), ("de", "de"), ("en-GB, de;q=0.9", "en")]
)
def test_the_browsers_wish_counts_where_nothing_was_chosen(made, asked, spoken):
    answer = Client().get("/river/", headers={"accept-language": asked})
    assert f'<html lang="{spoken}">' in answer.content.decode()


def test_caches_are_told_what_a_page_depends_on(made, client):
    varies = {name.strip().lower() for name in client.get("/river/")["Vary"].split(",")}
    assert {"accept-language", "cookie"} <= varies


def test_programs_get_english_whatever_the_browser_wants(made):
    states.fill(made)
    client = Client(headers=GERMAN)
    client.post("/language", {"language": "de"})
    for path in ("/api/v1/daos/river", "/api/v1/daos/river/proposals/7", "/river/feed.atom", "/river/votes.ics"):
        answer, plain = client.get(path), Client().get(path)
        assert answer["Content-Language"] == "en", path
        assert answer.content == plain.content, path
        assert "accept-language" not in answer.get("Vary", "").lower(), path


@pytest.mark.parametrize("slug", ["api", "health", "records"])
def test_a_dao_may_be_called_like_what_programs_read(made, slug):
    made.dao.slug = slug
    made.dao.save()
    client = Client(headers=GERMAN)
    for page in ("", "info/", "proposals/", "agent/"):
        answer = client.get(f"/{slug}/{page}")
        assert '<html lang="de">' in answer.content.decode(), page
        assert {"accept-language", "cookie"} <= {name.strip().lower() for name in answer["Vary"].split(",")}
    for path in ("/health", "/api/v1/daos", f"/{slug}/feed.atom", "/records/none.json", "/api/v1/nothing", "/x.json"):
        assert client.get(path)["Content-Language"] == "en", path


def test_amounts_in_sentences_about_requests_and_flags_are_written_the_german_way():
    """The operator signs beside these lines, and a table beside them has the same amounts."""
    payee, held = "0x" + "ab" * 20, {"amount": "12,000 USDC", "held": "20,000.5 USDC (0x" + "5c" * 20 + ")"}
    values = {"payee": payee, "amount": "12,000 USDC", "number": 1, "policy": "0x01", "day": "2026-11-01"}
    each = request_words.say("each", amount="1,500 USDC")
    totals = {"period": "", "is_roster": True, "payments": 2, "how": each, "totals": ["12,000 USDC", "1,000 ETH"]}
    flag = large_share.RULE.flag(Found(held)).sentence
    with translation.override("de"):
        said = [
            worded(request_words.say("paid_lately", **values)),
            worded(request_words.say("candidate", **totals)),
            worded(flag),
        ]
    assert all(english_numbers([text]) == [] for text in said), said
    found = [re.findall(r"[0-9.,]+ (?:USDC|ETH)", text) for text in said]
    assert found == [["12.000 USDC"], ["1.500 USDC", "12.000 USDC", "1.000 ETH"], ["12.000 USDC", "20.000,5 USDC"]]
    typed = request_words.say("word_beside_amount", word="1,000", amount="12,000 USDC")
    zero = request_words.say("leading_zero", digits="0,500")
    with translation.override("de"):
        assert "12,000 USDC" in worded(typed)
        assert worded(zero).startswith("0,500 ")
        flag = not_in_calls.RULE.flag(Found({"amount": "1,500 USDC"}, says="amount_not_in_calls")).sentence
        for sentence in (flag, proposal_words.say("amount_not_in_calls", amount="1,500 USDC")):
            assert "1,500 USDC" in worded(sentence), "the proposal's text has it so"


def test_the_wallets_script_gets_what_it_shows_in_the_pages_language(made, client):
    path = "/api/v1/daos/river/delegates/0x12"
    english = client.get(path)
    german = client.get(path, headers={"mandate-language": "de"})
    assert (english["Content-Language"], german["Content-Language"]) == ("en", "de")
    assert "Mandate-Language" in german["Vary"]
    assert client.get(path, headers={"mandate-language": "xx"})["Content-Language"] == "en"
    assert english.json() != german.json()


def test_amounts_are_written_the_german_way(made):
    made.proposal(7, description="Α", for_votes=50_000 * UNIT, deadline=NOW + 60)
    assert "50.000" in Client(headers=GERMAN).get("/river/proposals/7/").content.decode()
    with translation.override("de"):
        assert DaoView(made.dao).votes_asset.text(1_234 * UNIT + UNIT // 2).startswith("1.234,5")


# --- mails


def _sent() -> list[mail.EmailMultiAlternatives]:
    work.run_due("webapp.")
    found, mail.outbox = mail.outbox, []
    return found


def _subscribe(client: Client, **chosen: str) -> mail.EmailMultiAlternatives:
    wish = {"email": "ines@example.org", "frequency": "daily", "topics": Topic.values, "zone": "UTC", **chosen}
    assert client.post("/river/subscribe/", wish).status_code == 200
    (message,) = _sent()
    return message


def test_mails_are_in_the_language_of_the_page_where_they_were_asked_for(made, english):
    states.fill(made)
    Cursor.objects.update(node_head_block=500)  # while much is unread, no mail goes out
    confirmation = _subscribe(Client(headers=GERMAN))
    assert confirmation.subject == "Bestätigen Sie: Entscheidungen von Ποταμός"
    assert "Um sie zu abonnieren (einmal am Tag)" in confirmation.body
    token = re.search(r"/subscriptions/confirm/([^/\s]+)/", confirmation.body)[1]
    subscriptions.confirm(token)
    reader = Reader.objects.get()
    assert reader.language == "de"
    plan.follow_outbox()
    work.enqueue(send.PERIOD_WORK, "daily", None, {"reader": reader.pk, "topic": "daily:2026-01-01"})
    own.ask("ines@example.org", "here")
    digest, link = sorted(_sent(), key=lambda message: "Was wir" in message.subject)
    assert "offene Entscheidungen" in digest.subject
    assert link.subject == "Was wir von Ihnen aufbewahren"
    for message in (confirmation, digest, link):
        assert left([message.subject, *message.body.splitlines()], english) == []
        assert english_numbers([message.subject, *message.body.splitlines()]) == []
        for page, _kind in message.alternatives:
            assert '<html lang="de">' in page
            assert left(texts_of(page), english) == []
            assert english_numbers(texts_of(page)) == []
    assert own.data_of(reader)["language"] == "de"


def test_somebody_elses_wish_changes_no_language_before_it_is_confirmed(made):
    states.fill(made)
    Reader.objects.create(email="ines@example.org", language="de")
    message = _subscribe(Client(headers={"accept-language": "en"}))
    assert Reader.objects.get(email="ines@example.org").language == "de"
    subscriptions.confirm(re.search(r"/subscriptions/confirm/([^/\s]+)/", message.body)[1])
    assert Reader.objects.get(email="ines@example.org").language == "en"


def test_digests_of_two_languages_share_nothing(made):
    states.fill(made)
    Cursor.objects.update(node_head_block=500)
    readers = []
    for email, language in (("a@example.org", "de"), ("b@example.org", "en"), ("c@example.org", "de")):
        reader = Reader.objects.create(email=email, language=language)
        readers.append(reader)
        Subscription.objects.create(
            dao=made.dao, reader=reader, topics=list(Topic.values), confirmed_at=reader.created_at
        )
    with send.sharing():
        for reader in readers:
            send.send_period("", {"reader": reader.pk, "topic": "daily:2026-01-01"})
    texts = {message.to[0]: message.body for message in mail.outbox}
    mail.outbox = []
    assert "Objections so far" in texts["b@example.org"]
    assert "Objections so far" not in texts["a@example.org"] + texts["c@example.org"]
    assert "Einsprüche bisher" in texts["a@example.org"]
    assert texts["a@example.org"].partition("Abbestellen")[0] == texts["c@example.org"].partition("Abbestellen")[0]
