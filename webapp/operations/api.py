# SPDX-License-Identifier: Apache-2.0
"""The API: whether the agent runs on this site and with what, and its switch."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from agent.acts import halts
from agent.acts.words import reason_of
from governance import site_keys
from governance.roles import Do, Visitor
from presentation.dao_view import DaoView
from webapp import roles
from webapp.answers import answers
from webapp.api_input import refuse_other_sites
from webapp.operations import read
from webapp.operations.answers import OperationsAnswer
from webapp.shapes import Json, address_json

router = Router()
_NOBODY = Visitor(None, frozenset())


@router.get("/daos/{slug}/operations", response=answers(OperationsAnswer, 404))
def operations(request: HttpRequest, slug: str) -> Json:  # noqa: ARG001 -- ninja passes the request
    """The agent's switch on this site, the accounts that pay for gas, and which roster each policy pays by."""
    return _shown(DaoView.of(slug))


def _shown(place: DaoView) -> Json:
    standing = halts.standing(place.dao, halts.MOST_SHOWN)
    floor, cap = site_keys.floor_wei(place.dao.chain_id), site_keys.cap_wei(place.dao.chain_id)
    return {
        "stopped": bool(standing),
        "halts": [
            {
                "id": row.pk,
                "code": row.reason_code,
                "reason": str(reason_of(row)),
                "since": row.happened_at.isoformat(),
            }
            for row in standing
        ],
        "halts_standing": halts.count(place.dao),
        "accounts": [
            {
                "what": one.code,
                "account": address_json(one.address),
                "balance_wei": None if one.wei is None else str(one.wei),
                "balance_symbol": place.native.symbol,
                "floor_wei": None if floor is None else str(floor),
                "cap_wei": None if cap is None else str(cap),
                "alarm": one.alarm_code,
                "transactions_waiting": one.waiting,
            }
            for one in read.accounts(place)
        ],
        "rosters": [
            {
                "policy_id": one.policy_id,
                "operator": address_json(one.operator),
                "problem": one.problem,
                "serial": one.serial,
                "expires_chain_s": one.expires_chain_s,
                "lines": one.count,
            }
            for one in read.rosters_of(place, _NOBODY)
        ],
    }


class Stop(Schema):
    """Why the agent is stopped; shown to everybody."""

    because: str = Field(default="", max_length=halts.MOST_REASON)


class Start(Schema):
    """Which halts are cleared, by their numbers as somebody saw them, and why that is safe; shown to everybody."""

    because: str = Field(max_length=halts.MOST_REASON)
    halts: list[int] = Field(max_length=1000)


@router.post("/daos/{slug}/agent/stop", response=answers(OperationsAnswer, 400, 401, 403, 404, 415, 422))
def stop_agent(request: HttpRequest, slug: str, payload: Stop) -> Json:
    """Stop the agent on this site, at once. Operator, guardian, owner and keepers may."""
    refuse_other_sites(request)
    place = DaoView.of(slug)
    who = roles.visitor_of(request, place.dao)
    roles.require_in_api(who, Do.STOP_AGENT)
    halts.stop(place.dao, who.account, payload.because)
    return _shown(place)


@router.post("/daos/{slug}/agent/start", response=answers(OperationsAnswer, 400, 401, 403, 404, 409, 415, 422))
def start_agent(request: HttpRequest, slug: str, payload: Start) -> Json:
    """Clear halts. Operator and keepers may; a halt that is not named stays."""
    refuse_other_sites(request)
    place = DaoView.of(slug)
    who = roles.visitor_of(request, place.dao)
    roles.require_in_api(who, Do.START_AGENT)
    try:
        halts.start(place.dao, who.account, payload.because, [n for n in payload.halts if 0 < n < 2**63])
    except halts.HaltError as error:
        raise HttpError(409, str(error)) from error
    return _shown(place)
