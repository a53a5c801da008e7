# SPDX-License-Identifier: Apache-2.0
"""What came due, or was decided, and was not carried out: for pages, mails and digests alike.

A time of a calendar is asked for once, whatever becomes of it: it is not set back where nobody could ask, where its
request ends without a payment or where its act reverts. Asking again by itself might pay what somebody has paid since,
and repeat what has to be looked at. So it is told instead, to the operator and to who asked, and after a while, where
neither asks again, to everybody.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from agent.acts.policy import operator_named
from agent.acts.schedules import LATE_S, MONTH
from agent.acts.words import TABLE, reason_of
from agent.models import Request, Schedule, ScheduledTime
from governance.models import Dao
from governance.sentences import worded
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line
from presentation import labels, words
from presentation.unanswered import UNANSWERED

# How a request ends without a payment.
ENDED = (Request.Status.ABSTAINED, Request.Status.REFUSED, Request.Status.STOPPED, Request.Status.FAILED)
# That everybody named is paid already, or is being paid: nothing is left to carry out.
_IS_PAID = "all_paid"
# For so long members are told of what nobody has asked for again; then it is over.
_TOLD_FOR = datetime.timedelta(days=31)
_MOST = 50  # that members are told of at once
_MOST_READ = 1000
WHY_ENDED: Mapping[str, Promise] = {
    "": gettext_lazy("ended by hand"),
    "operator_changed": gettext_lazy("ended, since a vote named another operator or another policy module"),
    "policy_ended": gettext_lazy("ended with its policy"),
}


@dataclass(frozen=True)
class Unpaid:
    """A due time that nobody was asked at (`time`), or a request that ended without a payment (`request`); since when,
    by this site's clock, and whom it is told first: its operator and who asked."""

    since: datetime.datetime
    accounts: frozenset[bytes]
    time: ScheduledTime | None = None
    request: Request | None = None

    @property
    def key(self) -> str:
        """Its name in mails' topics: a request that ends a second time is told of again."""
        if self.time is not None:
            return f"time.{self.time.pk}"
        assert self.request is not None
        return f"request.{self.request.pk}.{int(self.since.timestamp())}"

    @property
    def route(self) -> tuple[str, str | int]:
        """The page that shows it: its name among the site's addresses, and what it takes beside the DAO."""
        if self.time is not None:
            return "schedules", hex_text(bytes(self.time.schedule.policy_id))
        assert self.request is not None
        return "request", self.request.pk

    @property
    def asked(self) -> str:
        """The words that it was, or would have been, asked for with."""
        if self.time is not None:
            return self.time.schedule.text.replace(MONTH, self.time.month)
        assert self.request is not None
        return self.request.text

    @property
    def why(self) -> str:
        """Why it was not carried out, a clause."""
        if self.time is None:
            assert self.request is not None
            return f"{labels.request_status(self.request.status)}: {worded(reason_of(self.request))}"
        if self.time.outcome == ScheduledTime.Outcome.MISSED:
            late = words.duration(LATE_S)
            return gettext("this site, or its view of the chain, was more than %(late)s late") % {"late": late}
        return worded(TABLE.read({"code": self.time.reason_code, "values": self.time.reason_values}, ""))

    @property
    def title(self) -> str:
        """What was not carried out, without a full stop."""
        if self.time is not None:
            due = words.moment(self.time.due_chain_s)
            return gettext("The calendar did not ask for what was due on %(due)s") % {"due": due}
        assert self.request is not None
        return gettext("Request %(number)s was not carried out") % {"number": self.request.pk}

    @property
    def text(self) -> str:
        """All of it in a line."""
        values = {"title": self.title, "asked": one_line(self.asked, 120), "why": one_line(self.why, 300)}
        return gettext("%(title)s: “%(asked)s” (%(why)s).") % values


