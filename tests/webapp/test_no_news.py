# SPDX-License-Identifier: Apache-2.0
"""Given blocks of long ago that are read: what happened in them is no news to who came later, nor after so long."""

import datetime

import pytest
from django.db import transaction
from django.utils import timezone

from governance import outbox
from governance.models import Cursor, RawLog, Work
from tests.webapp.conftest import account
from tests.webapp.test_notices import reader
from webapp.mail import plan, subscriptions, webhooks
from webapp.mail.send import DIGEST_WORK
from webapp.models import Reader, Subscription, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = 1_000


@pytest.fixture(autouse=True)
def _site(settings, made):
    settings.SECRET_KEY = "a key of this test"
    Cursor.objects.filter(dao=made.dao).update(node_head_block=HEAD, next_block=100)
    plan.follow_outbox()


def hook(made):
    made_hook = webhooks.add(made.dao, account(3), "https://hooks.example.org/", "standard", list(webhooks.OFFERED))
    made_hook.events.all().delete()
    return made_hook


def confirmed(made) -> Subscription:
    """A reader of news at once who has just confirmed."""
    held = Reader.objects.create(email="new@example.org")
    one = Subscription.objects.create(dao=made.dao, reader=held)
    choice = {"s": one.pk, "f": "immediate", "d": "", "n": "1", "t": ["executed", "created"], "z": "", "p": ""}
    token = subscriptions.confirm_token(choice)
    Subscription.objects.filter(pk=one.pk).update(
        confirm_token_hash=subscriptions._hash(token), confirm_sent_at=timezone.now()
    )
    return subscriptions.confirm(token)


def tell(made, number: int, topic: str = "proposal.executed", days_ago: float | None = None) -> tuple[int, int]:
    """What a log of that block tells is read: how many webhooks and how many readers are to be told."""
    if days_ago is not None:
        log = made.log()
        at = timezone.now() - datetime.timedelta(days=days_ago)
        RawLog.objects.filter(pk=log.pk).update(block_number=number, block_timestamp_chain_s=int(at.timestamp()))
    before = WebhookEvent.objects.count(), Work.objects.filter(name=DIGEST_WORK).count()
    with transaction.atomic():
        outbox.publish(made.dao, topic, "7", number)
    plan.follow_outbox()
    return WebhookEvent.objects.count() - before[0], Work.objects.filter(name=DIGEST_WORK).count() - before[1]


def test_what_happened_before_somebody_came_is_no_news_to_them(made):
    hook(made)
    confirmed(made)
    assert tell(made, 200) == (0, 0)
    assert tell(made, HEAD) == (0, 0)
    assert tell(made, HEAD + 1) == (1, 1)


@pytest.mark.parametrize("topic", ["act.scheduled", "module.paused"])
def test_what_can_be_stopped_is_told_to_who_came_after_its_block(made, topic):
    webhook = hook(made)
    webhook.topics = list(webhooks.OFFERED)
    webhook.save()
    assert tell(made, 200, topic)[0] == 1


def test_a_correction_and_what_is_found_now_go_to_all(made):
    hook(made)
    confirmed(made)
    assert tell(made, 200, "proposal.executed.undone") == (1, 1)
    assert tell(made, 200, plan.Kind.JUDGED) == (1, 1)


def test_who_confirms_another_choice_misses_nothing_between(made):
    one = confirmed(made)
    Subscription.objects.filter(pk=one.pk).update(from_block=50)
    choice = {"s": one.pk, "f": "immediate", "d": "", "n": "2", "t": ["executed"], "z": "", "p": ""}
    token = subscriptions.confirm_token(choice)
    Subscription.objects.filter(pk=one.pk).update(
        confirm_token_hash=subscriptions._hash(token), confirm_sent_at=timezone.now()
    )
    assert subscriptions.confirm(token).from_block == 50
    subscriptions.end(one)
    Subscription.objects.filter(pk=one.pk).update(
        confirm_token_hash=subscriptions._hash(token), confirm_sent_at=timezone.now()
    )
    assert subscriptions.confirm(token).from_block == HEAD + 1


def test_an_act_that_may_still_be_stopped_is_news_however_late_it_is_read(made):
    reader(made)
    assert tell(made, 200, "act.scheduled", days_ago=9) == (0, 1)


@pytest.mark.parametrize(("days_ago", "told"), [(9, 0), (7, 1)])
def test_what_is_read_of_long_ago_is_no_news_to_who_was_there(made, days_ago, told):
    """A contract is followed anew, or the site stood still: what is older than eight days is history."""
    webhook = hook(made)
    webhook.from_block = 1
    webhook.save()
    reader(made)
    assert tell(made, 200, days_ago=days_ago) == (told, told)
    assert tell(made, HEAD - 10, days_ago=days_ago + 30) == (1, 1), "the newest blocks are news, whatever their clock"
