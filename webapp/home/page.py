# SPDX-License-Identifier: Apache-2.0
"""The list of DAOs, and a DAO's first page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from governance import standing
from governance.models import Dao
from presentation import words
from presentation.dao_view import DaoView
from webapp.home.activity import newest_events
from webapp.home.read import Agenda, held_against, newest_incidents
from webapp.policies.read import policy_views
from webapp.rendering import own_votes, render_page
from webapp.treasury.read import balances, newest_flows


@require_safe
def daos(request: HttpRequest) -> HttpResponse:
    """All DAOs; with only one, its home."""
    found = list(Dao.objects.select_related("chain").order_by("name")[:100])
    if len(found) == 1:
        return redirect("home", slug=found[0].slug)
    return render_page(request, "daos.html", None, daos=found)


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest, slug: str) -> HttpResponse:
    """What needs the reader now, the treasury, and the agent's spending."""
    place = DaoView.of(slug)
    agenda = Agenda.of(place)
    policies = policy_views(place, standing.policies_in_force(place.dao))
    return render_page(
        request,
        "home.html",
        place,
        "home",
        agenda=agenda,
        balances=balances(place),
        flows=newest_flows(place),
        budgets=[budget for policy in policies for budget in policy.budgets],
        policies=policies,
        standing=standing.known(place.dao),
        incidents=newest_incidents(place, 5),
        held=held_against(place),
        events=newest_events(place),
        token=words.address_text(bytes(token.address)) if (token := place.one("votes_token")) else "",
        **own_votes(request, place, agenda.rows),
    )
