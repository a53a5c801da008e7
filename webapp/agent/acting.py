# SPDX-License-Identifier: Apache-2.0
"""The page where an act is asked for in a form of the policy's rules, or as exact calls."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.http import require_http_methods

from agent.acts import submitting
from agent.acts.forms import Act
from agent.acts.policy import NoPolicyInForce
from governance.roles import Do
from governance.sentences import worded
from presentation.budgets import budgets_of, module_readings
from presentation.dao_view import DaoView
from webapp import roles, throttle
from webapp.account import signin
from webapp.agent import forms
from webapp.api_input import bytes32
from webapp.rendering import render_page


@require_http_methods(["GET", "HEAD", "POST"])
@csrf_protect
@ensure_csrf_cookie
def act(request: HttpRequest, slug: str, policy_id: str) -> HttpResponse:
    """The form; sent, it becomes a request that waits for the operator."""
    place = DaoView.of(slug)
    found = forms.form_of(place, bytes32(policy_id))
    if request.method != "POST":
        return _page(request, place, found)
    who = roles.visitor_of(request, place.dao)
    account = who.account
    if account is None:
        return _page(request, place, found, gettext("Sign in with your wallet first: the agent's page does that."), 403)
    if denied := roles.denial(who, Do.ASK):
        return _page(request, place, found, denied, 403)
    if not throttle.may_ask(request, account):
        return _page(request, place, found, gettext("Too many requests. Try again in an hour."), 429)
    try:
        made = submitting.submit(
            place.dao, bytes(found.version.policy_id), request.POST.get("purpose", ""), account,
            f"{account.hex()[:12]}:{request.POST.get('key', '')[:80] or forms.new_key()}", signed_in=True,
            act=_act(request, place, found),
        )  # fmt: skip
    except forms.BadForm as error:
        return _page(request, place, found, str(error), 422)
    except (submitting.RequestError, NoPolicyInForce) as error:
        return _page(request, place, found, worded(error.sentence), 409)
    return HttpResponseRedirect(reverse("request", args=[slug, made.pk]))


def _act(request: HttpRequest, place: DaoView, found: forms.PolicyForm) -> Act:
    if request.POST.get("what") == "batch":
        return forms.act_of_batch(request.POST.get("batch", ""), place.dao.chain_id)
    return forms.act_of_inputs(place, found, _chosen(request), request.POST.dict())


def _chosen(request: HttpRequest) -> list[int]:
    return [int(number) for number in request.POST.getlist("rule") if number.isdecimal() and len(number) < 4]


def _page(
    request: HttpRequest, place: DaoView, found: forms.PolicyForm, problem: str = "", status: int = 200
) -> HttpResponse:
    policy_id = bytes(found.version.policy_id)
    account = signin.account_of(request, place.dao.chain_id)
    page = render_page(
        request,
        "act_form.html",
        place,
        "agent",
        policy_id=policy_id,
        version=found.version,
        rules=forms.rules_of(place, found, request.POST.dict(), _chosen(request)),
        budgets=budgets_of(place, policy_id, found.code, bytes(found.version.module.address), module_readings(place)),
        operator=found.code.operator,
        is_operator=account == found.code.operator,
        is_signed_in=account is not None,
        purpose=request.POST.get("purpose", ""),
        batch=request.POST.get("batch", ""),
        key=request.POST.get("key", "")[:80] or forms.new_key(),
        problem=problem,
    )
    page.status_code = status
    return page
