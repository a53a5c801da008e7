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
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from agent.models import Summary
from agent.understanding.summaries import CHANGED
from governance import outbox, work
from governance.models import Act, Cursor, OutboxEntry, Proposal
from policies.notation.hexadecimal import hex_bytes
from policies.notation.visible import one_line
from presentation.acts import MAY_BE_STOPPED
from presentation.dao_view import DaoView
from presentation.proposals import proposal_of, summary_of
from webapp.mail import alerts, digest, subscriptions
from webapp.mail.words import say
from webapp.models import DigestSent, ReadingCursor, Subscription

DIGEST_WORK = "webapp.digest"
READER = "webapp.digests"
_BEHIND_BLOCKS = 128  # behind its node by more, a mirror is reading the past
LEASE = datetime.timedelta(seconds=60)
WAIT_FOR_SUMMARY = datetime.timedelta(seconds=25)  # a digest without a summary is better than a late one
SEND_AT = datetime.time(7, 0)  # UTC, of daily and weekly digests
WEEKLY_ON = 0  # Monday
TOPICS = ("proposal.created", "act.scheduled", CHANGED, alerts.PAUSED)
UNDONE = ".undone"  # what the outbox appends to a topic that a reorganisation took back
SENT, PERHAPS_SENT, NOTHING = "sent", "perhaps sent", "nothing to say"


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
        raise work.Abandon(say("subscription_gone"))
    token = subscriptions.confirm_token(choice)
    context = {
        "dao": one_line(subscription.dao.name, 80),
        "link": subscriptions.confirm_link(token),
        "frequency": Subscription.Frequency(choice["f"]).label.lower(),
    }
    _send(
        subscription.email,
        one_line(gettext("Confirm: decisions of %(dao)s") % {"dao": subscription.dao.name}, 140),
        digest.render_to_string("mail/confirm.txt", context),
        None,
        {"Message-ID": message_id("confirm", subscription, str(choice["n"])), "Auto-Submitted": "auto-generated"},
    )


@work.worker(DIGEST_WORK)
def send_digest(_key: str, arguments: dict[str, Any]) -> None:
    """Send one digest, `{"subscription", "topic"}`, once."""
    subscription = subscriptions.active().select_related("dao__chain").filter(pk=arguments["subscription"]).first()
    if subscription is None:
        raise work.Abandon(say("unsubscribed"))
    topic = str(arguments["topic"])
    row, _ = DigestSent.objects.get_or_create(
        subscription=subscription, topic=topic, defaults={"message_id": message_id("digest", subscription, topic)}
    )
    if row.sent_at is not None:
        return
    place = DaoView(subscription.dao)
    if topic.partition(":")[0] not in alerts.KINDS:  # these say nothing of the chain
        _wait_for_mirror(place)
    _wait_for_depth(place, arguments.get("block"))
    with transaction.atomic():
        # One message of a subscription is decided on at a time: news and its correction each depend on what was sent.
        Subscription.objects.select_for_update().get(pk=subscription.pk)
        now = timezone.now()
        _wait_for_others(row)
        mail = _compose(subscription, place, topic, row.created_at)
        free = DigestSent.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now), pk=row.pk, sent_at=None)
        begun = free.filter(leased_until__isnull=False).exists()  # by a worker that was killed, perhaps after sending
        taken = free.update(leased_until=now + LEASE, attempts=F("attempts") + 1)
        if not taken:
            raise work.Again(now + datetime.timedelta(seconds=5), say("being_sent"))
        if mail is None:
            outcome = PERHAPS_SENT if begun else NOTHING
            DigestSent.objects.filter(pk=row.pk).update(sent_at=now, leased_until=None, outcome=outcome)
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
    DigestSent.objects.filter(pk=row.pk).update(sent_at=timezone.now(), leased_until=None, outcome=SENT)


