# SPDX-License-Identifier: Apache-2.0
"""What the agent was asked for: the list of requests, what waits for somebody first, and all that is known of one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from agent.acts import elsewhere, ending, forms, life, meaning, paid, silence
from agent.acts.calls import calls_from_json
from agent.acts.judging import PASSING
from agent.acts.policy import NoPolicyInForce, PoliciesRead, in_force
from agent.acts.shown import shown
from agent.acts.words import TABLE, reason_of
from agent.models import Candidate, DecisionRecord, Refusal, Request, RequestMove, ScheduledTime
from governance.models import Act, PolicyVersion
from governance.sentences import worded
from policies.answer.evaluate import Mode
from policies.code.encoding import decode
from policies.notation.hexadecimal import hex_bytes
from policies.notation.visible import one_line
from presentation import labels, words
from presentation.budgets import BudgetView, budgets_of, module_readings
from presentation.calls import call_words
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from presentation.policies import decode_version

Status = Request.Status
MOST_TRANSFERS = 10  # by others than the agent, on a request's page
# Who is waited for: the operator, or, of an act that was announced, the members who may object.
WAITS_FOR_SOMEBODY = (Status.NEEDS_APPROVAL, Status.SCHEDULED)
UNDER_WAY = (Status.RECEIVED, Status.WAITING, Status.PLANNED, Status.EXECUTING)
ENDED = (Status.EXECUTED, Status.ABSTAINED, Status.REFUSED, Status.STOPPED, Status.FAILED)
GROUPS: Mapping[str, tuple[Promise, tuple[str, ...]]] = {
    "all": (gettext_lazy("All"), tuple(Status.values)),
    "somebody": (gettext_lazy("Waiting for somebody"), WAITS_FOR_SOMEBODY),
    "under-way": (gettext_lazy("Under way"), UNDER_WAY),
    "paid": (gettext_lazy("Paid"), (Status.EXECUTED,)),
    "not-paid": (gettext_lazy("Ended without a payment"), tuple(one for one in ENDED if one != Status.EXECUTED)),
}
_WHO: Mapping[str, Promise] = {
    RequestMove.Who.ASKER: gettext_lazy("who asked"),
    RequestMove.Who.PLANNER: gettext_lazy("code"),
    RequestMove.Who.OPERATOR: gettext_lazy("the operator"),
    RequestMove.Who.EXECUTOR: gettext_lazy("the agent"),
    RequestMove.Who.MIRROR: gettext_lazy("the chain"),
    RequestMove.Who.LEGACY: gettext_lazy("not known; the request is older than this list"),
}


def requests_of(place: DaoView) -> QuerySet[Request]:
    """The DAO's requests with what `shown` reads of each."""
    found = Request.objects.filter(dao=place.dao).select_related("dao", "module", "plan__candidate")
    return found.prefetch_related("candidates", "refusals", "records", "bindings")


def request_of(place: DaoView, request_id: int) -> Request:
    """The DAO's request of this number; 404 where there is none."""
    found = requests_of(place).filter(pk=request_id).first() if request_id < 2**63 else None
    if found is None:
        raise Http404("no request of this number")
    return found


def page_of_requests(
    place: DaoView, *, group: str = "all", asked_by: bytes | None = None, page: int = 1
) -> tuple[list[dict[str, Any]], int]:
    """A page of requests, worded: what waits for somebody first, then what is under way, then the newest; and how many
    there are."""
    found = Request.objects.filter(dao=place.dao, status__in=GROUPS[group][1])
    if asked_by is not None:
        found = found.filter(requested_by=asked_by)
    # What is not over is few. Sorted with it by one query, all that is over would be read, too.
    newest = found.order_by("-id").values_list("pk", flat=True)
    first = [*newest.filter(status__in=WAITS_FOR_SOMEBODY), *newest.filter(status__in=UNDER_WAY)]
    begin, end = (max(0, edge - len(first)) for edge in ((page - 1) * PAGE, page * PAGE))
    keys = first[(page - 1) * PAGE : page * PAGE] + list(newest.filter(status__in=ENDED)[begin:end])
    rows = {row.pk: row for row in requests_of(place).filter(pk__in=keys)}
    policies = PoliciesRead()
    return [request_row(rows[key], policies) for key in keys], found.count()


def waiting_and_newest(place: DaoView, newest: int = 5) -> list[dict[str, Any]]:
    """For the agent's page: what the operator may approve, a page of it at most, and the newest others."""
    waiting = list(requests_of(place).filter(status__in=life.APPROVABLE).order_by("-id")[:PAGE])
    others = list(requests_of(place).exclude(status__in=life.APPROVABLE).order_by("-id")[:newest])
    policies = PoliciesRead()
    return [request_row(row, policies) for row in (*waiting, *others)]


