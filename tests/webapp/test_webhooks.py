# SPDX-License-Identifier: Apache-2.0
"""Given receivers that flap, refuse and lie down: each hears what is so, in order, signed, at least once.

MANDATE_WEBHOOK_EVENTS=10000 .venv/bin/python -m pytest -q -n 0 -s -k flaps tests/webapp/test_webhooks.py
"""

import datetime
import ipaddress
import itertools
import json
import os
import random
import re
import time
from email.utils import format_datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier

from agent.models import AgentHalt
from governance import outbox, work
from governance.audit_log import Action
from governance.models import AuditEntry, Cursor, Proposal, ProposalTransition, UnconfirmedLog, Work
from tests.webapp.conftest import CHAIN, DAY, NOW, account
from tests.webapp.receiver import BREAK, DAWDLE, receiver
from webapp.account import signin
from webapp.mail import hook_words, outbound, plan, webhooks
from webapp.mail.send import NOTHING, PERHAPS_SENT, REFUSED, SENT
from webapp.models import Webhook, WebhookEvent

EVENTS = int(os.environ.get("MANDATE_WEBHOOK_EVENTS", "150"))
OWNER = account(3)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(settings):
    settings.SECRET_KEY = "a key of this test"
    settings.ORIGIN = "http://testserver"
    settings.WEBHOOK_TEST_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def here():
    with receiver() as one:
        yield one


def hook_to(made, url, form="standard", topics=webhooks.OFFERED, *, is_new=False) -> Webhook:
    hook = webhooks.add(made.dao, OWNER, url, form, list(topics))
    if not is_new:
        hook.events.all().delete()
        Webhook.objects.filter(pk=hook.pk).update(last_taken_at=timezone.now(), from_block=None)
    return hook


def tell(made, topic, key, number=400):
    with transaction.atomic():
        outbox.publish(made.dao, topic, key, number)
    plan.follow_outbox()


def send(times=1):
    """Send what is due, as if so many waits were over."""
    for _ in range(times):
        Work.objects.filter(done_at=None).update(due_at=timezone.now() - datetime.timedelta(seconds=1))
        webhooks.wake()
        work.run_due("webapp.webhook", limit=50)


def types(here):
    return [body["type"] for body in here.taken]


def test_a_message_is_signed_so_that_others_libraries_believe_it(made, here):
    plan.follow_outbox()
    hook = hook_to(made, here.url)
    proposal = made.proposal(7)
    made.summary(proposal)
    tell(made, "proposal.created", "7")
    send()
    headers, body = here.seen[0]
    told = Verifier(webhooks.secret_of(hook)).verify(body, headers)
    assert told["type"] == "proposal.created"
    assert told["data"]["proposal_id"] == "7"
    assert told["data"]["link"] == "http://testserver/river/proposals/7/"
    assert told["data"]["dao"] == {"slug": "river", "name": "River DAO", "chain_id": str(CHAIN)}
    with pytest.raises(Exception, match="No matching signature"):
        Verifier(webhooks.secret_of(hook)).verify(body + b" ", headers)


def test_what_is_not_taken_comes_again_with_the_same_id_and_before_all_else(made, here):
    plan.follow_outbox()
    hook_to(made, here.url)
    for number in (7, 8):
        made.summary(made.proposal(number))
        tell(made, "proposal.created", str(number))
    here.does = lambda number: (500, BREAK, 302, 204, 204)[number - 1]
    send(3)
    assert here.taken == []
    assert len(set(here.ids)) == 1
    (row,) = Work.objects.filter(name=webhooks.WEBHOOK_WORK)
    assert row.last_error_code["code"] == "hook_status"
    send()
    assert [body["data"]["proposal_id"] for body in here.taken] == ["7", "8"]
    assert Webhook.objects.get().failures == 0


def test_it_waits_longer_each_time_and_as_long_as_it_is_asked_to(made, here):
    plan.follow_outbox()
    hook_to(made, here.url)
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    here.does = lambda _number: 503
    waits = []
    for _ in range(14):
        send()
        waits.append((Work.objects.get(name=webhooks.WEBHOOK_WORK).due_at - timezone.now()).total_seconds())
    assert 3 < waits[0] < 7
    assert all(later > earlier * 1.3 for earlier, later in itertools.pairwise(waits[:12]))
    assert 6 * 3600 - 60 < waits[-1] < 6 * 3600 * 1.2 + 1
    for asked in ("600", format_datetime(timezone.now() + datetime.timedelta(seconds=601), usegmt=True)):
        here.headers = {"Retry-After": asked}
        Webhook.objects.update(failures=0)
        send()
        assert 590 < (Work.objects.get(name=webhooks.WEBHOOK_WORK).due_at - timezone.now()).total_seconds() < 721


