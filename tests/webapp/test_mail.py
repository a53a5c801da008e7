# SPDX-License-Identifier: Apache-2.0
"""Given a wish for a digest: what reaches the mailbox, and what does not."""

import datetime
import html
import logging
import re

import pytest
from django.core import mail

from agent.understanding import summaries
from agent.understanding.judging import Outcome
from governance import outbox, work
from governance.chain import abi
from governance.models import Cursor, Proposal, ProposalTransition, UnconfirmedLog, Work
from governance.projections.tallies import REDUCED
from governance.state import governor_of
from presentation import card, words
from presentation.dao_view import DaoView
from tests.webapp.conftest import NOW, UNIT, account
from webapp.mail import digest, plan, send, subscriptions
from webapp.mail.kinds import Topic
from webapp.models import DigestSent, Subscription

ADDRESS = "dana@example.org"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _origin(settings):
    settings.SECRET_KEY = "a key of this test"
    settings.ORIGIN = "http://testserver"


def link_in(message):
    return re.search(r"http://testserver(/subscriptions/\S+)", message.body).group(1)


def ask(client, **values):
    body = {"email": ADDRESS, "frequency": "immediate", **values}
    return client.post("/api/v1/daos/river/subscriptions", body, content_type="application/json")


def subscribed(client, made, **values) -> Subscription:
    assert ask(client, **values).status_code == 202
    work.run_due("webapp.")
    assert client.post(link_in(mail.outbox[-1])).status_code == 200
    mail.outbox.clear()
    Subscription.objects.update(from_block=None)  # it was there before the blocks that `tell` tells of
    return Subscription.objects.get()


def tell(made, topic, key):
    from django.db import transaction

    with transaction.atomic():
        outbox.publish(made.dao, topic, key, 400)


def test_only_the_button_subscribes(client, made):
    assert ask(client).status_code == 202
    work.run_due("webapp.")
    (message,) = mail.outbox
    assert message.to == [ADDRESS]
    link = link_in(message)
    assert ADDRESS not in link
    page = client.get(link)  # a link scanner
    assert page.status_code == 200
    assert b"Yes, subscribe" in page.content
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert not subscriptions.active().exists()
    assert client.post(link).status_code == 200
    assert subscriptions.active().count() == 1
    assert client.post(link).status_code == 410  # spent


def test_a_changed_link_does_nothing(client, made):
    ask(client)
    work.run_due("webapp.")
    link = link_in(mail.outbox[0])
    assert client.post(link[:-6] + "AAAAA/").status_code == 410
    assert not subscriptions.active().exists()


def test_asking_for_anothers_address_changes_nothing_of_theirs(client, made):
    held = subscribed(client, made)
    ask(client, frequency="weekly")
    held.refresh_from_db()
    assert held.frequency == "immediate"
    assert held.confirmed_at is not None


