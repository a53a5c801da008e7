# SPDX-License-Identifier: Apache-2.0
"""Given readers and what happens in a DAO: what is told, to whom, when, once, and never by one node's word alone."""

import datetime
import re
import smtplib
from contextlib import contextmanager

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from governance import outbox, work
from governance.models import (
    Contract,
    CurrentDelegation,
    Cursor,
    ModuleState,
    Proposal,
    ProposalTransition,
    UnconfirmedLog,
    Work,
)
from tests.webapp.conftest import DAY, NOW, UNIT, account
from webapp.mail import digest, own, plan, send, subscriptions, transport
from webapp.mail.kinds import Topic
from webapp.models import DigestSent, Milestone, Reader, Subscription

ADDRESS = "dana@example.org"
ME = account(3)
UTC = datetime.UTC
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(settings):
    settings.SECRET_KEY = "a key of this test"
    settings.ORIGIN = "http://testserver"


def reader(made, *, frequency="immediate", topics=Topic.values, zone="UTC", dao=None, address=ADDRESS) -> Subscription:
    held, _ = Reader.objects.get_or_create(email=address, defaults={"zone": zone})
    return Subscription.objects.create(
        dao=dao or made.dao, reader=held, frequency=frequency, topics=list(topics), delegate=ME,
        confirmed_at=datetime.datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip


def block(made, number):
    """A block was read."""
    Cursor.objects.filter(dao=made.dao).update(next_block=number + 1, node_head_block=number)
    plan.follow_outbox()
    plan.look_at_votes()
    Work.objects.filter(done_at=None).update(due_at=datetime.datetime.now(UTC))
    work.run_due("webapp.", limit=100)


def tell(made, topic, key, number=400):
    with transaction.atomic():
        outbox.publish(made.dao, topic, key, number)


def headings():
    return [message.subject.removeprefix("River DAO: ") for message in mail.outbox]


def votes(proposal, in_favour, against=0):
    Proposal.objects.filter(pk=proposal.pk).update(for_votes=in_favour * UNIT, against_votes=against * UNIT)


def move(proposal, *, snapshot=-DAY, deadline=DAY):
    Proposal.objects.filter(pk=proposal.pk).update(snapshot=NOW + snapshot, deadline=NOW + deadline)


def test_a_vote_is_told_from_its_opening_to_its_result_each_moment_once(made):
    proposal = made.proposal(7, snapshot=NOW + 9, deadline=NOW + 4 * DAY)
    reader(made)
    block(made, 500)  # the first look tells nothing
    for number, change in enumerate(
        [
            lambda: None,
            lambda: move(proposal, deadline=3 * DAY),
            lambda: votes(proposal, 50_000),
            lambda: move(proposal, snapshot=-3 * DAY, deadline=3600),
            lambda: move(proposal, snapshot=-4 * DAY, deadline=-1),
        ],
        501,
    ):
        change()
        for _ in range(2):
            block(made, number)
    assert headings() == [
        "the vote is open: Pay ines", "the quorum is reached: Pay ines", "the vote ends soon: Pay ines",
        "passed: Pay ines",
    ]  # fmt: skip
    threads = {message.extra_headers["References"] for message in mail.outbox}
    assert len(threads) == 1, "mails about one vote belong together"
    assert {message.extra_headers["List-Id"] for message in mail.outbox} == {"<river.decisions.localhost>"}


def test_a_votes_past_is_not_told_to_a_new_site_or_reader(made):
    votes(made.proposal(7), 50_000)
    reader(made)
    block(made, 500)
    block(made, 501)
    assert headings() == []


def test_a_reminder_comes_only_to_those_who_have_not_voted_and_again_where_the_end_moves(made):
    proposal = made.proposal(7, snapshot=NOW - 3 * DAY, deadline=NOW + 2 * DAY)
    reader(made)
    block(made, 500)
    made.vote(proposal, 3)
    move(proposal, snapshot=-3 * DAY, deadline=3600)
    block(made, 501)
    assert headings() == []
    assert list(DigestSent.objects.values_list("outcome", flat=True)) == [send.NOTHING]
    proposal.votes.all().delete()
    move(proposal, snapshot=-3 * DAY, deadline=7200)  # its quorum came late
    block(made, 502)
    assert headings() == ["the vote ends soon: Pay ines"]
    assert "has not voted yet" in mail.outbox[0].body


def test_what_a_reorganisation_takes_back_is_corrected_and_told_again_when_it_comes_again(made):
    proposal = made.proposal(7)
    reader(made)
    block(made, 500)
    for number, count in enumerate((50_000, 1, 1, 50_000), 501):
        votes(proposal, count)
        block(made, number)
    assert headings() == [
        "the quorum is reached: Pay ines", "correction: not so any more: the quorum is reached: Pay ines",
        "the quorum is reached: Pay ines",
    ]  # fmt: skip
    assert "As the chain is now, it is not." in mail.outbox[1].body
    assert "We wrote to you that this is so: the quorum is reached: Pay ines." in mail.outbox[1].body
    proposal.delete()
    block(made, 505)
    assert headings()[3] == "correction: not so any more: the quorum is reached: proposal 7"


def test_a_correction_goes_to_nobody_who_was_not_told(made):
    proposal = made.proposal(7)
    reader(made)
    block(made, 500)
    votes(proposal, 50_000)
    block(made, 501)
    mail.outbox.clear()
    reader(made, address="later@example.org")
    votes(proposal, 1)
    block(made, 502)
    assert [message.to for message in mail.outbox] == [[ADDRESS]]


def test_a_quorum_and_an_end_that_one_node_alone_shows_are_told_to_nobody(made):
    proposal = made.proposal(7)
    reader(made)
    block(made, 500)
    doubted = made.vote(proposal, 9, weight=50_000 * UNIT)
    votes(proposal, 50_000)
    UnconfirmedLog.objects.create(dao=made.dao, log=doubted.log)
    step = ProposalTransition.objects.create(proposal=proposal, kind="executed", log=made.log())
    UnconfirmedLog.objects.create(dao=made.dao, log=step.log)
    block(made, 501)
    UnconfirmedLog.objects.filter(log=step.log).delete()
    step.delete()
    block(made, 502)
    assert headings() == []
    UnconfirmedLog.objects.all().delete()
    block(made, 503)
    assert headings() == ["the quorum is reached: Pay ines"]


def test_a_decision_that_is_not_known_is_no_result(made):
    proposal = made.proposal(7, quorum_votes=None)
    reader(made)
    block(made, 500)
    votes(proposal, 50_000)
    move(proposal, deadline=-1)
    block(made, 501)
    assert headings() == []
    Proposal.objects.update(quorum_votes=60_000 * UNIT)
    block(made, 502)
    assert headings() == ["did not pass: Pay ines"]


def test_steps_of_a_proposal_are_told_while_they_matter(made):
    proposal = made.proposal(7, for_votes=50_000 * UNIT, deadline=NOW - 1, eta_chain_s=NOW + 9, queued=True)
    reader(made)
    block(made, 500)
    ProposalTransition.objects.create(proposal=proposal, kind="queued", log=made.log())
    tell(made, "proposal.queued", "7")
    block(made, 501)
    ProposalTransition.objects.create(proposal=proposal, kind="executed", log=made.log())
    Proposal.objects.update(executed=True)
    tell(made, "proposal.executed", "7")
    tell(made, "proposal.queued.undone", "7")  # the same transactions, in another block
    tell(made, "proposal.queued", "7")
    block(made, 502)
    assert headings() == ["queued: Pay ines", "executed: Pay ines"]


def test_acts_that_end_and_pauses_wait_while_one_node_alone_shows_them(made):
    reader(made)
    block(made, 500)
    keys = {}
    for number, status in ((1, "executed"), (2, "killed"), (3, "vetoed"), (4, "voided"), (5, "released")):
        act = made.act(number, status=status, act_id=bytes([number]) * 32, final_log=made.log())
        keys[status] = f"0x{bytes(act.policy_id).hex()}:{number}"
        UnconfirmedLog.objects.create(dao=made.dao, log=act.final_log)
        tell(made, f"act.{status}", keys[status])
    ModuleState.objects.update(paused=True, pause_epoch=1)
    tell(made, "module.paused", f"0x{account(1004).hex()}:1")
    block(made, 501)
    assert headings() == ["the agent is paused"], "no log of a pause is in doubt here"
    mail.outbox.clear()
    UnconfirmedLog.objects.all().delete()
    block(made, 502)
    assert sorted(headings()) == [
        "act 3 was vetoed", "act 4 was voided", "objections stopped act 2", "the agent performed act 1",
        "the agent performed act 5 after its delay",
    ]  # fmt: skip
    ModuleState.objects.update(paused=False)
    tell(made, "module.unpaused", f"0x{account(1004).hex()}:1")
    block(made, 503)
    assert headings()[-1] == "the pause of the agent is lifted"


def test_what_is_about_the_readers_own_address(made):
    proposal = made.proposal(7)
    ready = made.proposal(8, description="# Own", deadline=NOW - 1, for_votes=50_000 * UNIT)
    Proposal.objects.filter(pk=ready.pk).update(proposer=ME)
    CurrentDelegation.objects.create(
        dao=made.dao, delegator=ME, position=0, delegate=account(9), share_bps=10_000,
        block_number=1, transaction_index=0, log_index=0,
    )  # fmt: skip
    ModuleState.objects.update(guardian=ME)
    reader(made, topics=[Topic.NEEDS_YOU, Topic.DELEGATE])
    block(made, 500)
    assert headings() == ["you can queue it: Own"]
    doubted = made.vote(proposal, 9, support=0, weight=5 * UNIT)
    UnconfirmedLog.objects.create(dao=made.dao, log=doubted.log)
    block(made, 501)
    assert len(mail.outbox) == 1
    UnconfirmedLog.objects.all().delete()
    Proposal.objects.filter(pk=ready.pk).update(eta_chain_s=NOW - 1, queued=True)
    made.act(4, status="scheduled", act_id=b"\4" * 32, releasable_chain_s=NOW + 9, expires_chain_s=NOW + 99)
    for number in (502, 503):
        block(made, number)
    assert sorted(headings()[1:]) == ["you can execute it: Own", "you may veto act 4", "your delegate voted: Pay ines"]
    voted = next(message for message in mail.outbox if "delegate voted" in message.subject)
    assert re.search(r"Your delegate \S+ voted: Against, with 5 MAND\.", voted.body)
    mail.outbox.clear()
    proposal.votes.all().delete()  # a reorganisation
    block(made, 504)
    block(made, 505)
    assert headings() == ["correction: not so any more: your delegate voted: Pay ines"]
    made.vote(proposal, 9, support=1, weight=5 * UNIT)
    block(made, 506)
    block(made, 507)
    assert headings()[1:] == ["your delegate voted: Pay ines"]
    mail.outbox.clear()
    late = made.vote(made.proposal(9, description="# Last minute"), 9)
    UnconfirmedLog.objects.create(dao=made.dao, log=late.log)
    block(made, 508)
    move(late.proposal, deadline=-1)
    block(made, 509)
    assert headings() == []
    reader(made, topics=[Topic.DELEGATE], address="later@example.org")
    Subscription.objects.filter(reader__email="later@example.org").update(confirmed_at=datetime.datetime.now(UTC))
    UnconfirmedLog.objects.all().delete()  # by the second node, after the end
    block(made, 510)
    assert [message.to for message in mail.outbox if "Last minute" in message.subject] == [[ADDRESS]]


def test_a_topic_that_is_switched_off_tells_nothing(made):
    proposal = made.proposal(7)
    reader(made, topics=[Topic.RESULT])
    block(made, 500)
    votes(proposal, 50_000)
    block(made, 501)
    assert headings() == []
    move(proposal, deadline=-1)
    block(made, 502)
    assert headings() == ["passed: Pay ines"]


# --- what the mail server answers


@contextmanager
def answering(monkeypatch, error):
    def refuse(self, *_args, **_kwargs):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
        yield


def recipient(code, said):
    return smtplib.SMTPRecipientsRefused({ADDRESS: (code, said)})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (recipient(450, b"4.2.1 try later"), "later"),
        (recipient(550, b"5.1.1 no such user"), "unknown"),
        (recipient(550, b"no such user"), "closed"),  # so does a relay answer that takes nothing
        (recipient(550, b"relay not permitted"), "closed"),
        (recipient(553, b"5.1.8 sender's domain"), "closed"),
        (recipient(552, b"5.2.2 mailbox full"), "closed"),
        (recipient(550, b"5.7.1 policy"), "closed"),
        (smtplib.SMTPDataError(554, b"5.6.0 content"), "closed"),
        (smtplib.SMTPDataError(451, b"4.3.0 busy"), "later"),
        (smtplib.SMTPSenderRefused(550, b"5.7.1 who are you", "x"), "later"),
        (smtplib.SMTPAuthenticationError(535, b"5.7.8 wrong password"), "later"),
        (smtplib.SMTPServerDisconnected("gone"), "later"),
        (ConnectionRefusedError(), "later"),
    ],
)
def test_what_an_answer_of_the_mail_server_means(monkeypatch, error, expected):
    with answering(monkeypatch, error), pytest.raises((transport.MailNotSent, transport.MailRefused)) as caught:
        transport.deliver(ADDRESS, "s", "t", None, {})
    assert ADDRESS not in str(caught.value)
    assert caught.value.__cause__ is None
    if expected == "later":
        assert isinstance(caught.value, transport.MailNotSent)
    else:
        assert isinstance(caught.value, transport.MailRefused)
        assert caught.value.is_address == (expected == "unknown")


