# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001  -- ninja passes the request to every function
"""The API: the DAOs that are mirrored here, and one of them."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest
from ninja import Router

from agent.llm import trouble
from governance import standing
from governance.models import Contract, Dao
from presentation.dao_view import DaoView
from webapp.answers import answers
from webapp.home.answers import DaoAnswer, Daos, RulesAnswer
from webapp.home.info import clock_of, rules_of
from webapp.home.read import newest_incidents
from webapp.shapes import Json, address_json, power_reading_json, reading_json
from webapp.treasury.read import balances

router = Router()


@router.get("/daos", response=answers(Daos))
def daos(request: HttpRequest) -> Json:
    """All DAOs that are mirrored here."""
    found = Dao.objects.order_by("name")[:100]
    return {"daos": [{"slug": dao.slug, "name": dao.name, "chain_id": dao.chain_id} for dao in found]}


@router.get("/daos/{slug}", response=answers(DaoAnswer, 404))
def dao(request: HttpRequest, slug: str) -> Json:
    """A DAO: its contracts, how far the mirror has read, and what it met on the way. `policies.standing` is `no_module`
    (none is known), `not_read`, `no_policy` or `policies`.
    `power_reading.standing` is `events`, or `degraded` where no log says who has power; `words` then say what that
    means."""
    place = DaoView.of(slug)
    known = standing.known(place.dao)
    return {
        "slug": place.dao.slug,
        "name": place.dao.name,
        "chain_id": place.dao.chain_id,
        "local_chain": place.is_local,
        "native_currency": {"symbol": place.native.symbol, "decimals": place.native.decimals},
        "contracts": {
            kind: address_json(contracts[0].address) for kind, contracts in place.contracts.items() if contracts
        },
        "all_contracts": [
            {"kind": contract.kind, "address": address_json(contract.address), "start_block": contract.start_block}
            for contracts in place.contracts.values()
            for contract in contracts
        ],
        "paused": place.paused,
        "power_reading": power_reading_json(place.dao),
        "policies": {"standing": known.standing.value, "words": known.words},
        "modules": [
            {
                "address": address_json(module.address),
                "paused": state.paused,
                "stopped": [one.words for one in known.stopped if one.module == bytes(module.address)],
                "pause_confirmed": module.pk not in place.doubted_pauses,
                "pause_epoch": state.pause_epoch,
                "guardian": address_json(state.guardian),
            }
            for module in place.contracts[Contract.Kind.MODULE]
            if (state := place.module_states.get(module.pk))
        ],
        "treasury": [
            {
                "asset": address_json(balance.asset.address),
                "symbol": balance.asset.symbol,
                "amount": str(balance.base_units),
                **reading_json(balance.reading),
                "flows_agree": balance.flows_agree,
            }
            for balance in balances(place)
        ],
        "mirror": {
            "block": place.block,
            "node_head": place.node_head,
            "nodes": place.nodes,
            "finality_depth_blocks": place.chain.depth_blocks,
            "deepest_reorg_blocks": place.chain.deepest_reorg_blocks,
            "now_chain_s": place.now_chain_s,
            "synced_at": place.cursor.synced_at.isoformat() if place.cursor and place.cursor.synced_at else None,
            "incidents": [
                {
                    "kind": incident.kind,
                    "detail": incident.detail,
                    "facts": incident.facts,
                    "first_block": incident.first_block,
                    "happened_at": incident.happened_at.isoformat(),
                    "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
                }
                for incident in newest_incidents(place, 20)
            ],
        },
        "model_trouble": None
        if (now_wrong := trouble.standing()) is None
        else {
            "code": now_wrong.trouble,
            "text": trouble.in_words(now_wrong),
            "since": now_wrong.since.isoformat(),
        },
    }


@router.get("/daos/{slug}/rules", response=answers(RulesAnswer, 404))
def rules(request: HttpRequest, slug: str) -> Json:
    """How the DAO votes, as its governor said when it was looked at, at `probed_block`. A vote may have changed it
    since."""
    place = DaoView.of(slug)
    found = asdict(rules_of(place.governor.capabilities, clock_of(place)))
    amounts = ("proposal_threshold", "quorum_numerator", "quorum_denominator")
    return {name: str(value) if name in amounts and value is not None else value for name, value in found.items()}