def test_a_new_proposal_reaches_the_delegate_once_with_its_sources(client, made):
    subscribed(client, made, delegate="0x" + account(3).hex())
    plan.follow_outbox()  # the reader begins here
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    for _ in range(3):
        plan.follow_outbox()
        work.run_due("webapp.")
    (message,) = mail.outbox
    rich = message.alternatives[0][0]
    for text in (message.body, rich):
        for expected in (
            "Pay ines", "It pays ines.", "Pay 5 USDC.", "Transfers 5 USDC", "small-model (demo model)",
            "has not voted yet", "http://testserver/river/proposals/7/",
        ):  # fmt: skip
            assert expected in text, expected
    assert "<img" not in rich
    headers = message.extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<[0-9a-f]{40}@localhost>", headers["Message-ID"])
    one_click = headers["List-Unsubscribe"].strip("<>").removeprefix("http://testserver")
    assert client.get(one_click).status_code == 200
    assert subscriptions.active().exists()  # following the link ends nothing
    from django.test import Client

    program = Client(enforce_csrf_checks=True)
    assert program.post(one_click, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not subscriptions.active().exists()


def test_hostile_text_is_escaped_and_can_write_no_header(client, made):
    subscribed(client, made)
    plan.follow_outbox()
    proposal = made.proposal(7, title="Hi\r\nBcc: all@example.org", description="x")
    made.summary(
        proposal,
        sentences=[{"text": "<script>x</script>\u202e", "source": {"kind": "span", "id": "s", "quote": "<b>q</b>"}}],
    )
    tell(made, "proposal.created", "7")
    plan.follow_outbox()
    work.run_due("webapp.")
    (message,) = mail.outbox
    assert "\n" not in message.subject
    assert message.message()["Bcc"] is None
    rich = message.alternatives[0][0]
    assert "<script>" not in rich
    assert "<b>q" not in rich
    assert "\u202e" not in rich + message.body


@pytest.mark.parametrize("verdict", [outcome.value for outcome in Outcome])
def test_every_verdict_is_told(client, made, verdict):
    subscribed(client, made)
    plan.follow_outbox()
    made.summary(made.proposal(7), verdict=verdict)
    tell(made, "proposal.created", "7")
    plan.follow_outbox()
    work.run_due("webapp.")
    (message,) = mail.outbox
    for text in (message.body, html.unescape(message.alternatives[0][0])):
        assert words.VERDICTS[verdict] in text
    assert message.subject.startswith(f"River DAO: {card.tag(verdict).words}: new proposal: ")


def test_a_mail_says_which_effect_no_word_tells_and_which_order_no_call_does(client, made):
    subscribed(client, made)
    plan.follow_outbox()
    made.summary(
        made.proposal(7),
        verdict="not_told",
        effects=[
            {"id": "e1", "position": 0, "kind": "transfer", "sentence": "Pays ines."},
            {"id": "e2", "position": 1, "kind": "transfer", "sentence": "Pays mallory."},
        ],
        findings=[
            {"status": "told", "effect": "e1", "quote": None, "text": "x"},
            {"status": "not_told", "effect": "e2", "quote": None, "text": "x"},
            {"status": "not_done", "effect": "", "quote": {"text": "We pay bob."}, "text": "x"},
        ],
    )
    tell(made, "proposal.created", "7")
    plan.follow_outbox()
    work.run_due("webapp.")
    (message,) = mail.outbox
    for text in (message.body, html.unescape(message.alternatives[0][0])):
        assert text.index("NOT TOLD: Pays mallory.") < text.index("Told: Pays ines.")
        assert "The text orders this, and no call that can be read does it, or not as often:" in text
        assert "We pay bob." in text


def test_what_a_model_chose_is_marked_in_the_mail(client, made):
    subscribed(client, made)
    plan.follow_outbox()
    made.summary(made.proposal(7))
    made.summary(made.proposal(8), status="abstained")
    for number in ("7", "8"):
        tell(made, "proposal.created", number)
    plan.follow_outbox()
    work.run_due("webapp.")
    chosen, by_code = mail.outbox
    assert 'data-ai="selection" data-ai-model="small-model (demo model)"' in chosen.alternatives[0][0]
    assert "sentences chosen by a model, small-model (demo model)" in chosen.body
    assert "data-ai" not in by_code.alternatives[0][0]
    assert "written by code, without a model" in by_code.body


def test_an_outcome_that_changes_is_told_once_and_only_while_it_stands(client, made):
    subscribed(client, made)
    plan.follow_outbox()
    made.summary(made.proposal(7), verdict="differs")
    tell(made, summaries.CHANGED, "7:differs")
    tell(made, summaries.CHANGED, "7:told")  # it changed again before anybody was written to
    tell(made, summaries.CHANGED, "9:differs")  # of a proposal that is gone
    for _ in range(3):
        plan.follow_outbox()
        work.run_due("webapp.")
    (message,) = mail.outbox
    assert message.subject.startswith("River DAO: Differs: text and calls were compared again: ")
    assert words.VERDICTS["differs"] in message.body


def test_the_subject_of_a_digest_counts_what_is_red(client, made):
    subscribed(client, made, frequency="daily")
    for number, verdict in ((7, "not_told"), (8, "differs"), (9, "differs"), (10, "told")):
        made.summary(made.proposal(number), verdict=verdict)
    plan.plan_periods(datetime.datetime(2027, 3, 2, 8, tzinfo=datetime.UTC))
    work.run_due("webapp.")
    (message,) = mail.outbox
    assert message.subject == "River DAO: 1 NOT TOLD, 2 Differs, 4 decisions open"


def test_a_digest_links_nowhere_but_here(client, made):
    held = subscribed(client, made)
    plan.follow_outbox()
    lure = "see HTTPS://evil.test or www.evil.test"
    made.summary(
        made.proposal(7, description=lure),
        effects=[{"id": "e1", "position": 0, "kind": "call", "sentence": lure}],
        flags=[{"code": "x", "severity": "danger", "text": lure, "effects": []}],
        sentences=[{"text": lure, "source": {"kind": "span", "id": "s", "quote": lure}}],
    )
    tell(made, "proposal.created", "7")
    plan.follow_outbox()
    work.run_due("webapp.")
    (message,) = mail.outbox
    assert held.dao.name in message.subject
    for text in (message.subject, message.body, message.alternatives[0][0]):
        assert "evil" in text
        assert set(re.findall(r"(?i)(?:://|\bwww\.)([^/\s\"<]*)", text)) <= {"testserver"}


def test_a_removed_proposal_is_corrected_only_for_those_who_were_told(client, made):
    subscribed(client, made)
    plan.follow_outbox()
    proposal = made.proposal(7)
    made.summary(proposal)
    tell(made, "proposal.created", "7")
    plan.follow_outbox()
    work.run_due("webapp.")
    proposal.delete()
    tell(made, "proposal.created.undone", "7")
    tell(made, "proposal.created.undone", "8")
    plan.follow_outbox()
    work.run_due("webapp.")
    assert [message.subject.partition(": ")[2][:10] for message in mail.outbox] == ["Told: new ", "correction"]


def subjects():
    return [message.subject.partition(": ")[2].partition(":")[0] for message in mail.outbox]


def follow():
    plan.follow_outbox()
    Work.objects.filter(done_at=None).update(due_at=datetime.datetime.now(datetime.UTC))
    work.run_due("webapp.")


def test_a_proposal_that_comes_back_after_its_correction_is_told_again(client, made):
    """The last word is what is so, in whichever block; a mere change of block is no news."""
    subscribed(client, made)
    plan.follow_outbox()
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    follow()
    made.dao.proposals.all().delete()
    tell(made, "proposal.created.undone", "7")
    follow()
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    follow()
    tell(made, "proposal.created.undone", "7")
    tell(made, "proposal.created", "7")
    follow()
    assert subjects() == ["Told", "correction", "Told"]


def test_a_removed_act_is_corrected_and_one_that_was_performed_is_not(client, made):
    subscribed(client, made)
    plan.follow_outbox()
    keys = []
    for number in (4, 5):
        times = {"releasable_chain_s": NOW + 9, "expires_chain_s": NOW + 99}
        act = made.act(number, status="scheduled", act_id=bytes([number]) * 32, **times)
        keys.append(f"0x{bytes(act.policy_id).hex()}:{number}")
        tell(made, "act.scheduled", keys[-1])
    follow()
    made.dao.acts.filter(number=4).delete()
    made.dao.acts.filter(number=5).update(status="executed")
    for key in keys:
        tell(made, "act.scheduled.undone", key)
    follow()
    assert subjects() == ["the agent wants to perform act 4", "the agent wants to perform act 5", "correction"]


def test_an_act_that_is_over_by_one_nodes_word_alone_is_told_of_at_once(client, made):
    """Nobody is told later, when the end turns out never to have been."""
    subscribed(client, made)
    plan.follow_outbox()
    times = {"releasable_chain_s": NOW + 9, "expires_chain_s": NOW + 99}
    for number in (4, 5):
        act = made.act(number, status="killed", act_id=bytes([number]) * 32, final_log=made.log(), **times)
        tell(made, "act.scheduled", f"0x{bytes(act.policy_id).hex()}:{number}")
    UnconfirmedLog.objects.create(dao=made.dao, log=act.final_log)
    follow()
    assert subjects() == ["the agent wants to perform act 5"]
    assert "One node alone shows that this act is over." in mail.outbox[0].body


def test_a_correction_waits_for_what_it_corrects(client, made):
    """Another worker has handed the news to the mail server and not yet noted it, or was killed just then."""
    held = subscribed(client, made)
    plan.follow_outbox()
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    plan.follow_outbox()
    topic = Work.objects.get(name=send.DIGEST_WORK).arguments["topic"]
    now = datetime.datetime.now(datetime.UTC)
    row = DigestSent.objects.create(
        reader=held.reader,
        subscription=held,
        topic=topic,
        message_id="<x@localhost>",
        leased_until=now + datetime.timedelta(seconds=30),
    )  # fmt: skip
    made.dao.proposals.all().delete()
    tell(made, "proposal.created.undone", "7")
    follow()
    assert not mail.outbox
    DigestSent.objects.filter(pk=row.pk).update(leased_until=now)  # it does not come back
    follow()
    follow()
    assert subjects() == ["correction"]


def test_news_wait_for_so_many_blocks(client, made, settings):
    settings.MAIL_DEPTH_BLOCKS = 3
    subscribed(client, made)
    plan.follow_outbox()
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")  # in block 400
    Cursor.objects.filter(dao=made.dao).update(next_block=403)
    follow()
    assert not mail.outbox
    Cursor.objects.filter(dao=made.dao).update(next_block=404)
    follow()
    assert subjects() == ["Told"]


def test_no_mail_leaves_while_blocks_of_long_ago_are_read(client, made):
    """A contract was added: the mirror's clock stands where its blocks do, and a vote that is over was open then."""
    subscribed(client, made)
    plan.follow_outbox()
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    Cursor.objects.filter(dao=made.dao).update(next_block=404, node_head_block=600)
    follow()
    assert not mail.outbox
    Cursor.objects.filter(dao=made.dao).update(next_block=590)
    follow()
    assert subjects() == ["Told"]


def test_the_mail_server_is_down_then_back(client, made, monkeypatch, caplog):
    subscribed(client, made)
    plan.follow_outbox()
    made.summary(made.proposal(7))
    tell(made, "proposal.created", "7")
    plan.follow_outbox()
    import smtplib

    def refuse(self, *_args, **_kwargs):
        raise smtplib.SMTPRecipientsRefused({ADDRESS: (450, b"try later")})

    with monkeypatch.context() as broken, caplog.at_level(logging.DEBUG):
        broken.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
        work.run_due("webapp.")
    row = Work.objects.get(name=send.DIGEST_WORK)
    assert row.done_at is None
    assert ADDRESS not in row.last_error + caplog.text
    assert not mail.outbox
    Work.objects.update(due_at=datetime.datetime.now(datetime.UTC))
    work.run_due("webapp.")
    assert len(mail.outbox) == 1


def test_what_another_worker_is_sending_is_left_to_it(client, made):
    held = subscribed(client, made)
    made.summary(made.proposal(7))
    row = DigestSent.objects.create(
        reader=held.reader,
        subscription=held,
        topic="proposal.created:7",
        message_id="<x@localhost>",
        leased_until=datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30),
    )  # fmt: skip
    with pytest.raises(work.Again):
        send.send_digest("", {"subscription": held.pk, "topic": row.topic})
    assert not mail.outbox