def test_a_refusal_for_good_closes_the_message_and_a_dead_address_rests_until_it_is_confirmed_again(
    made, client, monkeypatch
):
    held = reader(made)
    proposal = made.proposal(7)
    block(made, 500)
    votes(proposal, 50_000)
    with answering(monkeypatch, recipient(550, b"5.1.1 no such user")):
        block(made, 501)
    assert not Work.objects.filter(done_at=None).exists(), "it is not tried again"
    assert list(DigestSent.objects.values_list("outcome", flat=True)) == [send.REFUSED]
    assert not subscriptions.active().exists()
    move(proposal, deadline=-1)
    block(made, 502)
    assert headings() == []
    subscriptions.ask(made.dao, ADDRESS, subscriptions.Choice("immediate"), "here")
    work.run_due("webapp.")
    link = re.search(r"http://testserver(/subscriptions/\S+)", mail.outbox[-1].body).group(1)
    assert client.post(link).status_code == 200
    assert subscriptions.active().get() == held


@pytest.mark.parametrize("reaches_others", [True, False])
def test_messages_refused_in_a_row_let_an_address_rest_for_a_time_unless_nobody_is_reached(
    made, monkeypatch, caplog, reaches_others
):
    held = reader(made)
    proposal = made.proposal(7)
    block(made, 500)
    other = reader(made, address="other@example.org")
    taken = EmailMultiAlternatives.send

    def answered(message):
        if reaches_others and message.to != [ADDRESS]:
            return taken(message)
        raise recipient(552, b"5.2.2 mailbox full")

    monkeypatch.setattr(EmailMultiAlternatives, "send", answered)
    for number, count in enumerate((50_000, 1) * 4, 501):
        votes(proposal, count)
        block(made, number)
    active = set(subscriptions.active())
    assert active == ({other} if reaches_others else {held, other})
    assert ("nothing is sent to 1 readers now" in caplog.text) == reaches_others
    assert ADDRESS not in caplog.text
    monkeypatch.setattr(EmailMultiAlternatives, "send", taken)
    Reader.objects.exclude(rests_until=None).update(rests_until=datetime.datetime.now(UTC))
    votes(proposal, 1)
    block(made, 509)
    votes(proposal, 50_000)
    block(made, 510)
    assert [ADDRESS] in [message.to for message in mail.outbox], "the rest is over"
    assert not Reader.objects.exclude(rests_since=None).exists()


