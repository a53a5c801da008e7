# SPDX-License-Identifier: Apache-2.0
"""Winds the local test chain's clock forward. Any other chain is refused, by our settings and by the node itself."""

from django.conf import settings

from governance.chain.rpc import Rpc, quantity

MAXIMUM_SECONDS = 400 * 86_400  # a slip of the hand would end every policy for good


class NotLocalChain(Exception):
    """The chain is not the local test chain: nobody winds its clock."""


class ClockRefused(ValueError):
    """The clock can't be wound there: not forward, or too far."""


def advance(rpc: Rpc, seconds: int) -> int:
    """Move the local chain's clock `seconds` (1 or more) past its latest block and mine; returns the new chain time.

    Raises NotLocalChain, ClockRefused, and what `rpc` raises.
    """
    if seconds < 1:
        raise ClockRefused("the chain's clock only goes forward")
    _must_be_local(rpc)
    return advance_to(rpc, _now_chain_s(rpc) + seconds)


def advance_to(rpc: Rpc, timestamp_chain_s: int) -> int:
    """Move the local chain's clock to a later time (Unix seconds) and mine; returns the new chain time.

    Raises NotLocalChain, ClockRefused, and what `rpc` raises.
    """
    _must_be_local(rpc)
    now_chain_s = _now_chain_s(rpc)
    if timestamp_chain_s <= now_chain_s:
        raise ClockRefused(f"the chain's clock is at {now_chain_s} and only goes forward")
    if timestamp_chain_s - now_chain_s > MAXIMUM_SECONDS:
        raise ClockRefused(f"the chain's clock is wound at most {MAXIMUM_SECONDS // 86_400} days at once")
    # Absolute, so that a request that is sent twice moves the clock once. Blocks go on from there.
    rpc.call("evm_setNextBlockTimestamp", [timestamp_chain_s])
    rpc.call("evm_mine", [])
    return _now_chain_s(rpc)


def _must_be_local(rpc: Rpc) -> None:
    local = settings.LOCAL_CHAIN_ID
    if local is None or rpc.chain_id != local:
        raise NotLocalChain(f"chain {rpc.chain_id} is not the local test chain; its clock is not ours to move")
    answered = quantity(rpc.call("eth_chainId", []))
    if answered != local:
        raise NotLocalChain(f"the node serves chain {answered}, not the local test chain {local}")


def _now_chain_s(rpc: Rpc) -> int:
    header = rpc.block("latest")
    if header is None:
        raise ClockRefused("the node has no latest block")
    return header.timestamp_chain_s
