# SPDX-License-Identifier: Apache-2.0
"""A draft as members will see it: effects beside the text, flags, and each call tried on the chain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from agent.models import Summary
from agent.understanding.effects.published import with_published_tokens
from agent.understanding.live.facts import Facts
from agent.understanding.live.names import agreed, names_in
from agent.understanding.mirror_book import book_of
from agent.understanding.review import review
from agent.understanding.summaries import columns_of
from governance.capabilities import BY_NUMBER
from governance.chain import ens, safe
from governance.chain.call import ProposedCall
from governance.chain.governor import propose_call
from governance.chain.reverts import revert_words
from governance.chain.rpc import Answered, BatchTooLarge, CallReverted, Rpc, RpcError
from governance.numbers import grouped
from governance.treasury import balances_by_flows
from policies.notation.visible import one_line
from presentation.calls import call_words
from presentation.dao_view import DaoView

_NO_TRIAL = {-32601, -32602, -32700, -32600}  # JSON-RPC's: the node did not understand the question

_MOST_TRYING_S = 10.0  # for all calls of a draft together


@dataclass(frozen=True)
class Trial:
    """A call, tried alone as the DAO would make it now. `problem`: why it would fail; `refusal`: what the node said in
    place of running it; both are empty where it would go through, and where that is not known (`is_tried`)."""

    words: str
    is_tried: bool
    problem: str = ""
    refusal: str = ""
    gas: int | None = None  # that the node estimates for it alone

    @property
    def gas_text(self) -> str:
        return "" if self.gas is None else grouped(self.gas)


def reviewed(place: DaoView, text: str, calls: Sequence[ProposedCall], rpc: Rpc | None = None) -> Summary:
    """What the page of the proposal would show of text and calls: a row that is not stored."""
    book = with_published_tokens(calls, book_of(place.dao, _named(place, text, rpc)))
    done = review(text, calls, book, balances_by_flows(place.dao))
    return Summary(**columns_of(done), sentences=[line.as_json() for line in done.summary])


def _named(place: DaoView, text: str, rpc: Rpc | None) -> Facts | None:
    """The text's ENS names as the newest block has them; None where there is no ENS, no such name, or no answer."""
    names = names_in(text) if rpc is not None and place.dao.chain_id in ens.CHAINS else []
    if rpc is None or not names:
        return None
    try:
        head = rpc.block("latest")
        return Facts(names=agreed(rpc, names, [], head.hash)) if head is not None else None
    except RpcError:
        return None  # the page says of each recipient that it is known by no name


def tried(
    place: DaoView, rpc: Rpc | None, maker: bytes, calls: Sequence[ProposedCall]
) -> tuple[list[Trial], int | None]:
    """Try each call alone, sent by who would make it; and the block at which, None where the node can't be asked.
    Takes no new question after ten seconds."""
    unknown = [Trial(call_words(place, call.target, call.value_wei, call.calldata), False) for call in calls]
    if rpc is None:
        return unknown, None
    try:
        head = rpc.block("latest")
    except RpcError:
        return unknown, None
    if head is None:
        return unknown, None
    at, until, found = head.number, time.monotonic() + _MOST_TRYING_S, list(unknown)
    held_wei: int | None = None
    for number, call in enumerate(calls):
        try:
            if time.monotonic() >= until:
                break
            # Some nodes estimate a payment of more than its maker has.
            if call.value_wei and held_wei is None:
                held_wei = rpc.balance(maker, at)
            if held_wei is not None and call.value_wei > held_wei:
                text = gettext("who makes it has %(held)s") % {"held": place.native.text(held_wei)}
                found[number] = replace(unknown[number], is_tried=True, problem=text)
            else:
                found[number] = _trial(rpc, maker, call, at, unknown[number])
        except RpcError:
            break  # it is away, or refuses for now: it will not answer the next question either
    passed = [n for n, trial in enumerate(found) if trial.is_tried and not trial.problem and calls[n].calldata]
    codes = _codes(rpc, list(dict.fromkeys(calls[n].target for n in passed)), at, until)
    for number in passed:
        code = codes.get(calls[number].target)
        if code is None:
            found[number] = unknown[number]
        elif not code:
            found[number] = replace(found[number], problem=gettext("there is no contract at this address"))
    return found, at


def _trial(rpc: Rpc, maker: bytes, call: ProposedCall, block: int, untried: Trial) -> Trial:
    """Try one call. Raises RpcError where the node can't be asked."""
    try:
        gas = rpc.estimate_gas(call.target, call.calldata, sender=maker, value_wei=call.value_wei, block=block)
    except CallReverted as error:
        return replace(untried, is_tried=True, problem=revert_words(error.data))
    except Answered as error:
        # Some nodes say so that the maker lacks what the call sends. An answer that can't be read says nothing.
        is_refusal = error.code is not None and error.code not in _NO_TRIAL
        return replace(untried, refusal=one_line(str(error.message), 200)) if is_refusal else untried
    return replace(untried, is_tried=True, gas=gas)


def _codes(rpc: Rpc, targets: list[bytes], block: int, until: float) -> dict[bytes, bytes]:
    """The code at each of these addresses, as far as the node tells in time."""
    try:
        return {t: code for t, code in zip(targets, rpc.codes(targets, block), strict=True) if isinstance(code, bytes)}
    except BatchTooLarge:
        found: dict[bytes, bytes] = {}
    except RpcError:
        return {}
    for target in targets:
        try:
            if time.monotonic() < until:
                found[target] = rpc.get_code(target, block)
        except RpcError:
            break
    return found


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
