# SPDX-License-Identifier: Apache-2.0
"""Sending: what is due is rows (governance.work); each message is taken by its unique key before it is sent.

At least once where SMTP leaves no better (see `DigestSent`), with the same Message-ID each time; never twice otherwise.
Addresses of people stand in no log, no error and no link.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import Http404
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext

from agent.models import Summary
from governance import work
from governance.models import Cursor, Dao
from policies.notation.visible import one_line
from presentation.dao_view import DaoView
from presentation.proposals import proposal_of, summary_of
from webapp.languages import current, known
from webapp.mail import alerts, digest, facts, letters, periods, subscriptions
from webapp.mail.kinds import OF_PROPOSALS, TOPICS, Kind, kind_of
from webapp.mail.transport import MailNotSent, MailRefused, deliver
from webapp.mail.words import say
from webapp.models import DigestSent, Reader, Subscription

DIGEST_WORK = "webapp.digest"
PERIOD_WORK = "webapp.period"
BEHIND_BLOCKS = 128  # behind its node by more, a mirror is reading the past
LEASE = datetime.timedelta(seconds=60)
WAIT_FOR_SUMMARY = datetime.timedelta(seconds=25)  # a digest without a summary is better than a late one
UNDONE = ".undone"  # what the outbox appends to a topic that a reorganisation took back
SENT, PERHAPS_SENT, NOTHING, REFUSED = "sent", "perhaps sent", "nothing to say", "refused"
REST_AFTER = 3  # messages in a row that a reader's mail server refuses for good
# A relay that takes nothing at all is asked again after so long, then after twice as long each time.
RELAY_FIRST, RELAY_MOST = datetime.timedelta(minutes=10), datetime.timedelta(hours=6)
RELAY_FAULT_ENDS, RELAY_SHOWN_BY = datetime.timedelta(days=2), datetime.timedelta(hours=1)
RESTS = datetime.timedelta(days=7)  # where it did not say that it does not know the address

logger = logging.getLogger(__name__)


def message_id(kind: str, of: Subscription | Reader, topic: str) -> str:
    """The same for the same message, so that a mailbox can tell a repetition."""
    whose = "" if isinstance(of, Subscription) else "reader:"
    text = f"{kind}:{whose}{of.pk}:{topic}"
    digits = hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:40]
    return f"<{digits}@{_domain()}>"


def _domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


@work.worker(subscriptions.CONFIRM_WORK)
def send_confirmation(_key: str, choice: dict[str, Any]) -> None:
    """Send the one message with the link. Doing it again sends the same message."""
    subscription = Subscription.objects.select_related("dao", "reader").filter(pk=choice["s"]).first()
    if subscription is None:
        raise work.Abandon(say("subscription_gone"))
    token = subscriptions.confirm_token(choice)
    dao = digest.told(subscription.dao.name, 80)
    with translation.override(known(choice.get("l") or subscription.reader.language)):
        context = {
            "dao": dao,
            "link": subscriptions.confirm_link(token),
            "phrase": digest.told(subscription.reader.phrase, 80),  # of a reader who chose one before
            "frequency": Subscription.Frequency(choice["f"]).in_sentence,
        }
        subject = one_line(gettext("Confirm: decisions of %(dao)s") % {"dao": dao}, 140)
        text = render_to_string("mail/confirm.txt", context)
    try:
        deliver(
            subscription.reader.email,
            subject,
            text,
            None,
            {"Message-ID": message_id("confirm", subscription, str(choice["n"])), "Auto-Submitted": "auto-generated"},
        )
    except MailRefused as error:
        raise work.Abandon(say("refused_for_good")) from error


@work.worker(DIGEST_WORK)
def send_digest(_key: str, arguments: dict[str, Any]) -> None:
    """Send one piece of news, `{"subscription", "topic"}`, once."""
    active = subscriptions.active().select_related("dao__chain", "reader")
    subscription = active.filter(pk=arguments["subscription"]).first()
    if subscription is None:
        raise work.Abandon(say("unsubscribed"))
    topic = str(arguments["topic"])
    row, _ = DigestSent.objects.get_or_create(
        subscription=subscription,
        topic=topic,
        defaults={"reader": subscription.reader, "message_id": message_id("digest", subscription, topic)},
    )
    if row.sent_at is not None:
        return
    place = DaoView(subscription.dao)
    if _parts(topic)[0] not in alerts.KINDS:  # these say nothing of the chain
        wait_for_mirror(place)
    wait_for_depth(place, arguments.get("block"))
    with transaction.atomic():
        # One message of a subscription is decided on at a time: news and its correction each depend on what was sent.
        Subscription.objects.select_for_update().get(pk=subscription.pk)
        _wait_for_others(row)
        with translation.override(known(subscription.reader.language)):
            mail = _compose(subscription, place, topic, row.created_at)
        if not _take(row, mail):
            return
    assert mail is not None
    headers = _headers(row, subscriptions.unsubscribe_link(subscription), f"{subscription.dao.slug}.")
    if thread := _thread(subscription, topic):
        headers |= {"In-Reply-To": thread, "References": thread}
    _hand_over(row, subscription.reader, mail, headers)


_SHARED_S = 5.0
# By DAO and language, how it looked and when that was (time.monotonic).
_shared: ContextVar[dict[tuple[int, str], tuple[DaoView, float]] | None] = ContextVar("shared", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """Let the digests that are written in here within a few seconds, and at the same block of a DAO, share how it
    looks: what they say alike is read and written once for each language."""
    token = _shared.set({})
    try:
        yield
    finally:
        _shared.reset(token)


def _place(dao: Dao) -> DaoView:
    """Return the DAO as a digest that is begun now shows it. A turn may last, for a mail server takes its time: how it
    looked before another block was read, or some seconds ago, is of the past."""
    shared, key = _shared.get(), (dao.pk, current())
    if shared is None:
        return DaoView(dao)
    place, looked_s = shared.get(key, (None, 0.0))
    if place is None or time.monotonic() - looked_s > _SHARED_S or _block_of(place) != _block_read(dao):
        place = DaoView(dao)
        shared[key] = place, time.monotonic()
    return place


def _block_of(place: DaoView) -> tuple[int, bytes | None] | None:
    return None if place.cursor is None else (place.cursor.next_block, place.cursor.head_hash)


def _block_read(dao: Dao) -> tuple[int, bytes | None] | None:
    return Cursor.objects.filter(dao=dao).values_list("next_block", "head_hash").first()


@work.worker(PERIOD_WORK)
def send_period(_key: str, arguments: dict[str, Any]) -> None:
    """Send one daily or weekly digest of all that a reader subscribes to so often, `{"reader", "topic"}`, once."""
    topic = str(arguments["topic"])
    frequency = topic.partition(":")[0]
    active = subscriptions.active().filter(reader=arguments["reader"], frequency=frequency)
    held = list(active.select_related("dao__chain", "reader").order_by("dao__name", "pk"))
    if not held:
        raise work.Abandon(say("unsubscribed"))
    reader = held[0].reader
    row, _ = DigestSent.objects.get_or_create(
        reader=reader, subscription=None, topic=topic, defaults={"message_id": message_id("digest", reader, topic)}
    )
    if row.sent_at is not None:
        return
    with translation.override(known(reader.language)):
        _send_period(row, held)


def _send_period(row: DigestSent, held: list[Subscription]) -> None:
    """Write a reader's digest in the language that is spoken now, and send it."""
    reader, places = held[0].reader, {one.pk: _place(one.dao) for one in held}
    for place in places.values():
        wait_for_mirror(place)
    with transaction.atomic():
        Reader.objects.select_for_update().get(pk=reader.pk)
        one_alone = subscriptions.unsubscribe_link(held[0]) if len(held) == 1 else None
        unsubscribe = one_alone or subscriptions.unsubscribe_all_link(reader)
        before = _before(row)
        doubts = periods.Doubts.kept(before.doubted if before else None)
        begun = before.created_at if before else None
        mail = periods.compose(reader, held, places, begun, unsubscribe, row.created_at, doubts)
        DigestSent.objects.filter(pk=row.pk).update(doubted=doubts.as_json())
        if not _take(row, mail):
            return
    assert mail is not None
    _hand_over(row, reader, mail, _headers(row, unsubscribe, ""))


