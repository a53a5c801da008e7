# SPDX-License-Identifier: Apache-2.0
"""What the agent did, what it was refused, and what it was asked for."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext

from agent.acts.shown import shown
from agent.acts.words import TABLE, reason_of
from agent.models import Refusal, Request
from governance import refusal_words
from governance.chain import abi
from governance.chain.module import OBJECT, VETO
from governance.models import Act, ActCall, Objection, RefusedAct, chain_order
from governance.sentences import worded
from policies.notation.hexadecimal import hex_text
from presentation import labels, words
from presentation.acts import who_may_object
from presentation.calls import call_words
from presentation.dao_view import DaoView
from presentation.paging import PAGE


def page_of_acts(place: DaoView, *, page: int = 1, size: int = PAGE) -> tuple[list[Act], int]:
    """A page of acts, newest first, with calls and objections. Four queries."""
    found = Act.objects.filter(dao=place.dao)
    rows = (
        found.select_related("log", "final_log__unconfirmed", "module")
        .prefetch_related(
            Prefetch("calls", ActCall.objects.order_by("position")),
            Prefetch("objections", Objection.objects.select_related("log").order_by("id")),
        )
        .order_by(*chain_order("log__", newest_first=True), "-id")
    )
    return list(rows[(page - 1) * size : page * size]), found.count()


def refused_acts(place: DaoView, limit: int = 50) -> list[RefusedAct]:
    return list(RefusedAct.objects.filter(dao=place.dao).order_by("-block_number", "-id")[:limit])


def newest_requests(place: DaoView) -> list[dict[str, Any]]:
    """The newest requests as they are shown, worded for the page."""
    rows = (
        Request.objects.filter(dao=place.dao)
        .select_related("dao", "module", "plan__candidate")
        .prefetch_related("candidates", "refusals", "records", "bindings")
        .order_by("-id")[:20]
    )
    return [_request_view(row) for row in rows]


def _request_view(request: Request) -> dict[str, Any]:
    view = shown(request)
    by = {action["candidate"]: action["by"] or "" for action in view["may"]}
    return view | {
        "asker": bytes(request.requested_by),
        "status_text": labels.request_status(request.status),
        "reason": worded(reason_of(request)),
        "approvable": [
            {
                "key": candidate.key,
                "label": TABLE.shown(candidate.label_code, candidate.label),
                "differences": [
                    worded(sentence) for sentence in TABLE.read_all(candidate.difference_codes, candidate.differences)
                ],
                "operator": by[candidate.key],
            }
            for candidate in request.candidates.all()
            if candidate.key in by
        ],
    }


def act_view(place: DaoView, act: Act, has_record: bool) -> dict[str, Any]:
    """An act with its calls in words and the calldata that stops it."""
    view: dict[str, Any] = {
        "act": act,
        "status_text": str(labels.ACTS[act.status]),
        "calls": [
            {"words": call_words(place, bytes(call.target), call.value_wei, bytes(call.calldata))}
            for call in act.calls.all()
        ],
        "has_record": has_record,
        "module": words.address_text(act.module.address),
        "is_end_doubted": bool(act.act_id) and act.final_log is not None and hasattr(act.final_log, "unconfirmed"),
        "who_may_object": who_may_object(act.module),
    }
    if act.act_id:
        policy_id, act_id = bytes(act.policy_id), bytes(act.act_id)
        view["object_calldata"] = hex_text(abi.encode_call(OBJECT, [policy_id, [act_id]]))
        view["veto_calldata"] = hex_text(abi.encode_call(VETO, [policy_id, act_id]))
    return view


def planner_refusals(place: DaoView) -> list[Refusal]:
    """Candidates that the planner's check refused, newest first."""
    return list(Refusal.objects.filter(request__dao=place.dao).select_related("request").order_by("-id")[:50])


def refused(place: DaoView) -> list[dict[str, Any]]:
    """What the chain refused and what the planner's check refused before anything was sent, newest first."""
    found: list[tuple[float, dict[str, Any]]] = [
        (
            float(row.block_timestamp_chain_s),
            {
                "by": gettext("by the chain"),
                "words": refusal_words.shown(row),
                "reason": row.reason,
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
                "when": gettext("%(moment)s, checked at block %(number)s")
                % {"moment": words.when(row.created_at), "number": row.block_number},
            },
        )
        for row in planner_refusals(place)
    ]
    return [item for _, item in sorted(found, key=lambda pair: -pair[0])]
