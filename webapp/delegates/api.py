# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: delegates."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from governance import asked_power, unconfirmed
from governance.chain.signatures import MOST_SIGNATURE_DIGITS
from governance.models import AccountPower
from governance.power import delegations_to, totals
from policies.notation.hexadecimal import hex_text
from presentation.ballots import Ballots
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from webapp import throttle
from webapp.answers import Sent, TypedData, answers
from webapp.api_input import page_and_size, parse_address, parse_bytes, refuse_other_sites, refuse_too_many
from webapp.delegates import relay
from webapp.delegates.answers import Delegate, DelegateAnswer, Delegators, StatementAnswer, TotalPower
from webapp.delegates.profile import profile
from webapp.delegates.read import MOST_LISTED, MOST_ROWS, asked_rows, delegate_rows
from webapp.delegates.statements import MOST_CHARS, NotTaken, is_text, publish, text_hash, typed_data
from webapp.models import DelegateStatement
from webapp.shapes import Json, address_json, check_json, sides_json

router = Router()
_NAMED = 100  # delegators in a row of the list


@router.get("/daos/{slug}/delegates", response=answers(list[Delegate], 404, 422), exclude_unset=True)
def delegates(request: HttpRequest, slug: str, page: int = 1, size: int = PAGE, after: str = "") -> list[Json]:
    """Who holds voting power now, the most first, at most 50 at once: by page up to the first 10,000, and of any number
    those behind the account `after`, the last that was answered. A row names the first 100 of its `delegators_count`
    delegators; `voted_on_more` says that `votes_cast` counts not all.

    Where no log says who has power (the DAO's `power_reading.standing` is `degraded`), these are accounts that took
    part in votes, with their power at the snapshot `asked.timepoint`, as the chain answered at `asked.block`; who
    delegates to them is null, not known."""
    place = DaoView.of(slug)
    page, size = page_and_size(page, size)
    size = min(size, MOST_ROWS)
    if (degraded := asked_power.degraded(place.dao)) is not None:
        return _asked(place, degraded, page, size)
    last = parse_address(after, "after") if after else None
    if last is None and page * size > MOST_LISTED:
        raise HttpError(422, f"page: only the first {MOST_LISTED} are in pages; go on with after=, the last account")
    rows = delegate_rows(place, 1 if last else page, size, after=last, named=_NAMED)
    return [
        {
            "account": address_json(row.account),
            "power": str(row.power),
            "confirmed": row.is_confirmed,
            "delegators_count": row.delegators,
            "delegators": [address_json(delegator) for delegator in row.named],
            "votes_cast": row.votes_cast,
            "voted_on_more": row.has_more_votes,
            "check": check_json(row.check),
        }
        for row in rows
    ]


def _asked(place: DaoView, degraded: asked_power.Degraded, page: int, size: int) -> list[Json]:
    rows = [] if degraded.asked_timepoint is None else asked_rows(place, degraded.asked_timepoint, page, size)
    return [
        {
            "account": address_json(row.account),
            "power": str(row.power),
            "confirmed": row.is_confirmed,
            "delegators_count": None,
            "delegators": None,
            "votes_cast": row.votes_cast,
            "voted_on_more": row.has_more_votes,
            "check": None,
            "asked": row.asked and {"timepoint": row.asked.timepoint, "block": row.asked.block_number},
        }
        for row in rows
    ]


@router.get("/daos/{slug}/power", response=answers(TotalPower, 404))
def power(request: HttpRequest, slug: str) -> Json:
    """How many accounts have voting power now, and how much they have in all, base units; null where no log says it."""
    place = DaoView.of(slug)
    if asked_power.degraded(place.dao) is not None:
        return {"holders": None, "power": None, "confirmed": None}
    found, is_confirmed = totals(place.dao), not unconfirmed.is_power_in_doubt(place.dao)
    return {"holders": found.holders, "power": str(found.power), "confirmed": is_confirmed}


@router.get("/daos/{slug}/delegates/{account}/delegators", response=answers(Delegators, 404, 422))
def delegators(request: HttpRequest, slug: str, account: str, after: str = "", size: int = 100) -> Json:
    """Who delegates to an account now, in the order of their addresses; with `after`, those behind that address. `next`
    is what to ask for after these, null at the end. `delegations` has the same accounts with what share of its votes
    each delegates. `count` is null where no log says who delegates to whom."""
    place, of = DaoView.of(slug), parse_address(account, "account")
    size = page_and_size(1, size)[1]
    begin = parse_address(after, "after") if after else None
    if asked_power.degraded(place.dao) is not None and not delegations_to(place.dao, of, most=1):
        return {"count": None, "delegators": [], "delegations": [], "next": None}
    row = AccountPower.objects.filter(dao=place.dao, account=of).first()
    found = delegations_to(place.dao, of, after=begin, most=size + 1)
    shown = [address_json(who) for who, _ in found[:size]]
    return {
        "count": row.delegators if row else 0,
        "delegators": shown,
        "delegations": [{"account": address_json(who), "share_bps": share} for who, share in found[:size]],
        "next": shown[-1] if len(found) > size else None,
    }