def _before(row: DigestSent) -> DigestSent | None:
    """Return the reader's digest before this one; None where this is the first."""
    kind = row.topic.partition(":")[0]
    earlier = DigestSent.objects.filter(reader=row.reader_id, subscription=None, topic__startswith=f"{kind}:")
    return earlier.exclude(pk=row.pk).filter(created_at__lt=row.created_at).order_by("-created_at").first()


def _take(row: DigestSent, mail: digest.Mail | None) -> bool:
    """Take a message for this worker, in the caller's transaction; False where there is nothing to say."""
    now = timezone.now()
    free = DigestSent.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now), pk=row.pk, sent_at=None)
    begun = free.filter(leased_until__isnull=False).exists()  # by a worker that was killed, perhaps after sending
    if not free.update(leased_until=now + LEASE, attempts=F("attempts") + 1):
        raise work.Again(now + datetime.timedelta(seconds=5), say("being_sent"))
    if mail is None:
        outcome = PERHAPS_SENT if begun else NOTHING
        DigestSent.objects.filter(pk=row.pk).update(sent_at=now, leased_until=None, outcome=outcome)
    return mail is not None


def _headers(row: DigestSent, unsubscribe: str, list_name: str) -> dict[str, str]:
    return {
        "Message-ID": row.message_id,
        "List-Id": f"<{list_name}decisions.{_domain()}>",
        "List-Unsubscribe": f"<{unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "Precedence": "list",
    }