def request_row(request: Request, policies: PoliciesRead | None = None) -> dict[str, Any]:
    """A request worded for a list, with what may be approved now."""
    view = shown(request, policies=policies)
    by = {action["candidate"]: action["by"] or "" for action in view["may"]}
    look = silence.of(getattr(request, "plan", None))
    return view | {
        "asker": bytes(request.requested_by),
        "asked_at": request.created_at,
        "status_text": labels.request_status(request.status),
        "tone": _tone(request.status),
        "reason": worded(reason_of(request)),
        "no_second_look": None if look is None else worded(look),
        "approvable": [
            {
                "key": candidate.key,
                "label": TABLE.shown(candidate.label_code, candidate.label),
                "differences": _differences(candidate),
                "operator": by[candidate.key],
            }
            for candidate in request.candidates.all()
            if candidate.key in by
        ],
    }


def _tone(status: str) -> str:
    if status == Status.EXECUTED:
        return "good"
    if status in (Status.REFUSED, Status.FAILED, Status.STOPPED):
        return "bad"
    return "warn" if status in WAITS_FOR_SOMEBODY else ""


def _differences(candidate: Candidate) -> list[str]:
    return [worded(one) for one in TABLE.read_all(candidate.difference_codes, candidate.differences)]


# ------------------------------------------------------------------------------------------------------ one request


def request_view(place: DaoView, request_id: int, account: bytes | None) -> dict[str, Any]:
    """All that is known of one request, worded. `account` is signed in; 404 where the DAO has no such request."""
    request = request_of(place, request_id)
    row = request_row(request)
    candidates = list(request.candidates.all())
    may_pick = meaning.may_pick(request, len(candidates))
    payees = {hex_bytes(line["recipient"]) for candidate in candidates for line in candidate.lines}
    version = _version_of(place, request)
    return {
        "asked": row,
        "moves": [_move(move) for move in request.moves.all()],
        "candidates": [_candidate_view(place, candidate, row) for candidate in candidates],
        "means": row["asker_means"],
        "is_asker": account == bytes(request.requested_by) and request.asker_signed_in,
        "may_pick": may_pick,
        **_end_of(place, request, account),
        "version": version,
        "policy_id": bytes(request.policy_id),
        "budgets": _budgets(place, version),
        "refusals": [_refusal(refusal) for refusal in sorted(request.refusals.all(), key=lambda one: one.pk)],
        "records": [_record_view(place, record) for record in request.records.order_by("id")],
        "by_calendar": ScheduledTime.objects.filter(request=request).exists(),
        "acts": acts_of(place, request),
        **_transfers(place, payees),
        "payments": [_payment(place, act, payment) for act, payment in paid.lately(place.dao, payees, besides=request)],
    }


def _end_of(place: DaoView, request: Request, account: bytes | None) -> dict[str, Any]:
    """Whether who looks may end the request, as its operator, and why an act of it can't be ended."""
    if not _is_operator(place, request, account):
        return {"may_end": False, "why_not_end": ""}
    why = ending.why_not(request)
    is_told = request.status in (Status.EXECUTING, Status.SCHEDULED)
    return {
        "may_end": why is None,
        "why_not_end": worded(why) if why is not None and is_told else "",
    }


def _is_operator(place: DaoView, request: Request, account: bytes | None) -> bool:
    try:
        return account is not None and account == in_force(place.dao, bytes(request.policy_id)).code.operator
    except NoPolicyInForce:
        return False


def _move(move: RequestMove) -> dict[str, Any]:
    text = worded(TABLE.read({"code": move.reason_code, "values": move.reason_values}, ""))
    return {
        "status": labels.request_status(move.to_status),
        "who": _WHO[move.who],
        "account": None if move.account is None else bytes(move.account),
        "why": text,
        "at": move.at,
    }


