# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: proposals, what an account can do about one, and votes by signature."""

from __future__ import annotations

from typing import Literal

from django.http import Http404, HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from governance.chain.rpc import Rpc
from governance.chain.signatures import MOST_SIGNATURE_DIGITS
from governance.models import Proposal
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line
from presentation.calls import action_views
from presentation.checks import checks_of
from presentation.dao_view import DaoView
from presentation.proposals import proposal_of, proposal_row, summary_of
from webapp.answers import Sent, TypedData, answers
from webapp.api_input import page_and_size, parse_address, parse_bytes, refuse_other_sites, refuse_too_many
from webapp.proposals import relay, voter_words
from webapp.proposals import voter as voters
from webapp.proposals.answers import ProposalAnswer, Proposals, VoterAnswer
from webapp.proposals.next_step import cancel_step, next_step
from webapp.proposals.read import reorgs_of, transitions
from webapp.proposals.search import SHOWS, Search, page_of
from webapp.proposals.shapes import row_json, summary_json, vote_json
from webapp.proposals.votes import page_of_votes
from webapp.shapes import Json, address_json, check_json, power_reading_json

router = Router()


@router.get("/daos/{slug}/proposals", response=answers(Proposals, 404, 422), by_alias=True)
def proposals(
    request: HttpRequest, slug: str, page: int = 1, size: int = 25, show: str = "all", q: str = "", by: str = ""
) -> Json:
    """Proposals, newest first. `show=open` leaves out what can't change any more; then open votes come first, by what
    ends first, then those to come by when they open, then those that wait for their next step. `show` may also be
    `executed`, `canceled` or `ended` (not passed, or expired). `q`: words that its text has, or its number; where
    that finds nothing, `near` says which words of texts were looked for in place of those that no text has. `by`: who
    proposed it. With any of these three the count stops at 1,001."""
    place = DaoView.of(slug)
    page, size = page_and_size(page, size)
    proposer = parse_address(by, "by") if by else None
    asked = Search(one_line(q.replace("\0", ""), 200).strip(), show if show in SHOWS else "all", proposer)
    found = page_of(place, asked, page=page, size=size)
    return {
        "count": found.count,
        "page": page,
        "near": [{"asked": near.asked, "words": list(near.words)} for near in found.near],
        "proposals": [row_json(place, row) for row in found.rows],
    }


def proposal_at(slug: str, proposal_id: str) -> tuple[DaoView, Proposal]:
    """Return the DAO and the proposal that an address names. Raises Http404."""
    place = DaoView.of(slug)
    if not proposal_id.isdecimal() or not proposal_id.isascii() or len(proposal_id) > 78:
        raise Http404("a proposal's number is a decimal number")
    return place, proposal_of(place, int(proposal_id))


@router.get("/daos/{slug}/proposals/{proposal_id}", response=answers(ProposalAnswer, 404, 422), by_alias=True)
def proposal(request: HttpRequest, slug: str, proposal_id: str, votes_page: int = 1) -> Json:
    """One proposal with everything its page shows; votes in pages of 200."""
    place, found = proposal_at(slug, proposal_id)
    row, summary = proposal_row(place, found), summary_of(found)
    votes, count = page_of_votes(found, page=page_and_size(votes_page, 1)[0], size=200)
    actions = action_views(place, found, summary)
    return {
        **row_json(place, row),
        "description": found.description,
        "actions": [
            {
                "target": address_json(action.target),
                "value_wei": str(action.value_wei),
                "value_symbol": place.native.symbol,
                # What is executed; where the proposal gives the function as text, its selector and then `data`.
                "calldata": hex_text(action.calldata),
                "data": hex_text(action.call.data),
                "signature": action.call.shown_signature or None,
                "signature_bytes": hex_text(action.call.signature) if action.call.signature else None,
                "signature_says": action.claim or None,
                "decoded": action.decoded.as_json() if action.decoded else None,
                "effect": action.effects[0] if action.effects else None,
                "effects": action.effects,
            }
            for action in actions
        ],
        "next_step": next_step(place, row, actions),
        "cancel_step": cancel_step(place, row, actions),
        "votes_count": count,
        "votes": [vote_json(place, vote) for vote in votes],
        "summary": summary_json(summary),
        "transitions": [
            {
                "kind": step.kind,
                "confirmed": not hasattr(step.log, "unconfirmed"),
                "block": step.log.block_number,
                "at_chain_s": step.log.block_timestamp_chain_s,
                "transaction_hash": hex_text(step.log.transaction_hash),
            }
            for step in transitions(found)
        ],
        "checks": {
            what: check_json(check) for what, check in checks_of(place, f"proposal:{found.proposal_id}:").items()
        },
        "reorgs": [
            {
                "kind": reorg["incident"].kind,
                "detail": reorg["incident"].detail,
                "removed_votes": reorg["votes"],
                "happened_at": reorg["incident"].happened_at.isoformat(),
            }
            for reorg in reorgs_of(place, found)
        ],
        "power_reading": power_reading_json(place.dao),
        "block": place.block,
    }