def _wait_for_mirror(place: DaoView) -> None:
    """While blocks of long ago are read (again, where a contract was added), the mirror's clock is theirs, and what it
    says of a vote is what was so then."""
    cursor = Cursor.objects.get(dao=place.dao)
    if cursor.node_head_block - (cursor.next_block - 1) > _BEHIND_BLOCKS:
        raise work.Again(timezone.now() + datetime.timedelta(seconds=30), say("mirror_behind"))


def _wait_for_depth(place: DaoView, block: int | None) -> None:
    """Until so many blocks stand on the one that brought the news; most reorganisations are over by then."""
    if block is None or not settings.MAIL_DEPTH_BLOCKS:
        return
    read = Cursor.objects.values_list("next_block", flat=True).get(dao=place.dao) - 1
    if read < block + settings.MAIL_DEPTH_BLOCKS:
        raise work.Again(timezone.now() + datetime.timedelta(seconds=2), say("block_not_deep"))


def _about(subscription: Subscription, kind: str, key: str) -> QuerySet[DigestSent]:
    """The digests that said that this happened, and that it did not."""
    news = Q(topic=f"{kind}:{key}") | Q(topic__startswith=f"{kind}:{key}@")  # without an entry: of older versions
    return DigestSent.objects.filter(
        news | Q(topic__startswith=f"{kind}{UNDONE}:{key}@"), subscription=subscription
    )  # fmt: skip


def _parts(topic: str) -> tuple[str, str]:
    """What a topic is about, whether it is news or its correction: kind and key."""
    kind, _, rest = topic.partition(":")
    return kind.removesuffix(UNDONE), rest.partition("@")[0]


def _wait_for_others(row: DigestSent) -> None:
    """While another message about the same is on its way, nobody knows what was said last."""
    others = _about(row.subscription, *_parts(row.topic)).exclude(pk=row.pk)
    if others.filter(sent_at=None, leased_until__isnull=False).exists():
        raise work.Again(timezone.now() + datetime.timedelta(seconds=2), say("other_message_leaving"))


def _stands(subscription: Subscription, kind: str, key: str) -> bool:
    """Whether the last message that left about it said that it happened."""
    left = _about(subscription, kind, key).filter(outcome__in=(SENT, PERHAPS_SENT)).order_by("-sent_at", "-pk").first()
    return left is not None and not left.topic.startswith(kind + UNDONE)


def _compose(subscription: Subscription, place: DaoView, topic: str, asked_at: datetime.datetime) -> digest.Mail | None:
    """The mail of a topic as things stand now; None where there is nothing to say any more."""
    delegate = bytes(subscription.delegate) if subscription.delegate else None
    kind, _, key = topic.partition(":")
    if kind in ("daily", "weekly"):
        items = digest.open_items(place, delegate)
        count = len(items)
        heading = ngettext("%(count)s decision open", "%(count)s decisions open", count) % {"count": count}
        return digest.compose(subscription, place, items, heading) if items else None
    if kind in alerts.KINDS:
        return alerts.compose(subscription, place, kind, key)
    kind, key = _parts(topic)
    if kind not in TOPICS:
        raise work.Abandon(say("no_such_digest", kind=kind))
    if kind == CHANGED:
        return _judged_anew(place, subscription, key, delegate)
    # News may come again with another block, and a correction late: what counts is what is so and what was said last.
    stands = _stands(subscription, kind, key)
    if topic.startswith(kind + UNDONE):
        return _correction(subscription, place, kind) if stands and not _happened(place, kind, key) else None
    if stands or not _happened(place, kind, key):
        return None
    if kind == "act.scheduled":
        act = _acts(place, key).filter(MAY_BE_STOPPED).first()
        if act is None:
            return None  # nothing is waited for any more
        item = digest.of_act(place, act)
        heading = gettext("the agent wants to perform act %(number)s") % {"number": act.number}
        return digest.compose(subscription, place, [item], heading)
    if kind == alerts.PAUSED:
        return alerts.of_pause(subscription, place, key)
    proposal = proposal_of(place, int(key))
    summary = summary_of(proposal)
    waited = timezone.now() - asked_at
    if (summary is None or summary.status == Summary.Status.PENDING) and waited < WAIT_FOR_SUMMARY:
        raise work.Again(timezone.now() + datetime.timedelta(seconds=2), say("summary_being_written"))
    item = digest.of_proposal(place, proposal, delegate)
    return digest.compose(subscription, place, [item], gettext("new proposal: %(title)s") % {"title": item.title})


