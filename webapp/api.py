# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The JSON API under /api/v1: everything the pages show.

Amounts are strings of base units (JSON's numbers lose digits past 2^53), addresses are checksummed, hashes and calldata
are 0x-text, chain times are Unix seconds. An error is `{"error": "one line"}` with a fitting status.

What changes something takes JSON only, and where a browser says its origin it must be ours: no other site can use a
visitor's session.
"""

from __future__ import annotations

import secrets
from typing import Any, Literal

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema, Status
from ninja.errors import HttpError
from ninja.errors import ValidationError as NinjaValidationError
from pydantic import Field

from agent.acts import approvals, submitting
from agent.acts.policy import NoPolicyInForce
from agent.llm import trouble
from agent.models import Request, Summary
from governance import standing
from governance.chain.address import BadAddress, to_bytes
from governance.chain.rpc import Rpc, RpcError
from governance.models import Act, Contract, Dao, OnchainCheck, Proposal, Vote
from presentation import reading, words
from presentation.reading import Place
from webapp import budgets, relay, signin, throttle
from webapp import voter as voters
from webapp.governor_calls import next_step
from webapp.mail import subscriptions

api = NinjaAPI(title="Mandate", version="1", docs_url=None, description=__doc__)

Json = dict[str, Any]


# --- errors: one line each


@api.exception_handler(NinjaValidationError)
def _invalid(request: HttpRequest, error: NinjaValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    where = ".".join(str(part) for part in first.get("loc", ()) if part not in ("body", "query", "path", "payload"))
    return api.create_response(
        request, {"error": f"{where or 'the request'}: {first.get('msg', 'malformed')}"}, status=422
    )


@api.exception_handler(Http404)
def _absent(request: HttpRequest, error: Http404) -> HttpResponse:
    return api.create_response(request, {"error": str(error) or "not here"}, status=404)


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return api.create_response(request, {"error": words.one_line(str(error), 300)}, status=error.status_code)


@api.exception_handler(relay.VoteRefused)
def _vote_refused(request: HttpRequest, error: relay.VoteRefused) -> HttpResponse:
    return api.create_response(request, {"error": words.one_line(str(error), 300)}, status=error.status)


@api.exception_handler(RpcError)
def _node(request: HttpRequest, error: RpcError) -> HttpResponse:
    text = f"the chain's node could not be asked, nothing was sent: {error}"
    return api.create_response(request, {"error": words.one_line(text, 300)}, status=503)


@api.exception_handler(PermissionDenied)
def _denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return api.create_response(request, {"error": words.one_line(str(error), 300)}, status=403)


def _changes(request: HttpRequest) -> None:
    """Refuse what another site's page may have made a browser send."""
    if request.content_type != "application/json":
        raise HttpError(415, "send JSON, with content-type application/json")
    origin = request.headers.get("Origin")
    if origin is not None and origin != settings.ORIGIN:
        raise HttpError(403, "this was sent by a page of another site")


# --- shapes


def _address(value: bytes | None) -> str | None:
    return None if value is None else words.address_text(value)


def _check(check: OnchainCheck | None) -> Json | None:
    if check is None:
        return None
    return {
        "subject": check.subject,
        "block": check.block_number,
        "block_hash": words.hash_text(check.block_hash),
        "matched": check.matched,
        "chain_says": check.chain_says,
        "mirror_says": check.mirror_says,
    }


def _row(place: Place, row: reading.ProposalRow) -> Json:
    proposal = row.proposal
    return {
        "id": str(proposal.proposal_id),
        "title": row.title,
        "proposer": _address(proposal.proposer),
        "state": row.state_name,
        "clock": "block" if place.counts_blocks else "timestamp",
        "snapshot": proposal.snapshot,
        "deadline": proposal.deadline,
        "eta_chain_s": proposal.eta_chain_s,
        "tally": {
            "against": str(proposal.against_votes),
            "for": str(proposal.for_votes),
            "abstain": str(proposal.abstain_votes),
        },
        "quorum": None if row.quorum_votes is None else str(row.quorum_votes),
        "quorum_reached": row.quorum_reached,
        "verdict": row.verdict or None,
        "flags": row.flags,
        "url": f"/{place.dao.slug}/proposals/{proposal.proposal_id}/",
    }


def _vote(vote: Vote) -> Json:
    return {
        "voter": _address(vote.voter),
        "support": vote.support,
        "weight": str(vote.weight),
        "reason": vote.reason,
        "block": vote.log.block_number,
        "at_chain_s": vote.log.block_timestamp_chain_s,
        "transaction_hash": words.hash_text(vote.log.transaction_hash),
    }


def _summary(summary: Summary | None) -> Json | None:
    if summary is None:
        return None
    return {
        "status": summary.status,
        "reason": summary.reason,
        "abstained": summary.status == Summary.Status.ABSTAINED,
        "model": summary.model_name,
        "model_is_demo": summary.model_is_demo,
        "sentences": summary.sentences,
        "claims": summary.claims,
        "findings": summary.findings,
        "hidden": summary.hidden,
    }


def _act(place: Place, act: Act) -> Json:
    return {
        "id": act.pk,
        "policy_id": words.hash_text(act.policy_id),
        "version": act.version,
        "number": act.number,
        "agent": _address(act.agent),
        "status": act.status,
        "decision": words.hash_text(act.decision),
        "record": f"/records/{words.hash_text(act.decision)}.json",
        "act_id": words.hash_text(act.act_id) if act.act_id else None,
        "releasable_chain_s": act.releasable_chain_s,
        "expires_chain_s": act.expires_chain_s,
        "objection_power": str(act.objection_power),
        "objection_threshold": None if act.objection_threshold is None else str(act.objection_threshold),
        "calls": [
            {
                "target": _address(call.target),
                "value_wei": str(call.value_wei),
                "value_symbol": place.native.symbol,
                "calldata": words.hash_text(call.calldata),
            }
            for call in act.calls.all()
        ],
        "objections": [
            {
                "account": _address(objection.account),
                "power": str(objection.power),
                "transaction_hash": words.hash_text(objection.log.transaction_hash),
            }
            for objection in act.objections.all()
        ],
        "at_chain_s": act.log.block_timestamp_chain_s,
        "block": act.log.block_number,
        "transaction_hash": words.hash_text(act.log.transaction_hash),
        "final_transaction_hash": words.hash_text(act.final_log.transaction_hash) if act.final_log else None,
    }


def _request(request: Request) -> Json:
    records = sorted(request.records.all(), key=lambda record: record.pk)
    refusals = sorted(request.refusals.all(), key=lambda refusal: refusal.pk)
    plan = getattr(request, "plan", None)
    return {
        "id": request.pk,
        "key": request.idempotency_key.partition(":")[2],
        "reference": words.hash_text(request.reference),
        "policy_id": words.hash_text(request.policy_id),
        "text": request.text,
        "requested_by": _address(request.requested_by),
        "status": request.status,
        "reason": request.reason,
        "period": request.period,
        "choice": plan.candidate.key if plan and plan.candidate else None,
        "chosen_by": plan.chosen_by if plan else None,
        "model_said": plan.model_said if plan else None,
        "candidates": [
            {
                "key": candidate.key,
                "label": candidate.label,
                "is_roster": candidate.is_roster,
                "differences": candidate.differences,
                # Names stay with the operator's roster: this is public, and the chain tells the addresses only.
                "lines": [{what: line[what] for what in line if what != "name"} for line in candidate.lines],
                "calls": candidate.calls,
                "allowed": candidate.allowed,
                "band": candidate.band,
            }
            for candidate in request.candidates.all()
        ],
        "approval": _approval(request),
        "refusal": "; ".join(str(refusal) for refusal in refusals)
        or (request.reason if request.status == Request.Status.REFUSED else None),
        "refusals": [
            {
                "candidate": refusal.candidate_key,
                "label": refusal.label,
                "reasons": refusal.reasons,
                "headroom": refusal.headroom,
                "module_says": refusal.module_says,
                "block": refusal.block_number,
            }
            for refusal in refusals
        ],
        "decision": words.hash_text(records[-1].hash) if records else None,
        "records": [words.hash_text(record.hash) for record in records],
        "created_at": request.created_at.isoformat(),
    }


def _approval(request: Request) -> Json | None:
    """What the operator may sign while the request waits for her or the model: the chosen candidate, else the first."""
    if request.status not in approvals.OPEN:
        return None
    plan = getattr(request, "plan", None)
    open_ones = [candidate for candidate in request.candidates.all() if candidate.allowed]
    candidate = plan.candidate if plan and plan.candidate and plan.candidate.allowed else next(iter(open_ones), None)
    if candidate is None:
        return None
    try:
        document = approvals.typed_data(request, candidate)
    except (approvals.ApprovalError, NoPolicyInForce) as error:
        return {"candidate": candidate.key, "reason": str(error), "typed_data": None}
    return {"candidate": candidate.key, "reason": request.reason, "typed_data": document}


def _slice(page: int, size: int) -> tuple[int, int]:
    return min(reading.LAST_PAGE, max(1, page)), min(100, max(1, size))


# --- reading


@api.get("/daos")
def daos(request: HttpRequest) -> Json:
    """All DAOs that are mirrored here."""
    found = Dao.objects.order_by("name")[:100]
    return {"daos": [{"slug": dao.slug, "name": dao.name, "chain_id": dao.chain_id} for dao in found]}


@api.get("/daos/{slug}")
def dao(request: HttpRequest, slug: str) -> Json:
    """A DAO: its contracts, how far the mirror has read, and what it met on the way. `policies.standing` is `no_module`
    (none is known), `not_read`, `no_policy` or `policies`."""
    place = Place.of(slug)
    known = standing.known(place.dao)
    return {
        "slug": place.dao.slug,
        "name": place.dao.name,
        "chain_id": place.dao.chain_id,
        "local_chain": place.is_local,
        "native_currency": {"symbol": place.native.symbol, "decimals": place.native.decimals},
        "contracts": {kind: _address(contracts[0].address) for kind, contracts in place.contracts.items() if contracts},
        "all_contracts": [
            {"kind": contract.kind, "address": _address(contract.address), "start_block": contract.start_block}
            for contracts in place.contracts.values()
            for contract in contracts
        ],
        "paused": place.paused,
        "policies": {"standing": known.standing.value, "words": known.words},
        "modules": [
            {
                "address": _address(module.address),
                "paused": state.paused,
                "pause_epoch": state.pause_epoch,
                "guardian": _address(state.guardian),
            }
            for module in place.contracts[Contract.Kind.MODULE]
            if (state := place.module_states.get(module.pk))
        ],
        "treasury": [
            {
                "asset": _address(balance.asset.address),
                "symbol": balance.asset.symbol,
                "amount": str(balance.base_units),
                "read_at_block": balance.read_at_block,
                "flows_agree": balance.flows_agree,
            }
            for balance in reading.balances(place)
        ],
        "mirror": {
            "block": place.block,
            "node_head": place.node_head,
            "now_chain_s": place.now_chain_s,
            "synced_at": place.cursor.synced_at.isoformat() if place.cursor and place.cursor.synced_at else None,
            "incidents": [
                {
                    "kind": incident.kind,
                    "detail": incident.detail,
                    "facts": incident.facts,
                    "first_block": incident.first_block,
                    "happened_at": incident.happened_at.isoformat(),
                    "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
                }
                for incident in reading.incidents(place, 20)
            ],
        },
        "model_trouble": None
        if (now_wrong := trouble.standing()) is None
        else {
            "code": now_wrong.trouble,
            "text": trouble.in_words(now_wrong),
            "since": now_wrong.since.isoformat(),
        },
    }


@api.get("/daos/{slug}/proposals")
def proposals(request: HttpRequest, slug: str, page: int = 1, size: int = 25, show: str = "all") -> Json:
    """Proposals, newest first. `show=open` leaves out what can't change any more; then open votes come first, by what
    ends first, then those to come by when they open, then those that wait for their next step."""
    place = Place.of(slug)
    page, size = _slice(page, size)
    rows, count = reading.proposals(place, only_open=show == "open", page=page, size=size)
    return {"count": count, "page": page, "proposals": [_row(place, row) for row in rows]}


def _proposal(slug: str, proposal_id: str) -> tuple[Place, Proposal]:
    place = Place.of(slug)
    if not proposal_id.isdecimal() or not proposal_id.isascii() or len(proposal_id) > 78:
        raise Http404("a proposal's number is a decimal number")
    return place, reading.proposal(place, int(proposal_id))


@api.get("/daos/{slug}/proposals/{proposal_id}")
def proposal(request: HttpRequest, slug: str, proposal_id: str, votes_page: int = 1) -> Json:
    """One proposal with everything its page shows; votes in pages of 200."""
    place, found = _proposal(slug, proposal_id)
    row, summary = reading.proposal_row(place, found), reading.summary_of(found)
    votes, count = reading.votes(found, page=_slice(votes_page, 1)[0], size=200)
    actions = reading.actions(place, found, summary)
    return {
        **_row(place, row),
        "description": found.description,
        "actions": [
            {
                "target": _address(action.target),
                "value_wei": str(action.value_wei),
                "value_symbol": place.native.symbol,
                # What is executed; where the proposal gives the function as text, its selector and then `data`.
                "calldata": words.hash_text(action.calldata),
                "data": words.hash_text(action.call.data),
                "signature": action.call.shown_signature or None,
                "signature_bytes": words.hash_text(action.call.signature) if action.call.signature else None,
                "signature_says": action.claim or None,
                "decoded": action.decoded.as_json() if action.decoded else None,
                "effect": action.effects[0] if action.effects else None,
                "effects": action.effects,
            }
            for action in actions
        ],
        "next_step": next_step(place, found, row.state, actions),
        "votes_count": count,
        "votes": [_vote(vote) for vote in votes],
        "summary": _summary(summary),
        "transitions": [
            {
                "kind": step.kind,
                "block": step.log.block_number,
                "at_chain_s": step.log.block_timestamp_chain_s,
                "transaction_hash": words.hash_text(step.log.transaction_hash),
            }
            for step in reading.transitions(found)
        ],
        "checks": {
            what: _check(check) for what, check in reading.checks(place, f"proposal:{found.proposal_id}:").items()
        },
        "reorgs": [
            {
                "kind": reorg["incident"].kind,
                "detail": reorg["incident"].detail,
                "removed_votes": reorg["votes"],
                "happened_at": reorg["incident"].happened_at.isoformat(),
            }
            for reorg in reading.reorgs_of(place, found)
        ],
        "block": place.block,
    }


@api.get("/daos/{slug}/proposals/{proposal_id}/ballot")
def ballot(request: HttpRequest, slug: str, proposal_id: str, voter: str, support: int) -> Json:
    """The EIP-712 typed data that `voter` signs to vote by signature, with the nonce that the governor expects now."""
    place, found = _proposal(slug, proposal_id)
    rpc = Rpc.for_chain(place.dao.chain_id)
    if support not in (0, 1, 2):
        raise HttpError(422, "support: 0 (against), 1 (for) or 2 (abstain)")
    document = relay.ballot(place, rpc, found, support, _parse_address(voter, "voter"))
    document["message"]["proposalId"] = str(found.proposal_id)
    document["message"]["nonce"] = str(document["message"]["nonce"])
    return document


@api.get("/daos/{slug}/proposals/{proposal_id}/voters/{account}")
def voter(request: HttpRequest, slug: str, proposal_id: str, account: str) -> Json:
    """What an account can do about a proposal: its power at the snapshot, its votes, and the same in words.

    `power_from` is "chain" (asked at `block`), "mirror", or null where the power is not known; null is not 0.
    """
    place, found = _proposal(slug, proposal_id)
    seen = voters.look(place, found, _parse_address(account, "account"))
    told = voters.in_words(place, found, seen)
    return {
        "account": _address(seen.account),
        "state": str(seen.state.value),
        "snapshot": found.snapshot,
        "power": _text(seen.power),
        "power_from": seen.power_from,
        "has_voted": seen.has_voted,
        "would_count": _text(seen.chain.counted if seen.chain else None),
        "may_vote": seen.may_vote,
        "votes": [_vote(vote) for vote in (*seen.votes, *seen.overrides)],
        "block": seen.chain.block if seen.chain else None,
        "lead": told.lead,
        "sentences": told.sentences,
    }


def _text(base_units: int | None) -> str | None:
    return None if base_units is None else str(base_units)


@api.get("/daos/{slug}/delegates")
def delegates(request: HttpRequest, slug: str) -> list[Json]:
    """Who holds voting power now, the most first, and from whom."""
    place = Place.of(slug)
    return [
        {
            "account": _address(row.account),
            "power": str(row.power),
            "delegators": [_address(delegator) for delegator in row.delegators],
            "votes_cast": row.votes_cast,
            "check": _check(row.check),
        }
        for row in reading.delegates(place)
    ]


@api.get("/daos/{slug}/policies")
def policies(request: HttpRequest, slug: str) -> list[Json]:
    """The policies in force, decoded from the code on chain, with what is spent of each budget."""
    place = Place.of(slug)
    return [
        {
            "policy_id": words.hash_text(view.version.policy_id),
            "version": view.version.version,
            "agent": _address(view.version.agent),
            "operator": _address(view.code.operator) if view.code else None,
            "codehash": words.hash_text(view.version.codehash),
            "codehash_matches": view.codehash_matches,
            "code": words.hash_text(view.version.code),
            "sentences": view.sentences,
            "problem": view.problem or None,
            "budgets": [
                {
                    "name": budget.name,
                    "asset": _address(budget.budget.asset),
                    "symbol": budget.asset.symbol,
                    "period_s": budget.budget.period_s,
                    "limit": str(budget.limit),
                    "instant_limit": str(budget.instant_limit),
                    "spent": None if budget.spent is None else str(budget.spent),
                    "left": None if budget.left is None else str(budget.left),
                    "left_instant": None if budget.left_instant is None else str(budget.left_instant),
                }
                for budget in view.budgets
            ],
            "paused": view.paused,
            "end_chain_s": view.end_chain_s,
            "read_at_block": view.read_at_block,
            "block": view.version.log.block_number,
            "transaction_hash": words.hash_text(view.version.log.transaction_hash),
        }
        for view in budgets.views(place, reading.policies_in_force(place))
    ]


@api.get("/daos/{slug}/acts")
def acts(request: HttpRequest, slug: str, page: int = 1, size: int = 25) -> list[Json]:
    """What the agent did and wants to do, newest first, in pages."""
    place = Place.of(slug)
    page, size = _slice(page, size)
    rows, _ = reading.acts(place, page=page, size=size)
    return [_act(place, act) for act in rows]


@api.get("/daos/{slug}/refusals")
def refusals(request: HttpRequest, slug: str) -> list[Json]:
    """Failed transactions to the policy module, each with the module's error and the clause in words."""
    place = Place.of(slug)
    return [
        {
            "transaction_hash": words.hash_text(row.transaction_hash),
            "block": row.block_number,
            "at_chain_s": row.block_timestamp_chain_s,
            "sender": _address(row.sender),
            "policy_id": words.hash_text(row.policy_id) if row.policy_id else None,
            "reason": row.reason,
            "clause": row.clause,
            "decision": words.hash_text(row.decision) if row.decision else None,
        }
        for row in reading.refusals(place)
    ]


@api.get("/daos/{slug}/requests")
def requests_of(request: HttpRequest, slug: str) -> list[Json]:
    """The newest requests to the agent."""
    place = Place.of(slug)
    return [_request(row) for row in _requests(place).order_by("-id")[:50]]


def _requests(place: Place):
    found = Request.objects.filter(dao=place.dao).select_related("dao", "plan__candidate")
    return found.prefetch_related("candidates", "refusals", "records")


def _one_request(slug: str, request_id: int) -> tuple[Place, Request]:
    place = Place.of(slug)
    found = _requests(place).filter(pk=request_id).first()
    if found is None:
        raise Http404("no request of this number")
    return place, found


@api.get("/daos/{slug}/requests/{request_id}")
def request_of(request: HttpRequest, slug: str, request_id: int) -> Json:
    """One request: what was derived from it, what was refused, and the decision records it led to."""
    return _request(_one_request(slug, request_id)[1])


@api.get("/daos/{slug}/requests/{request_id}/approval")
def approval_document(request: HttpRequest, slug: str, request_id: int, candidate: str) -> Json:
    """The EIP-712 typed data that the operator signs to approve a candidate."""
    _, found = _one_request(slug, request_id)
    chosen = next((row for row in found.candidates.all() if row.key == candidate), None)
    if chosen is None:
        raise Http404("the request has no such candidate")
    try:
        return approvals.typed_data(found, chosen)
    except (approvals.ApprovalError, NoPolicyInForce) as error:
        raise HttpError(409, str(error)) from error


# --- changing


class SignedVote(Schema):
    """A vote by signature: OpenZeppelin's Ballot, signed by `voter`."""

    voter: str
    support: Literal[0, 1, 2]
    signature: str = Field(max_length=20_000)


class Ask(Schema):
    """A request to the agent in plain words. `key` makes asking again the same request.

    `policy_id` may be left out where only one policy is in force. `account` is the account that the asker sees on the
    page: where another one is signed in, the request is refused.
    """

    text: str = Field(min_length=1, max_length=500)
    policy_id: str = ""
    account: str = Field(default="", max_length=60)
    key: str = Field(default="", max_length=80, pattern="^[ -~]*$")


class Approve(Schema):
    """The operator's signature over one candidate."""

    candidate: str = Field(pattern="^c[0-9]{1,3}$")
    signature: str = Field(max_length=400)


class Subscribe(Schema):
    """A wish for a digest by e-mail; nothing is sent but the confirmation until it is confirmed."""

    email: str = Field(max_length=254)
    frequency: Literal["immediate", "daily", "weekly"] = "daily"
    delegate: str = ""


def _parse_address(text: str, what: str) -> bytes:
    try:
        return to_bytes(text)
    except BadAddress as error:
        raise HttpError(422, f"{what}: {error}") from error


def _parse_bytes(text: str, what: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise HttpError(422, f"{what}: not hexadecimal") from error


@api.post("/daos/{slug}/proposals/{proposal_id}/vote-by-signature")
def vote_by_signature(request: HttpRequest, slug: str, proposal_id: str, payload: SignedVote) -> Json:
    """Relay a signed vote. The same vote sent again is answered with the transaction that was sent."""
    _changes(request)
    place, found = _proposal(slug, proposal_id)
    sent = relay.relay(
        place,
        found,
        payload.support,
        _parse_address(payload.voter, "voter"),
        _parse_bytes(payload.signature, "signature"),
    )
    return {"transaction_hash": words.hash_text(sent.transaction_hash), "status": sent.status}


@api.post("/daos/{slug}/subscriptions", response={202: Json})
def subscribe(request: HttpRequest, slug: str, payload: Subscribe) -> Status[Json]:
    """Ask for a digest. The answer is the same whether or not the address was known."""
    _changes(request)
    place = Place.of(slug)
    try:
        validate_email(payload.email)
    except DjangoValidationError as error:
        raise HttpError(422, "email: not an e-mail address") from error
    delegate = _parse_address(payload.delegate, "delegate") if payload.delegate else None
    try:
        subscriptions.ask(place.dao, payload.email, payload.frequency, delegate, throttle.who_asks(request))
    except subscriptions.TooOften as error:
        raise HttpError(429, str(error)) from error
    return Status(202, {"status": "a message with a link to confirm is on its way"})


def _signed_in(request: HttpRequest) -> bytes:
    account = signin.account_of(request)
    if account is None:
        raise HttpError(401, "sign in with your wallet first")
    return account


def _policy_asked_for(place: Place, text: str) -> bytes:
    if not text:
        in_force = reading.policies_in_force(place)
        if len(in_force) != 1:
            raise HttpError(409, "say under which policy: policy_id" if in_force else standing.known(place.dao).words)
        return bytes(in_force[0].policy_id)
    policy_id = _parse_bytes(text, "policy_id")
    if len(policy_id) != 32:
        raise HttpError(422, "policy_id: 32 bytes")
    return policy_id


@api.post("/daos/{slug}/requests", response={201: Json})
def ask(request: HttpRequest, slug: str, payload: Ask) -> Status[Json]:
    """Ask the agent for something; the asker is who is signed in. Words alone move nothing."""
    _changes(request)
    account = _signed_in(request)
    if payload.account and (shown := _parse_address(payload.account, "account")) != account:
        raise HttpError(
            403,
            f"{words.address_text(account)} is signed in here, not {words.address_text(shown)}; nothing was asked. "
            "Sign in again.",
        )
    place = Place.of(slug)
    policy_id = _policy_asked_for(place, payload.policy_id)
    # Accounts cost nothing to make, so the asker's place counts too: each request takes the model's time.
    if not throttle.allow("request", account.hex(), limit=20, window=throttle.HOUR) or not throttle.allow(
        "request-asker", throttle.who_asks(request), limit=100, window=throttle.HOUR
    ):
        raise HttpError(429, "that are many requests; wait an hour")
    # The key is bound to the asker, so nobody can take another's request by its key.
    key = f"{account.hex()[:12]}:{payload.key or secrets.token_hex(12)}"
    try:
        made = submitting.submit(place.dao, policy_id, payload.text, account, key, signed_in=True)
    except (submitting.RequestError, NoPolicyInForce) as error:
        raise HttpError(409, str(error)) from error
    return Status(201, _request(_one_request(slug, made.pk)[1]))


@api.post("/daos/{slug}/requests/{request_id}/approve")
def approve(request: HttpRequest, slug: str, request_id: int, payload: Approve) -> Json:
    """Approve a candidate: whoever sends it, only the signature of the operator that the policy code names counts."""
    _changes(request)
    _, found = _one_request(slug, request_id)
    try:
        approvals.accept(found, payload.candidate, payload.signature)
    except (approvals.ApprovalError, NoPolicyInForce) as error:
        raise HttpError(409, str(error)) from error
    return _request(_one_request(slug, request_id)[1])
