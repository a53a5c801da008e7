# SPDX-License-Identifier: Apache-2.0
"""The page of policies."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from governance import standing
from policies.notation.hexadecimal import hex_text
from presentation.dao_view import DaoView
from webapp.api_input import bytes32
from webapp.policies import texts, trying
from webapp.policies.coming import coming
from webapp.policies.read import PolicyView, policy_views
from webapp.rendering import render_page


@require_safe
@ensure_csrf_cookie
def policies(request: HttpRequest, slug: str) -> HttpResponse:
    """The policies in force, in words, with their budgets."""
    place = DaoView.of(slug)
    known = standing.known(place.dao)
    views = policy_views(place, standing.policies_in_force(place.dao))
    return render_page(
        request,
        "policies.html",
        place,
        "policies",
        policies=[(view, _trial(request, place, view, known)) for view in views],
        standing=known,
        coming=coming(place),
    )


@dataclass(frozen=True)
class Trial:
    """The form that asks whether a payment would pass: what was typed, and the answer or what is wrong with it."""

    choices: trying.Choices
    asset: str = ""
    to: str = ""
    amount: str = ""
    problem: str = ""
    answer: trying.Tried | None = None


def _trial(request: HttpRequest, place: DaoView, view: PolicyView, known: standing.Known) -> Trial | None:
    """The form of a policy that pays, answered where it was filled in for this policy."""
    choices = trying.choices(place, view.code) if view.code else None
    if choices is None:
        return None
    if request.GET.get("policy") != hex_text(view.version.policy_id):
        return Trial(choices)
    asset, to, amount = (request.GET.get(name, "")[: trying.MOST_TEXT + 1] for name in ("asset", "to", "amount"))
    try:
        payment = trying.read_payment(place, asset, to, amount)
    except trying.BadPayment as error:
        return Trial(choices, asset, to, amount, problem=str(error))
    return Trial(choices, asset, to, amount, answer=trying.tried(place, view, payment, known))


@require_safe
def document(_request: HttpRequest, name: str) -> HttpResponse:
    """`/policies/<hash>.yaml`: the document whose hash stands in a policy's code, for people and other mirrors."""
    text = texts.text_of(bytes32(name))
    if text is None:
        raise Http404("no policy document of this hash is held here")
    headers = {"Cache-Control": "public, max-age=31536000", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)
