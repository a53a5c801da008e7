# SPDX-License-Identifier: Apache-2.0
"""Every page and mail in a made-up language: no word of ours is left in English.

Policies' sentences come from `policies`, which is pure, and stay as they are; so do codes, names and what people wrote
(in Greek letters here, see `states`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import transaction
from django.http import Http404, HttpResponse
from django.template import engines
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import timezone
from django.views import csrf, defaults

from agent.acts import halts
from agent.models import AgentHalt
from dao.local import pages as local
from governance import outbox, roles, site_keys, work
from governance.audit_log import Action, record
from governance.models import (
    AuditEntry,
    ChainReading,
    Contract,
    Cursor,
    ModuleState,
    PolicyVersion,
    Proposal,
    Vote,
    Work,
)
from governance.state import State
from policies.code.encoding import DecodeError, decode
from policies.notation.hexadecimal import hex_text
from presentation.budgets import BudgetView
from presentation.dao_view import DaoView
from presentation.policies import explained
from presentation.words import address_text
from tests import pseudo
from tests.webapp import states
from tests.webapp.conftest import CHAIN, DAY, NOW, UNIT, Made, account
from webapp.account import signin
from webapp.drafts.actions import KINDS
from webapp.mail import kinds, letters, own, plan, send, subscriptions
from webapp.models import Reader, Subscription
from webapp.proposals import relay, voter_words
from webapp.proposals import voter as voters
from webapp.relaying import RelayRefused

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
# Names, units and codes, the same in every language.
NAMES = (
    "Mandate", "Deutsch", "English", "River DAO", "Testnet", "JSON", "OpenAPI", "UTC", "USDC", "MAND", "ETH",
    "example.org",
)  # fmt: skip
# Of the functions that the proposals call: what the ABI and the proposer's text name.
ABI = ("transfer", "to", "value", "address", "uint256", "setPolicy", "policyId", "code", "bytes32", "bytes")
CODES = re.compile(
    r"0x[0-9a-fA-F]+(?:…[0-9a-fA-F]+)?"  # addresses, hashes
    r"|\bproposal:\d+:\w+|\bpower:|\bc\d\b|“pay\(address\)”|\[U\+\w{4}\]"
    r"|transfer\(address,uint256\)|castOverrideVote|\bcastVote\b|\bhttp://testserver\S+"
    r"|\bmanage\.py (?:add_dao \S* ?--slug river --module \S+|check_model)"
    r"|\b(?:MODEL_[A-Z_]+|MANDATE_[A-Z_]+|json_schema|response_format|/v1)\b|\(HTTP \d+\)|\{\"chat_template.*?\}\}"
    r"|\b(?:reorg|gap|undecodable|[a-z]+_[a-z_]+)\b"  # an incident's kind
)


@pytest.fixture(autouse=True)
def _site(settings) -> Iterator[None]:
    settings.SECRET_KEY = "a key of this test, long enough"
    settings.ORIGIN = "http://testserver"
    with pseudo.spoken():
        yield


def left_in_english(texts: Iterable[str], sentences: Iterable[str] = ()) -> list[str]:
    """Return the texts that hold Latin letters outside of what is data: names, codes, and `sentences` as a whole."""
    whole = {" ".join(sentence.split()) for sentence in (*sentences, *ABI)}
    found = []
    for text in texts:
        if text in whole:
            continue
        bare = CODES.sub("", text)
        for name in NAMES:
            bare = re.sub(rf"\b{re.escape(name)}\b", "", bare)
        for sentence in whole - set(ABI):
            bare = bare.replace(sentence, "")
        if re.search("[A-Za-z]", bare):
            found.append(text)
    return found


def check(answer: HttpResponse, where: str, sentences: Iterable[str] = ()) -> None:
    if answer["Content-Type"].startswith("text/html") and answer.content:  # some statuses have no page
        texts = pseudo.texts_of(answer.content.decode())
        assert len(texts) > 2, where
        assert left_in_english(texts, sentences) == [], where


def of_policies(made: Made) -> list[str]:
    """What `policies` says of the policies there are: lines, cells, labels of budgets, and why a code is none."""
    place, found = DaoView(made.dao), []
    codes = [bytes(code) for code in PolicyVersion.objects.values_list("code", flat=True)]
    for code in (*codes, b"\1\2"):
        try:
            policy = decode(code)
        except DecodeError as error:
            found.append(str(error))
        else:
            told = explained(place, policy)
            cells = [cell for row in told.table for cell in astuple(row) if isinstance(cell, str)]
            leads = [part for lead in told.leads for part in lead]
            found += [*told.lines, *cells, *leads, *(budget.label for budget in policy.budgets)]
    return found


# --- the check itself


@pytest.mark.parametrize(
    "html",
    [
        "<p>Nothing is open.</p>",
        '<a title="To the vote">x</a>',
        '<input placeholder="Your address">',
        '<button aria-label="Vote"></button>',
        "<p>{% load i18n %}{% with what='a vote' %}{% blocktranslate %}It lost {{ what }}{% endblocktranslate %}"
        "{% endwith %}</p>",
        "<p>{% load i18n %}{% translate 'Open' %} until now</p>",
        "<p>{% load i18n %}{% translate 'In no catalog' %}</p>",
    ],
)
def test_the_check_finds_a_word_that_is_not_translated(html):
    assert left_in_english(pseudo.texts_of(engines["django"].from_string(html).render())) != []


def test_the_check_takes_data_and_what_is_translated():
    html = (
        "{% load i18n %}<h1>{% translate 'Votes' %}</h1><p>{% blocktranslate with signer='0x12ab…cd34' %}Signed by "
        "the key of {{ signer }}.{% endblocktranslate %} <b>· 5 USDC</b></p><code>OverCap(0)</code>"
    )
    texts = pseudo.texts_of(engines["django"].from_string(html).render())
    assert texts == ["Ｖｏｔｅｓ", "Ｓｉｇｎｅｄ ｂｙ ｔｈｅ ｋｅｙ ｏｆ 0x12ab…cd34.", "· 5 USDC"]
    assert left_in_english(texts) == []


# --- templates, also where no test comes by

_MESSAGE = re.compile(r"{% blocktranslate.*?{% endblocktranslate %}|{% comment.*?{% endcomment %}", re.DOTALL)
TEMPLATES = [path for end in ("html", "txt") for path in ROOT.glob(f"*/templates/**/*.{end}")]
_TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)


@pytest.mark.parametrize("path", sorted(TEMPLATES), ids=lambda path: path.name)
def test_no_template_has_words_outside_of_messages(path):
    plain = _TAG.sub("", _MESSAGE.sub("", path.read_text()))
    assert left_in_english(pseudo.texts_of(plain)) == []


# --- pages


def test_every_page_of_a_dao_in_every_state(made):
    states.fill(made)
    sentences = of_policies(made)
    more = [
        "/river/proposals/?show=open", "/river/proposals/?page=2", "/river/agent/?page=2", "/river/proposals/8/?page=9",
        "/river/proposals/7/?account=0x12", *(f"/river/proposals/{number}/?account=0x{account(3).hex()}" for number in
                                              (7, 10, 22, 25)),
    ]  # fmt: skip
    seen = [*states.pages(made, {}), *more]
    assert len(seen) > 70
    for path in seen:
        check(Client().get(path), path, sentences)
    for trouble in states.troubles():
        check(Client().get("/river/agent/"), trouble, sentences)


def test_what_keepers_see(made, settings, monkeypatch):
    states.fill(made)
    states.subscription(made)
    settings.KEEPERS, settings.KEY_FLOORS_WEI, settings.KEY_CAPS_WEI = frozenset({account(3)}), {CHAIN: 5}, {CHAIN: 7}
    monkeypatch.setattr(signin, "account_of", lambda _: account(3))
    sentences, named = of_policies(made), next(roles.policies_named(made.dao))[1]
    halts.stop(made.dao, account(3), "")
    halts.stop(made.dao, account(3), "Ω")
    for wei in (0, 4, 6, 8):
        ChainReading.objects.update_or_create(
            dao=made.dao, kind="gas", address=named.agent, key=site_keys.key_of(site_keys.What.AGENT),
            defaults={"value": wei.to_bytes(32, "big"), "block_number": 1, "block_hash": bytes(32),
                      "block_timestamp_chain_s": NOW, "read_at": timezone.now()},
        )  # fmt: skip
        check(Client().get("/river/operations/"), f"{wei} wei", sentences)
    Client().get("/river/operations/log.json")
    for action in Action:
        record(action, made.dao)
    data = [code for entry in AuditEntry.objects.all() for code in re.findall(r"[\w.:/@-]+", entry.body)]
    check(Client().get("/river/operations/log/"), "log", [*data, "{}", "river", "agent_stopped"])
    addresses = Subscription.objects.values_list("reader__email", flat=True)
    check(Client().get("/river/operations/subscribers/"), "subscribers", addresses)
    check(Client().post("/river/operations/start", {"because": "Ω"}), "no reason", sentences)
    numbers = list(AgentHalt.objects.values_list("pk", flat=True))
    AgentHalt.objects.create(dao=made.dao, reason="Ω")
    sent = {"because": "Ω" * 20, "halt": numbers}
    check(Client().post("/river/operations/start", sent, follow=True), "one stands", sentences)


def test_every_part_of_a_drafts_form(made):
    for kind in KINDS:
        check(Client().get(f"/river/propose/?kind={kind}"), kind)
    call = {"kind-0": "raw", "target-0": address_text(account(3)), "calldata-0": "0x"}
    looked_at = Client().post("/river/propose/", {"text": "Α", **call})
    batch = html.unescape(looked_at.content.decode().partition('<pre tabindex="0">')[2].partition("</pre>")[0])
    assert '"transactions"' in batch
    check(looked_at, "looked at", [" ".join(batch.split()), "0x"])
    check(Client().post("/river/propose/", {"text": ""}), "nothing written")
    link = "/river/propose/"
    for text in ("Α", "Β"):
        link = Client().post(link, {"text": text, "keep": "1", "kind-0": "unpause"})["Location"].partition("?")[0]
    check(Client().get(link), "kept", [f"http://testserver{link}"])


def test_every_page_of_a_dao_without_anything(made):
    for path in states.pages(made, {}):
        check(Client().get(path), path)
    Cursor.objects.update(node_head_block=900)  # not all is read
    check(Client().get("/river/policies/"), "not read")
    Cursor.objects.all().delete()
    check(Client().get("/river/"), "no block read")
    ModuleState.objects.all().delete()
    Contract.objects.filter(kind="module").delete()
    check(Client().get("/river/policies/"), "no module")
    made.dao.__class__.objects.create(chain=made.dao.chain, slug="other", name="Testnet")
    check(Client().get("/"), "several")


def test_every_page_of_a_dao_that_counts_blocks(made):
    """And whose tokens share a symbol, or have neither symbol nor decimals."""
    for kind, told in (("governor", {}), ("votes_token", {"symbol": "USDC", "decimals": 18}), ("asset", {})):
        made.contracts[kind].capabilities = told
        made.contracts[kind].save()
    states.rest(made)
    made.proposal(7, description="Α", snapshot=400, deadline=600)
    made.proposal(8, description="Β", snapshot=501, deadline=502)
    made.proposal(9, description="", snapshot=300, deadline=400)
    for path in states.pages(made, {}):
        check(Client().get(path), path)


def test_every_message_about_subscriptions(made, client, monkeypatch):
    states.fill(made)
    held, choice = states.subscription(made)
    other, _ = states.subscription(made, "daily")
    own.ask(other.reader.email, "here")
    own_token = own._token(Work.objects.get(name=own.OWN_WORK).arguments)
    links = {
        "own_data": own_token,
        "own_export": own_token,
        "confirm": subscriptions.confirm_token(choice),
        "unsubscribe": subscriptions.unsubscribe_token(held),
    }
    pages = {path for path in states.pages(made, {name: [token] for name, token in links.items()}) if "subs" in path}
    assert len(pages) == 9
    data = [other.reader.email, address_text(account(3))]
    for path in sorted(pages):
        for method in (client.get, client.post, client.get, client.post):
            check(method(path, {"email": "x", "frequency": "ζ", "delegate": "1", "zone": "ζ"}), path, data)
    check(client.post("/subscriptions/own/", {"email": "nobody@example.org"}), "own")
    check(client.get("/subscriptions/confirm/x/"), "changed")
    wish = {
        "email": "ines@example.org", "frequency": "daily", "delegate": "", "topics": kinds.Topic.values, "zone": "UTC",
        "phrase": "ζ",
    }  # fmt: skip
    check(client.post("/river/subscribe/", {**wish, "preview": "1"}), "preview")
    for _ in range(subscriptions.PER_ADDRESS_AN_HOUR + 1):
        answer = client.post("/river/subscribe/", wish)
        check(answer, "wish")
    assert answer.status_code == 429
    monkeypatch.setattr(subscriptions, "PER_ASKER_AN_HOUR", 0)
    check(client.post("/river/subscribe/", wish), "many wishes")


def test_every_error_page(rf: RequestFactory):
    request = rf.get("/")
    for answer in (
        defaults.bad_request(request, SuspiciousOperation()),
        defaults.permission_denied(request, PermissionDenied()),
        csrf.csrf_failure(request),
        defaults.page_not_found(request, Http404()),
        defaults.server_error(request),
    ):
        check(answer, str(answer.status_code))


def test_the_local_chains_clock(made, rf):
    made.act(4, status="scheduled", act_id=b"\4" * 32, releasable_chain_s=NOW + 60, expires_chain_s=NOW + 90)
    made.proposal(7, description="Α")
    made.proposal(8, description="Α", snapshot=NOW + 5)
    made.proposal(9, description="Α", deadline=NOW - 1, for_votes=50_000 * UNIT, queued=True, eta_chain_s=NOW + 9)
    place = DaoView(made.dao)
    steps = local.clock_steps(place, NOW)
    assert len(steps) == 7
    place.is_local = True
    shown = {"place": place, "here": "clock", "steps": steps}
    check(HttpResponse(render_to_string("dao/clock.html", shown, rf.get("/"))), "clock")


def test_a_gauge(made):
    states.set_policies(made)
    place, code = DaoView(made.dao), states.policy_code(made)
    states.readings(made)
    for spent, reading in ((None, None), (5_000_000, ChainReading.objects.first())):
        for budget in decode(code).budgets:
            view = BudgetView(budget, place.asset(budget.asset), spent, reading, NOW + DAY)
            check(HttpResponse(render_to_string("webapp/_gauge.html", {"budget": view})), "gauge", [budget.label])


# --- what a voter reads, also through the wallet


def _voters(made: Made, proposal: Proposal) -> Iterator[voters.Voter]:
    votes = list(Vote.objects.filter(proposal=proposal).select_related("log"))
    said = [
        None,
        voters.ChainSays(500, power=UNIT, has_voted=False, counted=UNIT, power_now=0, held=UNIT, delegate=bytes(20)),
        voters.ChainSays(500, power=UNIT, has_voted=True, counted=2 * UNIT, power_now=UNIT),
        voters.ChainSays(500, power=UNIT, has_voted=False, counted=2 * UNIT, power_now=UNIT),
        voters.ChainSays(500, power=UNIT, counted=0),
        voters.ChainSays(500, power=0, counted=0, held=UNIT, delegate=account(3), power_now=0),
        voters.ChainSays(500, power=0, counted=0, held=UNIT, delegate=account(4), power_now=0),
        voters.ChainSays(500, power=0, counted=0, held=UNIT, delegate=bytes(20)),
        voters.ChainSays(500, power=UNIT, refused=b""),
        voters.ChainSays(500, power=UNIT, has_voted=True, refused=bytes.fromhex("71c6af49") + bytes(32)),
    ]
    for state in State:
        for chain in said:
            for told in ({}, {"counting_mode": "support=bravo,override&quorum=for"}):
                for cast, overrides in (([], []), (votes, []), (votes[:1], votes)):
                    for power in (0, UNIT):
                        yield voters.Voter(account(3), state, chain, power, cast, overrides, told)


@pytest.mark.parametrize("family", ["openzeppelin", "nouns"])
@pytest.mark.parametrize("deadline", [NOW - 1, NOW + 60])
def test_all_that_a_voter_reads(made, family, deadline):
    made.contracts["governor"].capabilities |= {"family": family}
    made.contracts["governor"].save()
    proposal = made.proposal(7, snapshot=deadline - 30, deadline=deadline)
    for support in (0, 1, 2, 7):
        made.vote(proposal, 3, support)
    place, read = DaoView(made.dao), set()
    for voter in _voters(made, proposal):
        told = voter_words.in_words(place, proposal, voter)
        read |= {told.lead, *told.sentences}
    assert len(read) > 20
    assert left_in_english(read) == []


def test_what_the_wallet_shows_of_a_refusal(made, rf):
    with pytest.raises(RelayRefused) as refused:
        relay.relay(DaoView(made.dao), made.proposal(7), 1, account(3), b"")
    with pytest.raises(signin.SignInRefused) as unsigned:
        signin.verify(rf.post("/"), "nonsense", "0x")
    assert left_in_english([str(refused.value)]) == []
    assert left_in_english([str(unsigned.value).replace("EIP-4361", "")]) == []


# --- mails


def _told(made: Made) -> list[mail.EmailMultiAlternatives]:
    work.run_due("webapp.")
    found, mail.outbox = mail.outbox, []
    return found


def test_every_mail(made, monkeypatch):
    """The confirmation, news of each kind with each kind of summary, the periods' digests, and corrections."""
    states.fill(made)
    Cursor.objects.update(node_head_block=500)  # while much is unread, no mail goes out
    sent = []
    for frequency in ("weekly", "daily", "immediate"):
        _, choice = states.subscription(made, frequency)
        sent += _told(made)
        subscriptions.confirm(subscriptions.confirm_token(choice))
    plan.follow_outbox()
    monkeypatch.setattr(send, "WAIT_FOR_SUMMARY", send.WAIT_FOR_SUMMARY * 0)
    news = [*(("proposal.created", str(number)) for number in (7, 8, 9, 10, 11, 20)),
            ("act.scheduled", f"0x{'01' * 32}:2")]  # fmt: skip
    for undone in ("", send.UNDONE):
        with transaction.atomic():
            for topic, key in news:
                outbox.publish(made.dao, topic + undone, key, 501)  # after it was confirmed
        if undone:
            Proposal.objects.filter(proposal_id__in=[7, 8]).delete()
            made.dao.acts.filter(number=2).delete()
        else:
            daily = Reader.objects.get(email="daily@example.org").pk
            work.enqueue(send.PERIOD_WORK, "daily", None, {"reader": daily, "topic": "daily:2026-01-01"})
        plan.follow_outbox()
        sent += _told(made)
    assert len(sent) == 3 + len(news) + 1 + 3
    own.ask("daily@example.org", "here")
    sent += _told(made)
    for message in sent:
        assert left_in_english([message.subject]) == []
        assert left_in_english(message.body.splitlines()) == [], message.subject
        for page, _kind in message.alternatives:
            check(HttpResponse(page), message.subject)


def test_the_letter_and_the_correction_of_every_kind_of_news(made):
    states.fill(made)
    place, module = DaoView(made.dao), hex_text(made.contracts["module"].address)
    act = made.dao.acts.first()
    keys = {
        **dict.fromkeys(kinds.OF_PROPOSALS, "9"), **dict.fromkeys(kinds.OF_MODULES, f"{module}:1"),
        **dict.fromkeys(kinds.OF_ACTS, f"{hex_text(act.policy_id)}:{act.number}"),
        kinds.Kind.DELEGATE_VOTED: f"9:{hex_text(account(3))}",
    }  # fmt: skip
    for kind in kinds.Kind:
        for heading, item in (
            letters.letter(place, kind, keys[kind], account(3)), letters.correction(place, kind, keys[kind]),
        ):  # fmt: skip
            assert left_in_english([heading, item.title, *item.lines, item.own_vote]) == [], kind
    assert left_in_english([str(topic.label) for topic in kinds.Topic]) == []
