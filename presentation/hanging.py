# SPDX-License-Identifier: Apache-2.0
"""Requests that nobody is waited for, and that still do not get on: for pages, mails and digests alike.

A calendar's request that waits, or a payment that was decided and is not made, ends in no status that would tell of it:
the node may be away, the agent stopped or out of gas, a budget used up. So the time is what tells.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Case, Max, Q, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext

from agent.acts.policy import operator_named
from agent.acts.words import TABLE, reason_of
from agent.models import Request
from agent.work_names import EXECUTE_WORK
from governance.models import Dao, Work
from governance.sentences import worded
from policies.notation.visible import one_line
from presentation import labels, words
from presentation.unanswered import UNANSWERED
from presentation.unpaid import by_calendars

_Status = Request.Status
_DECIDED = (_Status.PLANNED, _Status.EXECUTING)
_GETTING_ON = (_Status.RECEIVED, _Status.WAITING, *_DECIDED)
# How such a request began: it was asked for, or left another status.
_BEGAN = Q(moves__to_status__in=_GETTING_ON) & Q(
    moves__from_status__in=("", *(status for status in _Status if status not in _GETTING_ON))
)
# When a payment was decided: that it is bound to an act, or let go again, is no other decision.
_DECIDED_SO = Q(moves__to_status__in=_DECIDED) & ~Q(moves__from_status__in=_DECIDED)
_MOST = 50


@dataclass(frozen=True)
class Hanging:
    """A request that does not get on, since when (by this site's clock), its policy's operator (None: not known now),
    and why, as far as the agent said it when it looked last."""

    request: Request
    since: datetime.datetime
    operator: bytes | None
    why: str

    @property
    def days(self) -> int:
        return (timezone.now() - self.since).days

    @property
    def title(self) -> str:
        return gettext("Request %(number)s is not carried out yet") % {"number": self.request.pk}

    @property
    def advice(self) -> str:
        """What whoever would pay it in another way must know first."""
        if self.request.status == _Status.EXECUTING:
            return gettext(
                "An act of it may be signed already, and may then be paid even while the agent is stopped. Don't pay "
                "it in another way before its page says what came of it: else it may be paid twice."
            )
        return gettext(
            "The agent may still pay it, also when it is started again after a stop. Before anybody pays it in another "
            "way, the policy's operator ends it on its page, signed in: else it may be paid twice."
        )

    @property
    def text(self) -> str:
        """All of it in a line."""
        values = {
            "title": self.title, "asked": one_line(self.request.text, 120), "since": words.when(self.since),
            "why": one_line(self.why, 300),
        }  # fmt: skip
        return gettext("%(title)s: “%(asked)s”, since %(since)s (%(why)s).") % values


def hanging(dao: Dao, *, longer_than: datetime.timedelta) -> list[Hanging]:
    """Calendars' requests that nobody has to sign and that have been under way for so long, and anybody's whose payment
    was decided so long ago and is not made; the longest first. That a request by hand waited before counts not: who
    asked saw it."""
    of_calendar = Q(pk__in=by_calendars(dao))
    began, decided = Max("moves__at", filter=_BEGAN), Max("moves__at", filter=_DECIDED_SO)
    under_way = Request.objects.filter(Q(status__in=_DECIDED) | of_calendar, dao=dao, status__in=_GETTING_ON)
    numbers = list(under_way.values_list("pk", flat=True))  # few: their moves alone are read, not those of all
    if not numbers:
        return []
    rows = (
        Request.objects.filter(pk__in=numbers)
        .select_related("module")
        .annotate(began=began, decided=decided)
        .annotate(since=Coalesce(Case(When(of_calendar, then="began"), default="decided"), "began", "created_at"))
        .filter(since__lte=timezone.now() - longer_than)
        .order_by("since", "pk")[:_MOST]
    )
    found = list(rows)
    looked = _last_words(found)
    return [
        Hanging(row, row.since, operator_named(row.module, bytes(row.policy_id)), _why(row, looked.get(row.pk, "")))
        for row in found
    ]


def left_hanging(dao: Dao) -> list[Hanging]:
    """Those that hang for so long that the members are told."""
    return hanging(dao, longer_than=UNANSWERED)


def _why(request: Request, last_word: str) -> str:
    reasons = [worded(reason_of(request)), last_word]
    return "; ".join([labels.request_status(request.status), *dict.fromkeys(filter(None, reasons))])


def _last_words(requests: list[Request]) -> Mapping[int, str]:
    """What the agent said when it looked last at requests whose payment is decided, by their numbers. Only its own
    sentences: what a node or an exception said may hold what is not for everybody."""
    keys = [str(request.pk) for request in requests if request.status in _DECIDED]
    rows = Work.objects.filter(name=EXECUTE_WORK, key__in=keys, done_at=None).exclude(last_error="")
    stored = [(int(row.key), row.last_error_code or {}) for row in rows]
    failed = gettext("its last try failed, this site's log says how")
    return {key: TABLE.shown(code, "") if code.get("table") == TABLE.name else failed for key, code in stored}
