# SPDX-License-Identifier: Apache-2.0
"""The page of delegates."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from governance import asked_power
from governance.power import totals
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from webapp.delegates.read import MOST_LISTED, asked_rows, delegate_rows
from webapp.rendering import page_number, render_page


@require_safe
@ensure_csrf_cookie
def delegates(request: HttpRequest, slug: str) -> HttpResponse:
    """Who holds voting power."""
    place = DaoView.of(slug)
    if (degraded := asked_power.degraded(place.dao)) is not None:
        return _asked(request, place, degraded)
    found = totals(place.dao)
    pages = max(1, -(-min(found.holders, MOST_LISTED) // PAGE))
    page = min(page_number(request), pages)
    return render_page(
        request, "delegates.html", place, "delegates", rows=delegate_rows(place, page), total=found.power,
        holders=found.holders, listed=MOST_LISTED, page=page, pages=pages, query="",
    )  # fmt: skip


def _asked(request: HttpRequest, place: DaoView, degraded: asked_power.Degraded) -> HttpResponse:
    """The same where no log says who has power: accounts that the chain was asked about."""
    at = degraded.asked_timepoint
    pages = 1 if at is None else max(1, -(-asked_power.count_at(place.dao, at) // PAGE))
    page = min(page_number(request), pages)
    return render_page(
        request, "delegates.html", place, "delegates", rows=[] if at is None else asked_rows(place, at, page),
        degraded=degraded, snapshot="" if at is None else place.moment_text(at), page=page, pages=pages, query="",
    )  # fmt: skip