@router.get("/daos/{slug}/proposals/{proposal_id}/ballot", response=answers(TypedData, 403, 404, 409, 422, 503))
def ballot(request: HttpRequest, slug: str, proposal_id: str, voter: str, support: int) -> Json:
    """The EIP-712 typed data that `voter` signs to vote by signature, with the nonce that the governor expects now."""
    place, found = proposal_at(slug, proposal_id)
    rpc = Rpc.for_chain(place.dao.chain_id)
    if support not in (0, 1, 2):
        raise HttpError(422, "support: 0 (against), 1 (for) or 2 (abstain)")
    document = relay.ballot(place, rpc, found, support, parse_address(voter, "voter"))
    document["message"]["proposalId"] = str(found.proposal_id)
    document["message"]["nonce"] = str(document["message"]["nonce"])
    return document


@router.get(
    "/daos/{slug}/proposals/{proposal_id}/voters/{account}", response=answers(VoterAnswer, 404, 422), by_alias=True
)
def voter(request: HttpRequest, slug: str, proposal_id: str, account: str) -> Json:
    """What an account can do about a proposal: its power at the snapshot, its votes, and the same in words.

    `power_from` is "chain" (asked at `block`), "mirror", or null where the power is not known; null is not 0.
    """
    place, found = proposal_at(slug, proposal_id)
    seen = voters.look(place, found, parse_address(account, "account"))
    told = voter_words.in_words(place, found, seen)
    return {
        "account": address_json(seen.account),
        "state": str(seen.state.value),
        "snapshot": found.snapshot,
        "power": _text(seen.power),
        "power_from": seen.power_from,
        "has_voted": seen.has_voted,
        "would_count": _text(seen.chain.counted if seen.chain else None),
        "may_vote": seen.may_vote,
        "votes": [vote_json(place, vote) for vote in (*seen.votes, *seen.overrides)],
        "block": seen.chain.block if seen.chain else None,
        "lead": told.lead,
        "sentences": told.sentences,
    }


def _text(base_units: int | None) -> str | None:
    return None if base_units is None else str(base_units)


class SignedVote(Schema):
    """A vote by signature: OpenZeppelin's Ballot, signed by `voter`."""

    voter: str
    support: Literal[0, 1, 2]
    signature: str = Field(max_length=MOST_SIGNATURE_DIGITS)


@router.post(
    "/daos/{slug}/proposals/{proposal_id}/vote-by-signature",
    response=answers(Sent, 400, 403, 404, 409, 415, 422, 429, 503),
)
def vote_by_signature(request: HttpRequest, slug: str, proposal_id: str, payload: SignedVote) -> Json:
    """Relay a signed vote. The same vote sent again is answered with the transaction that was sent."""
    refuse_other_sites(request)
    place, found = proposal_at(slug, proposal_id)
    refuse_too_many(request)
    sent = relay.relay(
        place,
        found,
        payload.support,
        parse_address(payload.voter, "voter"),
        parse_bytes(payload.signature, "signature"),
    )
    return {"transaction_hash": hex_text(sent.transaction_hash), "status": sent.status}
