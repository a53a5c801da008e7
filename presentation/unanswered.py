# SPDX-License-Identifier: Apache-2.0
"""Requests that wait for an operator's signature, and for how long: for pages, reminders and digests alike."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext

from agent.acts.policy import operator_named
from agent.models import Request
from governance.models import Dao
from policies.notation.visible import one_line
from presentation import words

# After so long without an answer the members are told, too.
UNANSWERED = datetime.timedelta(days=3)
_MOST = 50
_HERE = Q(moves__to_status=Request.Status.NEEDS_APPROVAL)


@dataclass(frozen=True)
class Waiting:
    """A request that waits for its policy's operator, since when (by this site's clock), and who that is."""

    request: Request
    since: datetime.datetime
    operator: bytes | None  # None: not known now

    @property
    def days(self) -> int:
        return (timezone.now() - self.since).days

    @property
    def text(self) -> str:
        """What was asked, in one line, and since when nobody has answered."""
        return gettext("Request %(number)s, “%(text)s”, waits for the operator's signature since %(since)s.") % {
            "number": self.request.pk,
            "text": one_line(self.request.text, 120),
            "since": words.when(self.since),
        }


def waiting(dao: Dao, *, longer_than: datetime.timedelta) -> list[Waiting]:
    """The requests that have waited for an operator for so long, the longest first."""
    until = timezone.now() - longer_than
    rows = (
        Request.objects.filter(dao=dao, status=Request.Status.NEEDS_APPROVAL)
        .select_related("module")
        .annotate(since=Max("moves__at", filter=_HERE))
        .filter(since__lte=until)
        .order_by("since", "pk")[:_MOST]
    )
    return [Waiting(row, row.since, operator_named(row.module, bytes(row.policy_id))) for row in rows]


def unanswered(dao: Dao) -> list[Waiting]:
    """Those that waited for so long that the members are told."""
    return waiting(dao, longer_than=UNANSWERED)
