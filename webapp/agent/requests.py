# SPDX-License-Identifier: Apache-2.0
"""The list of requests, the page of one, the asker's word on which reading was meant, and the operator's end of one."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from agent.acts import ending, meaning
from agent.acts.policy import NoPolicyInForce
from governance.chain.address import BadAddress, to_bytes
from governance.sentences import worded
from policies.notation.visible import one_line
from presentation import words
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from webapp.account import signin
from webapp.agent.asked import GROUPS, filters, nothing_in, page_of_requests, request_of, request_view
from webapp.rendering import page_number, render_page


@require_safe
@ensure_csrf_cookie
def requests(request: HttpRequest, slug: str) -> HttpResponse:
    """All requests, those that wait for somebody first. None ever falls off the list."""
    place, page = DaoView.of(slug), page_number(request)
    group = request.GET.get("show", "all")
    group = group if group in GROUPS else "all"
    asked_by = _account(request.GET.get("asked_by", ""))
    rows, count = page_of_requests(place, group=group, asked_by=asked_by, page=page)
    narrowed = "" if asked_by is None else f"&asked_by={words.address_text(asked_by)}"
    return render_page(
        request,
        "requests.html",
        place,
        "agent",
        requests=rows,
        filters=filters(group),
        asked_by=asked_by,
        narrowed=narrowed,
        empty=nothing_in(group),
        page=page,
        pages=max(1, -(-count // PAGE)),
        query=f"&show={group}{narrowed}",
    )


def _account(text: str) -> bytes | None:
    """The account in a page's address; None where none is named. Raises Http404 for what is no address."""
    try:
        return to_bytes(text) if text else None
    except BadAddress as error:
        raise Http404("not an address") from error


@require_safe
@ensure_csrf_cookie
def one(request: HttpRequest, slug: str, request_id: int) -> HttpResponse:
    """One request: what was asked, what code made of it, who said what, and what came of it."""
    place = DaoView.of(slug)
    return _one(request, place, request_id)


def _one(request: HttpRequest, place: DaoView, request_id: int, problem: str = "", status: int = 200) -> HttpResponse:
    view = request_view(place, request_id, signin.account_of(request, place.dao.chain_id))
    page = render_page(
        request, "request.html", place, "agent", title=one_line(view["asked"]["text"], 80), problem=problem, **view
    )
    page.status_code = status
    return page


@require_POST
@csrf_protect
def mean(request: HttpRequest, slug: str, request_id: int) -> HttpResponse:
    """Keep which reading the asker means. It moves no money: the operator signs the one or the other."""
    place = DaoView.of(slug)
    found = request_of(place, request_id)
    account = signin.account_of(request, place.dao.chain_id)
    if account is None:
        return _one(request, place, request_id, gettext("Sign in with the account that asked."), 403)
    try:
        meaning.pick(found, request.POST.get("candidate", "")[:8], account)
    except meaning.MeaningError as error:
        return _one(request, place, request_id, worded(error.sentence), 409)
    return HttpResponseRedirect(reverse("request", args=[slug, request_id]))


@require_POST
@csrf_protect
def end(request: HttpRequest, slug: str, request_id: int) -> HttpResponse:
    """Have the policy's operator end a request that no transaction was signed for."""
    place = DaoView.of(slug)
    found = request_of(place, request_id)
    account = signin.account_of(request, place.dao.chain_id)
    if account is None:
        return _one(request, place, request_id, gettext("Sign in with the policy's operator."), 403)
    try:
        ending.end(found, account)
    except ending.EndingError as error:
        status = 403 if error.sentence.code == "only_operator_ends" else 409
        return _one(request, place, request_id, worded(error.sentence), status)
    except NoPolicyInForce as error:
        return _one(request, place, request_id, worded(error.sentence), 409)
    return HttpResponseRedirect(reverse("request", args=[slug, request_id]))
