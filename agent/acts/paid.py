# SPDX-License-Identifier: Apache-2.0
"""Who was paid already, as the mirror and our own bindings have it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from django.db.models import Q
from django.db.models.functions import Coalesce

from agent.acts.askers import month_begins_s
from agent.acts.policy import PolicyInForce, final_chain_s
from agent.acts.words import TABLE, codes, say
from agent.models import Binding, Candidate, PaidLine, Request
from governance.chain.address import ZERO
from governance.models import Act, ActCall, Dao
from governance.sentences import Sentence
from policies.notation.hexadecimal import hex_bytes

UNRECORDED = say("unrecorded")
_PAYING = (Act.Status.EXECUTED, Act.Status.RELEASED, Act.Status.SCHEDULED)
# Its end is one node's word alone: for all that is known it pays, or has paid.
_MAY_PAY = Q(status__in=_PAYING) | Q(final_log__unconfirmed__isnull=False)


def paid_lines(policy: PolicyInForce, period: str, request: Request) -> frozenset[tuple[bytes, bytes]]:
    """Who was paid (recipient, asset) for the month, or is bound to be, by requests other than this one; also through
    a policy module that the DAO had before.

    A line counts when its act stands in the mirror as paid or pending, and while its binding is live. A pending act
    counts until it is final that its time is over, and one that only one node calls stopped counts as before.
    """
    if not period:
        return frozenset()
    rows = PaidLine.objects.filter(
        binding__module__dao=policy.dao, binding__policy_id=policy.policy_id, period=period
    ).exclude(binding__request=request)
    decisions = dict(rows.values_list("binding__record__hash", "binding__state"))
    final_s = final_chain_s(policy.dao)
    pays = {}
    acts = Act.objects.filter(dao=policy.dao, decision__in=list(decisions))
    may_pay = set(acts.filter(_MAY_PAY).values_list("pk", flat=True))
    for act in acts:
        over = act.status == Act.Status.SCHEDULED and _is_over(act, final_s)
        # The module lets the agent's key name a decision again: one act of it that was stopped unpays no other.
        pays[bytes(act.decision)] = pays.get(bytes(act.decision), False) or (act.pk in may_pay and not over)
    counted = set()
    for row in rows.select_related("binding__record"):
        if pays.get(bytes(row.binding.record.hash), row.binding.state == "live"):
            counted.add((bytes(row.recipient), bytes(row.asset)))
    return frozenset(counted)


def form_requests(dao: Dao, payees: Collection[bytes], since_chain_s: int, besides: Request) -> list[int]:
    """Other requests that were asked for in a form or as exact calls, under any policy, and paid one of these since, or
    are to: the operator signed them. Their payments count for no month, so no other step finds them."""
    rows = PaidLine.objects.filter(binding__module__dao=dao, period="", recipient__in=list(payees))
    rows = rows.exclude(binding__request__act={}).exclude(binding__request=besides)
    by_decision = {
        bytes(hash_): number for hash_, number in rows.values_list("binding__record__hash", "binding__request")
    }
    live = {bytes(row) for row in rows.filter(binding__state="live").values_list("binding__record__hash", flat=True)}
    final_s = final_chain_s(dao)
    acts = Act.objects.filter(dao=dao, decision__in=list(by_decision)).select_related("log", "final_log")
    may_pay = set(acts.filter(_MAY_PAY).values_list("pk", flat=True))
    counting = set()
    for act in acts:
        is_pending = act.status == Act.Status.SCHEDULED
        counts = not _is_over(act, final_s) if is_pending else paid_chain_s(act) >= since_chain_s
        if counts and act.pk in may_pay:
            counting.add(bytes(act.decision))
    found = {by_decision[decision] for decision in counting | (live - {bytes(act.decision) for act in acts})}
    signed = Request.objects.filter(dao=dao, status=Request.Status.PLANNED, plan__candidate__isnull=False)
    for request in signed.exclude(act={}).exclude(pk=besides.pk).select_related("plan__candidate"):
        if any(hex_bytes(line["recipient"]) in payees for line in request.plan.candidate.lines):
            found.add(request.pk)
    return sorted(found)


def _is_over(act: Act, final_s: int) -> bool:
    return act.expires_chain_s is not None and act.expires_chain_s <= final_s


def unrecorded_payees(policy: PolicyInForce) -> frozenset[tuple[bytes, bytes]]:
    """Who was paid (recipient, asset) by acts of this policy whose decision record is not known here, in any month.

    A record is good for one act: another act that names it again (the module lets the agent's key) has none.
    """
    bound = Binding.objects.filter(module=policy.contract, policy_id=policy.policy_id)
    known = {(bytes(decision), number) for decision, number in bound.values_list("record__hash", "number")}
    acts = Act.objects.filter(_MAY_PAY, module=policy.contract, policy_id=policy.policy_id)
    strange = [act.pk for act in acts if (bytes(act.decision), act.number) not in known]
    payments = map(payment_of, ActCall.objects.filter(act__in=strange))
    return frozenset((payment.recipient, payment.asset) for payment in payments if payment)


@dataclass(frozen=True, slots=True)
class Payment:
    """What a call of an act on chain pays somebody, or will pay when its delay is over, in base units of `asset`."""

    recipient: bytes
    asset: bytes
    amount: int


def payment_of(call: ActCall) -> Payment | None:
    """Return what a call pays; None for one that is no plain payment."""
    return plain_payment(bytes(call.target), int(call.value_wei), bytes(call.calldata))


def plain_payment(to: bytes, value_wei: int, data: bytes) -> Payment | None:
    """Return what a call with this data pays; None for one that is no plain payment."""
    if not data:
        return Payment(to, ZERO, value_wei)
    if data[:4] == bytes.fromhex("a9059cbb") and len(data) == 68:
        return Payment(data[16:36], to, int.from_bytes(data[36:], "big"))
    return None


_NEWEST_ACTS = 200  # that are looked through for payments to the same people


def lately(dao: Dao, payees: Collection[bytes], *, besides: Request, most: int = 10) -> list[tuple[Act, Payment]]:
    """Return what the DAO's newest acts paid these people, or are to pay, newest first: all that the chain shows, with
    a decision record here or without, but the acts of one request. An announced act whose time is over pays nothing.
    """
    if not payees:
        return []
    own = {bytes(hash_) for hash_ in besides.records.values_list("hash", flat=True)}
    return list(islice(_payments(dao, payees, own), most))


def _payments(dao: Dao, payees: Collection[bytes], own: Collection[bytes]) -> Iterator[tuple[Act, Payment]]:
    acts = Act.objects.filter(_MAY_PAY, dao=dao).select_related("log", "final_log").prefetch_related("calls")
    acts = acts.exclude(status=Act.Status.SCHEDULED, expires_chain_s__lte=final_chain_s(dao))
    block = Coalesce("final_log__block_number", "log__block_number")
    for act in acts.order_by(block.desc(), "-id")[:_NEWEST_ACTS]:
        if bytes(act.decision) in own:
            continue
        for call in act.calls.all():
            payment = payment_of(call)
            if payment is not None and payment.recipient in payees:
                yield act, payment


def paid_chain_s(act: Act) -> int:
    """Return when the act paid, by the chain's clock: its release where it was announced; or when it was announced,
    while it is pending."""
    return (act.final_log or act.log).block_timestamp_chain_s


def warns_of_unrecorded(candidate: Candidate) -> bool:
    """Whether the operator is told already that somebody of the candidate was paid without a record."""
    return UNRECORDED in candidate.differences or any(
        item["code"] == UNRECORDED.code for item in candidate.difference_codes
    )


def by_form(payees: Collection[bytes], period: str, besides: Request, told: Collection[int] = ()) -> list[Sentence]:
    """That forms paid somebody since the month began, or are to; the operator knows of those in `told`."""
    if not period:
        return []
    found = set(form_requests(besides.dao, payees, month_begins_s(period), besides)) - set(told)
    return [say("paid_by_form", period=period, requests=sorted(found))] if found else []


def unwarned(policy: PolicyInForce, request: Request, candidate: Candidate) -> tuple[Sentence, Sentence] | None:
    """What nobody has looked at yet: that somebody of the candidate was paid without a record, or by a form. With it
    what to say where it was approved before."""
    payees = {(hex_bytes(line["recipient"]), hex_bytes(line["asset"])) for line in candidate.lines}
    if payees & unrecorded_payees(policy) and not warns_of_unrecorded(candidate):
        return UNRECORDED, say("unrecorded_since_approved")
    told = [item["values"]["requests"] for item in candidate.difference_codes if item["code"] == "paid_by_form"]
    new = by_form(
        {recipient for recipient, _ in payees}, request.period, request, [one for each in told for one in each]
    )
    return (new[0], say("form_since_approved", why=new[0])) if new else None


def warn(candidate: Candidate, warning: Sentence) -> None:
    """Tell the operator, who must approve the candidate then, that somebody of it was paid in another way."""
    known = TABLE.read_all(candidate.difference_codes, candidate.differences)
    candidate.differences = [*candidate.differences, warning]
    candidate.difference_codes = codes([*known, warning])
    candidate.save(update_fields=["differences", "difference_codes"])
