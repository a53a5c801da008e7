# SPDX-License-Identifier: Apache-2.0
"""News that the chain does not tell: the agent was stopped or started on this site, told at once to whoever wants to
know of pauses, however often they want digests; and what is about the address that somebody subscribed with, as a
policy's operator or as who asked: a request that waits for the operator or does not get on, what was due or decided and
was not carried out, and a calendar that ended by itself. Each goes to a subscription once.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from agent.acts.words import reason_of
from agent.models import AgentHalt, Request, Schedule
from governance.models import Dao
from governance.sentences import worded
from policies.notation.hexadecimal import hex_text
from presentation import hanging, unanswered, unpaid, words
from presentation.dao_view import DaoView
from presentation.unpaid import WHY_ENDED
from webapp.mail import digest, subscriptions
from webapp.mail.digest import Item, told
from webapp.mail.kinds import Topic
from webapp.models import Subscription

STOPPED, STARTED, WAITING = "agent.stopped", "agent.started", "request.waiting"
UNPAID, OVER, HANGING = "request.unpaid", "calendar.over", "request.hanging"
KINDS = (STOPPED, STARTED, WAITING, UNPAID, OVER, HANGING)
# A request is reminded of after so many days, and then no more: who does not answer four mails reads none.
REMIND_AFTER_DAYS = (1, 3, 7, 14)
_FIRST = datetime.timedelta(days=REMIND_AFTER_DAYS[0])
_NEWS_FOR = datetime.timedelta(days=2)  # what is older is no news to anybody


def due() -> Iterator[tuple[int, str]]:
    """Yield (subscription, topic) of each mail that is due now and was not taken yet."""
    yield from _switches()
    for dao in Dao.objects.filter(requests__status=Request.Status.NEEDS_APPROVAL).distinct():
        yield from _reminders(dao)
    for dao in Dao.objects.filter(requests__isnull=False).union(Dao.objects.filter(schedules__isnull=False)):
        yield from _not_carried_out(dao)
        yield from _stuck(dao)


def _switches() -> Iterator[tuple[int, str]]:
    since = timezone.now() - _NEWS_FOR
    for halt in AgentHalt.objects.filter(happened_at__gt=since).select_related("dao"):
        yield from _without(_of_pauses(halt.dao).filter(confirmed_at__lt=halt.happened_at), STOPPED, halt.pk)
    for halt in AgentHalt.objects.filter(cleared_at__gt=since).select_related("dao"):
        yield from _without(_of_pauses(halt.dao).filter(confirmed_at__lt=halt.cleared_at), STARTED, halt.pk)


def _of_pauses(dao: Dao) -> QuerySet[Subscription]:
    return subscriptions.active(dao).filter(topics__contains=[Topic.PAUSED])


def _reminders(dao: Dao) -> Iterator[tuple[int, str]]:
    for one in unanswered.waiting(dao, longer_than=_FIRST):
        yield from _reminder(dao, WAITING, one)


def _stuck(dao: Dao) -> Iterator[tuple[int, str]]:
    for one in hanging.hanging(dao, longer_than=_FIRST):
        yield from _reminder(dao, HANGING, one)


def _reminder(dao: Dao, kind: str, one: unanswered.Waiting | hanging.Hanging) -> Iterator[tuple[int, str]]:
    count = sum(one.days >= days for days in REMIND_AFTER_DAYS)
    accounts = [account for account in (one.operator, bytes(one.request.requested_by)) if account]
    # Which wait is meant: one that was answered and came back is another.
    yield from _without(_of(dao, accounts), kind, f"{one.request.pk}:{int(one.since.timestamp())}:{count}")


def _not_carried_out(dao: Dao) -> Iterator[tuple[int, str]]:
    """What was not carried out, and calendars that ended by themselves: news for the operator and who asked."""
    for one in unpaid.unpaid(dao, newer_than=_NEWS_FOR, older_than=datetime.timedelta()):
        yield from _without(_of(dao, one.accounts).filter(confirmed_at__lt=one.since), UNPAID, one.key)
    for row, accounts in unpaid.over(dao, timezone.now() - _NEWS_FOR):
        yield from _without(_of(dao, accounts).filter(confirmed_at__lt=row.ended_at), OVER, row.pk)


def _of(dao: Dao, accounts: Collection[bytes]) -> QuerySet[Subscription]:
    active = subscriptions.active(dao).filter(topics__contains=[Topic.NEEDS_YOU])
    return active.filter(delegate__in=accounts)


def _without(wanted: QuerySet[Subscription], kind: str, key: object) -> Iterator[tuple[int, str]]:
    topic = f"{kind}:{key}"
    yield from ((pk, topic) for pk in wanted.exclude(digests__topic=topic).values_list("pk", flat=True))


def letter(place: DaoView, kind: str, key: str, account: bytes | None) -> tuple[str, Item] | None:
    """The heading and the text of news of `KINDS` for a reader, as things are now; None where there is nothing to say
    any more."""
    if kind == WAITING:
        return _waiting(place, key, account)
    if kind == UNPAID:
        return _unpaid(place, key)
    if kind == HANGING:
        return _hanging(place, key)
    if kind == OVER:
        return _over(place, key)
    halt = AgentHalt.objects.filter(dao=place.dao, pk=int(key)).first()
    if halt is None:
        return None
    link = settings.ORIGIN + reverse("operations", args=[place.dao.slug])
    why = told(worded(reason_of(halt)), 400)
    if kind == STOPPED:
        text = gettext(
            "It signs nothing new for this DAO. What it signed before may still be sent and mined, and this stops "
            "nobody else who has its key: the guardian's pause does that."
        )
        lines = [gettext("Why: %(why)s.") % {"why": why}, text]
        if halt.cleared_at is not None:
            lines.append(gettext("It was started again on %(when)s.") % {"when": words.when(halt.cleared_at)})
        return gettext("the agent is stopped"), Item(gettext("The agent is stopped on this site"), link, lines)
    if halt.cleared_at is None:
        return None
    lines = [
        gettext("It was stopped on %(when)s: %(why)s.") % {"when": words.when(halt.happened_at), "why": why},
        gettext("Why it is safe to start it: “%(because)s”.") % {"because": told(halt.cleared_because, 300)},
    ]
    if AgentHalt.objects.filter(dao=place.dao, cleared_at=None).exists():
        lines.append(gettext("Another halt is there: the agent stays stopped."))
    return gettext("a halt of the agent was cleared"), Item(gettext("A halt of the agent was cleared"), link, lines)


def _waiting(place: DaoView, key: str, account: bytes | None) -> tuple[str, Item] | None:
    number, since_s, _ = key.split(":")
    found = [one for one in unanswered.waiting(place.dao, longer_than=_FIRST) if one.request.pk == int(number)]
    if not found or int(found[0].since.timestamp()) != int(since_s):
        return None  # it was answered meanwhile
    if account and found[0].operator == account:
        heading = gettext("a request waits for your signature")
    else:
        heading = gettext("a request waits for the operator")
    return heading, digest.of_waiting(place, found[0])


def _hanging(place: DaoView, key: str) -> tuple[str, Item] | None:
    number, since_s, _ = key.split(":")
    found = [one for one in hanging.hanging(place.dao, longer_than=_FIRST) if one.request.pk == int(number)]
    if not found or int(found[0].since.timestamp()) != int(since_s):
        return None  # it got on meanwhile
    return gettext("a request is not carried out yet"), digest.of_hanging(place, found[0])


def _unpaid(place: DaoView, key: str) -> tuple[str, Item] | None:
    # Mails may leave late: what is so is told for as long as it is news to anybody, and as long again.
    found = unpaid.unpaid(place.dao, newer_than=2 * _NEWS_FOR, older_than=datetime.timedelta())
    one = next((one for one in found if one.key == key), None)
    return None if one is None else (gettext("something was not carried out"), digest.of_unpaid(place, one))


def _over(place: DaoView, key: str) -> tuple[str, Item] | None:
    row = Schedule.objects.filter(dao=place.dao, pk=int(key)).exclude(ended_at=None).first()
    if row is None:
        return None
    lines = [
        gettext("Asked for until then: “%(text)s”.") % {"text": told(row.text, 300)},
        gettext("Why: %(why)s.") % {"why": WHY_ENDED.get(row.ended_because, row.ended_because)},
        gettext("Nothing is asked for by it any more. What it asked for before goes on."),
    ]
    link = settings.ORIGIN + reverse("schedules", args=[place.dao.slug, hex_text(bytes(row.policy_id))])
    return gettext("a calendar has ended"), Item(
        gettext("A calendar of yours or of your policy has ended"), link, lines
    )
