# SPDX-License-Identifier: Apache-2.0
"""The page of policies."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from governance import standing
from presentation.dao_view import DaoView
from webapp.policies.read import policy_views
from webapp.rendering import render_page


@require_safe
@ensure_csrf_cookie
def policies(request: HttpRequest, slug: str) -> HttpResponse:
    """The policies in force, in words, with their budgets."""
    place = DaoView.of(slug)
    return render_page(
        request,
        "policies.html",
        place,
        "policies",
        policies=policy_views(place, standing.policies_in_force(place.dao)),
        standing=standing.known(place.dao),
    )