def test_news_that_a_relay_refuses_as_it_does_all_else_come_when_it_works_again(made, monkeypatch):
    reader(made)
    proposal = made.proposal(7)
    block(made, 500)
    votes(proposal, 50_000)
    with answering(monkeypatch, recipient(550, b"relay not permitted")):
        block(made, 501)
        (row,) = Work.objects.filter(done_at=None)
        assert row.last_error_code["code"] == "relay_takes_nothing"
        first = row.due_at
        block(made, 502)
        assert Work.objects.get(done_at=None).due_at > first, "it waits longer each time"
    assert not DigestSent.objects.exclude(sent_at=None).exists()
    block(made, 503)
    assert headings() == ["the quorum is reached: Pay ines"]
    assert list(DigestSent.objects.values_list("outcome", flat=True)) == [send.SENT]


@pytest.mark.parametrize("why", ["others are reached", "two days"])
def test_what_one_address_alone_is_refused_for_is_closed(made, monkeypatch, why):
    held = reader(made)
    proposal = made.proposal(7)
    block(made, 500)
    votes(proposal, 50_000)
    with answering(monkeypatch, recipient(552, b"5.2.2 mailbox full")):
        block(made, 501)
        if why == "two days":
            DigestSent.objects.update(created_at=datetime.datetime.now(UTC) - datetime.timedelta(days=2, minutes=1))
        else:
            other = reader(made, address="other@example.org")
            DigestSent.objects.create(
                reader=other.reader, topic="daily:2026-11-30", message_id="x", outcome=send.SENT,
                sent_at=datetime.datetime.now(UTC),
            )  # fmt: skip
        block(made, 502)
    assert DigestSent.objects.get(reader=held.reader).outcome == send.REFUSED


