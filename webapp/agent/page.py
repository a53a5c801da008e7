# SPDX-License-Identifier: Apache-2.0
"""The agent's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from agent.acts import halts
from agent.acts.words import reason_of
from agent.llm import trouble
from governance import standing
from governance.chain import abi
from governance.chain.module import PAUSE
from governance.sentences import worded
from policies.notation.hexadecimal import hex_text
from presentation import hanging, unanswered, unpaid, words
from presentation.acts import counted_as_of_now
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from webapp.agent.asked import waiting_and_newest
from webapp.agent.read import act_views, page_of_acts, refused
from webapp.rendering import page_number, render_page

_MOST_HALTS = 5  # the operations page has more


@require_safe
@ensure_csrf_cookie
def agent(request: HttpRequest, slug: str) -> HttpResponse:
    """Acts, refusals and requests, with the buttons that stop."""
    place, page = DaoView.of(slug), page_number(request)
    rows, count = page_of_acts(place, page=page)
    in_force = standing.policies_in_force(place.dao)
    return render_page(
        request,
        "agent.html",
        place,
        "agent",
        acts=act_views(place, rows),
        page=page,
        pages=max(1, -(-count // PAGE)),
        query="",
        refused=refused(place),
        modules=[
            {
                "pk": module.pk,
                "address": bytes(module.address),
                "state": place.module_states.get(module.pk),
                "doubt": place.doubt_about_pause(module.pk),
                "address_text": words.address_text(module.address),
                "counted_as_of_now": counted_as_of_now(module),
                "pause_calldata": hex_text(abi.encode_call(PAUSE)),
            }
            for module in place.contracts["module"]
        ],
        policies=in_force,
        standing=standing.known(place.dao),
        model_trouble=(now_wrong := trouble.standing()),
        model_trouble_text=trouble.in_words(now_wrong) if now_wrong else "",
        requests=waiting_and_newest(place),
        halts=[worded(reason_of(halt)) for halt in halts.standing(place.dao, _MOST_HALTS)],
        unanswered=unanswered.unanswered(place.dao),
        hanging=hanging.left_hanging(place.dao),
        undone=unpaid.left_undone(place.dao),
    )
