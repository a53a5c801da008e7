# SPDX-License-Identifier: Apache-2.0
"""What happened in a DAO as an Atom feed (RFC 4287), and its calendar: for programs that look again and again.

An entry keeps its id when its block is replaced, so that nobody reads it twice. What one node alone shows is no entry:
a feed can't take back what somebody has read.
"""

from __future__ import annotations

import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe

from policies.notation.visible import one_line
from presentation import card, words
from presentation.dao_view import DaoView
from presentation.proposals import rows_of
from webapp.feeds.calendar import calendar
from webapp.home.activity import Event, newest_events

MOST = 50


@require_safe
def feed(_request: HttpRequest, slug: str) -> HttpResponse:
    """The newest events, newest first."""
    place = DaoView.of(slug)
    events = [event for event in newest_events(place, MOST, milestones=True) if not event.is_unconfirmed]
    home = settings.ORIGIN + reverse("home", args=[slug])
    made = Atom1Feed(
        title=gettext("What happened in %(dao)s") % {"dao": one_line(place.dao.name, 80)},
        link=home,
        feed_url=settings.ORIGIN + reverse("feed", args=[slug]),
        feed_guid=home,
        description=None,
        language=get_language(),
    )
    verdicts = _verdicts(place, events)
    for event in events:
        made.add_item(
            title=f"{event.about}: {event.what}",
            link=settings.ORIGIN + event.url,
            description=verdicts.get(event.proposal or 0, ""),
            unique_id=f"{home}#{event.key}",
            unique_id_is_permalink=None,
            updateddate=_moment(event.chain_s),
        )
    return HttpResponse(made.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def _verdicts(place: DaoView, events: list[Event]) -> dict[int, str]:
    """What is found about text and calls of the proposals that are named, by their rows' numbers."""
    numbers = list({event.proposal for event in events if event.proposal})
    found = {}
    for row in rows_of(place, numbers):
        tag = card.tag(row.verdict)
        if tag is not None:
            found[row.proposal.pk] = f"{tag.words}. {words.verdict(row.verdict)}."
    return found


def _moment(chain_s: int) -> datetime.datetime:
    """A chain's time; the last that a calendar has for one that none has."""
    last = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)
    return datetime.datetime.fromtimestamp(min(chain_s, int(last.timestamp())), tz=datetime.UTC)


@require_safe
def votes(_request: HttpRequest, slug: str) -> HttpResponse:
    """The calendar of votes."""
    answer = HttpResponse(calendar(DaoView.of(slug)), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'inline; filename="{slug}-votes.ics"'
    return answer
