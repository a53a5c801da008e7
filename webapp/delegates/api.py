# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: delegates."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router
from ninja.errors import HttpError

from governance.models import AccountPower
from governance.power import delegators_of, totals
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from webapp.api_input import page_and_size, parse_address
from webapp.delegates.read import MOST_LISTED, MOST_ROWS, delegate_rows
from webapp.shapes import Json, address_json, check_json

router = Router()
_NAMED = 100  # delegators in a row of the list


@router.get("/daos/{slug}/delegates")
def delegates(request: HttpRequest, slug: str, page: int = 1, size: int = PAGE, after: str = "") -> list[Json]:
    """Who holds voting power now, the most first, at most 50 at once: by page up to the first 10,000, and of any number
    those behind the account `after`, the last that was answered. A row names the first 100 of its `delegators_count`
    delegators; `voted_on_more` says that `votes_cast` counts not all."""
    place = DaoView.of(slug)
    page, size = page_and_size(page, size)
    size = min(size, MOST_ROWS)
    last = parse_address(after, "after") if after else None
    if last is None and page * size > MOST_LISTED:
        raise HttpError(422, f"page: only the first {MOST_LISTED} are in pages; go on with after=, the last account")
    rows = delegate_rows(place, 1 if last else page, size, after=last, named=_NAMED)
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
        for row in rows
    ]


@router.get("/daos/{slug}/power")
def power(request: HttpRequest, slug: str) -> Json:
    """How many accounts have voting power now, and how much they have in all, base units."""
    found = totals(DaoView.of(slug).dao)
    return {"holders": found.holders, "power": str(found.power)}


@router.get("/daos/{slug}/delegates/{account}/delegators")
def delegators(request: HttpRequest, slug: str, account: str, after: str = "", size: int = 100) -> Json:
    """Who delegates to an account now, in the order of their addresses; with `after`, those behind that address. `next`
    is what to ask for after these, null at the end."""
    place, of = DaoView.of(slug), parse_address(account, "account")
    size = page_and_size(1, size)[1]
    begin = parse_address(after, "after") if after else None
    row = AccountPower.objects.filter(dao=place.dao, account=of).first()
    found = delegators_of(place.dao, of, after=begin, most=size + 1)
    shown = [address_json(who) for who in found[:size]]
    return {
        "count": row.delegators if row else 0,
        "delegators": shown,
        "next": shown[-1] if len(found) > size else None,
    }
