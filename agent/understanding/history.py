# SPDX-License-Identifier: Apache-2.0
"""What the mirror knows of a DAO before a proposal, for the flags that look back."""

from __future__ import annotations

from eth_utils.crypto import keccak
from rfc8785 import dumps as canonical_json

from agent.understanding.flags import Earlier, History
from governance.chain.call import ProposedCall, call_of
from governance.chain_word import shown_state
from governance.models import Contract, PowerCheckpoint, Proposal
from governance.state import now_of
from policies.notation.hexadecimal import hex_text

MOST = 200  # proposals that are looked back on
_DAY_S = 86_400


def history_of(proposal: Proposal) -> History:
    """What was proposed in the DAO before, the newest first. Reads the database."""
    before = (
        Proposal.objects.filter(dao=proposal.dao, created_block__lte=proposal.created_block)
        .exclude(pk=proposal.pk)
        .exclude(created_block=proposal.created_block, pk__gt=proposal.pk)
        .select_related("log", "dao")
        .prefetch_related("actions")
        .order_by("-created_block", "-id")[:MOST]
    )
    mine = calls_hash([call_of(action) for action in proposal.actions.all()])
    governor = proposal.dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()
    now = now_of(proposal.dao, governor) if governor else None
    earlier = []
    for one in before:
        calls = calls_hash([call_of(action) for action in one.actions.all()])
        state = ""
        if calls == mine and governor and now:  # how the others ended matters to no flag
            state = str(shown_state(proposal.dao, governor, now, one))
        created = one.log.block_timestamp_chain_s
        earlier.append(Earlier(str(one.proposal_id), calls, keccak(one.description_bytes), created, state))
    created_chain_s = proposal.log.block_timestamp_chain_s
    power, power_before = _powers(proposal, created_chain_s)
    text = keccak(proposal.description_bytes)
    return History(mine, text, created_chain_s, tuple(earlier), power, power_before)


def _powers(proposal: Proposal, created_chain_s: int) -> tuple[int | None, int | None]:
    """The proposer's voting power when it proposed and a day before, by the logs of that day; None for both where there
    are none: it did not change."""
    place = ("timepoint", "log__block_number", "log__log_index")
    rows = list(
        PowerCheckpoint.objects.filter(
            dao=proposal.dao,
            account=proposal.proposer,
            log__block_timestamp_chain_s__gt=created_chain_s - _DAY_S,
            log__block_timestamp_chain_s__lte=created_chain_s,
        )
        .order_by(*place)
        .values_list("previous_power", "power")
    )
    return (int(rows[-1][1]), int(rows[0][0])) if rows else (None, None)


def calls_hash(calls: list[ProposedCall]) -> bytes:
    """keccak256 of what the calls execute: target, value and calldata of each, in their order."""
    shown = [[hex_text(call.target), str(call.value_wei), hex_text(call.calldata)] for call in calls]
    return keccak(canonical_json(shown))
