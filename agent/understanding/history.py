# SPDX-License-Identifier: Apache-2.0
"""What the mirror knows of a DAO before a proposal, for the flags that look back."""

from __future__ import annotations

from eth_utils.crypto import keccak
from rfc8785 import dumps as canonical_json

from agent.understanding.flags import Earlier, History
from governance.chain.call import ProposedCall, call_of
from governance.chain_word import shown_state
from governance.models import Contract, Proposal
from governance.state import now_of
from policies.notation.hexadecimal import hex_text

MOST = 200  # proposals that are looked back on


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
    return History(mine, keccak(proposal.description_bytes), proposal.log.block_timestamp_chain_s, tuple(earlier))


def calls_hash(calls: list[ProposedCall]) -> bytes:
    """keccak256 of what the calls execute: target, value and calldata of each, in their order."""
    shown = [[hex_text(call.target), str(call.value_wei), hex_text(call.calldata)] for call in calls]
    return keccak(canonical_json(shown))