def _candidate_view(place: DaoView, candidate: Candidate, row: Mapping[str, Any]) -> dict[str, Any]:
    approvable = next((one for one in row["approvable"] if one["key"] == candidate.key), None)
    act = row["act"]
    return {
        "key": candidate.key,
        "label": TABLE.shown(candidate.label_code, candidate.label),
        "allowed": candidate.allowed,
        "with_objection": candidate.band == "objection",
        "is_chosen": row["choice"] == candidate.key,
        "is_meant": row["asker_means"] == candidate.key,
        "differences": _differences(candidate),
        "lines": [
            {
                "recipient": hex_bytes(line["recipient"]),
                "amount": place.asset(hex_bytes(line["asset"])).text(int(line["amount"])),
                "by_roster": line.get("provenance", {}).get("amount") == "operator",
                "period": line["period"],
            }
            for line in candidate.lines
        ],
        "calls": [
            {
                "words": call_words(place, hex_bytes(call["to"]), int(call["value_wei"]), hex_bytes(call["data"])),
                "data": call["data"],
                "to": call["to"],
                "exactly": forms.described(act, calls_from_json([call])) if act else "",
            }
            for call in candidate.calls
        ],
        "approvable": approvable,
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "candidate": refusal.candidate_key,
        "reasons": [one_line(str(reason.get("text", "")), 400) for reason in refusal.reasons],
        "passes_by_itself": refusal.ends_by_itself(PASSING),
        "block": refusal.block_number,
        "at": refusal.created_at,
    }


def _version_of(place: DaoView, request: Request) -> PolicyVersion | None:
    found = PolicyVersion.objects.filter(dao=place.dao, module=request.module_id, policy_id=bytes(request.policy_id))
    return found.select_related("module", "log").order_by("-version").first()


def _budgets(place: DaoView, version: PolicyVersion | None) -> list[BudgetView]:
    """The policy's budgets with what is left of each; none where its code is not known or can't be read."""
    code = None if version is None else decode_version(version)[0]
    if version is None or code is None:
        return []
    return budgets_of(place, bytes(version.policy_id), code, bytes(version.module.address), module_readings(place))


def acts_of(place: DaoView, request: Request) -> list[Act]:
    """The acts on chain that carry a decision of this request."""
    decisions = [bytes(record.hash) for record in request.records.all()]
    found = Act.objects.filter(dao=place.dao, decision__in=decisions).select_related("log", "final_log")
    return list(found.order_by("number"))


def _record_view(place: DaoView, record: DecisionRecord) -> dict[str, Any]:
    """A decision record in words; the JSON is behind its link."""
    body = json.loads(record.body)
    checks, inputs = body.get("checks") or {}, body.get("inputs") or {}
    evaluation, simulation = checks.get("evaluation") or {}, checks.get("simulation") or {}
    return {
        "hash": bytes(record.hash),
        "at": record.created_at,
        "signer": bytes(record.signer),
        "chosen": (checks.get("chosen") or {}).get("candidate", ""),
        "is_approved": checks.get("approval") is not None,
        "block": (inputs.get("block") or {}).get("number", ""),
        "version": (inputs.get("policy") or {}).get("version", ""),
        "is_announced": evaluation.get("mode") == Mode.SCHEDULE.value,
        "simulated_at": simulation.get("block", "") if simulation.get("ok") is True else "",
        "left_after": [
            {"budget": one_line(str(row["budget"]), 40), "left": _left(place, inputs, row)}
            for row in evaluation.get("left_after", [])
        ],
    }


def _left(place: DaoView, inputs: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """What a record says is left of a budget, in the budget's asset as the recorded policy names it."""
    code = decode(hex_bytes(inputs["policy"]["code"]))
    budget = next((one for one in code.budgets if one.label == row["budget"]), None)
    amount = int(row["left"])
    return str(amount) if budget is None else place.asset(budget.asset).text(amount)


def _payment(place: DaoView, act: Act, payment: paid.Payment) -> dict[str, Any]:
    return {
        "recipient": payment.recipient,
        "amount": place.asset(payment.asset).text(payment.amount),
        "when": words.moment(paid.paid_chain_s(act)),
        "act": act,
        "is_pending": act.status == Act.Status.SCHEDULED,
    }


def _transfers(place: DaoView, payees: Collection[bytes]) -> dict[str, Any]:
    """The newest payments by others than the agent to the same people, and whether there are older ones."""
    found = list(islice(elsewhere.transfers(place.dao, payees, 0), MOST_TRANSFERS + 1)) if payees else []
    return {
        "transfers": [_transfer(place, one) for one in found[:MOST_TRANSFERS]],
        "has_more_transfers": len(found) > MOST_TRANSFERS,
    }


def _transfer(place: DaoView, one: elsewhere.Transfer) -> dict[str, Any]:
    return {
        "recipient": one.recipient,
        "amount": place.asset(one.asset).text(one.amount),
        "when": words.moment(one.at_chain_s),
        "transaction": one.transaction,
    }


def filters(group: str) -> list[dict[str, Any]]:
    """The groups that the list can be narrowed to, in the reader's language."""
    return [{"name": name, "text": str(text), "is_here": name == group} for name, (text, _) in GROUPS.items()]


def nothing_in(group: str) -> str:
    """What an empty list says."""
    return gettext("No request yet.") if group == "all" else gettext("No request of this kind.")
