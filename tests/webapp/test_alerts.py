# SPDX-License-Identifier: Apache-2.0
"""Mails about switches and waiting requests: who is told what, once, and that an answer silences them."""

import datetime
import html

import pytest
from django.core import mail
from django.utils import timezone

from agent.acts import halts
from agent.acts.words import say
from agent.models import Request, RequestMove, Schedule, ScheduledTime
from agent.work_names import EXECUTE_WORK
from governance import work
from governance.models import Cursor, PolicyVersion, Work
from governance.words import say as site_says
from presentation import hanging
from tests.webapp.conftest import DAY, NOW, Made, account
from tests.webapp.states import policy_code
from webapp.mail import plan
from webapp.mail.kinds import Topic
from webapp.models import DigestSent, Reader, Subscription

pytestmark = pytest.mark.django_db(transaction=True)
ASKER, OPERATOR = account(81), account(82)


def subscribe(made: Made, name: str, delegate: bytes | None = None, frequency: str = "weekly") -> None:
    Subscription.objects.create(
        dao=made.dao, reader=Reader.objects.create(email=f"{name}@example.org"), delegate=delegate,
        frequency=frequency, topics=list(Topic.values), confirmed_at=timezone.now() - datetime.timedelta(days=60),
    )  # fmt: skip


@pytest.fixture
def house(made: Made, settings) -> Made:
    settings.SECRET_KEY, settings.ORIGIN, settings.RPC_URLS = "a key of this test, long enough", "http://testserver", {}
    settings.MAIL_DEPTH_BLOCKS = 0
    Cursor.objects.filter(dao=made.dao).update(head_timestamp_chain_s=NOW, node_head_block=500, next_block=501)
    subscribe(made, "member")
    subscribe(made, "eager", frequency="immediate")
    subscribe(made, "asker", ASKER)
    subscribe(made, "operator", OPERATOR)
    return made


def told() -> dict[str, list[str]]:
    """What each mailbox gets now, by subject."""
    mail.outbox.clear()
    for _ in range(2):  # a second time nothing
        plan.plan_alerts()
        work.run_due("webapp.")
    found: dict[str, list[str]] = {}
    for message in mail.outbox:
        found.setdefault(message.to[0].partition("@")[0], []).append(message.subject.partition(": ")[2])
    return found


def everybody(subject: str) -> dict[str, list[str]]:
    return {name: [subject] for name in ("member", "eager", "asker", "operator")}


def test_a_stop_and_a_start_are_told_to_everybody_at_once(house: Made) -> None:
    made = halts.stop(house.dao, None, "a strange payment www.example.org")
    assert told() == everybody("the agent is stopped")
    text = mail.outbox[0].body
    assert "a strange payment www[.]example[.]org" in text
    assert "What it signed before may still be sent" in text
    halts.start(house.dao, None, "the payee confirmed by telephone", [made.pk])
    assert told() == everybody("a halt of the agent was cleared")
    assert "“the payee confirmed by telephone”" in mail.outbox[0].body
    # Who switched the topic off is not told, nor who subscribed since.
    Subscription.objects.filter(reader__email__startswith="member").update(topics=[Topic.CREATED])
    halts.stop(house.dao, None, "")
    assert set(told()) == {"eager", "asker", "operator"}
    # Who subscribed since is not told of what is over, and nobody of what is old.
    subscribe(house, "late")
    Subscription.objects.filter(reader__email__startswith="late").update(confirmed_at=timezone.now())
    assert told() == {}