# --- what a mail says


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see evil.com/claim", "see evil[.]com/claim"),
        ("write to ann@evil.co.uk", "write to ann@evil[.]co[.]uk"),
        ("HTTPS://evil.test", "HTTPS[:]//evil[.]test"),
        ("www.evil.test", "www[.]evil[.]test"),
        ("пример.рф", "пример[.]рф"),
        ("evil．com", "evil[.]com"),
        ("It pays 1.5 USDC. Then it ends, e.g. at 18.40.", "It pays 1.5 USDC. Then it ends, e.g. at 18.40."),
    ],
)
def test_no_word_becomes_a_link_in_a_mail_program(text, shown):
    assert digest.told(text, 200) == shown


def test_a_mail_says_the_verdict_first_and_the_readers_power_and_phrase(made):
    held = reader(made)
    Reader.objects.update(phrase="blue heron")
    made.power(3, 500 * UNIT)
    Contract.objects.filter(kind="votes_token").update(
        capabilities={"symbol": "MAND", "decimals": 18, "clock": "timestamp"}
    )
    block(made, 500)
    made.summary(made.proposal(7), verdict="not_told", flags=[{"code": "x", "severity": "danger", "text": "Flagged."}])
    tell(made, "proposal.created", "7")
    block(made, 501)
    message = next(message for message in mail.outbox if "new proposal" in message.subject)
    for text in (message.body, message.alternatives[0][0]):
        places = [
            text.index(part) for part in ("blue heron", "NOT TOLD", "Flagged.", "It votes with 500 MAND", "State")
        ]
        assert places == sorted(places)
    assert len(set(re.findall(r"http://testserver/river/\S*", message.body))) == 1
    assert held.reader.email not in message.body


