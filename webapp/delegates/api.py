# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: delegates."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from presentation.dao_view import DaoView
from webapp.delegates.read import delegate_rows
from webapp.shapes import Json, address_json, check_json

router = Router()


@router.get("/daos/{slug}/delegates")
def delegates(request: HttpRequest, slug: str) -> list[Json]:
    """Who holds voting power now, the most first, and from whom."""
    place = DaoView.of(slug)
    return [
        {
            "account": address_json(row.account),
            "power": str(row.power),
            "delegators": [address_json(delegator) for delegator in row.delegators],
            "votes_cast": row.votes_cast,
            "check": check_json(row.check),
        }
        for row in delegate_rows(place)
    ]