def test_who_is_waited_for_is_reminded_and_then_the_members_are_told(house: Made, client) -> None:
    code = policy_code(house).replace(_operator_of(house), OPERATOR)
    PolicyVersion.objects.update(code=code)
    request = Request.objects.create(
        dao=house.dao, module=house.contracts["module"], policy_id=b"\1" * 32, reference=b"\1" * 32, text="pay kim",
        idempotency_key="1", requested_by=ASKER, status="needs_approval", reason_code="one_off", reason="it is one-off",
    )  # fmt: skip
    move = RequestMove.objects.create(
        request=request, from_status="received", to_status="needs_approval", who="planner"
    )

    def after(**since: int) -> dict[str, list[str]]:
        RequestMove.objects.filter(pk=move.pk).update(at=at - datetime.timedelta(**since))
        return told()

    at = timezone.now()
    assert after(hours=23) == {}
    assert after(days=1, minutes=1) == {
        "operator": ["a request waits for your signature"], "asker": ["a request waits for the operator"],
    }  # fmt: skip
    assert f"http://testserver/river/agent/requests/{request.pk}/" in mail.outbox[0].body
    assert "An operator has not answered" not in client.get("/river/agent/").content.decode()
    found = after(days=3, minutes=1)
    assert set(found) == {"operator", "asker"}
    assert "An operator has not answered" in client.get("/river/agent/").content.decode()
    Subscription.objects.filter(reader__email__startswith="member").update(frequency="daily")
    plan.plan_periods()
    work.run_due("webapp.")
    (digest,) = [message for message in mail.outbox if message.to == ["member@example.org"]]
    assert f"Request {request.pk} waits for the operator" in digest.body
    Request.objects.update(status="refused")
    assert after(days=8) == {}
    assert not DigestSent.objects.filter(sent_at=None).exists()


@pytest.mark.parametrize("status", ["received", "waiting", "planned", "executing"])
def test_what_a_calendar_asked_for_and_hangs_is_told_to_operator_and_asker_then_to_all(
    house: Made, client, status: str
) -> None:
    PolicyVersion.objects.update(code=policy_code(house).replace(_operator_of(house), OPERATOR))
    row = calendar(house)
    stuck = request_of(house, "1", ASKER, status)
    Request.objects.update(reason_code="", reason="no word yet")
    move = stuck.moves.get()
    row.times.create(schedule=row, due_chain_s=NOW - 5 * DAY, month="2027-01", outcome="asked", request=stuck)
    by_hand = request_of(house, "2", ASKER, "received")  # who asks by hand reads it there
    RequestMove.objects.filter(request=by_hand).update(from_status="", at=timezone.now() - datetime.timedelta(days=9))

    def after(**since: int) -> dict[str, list[str]]:
        RequestMove.objects.filter(pk=move.pk).update(
            from_status="needs_approval", at=timezone.now() - datetime.timedelta(**since)
        )
        return told()

    page = f"http://testserver/river/agent/requests/{stuck.pk}/"
    both = {name: ["a request is not carried out yet"] for name in ("operator", "asker")}
    assert after(hours=23) == {}
    assert after(days=1, minutes=1) == both
    assert page in mail.outbox[0].body
    assert "no word yet" in mail.outbox[0].body
    is_bound = status == "executing"
    assert ("before its page says what came of it" in mail.outbox[0].body) is is_bound
    assert ("the policy's operator ends it on its page" in mail.outbox[0].body) is not is_bound
    # Moves from one of these statuses to another are no end of it; another look is another move.
    RequestMove.objects.create(request=stuck, from_status="planned", to_status=status, who="executor")
    assert told() == {}
    assert "Something is not carried out yet" not in client.get("/river/agent/").content.decode()
    assert after(days=3, minutes=1) == both
    shown = client.get("/river/agent/").content.decode()
    assert f"Request {stuck.pk} is not carried out yet" in shown
    assert f"Request {by_hand.pk} is not carried out yet" not in shown
    Subscription.objects.filter(reader__email__startswith="member").update(frequency="daily")
    plan.plan_periods()
    work.run_due("webapp.")
    (digest,) = [message for message in mail.outbox if message.to == ["member@example.org"]]
    assert f"Request {stuck.pk} is not carried out yet" in digest.body
    Request.objects.filter(pk=stuck.pk).update(status="executed")
    assert after(days=8) == {}
    assert "Something is not carried out yet" not in client.get("/river/agent/").content.decode()


def test_a_request_by_hand_hangs_from_when_its_payment_was_decided_and_not_from_when_it_began_to_wait(
    house: Made,
) -> None:
    PolicyVersion.objects.update(code=policy_code(house).replace(_operator_of(house), OPERATOR))
    asked = request_of(house, "1", ASKER, "planned")

    def way(*moves: tuple[str, str, float]) -> None:
        asked.moves.all().delete()
        for before, after, days in moves:
            move = RequestMove.objects.create(request=asked, from_status=before, to_status=after, who="planner")
            RequestMove.objects.filter(pk=move.pk).update(at=timezone.now() - datetime.timedelta(days=days))

    waited = (("", "received", 9), ("received", "waiting", 8.5))
    way(*waited, ("waiting", "planned", 0.1))
    assert hanging.hanging(house.dao, longer_than=datetime.timedelta(days=1)) == []
    assert told() == {}
    # Bound and let go again is no other decision.
    way(*waited, ("waiting", "planned", 2), ("planned", "executing", 0.3), ("executing", "planned", 0.2))
    (one,) = hanging.hanging(house.dao, longer_than=datetime.timedelta(days=1))
    assert one.days == 2
    # One that the operator signed after it was refused an act counts from then.
    way(("received", "planned", 9), ("planned", "needs_approval", 8), ("needs_approval", "planned", 0.5))
    assert told() == {}


