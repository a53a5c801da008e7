# SPDX-License-Identifier: Apache-2.0
"""A request as it is shown: the one account of it that the command, the API and the page give."""

from typing import Any

from agent.acts import approvals, life, silence
from agent.acts.policy import NoPolicyInForce, PoliciesRead
from agent.models import Candidate, Plan, Refusal, Request
from governance.chain.address import checksum
from policies.notation.hexadecimal import hex_text


def shown(request: Request, *, public: bool = True, policies: PoliciesRead | None = None) -> dict[str, Any]:
    """Return a request as plain values, amounts as text, with what may be done now and by whom.

    `public` leaves out who is who on the roster, and another's prefix of the key: the operator's console shows them.
    `policies` of a list: what requests before this one had read.
    """
    policies = policies or PoliciesRead()
    plan: Plan | None = getattr(request, "plan", None)
    candidates = list(request.candidates.all())
    refusals = sorted(request.refusals.all(), key=lambda refusal: refusal.pk)
    records = [_hex(record.hash) for record in sorted(request.records.all(), key=lambda record: record.pk)]
    bindings = sorted(request.bindings.all(), key=lambda binding: binding.pk)
    open_ones = [row for row in candidates if row.allowed] if request.status in life.APPROVABLE else []
    return {
        "id": request.pk,
        "key": request.idempotency_key.partition(":")[2] if public else request.idempotency_key,
        "reference": _hex(request.reference),
        "policy_id": _hex(request.policy_id),
        "text": request.text,
        "act": request.act or None,
        "requested_by": checksum(bytes(request.requested_by)),
        "period": request.period,
        "status": request.status,
        "reason": request.reason,
        "reason_code": request.reason_code,
        "reason_values": request.reason_values,
        "choice": plan.candidate.key if plan and plan.candidate else None,
        "chosen_by": plan.chosen_by if plan else None,
        "model": plan.model or None if plan else None,
        "model_said": plan.model_said if plan else None,
        "no_second_look": None if (look := silence.of(plan)) is None else str(look),
        "asker_means": (plan.asker_means or None) if plan else None,
        "candidates": [_candidate(row, public) for row in candidates],
        "may": _may(request, open_ones, policies),
        "approval": _approval(request, plan, open_ones, policies),
        "refusal": "; ".join(str(row) for row in refusals)
        or (request.reason if request.status == Request.Status.REFUSED else None),
        "refusals": [_refusal(row) for row in refusals],
        "number": bindings[-1].number if bindings else None,
        "decision": records[-1] if records else None,
        "records": records,
        "created_at": request.created_at.isoformat(),
    }


def _hex(value: bytes) -> str:
    return hex_text(bytes(value))


def _may(request: Request, open_ones: list[Candidate], policies: PoliciesRead) -> list[dict[str, Any]]:
    """What may be done now: each candidate that may be approved, and by whom (None where that is not known)."""
    if not open_ones:
        return []
    operator = policies.operator(request.module, bytes(request.policy_id))
    by = None if operator is None else checksum(operator)
    return [{"what": "approve", "candidate": candidate.key, "by": by} for candidate in open_ones]


def _candidate(candidate: Candidate, public: bool) -> dict[str, Any]:
    return {
        "key": candidate.key,
        "label": candidate.label,
        "label_code": candidate.label_code,
        "is_roster": candidate.is_roster,
        "differences": candidate.differences,
        "difference_codes": candidate.difference_codes,
        # Names stay with the operator's roster: this is public, and the chain tells the addresses only.
        "lines": [{what: line[what] for what in line if what != "name" or not public} for line in candidate.lines],
        "calls": candidate.calls,
        "allowed": candidate.allowed,
        "band": candidate.band,
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "candidate": refusal.candidate_key,
        "label": refusal.label,
        "label_code": refusal.label_code,
        "reasons": refusal.reasons,
        "headroom": refusal.headroom,
        "module_says": refusal.module_says,
        "module_code": refusal.module_code,
        "block": refusal.block_number,
    }


def _approval(
    request: Request, plan: Plan | None, open_ones: list[Candidate], policies: PoliciesRead
) -> dict[str, Any] | None:
    """What the operator signs: for the candidate that was chosen, else for the one that the asker means, else for the
    first; None where nothing may be approved."""
    if not open_ones:
        return None
    meant = [row for row in open_ones if plan and row.key == plan.asker_means]
    candidate = plan.candidate if plan and plan.candidate in open_ones else [*meant, *open_ones][0]
    try:
        document = approvals.typed_data(request, candidate, policies)
    except (approvals.ApprovalError, NoPolicyInForce) as error:
        return {"candidate": candidate.key, "reason": str(error), "typed_data": None}
    return {"candidate": candidate.key, "reason": request.reason, "typed_data": document}