def test_one_message_that_its_receiver_refuses_does_not_hold_up_the_others_for_ever(made, here):
    plan.follow_outbox()
    hook_to(made, here.url)
    for number in (7, 8):
        made.summary(made.proposal(number))
        tell(made, "proposal.created", str(number))
    here.does = lambda number: 400 if number <= 9 else 204
    send(8)
    assert set(WebhookEvent.objects.values_list("outcome", flat=True)) == {""}, "a bad quarter of an hour loses nothing"
    WebhookEvent.objects.filter(refusals__gt=0).update(refused_since=timezone.now() - webhooks._REFUSED_FOR)
    send()
    assert sorted(WebhookEvent.objects.values_list("outcome", flat=True)) == [REFUSED, SENT]
    assert [body["data"]["proposal_id"] for body in here.taken] == ["8"]


def test_outages_do_not_count_as_refusals(made, here):
    """Down for a day, then one answer of a proxy that wakes up: the message comes all the same."""
    plan.follow_outbox()
    hook_to(made, here.url)
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    here.does = lambda number: (503, BREAK, 400)[number % 3] if number < 15 else 204
    send(8)
    assert WebhookEvent.objects.get().outcome == ""
    WebhookEvent.objects.update(refused_since=timezone.now() - 24 * webhooks._REFUSED_FOR)
    send(7)
    assert types(here) == ["proposal.created"]


def queued(made):
    proposal = made.proposal(7, queued=True, eta_chain_s=NOW + DAY, for_votes=50_000 * 10**18, deadline=NOW - 9)
    return ProposalTransition.objects.create(proposal=proposal, kind="queued", log=made.log())


@pytest.mark.parametrize("answer", [500, 502, BREAK, DAWDLE])
def test_news_that_may_have_been_read_are_corrected(made, here, answer, monkeypatch):
    monkeypatch.setattr(outbound, "WITHIN_S", 1.0)
    plan.follow_outbox()
    hook_to(made, here.url)
    step = queued(made)
    tell(made, "proposal.queued", "7")
    here.does = lambda number: answer if number == 1 else 204
    send()
    step.delete()
    tell(made, "proposal.queued.undone", "7")
    send()
    assert types(here) == ["proposal.queued.undone"]
    assert list(WebhookEvent.objects.order_by("pk").values_list("outcome", flat=True)) == [PERHAPS_SENT, SENT]
    tell(made, "proposal.queued.undone", "7", 402)
    send()
    assert len(here.taken) == 1, "once"


@pytest.mark.parametrize("answer", [404, 429, 302])
def test_news_that_were_certainly_not_taken_are_not_corrected(made, here, answer):
    plan.follow_outbox()
    hook_to(made, here.url)
    step = queued(made)
    tell(made, "proposal.queued", "7")
    here.does = lambda number: answer if number == 1 else 204
    send()
    step.delete()
    tell(made, "proposal.queued.undone", "7")
    send()
    assert here.taken == []


def test_what_nobody_can_reach_was_told_nothing(made, here):
    plan.follow_outbox()
    hook = hook_to(made, "http://127.0.0.1:9/in")
    step = queued(made)
    tell(made, "proposal.queued", "7")
    send()
    Webhook.objects.filter(pk=hook.pk).update(url=here.url)
    step.delete()
    tell(made, "proposal.queued.undone", "7")
    send()
    assert here.taken == []


def test_a_killed_workers_news_are_corrected_and_a_correction_that_may_be_lost_comes_again(made, here, monkeypatch):
    plan.follow_outbox()
    hook_to(made, here.url)
    step = queued(made)
    tell(made, "proposal.queued", "7")
    post = outbound.post

    def killed(*arguments):
        post(*arguments)
        raise SystemExit("killed")

    monkeypatch.setattr(outbound, "post", killed)
    with pytest.raises(SystemExit):
        send()
    Work.objects.update(lease=None, leased_until=None)
    monkeypatch.setattr(outbound, "post", post)
    step.delete()
    tell(made, "proposal.queued.undone", "7")
    here.does = lambda number: 502 if number == 2 else 204
    send()
    ProposalTransition.objects.create(proposal=Proposal.objects.get(), kind="queued", log=made.log())
    tell(made, "proposal.queued", "7", 402)
    send()
    assert types(here) == ["proposal.queued"] * 2, "the correction may have been read: told again"
    ProposalTransition.objects.filter(kind="queued").delete()
    tell(made, "proposal.queued.undone", "7", 403)
    send()
    assert types(here)[2:] == ["proposal.queued.undone"]


