# SPDX-License-Identifier: Apache-2.0
"""Given receivers that take their time: no mail waits for them, nor does who answers at once."""

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from governance import outbox
from tests.webapp.conftest import NOW, UNIT, account
from tests.webapp.receiver import DAWDLE, Receiver, receiver
from tests.webapp.test_notices import reader
from webapp import tasks
from webapp.mail import outbound, plan, posting, webhooks
from webapp.mail.posting import Waiting
from webapp.models import Webhook

pytestmark = pytest.mark.django_db(transaction=True)
_BUSY_S = 60  # that a machine which does much else may take


@pytest.fixture(autouse=True)
def _site(settings):
    settings.SECRET_KEY = "a key of this test"
    settings.ORIGIN = "http://testserver"
    settings.WEBHOOK_TEST_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


def known(made, who: int, url: str, **values) -> Webhook:
    """A webhook whose first message was taken."""
    hook = webhooks.add(made.dao, account(who), url, "standard", list(webhooks.OFFERED))
    hook.events.all().delete()
    Webhook.objects.filter(pk=hook.pk).update(**{"last_taken_at": timezone.now(), "from_block": None, **values})
    return hook


def publish(made, topic: str, key: str) -> None:
    with transaction.atomic():
        outbox.publish(made.dao, topic, key, 400)


def announce(made) -> None:
    made.act(4, status="scheduled", act_id=b"\4" * 32, releasable_chain_s=NOW + 9, expires_chain_s=NOW + 99)
    publish(made, "act.scheduled", f"0x{'01' * 32}:4")


@pytest.fixture
def held_up(monkeypatch) -> Iterator[tuple[Receiver, threading.Event]]:
    """A receiver that answers nobody before the event is set, and is waited for: no clock says what is done before."""
    monkeypatch.setattr(outbound, "WITHIN_S", 2 * _BUSY_S)
    release = threading.Event()
    with receiver() as slow:
        slow.does = lambda _number: 204 if release.wait(_BUSY_S) else 503
        yield slow, release
        release.set()


def test_an_urgent_mail_does_not_wait_for_strangers_receivers(made, held_up):
    """Beside five receivers that don't answer before it has left."""
    slow, release = held_up
    plan.follow_outbox()
    for number in range(5):
        known(made, 10 + number, slow.url)
    reader(made)
    announce(made)
    tasks.poll()
    assert [len(message.to) for message in mail.outbox] == [1]
    assert slow.seen == [], "what sends mails posts to nobody"
    release.set()
    posting.post_due()
    assert len(slow.seen) == 5


def test_a_second_mail_leaves_while_receivers_are_being_waited_for(made, held_up):
    slow, release = held_up
    plan.follow_outbox()
    for number in range(5):
        known(made, 10 + number, slow.url)
    announce(made)
    tasks.poll()

    def post() -> None:
        try:
            tasks.post_webhooks()
        finally:
            connection.close()

    posting_task = threading.Thread(target=post)
    posting_task.start()
    begun = time.monotonic()
    while not slow.seen:
        assert time.monotonic() < begun + _BUSY_S
        time.sleep(0.05)
    reader(made)
    made.summary(made.proposal(7))
    publish(made, "proposal.created", "7")
    tasks.poll()
    assert any("Pay ines" in message.subject for message in mail.outbox)
    assert posting_task.is_alive(), "the mail left while receivers were waited for"
    release.set()
    posting_task.join()


def test_who_answers_at_once_does_not_wait_for_those_known_to_be_slow(made, held_up):
    later = timezone.now() + webhooks._SLOW_FOR
    slow, release = held_up
    with receiver() as quick:
        waiting = []

        def heard(_number: int) -> int:
            waiting.append(len(slow.seen))
            release.set()
            return 204

        quick.does = heard
        plan.follow_outbox()
        plan.follow_outbox()
        for number in range(8):
            known(made, 10 + number, slow.url, slow_until=later)
        known(made, 30, quick.url)
        announce(made)
        plan.follow_outbox()
        posting.post_due()
        (before,) = waiting
        assert before <= posting.SLOW_AT_ONCE, "in the places of slow ones alone, which none had left"


def test_whose_receiver_was_slow_goes_after_others_from_then_on(made, monkeypatch):
    monkeypatch.setattr(outbound, "WITHIN_S", 2.5)
    with receiver() as slow:
        slow.does = lambda _number: DAWDLE
        plan.follow_outbox()
        hook = known(made, 10, slow.url)
        assert not Webhook.objects.get().is_slow(timezone.now())
        announce(made)
        plan.follow_outbox()
        posting.post_due()
        hook.refresh_from_db()
        assert hook.is_slow(timezone.now())
        assert not hook.is_slow(timezone.now() + webhooks._SLOW_FOR)


def test_one_that_has_taken_nothing_yet_goes_after_others(made):
    webhooks.add(made.dao, account(3), "https://hooks.example.org/", "standard", [])
    assert Webhook.objects.get().is_slow(timezone.now())


def test_daos_take_turns_then_accounts_and_power_comes_first():
    strangers = [Waiting(n, 1, account(1000), 0, is_slow=False) for n in range(5)]
    found = posting.in_turn([
        *strangers,
        Waiting(10, 1, account(7), 0, is_slow=False),
        Waiting(11, 1, account(8), 5 * UNIT, is_slow=False),
        Waiting(20, 2, account(9), 0, is_slow=False),
    ])  # fmt: skip
    assert [one.hook for one in found] == [11, 20, 0, 10, 1, 2, 3, 4]


def test_the_power_that_counts_is_what_the_mirror_has(made):
    plan.follow_outbox()
    made.power(12, 70 * UNIT)
    for who in (11, 12):
        known(made, who, "https://hooks.example.org/")
    announce(made)
    plan.follow_outbox()
    webhooks.wake()
    assert [(one.owner, one.power) for one in posting._due()] == [(account(12), 70 * UNIT), (account(11), 0)]


def test_a_name_that_nobody_answers_for_takes_seconds_and_no_more(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: release.wait(30) and [])
    monkeypatch.setattr(outbound, "_LOOK_UP_S", 0.5)
    begun = time.monotonic()
    with pytest.raises(outbound.NotTaken) as error:
        outbound.post("https://hooks.example.org/", b"{}", {})
    release.set()
    assert time.monotonic() - begun < 3
    assert error.value.why.code == "hook_name_too_slow"


def test_look_ups_that_never_end_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(outbound, "_look_ups", threading.BoundedSemaphore(1))
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: release.wait(30) and [])
    codes = []
    for _ in range(2):
        with pytest.raises(outbound.NotTaken) as error:
            outbound.addresses_of("hooks.example.org", 443, 0.2)
        codes.append(error.value.why.code)
    assert codes == ["hook_name_too_slow"] * 2
    waiting = [thread for thread in threading.enumerate() if thread.name == "look-up of a webhook's host"]
    release.set()
    for thread in waiting:
        thread.join()
    assert len(waiting) == 1


def test_a_webhook_that_its_owner_ends_in_the_middle_of_a_turn_gets_nothing_more(made):
    with receiver() as here:
        plan.follow_outbox()
        hook = known(made, 10, here.url)

        def ends(number: int) -> int:
            Webhook.objects.filter(pk=hook.pk).update(ended_at=timezone.now(), ended_code="hook_by_owner")
            return 204

        here.does = ends
        for number in (7, 8):
            made.summary(made.proposal(number))
            publish(made, "proposal.created", str(number))
        plan.follow_outbox()
        posting.post_due()
        assert [json.loads(body)["data"]["proposal_id"] for _, body in here.seen] == ["7"]
