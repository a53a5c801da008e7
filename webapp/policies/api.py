# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: policies."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from ninja import Router
from ninja.errors import HttpError

from governance import standing
from policies.notation.hexadecimal import hex_text
from presentation.dao_view import DaoView
from webapp.answers import answers
from webapp.api_input import bytes32
from webapp.policies.answers import PaymentTried, PolicyAnswer
from webapp.policies.read import policy_views
from webapp.policies.trying import BadPayment, read_payment, tried
from webapp.shapes import Json, address_json, reading_json

router = Router()


@router.get("/daos/{slug}/policies", response=answers(list[PolicyAnswer], 404))
def policies(request: HttpRequest, slug: str) -> list[Json]:
    """The policies in force, decoded from the code on chain, with what is spent of each budget. `module_stopped` has a
    sentence where the chain said that the treasury does not list the module, or that the module is not the DAO's."""
    place = DaoView.of(slug)
    stopped = standing.known(place.dao).stopped
    return [
        {
            "policy_id": hex_text(view.version.policy_id),
            "version": view.version.version,
            "agent": address_json(view.version.agent),
            "operator": address_json(view.code.operator) if view.code else None,
            "codehash": hex_text(view.version.codehash),
            "codehash_matches": view.codehash_matches,
            "code": hex_text(view.version.code),
            "together": list(view.explained.together) if view.explained else None,
            "sentences": view.sentences,
            "problem": view.problem or None,
            "document_hash": view.document.name if view.document else None,
            "document": view.document.text if view.document else None,
            "versions": [
                {
                    "version": one.version.version,
                    "confirmed": not hasattr(one.version.log, "unconfirmed"),
                    "transaction_hash": hex_text(one.version.log.transaction_hash),
                    "proposal_id": str(one.proposal.proposal_id) if one.proposal else None,
                    "changes": None
                    if one.changes is None
                    else [{"mark": str(change.mark), "text": change.text} for change in one.changes],
                }
                for one in view.versions
            ],
            "budgets": [
                {
                    "name": budget.name,
                    "asset": address_json(budget.budget.asset),
                    "symbol": budget.asset.symbol,
                    "period_s": budget.budget.period_s,
                    "limit": str(budget.limit),
                    "instant_limit": str(budget.instant_limit),
                    "spent": None if budget.spent is None else str(budget.spent),
                    "left": None if budget.left is None else str(budget.left),
                    "left_instant": None if budget.left_instant is None else str(budget.left_instant),
                    "returns": [
                        {
                            "spent_from_chain_s": one.spent_from_chain_s,
                            "spent_before_chain_s": one.spent_before_chain_s,
                            "at_chain_s": one.at_chain_s,
                            "amount": str(one.amount),
                            "still_counts": str(one.counts),
                        }
                        for one in (budget.window.returns if budget.window else ())
                    ],
                    **reading_json(budget.reading),
                }
                for budget in view.budgets
            ],
            "paused": view.paused,
            "counted_as_of_now": view.counted_as_of_now or None,
            "pause_confirmed": not view.doubt_about_pause,
            "module_stopped": [one.words for one in stopped if one.module == bytes(view.version.module.address)],
            "end_chain_s": view.end_chain_s,
            **reading_json(view.reading),
            "block": view.version.log.block_number,
            "transaction_hash": hex_text(view.version.log.transaction_hash),
        }
        for view in policy_views(place, standing.policies_in_force(place.dao))
    ]


@router.get("/daos/{slug}/policies/{policy_id}/payment", response=answers(PaymentTried, 404, 409, 422))
def payment(request: HttpRequest, slug: str, policy_id: str, asset: str, to: str, amount: str) -> Json:
    """Whether the policy in force would let a payment pass at the block that was read last: `verdict` is at_once,
    announced (after an objection window), refused or unknown. `amount` is in whole tokens, such as `1,500.50`; `asset`
    is the zero address for the native currency."""
    place = DaoView.of(slug)
    wanted = bytes32(policy_id)
    views = policy_views(
        place, [one for one in standing.policies_in_force(place.dao) if bytes(one.policy_id) == wanted]
    )
    if not views:
        raise Http404("no such policy is in force")
    try:
        asked = read_payment(place, asset, to, amount)
    except BadPayment as error:
        raise HttpError(422, str(error)) from error
    answer = tried(place, views[0], asked, standing.known(place.dao))
    if answer is None:
        raise HttpError(409, views[0].problem)
    return {
        "asset": address_json(asked.asset),
        "to": address_json(asked.to),
        "amount": str(asked.amount),
        "verdict": str(answer.verdict),
        "reasons": answer.reasons,
        "clauses": [{"holds": line.holds, "text": line.text} for line in answer.lines],
        "left": answer.left,
        "conditions": answer.conditions,
        "notes": answer.notes,
        **reading_json(views[0].reading),
    }