def test_news_that_flap_are_told_as_they_are_and_corrected_once(made, here):
    """Queued, taken back, queued again while the receiver is away: it is told the last word, once."""
    plan.follow_outbox()
    hook_to(made, here.url)
    proposal = made.proposal(7, queued=True, eta_chain_s=NOW + DAY, for_votes=50_000 * 10**18, deadline=NOW - 9)
    step = ProposalTransition.objects.create(proposal=proposal, kind="queued", log=made.log())
    tell(made, "proposal.queued", "7")
    send()
    assert types(here) == ["proposal.queued"]
    here.does = lambda _number: 500
    step.delete()
    tell(made, "proposal.queued.undone", "7")
    tell(made, "proposal.queued", "7", 401)
    ProposalTransition.objects.create(proposal=proposal, kind="queued", log=made.log())
    here.does = lambda _number: 204
    send()
    assert types(here) == ["proposal.queued"], "it is so, and was told: nothing is to be said"
    ProposalTransition.objects.filter(kind="queued").delete()
    tell(made, "proposal.queued.undone", "7", 402)
    send()
    assert types(here) == ["proposal.queued", "proposal.queued.undone"]
    assert here.taken[-1]["data"]["undone"] is True


def test_a_correction_of_what_was_never_told_is_not_sent(made, here):
    plan.follow_outbox()
    hook_to(made, here.url)
    tell(made, "proposal.created", "9")
    tell(made, "proposal.created.undone", "9")
    send()
    assert here.seen == []
    assert list(WebhookEvent.objects.values_list("outcome", flat=True)) == [NOTHING, NOTHING]


def test_what_one_node_alone_shows_waits_and_holds_up_nothing_else(made, here):
    plan.follow_outbox()
    hook_to(made, here.url)
    act = made.act(1, status="killed")
    act.final_log = made.log()
    act.save()
    doubt = UnconfirmedLog.objects.create(dao=made.dao, log=act.final_log)
    tell(made, "act.killed", f"0x{'01' * 32}:1")
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    send(2)
    assert types(here) == ["proposal.created"]
    doubt.delete()
    send()
    assert types(here) == ["proposal.created", "act.killed"]


def test_many_that_wait_hold_up_nothing_else(made, here):
    """Sixty acts that one node alone shows, then a proposal."""
    plan.follow_outbox()
    hook_to(made, here.url)
    for number in range(1, 61):
        act = made.act(number, status="killed")
        act.final_log = made.log()
        act.save()
        UnconfirmedLog.objects.create(dao=made.dao, log=act.final_log)
        tell(made, "act.killed", f"0x{'01' * 32}:{number}")
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    send(2)
    assert types(here) == ["proposal.created"]


def test_that_the_agent_was_stopped_is_told_while_blocks_of_long_ago_are_read(made, here):
    plan.follow_outbox()
    hook_to(made, here.url)
    Webhook.objects.update(created_at=timezone.now() - datetime.timedelta(days=1))
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    halt = AgentHalt.objects.create(dao=made.dao, reason="by hand")
    webhooks.plan_switches()
    Cursor.objects.filter(dao=made.dao).update(node_head_block=10_000)
    send()
    assert types(here) == ["agent.stopped"], halt
    Cursor.objects.filter(dao=made.dao).delete()
    send()
    assert Work.objects.get(name=webhooks.WEBHOOK_WORK).last_error_code["code"] == "mirror_behind"


def test_the_page_calls_no_wait_a_failure_and_shows_no_inner_error(client, made):
    hook = hook_to(made, "https://hooks.example.org/")
    Webhook.objects.update(failures=1)
    row = Work.objects.create(name=webhooks.WEBHOOK_WORK, key=str(hook.pk), due_at=timezone.now())
    signed_in(client)
    for code, values, is_shown in (
        ("hook_status", {"status": 503}, True), ("one_node_alone", {}, False), ("mirror_behind", {}, False),
        ("work_failed", {"error": "KeyError", "text": "inner"}, False),
    ):  # fmt: skip
        row.last_error, row.last_error_code = "inner", {"code": code, "values": values, "table": "mail"}
        row.save()
        page = client.get("/river/subscribe/webhooks/").content.decode()
        assert ("The last attempt failed" in page) is is_shown
        assert "inner" not in page