def test_daily_digest_once_a_day_and_only_with_something_to_say(client, made):
    held = subscribed(client, made, frequency="daily")
    Subscription.objects.update(confirmed_at=datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC))
    first = datetime.datetime(2026, 11, 23, 8, tzinfo=datetime.UTC)
    for now in (first, first + datetime.timedelta(hours=3), first + datetime.timedelta(hours=22)):
        plan.plan_periods(now)
        Work.objects.filter(done_at=None).update(due_at=datetime.datetime.now(datetime.UTC))
        work.run_due("webapp.")
    assert [row.outcome for row in held.reader.digests.all()] == ["nothing to say"]
    made.summary(made.proposal(7))
    made.act(4, status="scheduled", act_id=b"\x04" * 32, releasable_chain_s=NOW + 9, expires_chain_s=NOW + 99)
    plan.plan_periods(first + datetime.timedelta(days=1))
    Work.objects.filter(done_at=None).update(due_at=datetime.datetime.now(datetime.UTC))
    work.run_due("webapp.")
    (message,) = mail.outbox
    assert message.subject == "River DAO: 2 decisions open"
    assert "pays 5 USDC" in message.body


def test_asking_is_limited(client, made):
    answers = [ask(client).status_code for _ in range(subscriptions.PER_ADDRESS_AN_HOUR + 1)]
    assert answers == [202] * subscriptions.PER_ADDRESS_AN_HOUR + [429]


