# SPDX-License-Identifier: Apache-2.0
"""The operator's approval of one candidate of one request: an EIP-712 signature over exactly these calls.

It is good for this request and this policy code alone, and it can't widen anything: the policy on chain still decides.
"""

from typing import Any

from django.db import transaction

from agent.acts import forms, life, operators
from agent.acts.calls import calls_from_json, calls_hash
from agent.acts.policy import PoliciesRead, PolicyInForce, in_force
from agent.acts.words import Stated, say
from agent.models import Approval, Candidate, Plan, Request
from agent.work_names import EXECUTE_WORK
from governance import work
from governance.audit_log import Action, record
from governance.chain import eip712
from governance.chain.address import checksum
from policies.notation.hexadecimal import hex_text

DOMAIN_NAME = "Mandate approval"
TYPES = {
    "Approval": [
        {"name": "request", "type": "bytes32"},
        {"name": "policyId", "type": "bytes32"},
        {"name": "policyCode", "type": "bytes32"},
        {"name": "callsHash", "type": "bytes32"},
        {"name": "asked", "type": "string"},
        {"name": "pays", "type": "string"},
    ]
}


class ApprovalError(Stated, ValueError):
    """The approval can't be accepted; the sentence says why."""


def compose(
    *,
    chain_id: int,
    module: bytes,
    policy_id: bytes,
    codehash: bytes,
    reference: bytes,
    calls: bytes,
    asked: str,
    pays: str,
) -> dict[str, Any]:
    """The typed data of an approval. `calls` is the calls' hash; `asked` and `pays` are what the wallet shows."""
    return eip712.document(
        TYPES,
        "Approval",
        DOMAIN_NAME,
        chain_id,
        checksum(module),
        {
            "request": hex_text(reference),
            "policyId": hex_text(policy_id),
            "policyCode": hex_text(codehash),
            "callsHash": hex_text(calls),
            "asked": asked,
            "pays": pays,
        },
    )


def typed_data(request: Request, candidate: Candidate, policies: PoliciesRead | None = None) -> dict[str, Any]:
    """What the operator signs to approve `candidate`. Raises ApprovalError and `policy.NoPolicyInForce`."""
    policy = (policies or PoliciesRead()).in_force(request.dao, request.policy_id)
    return _document(policy, request, candidate)


def _document(policy: PolicyInForce, request: Request, candidate: Candidate) -> dict[str, Any]:
    if candidate.request_id != request.pk:
        raise ApprovalError(say("candidate_of_another"))
    calls = calls_hash(calls_from_json(candidate.calls))
    if calls != candidate.calls_hash:
        raise ApprovalError(say("calls_changed"))
    return compose(
        chain_id=policy.chain_id,
        module=policy.module,
        policy_id=policy.policy_id,
        codehash=policy.codehash,
        reference=request.reference,
        calls=calls,
        asked=request.text,
        pays=pays(candidate),
    )


def pays(candidate: Candidate) -> str:
    """The candidate in one line for the wallet: its label, and each payment with address and base units; of an act that
    was asked for in a form each call."""
    if candidate.request.act:
        return f"{candidate.label}: {forms.described(candidate.request.act, calls_from_json(candidate.calls))}"
    lines = "; ".join(
        f"{line['amount']} base units of {line['asset']} to {line['recipient']}" for line in candidate.lines
    )
    return f"{candidate.label}: {lines}"


def accept(request: Request, candidate_key: str, signature: str) -> Approval:
    """Verify the operator's signature over a candidate and have it executed.

    Raises ApprovalError (no such candidate, refused by the policy, signed by somebody else, nothing to approve any
    more) and `policy.NoPolicyInForce`. The same approval twice is the same approval.
    """
    try:
        return _accept(request, candidate_key, signature)
    except _NotKeys as error:  # the chain may have to be asked, and no row is locked for that
        try:
            proof = operators.by_contract(request.dao, error.document, error.operator, signature, error.bad)
        except eip712.BadSignature as bad:
            operator = checksum(error.operator)
            raise ApprovalError(say("not_signed_by_operator", operator=operator, signature=bad.sentence)) from error
        return _accept(request, candidate_key, signature, (eip712.digest(error.document), proof))


class _NotKeys(Exception):
    """A signature is not that of the operator's key."""

    def __init__(self, bad: eip712.BadSignature, operator: bytes, document: dict[str, Any]):
        self.bad, self.operator, self.document = bad, operator, document
        super().__init__(bad)


def _accept(
    request: Request, candidate_key: str, signature: str,
    proven: tuple[bytes, operators.OperatorSignature] | None = None,
) -> Approval:  # fmt: skip
    """`proven`: what a contract account confirmed, by its digest."""
    with transaction.atomic():
        # The request alone: who locks its DAO too takes that first.
        request = Request.objects.select_for_update(of=("self",)).select_related("dao").get(pk=request.pk)
        candidate = request.candidates.filter(key=candidate_key).first()
        if candidate is None:
            raise ApprovalError(say("no_such_candidate"))
        policy = in_force(request.dao, request.policy_id)
        document = _document(policy, request, candidate)
        digest, operator = eip712.digest(document), policy.code.operator
        known = Approval.objects.filter(digest=digest, request=request).first()
        if known is not None:
            return known
        if request.status not in life.APPROVABLE:
            raise ApprovalError(say("nothing_to_approve", status=request.status))
        if not candidate.allowed:
            raise ApprovalError(say("outside_policy"))
        if proven is not None and proven[0] == digest:
            proof = proven[1]
        else:
            try:
                proof = operators.by_key(document, operator, signature)
            except eip712.BadSignature as error:
                raise _NotKeys(error, operator, document) from error
        approval = Approval.objects.create(
            request=request,
            candidate=candidate,
            policy_codehash=policy.codehash,
            calls_hash=candidate.calls_hash,
            operator=operator,
            typed_data=document,
            digest=digest,
            signature=proof.signature,
            signed_block_number=proof.block_number,
            signed_block_hash=proof.block_hash,
        )
        plan = Plan.objects.select_for_update().get(request=request)
        # The model was not asked yet, abstained, chose another, or (a plan of the format before) named it with a no.
        if plan.candidate_id != candidate.pk or not plan.model_agrees_to(candidate):
            plan.candidate, plan.chosen_by = candidate, Plan.ChosenBy.OPERATOR
            plan.save(update_fields=["candidate", "chosen_by"])
        life.move(request, Request.Status.PLANNED, life.Who.OPERATOR, say("approved"), account=operator)
        approved = {"request": request.pk, "candidate": candidate.key, "digest": hex_text(digest)}
        record(Action.REQUEST_APPROVED, request.dao, account=operator, **approved)
        work.enqueue(EXECUTE_WORK, str(request.pk), renew=True)
    return approval


def standing(policy: PolicyInForce, request: Request, candidate: Candidate) -> Approval | None:
    """The approval that lets this candidate be executed under this policy code, verified again from its signature."""
    document = _document(policy, request, candidate)
    digest = eip712.digest(document)
    approval = Approval.objects.filter(request=request, digest=digest).first()
    if approval is None:
        return None
    is_signed = operators.holds(
        request.dao, document, policy.code.operator, bytes(approval.signature), approval.signed_block_number,
        approval.signed_block_hash,
    )  # fmt: skip
    return approval if is_signed else None
