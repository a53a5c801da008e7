# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: delegates."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from governance.models import AccountPower
from governance.power import delegators_of, totals
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from webapp.api_input import page_and_size, parse_address
from webapp.delegates.read import MOST_ROWS, delegate_rows
from webapp.shapes import Json, address_json, check_json

router = Router()
_NAMED = 100  # delegators in a row of the list


@router.get("/daos/{slug}/delegates")
def delegates(request: HttpRequest, slug: str, page: int = 1, size: int = PAGE) -> list[Json]:
    """Who holds voting power now, the most first, in pages of at most 50. A row names the first 100 of its
    `delegators_count` delegators; `voted_on_more` says that `votes_cast` counts not all."""
    place = DaoView.of(slug)
    page, size = page_and_size(page, size)
    return [
        {
            "account": address_json(row.account),
            "power": str(row.power),
            "delegators_count": row.delegators,
            "delegators": [address_json(delegator) for delegator in row.named],
            "votes_cast": row.votes_cast,
            "voted_on_more": row.has_more_votes,
            "check": check_json(row.check),
        }
        for row in delegate_rows(place, page, min(size, MOST_ROWS), _NAMED)
    ]


@router.get("/daos/{slug}/power")
def power(request: HttpRequest, slug: str) -> Json:
    """How many accounts have voting power now, and how much they have in all, base units."""
    found = totals(DaoView.of(slug).dao)
    return {"holders": found.holders, "power": str(found.power)}


@router.get("/daos/{slug}/delegates/{account}/delegators")
def delegators(request: HttpRequest, slug: str, account: str, page: int = 1, size: int = 100) -> Json:
    """Who delegates to an account now, in the order of their addresses, in pages."""
    place, of = DaoView.of(slug), parse_address(account, "account")
    page, size = page_and_size(page, size)
    row = AccountPower.objects.filter(dao=place.dao, account=of).first()
    found = delegators_of(place.dao, of, first=(page - 1) * size, most=size)
    return {"count": row.delegators if row else 0, "page": page, "delegators": [address_json(who) for who in found]}