def _judged_anew(place: DaoView, subscription: Subscription, key: str, delegate: bytes | None) -> digest.Mail | None:
    """The mail about an outcome that changed; None where it has changed again, or the proposal is gone."""
    number, _, outcome = key.partition(":")
    if not _happened(place, "proposal.created", number):
        return None
    proposal = proposal_of(place, int(number))
    summary = summary_of(proposal)
    if summary is None or summary.verdict != outcome:
        return None
    item = digest.of_proposal(place, proposal, delegate)
    heading = gettext("text and calls were compared again: %(title)s") % {"title": item.title}
    return digest.compose(subscription, place, [item], heading)


def _happened(place: DaoView, kind: str, key: str) -> bool:
    """Whether the mirror has it, on the chain as it is now."""
    if kind == "proposal.created":
        return Proposal.objects.filter(dao=place.dao, proposal_id=int(key)).exists()
    if kind == alerts.PAUSED:
        return alerts.was_paused(place, key)
    return _acts(place, key).exclude(act_id=None).exists()  # performed at once, it was never scheduled


def _acts(place: DaoView, key: str) -> QuerySet[Act]:
    policy, _, number = key.rpartition(":")
    return Act.objects.filter(
        dao=place.dao, number=int(number), policy_id=hex_bytes(policy)
    )  # fmt: skip


def _correction(subscription: Subscription, place: DaoView, kind: str) -> digest.Mail:
    """Of something that we wrote about and that a reorganisation removed."""
    if kind == "proposal.created":
        page, heading = "proposals", gettext("correction: a proposal was removed")
        text = gettext("A reorganisation of the chain removed a proposal that we wrote to you about. It may come back.")
    elif kind == alerts.PAUSED:
        page, heading = "agent", gettext("correction: a pause was removed")
        text = gettext(
            "A reorganisation of the chain removed a pause of the policy module that we wrote to you about. It may "
            "come back."
        )
    else:
        page, heading = "agent", gettext("correction: an act of the agent was removed")
        text = gettext(
            "A reorganisation of the chain removed an act of the agent that we wrote to you about. It may come back."
        )
    link = settings.ORIGIN + digest.reverse(page, args=[place.dao.slug])
    return digest.compose(subscription, place, [digest.Item(gettext("Correction"), link, [text])], heading)


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
            if entry.topic.removesuffix(UNDONE) not in TOPICS or entry.topic == CHANGED + UNDONE:
                continue  # of a proposal that is gone its own correction tells
            topic = f"{entry.topic}:{entry.key}@{entry.pk}"
            wanted = subscriptions.active(entry.dao)
            if entry.topic.removesuffix(UNDONE) != alerts.PAUSED:  # a kill switch is told to all at once
                wanted = wanted.filter(frequency=Subscription.Frequency.IMMEDIATE)
            for pk in wanted.values_list("pk", flat=True):
                _enqueue(pk, topic, block=entry.block_number)
        if entries:
            cursor.after_id = entries[-1].id
            cursor.save(update_fields=["after_id"])
    return len(entries)


def _enqueue(subscription_pk: int, topic: str, *, block: int | None = None) -> None:
    arguments = {"subscription": subscription_pk, "topic": topic, "block": block}
    work.enqueue(DIGEST_WORK, f"{subscription_pk}:{topic}"[:160], None, arguments)


def plan_alerts() -> None:
    """Have mails about switches and about requests that wait sent to whom they are due."""
    for pk, topic in alerts.due():
        _enqueue(pk, topic)


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