def test_a_chat_is_not_told_late_what_people_would_read_as_being_so_now(made, here):
    plan.follow_outbox()
    hook_to(made, here.url)
    hook_to(made, here.url, "slack")
    proposal = made.proposal(7, snapshot=NOW - 3 * DAY, deadline=NOW - 1)
    made.summary(proposal)
    with transaction.atomic():
        webhooks.plan(made.dao, plan.Kind.OPENED, "vote.opened:7@m1.1", 400, Q())
    send()
    assert [(body.get("type"), body.get("data", {}).get("is_current")) for body in here.taken] == [
        ("vote.opened", False)
    ]


HOSTILE = (
    "# @everyone <!channel> [free](https://evil.example/x) https://evil.example www.evil.example **now** <b>\n\nPay."
)


@pytest.mark.parametrize("form", ["discord", "slack", "telegram"])
def test_a_hostile_title_makes_no_link_mention_or_markup(made, here, form):
    plan.follow_outbox()
    hook_to(made, f"{here.url}?chat_id=-100", form)
    made.summary(made.proposal(7, description=HOSTILE))
    tell(made, "proposal.created", "7")
    send()
    (body,) = here.taken
    text = body.get("content") or body["text"]
    assert text.endswith("\nhttp://testserver/river/proposals/7/")
    before = text.rsplit("\n", 1)[0]
    assert "@" not in before
    assert "://" not in before
    assert not re.search(r"(?i)evil\.example|www\.", before.replace("\\", ""))
    if form == "discord":
        assert body["allowed_mentions"] == {"parse": []}
        assert not re.search(r"(?<!\\)[*_`\[\]()<>|~]", before)
        assert len(text) <= 2000
    if form == "slack":
        assert "<" not in before
        assert ">" not in before
    if form == "telegram":
        assert body["chat_id"] == "-100"
        assert "parse_mode" not in body


def test_telegrams_chat_stands_in_the_body_alone():
    hook = Webhook(url="https://api.telegram.org/bot1:x/sendMessage?chat_id=-5&message_thread_id=2", form="telegram")
    assert hook_words.address(hook) == "https://api.telegram.org/bot1:x/sendMessage?message_thread_id=2"
    assert hook_words.chat_of(hook.url) == "-5"


@pytest.mark.parametrize(
    ("status", "created_ago", "taken_ago", "code"),
    [(410, 1, 1, "hook_gone"), (500, 2, None, "hook_never_answered"), (500, 90, 31, "hook_dead"), (500, 90, 29, "")],
)
def test_a_receiver_that_is_gone_ends_its_webhook_and_its_address_is_forgotten(
    made, here, status, created_ago, taken_ago, code
):
    hook = hook_to(made, here.url, is_new=True)
    now = timezone.now()
    ago = None if taken_ago is None else now - datetime.timedelta(days=taken_ago)
    Webhook.objects.update(created_at=now - datetime.timedelta(days=created_ago), last_taken_at=ago)
    WebhookEvent.objects.update(created_at=now - datetime.timedelta(days=created_ago))
    here.does = lambda _number: status
    send()
    hook.refresh_from_db()
    assert hook.ended_code == code
    assert (hook.url == "") is (code != "")
    assert WebhookEvent.objects.filter(done_at=None).exists() is (code == "")


def test_a_receiver_that_was_quiet_because_nothing_happened_does_not_end(made, here):
    plan.follow_outbox()
    hook = hook_to(made, here.url)
    Webhook.objects.update(last_taken_at=timezone.now() - datetime.timedelta(days=90))
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    here.does = lambda _number: 500
    send()
    hook.refresh_from_db()
    assert hook.ended_at is None


def test_a_worker_that_is_killed_after_sending_sends_it_again_with_the_same_id(made, here, monkeypatch):
    plan.follow_outbox()
    hook_to(made, here.url)
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    post = outbound.post

    def killed(*arguments):
        post(*arguments)
        raise SystemExit("killed")

    monkeypatch.setattr(outbound, "post", killed)
    with pytest.raises(SystemExit):
        send()
    Work.objects.update(lease=None, leased_until=None)  # the lease of a killed worker runs out
    monkeypatch.setattr(outbound, "post", post)
    send()
    assert len(here.taken) == 2
    assert len(set(here.ids)) == 1
    assert WebhookEvent.objects.get().outcome == SENT


