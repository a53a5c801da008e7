# SPDX-License-Identifier: Apache-2.0
"""Limits on how often something may be asked for. Subjects are stored as keyed hashes: nobody's address stands here."""

from __future__ import annotations

import datetime
import hashlib
import hmac

from django.conf import settings
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from webapp.models import Throttle

HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


def allow(kind: str, subject: str, *, limit: int, window: datetime.timedelta) -> bool:
    """Count one attempt of `subject` and say whether it is among the first `limit` of this window."""
    keyed = hmac.new(settings.SECRET_KEY.encode(), f"{kind}:{subject}".encode(), hashlib.sha256).digest()
    seconds = int(window.total_seconds())
    now = int(timezone.now().timestamp())
    start = datetime.datetime.fromtimestamp(now - now % seconds, tz=datetime.UTC)
    row, created = Throttle.objects.get_or_create(kind=kind, subject=keyed, window_start=start, defaults={"count": 1})
    if created:
        return limit > 0
    Throttle.objects.filter(pk=row.pk).update(count=F("count") + 1)
    row.refresh_from_db(fields=["count"])
    return row.count <= limit


def who_asks(request: HttpRequest) -> str:
    """The network address of the asker, as the server sees it (behind a proxy, the proxy must set REMOTE_ADDR)."""
    return request.META.get("REMOTE_ADDR", "")