def _thread(subscription: Subscription, topic: str) -> str:
    """What all mails to a subscription about one decision answer to, so that a mail program shows them together."""
    kind, key = _parts(topic)
    found = kind_of(kind)
    if found in OF_PROPOSALS:
        return message_id("thread", subscription, f"proposal:{facts.number_of(found, key)}")
    return message_id("thread", subscription, f"{kind.partition('.')[0].replace('own', 'act')}:{key}")


def _hand_over(row: DigestSent, reader: Reader, mail: digest.Mail, headers: dict[str, str]) -> None:
    """Hand a message that was taken to the mail server, and note what came of it."""
    mine = DigestSent.objects.filter(pk=row.pk)
    try:
        deliver(reader.email, mail.subject, mail.text, mail.html, headers)
    except MailNotSent:
        mine.update(leased_until=None)
        raise
    except MailRefused as error:
        if not error.is_address and _may_be_relays_fault(row):
            mine.update(leased_until=None)
            attempts = mine.values_list("attempts", flat=True).get()
            wait = min(RELAY_FIRST * 2 ** min(attempts - 1, 10), RELAY_MOST)
            raise work.Again(timezone.now() + wait, say("relay_takes_nothing")) from error
        mine.update(sent_at=timezone.now(), leased_until=None, outcome=REFUSED)
        _note_refusal(reader, rests=error.is_address)
        raise work.Abandon(say("refused_for_good")) from error
    mine.update(sent_at=timezone.now(), leased_until=None, outcome=SENT)
    refused = Reader.objects.filter(pk=reader.pk).exclude(refusals=0)
    refused.update(refusals=0, rests_since=None, rests_until=None)


def _may_be_relays_fault(row: DigestSent) -> bool:
    """Whether a refusal that is not of the address may be one of everything: nobody else was reached since shortly
    before the message was due, and it is no older than two days."""
    if timezone.now() - row.created_at > RELAY_FAULT_ENDS:
        return False
    reached = DigestSent.objects.filter(outcome=SENT, sent_at__gte=row.created_at - RELAY_SHOWN_BY)
    return not reached.exclude(reader=row.reader_id).exists()


def _note_refusal(reader: Reader, *, rests: bool) -> None:
    """Let an address rest that its server does not know, or (for a time) for which it took nothing several times while
    it took what is for others: a relay that takes nothing at all is no fault of readers."""
    now, mine = timezone.now(), Reader.objects.filter(pk=reader.pk)
    mine.update(refusals=F("refusals") + 1)
    if not rests and not (mine.filter(refusals__gte=REST_AFTER).exists() and _others_are_reached(reader)):
        return
    mine.update(rests_since=now, rests_until=None if rests else now + RESTS)
    resting = Reader.objects.exclude(rests_since=None).exclude(rests_until__lte=now).count()
    logger.warning("the mail server refuses a reader's messages for good: nothing is sent to %s readers now", resting)


def _others_are_reached(reader: Reader) -> bool:
    """Whether a message to another reader was taken since the first of this one's last refusals."""
    refused = DigestSent.objects.filter(reader=reader, outcome=REFUSED).order_by("-sent_at")
    since = list(refused.values_list("sent_at", flat=True)[:REST_AFTER])[-1]
    return DigestSent.objects.filter(outcome=SENT, sent_at__gte=since).exclude(reader=reader).exists()


def wait_for_mirror(place: DaoView) -> None:
    """While blocks of long ago are read (again, where a contract was added), the mirror's clock is theirs, and what it
    says of a vote is what was so then."""
    if is_behind(place):
        raise work.Again(timezone.now() + datetime.timedelta(seconds=30), say("mirror_behind"))