def test_through_a_receiver_that_flaps_all_come_and_each_things_in_order(made, here):
    """Half of all attempts fail, in each way in which they can: of every proposal it hears that it was created, queued
    and executed, in that order."""
    plan.follow_outbox()
    hook = hook_to(made, here.url)
    chance = random.Random(7)
    here.does = lambda _number: chance.choice([204, 200, 201, 202, 400, 500, 503, 429, 422, BREAK])
    each = EVENTS // 3
    log = made.log()
    Proposal.objects.bulk_create(
        Proposal(
            dao=made.dao, proposal_id=number, log=log, created_block=number, proposer=account(9), title=f"n {number}",
            description=f"n {number}", snapshot=NOW - DAY, deadline=NOW - 1, queued=True, executed=True,
        )
        for number in range(1, each + 1)
    )  # fmt: skip
    ProposalTransition.objects.bulk_create(
        ProposalTransition(proposal=proposal, kind=kind, log=log)
        for proposal in Proposal.objects.all() for kind in ("created", "queued", "executed")
    )  # fmt: skip
    steps = ("created", "queued", "executed")
    wanted = [f"proposal.{step}:{number}" for number in range(1, each + 1) for step in steps]
    old = timezone.now() - datetime.timedelta(minutes=5)  # nobody waits for a summary any more
    WebhookEvent.objects.bulk_create(
        WebhookEvent(webhook=hook, topic=f"{about}@{n}", about=about, message_id=f"msg_{n}", block_number=n)
        for n, about in enumerate(wanted)
    )
    WebhookEvent.objects.update(created_at=old)
    begun = time.monotonic()
    while WebhookEvent.objects.filter(done_at=None).exists():
        send()
    told = [f"{body['type']}:{body['data']['proposal_id']}" for body in here.taken]
    assert list(dict.fromkeys(told)) == wanted, "none lost, and in order"
    assert len(set(here.ids)) == len(wanted)
    print(
        json.dumps({"events": len(wanted), "attempts": len(here.seen), "seconds": round(time.monotonic() - begun, 1)})
    )


def test_waking_asks_as_much_for_many_webhooks_as_for_one(made):
    hook_to(made, "https://hooks.example.org/")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            webhooks.wake()
        counts.append(len(captured))
        Webhook.objects.bulk_create(
            Webhook(dao=made.dao, owner=account(n), url="https://hooks.example.org/", salt=str(n)) for n in range(50)
        )
    assert counts == [1, 1]


def signed_in(client, who=OWNER):
    session = client.session
    session[signin._ACCOUNT] = {"address": who.hex(), "until": time.time() + 600, "chain": None}
    session.save()


WISH = {"url": "https://hooks.example.org/services/T0/SECRETPART", "form": "standard", "topics": ["created", "result"]}


def test_an_account_adds_sees_and_ends_its_own(client, made):
    assert client.post("/river/subscribe/webhooks/", WISH).status_code == 403
    assert Webhook.objects.count() == 0
    signed_in(client)
    page = client.post("/river/subscribe/webhooks/", WISH)
    hook = Webhook.objects.get()
    assert webhooks.secret_of(hook) in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    later = client.get("/river/subscribe/webhooks/").content.decode()
    assert webhooks.secret_of(hook) not in later
    assert "SECRETPART" not in page.content.decode() + later
    assert "hooks.example.org" in later
    assert "SECRETPART" not in "".join(AuditEntry.objects.values_list("body", flat=True))
    assert f'"{Action.WEBHOOK_ADDED}"' in AuditEntry.objects.latest("pk").body
    signed_in(client, account(4))
    assert "hooks.example.org" not in client.get("/river/subscribe/webhooks/").content.decode()
    assert client.post(f"/river/subscribe/webhooks/{hook.pk}/end").status_code == 404
    signed_in(client)
    assert client.post(f"/river/subscribe/webhooks/{hook.pk}/end").status_code == 302
    hook.refresh_from_db()
    assert (hook.url, hook.ended_code) == ("", "hook_by_owner")
    assert "its owner ended it" in client.get("/river/subscribe/webhooks/").content.decode()


