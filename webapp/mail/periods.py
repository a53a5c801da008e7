# SPDX-License-Identifier: Apache-2.0
"""The daily and weekly digest: what is open in each DAO of a reader, and what happened since the digest before."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from governance.models import OutboxEntry, UnconfirmedLog
from presentation.dao_view import DaoView
from webapp.mail import digest, facts, letters, personal
from webapp.mail.kinds import MILESTONES, OF_PROPOSALS, TOPICS, Kind, Topic, kind_of
from webapp.models import Milestone, Reader, Subscription

News = tuple[Kind, str]  # and its key

LOOKS_BACK = datetime.timedelta(days=8)
_MOST = 12  # news of one DAO in one mail
_MOST_READ = 200
# Of what stands in the mail itself as open these say nothing more.
_SHOWN_AS_OPEN = frozenset({Kind.CREATED, Kind.OPENED, Kind.LAST_DAY, Kind.ACT_SCHEDULED})
_OVER = {
    Kind.OPENED: gettext_noop("The vote was open, and is over: %(about)s"),
    Kind.ACT_SCHEDULED: gettext_noop("The agent announced act %(about)s, which can't be stopped any more"),
}


@dataclass
class Doubts:
    """News that a digest left out because one node alone showed them, by their DAO: `before` by the digest before this
    one, `left` by this one. So each is told once, by the first digest after it was settled."""

    before: Mapping[int, Sequence[News]] = field(default_factory=dict)
    left: dict[int, list[News]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def kept(cls, rows: Sequence[Sequence[object]] | None) -> Doubts:
        """Return what a digest before this one kept (`as_json`)."""
        before: dict[int, list[News]] = defaultdict(list)
        for dao, kind, key in rows or ():
            if (known := kind_of(str(kind))) is not None:
                before[int(str(dao))].append((known, str(key)))
        return cls(before)

    def as_json(self) -> list[list[object]]:
        """Return what the next digest is to look at again."""
        return [[dao, kind.value, key] for dao, left in self.left.items() for kind, key in dict.fromkeys(left)]

    def settled(self, place: DaoView, news: Sequence[News], kinds: Collection[Kind]) -> list[News]:
        """Return the news that no doubt is about, and of `kinds` those that were left out before, as the last; keep
        the others for the next digest."""
        late = [one for one in self.before.get(place.dao.pk, ()) if one[0] in kinds and one not in news]
        found = list(dict.fromkeys([*news, *late]))
        if not UnconfirmedLog.objects.filter(dao=place.dao).exists():
            return found
        doubted = [one for one in found if facts.is_in_doubt(place, *one)]
        self.left[place.dao.pk] += doubted
        return [one for one in found if one not in doubted]


def compose(
    reader: Reader,
    held: Sequence[Subscription],
    places: Mapping[int, DaoView],
    before: datetime.datetime | None,
    unsubscribe: str,
    until: datetime.datetime | None = None,
    doubts: Doubts | None = None,
) -> digest.Mail | None:
    """One mail of these subscriptions, by their numbers; None where there is nothing to say. `before` and `until`: when
    the digest before this one was begun, and this. `doubts`: what that one left out; what this one does is put in."""
    sections, doubts = [], doubts or Doubts()
    for one in held:
        place = places[one.pk]
        account = bytes(one.delegate) if one.delegate else None
        since = max(before or one.confirmed_at or timezone.now(), timezone.now() - LOOKS_BACK)
        items = digest.open_items(place, account, one.topics)
        own = own_news(place, one, since, until or timezone.now(), doubts)
        news = news_since(place, one.topics, since, {item.link for item in items}, until, doubts)
        section = digest.Section(place, items, [*own, *news])
        if section.items or section.news:
            sections.append(section)
    if not sections:
        return None
    count = sum(len(section.items) for section in sections)
    heading = (
        ngettext("%(count)s decision open", "%(count)s decisions open", count) % {"count": count}
        if count
        else gettext("what happened")
    )
    return digest.compose(reader, sections, heading, unsubscribe)


def own_news(
    place: DaoView, one: Subscription, since: datetime.datetime, until: datetime.datetime, doubts: Doubts
) -> list[tuple[str, str]]:
    """What is about the reader's own address: what waits for it now, and that its delegates voted since."""
    if one.delegate is None:
        return []
    kinds = {Kind.DELEGATE_VOTED} if Topic.DELEGATE in one.topics else set()
    votes = doubts.settled(place, personal.votes_between(place, one, since, until), kinds)
    votes = [(kind, key) for kind, key in votes if facts.happened(place, kind, key)]
    found = [*personal.waiting(place, one), *votes]
    lines = [_line(place, kind, key) for kind, key in found[:_MOST]]
    return [*lines, _more(place)] if len(found) > _MOST else lines


