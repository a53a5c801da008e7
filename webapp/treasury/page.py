# SPDX-License-Identifier: Apache-2.0
"""The treasury's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from presentation.dao_view import DaoView
from webapp.rendering import page_number, render_page
from webapp.treasury.read import PAGE, balances, page_of_movements, runways


@require_safe
@ensure_csrf_cookie
def treasury(request: HttpRequest, slug: str) -> HttpResponse:
    """What the treasury holds, how long it lasts, and each movement with the vote or the act that decided it."""
    place, page = DaoView.of(slug), page_number(request)
    held = balances(place)
    rows, count = page_of_movements(place, page)
    return render_page(
        request, "treasury.html", place, "treasury", balances=held, runways=runways(place, held), movements=rows,
        count=count, page=page, pages=max(1, -(-count // PAGE)), query="",
    )  # fmt: skip