def unpaid(dao: Dao, *, newer_than: datetime.timedelta, older_than: datetime.timedelta) -> list[Unpaid]:
    """Due times that were missed or refused, requests of a calendar that ended without a payment, and any request whose
    act the chain refused for good, of this age, the oldest first."""
    now = timezone.now()
    begin, end = now - newer_than, now - older_than
    missed = ScheduledTime.objects.filter(schedule__dao=dao, created_at__gt=begin, created_at__lte=end)
    missed = missed.exclude(outcome=ScheduledTime.Outcome.ASKED).select_related("schedule__module")
    found = [
        Unpaid(row.created_at, _accounts(row.schedule), time=row)
        for row in missed.order_by("created_at", "pk")[:_MOST_READ]
    ]
    of_calendars = Q(pk__in=by_calendars(dao), status__in=ENDED)
    ended = Request.objects.filter(of_calendars | Q(status=Request.Status.FAILED), dao=dao)
    numbers = list(ended.exclude(reason_code=_IS_PAID).values_list("pk", flat=True))  # whose moves alone are read
    ended = (
        Request.objects.filter(pk__in=numbers)
        .select_related("module")
        .annotate(since=Max("moves__at", filter=Q(moves__to_status=F("status"))))
    )
    for row in ended.filter(since__gt=begin, since__lte=end).order_by("since", "pk")[:_MOST_READ]:
        operator = operator_named(row.module, bytes(row.policy_id))
        accounts = frozenset({bytes(row.requested_by)} | ({operator} if operator else set()))
        found.append(Unpaid(row.since, accounts, request=row))
    return sorted(found, key=lambda one: one.since)


def left_undone(dao: Dao) -> list[Unpaid]:
    """What members are told of: for days neither operator nor asker has asked for it again, in the same words."""
    found = unpaid(dao, newer_than=_TOLD_FOR, older_than=UNANSWERED)
    begin = min((_first_moment(one) for one in found), default=None)
    if begin is None:
        return []
    later = Request.objects.filter(dao=dao, created_at__gte=begin, text__in={one.asked for one in found})
    # A calendar asks for its next date in the same words: that is another payment.
    later = later.exclude(status__in=ENDED).exclude(pk__in=by_calendars(dao))
    asked = list(later.only("policy_id", "requested_by", "text", "act", "created_at"))
    return [one for one in found if not any(_asks_again(request, one) for request in asked)][:_MOST]


def by_calendars(dao: Dao) -> QuerySet[ScheduledTime, int]:
    """The numbers of the requests that calendars asked for."""
    times = ScheduledTime.objects.filter(schedule__dao=dao, request__isnull=False)
    return times.values_list("request", flat=True)


def over(dao: Dao, since: datetime.datetime) -> list[tuple[Schedule, frozenset[bytes]]]:
    """Schedules that ended by themselves since then, each with whom that is told: who set it up, and the operator."""
    ended = Schedule.objects.filter(dao=dao, ended_at__gt=since).exclude(ended_because="").select_related("module")
    return [(row, _accounts(row)) for row in ended.order_by("ended_at", "pk")[:_MOST]]


def _accounts(schedule: Schedule) -> frozenset[bytes]:
    """Who set a schedule up, and who is its policy's operator now."""
    operator = operator_named(schedule.module, bytes(schedule.policy_id))
    return frozenset({bytes(schedule.made_by)} | ({operator} if operator else set()))


def _first_moment(one: Unpaid) -> datetime.datetime:
    """From when on a request by hand is one for the same: a calendar's time may be noticed days after it was due."""
    if one.time is None:
        return one.since
    return min(one.since, datetime.datetime.fromtimestamp(one.time.due_chain_s, datetime.UTC))


def _asks_again(request: Request, one: Unpaid) -> bool:
    """Whether a request is the operator's, or who asked's, for the same in the same words."""
    first = one.time.schedule if one.time is not None else one.request
    assert first is not None
    return (
        request.text == one.asked
        and request.act == (one.request.act if one.request is not None else {})
        and bytes(request.policy_id) == bytes(first.policy_id)
        and bytes(request.requested_by) in one.accounts
        and request.created_at >= _first_moment(one)
    )