def test_the_page_shows_what_would_come_and_takes_the_choice(made, client):
    made.proposal(7)
    wish = {"frequency": "weekly", "topics": [Topic.CREATED, Topic.RESULT], "zone": "Europe/Berlin", "phrase": "heron"}
    shown = client.post("/river/subscribe/", {**wish, "preview": "1"})
    assert shown.status_code == 200
    assert "River DAO: 1 decision open" in shown.content.decode()
    assert "Your phrase: heron" in shown.content.decode()
    assert not Reader.objects.exists()
    assert client.post("/river/subscribe/", {**wish, "email": ADDRESS, "zone": "Mars/Base"}).status_code == 422
    assert client.post("/river/subscribe/", {**wish, "email": ADDRESS, "topics": []}).status_code == 422
    assert client.post("/river/subscribe/", {**wish, "email": ADDRESS}).status_code == 200
    work.run_due("webapp.")
    link = re.search(r"http://testserver(/subscriptions/\S+)", mail.outbox[-1].body).group(1)
    page = client.get(link).content.decode()
    assert "Time zone: Europe/Berlin" in page
    assert "A vote is decided" in page
    client.post(link)
    one = subscriptions.active().get()
    assert (one.topics, one.reader.zone, one.reader.phrase) == (["created", "result"], "Europe/Berlin", "heron")
    made.dao.proposals.all().delete()
    empty = client.post("/river/subscribe/", {**wish, "preview": "1"})
    assert "there would be nothing to say" in empty.content.decode()


