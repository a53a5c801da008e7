# SPDX-License-Identifier: Apache-2.0
"""Acts and requests as JSON."""

from __future__ import annotations

from agent.acts import approvals
from agent.acts.policy import NoPolicyInForce
from agent.models import Request
from governance.models import Act
from policies.notation.hexadecimal import hex_text
from presentation.dao_view import DaoView
from webapp.shapes import Json, address_json


def act_json(place: DaoView, act: Act) -> Json:
    return {
        "id": act.pk,
        "policy_id": hex_text(act.policy_id),
        "version": act.version,
        "number": act.number,
        "agent": address_json(act.agent),
        "status": act.status,
        "decision": hex_text(act.decision),
        "record": f"/records/{hex_text(act.decision)}.json",
        "act_id": hex_text(act.act_id) if act.act_id else None,
        "releasable_chain_s": act.releasable_chain_s,
        "expires_chain_s": act.expires_chain_s,
        "objection_power": str(act.objection_power),
        "objection_threshold": None if act.objection_threshold is None else str(act.objection_threshold),
        "calls": [
            {
                "target": address_json(call.target),
                "value_wei": str(call.value_wei),
                "value_symbol": place.native.symbol,
                "calldata": hex_text(call.calldata),
            }
            for call in act.calls.all()
        ],
        "objections": [
            {
                "account": address_json(objection.account),
                "power": str(objection.power),
                "transaction_hash": hex_text(objection.log.transaction_hash),
            }
            for objection in act.objections.all()
        ],
        "at_chain_s": act.log.block_timestamp_chain_s,
        "block": act.log.block_number,
        "transaction_hash": hex_text(act.log.transaction_hash),
        "final_transaction_hash": hex_text(act.final_log.transaction_hash) if act.final_log else None,
    }


def request_json(request: Request) -> Json:
    records = sorted(request.records.all(), key=lambda record: record.pk)
    refusals = sorted(request.refusals.all(), key=lambda refusal: refusal.pk)
    plan = getattr(request, "plan", None)
    return {
        "id": request.pk,
        "key": request.idempotency_key.partition(":")[2],
        "reference": hex_text(request.reference),
        "policy_id": hex_text(request.policy_id),
        "text": request.text,
        "requested_by": address_json(request.requested_by),
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
        "decision": hex_text(records[-1].hash) if records else None,
        "records": [hex_text(record.hash) for record in records],
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
