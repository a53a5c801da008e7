# SPDX-License-Identifier: Apache-2.0
"""Given readers of daily and weekly digests: when each comes, what it tells, across DAOs, and each thing once."""

import datetime
import re
import smtplib
import time

import pytest
from django.core import mail
from django.utils import timezone

from governance import work
from governance.models import (
    Chain,
    Contract,
    CurrentDelegation,
    Cursor,
    Dao,
    ModuleState,
    Proposal,
    ProposalTransition,
    RawLog,
    UnconfirmedLog,
    Work,
)
from tests.webapp.conftest import DAY, NOW, UNIT, account
from tests.webapp.test_notices import ADDRESS, ME, UTC, headings, reader, tell
from webapp import tasks
from webapp.mail import periods, plan, send, subscriptions, transport
from webapp.mail.kinds import Topic
from webapp.mail.send import DIGEST_WORK
from webapp.models import DigestSent, Reader, Subscription

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(settings):
    settings.SECRET_KEY = "a key of this test"
    settings.ORIGIN = "http://testserver"


def other_dao() -> Dao:
    dao = Dao.objects.create(chain=Chain.objects.get(), slug="lake", name="Lake DAO")
    Contract.objects.create(
        dao=dao, kind="governor", address=account(2000), start_block=0,
        capabilities={"clock": "timestamp", "quorum_counts": "for,abstain", "family": "openzeppelin"},
    )  # fmt: skip
    Cursor.objects.create(dao=dao, next_block=501, head_timestamp_chain_s=NOW, node_head_block=500)
    return dao


def planned_at(moment: datetime.datetime) -> list[str]:
    plan.plan_periods(moment)
    Work.objects.filter(done_at=None).update(due_at=datetime.datetime.now(UTC))
    work.run_due("webapp.", limit=100)
    return list(DigestSent.objects.order_by("pk").values_list("topic", flat=True))


def test_a_digest_comes_at_seven_where_the_reader_is_and_a_missed_one_is_caught_up_once(made):
    reader(made, frequency="daily", zone="Asia/Tokyo")
    made.proposal(7)
    assert planned_at(datetime.datetime(2026, 11, 23, 21, 59, tzinfo=UTC)) == ["daily:2026-11-23"]
    assert planned_at(datetime.datetime(2026, 11, 23, 22, 0, tzinfo=UTC)) == ["daily:2026-11-23", "daily:2026-11-24"]
    # The site stood still for four days and is back in the middle of a night: one digest, of the last morning.
    back = datetime.datetime(2026, 11, 28, 15, 0, tzinfo=UTC)
    for _ in range(2):
        assert planned_at(back)[2:] == ["daily:2026-11-28"]
    assert len(mail.outbox) == 3


def test_a_confirmation_and_news_leave_before_digests_that_fell_due_earlier(made):
    for number in range(3):
        reader(made, frequency="daily", address=f"daily{number}@example.org")
    held = reader(made)
    made.proposal(7)
    plan.plan_periods(datetime.datetime(2026, 11, 24, 8, tzinfo=UTC))
    made.act(4, status="scheduled", act_id=b"\4" * 32, releasable_chain_s=NOW + 9, expires_chain_s=NOW + 99)
    work.enqueue(DIGEST_WORK, "news", None, {"subscription": held.pk, "topic": f"act.scheduled:0x{'01' * 32}:4@1"})
    subscriptions.ask(made.dao, "new@example.org", subscriptions.Choice("daily"), "here")
    tasks.send_due()
    assert {message.to[0] for message in mail.outbox[:2]} == {ADDRESS, "new@example.org"}
    assert len(mail.outbox) == 5


def test_an_old_digest_that_did_not_leave_costs_nobody_the_days(made):
    held = reader(made, frequency="daily")
    made.proposal(7)
    old = DigestSent.objects.create(
        reader=held.reader, subscription=held, topic="daily:2026-11-24", message_id="<old@localhost>"
    )
    at = datetime.datetime(2026, 11, 24, 8, tzinfo=UTC)
    DigestSent.objects.filter(pk=old.pk).update(sent_at=at)
    planned_at(at)
    assert headings() == [], "it left"
    DigestSent.objects.filter(pk=old.pk).update(sent_at=None)
    planned_at(at)
    assert headings() == ["1 decision open"]


