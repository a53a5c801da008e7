# SPDX-License-Identifier: Apache-2.0
"""Mails that are no digest: a switch that stopped or started the agent, to every subscriber at once; and a request that
waits for its operator, to who subscribed as the operator or as who asked, and after three days to those who want news
at once. Each is a topic of its own, so that it goes to each subscription once.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from agent.acts.words import reason_of
from agent.models import AgentHalt, Request
from governance.models import Dao, ModuleState, RawLog
from governance.projections import events
from governance.sentences import worded
from policies.notation.hexadecimal import hex_bytes
from presentation import unanswered, words
from presentation.dao_view import DaoView
from webapp.mail import digest, subscriptions
from webapp.mail.digest import Item, told
from webapp.models import Subscription

STOPPED, STARTED, WAITING, PAUSED = "agent.stopped", "agent.started", "request.waiting", "module.paused"
KINDS = (STOPPED, STARTED, WAITING)
MEMBERS = "members"
# A request is reminded of after so many days, and then no more: who does not answer four mails reads none.
REMIND_AFTER_DAYS = (1, 3, 7, 14)
_NEWS_FOR = datetime.timedelta(days=2)  # what is older is no news to anybody


def due() -> Iterator[tuple[int, str]]:
    """Yield (subscription, topic) of each mail that is due now and was not taken yet."""
    yield from _switches()
    for dao in Dao.objects.filter(requests__status=Request.Status.NEEDS_APPROVAL).distinct():
        yield from _reminders(dao)


def _switches() -> Iterator[tuple[int, str]]:
    since = timezone.now() - _NEWS_FOR
    for halt in AgentHalt.objects.filter(happened_at__gt=since).select_related("dao"):
        yield from _without(subscriptions.active(halt.dao).filter(confirmed_at__lt=halt.happened_at), STOPPED, halt.pk)
    for halt in AgentHalt.objects.filter(cleared_at__gt=since).select_related("dao"):
        yield from _without(subscriptions.active(halt.dao).filter(confirmed_at__lt=halt.cleared_at), STARTED, halt.pk)


def _reminders(dao: Dao) -> Iterator[tuple[int, str]]:
    for one in unanswered.waiting(dao, longer_than=datetime.timedelta(days=REMIND_AFTER_DAYS[0])):
        count = sum(one.days >= days for days in REMIND_AFTER_DAYS)
        accounts = [account for account in (one.operator, bytes(one.request.requested_by)) if account]
        active = subscriptions.active(dao)
        # Which wait is meant: one that was answered and came back is another.
        wait = f"{one.request.pk}:{int(one.since.timestamp())}"
        yield from _without(active.filter(delegate__in=accounts), WAITING, f"{wait}:{count}")
        if timezone.now() - one.since >= unanswered.UNANSWERED:
            others = active.filter(frequency=Subscription.Frequency.IMMEDIATE).exclude(delegate__in=accounts)
            yield from _without(others, WAITING, f"{wait}:{MEMBERS}")


def _without(wanted: QuerySet[Subscription], kind: str, key: object) -> Iterator[tuple[int, str]]:
    topic = f"{kind}:{key}"
    yield from ((pk, topic) for pk in wanted.exclude(digests__topic=topic).values_list("pk", flat=True))


def compose(subscription: Subscription, place: DaoView, kind: str, key: str) -> digest.Mail | None:
    """The mail of a topic of `KINDS` as things are now; None where there is nothing to say any more."""
    if kind == WAITING:
        return _waiting(subscription, place, key)
    halt = AgentHalt.objects.filter(dao=place.dao, pk=int(key)).first()
    if halt is None:
        return None
    link = _link(place, "operations")
    why = told(worded(reason_of(halt)), 400)
    if kind == STOPPED:
        lines = [gettext("Why: %(why)s.") % {"why": why}, _switch()]
        if halt.cleared_at is not None:
            lines.append(gettext("It was started again on %(when)s.") % {"when": words.when(halt.cleared_at)})
        item = Item(gettext("The agent is stopped on this site"), link, lines)
        return digest.compose(subscription, place, [item], gettext("the agent is stopped"))
    if halt.cleared_at is None:
        return None
    lines = [
        gettext("It was stopped on %(when)s: %(why)s.") % {"when": words.when(halt.happened_at), "why": why},
        gettext("Why it is safe to start it: “%(because)s”.") % {"because": told(halt.cleared_because, 300)},
    ]
    if AgentHalt.objects.filter(dao=place.dao, cleared_at=None).exists():
        lines.append(gettext("Another halt is there: the agent stays stopped."))
    item = Item(gettext("A halt of the agent was cleared"), link, lines)
    return digest.compose(subscription, place, [item], gettext("a halt of the agent was cleared"))


def _switch() -> str:
    return gettext(
        "It signs nothing new for this DAO. What it signed before may still be sent and mined, and this stops nobody "
        "else who has its key: the guardian's pause does that."
    )


def _link(place: DaoView, page: str, *arguments: object) -> str:
    return settings.ORIGIN + reverse(page, args=[place.dao.slug, *arguments])


def _waiting(subscription: Subscription, place: DaoView, key: str) -> digest.Mail | None:
    number, since_s, _ = key.split(":")
    least = datetime.timedelta(days=REMIND_AFTER_DAYS[0])
    found = [one for one in unanswered.waiting(place.dao, longer_than=least) if one.request.pk == int(number)]
    if not found or int(found[0].since.timestamp()) != int(since_s):
        return None  # it was answered meanwhile
    item = digest.of_waiting(place, found[0])
    if subscription.delegate and found[0].operator == bytes(subscription.delegate):
        heading = gettext("a request waits for your signature")
    else:
        heading = gettext("a request waits for the operator")
    return digest.compose(subscription, place, [item], heading)


# A pause of the policy module is the chain's news: it comes by the outbox.


def was_paused(place: DaoView, key: str) -> bool:
    """Whether the pause of an outbox key (`0x..:epoch`) is on the chain as it is now, whatever came after it."""
    address, _, epoch = key.partition(":")
    logs = RawLog.objects.filter(dao=place.dao, address=hex_bytes(address), topic0__in=events.PAUSED)
    return any(_epoch(log) == epoch for log in logs)


def _epoch(log: RawLog) -> str | None:
    try:
        event = events.decode(events.Kind.MODULE, log)
    except events.Undecodable:
        return None
    return None if event is None else str(event.args["epoch"])


def of_pause(subscription: Subscription, place: DaoView, key: str) -> digest.Mail | None:
    """The mail about a pause; None where it was lifted meanwhile."""
    address = hex_bytes(key.partition(":")[0])
    state = ModuleState.objects.filter(module__dao=place.dao, module__address=address, paused=True).first()
    if state is None:
        return None
    lines = [
        gettext("The policy module %(module)s pays nothing until its owner lifts the pause by a vote.")
        % {"module": words.address_text(address)},
        gettext("What was announced before can never be released."),
    ]
    if doubt := place.doubt_about_pause(state.module_id):
        lines.append(str(doubt))
    item = Item(gettext("The policy module is paused"), _link(place, "agent"), lines)
    return digest.compose(subscription, place, [item], gettext("the policy module is paused"))
