# SPDX-License-Identifier: Apache-2.0
"""The operations page, with the agent's switch on this site."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from agent.acts import halts
from governance.roles import Do
from governance.sentences import worded
from presentation.dao_view import DaoView
from webapp import roles
from webapp.operations import read
from webapp.rendering import render_page


@require_safe
@ensure_csrf_cookie
def operations(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch, rosters, accounts, model, mirror. Everybody may read it; names and facts are for some."""
    return _page(request, DaoView.of(slug))


def _page(request: HttpRequest, place: DaoView, problem: str = "", status: int = 200) -> HttpResponse:
    who = roles.visitor_of(request, place.dao)
    standing = read.halts_of(place, who)
    page = render_page(
        request,
        "operations.html",
        place,
        "operations",
        halts=standing,
        more_halts=halts.count(place.dao) - len(standing) if len(standing) == halts.MOST_SHOWN else 0,
        cleared=read.cleared(place),
        accounts=read.accounts(place),
        rosters=read.rosters_of(place, who),
        model=read.model(),
        mirror=read.mirror(place),
        incidents=read.open_incidents(place),
        account=who.account,
        roles=roles.names_of(who),
        may_stop=who.may(Do.STOP_AGENT),
        may_start=who.may(Do.START_AGENT),
        may_see_log=who.may(Do.SEE_LOG),
        may_see_rosters=who.may(Do.SEE_ROSTERS),
        least=halts.FEWEST_REASON,
        most=halts.MOST_REASON,
        problem=problem,
    )
    page.status_code = status
    page["Cache-Control"] = "private, no-store"  # names and facts are for some
    return page


@require_POST
@csrf_protect
def stop(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop the agent at once: from this answer on it signs nothing new for the DAO."""
    place = DaoView.of(slug)
    who = roles.visitor_of(request, place.dao)
    if denied := roles.denial(who, Do.STOP_AGENT):
        return _page(request, place, denied, 403)
    halts.stop(place.dao, who.account, request.POST.get("because", ""))
    messages.success(request, gettext("The agent is stopped on this site: it signs nothing new for this DAO."))
    return HttpResponseRedirect(reverse("operations", args=[slug]))


@require_POST
@csrf_protect
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Clear the halts that the page showed, with the reason why that is safe. One that came since stays."""
    place = DaoView.of(slug)
    who = roles.visitor_of(request, place.dao)
    if denied := roles.denial(who, Do.START_AGENT):
        return _page(request, place, denied, 403)
    seen = [int(text) for text in request.POST.getlist("halt")[:1000] if text.isascii() and text.isdigit()][:1000]
    try:
        count = halts.start(place.dao, who.account, request.POST.get("because", ""), [n for n in seen if n < 2**63])
    except halts.HaltError as error:
        return _page(request, place, worded(error.sentence), 422)
    text = ngettext("%(count)s halt is cleared.", "%(count)s halts are cleared.", count) % {"count": count}
    if halts.count(place.dao):
        messages.warning(request, text + " " + gettext("Another halt is there: the agent stays stopped."))
    else:
        messages.success(request, text)
    return HttpResponseRedirect(reverse("operations", args=[slug]))
