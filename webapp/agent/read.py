# SPDX-License-Identifier: Apache-2.0
"""What the agent did, what it was refused, and what it was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext

from agent.acts.judging import PASSING
from agent.acts.paid import payment_of
from agent.acts.words import TABLE
from agent.models import DecisionRecord, Refusal
from governance import refusal_words
from governance.chain import abi
from governance.chain.module import OBJECT, VETO
from governance.models import (
    Act,
    ActCall,
    Objection,
    PolicyVersion,
    Proposal,
    RefusedAct,
    chain_order,
)
from policies.notation.hexadecimal import hex_text
from presentation import labels, words
from presentation.acts import doubt_about_end, doubt_about_start, is_end_in_doubt, who_may_object
from presentation.calls import call_words
from presentation.dao_view import DaoView
from presentation.paging import PAGE
from presentation.proposals import executed_with


def page_of_acts(place: DaoView, *, page: int = 1, size: int = PAGE) -> tuple[list[Act], int]:
    """A page of acts, newest first, with calls and objections. Four queries."""
    found = Act.objects.filter(dao=place.dao)
    rows = (
        found.select_related("log__unconfirmed", "final_log__unconfirmed", "module")
        .prefetch_related(
            Prefetch("calls", ActCall.objects.order_by("position")),
            Prefetch("objections", Objection.objects.select_related("log__unconfirmed").order_by("id")),
        )
        .order_by("-at_chain_s", *chain_order("log__", newest_first=True), "-id")
    )
    return list(rows[(page - 1) * size : page * size]), found.count()


def refused_acts(place: DaoView, limit: int = 50) -> list[RefusedAct]:
    return list(RefusedAct.objects.filter(dao=place.dao).order_by("-block_number", "-id")[:limit])


def act_views(place: DaoView, acts: Sequence[Act]) -> list[dict[str, Any]]:
    """Acts as they are shown, each with its record, the request that led to it, and the vote that allowed it."""
    decisions = [bytes(act.decision) for act in acts]
    records = {
        bytes(row.hash): row for row in DecisionRecord.objects.filter(hash__in=decisions).select_related("request")
    }
    votes = _votes_that_allowed(place, acts)
    return [_act_view(place, act, records.get(bytes(act.decision)), votes.get(_version(act))) for act in acts]


def _version(act: Act) -> tuple[int, bytes, int]:
    return act.module_id, bytes(act.policy_id), act.version


def _votes_that_allowed(place: DaoView, acts: Sequence[Act]) -> dict[tuple[int, bytes, int], Proposal]:
    """The proposal by whose execution each act's policy version was set: the one executed in the same transaction.
    None for a version that was set in another way, or by one of several proposals."""
    versions = PolicyVersion.objects.filter(dao=place.dao, policy_id__in={bytes(act.policy_id) for act in acts})
    set_by = {(row.module_id, bytes(row.policy_id), row.version): row.log for row in versions.select_related("log")}
    executed = executed_with(place.dao, set_by.values())
    found = {key: executed.get(bytes(log.transaction_hash)) for key, log in set_by.items()}
    return {key: proposal for key, proposal in found.items() if proposal is not None}


def _act_view(place: DaoView, act: Act, record: DecisionRecord | None, vote: Proposal | None) -> dict[str, Any]:
    """An act with its calls in words and the calldata that stops it."""
    request = record.request if record else None
    calls = list(act.calls.all())
    view: dict[str, Any] = {
        "act": act,
        "status_text": str(labels.ACTS[act.status]),
        "calls": [
            {"words": call_words(place, bytes(call.target), call.value_wei, bytes(call.calldata))} for call in calls
        ],
        "total": _total(place, calls),
        "request": request,
        "period": request.period if request else "",
        "asker": bytes(request.requested_by) if request else None,
        "vote": vote,
        "has_record": record is not None,
        "module": words.address_text(act.module.address),
        "is_end_doubted": is_end_in_doubt(act),
        "doubts": [doubt for doubt in (doubt_about_start(act), doubt_about_end(act)) if doubt],
        "who_may_object": who_may_object(act.module),
        "objecting": _objecting(place, act),
    }
    if act.act_id:
        policy_id, act_id = bytes(act.policy_id), bytes(act.act_id)
        view["object_calldata"] = hex_text(abi.encode_call(OBJECT, [policy_id, [act_id]]))
        view["veto_calldata"] = hex_text(abi.encode_call(VETO, [policy_id, act_id]))
    return view


def _objecting(place: DaoView, act: Act) -> str:
    """What an objection to an act does, in words."""
    once = gettext("An objection counts once, and can't be taken back.")
    if not act.objection_threshold:
        return once
    text = gettext(
        "Objections so far: %(power)s of the %(threshold)s that stop this act for good. Yours adds your votes to them."
    )
    values = {
        "power": place.votes_asset.text(act.objection_power, 2),
        "threshold": place.votes_asset.text(act.objection_threshold, 2),
    }
    return f"{text % values} {once}"


def _total(place: DaoView, calls: Sequence[ActCall]) -> str:
    """What all payments of an act come to; empty for one call, and where a call is not a plain payment."""
    payments = [payment_of(call) for call in calls]
    if len(calls) < 2 or not all(payments):
        return ""
    totals: dict[bytes, int] = {}
    for payment in payments:
        assert payment is not None  # all of them are
        totals[payment.asset] = totals.get(payment.asset, 0) + payment.amount
    return " + ".join(place.asset(asset).text(amount) for asset, amount in totals.items())


def planner_refusals(place: DaoView) -> list[Refusal]:
    """Candidates that the planner's check refused, newest first. What ends by itself, such as a pause between acts, is
    no refusal: it stands with its request."""
    rows = Refusal.objects.filter(request__dao=place.dao).select_related("request").order_by("-id").defer("calls")
    found: list[Refusal] = []
    for begin, end in ((0, 50), (50, 200)):  # most are refusals: as many as are shown are read first
        if len(found) < 50:
            found += [row for row in rows[begin:end] if not row.ends_by_itself(PASSING)]
    return found[:50]


def refused(place: DaoView) -> list[dict[str, Any]]:
    """What the chain refused and what the planner's check refused before anything was sent, newest first."""
    found: list[tuple[float, dict[str, Any]]] = [
        (
            float(row.block_timestamp_chain_s),
            {
                "by": gettext("by the chain"),
                "words": refusal_words.shown(row),
                "exactly": row.reason,
                "when": gettext("%(moment)s, block %(number)s")
                % {"moment": words.moment(row.block_timestamp_chain_s), "number": row.block_number},
                "transaction": bytes(row.transaction_hash),
                "sender": bytes(row.sender),
            },
        )
        for row in refused_acts(place)
    ]
    found += [
        (
            row.created_at.timestamp(),
            {
                "by": gettext("before sending"),
                "words": str(row) or TABLE.shown(row.label_code, row.label),
                "reason": gettext("%(label)s (request: %(text)s)")
                % {"label": TABLE.shown(row.label_code, row.label), "text": row.request.text},
                "request": row.request_id,
                "when": gettext("%(moment)s, checked at block %(number)s")
                % {"moment": words.when(row.created_at), "number": row.block_number},
            },
        )
        for row in planner_refusals(place)
    ]
    return [item for _, item in sorted(found, key=lambda pair: -pair[0])]
