# SPDX-License-Identifier: Apache-2.0
"""The page of delegates."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from governance import asked_power
from governance.chain import abi
from governance.chain.address import BadAddress, to_bytes
from governance.chain.votes_token import DELEGATE
from governance.power import totals
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from webapp.delegates.profile import drawing, profile
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
        holders=found.holders, listed=MOST_LISTED, page=page, pages=pages, query="", **_offered(place),
    )  # fmt: skip


def _asked(request: HttpRequest, place: DaoView, degraded: asked_power.Degraded) -> HttpResponse:
    """The same where no log says who has power: accounts that the chain was asked about."""
    at = degraded.asked_timepoint
    pages = 1 if at is None else max(1, -(-asked_power.count_at(place.dao, at) // PAGE))
    page = min(page_number(request), pages)
    return render_page(
        request, "delegates.html", place, "delegates", rows=[] if at is None else asked_rows(place, at, page),
        degraded=degraded, snapshot="" if at is None else place.moment_text(at), page=page, pages=pages, query="",
        **_offered(place),
    )  # fmt: skip


@require_safe
@ensure_csrf_cookie
def delegate(request: HttpRequest, slug: str, account: str) -> HttpResponse:
    """One account as a delegate. Every account has a page; one of no power says so."""
    place = DaoView.of(slug)
    try:
        address = to_bytes(account)
    except BadAddress as error:
        raise Http404(str(error)) from error
    text = words.address_text(address)
    if text != account:
        return redirect("delegate", slug, text)
    found = profile(place, address)
    return render_page(
        request, "delegate.html", place, "delegates", profile=found, address=text, drawing=drawing(place, found),
        calldata=hex_text(abi.encode_call(DELEGATE, [address])),
        snapshot=place.moment_text(found.asked.timepoint) if found.asked else "", **_offered(place),
    )  # fmt: skip


def _offered(place: DaoView) -> dict[str, object]:
    """What the page's wallet needs to delegate: the votes token, and whether a signature alone does."""
    token = place.one("votes_token")
    return {
        "token": words.address_text(bytes(token.address)) if token else "",
        "is_relayed": bool(settings.RELAYER_KEYSTORE),
    }
