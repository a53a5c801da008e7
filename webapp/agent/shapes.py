# SPDX-License-Identifier: Apache-2.0
"""Acts as JSON."""

from __future__ import annotations

from agent.acts.policy import PolicyInForce
from agent.acts.rosters import Rules, Terms
from agent.models import Roster
from governance.models import Act
from policies.notation.hexadecimal import hex_text
from presentation.dao_view import DaoView
from webapp.shapes import Json, address_json


def public_roster(policy: PolicyInForce, held: Roster | None, terms: Terms | None, problem: str) -> Json:
    """A policy's newest roster without names and amounts."""
    rules = None if terms is None else terms.rules or Rules()
    block_hash = held.signed_block_hash if held else None
    return {
        "policy_id": hex_text(policy.policy_id),
        "operator": address_json(policy.code.operator),
        "problem": problem,
        "hash": hex_text(bytes(held.digest)) if held else None,
        "serial": held.serial if held else None,
        "policy_version": held.policy_version if held else None,
        "signed_by": address_json(bytes(held.operator)) if held else None,
        "signed_at_block": held.signed_block_number if held else None,
        "signed_at_block_hash": None if block_hash is None else hex_text(bytes(block_hash)),
        "expires_chain_s": held.expires_chain_s if held else None,
        "kind": rules.kind if rules else None,
        "first_month": rules.first_month if rules else None,
        "last_month": rules.last_month if rules else None,
        "may_ask": sorted(rules.may_ask) if rules else None,
        "addresses": [address_json(line.recipient) for line in terms.lines] if terms else [],
    }


def act_json(place: DaoView, act: Act) -> Json:
    return {
        "id": act.pk,
        "policy_id": hex_text(act.policy_id),
        "version": act.version,
        "number": act.number,
        "agent": address_json(act.agent),
        "status": act.status,
        "decision": hex_text(act.decision),
        "record": f"/records/{hex_text(act.decision)}.json",
        "act_id": hex_text(act.act_id) if act.act_id else None,
        "releasable_chain_s": act.releasable_chain_s,
        "expires_chain_s": act.expires_chain_s,
        "objection_power": str(act.objection_power),
        "objection_threshold": None if act.objection_threshold is None else str(act.objection_threshold),
        "calls": [
            {
                "target": address_json(call.target),
                "value_wei": str(call.value_wei),
                "value_symbol": place.native.symbol,
                "calldata": hex_text(call.calldata),
            }
            for call in act.calls.all()
        ],
        "objections": [
            {
                "account": address_json(objection.account),
                "power": str(objection.power),
                "confirmed": not hasattr(objection.log, "unconfirmed"),
                "transaction_hash": hex_text(objection.log.transaction_hash),
            }
            for objection in act.objections.all()
        ],
        # Whether it is more than the word of one node alone, with no proof: of the act, and of its end.
        "confirmed": not hasattr(act.log, "unconfirmed"),
        "final_confirmed": not hasattr(act.final_log, "unconfirmed") if act.final_log else None,
        "at_chain_s": act.log.block_timestamp_chain_s,
        "block": act.log.block_number,
        "transaction_hash": hex_text(act.log.transaction_hash),
        "final_transaction_hash": hex_text(act.final_log.transaction_hash) if act.final_log else None,
    }