def test_weekly_digests_fall_due_on_mondays(made):
    reader(made, frequency="weekly", zone="America/New_York")
    made.proposal(7)
    assert planned_at(datetime.datetime(2026, 11, 23, 11, 59, tzinfo=UTC)) == ["weekly:2026-11-16"]
    assert planned_at(datetime.datetime(2026, 11, 25, 3, 0, tzinfo=UTC))[1:] == ["weekly:2026-11-23"]


def test_one_mail_tells_of_all_daos_and_one_click_ends_them(made, client):
    reader(made, frequency="daily")
    lake = other_dao()
    reader(made, frequency="daily", dao=lake)
    made.summary(made.proposal(7), verdict="not_told")
    made.dao, river = lake, made.dao
    made.proposal(8, description="# Dig")
    made.dao = river
    planned_at(datetime.datetime(2026, 11, 24, 8, tzinfo=UTC))
    (message,) = mail.outbox
    assert message.subject == "Lake DAO and others: 1 NOT TOLD, 2 decisions open"
    for text in (message.body, message.alternatives[0][0]):
        assert [name in text for name in ("Lake DAO", "River DAO", "Dig", "Pay ines")] == [True] * 4
    link = message.extra_headers["List-Unsubscribe"].strip("<>").removeprefix("http://testserver")
    assert client.get(link).status_code == 200
    assert subscriptions.active().count() == 2  # following the link ends nothing
    assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not subscriptions.active().exists()


def test_a_choice_for_another_dao_keeps_zone_and_phrase_unless_it_names_others(made, client):
    reader(made, frequency="daily", zone="Asia/Tokyo")
    Reader.objects.update(phrase="blue heron")
    lake = other_dao()
    for wish, expected in (({}, ("Asia/Tokyo", "blue heron")), ({"zone": "UTC", "phrase": "owl"}, ("UTC", "owl"))):
        mail.outbox.clear()
        wish = {"email": ADDRESS, "frequency": "daily", "topics": [Topic.CREATED], **wish}
        assert client.post(f"/{lake.slug}/subscribe/", wish).status_code == 200
        work.run_due("webapp.")
        (message,) = mail.outbox
        assert "Your phrase: blue heron" in message.body
        link = re.search(r"http://testserver(/subscriptions/\S+)", message.body).group(1)
        page = client.get(link).content.decode()
        assert f"Time zone: {expected[0]}" in page
        assert f"Your phrase: {expected[1]}" in page
        client.post(link)
        one = Reader.objects.get()
        assert (one.zone, one.phrase) == expected


def test_a_digest_tells_what_happened_since_the_one_before(made):
    reader(made, frequency="daily")
    plan.look_at_votes()  # the first look
    proposal = made.proposal(7, deadline=NOW - 1, for_votes=50_000 * UNIT, executed=True)
    step = ProposalTransition.objects.create(proposal=proposal, kind="executed", log=made.log())
    tell(made, "proposal.executed", "7")
    tell(made, "proposal.executed", "9")  # of a proposal that a reorganisation removed
    planned_at(datetime.datetime(2026, 11, 24, 8, tzinfo=UTC))
    (message,) = mail.outbox
    assert message.subject == "River DAO: what happened"
    assert "- Executed: Pay ines" in message.body
    assert "proposal 9" not in message.body
    planned_at(datetime.datetime(2026, 11, 25, 8, tzinfo=UTC))
    assert len(mail.outbox) == 1, "it was told"
    UnconfirmedLog.objects.create(dao=made.dao, log=step.log)
    DigestSent.objects.all().delete()
    Work.objects.all().delete()
    planned_at(datetime.datetime(2026, 11, 24, 8, tzinfo=UTC))
    # One node alone shows it: nothing says that it happened, and the proposal is told as open.
    assert "- Executed: Pay ines" not in "".join(message.body for message in mail.outbox[1:])
    planned_at(datetime.datetime(2026, 11, 25, 8, tzinfo=UTC))
    UnconfirmedLog.objects.all().delete()  # by the second node
    told = []
    for day in (26, 27):
        before = len(mail.outbox)
        planned_at(datetime.datetime(2026, 11, day, 8, tzinfo=UTC))
        told.append(sum(message.body.count("- Executed: Pay ines") for message in mail.outbox[before:]))
    assert told == [1, 0], "what was settled is told by the next digest, and by no other"


