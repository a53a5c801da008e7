# SPDX-License-Identifier: Apache-2.0
"""Sending: what is due is rows (governance.work); each digest is taken by its unique key before it is sent.

At least once where SMTP leaves no better (see `DigestSent`), with the same Message-ID each time; never twice otherwise.
Addresses of people stand in no log, no error and no link.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import smtplib
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from agent.models import Summary
from governance import outbox, work
from governance.models import Act, OutboxEntry
from webapp import reading
from webapp.mail import digest, subscriptions
from webapp.models import DigestSent, ReadingCursor, Subscription
from webapp.reading import Place

DIGEST_WORK = "webapp.digest"
READER = "webapp.digests"
LEASE = datetime.timedelta(seconds=60)
WAIT_FOR_SUMMARY = datetime.timedelta(seconds=25)  # a digest without a summary is better than a late one
SEND_AT = datetime.time(7, 0)  # UTC, of daily and weekly digests
WEEKLY_ON = 0  # Monday
TOPICS = ("proposal.created", "act.scheduled")


class MailNotSent(Exception):
    """The mail server did not take a message. The text names no person."""


def message_id(kind: str, subscription: Subscription, topic: str) -> str:
    """The same for the same message, so that a mailbox can tell a repetition."""
    text = f"{kind}:{subscription.pk}:{topic}"
    digits = hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:40]
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{digits}@{domain}>"


def _send(to: str, subject: str, text: str, html: str | None, headers: dict[str, str]) -> None:
    message = EmailMultiAlternatives(subject=subject, body=text, to=[to], headers=headers)
    if html:
        message.attach_alternative(html, "text/html")
    problem = ""
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused:
        problem = "the mail server refused the recipient"
    except smtplib.SMTPResponseException as error:
        problem = f"the mail server answered {error.smtp_code}"
    except smtplib.SMTPException as error:
        problem = f"the mail server failed: {type(error).__name__}"
    except OSError as error:
        problem = f"the mail server can't be reached: {type(error).__name__}"
    if problem:
        raise MailNotSent(problem)  # outside the except: the cause would carry the address into the log


@work.worker(subscriptions.CONFIRM_WORK)
def send_confirmation(_key: str, choice: dict[str, Any]) -> None:
    """Send the one message with the link. Doing it again sends the same message."""
    subscription = Subscription.objects.select_related("dao").filter(pk=choice["s"]).first()
    if subscription is None:
        raise work.Abandon("the subscription is gone")
    token = subscriptions.confirm_token(choice)
    context = {
        "dao": reading.words.one_line(subscription.dao.name, 80),
        "link": subscriptions.confirm_link(token),
        "frequency": Subscription.Frequency(choice["f"]).label.lower(),
    }
    _send(
        subscription.email,
        reading.words.one_line(f"Confirm: decisions of {subscription.dao.name}", 140),
        digest.render_to_string("mail/confirm.txt", context),
        None,
        {"Message-ID": message_id("confirm", subscription, str(choice["n"])), "Auto-Submitted": "auto-generated"},
    )


@work.worker(DIGEST_WORK)
def send_digest(_key: str, arguments: dict[str, Any]) -> None:
    """Send one digest, `{"subscription", "topic"}`, once."""
    subscription = subscriptions.active().select_related("dao__chain").filter(pk=arguments["subscription"]).first()
    if subscription is None:
        raise work.Abandon("nobody is subscribed any more")
    topic = str(arguments["topic"])
    row, _ = DigestSent.objects.get_or_create(
        subscription=subscription, topic=topic, defaults={"message_id": message_id("digest", subscription, topic)}
    )
    if row.sent_at is not None:
        return
    place = Place(subscription.dao)
    mail = _compose(subscription, place, topic, row.created_at)
    now = timezone.now()
    taken = DigestSent.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now), pk=row.pk, sent_at=None).update(
        leased_until=now + LEASE, attempts=F("attempts") + 1
    )
    if not taken:
        raise work.Again(now + datetime.timedelta(seconds=5), "another worker is sending it")
    if mail is None:
        DigestSent.objects.filter(pk=row.pk).update(sent_at=now, leased_until=None, outcome="nothing to say")
        return
    link = subscriptions.unsubscribe_link(subscription)
    try:
        _send(
            subscription.email,
            mail.subject,
            mail.text,
            mail.html,
            {
                "Message-ID": row.message_id,
                "List-Unsubscribe": f"<{link}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Auto-Submitted": "auto-generated",
                "Precedence": "list",
            },
        )
    except MailNotSent:
        DigestSent.objects.filter(pk=row.pk).update(leased_until=None)
        raise
    DigestSent.objects.filter(pk=row.pk).update(sent_at=timezone.now(), leased_until=None, outcome="sent")


def _compose(subscription: Subscription, place: Place, topic: str, asked_at: datetime.datetime) -> digest.Mail | None:
    """The mail of a topic as things stand now; None where there is nothing to say any more."""
    delegate = bytes(subscription.delegate) if subscription.delegate else None
    kind, _, key = topic.partition(":")
    if kind in ("daily", "weekly"):
        items = digest.open_items(place, delegate)
        count = len(items)
        heading = f"{count} decision{'' if count == 1 else 's'} open"
        return digest.compose(subscription, place, items, heading) if items else None
    if kind == "proposal.created":
        proposal = reading.Proposal.objects.filter(dao=place.dao, proposal_id=int(key)).first()
        if proposal is None:
            return None  # a reorganisation took it back before anybody was told
        proposal = reading.proposal(place, int(key))
        summary = reading.summary_of(proposal)
        waited = timezone.now() - asked_at
        if (summary is None or summary.status == Summary.Status.PENDING) and waited < WAIT_FOR_SUMMARY:
            raise work.Again(timezone.now() + datetime.timedelta(seconds=2), "its summary is being written")
        item = digest.of_proposal(place, proposal, delegate)
        return digest.compose(subscription, place, [item], f"new proposal: {item.title}")
    if kind == "proposal.created.undone":
        told = DigestSent.objects.filter(
            subscription=subscription, topic=f"proposal.created:{key.partition('@')[0]}", outcome="sent"
        )
        if not told.exists():
            return None
        text = "A reorganisation of the chain removed a proposal that we wrote to you about. It may come back."
        link = settings.ORIGIN + digest.reverse("proposals", args=[place.dao.slug])
        return digest.compose(
            subscription, place, [digest.Item("Correction", link, [text])], "correction: a proposal was removed"
        )
    if kind == "act.scheduled":
        policy, _, number = key.rpartition(":")
        acts = Act.objects.filter(dao=place.dao, number=int(number), status=Act.Status.SCHEDULED)
        act = next((act for act in acts if bytes(act.policy_id).hex() == policy.removeprefix("0x")), None)
        if act is None:
            return None
        return digest.compose(
            subscription, place, [digest.of_act(place, act)], f"the agent wants to perform act {act.number}"
        )
    raise work.Abandon(f"there is no digest about {kind}")


def follow_outbox() -> int:
    """Turn news into due digests for those who want them at once. Returns how many entries were read.

    A reader that is new starts at the outbox's end: nobody wants the history of a DAO in the mailbox.
    """
    with transaction.atomic():
        newest = OutboxEntry.objects.order_by("-id").values_list("id", flat=True).first() or 0
        ReadingCursor.objects.get_or_create(reader=READER, defaults={"after_id": newest})
        cursor = ReadingCursor.objects.select_for_update().get(reader=READER)
        entries = outbox.read("", cursor.after_id)
        for entry in entries:
            if entry.topic in TOPICS:
                topic = f"{entry.topic}:{entry.key}"
            elif entry.topic == "proposal.created.undone":
                topic = f"{entry.topic}:{entry.key}@{entry.pk}"
            else:
                continue
            wanted = subscriptions.active(entry.dao).filter(frequency=Subscription.Frequency.IMMEDIATE)
            for pk in wanted.values_list("pk", flat=True):
                _enqueue(pk, topic)
        if entries:
            cursor.after_id = entries[-1].id
            cursor.save(update_fields=["after_id"])
    return len(entries)


def _enqueue(subscription_pk: int, topic: str, due_at: datetime.datetime | None = None) -> None:
    work.enqueue(
        DIGEST_WORK,
        f"{subscription_pk}:{topic}"[:160],
        due_at,
        {"subscription": subscription_pk, "topic": topic},
    )


def plan_periods(now: datetime.datetime | None = None) -> None:
    """Have today's daily digests (and on Mondays the weekly ones) sent to whoever was subscribed before its hour."""
    now = now or timezone.now()
    due = datetime.datetime.combine(now.date(), SEND_AT, tzinfo=datetime.UTC)
    if now < due:
        return
    kinds = [(Subscription.Frequency.DAILY, f"daily:{now.date()}")]
    if now.weekday() == WEEKLY_ON:
        kinds.append((Subscription.Frequency.WEEKLY, f"weekly:{now.date()}"))
    for frequency, topic in kinds:
        unplanned = subscriptions.active().filter(frequency=frequency, confirmed_at__lt=due)
        for pk in unplanned.exclude(digests__topic=topic).values_list("pk", flat=True):
            _enqueue(pk, topic)
