# SPDX-License-Identifier: Apache-2.0
"""Rows for an export, in pages that cost the same wherever they begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q, prefetch_related_objects

from governance.models import Act, Proposal, RawLog, TreasuryFlow, Vote
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.dao_view import DaoView
from presentation.proposals import ProposalRow, is_in_parts, parts_of, rows_of

MOST_ROWS = 200
Row = dict[str, str | int | bool | None]


def _log(log: RawLog) -> Row:
    return {
        # Whether it is more than the word of one node alone, with no proof.
        "confirmed": not hasattr(log, "unconfirmed"),
        "block": log.block_number,
        "at_chain_s": log.block_timestamp_chain_s,
        "transaction_hash": hex_text(log.transaction_hash),
    }


def _proposal(shown: ProposalRow) -> Row:
    row = shown.proposal
    return {
        "id": str(row.proposal_id), "title": shown.title, "proposer": words.address_text(row.proposer),
        "state": shown.state_name, "state_confirmed": shown.is_state_confirmed,
        "snapshot": row.snapshot, "deadline": row.deadline, "for": str(shown.for_votes),
        "against": str(shown.against_votes), "abstain": str(shown.abstain_votes),
        # The newest block at which the chain said one of these in place of the mirror.
        "chain_word_block": max((word.block_number for word in shown.shown.words.values()), default=None),
        # The block of the governor's own tally, where its way to count is not known here; and whether the sums are.
        "tally_block": shown.facts.tally_block,
        "tally_known": not shown.facts.counted_by_governor or shown.facts.tally_block is not None,
        **_log(row.log),
    }  # fmt: skip


def _flow(row: TreasuryFlow) -> Row:
    return {
        "direction": "out" if row.outgoing else "in", "asset": words.address_text(row.asset),
        "amount": str(row.amount), "counterparty": words.address_text(row.counterparty), **_log(row.log),
    }  # fmt: skip


def _act(row: Act) -> Row:
    return {
        "policy_id": hex_text(row.policy_id), "version": row.version, "number": row.number,
        "agent": words.address_text(row.agent), "status": row.status, "decision": hex_text(row.decision),
        **_log(row.log),
        "final_transaction_hash": hex_text(row.final_log.transaction_hash) if row.final_log else None,
        "final_confirmed": not hasattr(row.final_log, "unconfirmed") if row.final_log else None,
    }  # fmt: skip


_TABLES: dict[str, tuple[Any, tuple[str, ...], Callable[[Any], Row]]] = {
    "treasury": (TreasuryFlow, ("log__unconfirmed",), _flow),
    "acts": (Act, ("log__unconfirmed", "final_log__unconfirmed"), _act),
}


def table(place: DaoView, name: str, after: int) -> tuple[list[Row], int | None]:
    """Return the rows behind the one of number `after`, and what to ask for after them; None at the end. Proposals are
    told as pages tell them, with the chain's word where it differs."""
    if name == "proposals":
        numbers, more = _numbers(Proposal, place, after)
        rows = rows_of(place, numbers)
        prefetch_related_objects([row.proposal for row in rows], "log__unconfirmed")
        return [_proposal(row) for row in rows], more
    model, logs, shown = _TABLES[name]
    numbers, more = _numbers(model, place, after)
    found = model.objects.filter(pk__in=numbers).prefetch_related(*logs).order_by("pk")
    return [shown(row) for row in found], more


def _numbers(model: Any, place: DaoView, after: int) -> tuple[list[int], int | None]:
    """The numbers of a page's rows alone: asked for whole, every row of the table is read and sorted."""
    found = model.objects.filter(dao=place.dao, pk__gt=after).order_by("pk").values_list("pk", flat=True)
    numbers = list(found[: MOST_ROWS + 1])
    return numbers[:MOST_ROWS], numbers[MOST_ROWS - 1] if len(numbers) > MOST_ROWS else None


def votes(
    place: DaoView, proposal: Proposal, after: tuple[int, int] | None
) -> tuple[list[Row], tuple[int, int] | None]:
    """Return a proposal's votes, the heaviest first, behind one of a weight and a number; and what to ask for next."""
    found = Vote.objects.filter(proposal=proposal)
    if after is not None:
        weight, number = after
        found = found.filter(Q(weight__lt=weight) | Q(weight=weight, pk__gt=number), weight__lte=weight)
    heaviest = list(found.order_by("-weight", "pk").values_list("pk", flat=True)[: MOST_ROWS + 1])
    rows = list(
        Vote.objects.filter(pk__in=heaviest[:MOST_ROWS]).prefetch_related("log__unconfirmed").order_by("-weight", "pk")
    )
    more = (rows[-1].weight, rows[-1].pk) if len(heaviest) > MOST_ROWS else None
    return [_vote(place, row) for row in rows], more


def _vote(place: DaoView, row: Vote) -> Row:
    parts = parts_of(place, row)
    against, in_favour, abstain = (None, None, None) if parts is None else map(str, parts)
    return {
        "voter": words.address_text(row.voter), "support": row.support, "weight": str(row.weight),
        # A vote in parts is not of its support; its parts are empty where their order is not known.
        "in_parts": is_in_parts(place, row), "for": in_favour, "against": against, "abstain": abstain,
        "params": hex_text(row.params) if row.params else None, "reason": row.reason, **_log(row.log),
    }  # fmt: skip