def test_news_in_doubt_that_turn_out_made_up_are_told_by_no_digest(made):
    reader(made, frequency="daily")
    proposal = made.proposal(7, deadline=NOW - 1, for_votes=50_000 * UNIT)
    step = ProposalTransition.objects.create(proposal=proposal, kind="queued", log=made.log())
    UnconfirmedLog.objects.create(dao=made.dao, log=step.log)
    tell(made, "proposal.queued", "7")
    for day in (24, 25):
        planned_at(datetime.datetime(2026, 11, day, 8, tzinfo=UTC))
    assert DigestSent.objects.order_by("-pk")[0].doubted == [[made.dao.pk, "proposal.queued", "7"]]
    RawLog.objects.filter(pk=step.log_id).delete()
    planned_at(datetime.datetime(2026, 11, 26, 8, tzinfo=UTC))
    assert DigestSent.objects.order_by("-pk")[0].doubted == []
    assert "- Queued" not in "".join(message.body for message in mail.outbox)


def test_a_digest_tells_what_waits_for_the_readers_address_and_once_that_its_delegate_voted(made, client):
    reader(made, frequency="daily", topics=[Topic.NEEDS_YOU, Topic.DELEGATE])
    ready = made.proposal(8, description="# Own", deadline=NOW - 1, for_votes=50_000 * UNIT)
    Proposal.objects.filter(pk=ready.pk).update(proposer=ME)
    CurrentDelegation.objects.create(
        dao=made.dao, delegator=ME, position=0, delegate=account(9), share_bps=10_000,
        block_number=1, transaction_index=0, log_index=0,
    )  # fmt: skip
    cast, doubted = made.vote(made.proposal(7), 9), made.vote(made.proposal(6, description="# Doubted"), 9)
    RawLog.objects.filter(pk__in=[cast.log_id, doubted.log_id]).update(block_timestamp_chain_s=NOW - 2 * DAY)
    UnconfirmedLog.objects.create(dao=made.dao, log=doubted.log)
    for day in (24, 25):
        planned_at(datetime.datetime(2026, 11, day, 8, tzinfo=UTC))
    first, second = (message.body for message in mail.outbox)
    assert "You can queue it: Own" in first
    assert "Your delegate voted: Pay ines" in first
    assert "Doubted" not in first
    assert "You can queue it: Own" in second
    assert "delegate voted" not in second
    UnconfirmedLog.objects.all().delete()  # by the second node, later than the digest waits for it
    for day in (26, 27):
        planned_at(datetime.datetime(2026, 11, day, 8, tzinfo=UTC))
    third, fourth = (message.body for message in mail.outbox[2:])
    assert third.count("Your delegate voted: Doubted") == 1
    assert "delegate voted" not in fourth
    wish = {"email": ADDRESS, "frequency": "daily", "topics": [Topic.DELEGATE], "zone": "UTC"}
    assert "enter it, or choose more" in client.post("/river/subscribe/", wish).content.decode()
    assert client.post("/api/v1/daos/river/subscriptions", wish, content_type="application/json").status_code == 422