def test_a_decided_payment_that_hangs_says_why_the_agent_did_not_get_on(house: Made, client) -> None:
    stuck = request_of(house, "1", ASKER, "planned")
    RequestMove.objects.update(from_status="", at=timezone.now() - datetime.timedelta(days=4))
    Request.objects.update(reason_code="", reason="chosen by the model")
    page = html.unescape(client.get("/river/agent/").content.decode())
    assert f"Request {stuck.pk} is not carried out yet" in page
    why = say("last_act_unread")
    assert str(why) not in page
    text, code = why.storable(300)
    looked = Work.objects.create(
        name=EXECUTE_WORK, key=str(stuck.pk), due_at=timezone.now(), last_error=text, last_error_code=code
    )
    assert str(why) in html.unescape(client.get("/river/agent/").content.decode())
    # What a node or an exception said is for the site's own pages.
    text, code = site_says("work_failed", error="OSError", text="http://node:secret@example.org").storable(300)
    Work.objects.filter(pk=looked.pk).update(last_error=text, last_error_code=code)
    page = html.unescape(client.get("/river/agent/").content.decode())
    assert ("secret" in page, "its last try failed, this site's log says how" in page) == (False, True)


def _operator_of(house: Made) -> bytes:
    from policies.code.encoding import codehash, decode

    code = policy_code(house)
    PolicyVersion.objects.create(
        dao=house.dao, module=house.contracts["module"], policy_id=b"\1" * 32, version=1, agent=account(50),
        codehash=codehash(code), code=code, log=house.log(),
    )  # fmt: skip
    return decode(code).operator


def calendar(house: Made, **more: object) -> Schedule:
    return Schedule.objects.create(
        dao=house.dao, module=house.contracts["module"], policy_id=b"\1" * 32, made_by=OPERATOR,
        text="pay kim 5 USDC for a talk", zone="UTC", hour="09:00", dates=["2027-01-14"], **more,
    )  # fmt: skip


def test_what_was_due_and_not_carried_out_is_told_to_operator_and_asker_then_to_all(house: Made, client) -> None:
    code = policy_code(house).replace(_operator_of(house), OPERATOR)
    PolicyVersion.objects.update(code=code)
    row = calendar(house)
    both = {"operator": ["something was not carried out"], "asker": ["something was not carried out"]}
    operator = {"operator": both["operator"]}
    times = ScheduledTime.objects
    missed = times.create(schedule=row, due_chain_s=NOW - 9 * DAY, month="2027-01", outcome="missed")
    assert told() == operator
    assert "was more than 7 days late" in mail.outbox[0].body
    assert "5 USDC for a talk" in mail.outbox[0].body
    refused = {"reason_code": "no_roster", "outcome": "refused"}
    times.create(schedule=row, due_chain_s=NOW - 8 * DAY, month="2027-01", **refused)
    assert told() == operator
    # What a calendar asked for, and code refused; what somebody asked for, and the chain refused.
    asked = request_of(house, "1", OPERATOR, "refused")
    assert told() == {}, "whoever asks by hand and is refused reads it there"
    times.create(schedule=row, due_chain_s=NOW - 7 * DAY, month="2027-01", outcome="asked", request=asked)
    assert told() == operator
    failed = request_of(house, "2", ASKER, "failed")
    assert told() == both
    assert "It is not asked for again by itself" in mail.outbox[0].body
    assert f"http://testserver/river/agent/requests/{failed.pk}/" in mail.outbox[0].body
    # One that the chain shows as paid after all is no news any more.
    assert "was not carried out" not in client.get("/river/agent/").content.decode()
    for rows in (times.all(), RequestMove.objects.all()):
        age = {"created_at" if rows.model is ScheduledTime else "at": timezone.now() - datetime.timedelta(days=4)}
        rows.update(**age)
    assert told() == {}, "what is old is no news"
    page = client.get("/river/agent/").content.decode()
    for said in (f"Request {failed.pk} was not carried out", f"Request {asked.pk} was not carried out", "was due on"):
        assert said in page, said
    Subscription.objects.filter(reader__email__startswith="member").update(frequency="daily")
    plan.plan_periods()
    work.run_due("webapp.")
    (digest,) = [message for message in mail.outbox if message.to == ["member@example.org"]]
    assert f"Request {failed.pk} was not carried out" in digest.body
    # A stranger's request answers nothing; the asker's own does, in the same words, until it ends so too.
    again = request_of(house, "3", account(83), "planned")
    assert f"Request {failed.pk} was not carried out" in client.get("/river/agent/").content.decode()
    Request.objects.filter(pk=again.pk).update(requested_by=ASKER)
    assert f"Request {failed.pk} was not carried out" not in client.get("/river/agent/").content.decode()
    Request.objects.filter(pk=again.pk).update(status="abstained")
    assert f"Request {failed.pk} was not carried out" in client.get("/river/agent/").content.decode()
    assert times.get(pk=missed.pk).outcome == "missed"