def news_since(
    place: DaoView,
    topics: Sequence[str],
    since: datetime.datetime,
    shown: Collection[str] = (),
    until: datetime.datetime | None = None,
    doubts: Doubts | None = None,
) -> list[tuple[str, str]]:
    """What was read between these moments of what a reader wants to know, newest first: words and link. What came later
    is the next digest's. What is not so any more, what one node alone shows (`doubts` keeps it), and what is open and
    stands in the mail itself (`shown`: its links) is not among it."""
    wanted = {kind for kind, topic in TOPICS.items() if topic in topics} - {Kind.JUDGED}
    told: dict[tuple[Kind, str], datetime.datetime] = {}
    entries = OutboxEntry.objects.filter(dao=place.dao, topic__in=wanted - MILESTONES, written_at__gt=since)
    entries = entries.filter(written_at__lte=until or timezone.now())
    for topic, key, at in entries.order_by("-id").values_list("topic", "key", "written_at")[:_MOST_READ]:
        told.setdefault((Kind(topic), key), at)
    seen = Milestone.objects.filter(dao=place.dao, stands=True, told=True, seen_at__gt=since)
    milestones = seen.filter(kind__in=wanted & MILESTONES, seen_at__lte=until or timezone.now())
    for name, key, at in milestones.order_by("-seen_at").values_list("kind", "key", "seen_at")[:_MOST_READ]:
        told.setdefault((Kind(name), key), at)
    found = []
    newest_first = sorted(told, key=lambda about: told[about], reverse=True)
    for kind, key in (doubts or Doubts()).settled(place, newest_first, wanted - {Kind.DELEGATE_VOTED}):
        if not facts.happened(place, kind, key):
            continue
        if kind in _SHOWN_AS_OPEN and _shown_at(place, kind, key) in shown:
            continue
        is_over = kind in _SHOWN_AS_OPEN and not facts.is_current(place, kind, key, None)
        if kind is Kind.LAST_DAY and is_over:
            continue
        if len(found) == _MOST:
            return [*found, _more(place)]
        try:
            found.append(_line(place, kind, key, is_over=is_over))
        except (letters.Gone, Http404):
            continue
    return found


def _more(place: DaoView) -> tuple[str, str]:
    more = gettext("And more, which the DAO's page shows.")
    return more, settings.ORIGIN + reverse("home", args=[place.dao.slug])


def _shown_at(place: DaoView, kind: Kind, key: str) -> str:
    """The link by which a mail shows what news are about."""
    if kind in OF_PROPOSALS:
        return settings.ORIGIN + reverse("proposal", args=[place.dao.slug, facts.number_of(kind, key)])
    act = facts.acts_of(place, key).first()
    return digest.link_of(place, act) if act is not None else ""


def _line(place: DaoView, kind: Kind, key: str, *, is_over: bool = False) -> tuple[str, str]:
    """News as one line with its link."""
    text = letters.heading_of(place, kind, key)
    if is_over and kind in _OVER:
        text = gettext(_OVER[kind]) % {"about": letters.title_of(place, kind, key)}
    if kind in OF_PROPOSALS:
        page = reverse("proposal", args=[place.dao.slug, facts.number_of(kind, key)])
    else:
        page = reverse("agent", args=[place.dao.slug])
    return text[:1].upper() + text[1:], settings.ORIGIN + page