def test_a_digest_has_what_is_open_by_its_topics_and_tells_what_was_made_and_is_over(made):
    held = reader(made, frequency="daily", topics=[Topic.PAUSED])
    plan.look_at_votes()
    made.proposal(7)
    made.act(4, status="scheduled", act_id=b"\4" * 32, releasable_chain_s=NOW + 9, expires_chain_s=NOW + 99)
    planned_at(datetime.datetime(2026, 11, 24, 8, tzinfo=UTC))
    assert headings() == []
    Subscription.objects.filter(pk=held.pk).update(topics=[Topic.CREATED, Topic.OPENED, Topic.SCHEDULED])
    DigestSent.objects.all().delete()
    plan.look_at_votes()
    over = made.proposal(8, description="# Short")
    plan.look_at_votes()
    Proposal.objects.filter(pk=over.pk).update(canceled=True)
    made.act(5, status="killed", act_id=b"\5" * 32, final_log=made.log())
    for kind, key in (("proposal.created", "7"), ("proposal.created", "8"), ("act.scheduled", "0x" + "01" * 32 + ":4"),
                      ("act.scheduled", "0x" + "01" * 32 + ":5")):  # fmt: skip
        tell(made, kind, key)
    planned_at(datetime.datetime(2026, 11, 25, 8, tzinfo=UTC))
    (message,) = mail.outbox
    assert message.subject == "River DAO: 2 decisions open"
    lines = re.findall(r"^- (.*)", message.body, re.MULTILINE)
    assert sorted(lines) == [
        "New proposal: Short", "The agent announced act 5, which can't be stopped any more",
        "The vote was open, and is over: Short",
    ]  # fmt: skip


def test_digests_that_share_what_they_say_alike_say_the_same_as_each_alone(made, monkeypatch):
    """Each reader's own power, vote and order of the votes are its own also where the rest is written once."""
    for number in (7, 8, 9):
        made.summary(made.proposal(number, description=f"# Number {number}\n\nPay 5 USDC."))
    Contract.objects.filter(kind="votes_token").update(
        capabilities={"symbol": "MAND", "decimals": 18, "clock": "timestamp"}
    )
    made.power(3, 5 * UNIT)
    made.power(4, 9 * UNIT)
    made.vote(Proposal.objects.get(proposal_id=7), 3)
    made.vote(Proposal.objects.get(proposal_id=9), 4)
    held = [
        Subscription(dao=made.dao, reader=Reader(email=f"{n}@example.org"), delegate=account(n) if n else None,
                     topics=list(Topic.values))
        for n in (3, 4, 0, 3)
    ]  # fmt: skip

    def texts():
        for one in held:
            place = send._place(made.dao)
            yield periods.compose(one.reader, [one], {one.pk: place}, timezone.now(), "https://x.test")

    with send.sharing():
        together = list(texts())
    alone = list(texts())
    assert together == alone
    assert together[0] == together[3]
    orders = [re.findall(r"^Number \d", mail.text, re.MULTILINE) for mail in together]
    assert [order[-1] for order in orders[:2]] == ["Number 7", "Number 9"], "what is not voted on comes first"
    assert "5 MAND" in together[0].text
    assert "9 MAND" in together[1].text
    assert "votes with" not in together[2].text


def test_digests_of_one_turn_are_of_the_block_that_was_read_last(made, monkeypatch):
    with send.sharing():
        first = send._place(made.dao)
        assert send._place(made.dao) is first
        ModuleState.objects.update(paused=True)
        Cursor.objects.update(next_block=502, head_hash=b"\7" * 32)
        second = send._place(made.dao)
        assert (first.paused, second.paused) == (False, True), "a digest says nothing of before the pause"
        Cursor.objects.update(head_hash=b"\x08" * 32)  # a reorganisation of one block
        third = send._place(made.dao)
        assert third is not second
        assert send._place(made.dao) is third
        late = time.monotonic() + send._SHARED_S + 1
        monkeypatch.setattr(send.time, "monotonic", lambda: late)  # a slow mail server
        assert send._place(made.dao) is not third


def test_many_mails_leave_by_one_connection_and_a_broken_one_is_made_anew(made, monkeypatch):
    opened, sent = [], []

    class Server:
        def __init__(self, **_options):
            opened.append(self)

        def open(self):
            return True

        def close(self):
            raise OSError("gone already")

        def send_messages(self, messages):
            if len(sent) == 2 and len(opened) == 1:
                raise smtplib.SMTPServerDisconnected("gone")
            sent.extend(messages)
            return 1

    monkeypatch.setattr(transport, "get_connection", Server)
    with transport.one_connection():
        for _ in range(2):
            transport.deliver("a@example.org", "s", "t", None, {})
        with pytest.raises(transport.MailNotSent):
            transport.deliver("a@example.org", "s", "t", None, {})
        transport.deliver("a@example.org", "s", "t", None, {})
    assert (len(opened), len(sent)) == (2, 3)
