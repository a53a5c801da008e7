# SPDX-License-Identifier: Apache-2.0
"""Planning: what happened becomes rows of messages that are due, one a reader; what happens once is planned once."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from governance import outbox, work
from governance.models import Cursor, Dao, OutboxEntry, RawLog
from presentation.dao_view import DaoView
from webapp.mail import alerts, milestones, personal, subscriptions, webhooks
from webapp.mail.kinds import MILESTONES, TOPICS, Kind, kind_of
from webapp.mail.send import BEHIND_BLOCKS, DIGEST_WORK, PERIOD_WORK, UNDONE, is_behind
from webapp.models import DigestSent, ReadingCursor, Subscription

READER = "webapp.digests"
SEND_AT = datetime.time(7, 0)  # of the reader's day
WEEKLY_ON = 0  # Monday
NO_NEWS_AFTER = datetime.timedelta(days=8)  # by the chain's clock, of what is read among blocks of long ago
_HOWEVER_OLD = frozenset({Kind.JUDGED, Kind.ACT_SCHEDULED, Kind.PAUSED, Kind.UNPAUSED})


def follow_outbox() -> int:
    """Turn news into due messages for those who want them at once. Returns how many entries were read.

    A reader that is new starts at the outbox's end: nobody wants the history of a DAO in the mailbox.
    """
    with transaction.atomic():
        newest = OutboxEntry.objects.order_by("-id").values_list("id", flat=True).first() or 0
        ReadingCursor.objects.get_or_create(reader=READER, defaults={"after_id": newest})
        cursor = ReadingCursor.objects.select_for_update().get(reader=READER)
        entries = outbox.read("", cursor.after_id)
        history = _history(entries)
        for entry in entries:
            kind = kind_of(entry.topic.removesuffix(UNDONE))
            if kind is None or entry.topic == Kind.JUDGED + UNDONE or entry.pk in history:
                continue  # of a proposal that is gone its own correction tells
            # What is found about an old proposal is found now, and what can be stopped matters to who came after it.
            block = None if kind in _HOWEVER_OLD else entry.block_number
            _tell(entry.dao, kind, f"{entry.topic}:{entry.key}@{entry.pk}", entry.block_number, since=block)
        if entries:
            cursor.after_id = entries[-1].id
            cursor.save(update_fields=["after_id"])
    return len(entries)


def _history(entries: Sequence[OutboxEntry]) -> set[int]:
    """The entries (their numbers) that are no news to anybody: read among blocks of long ago, as where a DAO or one of
    its contracts is followed anew. Corrections, findings, announced acts and pauses are none of them."""
    daos = {entry.dao_id for entry in entries}
    heads = dict(Cursor.objects.filter(dao__in=daos).values_list("dao", "node_head_block"))
    far = [
        entry for entry in entries
        if heads.get(entry.dao_id, 0) - entry.block_number > BEHIND_BLOCKS
        and not entry.topic.endswith(UNDONE) and entry.topic not in _HOWEVER_OLD
    ]  # fmt: skip
    numbers = {entry.block_number for entry in far}
    before_chain_s = (timezone.now() - NO_NEWS_AFTER).timestamp()
    logs = RawLog.objects.filter(
        dao__in={entry.dao_id for entry in far}, block_number__in=numbers, block_timestamp_chain_s__lt=before_chain_s
    )
    old = set(logs.values_list("dao", "block_number")) if far else set()
    return {entry.pk for entry in far if (entry.dao_id, entry.block_number) in old}


def _tell(dao: Dao, kind: Kind, topic: str, block: int, *, since: int | None = None) -> None:
    """Have news, or their correction, sent to whoever wants them at once. A correction goes to all: who was told may
    have switched the topic off since; whoever was not told gets none (`send`). `since`: the block that brought the
    news, which are none to whoever came after it; None where they are of now."""
    is_new = Q() if since is None else Q(from_block=None) | Q(from_block__lte=since)
    webhooks.plan(dao, kind, topic, block, is_new)
    wanted = subscriptions.active(dao).filter(frequency=Subscription.Frequency.IMMEDIATE)
    if UNDONE not in topic.partition(":")[0]:
        wanted = wanted.filter(is_new, topics__contains=[TOPICS[kind]])
    for pk in wanted.values_list("pk", flat=True):
        _enqueue(pk, topic, block=block)


def look_at_votes() -> None:
    """Tell what no log does: milestones of votes, and what is about readers' own addresses. Of DAOs with readers or
    feeds alike, so that both say the same; of a mirror that reads the past, nothing."""
    for dao in Dao.objects.select_related("chain").order_by("pk"):
        place = DaoView(dao)
        if place.cursor is None or is_behind(place):
            continue

        def tell(kind: Kind, key: str, occurrence: str, is_so: bool, block: int, dao: Dao = dao) -> None:
            assert kind in MILESTONES
            _tell(dao, kind, f"{kind}{'' if is_so else UNDONE}:{key}@{occurrence}", block)

        milestones.look(dao, tell)
        for pk, topic in personal.due(dao):
            _enqueue(pk, topic)


def plan_alerts() -> None:
    """Tell of the agent's switch on this site, and remind of requests that wait for an operator."""
    for pk, topic in alerts.due():
        _enqueue(pk, topic)
    webhooks.plan_switches()


