# SPDX-License-Identifier: Apache-2.0
"""The page of policies."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from governance import standing
from presentation.dao_view import DaoView
from webapp.api_input import bytes32
from webapp.policies import texts
from webapp.policies.coming import coming
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
        coming=coming(place),
    )


@require_safe
def document(_request: HttpRequest, name: str) -> HttpResponse:
    """`/policies/<hash>.yaml`: the document whose hash stands in a policy's code, for people and other mirrors."""
    text = texts.text_of(bytes32(name))
    if text is None:
        raise Http404("no policy document of this hash is held here")
    headers = {"Cache-Control": "public, max-age=31536000", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)
