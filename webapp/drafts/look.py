# SPDX-License-Identifier: Apache-2.0
"""A draft as members will see it: effects beside the text, flags, and each call tried on the chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from agent.models import Summary
from agent.understanding.effects.published import with_published_tokens
from agent.understanding.mirror_book import book_of
from agent.understanding.review import review
from agent.understanding.summaries import columns_of
from governance.capabilities import BY_NUMBER
from governance.chain import safe
from governance.chain.call import ProposedCall
from governance.chain.governor import propose_call
from governance.chain.reverts import revert_words
from governance.chain.rpc import CallReverted, Rpc, RpcError
from governance.treasury import balances_by_flows
from policies.notation.visible import one_line
from presentation.calls import call_words
from presentation.dao_view import DaoView


@dataclass(frozen=True)
class Trial:
    """A call, tried alone as the DAO would make it now; `problem` is empty where it would go through."""

    words: str
    is_tried: bool
    problem: str


def reviewed(place: DaoView, text: str, calls: Sequence[ProposedCall]) -> Summary:
    """What the page of the proposal would show of text and calls: a row that is not stored."""
    book = with_published_tokens(calls, book_of(place.dao))
    done = review(text, calls, book, balances_by_flows(place.dao))
    return Summary(**columns_of(done), sentences=[line.as_json() for line in done.summary])


def tried(
    place: DaoView, rpc: Rpc | None, maker: bytes, calls: Sequence[ProposedCall]
) -> tuple[list[Trial], int | None]:
    """Try each call alone, sent by who would make it; and the block at which, None where the node can't be asked."""
    found: list[Trial] = []
    said = [call_words(place, call.target, call.value_wei, call.calldata) for call in calls]
    unknown = [Trial(text, False, "") for text in said]
    if rpc is None:
        return unknown, None
    try:
        head = rpc.block("latest")
        if head is None:
            return unknown, None
        at = head.number
        for text, call in zip(said, calls, strict=True):
            try:
                rpc.estimate_gas(call.target, call.calldata, sender=maker, value_wei=call.value_wei, block=at)
                has_code = not call.calldata or bool(rpc.get_code(call.target, at))
                found.append(Trial(text, True, "" if has_code else gettext("there is no contract at this address")))
            except CallReverted as error:
                found.append(Trial(text, True, revert_words(error.data)))
    except RpcError:
        return unknown, None
    return found, at


def propose_calldata(place: DaoView, text: str, calls: Sequence[ProposedCall]) -> bytes | None:
    """The calldata that proposes a draft; None for a governor whose `propose` this page does not know."""
    family = place.governor.capabilities.get("family")
    if family != "openzeppelin" and family not in BY_NUMBER:
        return None
    return propose_call(calls, text, by_number=family in BY_NUMBER)


def safe_batch(place: DaoView, calldata: bytes) -> str:
    """The proposal as a batch for Safe's transaction builder, where a Safe is who proposes."""
    call = ProposedCall(bytes(place.governor.address), 0, b"", calldata)
    name = gettext("Proposal to %(dao)s") % {"dao": one_line(place.dao.name, 60)}
    return safe.batch(place.dao.chain_id, name, [call])
