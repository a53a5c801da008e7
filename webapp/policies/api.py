# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: policies."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from governance import standing
from policies.notation.hexadecimal import hex_text
from presentation.dao_view import DaoView
from webapp.answers import answers
from webapp.policies.answers import PolicyAnswer
from webapp.policies.read import policy_views
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
                    **reading_json(budget.reading),
                }
                for budget in view.budgets
            ],
            "paused": view.paused,
            "pause_confirmed": not view.doubt_about_pause,
            "module_stopped": [one.words for one in stopped if one.module == bytes(view.version.module.address)],
            "end_chain_s": view.end_chain_s,
            **reading_json(view.reading),
            "block": view.version.log.block_number,
            "transaction_hash": hex_text(view.version.log.transaction_hash),
        }
        for view in policy_views(place, standing.policies_in_force(place.dao))
    ]