def test_who_runs_the_site_ends_a_strangers_webhook_and_the_log_says_why(client, made, capsys):
    signed_in(client)
    client.post("/river/subscribe/webhooks/", WISH)
    hook = Webhook.objects.get()
    Webhook.objects.update(failures=2)
    call_command("webhooks", "list", "--dao", "river")
    listed = capsys.readouterr().out
    assert listed.split()[:2] == [str(hook.pk), "river"]
    assert "hooks.example.org  nothing taken yet, 2 attempts failed since" in listed
    assert "SECRETPART" not in listed
    call_command("webhooks", "list", "--dao", "lake")
    assert capsys.readouterr().out == ""
    for number, why in (
        (hook.pk, " no  "),
        (hook.pk + 1, "it floods us"),
        (-1, "it floods us"),
        (2**70, "it floods"),
    ):
        with pytest.raises(CommandError):
            call_command("webhooks", "end", str(number), f"--because={why}")
    call_command("webhooks", "end", str(hook.pk), "--because=it floods\nits receiver")
    hook.refresh_from_db()
    assert (hook.url, hook.ended_code) == ("", "hook_by_keeper")
    assert not hook.events.filter(done_at=None).exists()
    entry = json.loads(AuditEntry.objects.latest("pk").body)
    assert entry["action"] == Action.WEBHOOK_ENDED
    assert entry["values"] == {"webhook": str(hook.pk), "why": "hook_by_keeper", "because": "it floods its receiver"}
    assert "a keeper of this site ended it" in client.get("/river/subscribe/webhooks/").content.decode()
    with pytest.raises(CommandError, match="no webhook"):
        call_command("webhooks", "end", str(hook.pk), "--because=once more")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "https://10.0.0.1/"}, "not on the public internet"),
        ({"url": "http://hooks.example.org/"}, "begins with https://"),
        ({"form": "telegram"}, "Name the chat"),
        ({"topics": ["needs_you"]}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_with_a_wish_is_said(client, made, settings, change, said):
    settings.WEBHOOK_TEST_NETWORKS = []
    signed_in(client)
    answer = client.post("/river/subscribe/webhooks/", {**WISH, **change})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Webhook.objects.exists()


def test_an_account_has_only_so_many(client, made):
    signed_in(client)
    answers = [client.post("/river/subscribe/webhooks/", WISH).status_code for _ in range(webhooks.PER_OWNER + 1)]
    assert answers == [200] * webhooks.PER_OWNER + [422]
    assert Webhook.objects.count() == webhooks.PER_OWNER


def test_strangers_keep_nobody_out_who_has_power(client, made, monkeypatch):
    """Every place is taken, by as many fresh wallets: a member gets one all the same, another stranger does not."""
    monkeypatch.setattr(webhooks, "PER_DAO", 4)
    made.power(50, 1)
    made.power(3, 10**18)
    for who in (50, 51, 52, 53):
        webhooks.add(made.dao, account(who), "https://hooks.example.org/", "standard", [])
    signed_in(client, account(60))
    refused = client.post("/river/subscribe/webhooks/", WISH)
    assert refused.status_code == 422
    assert "less voting power" in refused.content.decode()
    signed_in(client)
    for _ in range(3):
        assert client.post("/river/subscribe/webhooks/", WISH).status_code == 200
    owners = sorted(int.from_bytes(owner) for owner in webhooks.active(made.dao).values_list("owner", flat=True))
    assert owners == [3, 3, 3, 50], "those without power made room"
    with pytest.raises(webhooks.TooMany) as error:
        webhooks.add(made.dao, OWNER, "https://hooks.example.org/", "standard", [])
    assert not error.value.is_dao
    signed_in(client, account(53))
    assert "it made room for one of an account with more voting power" in (
        client.get("/river/subscribe/webhooks/").content.decode()
    )
    assert Webhook.objects.get(owner=account(53)).url == ""


def test_of_equal_power_who_came_first_stays(made, monkeypatch):
    monkeypatch.setattr(webhooks, "PER_DAO", 2)
    for who in (50, 51, 52):
        made.power(who, 7)
    for who in (50, 51):
        webhooks.add(made.dao, account(who), "https://hooks.example.org/", "standard", [])
    with pytest.raises(webhooks.TooMany) as error:
        webhooks.add(made.dao, account(52), "https://hooks.example.org/", "standard", [])
    assert error.value.is_dao


def test_old_messages_are_forgotten_and_waiting_ones_are_not(made):
    hook = hook_to(made, "https://hooks.example.org/", is_new=True)
    webhooks._append([hook], "proposal.created:7@1", "proposal.created:7", 1)
    first = hook.events.earliest("pk")
    WebhookEvent.objects.filter(pk=first.pk).update(done_at=timezone.now() - 2 * webhooks.KEPT)
    webhooks.forget_old()
    assert [event.about for event in hook.events.all()] == ["proposal.created:7"]
