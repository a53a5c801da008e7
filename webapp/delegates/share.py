# SPDX-License-Identifier: Apache-2.0
"""An account's share of all tokens when the chain's day began, by which free delegations are reserved."""

from __future__ import annotations

from governance.chain import abi
from governance.chain.rpc import Answered, CallReverted, Header, Rpc, RpcError
from governance.chain.votes_token import Standing
from webapp.relaying import Share

_DAY_S = 86_400
_found: dict[int | None, int] = {}  # chain -> the block that was found last; it is checked again whenever it is used


def share_of_today(rpc: Rpc, token: bytes, account: bytes, told: Standing, head: Header) -> Share:
    """Return the account's part of all tokens in the first block of the day (UTC, by the chain's clock). What moves
    after it gives nobody a part, and where the token did not exist then nobody has one.

    Where the node has that state no more, the part is what it is at `head` (`told`).

    Raises:
        RpcError: the node could not be asked.
    """
    try:
        block = first_block_of_day(rpc, head)
    except Answered:
        return Share(told.held or 0, told.supply or 0)
    questions = [("balanceOf(address)", [account]), ("totalSupply()", [])]
    answers = rpc.eth_calls([(token, abi.encode_call(what, values)) for what, values in questions], block)
    if any(isinstance(answer, RpcError) and not isinstance(answer, CallReverted) for answer in answers):
        return Share(told.held or 0, told.supply or 0)
    held, supply = (
        0 if isinstance(answer, RpcError) or len(answer) != 32 else int.from_bytes(answer, "big") for answer in answers
    )
    return Share(held, supply)


def first_block_of_day(rpc: Rpc, head: Header) -> int:
    """Return the number of the first block of the day on which `head` was made. Asks for about 30 headers, and for two
    where it is known.

    Raises:
        RpcError: the node could not be asked, or answered that it has not all blocks of the day (Answered).
    """
    began = head.timestamp_chain_s - head.timestamp_chain_s % _DAY_S

    def is_of_day(number: int) -> bool:
        header = rpc.block(number)
        if header is None:
            raise Answered(None, f"no block {number}")
        return header.timestamp_chain_s >= began

    known = _found.get(rpc.chain_id)
    if known is not None and known <= head.number and is_of_day(known) and (known == 0 or not is_of_day(known - 1)):
        return known
    # `first` is of the day, and all before `low` is not: found by steps that double, then halved.
    first, step = head.number, 1
    while first > 0 and is_of_day(max(0, first - step)):
        first, step = max(0, first - step), 2 * step
    low = max(0, first - step + 1)
    while low < first:
        middle = (low + first) // 2
        if is_of_day(middle):
            first = middle
        else:
            low = middle + 1
    _found[rpc.chain_id] = first
    return first
