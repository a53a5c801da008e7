# SPDX-License-Identifier: Apache-2.0
"""How a page is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from governance.chain.address import BadAddress, to_bytes
from policies.notation.visible import one_line
from presentation import mine
from presentation.dao_view import DaoView
from presentation.proposals import ProposalRow
from webapp.account import signin


def page_number(request: HttpRequest) -> int:
    """The page number asked for; anything that is none is the first."""
    asked = request.GET.get("page", "1")
    return int(asked) if asked.isdecimal() and 0 < len(asked) < 8 and int(asked) > 0 else 1


def account_asked_for(request: HttpRequest) -> tuple[bytes | None, str]:
    """The account that a reader without JavaScript asked about (`?account=0x...`), and what is wrong with what was
    written there, in words; None and empty where nothing was."""
    asked = request.GET.get("account", "").strip()
    if not asked:
        return None, ""
    try:
        return to_bytes(asked), ""
    except BadAddress as error:
        return None, gettext("That is no address: %(problem)s.") % {"problem": one_line(str(error))}


def own_votes(request: HttpRequest, place: DaoView, rows: Sequence[ProposalRow]) -> dict[str, Any]:
    """What a page shows of the account that a reader without JavaScript asked about: itself, and beside each row what
    it did about it. With JavaScript the wallet's script asks the API for the connected account."""
    account, problem = account_asked_for(request)
    if account is None:
        return {"me_problem": problem}
    done = mine.mine(place, account, rows) if rows else {}
    for row in rows:
        row.mine = done[row.proposal.pk].in_words(place)
    told = mine.in_words(place, mine.member(place, account))
    return {"me": {"account": account, "lead": told.lead, "sentences": [told.delegation, *told.sentences]}}


def render_page(
    request: HttpRequest, template: str, place: DaoView | None, here: str = "", **context: Any
) -> HttpResponse:
    """Render a page with what every page shows: the DAO, where the reader is in it, and who is signed in."""
    return render(
        request,
        f"webapp/{template}",
        {"place": place, "here": here, "signed_in": signin.signed_in_text(request), **context},
    )