def _enqueue(subscription_pk: int, topic: str, *, block: int | None = None) -> None:
    arguments = {"subscription": subscription_pk, "topic": topic, "block": block}
    work.enqueue(DIGEST_WORK, f"{subscription_pk}:{topic}"[:160], None, arguments)


def plan_periods(now: datetime.datetime | None = None) -> None:
    """Have each reader's last daily and weekly digest sent that fell due, at seven in the morning where they are.

    A site that stood still at seven sends it when it is back; of several that were missed, the last alone.
    """
    now = now or timezone.now()
    frequencies = (Subscription.Frequency.DAILY, Subscription.Frequency.WEEKLY)
    found = subscriptions.active().filter(frequency__in=frequencies)
    for frequency, zone in found.values_list("frequency", "reader__zone").distinct().order_by():
        due = _last_due(now, zone, weekly=frequency == Subscription.Frequency.WEEKLY)
        topic = f"{frequency}:{due.date()}"
        unplanned = found.filter(frequency=frequency, reader__zone=zone, confirmed_at__lt=due)
        for pk in _not_yet(unplanned, topic):
            work.enqueue(PERIOD_WORK, f"{pk}:{topic}", None, {"reader": pk, "topic": topic})


def _not_yet(found, topic: str) -> Iterator[int]:
    """Readers who have no digest of this day yet, also none by the name that it had before readers had numbers."""
    mine = DigestSent.objects.filter(reader=OuterRef("reader"), topic=topic)
    # One of before readers had numbers that did not leave is no digest: nothing sends it any more.
    told = found.exclude(Exists(mine.filter(Q(subscription=None) | Q(sent_at__isnull=False))))
    yield from told.values_list("reader", flat=True).distinct().order_by()


def _last_due(now: datetime.datetime, zone: str, *, weekly: bool) -> datetime.datetime:
    """The last moment at or before now at which a digest fell due in a zone."""
    there = now.astimezone(subscriptions.zone_of(zone))
    day = there.date()
    if weekly:
        day -= datetime.timedelta(days=(day.weekday() - WEEKLY_ON) % 7)
    due = datetime.datetime.combine(day, SEND_AT, tzinfo=there.tzinfo)
    if due > there:
        day -= datetime.timedelta(days=7 if weekly else 1)
        due = datetime.datetime.combine(day, SEND_AT, tzinfo=there.tzinfo)
    assert isinstance(due.tzinfo, ZoneInfo)
    return due