def test_what_was_paid_or_asked_for_by_hand_is_not_told_as_undone(house: Made, client) -> None:
    PolicyVersion.objects.update(code=policy_code(house).replace(_operator_of(house), OPERATOR))
    row, late = calendar(house), timezone.now() - datetime.timedelta(days=4)
    paid = request_of(house, "1", OPERATOR, "abstained")
    Request.objects.update(reason_code="all_paid")
    row.times.create(schedule=row, due_chain_s=NOW - 5 * DAY, month="2027-01", outcome="asked", request=paid)
    assert told() == {}, "everybody named was paid already"
    RequestMove.objects.update(at=late)
    # Noticed two days late; the operator had asked by hand meanwhile.
    due_s = int((late - datetime.timedelta(days=2)).timestamp())
    missed = row.times.create(schedule=row, due_chain_s=due_s, month="2027-01", outcome="missed")
    ScheduledTime.objects.filter(pk=missed.pk).update(created_at=late)
    undone = "not asked for again in the same words"
    assert undone in client.get("/river/agent/").content.decode()
    by_hand = request_of(house, "2", OPERATOR, "done")
    Request.objects.filter(pk=by_hand.pk).update(created_at=late - datetime.timedelta(days=1))
    assert undone not in client.get("/river/agent/").content.decode()


def test_many_that_were_asked_for_again_hide_none_that_was_not(house: Made, client) -> None:
    PolicyVersion.objects.update(code=policy_code(house).replace(_operator_of(house), OPERATOR))
    row = calendar(house)
    for place in range(60):
        row.times.create(schedule=row, due_chain_s=NOW - 9 * DAY + place, month="2027-01", outcome="missed")
    other = calendar(house)
    Schedule.objects.filter(pk=other.pk).update(text="pay lea 7 USDC")
    other.times.create(schedule=other, due_chain_s=NOW - 8 * DAY, month="2027-01", outcome="missed")
    ScheduledTime.objects.update(created_at=timezone.now() - datetime.timedelta(days=4))
    request_of(house, "1", OPERATOR, "done")
    page = client.get("/river/agent/").content.decode()
    assert ("pay lea 7 USDC" in page, "pay kim 5 USDC for a talk” (" in page) == (True, False)


def test_a_calendar_that_ended_by_itself_is_told_to_who_made_it_and_to_the_operator(house: Made) -> None:
    row = calendar(house)
    assert told() == {}
    Schedule.objects.update(ended_at=timezone.now())
    assert told() == {}, "who ended it by hand knows"
    Schedule.objects.update(ended_because="operator_changed")
    assert told() == {"operator": ["a calendar has ended"]}
    assert "a vote named another operator" in mail.outbox[0].body
    assert told() == {}
    assert row.times.count() == 0


def request_of(house: Made, key: str, asker: bytes, status: str) -> Request:
    request = Request.objects.create(
        dao=house.dao, module=house.contracts["module"], policy_id=b"\1" * 32, reference=key.encode() * 32,
        text="pay kim 5 USDC for a talk", idempotency_key=key, requested_by=asker, status=status,
        reason_code="chain_refused", reason="the chain refused it",
    )  # fmt: skip
    RequestMove.objects.create(request=request, from_status="planned", to_status=status, who="executor")
    return request