@pytest.mark.parametrize("email", ["nobody", "a@b.org\nBcc: c@d.org", "a@b", ""])
def test_bad_addresses_are_refused(client, made, email):
    assert ask(client, email=email).status_code == 422
    assert not Subscription.objects.exists()


def test_no_address_in_what_ends_in_logs(client, made):
    held = subscribed(client, made)
    assert ADDRESS not in str(held)
    assert ADDRESS not in "".join(map(str, Work.objects.values_list("key", "arguments")))


def test_who_asks_too_often_reads_whole_sentences(client, made):
    wish = {"email": ADDRESS, "frequency": "daily", "topics": Topic.values, "zone": "UTC"}
    for _ in range(subscriptions.PER_ADDRESS_AN_HOUR):
        assert client.post("/river/subscribe/", wish).status_code == 200
    answer = client.post("/river/subscribe/", wish)
    assert answer.status_code == 429
    shown = "This address was entered several times. Look for our message, or try again in an hour."
    assert f'<p class="status bad" role="alert">{shown}</p>' in answer.content.decode()


def test_a_vote_that_one_node_alone_shows_is_in_no_mail(client, made):
    """The page counts it and says what it is."""
    proposal = made.proposal()
    made.vote(proposal, 1, weight=2 * UNIT)
    doubted = made.vote(proposal, 2, weight=40 * UNIT)
    Proposal.objects.filter(pk=proposal.pk).update(for_votes=42 * UNIT)
    UnconfirmedLog.objects.create(dao=made.dao, log=doubted.log)
    place = DaoView(made.dao)
    [item] = digest.open_items(place, account(2))
    assert any(line.startswith("For 2 ") for line in item.lines), item.lines
    assert "has not voted yet" in item.own_vote
    assert not item.has_voted
    page = client.get(f"/river/proposals/{proposal.proposal_id}/").content.decode()
    assert "One node alone shows 1 of the votes: it is counted here, and is not confirmed." in page
    assert page.count(">unconfirmed<") == 1
    assert "42" in page
    UnconfirmedLog.objects.all().delete()
    [item] = digest.open_items(DaoView(made.dao), account(2))
    assert any(line.startswith("For 42 ") for line in item.lines), item.lines
    assert item.has_voted


