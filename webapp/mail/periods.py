# SPDX-License-Identifier: Apache-2.0
"""The daily and weekly digest: what is open in each DAO of a reader, and what happened since the digest before."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from governance.models import OutboxEntry
from presentation.dao_view import DaoView
from webapp.mail import digest, facts, letters
from webapp.mail.kinds import MILESTONES, OF_PROPOSALS, TOPICS, Kind
from webapp.models import Milestone, Reader, Subscription

LOOKS_BACK = datetime.timedelta(days=8)
_MOST = 12  # news of one DAO in one mail
_MOST_READ = 200
# Those that are open stand in the mail themselves.
_SHOWN_AS_OPEN = frozenset({Kind.CREATED, Kind.OPENED, Kind.LAST_DAY, Kind.ACT_SCHEDULED, Kind.JUDGED})


def compose(
    reader: Reader,
    held: Sequence[Subscription],
    places: Mapping[int, DaoView],
    before: datetime.datetime | None,
    unsubscribe: str,
) -> digest.Mail | None:
    """One mail of these subscriptions, by their numbers; None where there is nothing to say."""
    sections = []
    for one in held:
        place = places[one.pk]
        account = bytes(one.delegate) if one.delegate else None
        since = max(before or one.confirmed_at or timezone.now(), timezone.now() - LOOKS_BACK)
        section = digest.Section(place, digest.open_items(place, account), news_since(place, one.topics, since))
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


def news_since(place: DaoView, topics: Sequence[str], since: datetime.datetime) -> list[tuple[str, str]]:
    """What happened since then of what a reader wants to know, newest first: words and link. What is not so any more,
    and what one node alone shows, is not among it."""
    wanted = {kind for kind, topic in TOPICS.items() if topic in topics} - _SHOWN_AS_OPEN
    told: dict[tuple[Kind, str], datetime.datetime] = {}
    entries = OutboxEntry.objects.filter(dao=place.dao, topic__in=wanted - MILESTONES, written_at__gt=since)
    for topic, key, at in entries.order_by("-id").values_list("topic", "key", "written_at")[:_MOST_READ]:
        told.setdefault((Kind(topic), key), at)
    seen = Milestone.objects.filter(dao=place.dao, stands=True, told=True, seen_at__gt=since)
    milestones = seen.filter(kind__in=wanted & MILESTONES)
    for name, key, at in milestones.order_by("-seen_at").values_list("kind", "key", "seen_at")[:_MOST_READ]:
        told.setdefault((Kind(name), key), at)
    found = []
    for kind, key in sorted(told, key=lambda about: told[about], reverse=True):
        if not facts.happened(place, kind, key) or facts.doubt(place, kind, key):
            continue
        if len(found) == _MOST:
            more = gettext("And more, which the DAO's page shows.")
            return [*found, (more, settings.ORIGIN + reverse("home", args=[place.dao.slug]))]
        try:
            found.append(_line(place, kind, key))
        except (letters.Gone, Http404):
            continue
    return found


def _line(place: DaoView, kind: Kind, key: str) -> tuple[str, str]:
    """News as one line with its link."""
    text = letters.heading_of(place, kind, key)
    if kind in OF_PROPOSALS:
        page = reverse("proposal", args=[place.dao.slug, facts.number_of(kind, key)])
    else:
        page = reverse("agent", args=[place.dao.slug])
    return text[:1].upper() + text[1:], settings.ORIGIN + page
