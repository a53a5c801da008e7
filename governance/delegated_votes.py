# SPDX-License-Identifier: Apache-2.0
"""How many of a token's votes are delegated now: only those can object, whoever holds the others."""

from __future__ import annotations

from dataclasses import dataclass

from governance import asked_power
from governance.chain.rpc import Answered, CallReverted, RangeTooLarge, Rpc, RpcLimited
from governance.models import Contract, Cursor, Dao
from governance.power import totals
from governance.projections.hot import DELEGATE_VOTES_CHANGED
from policies.notation.primitives import selector


@dataclass(frozen=True)
class Delegated:
    """Votes that are delegated, of how many there are (base units of the votes token), and at which block."""

    power: int
    supply: int
    block: int


def of_module(rpc: Rpc, module: bytes, block: int) -> Delegated | None:
    """The delegated votes of a policy module's token, by its logs; None where the node doesn't tell.

    One question for all logs of the token: a node that answers only short ranges is not asked again and again. A DAO
    in the mirror is counted there. Raises RpcError when the node fails.
    """
    token = _word(rpc, module, "votesToken()", block)
    if token is None or any(token[:12]):
        return None
    try:
        logs = rpc.logs([token[12:]], [DELEGATE_VOTES_CHANGED], first_block=0, last_block=block)
    except (RangeTooLarge, RpcLimited, Answered):
        return None
    if not logs:
        return None  # nobody delegated, or the token logs power in another shape, or not at all
    power: dict[bytes, int] = {}
    for log in logs:
        if len(log.topics) == 2 and len(log.data) == 64:
            power[log.topics[1]] = int.from_bytes(log.data[32:], "big")
    return _of(rpc, token[12:], sum(power.values()), block)


def of_dao(rpc: Rpc, dao: Dao) -> Delegated | None:
    """The delegated votes that the mirror has of a DAO, at the last block it read; None where it is not read yet, or
    where no log says who has power."""
    cursor = Cursor.objects.filter(dao=dao, synced_at__isnull=False).first()
    token = Contract.objects.filter(dao=dao, kind=Contract.Kind.VOTES_TOKEN).order_by("-start_block").first()
    if cursor is None or token is None or asked_power.degraded(dao) is not None:
        return None
    return _of(rpc, bytes(token.address), totals(dao).power, cursor.next_block - 1)


def _of(rpc: Rpc, token: bytes, power: int, block: int) -> Delegated | None:
    supply = _word(rpc, token, "totalSupply()", block)
    return None if supply is None else Delegated(power, int.from_bytes(supply, "big"), block)


def _word(rpc: Rpc, to: bytes, signature: str, block: int) -> bytes | None:
    try:
        answer = rpc.eth_call(to, selector(signature), block)
    except CallReverted:
        return None
    return answer if len(answer) == 32 else None