def test_a_proposal_that_one_node_alone_shows_is_in_no_mail(client, made):
    proposal = made.proposal()
    UnconfirmedLog.objects.create(dao=made.dao, log=proposal.log)
    assert digest.open_items(DaoView(made.dao), None) == []
    page = client.get(f"/river/proposals/{proposal.proposal_id}/").content.decode()
    assert "One node alone shows that this was proposed: it is not confirmed." in page


@pytest.mark.parametrize("kind", ["canceled", "executed"])
def test_an_end_that_one_node_alone_shows_takes_no_proposal_from_mails_and_lists(client, made, kind):
    proposal = made.proposal(**{kind: True})
    step = ProposalTransition.objects.create(proposal=proposal, kind=kind, log=made.log())
    mark = UnconfirmedLog.objects.create(dao=made.dao, log=step.log)
    [item] = digest.open_items(DaoView(made.dao), None)
    note = f"One node alone shows this of the proposal, and it is not confirmed: {kind.capitalize()}."
    assert item.lines[0] == "State: Active."
    assert note in item.lines
    for address in ("/river/", "/river/proposals/", f"/river/proposals/{proposal.proposal_id}/"):
        assert note in client.get(address).content.decode()
    told = client.get("/api/v1/daos/river/proposals?show=open").json()["proposals"]
    assert [(row["state"], row["state_confirmed"], note in row["notes"]) for row in told] == [
        (kind.capitalize(), False, True)
    ]
    exported = client.get("/api/v1/daos/river/exports/proposals?format=json").json()
    assert [row["state_confirmed"] for row in exported["rows"]] == [False]
    mark.delete()
    assert digest.open_items(DaoView(made.dao), None) == []
    assert client.get("/api/v1/daos/river/proposals?show=open").json()["proposals"] == []


def test_what_one_node_alone_shows_as_taken_from_a_delegate_is_in_no_mail(client, made):
    made.dao.contracts.filter(kind="governor").update(
        capabilities={"counting_mode": "support=bravo,override&quorum=for,abstain&overridable=true"}
    )
    proposal = made.proposal(for_votes=60 * UNIT, against_votes=40 * UNIT)
    made.vote(proposal, 1, weight=100 * UNIT)
    override = made.vote(proposal, 2, 0, weight=40 * UNIT)
    reduced = made.log()
    reduced.address = governor_of(made.dao).address
    reduced.topic0, reduced.topic1 = REDUCED, account(1).rjust(32, b"\0")
    reduced.data = abi.encode(["uint256", "uint8", "uint256"], [proposal.proposal_id, 1, 40 * UNIT])
    reduced.save()
    for log in (override.log, reduced):
        UnconfirmedLog.objects.create(dao=made.dao, log=log)
    [item] = digest.open_items(DaoView(made.dao), account(2))
    assert any(line.startswith("For 100 MAND, against 0 MAND") for line in item.lines), item.lines
    page = client.get(f"/river/proposals/{proposal.proposal_id}/").content.decode()
    assert "holders took votes from their delegates: they are taken off here, and that is not confirmed." in page
