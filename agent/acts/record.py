# SPDX-License-Identifier: Apache-2.0
"""What stands in a decision record, section by section. Pure: rows and values in, plain JSON out.

What is signed is frozen: a change here needs a new format in `provenance`, and old records are verified as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.acts.askers import Standing
from agent.acts.judging import evaluation_json
from agent.acts.policy import state_json
from agent.acts.situation import Judged
from agent.models import Approval, Candidate, Plan, Request
from governance.chain.address import checksum
from policies.answer.evaluate import Allowed
from policies.notation.hexadecimal import hex_text


@dataclass(frozen=True, slots=True)
class Authority:
    """What calls rest on: an approval, or None where the signed roster itself is enough; and who asked."""

    approval: Approval | None
    asker: Standing


def sections(known: Judged, candidates: Sequence[Candidate], authority: Authority) -> dict[str, Any]:
    """Return the sections that `provenance.compose` hashes and signs. `candidates` are all that the request had."""
    request, policy, pinned, plan = known.request, known.policy, known.pinned, known.plan
    return {
        "inputs": {
            "request": _request(request),
            "roster": _roster(plan, known.candidate),
            "quotes": plan.inputs.get("quotes", []),
            "policy": {
                "policy_id": hex_text(policy.policy_id),
                "version": str(policy.version),
                "code": hex_text(policy.raw),
            },
            "block": {
                "number": str(pinned.block.number),
                "hash": hex_text(pinned.block.hash),
                "timestamp_chain_s": str(pinned.now_chain_s),
            },
            "balances": {checksum(asset): str(amount) for asset, amount in sorted(pinned.balances.items())},
            "state": state_json(pinned.state),
            "candidates": [_candidate(row) for row in candidates],
        },
        "prompt": plan.prompt or None,
        "model": plan.model or None,
        "sampling": plan.sampling or None,
        "output": {"text": plan.output} if plan.model else None,
        "checks": _checks(known, authority),
    }


def _request(request: Request) -> dict[str, Any]:
    return {
        "reference": hex_text(bytes(request.reference)),
        "text": request.text,
        "requested_by": checksum(bytes(request.requested_by)),
        "period": request.period,
        "act": request.act or None,
    }


def _roster(plan: Plan, chosen: Candidate) -> dict[str, Any] | None:
    """The roster that the candidate was derived from, with the latest chain time at which it can have been signed, as
    text, None where not known. None for what was asked for in a form."""
    if chosen.roster is None:
        return None
    signed_s = chosen.roster.accepted_chain_s
    return dict(plan.inputs["roster"]) | {"signed_before_chain_s": None if signed_s is None else str(signed_s)}


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "key": candidate.key,
        "label": candidate.label,
        "is_roster": candidate.is_roster,
        "differences": candidate.differences,
        # Names stay with the operator: the payments are public, who is who need not be.
        "lines": [{key: value for key, value in line.items() if key != "name"} for line in candidate.lines],
        "calls": candidate.calls,
    }


def _checks(known: Judged, authority: Authority) -> dict[str, Any]:
    plan, judgement = known.plan, known.judgement
    assert isinstance(judgement.answer, Allowed)  # nothing else is recorded
    return {
        "chosen": {"candidate": known.candidate.key, "by": plan.chosen_by},
        "asker": authority.asker.as_json(),
        "second_look": _second_look(plan),
        "needs_approval": plan.needs_approval,
        "approval": None if authority.approval is None else _approval(authority.approval),
        "evaluation": evaluation_json(known.policy.code, judgement.mode, judgement.answer),
        "simulation": judgement.simulation.as_json(),
    }


def _second_look(plan: Plan) -> dict[str, Any]:
    """Whether a model gave its word; where it gave none, why not, as far as anybody waited for one."""
    silent = plan.silence.get("text") if plan.silence else None
    return {"by": "model" if plan.model else "nobody", "silent": silent}


def _approval(approval: Approval) -> dict[str, Any]:
    return {
        "operator": checksum(bytes(approval.operator)),
        "pays": approval.typed_data["message"]["pays"],
        "signature": hex_text(bytes(approval.signature)),
        **_signed_at(approval),
    }


def _signed_at(approval: Approval) -> dict[str, Any]:
    """Where a contract account confirmed the signature; nothing of a key's, which anybody can verify."""
    if approval.signed_block_number is None or approval.signed_block_hash is None:
        return {}
    return {"signed_at": {"block": approval.signed_block_number, "hash": hex_text(bytes(approval.signed_block_hash))}}
