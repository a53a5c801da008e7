# SPDX-License-Identifier: Apache-2.0
"""Proposals, votes and summaries as JSON."""

from __future__ import annotations

from agent.models import Summary
from governance.models import Vote
from policies.notation.hexadecimal import hex_text
from presentation.card import card_of, is_by_model
from presentation.dao_view import DaoView
from presentation.proposals import ProposalRow, is_in_parts, parts_of
from webapp.shapes import Json, address_json, sides_json


def row_json(place: DaoView, row: ProposalRow) -> Json:
    proposal = row.proposal
    return {
        "id": str(proposal.proposal_id),
        "title": row.title,
        "proposer": address_json(proposal.proposer),
        "state": row.state_name,
        # Whether it rests on more than the word of one node alone, with no proof.
        "state_confirmed": row.is_state_confirmed,
        # What of this is the chain's word in place of the mirror's, by `state`, `votes` and `quorum`.
        "chain_word": {
            what: {
                "chain_says": word.says,
                "mirror_says": word.mirror_says,
                "block": word.block_number,
                "nodes": word.endpoints,
            }
            for what, word in row.shown.words.items()
        },
        "notes": row.notes,
        # What snapshot and deadline count: the chain's blocks, those of the chain below (as on Arbitrum), or seconds.
        "clock": "l1_block" if place.counts_l1_blocks else "block" if place.counts_blocks else "timestamp",
        "snapshot": proposal.snapshot,
        "deadline": proposal.deadline,
        "eta_chain_s": proposal.eta_chain_s,
        "tally": {
            "against": str(row.against_votes),
            "for": str(row.for_votes),
            "abstain": str(row.abstain_votes),
        },
        "quorum": None if row.quorum_votes is None else str(row.quorum_votes),
        "quorum_reached": row.quorum_reached,
        "verdict": row.verdict or None,
        "flags": row.flags,
        "url": f"/{place.dao.slug}/proposals/{proposal.proposal_id}/",
    }


def vote_json(place: DaoView, vote: Vote) -> Json:
    parts = parts_of(place, vote)
    return {
        "voter": address_json(vote.voter),
        "support": vote.support,
        "weight": str(vote.weight),
        # Of a vote in parts (fractional counting), what it added to each side; null where their order is not known.
        "in_parts": is_in_parts(place, vote),
        "parts": None if parts is None else sides_json(parts),
        "reason": vote.reason,
        # Whether it is more than the word of one node alone, with no proof.
        "confirmed": not hasattr(vote.log, "unconfirmed"),
        "block": vote.log.block_number,
        "at_chain_s": vote.log.block_timestamp_chain_s,
        "transaction_hash": hex_text(vote.log.transaction_hash),
    }


def summary_json(summary: Summary | None) -> Json | None:
    if summary is None:
        return None
    return {
        "status": summary.status,
        "reason": summary.reason,
        "reason_code": summary.reason_code,
        "reason_values": summary.reason_values,
        "abstained": summary.status == Summary.Status.ABSTAINED,
        "model": summary.model_name,
        "model_is_demo": summary.model_is_demo,
        # What a model did to the text below: it chose sentences and wrote none. Null: no model had a part in it.
        "ai": {"role": "selection", "model": summary.model_name, "generated_text": False}
        if is_by_model(summary)
        else None,
        "sentences": summary.sentences,
        "outcome": summary.verdict,
        "effects": [
            {"id": view.id, "outcome": view.outcome or None, "quotes": view.quotes} for view in card_of(summary).effects
        ],
        "claims": summary.claims,
        "findings": summary.findings,
        "hidden": summary.hidden,
    }
