# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: acts, refusals, and requests with their approvals."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import Http404, HttpRequest
from django.utils.translation import gettext
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from agent.acts import approvals, ending, rosters, submitting
from agent.acts.policy import NoPolicyInForce, PoliciesRead
from agent.acts.shown import shown
from agent.models import Request
from governance import standing
from governance.chain.signatures import MOST_SIGNATURE_DIGITS
from governance.roles import Do
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.dao_view import DaoView
from webapp import languages, roles, throttle
from webapp.account import signin
from webapp.agent import forms
from webapp.agent.answers import ActAnswer, ActFormAnswer, PublicRosterAnswer, RefusalAnswer, RequestAnswer
from webapp.agent.asked import request_of, requests_of
from webapp.agent.read import page_of_acts, refused_acts
from webapp.agent.roster import in_use, policy_of
from webapp.agent.shapes import act_json, public_roster
from webapp.answers import TypedData, answers
from webapp.api_input import RELAYED_AN_HOUR, bytes32, page_and_size, parse_address, parse_bytes, refuse_other_sites
from webapp.shapes import Json, address_json

router = Router()


@router.get("/daos/{slug}/acts", response=answers(list[ActAnswer], 404, 422))
def acts(request: HttpRequest, slug: str, page: int = 1, size: int = 25) -> list[Json]:
    """What the agent did and wants to do, newest first, in pages."""
    place = DaoView.of(slug)
    page, size = page_and_size(page, size)
    rows, _ = page_of_acts(place, page=page, size=size)
    return [act_json(place, act) for act in rows]


@router.get("/daos/{slug}/refusals", response=answers(list[RefusalAnswer], 404))
def refusals(request: HttpRequest, slug: str) -> list[Json]:
    """Failed transactions to the policy module, each with the module's error and the clause in words."""
    place = DaoView.of(slug)
    return [
        {
            "transaction_hash": hex_text(row.transaction_hash),
            "block": row.block_number,
            "at_chain_s": row.block_timestamp_chain_s,
            "sender": address_json(row.sender),
            "policy_id": hex_text(row.policy_id) if row.policy_id else None,
            "reason": row.reason,
            "clause": row.clause,
            "decision": hex_text(row.decision) if row.decision else None,
        }
        for row in refused_acts(place)
    ]


@router.get("/daos/{slug}/policies/{policy_id}/act-form", response=answers(ActFormAnswer, 404, 422))
def act_form(request: HttpRequest, slug: str, policy_id: str) -> Json:
    """The calls that a policy in force permits, with what each leaves open: as a JSON schema, and input by input."""
    place = DaoView.of(slug)
    return forms.form_json(place, forms.form_of(place, bytes32(policy_id)))


@router.get("/daos/{slug}/policies/{policy_id}/roster", response=answers(PublicRosterAnswer, 404, 422))
def roster(request: HttpRequest, slug: str, policy_id: str) -> Json:
    """The newest roster of a policy as far as it is public: its hash, addresses and rules; no names, no amounts."""
    place = DaoView.of(slug)
    policy = policy_of(place, policy_id)
    return public_roster(policy, *in_use(policy, place.now_chain_s))


class SignedRoster(Schema):
    """A roster as `manage.py sign_roster` or the roster's page composes it, and the operator's signature over it."""

    typed_data: dict[str, Any]
    signature: str = Field(max_length=MOST_SIGNATURE_DIGITS)


@router.post(
    "/daos/{slug}/policies/{policy_id}/roster",
    response=answers(PublicRosterAnswer, 400, 403, 404, 409, 415, 422, 429, status=201),
)
def hand_in_roster(request: HttpRequest, slug: str, policy_id: str, payload: SignedRoster) -> Status[Json]:
    """Take in a signed roster: whoever sends it, only the signature of the operator that the policy names counts."""
    refuse_other_sites(request)
    place = DaoView.of(slug)
    policy = policy_of(place, policy_id)
    if not throttle.allow("roster", throttle.who_asks(request), limit=RELAYED_AN_HOUR, window=throttle.HOUR):
        raise HttpError(429, gettext("Too many attempts. Try again in an hour."))
    try:
        signed = {"typed_data": payload.typed_data, "signature": payload.signature}
        rosters.accept(place.dao, signed, policy.policy_id)
    except (rosters.RosterError, NoPolicyInForce) as error:
        raise HttpError(409, str(error)) from error
    return Status(201, public_roster(policy, *in_use(policy, place.now_chain_s)))


@router.get("/daos/{slug}/requests", response=answers(list[RequestAnswer], 404, 422))
def newest_requests(request: HttpRequest, slug: str, page: int = 1, size: int = 50) -> list[Json]:
    """Requests to the agent, newest first, in pages."""
    place = DaoView.of(slug)
    page, size = page_and_size(page, size)
    policies = PoliciesRead()
    rows = requests_of(place).order_by("-id")[(page - 1) * size : page * size]
    return [shown(row, policies=policies) for row in rows]


def _one_request(slug: str, request_id: int) -> tuple[DaoView, Request]:
    place = DaoView.of(slug)
    return place, request_of(place, request_id)


@router.get("/daos/{slug}/requests/{request_id}", response=answers(RequestAnswer, 404, 422))
def one_request(request: HttpRequest, slug: str, request_id: int) -> Json:
    """One request: what was derived from it, what was refused, and the decision records it led to."""
    return shown(_one_request(slug, request_id)[1])


@router.get("/daos/{slug}/requests/{request_id}/approval", response=answers(TypedData, 404, 409, 422))
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