@router.get("/daos/{slug}/delegates/{account}", response=answers(DelegateAnswer, 404, 422), by_alias=True)
def delegate(request: HttpRequest, slug: str, account: str) -> Json:
    """One account as a delegate: power now, to whom it delegates itself, and the newest proposals with what it did.

    `participation` counts those of the newest proposals for which it had power at the snapshot, open votes that it may
    still vote on left out; its `of`, and `power_at_snapshot`, are null where that power can't be looked up. `power` and
    `power_of_all` are null where no log says who has power (`power_reading` of the DAO). An account may have several
    `votes` on one proposal, or one in parts: then `support` is null, and `parts` says what they added to each side.
    `weight` is that of them all, `reason` and `transaction_hash` are the newest's. With `voted_more` there are more
    votes than the newest 50, which alone are counted.
    """
    place = DaoView.of(slug)
    found = profile(place, parse_address(account, "account"))
    return {
        "account": address_json(found.account),
        "name": found.name,
        "power": None if found.degraded else str(found.power),
        "power_confirmed": None if found.degraded else found.is_power_confirmed,
        "power_of_all": None if found.degraded else str(found.total),
        "delegators_count": None if found.degraded and not found.delegators else found.delegators,
        "delegates_to": [{"account": address_json(to), "share_bps": share} for to, share in found.to],
        "participation": {"voted": found.voted, "of": len(found.ended) if found.is_power_known else None},
        "proposals": [
            {
                "id": str(cast.row.proposal.proposal_id),
                "title": cast.row.title,
                "state": cast.row.state_name,
                "power_at_snapshot": None if cast.power is None else str(cast.power),
                **_ballots_json(cast.ballots),
            }
            for cast in found.cast
        ],
        "changes": [
            {
                "at_chain_s": change.at_chain_s,
                "before": str(change.before),
                "after": str(change.after),
                "confirmed": change.is_confirmed,
                "transaction_hash": hex_text(change.transaction_hash),
            }
            for change in found.changes
        ],
        "check": check_json(found.check),
        "statement": _statement_json(found.statement),
    }


def _statement_json(row: DelegateStatement | None) -> Json | None:
    return row and {
        "text": row.text,
        "text_hash": hex_text(text_hash(row.text)),
        "signed_at_s": row.signed_at_s,
        "signature": hex_text(row.signature),
        "block": row.block_number,
    }


def _ballots_json(found: Ballots | None) -> Json:
    if found is None:
        return dict.fromkeys(
            ("support", "parts", "weight", "reason", "votes", "voted_more", "confirmed", "transaction_hash")
        )
    return {
        "support": found.support,
        "parts": None if found.sides is None else sides_json(found.sides),
        "weight": str(found.weight),
        "reason": found.reason,
        "votes": len(found.votes),
        "voted_more": found.has_more,
        "confirmed": found.is_confirmed,
        "transaction_hash": hex_text(found.votes[0].log.transaction_hash),
    }


class SignedDelegation(Schema):
    """A delegation by signature: the votes token's Delegation, signed by `delegator`. Numbers as decimal text."""

    delegator: str
    delegate: str
    nonce: str = Field(pattern="^[0-9]{1,78}$")
    expiry_chain_s: str = Field(pattern="^[0-9]{1,78}$")
    signature: str = Field(max_length=MOST_SIGNATURE_DIGITS)


@router.post("/daos/{slug}/delegate-by-signature", response=answers(Sent, 400, 403, 404, 409, 415, 422, 429, 503))
def delegate_by_signature(request: HttpRequest, slug: str, payload: SignedDelegation) -> Json:
    """Relay a signed delegation. The same one sent again is answered with the transaction that was sent."""
    refuse_other_sites(request)
    refuse_too_many(request)
    sent = relay.relay(
        DaoView.of(slug),
        parse_address(payload.delegator, "delegator"),
        parse_address(payload.delegate, "delegate"),
        int(payload.nonce),
        int(payload.expiry_chain_s),
        parse_bytes(payload.signature, "signature"),
    )
    return {"transaction_hash": hex_text(sent.transaction_hash), "status": sent.status}


@router.get("/daos/{slug}/delegates/{account}/statement", response=answers(TypedData, 404, 422))
def statement_to_sign(request: HttpRequest, slug: str, account: str, text_hash: str, signed_at_s: int) -> Json:
    """The EIP-712 typed data that an account signs to publish a statement: over keccak256 of its text (UTF-8), at a
    time (Unix seconds). An empty text takes the statement back."""
    place, hash_ = DaoView.of(slug), parse_bytes(text_hash, "text_hash")
    if len(hash_) != 32:
        raise HttpError(422, "text_hash: 32 bytes")
    if not 0 <= signed_at_s < 2**40:
        raise HttpError(422, "signed_at_s: Unix seconds")
    return typed_data(place, parse_address(account, "account"), hash_, signed_at_s)


class SignedStatement(Schema):
    """A statement, and the account's signature over its hash."""

    text: str = Field(max_length=MOST_CHARS)
    signed_at_s: int = Field(ge=0, lt=2**40)
    signature: str = Field(max_length=MOST_SIGNATURE_DIGITS)


@router.post(
    "/daos/{slug}/delegates/{account}/statement",
    response=answers(StatementAnswer | None, 400, 403, 404, 409, 415, 422, 429, 503),
)
def publish_statement(request: HttpRequest, slug: str, account: str, payload: SignedStatement) -> Json | None:
    """Publish what an account says of itself, in place of what it said before; null where it was taken back."""
    refuse_other_sites(request)
    place, address = DaoView.of(slug), parse_address(account, "account")
    if "\0" in payload.text or not is_text(payload.text):
        raise HttpError(422, "text: characters that no text has")
    if not throttle.allow("statement", throttle.who_asks(request), limit=20, window=throttle.HOUR):
        raise HttpError(429, gettext("Too many requests. Try again in an hour."))
    try:
        kept = publish(place, address, payload.text, payload.signed_at_s, parse_bytes(payload.signature, "signature"))
    except NotTaken as error:
        raise HttpError(409, str(error)) from error
    return _statement_json(kept)
