# SPDX-License-Identifier: Apache-2.0
"""Mails about switches and waiting requests: who is told what, once, and that an answer silences them."""

import datetime

import pytest
from django.core import mail
from django.utils import timezone

from agent.acts import halts
from agent.models import Request, RequestMove
from governance import work
from governance.models import Cursor, PolicyVersion
from tests.webapp.conftest import NOW, Made, account
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


def _operator_of(house: Made) -> bytes:
    from policies.code.encoding import codehash, decode

    code = policy_code(house)
    PolicyVersion.objects.create(
        dao=house.dao, module=house.contracts["module"], policy_id=b"\1" * 32, version=1, agent=account(50),
        codehash=codehash(code), code=code, log=house.log(),
    )  # fmt: skip
    return decode(code).operator
