# SPDX-License-Identifier: Apache-2.0
"""The page of delegates."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from presentation.dao_view import DaoView
from webapp.delegates.read import delegate_rows
from webapp.rendering import render_page


@require_safe
@ensure_csrf_cookie
def delegates(request: HttpRequest, slug: str) -> HttpResponse:
    """Who holds voting power."""
    place = DaoView.of(slug)
    rows = delegate_rows(place)
    return render_page(request, "delegates.html", place, "delegates", rows=rows, total=sum(row.power for row in rows))
