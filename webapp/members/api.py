# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: one account among the votes of a DAO."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router
from ninja.errors import HttpError

from governance.models import Proposal
from presentation.dao_view import DaoView
from presentation.mine import in_words, member, mine
from presentation.proposals import rows_of
from webapp.answers import answers
from webapp.api_input import parse_address
from webapp.members.answers import MemberAnswer
from webapp.shapes import Json, address_json

router = Router()
MOST = 100  # proposals that are asked about at once


@router.get("/daos/{slug}/members/{account}", response=answers(MemberAnswer, 404, 422))
def member_of(request: HttpRequest, slug: str, account: str, proposals: str = "") -> Json:
    """An account now, and what it did about each of `proposals` (up to 100 numbers, with commas between them). Numbers
    of no proposal that is mirrored here have no answer."""
    place, address = DaoView.of(slug), parse_address(account, "account")
    numbers = [_number(text) for text in proposals.split(",", MOST) if text]
    if len(numbers) > MOST:
        raise HttpError(422, f"proposals: at most {MOST} numbers")
    rows = []
    if numbers and place.one("governor"):
        found = Proposal.objects.filter(dao=place.dao, proposal_id__in=numbers)
        rows = rows_of(place, list(found.order_by("id").values_list("pk", flat=True)))
    seen, done = member(place, address), mine(place, address, rows)
    told = in_words(place, seen)
    return {
        "account": address_json(address),
        "power": None if seen.power is None else str(seen.power),
        "delegators_count": None if seen.power is None else seen.delegators,
        "delegates_to": [{"account": address_json(to), "share_bps": share} for to, share in seen.to],
        "lead": told.lead,
        "delegation": told.delegation,
        "sentences": told.sentences,
        "proposals": [
            {
                "id": str(row.proposal.proposal_id),
                "power_at_snapshot": None if (own := done[row.proposal.pk]).power is None else str(own.power),
                "voted": own.ballots is not None,
                "words": own.in_words(place),
            }
            for row in rows
        ],
        "block": place.block,
    }


def _number(text: str) -> int:
    """Return a proposal's number; 422 for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 78 and int(text) < 2**256):
        raise HttpError(422, "proposals: numbers with commas between them")
    return int(text)