# --- what is kept of a reader


def own_link(client) -> str:
    mail.outbox.clear()
    assert client.post("/subscriptions/own/", {"email": ADDRESS}).status_code == 200
    work.run_due("webapp.")
    return re.search(r"http://testserver(/subscriptions/\S+)", mail.outbox[-1].body).group(1)


def test_a_reader_sees_takes_and_deletes_what_is_kept(made, client):
    reader(made)
    proposal = made.proposal(7)
    block(made, 500)
    votes(proposal, 50_000)
    block(made, 501)
    subscriptions.ask(made.dao, ADDRESS, subscriptions.Choice("daily", ME, phrase="heron"), "here")
    link = own_link(client)
    assert ADDRESS not in link
    page = client.get(link)
    assert ADDRESS in page.content.decode()
    assert page.headers["Cache-Control"] == "no-store"
    kept = client.get(f"{link}data.json").json()
    assert kept["email"] == ADDRESS
    assert kept["subscriptions"][0]["voting_address"].lower() == f"0x{ME.hex()}"
    assert [message["about"].partition(":")[0] for message in kept["messages"]] == ["vote.quorum"]
    assert client.post(link).status_code == 200
    assert not Reader.objects.exists()
    assert not Subscription.objects.exists()
    assert not DigestSent.objects.exists()
    held = " ".join(str(row) for row in Work.objects.values_list("name", "key", "arguments"))
    assert ME.hex() not in held
    assert "heron" not in held
    assert client.get(link).status_code == 410
    assert Milestone.objects.exists(), "what happened in the DAO is nobody's own"


def test_whoever_asks_learns_nothing_of_another_and_an_old_link_is_dead(made, client):
    unknown = client.post("/subscriptions/own/", {"email": "nobody@example.org"})
    reader(made)
    known = client.post("/subscriptions/own/", {"email": ADDRESS})
    assert re.sub(rb"csrf\S+ value=\S+", b"", unknown.content) == re.sub(rb"csrf\S+ value=\S+", b"", known.content)
    link = own_link(client)
    newer = own_link(client)
    assert client.get(link).status_code == 410
    Reader.objects.update(own_sent_at=datetime.datetime.now(UTC) - own.WITHIN)
    assert client.get(newer).status_code == 410