def is_behind(place: DaoView) -> bool:
    """Whether the mirror reads blocks of long ago, or has read none, so that its moment is not now."""
    cursor = Cursor.objects.filter(dao=place.dao).first()
    return cursor is None or cursor.node_head_block - (cursor.next_block - 1) > BEHIND_BLOCKS


def wait_for_depth(place: DaoView, block: int | None) -> None:
    """Until so many blocks stand on the one that brought the news; most reorganisations are over by then."""
    if block is None or not settings.MAIL_DEPTH_BLOCKS:
        return
    read = Cursor.objects.values_list("next_block", flat=True).get(dao=place.dao) - 1
    if read < block + settings.MAIL_DEPTH_BLOCKS:
        raise work.Again(timezone.now() + datetime.timedelta(seconds=2), say("block_not_deep"))


def _about(subscription: Subscription, kind: str, key: str) -> QuerySet[DigestSent]:
    """The messages that said that this happened, and that it did not."""
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
    assert row.subscription is not None
    others = _about(row.subscription, *_parts(row.topic)).exclude(pk=row.pk)
    if others.filter(sent_at=None, leased_until__isnull=False).exists():
        raise work.Again(timezone.now() + datetime.timedelta(seconds=2), say("other_message_leaving"))


def _stands(subscription: Subscription, kind: str, key: str) -> bool:
    """Whether the last message that left about it said that it happened."""
    left = _about(subscription, kind, key).filter(outcome__in=(SENT, PERHAPS_SENT)).order_by("-sent_at", "-pk").first()
    return left is not None and not left.topic.startswith(kind + UNDONE)


def _compose(subscription: Subscription, place: DaoView, topic: str, asked_at: datetime.datetime) -> digest.Mail | None:
    """The mail of a topic as things stand now; None where there is nothing to say any more."""
    account = bytes(subscription.delegate) if subscription.delegate else None
    name, key = _parts(topic)
    if name in alerts.KINDS:
        written = alerts.letter(place, name, key, account)
        return None if written is None else _mail(subscription, place, written)
    kind = kind_of(name)
    if kind is None:
        raise work.Abandon(say("no_such_digest", kind=name))
    if TOPICS[kind] not in subscription.topics and UNDONE not in topic.partition(":")[0]:
        return None  # switched off since
    if kind is Kind.JUDGED:
        return _judged_anew(place, subscription, key, account)
    # News may come again with another block, and a correction late: what counts is what is so and what was said last.
    stands, is_so = _stands(subscription, kind, key), facts.happened(place, kind, key)
    if topic.startswith(kind + UNDONE):
        if not stands or is_so:
            return None
        return _mail(subscription, place, letters.correction(place, kind, key))
    if stands or not is_so or not facts.is_current(place, kind, key, account):
        return None
    if facts.doubt(place, kind, key):
        raise work.Again(timezone.now() + datetime.timedelta(seconds=30), say("one_node_alone"))
    if kind is Kind.CREATED:
        wait_for_summary(place, int(key), asked_at)
    try:
        return _mail(subscription, place, letters.letter(place, kind, key, account))
    except (letters.Gone, Http404):
        return None


def wait_for_summary(place: DaoView, number: int, asked_at: datetime.datetime) -> None:
    summary = summary_of(proposal_of(place, number))
    waited = timezone.now() - asked_at
    if (summary is None or summary.status == Summary.Status.PENDING) and waited < WAIT_FOR_SUMMARY:
        raise work.Again(timezone.now() + datetime.timedelta(seconds=2), say("summary_being_written"))


def _mail(subscription: Subscription, place: DaoView, written: tuple[str, digest.Item]) -> digest.Mail:
    heading, item = written
    section = digest.Section(place, [item])
    return digest.compose(subscription.reader, [section], heading, subscriptions.unsubscribe_link(subscription))


def _judged_anew(place: DaoView, subscription: Subscription, key: str, account: bytes | None) -> digest.Mail | None:
    """The mail about an outcome that changed; None where it has changed again, or the proposal is gone."""
    number, _, outcome = key.partition(":")
    if not facts.happened(place, Kind.CREATED, number):
        return None
    summary = summary_of(proposal_of(place, int(number)))
    if summary is None or summary.verdict != outcome:
        return None
    return _mail(subscription, place, letters.letter(place, Kind.JUDGED, key, account))
