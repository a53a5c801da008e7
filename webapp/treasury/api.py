# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: the treasury."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from policies.notation.hexadecimal import hex_text
from presentation.dao_view import DaoView
from webapp.answers import answers
from webapp.api_input import page_and_size
from webapp.shapes import Json, address_json, reading_json
from webapp.treasury.answers import TreasuryAnswer
from webapp.treasury.read import Movement, balances, page_of_movements, runways

router = Router()


@router.get("/daos/{slug}/treasury", response=answers(TreasuryAnswer, 404, 422))
def treasury(request: HttpRequest, slug: str, page: int = 1, size: int = 50) -> Json:
    """What the treasury holds, how long it lasts at the rate of the last 90 days that were read, and its movements,
    newest first. `left_days` is null where no more went than came, or where the balance is not the chain's own word."""
    place = DaoView.of(slug)
    page, size = page_and_size(page, size)
    held = balances(place)
    rows, count = page_of_movements(place, page, size)
    return {
        "balances": [
            {
                "asset": address_json(balance.asset.address),
                "symbol": balance.asset.symbol,
                "amount": str(balance.base_units),
                **reading_json(balance.reading),
                "flows_agree": balance.flows_agree,
            }
            for balance in held
        ],
        "runways": [
            {
                "asset": address_json(rate.asset.address), "days": rate.days, "came": str(rate.came),
                "went": str(rate.went), "left_days": rate.left_days,
            }
            for rate in runways(place, held)
        ],
        "movements_count": count,
        "movements": [_movement_json(row) for row in rows],
        "block": place.block,
    }  # fmt: skip


def _movement_json(row: Movement) -> Json:
    flow, log = row.flow, row.flow.log
    return {
        "direction": "out" if flow.outgoing else "in",
        "asset": address_json(flow.asset),
        "amount": str(flow.amount),
        "counterparty": address_json(flow.counterparty),
        "proposals": [str(proposal.proposal_id) for proposal in row.proposals],
        "acts": [{"policy_id": hex_text(act.policy_id), "number": act.number} for act in row.acts],
        # Whether it is more than the word of one node alone, with no proof.
        "confirmed": not hasattr(log, "unconfirmed"),
        "block": log.block_number,
        "at_chain_s": log.block_timestamp_chain_s,
        "transaction_hash": hex_text(log.transaction_hash),
    }