class Ask(Schema):
    """A request to the agent in plain words. `key` makes asking again the same request.

    `policy_id` may be left out where only one policy is in force. `account` is the account that the asker sees on the
    page: where another one is signed in, the request is refused.
    """

    text: str = Field(min_length=1, max_length=500)
    policy_id: str = ""
    account: str = Field(default="", max_length=60)
    key: str = Field(default="", max_length=80, pattern="^[ -~]*$")
    calls: list[dict[str, Any]] | None = Field(
        default=None, max_length=20, description="an act's calls, in the schema that `act-form` gives; `text` says why"
    )
    batch: str = Field(
        default="", max_length=forms.MOST_BATCH,
        description="exact calls: a batch of Safe's transaction builder, as text. For the policy's operator alone",
    )  # fmt: skip

    def act(self, found: forms.PolicyForm, chain_id: int) -> dict[str, Any] | None:
        """What is asked for beside the words; None where that is nothing. Raises forms.BadForm."""
        if self.batch and self.calls is not None:
            raise forms.BadForm("calls and batch: send one of the two")
        if self.batch:
            return dict(forms.act_of_batch(self.batch, chain_id))
        return None if self.calls is None else dict(forms.act_of_calls(found, self.calls))


class Approve(Schema):
    """The operator's signature over one candidate."""

    candidate: str = Field(pattern="^c[0-9]{1,3}$")
    signature: str = Field(max_length=MOST_SIGNATURE_DIGITS)


def _signed_in(request: HttpRequest, place: DaoView) -> bytes:
    who = roles.visitor_of(request, place.dao)
    roles.require_in_api(who, Do.ASK)
    if who.account is None:  # nobody without an account may ask
        raise HttpError(401, roles.denial(who, Do.ASK))
    return who.account


@router.post(
    "/daos/{slug}/requests/{request_id}/end", response=answers(RequestAnswer, 400, 401, 403, 404, 409, 415, 422)
)
def end_request(request: HttpRequest, slug: str, request_id: int) -> Json:
    """End a request, signed in as the policy's operator: one that no transaction was signed for pays nothing then.
    What is signed or announced on the chain can't be ended."""
    refuse_other_sites(request)
    place, found = _one_request(slug, request_id)
    account = signin.account_of(request, place.dao.chain_id)
    if account is None:
        raise HttpError(401, gettext("Sign in with the policy's operator."))
    try:
        ending.end(found, account)
    except ending.EndingError as error:
        raise HttpError(403 if error.sentence.code == "only_operator_ends" else 409, str(error)) from error
    except NoPolicyInForce as error:
        raise HttpError(409, str(error)) from error
    return shown(_one_request(slug, request_id)[1])


def _policy_asked_for(place: DaoView, text: str) -> bytes:
    if not text:
        in_force = standing.policies_in_force(place.dao)
        if len(in_force) != 1:
            raise HttpError(409, "say under which policy: policy_id" if in_force else standing.known(place.dao).words)
        return bytes(in_force[0].policy_id)
    policy_id = parse_bytes(text, "policy_id")
    if len(policy_id) != 32:
        raise HttpError(422, "policy_id: 32 bytes")
    return policy_id


@router.post(
    "/daos/{slug}/requests", response=answers(RequestAnswer, 400, 401, 403, 404, 409, 415, 422, 429, status=201)
)
def ask(request: HttpRequest, slug: str, payload: Ask) -> Status[Json]:
    """Ask the agent for something; the asker is who is signed in. Words alone move nothing."""
    refuse_other_sites(request)
    place = DaoView.of(slug)
    account = _signed_in(request, place)
    if payload.account and (on_page := parse_address(payload.account, "account")) != account:
        raise HttpError(
            403,
            gettext("%(signed_in)s is signed in here, not %(shown)s; nothing was asked. Sign in again.")
            % {"signed_in": words.address_text(account), "shown": words.address_text(on_page)},
        )
    policy_id = _policy_asked_for(place, payload.policy_id)
    if not throttle.may_ask(request, account):
        raise HttpError(429, gettext("Too many requests. Try again in an hour."))
    # The key is bound to the asker, so nobody can take another's request by its key.
    key = f"{account.hex()[:12]}:{payload.key or secrets.token_hex(12)}"
    try:
        has_act = bool(payload.batch) or payload.calls is not None
        # Typed on a page in another language, which the page's header names.
        if not has_act and (unclear := languages.unclear_amount(payload.text)):
            raise forms.BadForm(unclear)
        act = payload.act(forms.form_of(place, policy_id), place.dao.chain_id) if has_act else None
        made = submitting.submit(place.dao, policy_id, payload.text, account, key, signed_in=True, act=act)
    except forms.BadForm as error:
        raise HttpError(422, str(error)) from error
    except (submitting.RequestError, NoPolicyInForce) as error:
        raise HttpError(409, str(error)) from error
    return Status(201, shown(_one_request(slug, made.pk)[1]))


@router.post(
    "/daos/{slug}/requests/{request_id}/approve", response=answers(RequestAnswer, 400, 403, 404, 409, 415, 422, 503)
)
def approve(request: HttpRequest, slug: str, request_id: int, payload: Approve) -> Json:
    """Approve a candidate: whoever sends it, only the signature of the operator that the policy code names counts."""
    refuse_other_sites(request)
    _, found = _one_request(slug, request_id)
    try:
        approvals.accept(found, payload.candidate, payload.signature)
    except (approvals.ApprovalError, NoPolicyInForce) as error:
        raise HttpError(409, str(error)) from error
    return shown(_one_request(slug, request_id)[1])
