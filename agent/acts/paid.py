# SPDX-License-Identifier: Apache-2.0
"""Who was paid already, as the mirror and our own bindings have it."""

from agent.acts.policy import PolicyInForce, final_chain_s
from agent.acts.words import TABLE, codes, say
from agent.models import Binding, Candidate, PaidLine, Request
from governance.chain.address import ZERO
from governance.models import Act, ActCall

UNRECORDED = say("unrecorded")
_PAYING = (Act.Status.EXECUTED, Act.Status.RELEASED, Act.Status.SCHEDULED)


def paid_lines(policy: PolicyInForce, period: str, request: Request) -> frozenset[tuple[bytes, bytes]]:
    """Who was paid (recipient, asset) for the month, or is bound to be, by requests other than this one; also through
    a policy module that the DAO had before.

    A line counts when its act stands in the mirror as paid or pending, and while its binding is live. A pending act
    counts until it is final that its time is over.
    """
    if not period:
        return frozenset()
    rows = PaidLine.objects.filter(
        binding__module__dao=policy.dao, binding__policy_id=policy.policy_id, period=period
    ).exclude(binding__request=request)
    decisions = dict(rows.values_list("binding__record__hash", "binding__state"))
    final_s = final_chain_s(policy.dao)
    pays = {}
    for act in Act.objects.filter(dao=policy.dao, decision__in=list(decisions)):
        over = act.status == Act.Status.SCHEDULED and act.expires_chain_s is not None and act.expires_chain_s <= final_s
        pays[bytes(act.decision)] = act.status in _PAYING and not over
    counted = set()
    for row in rows.select_related("binding__record"):
        if pays.get(bytes(row.binding.record.hash), row.binding.state == "live"):
            counted.add((bytes(row.recipient), bytes(row.asset)))
    return frozenset(counted)


def unrecorded_payees(policy: PolicyInForce) -> frozenset[tuple[bytes, bytes]]:
    """Who was paid (recipient, asset) by acts of this policy whose decision record is not known here, in any month.

    A record is good for one act: another act that names it again (the module lets the agent's key) has none.
    """
    bound = Binding.objects.filter(module=policy.contract, policy_id=policy.policy_id)
    known = {(bytes(decision), number) for decision, number in bound.values_list("record__hash", "number")}
    acts = Act.objects.filter(module=policy.contract, policy_id=policy.policy_id, status__in=_PAYING)
    strange = [act.pk for act in acts if (bytes(act.decision), act.number) not in known]
    found = set()
    for call in ActCall.objects.filter(act__in=strange):
        data = bytes(call.calldata)
        if not data:
            found.add((bytes(call.target), ZERO))
        elif data[:4] == bytes.fromhex("a9059cbb") and len(data) == 68:
            found.add((data[16:36], bytes(call.target)))
    return frozenset(found)


def warns_of_unrecorded(candidate: Candidate) -> bool:
    """Whether the operator is told already that somebody of the candidate was paid without a record."""
    return UNRECORDED in candidate.differences or any(
        item["code"] == UNRECORDED.code for item in candidate.difference_codes
    )


def warn_of_unrecorded(candidate: Candidate) -> None:
    """Tell the operator, who must approve the candidate then, that somebody of it was paid without a record."""
    known = TABLE.read_all(candidate.difference_codes, candidate.differences)
    candidate.differences = [*candidate.differences, UNRECORDED]
    candidate.difference_codes = codes([*known, UNRECORDED])
    candidate.save(update_fields=["differences", "difference_codes"])
