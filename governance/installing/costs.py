# SPDX-License-Identifier: Apache-2.0
"""What creating a module's contracts takes: gas by the node's estimate, and the native currency at fees of now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance.chain.address import checksum
from governance.chain.reverts import revert_words
from governance.chain.rpc import Answered, CallReverted, Rpc, quantity
from governance.chain.send import suggest_fees
from governance.installing.parts import Part
from governance.installing.situation import FACTORY
from governance.installing.words import NotInstalled
from policies.notation.hexadecimal import hex_text

_SENDER = bytes.fromhex("00000000000000000000000000000000000000fe")  # nobody: what it costs does not depend on who


@dataclass(frozen=True)
class Cost:
    """Gas by part (None where the node can't estimate it, 0 where the contract is there), and wei per gas."""

    gas: dict[str, int | None]
    base_fee_wei: int | None  # of the newest block; None on a chain without base fees
    max_fee_wei: int  # the most that `module deploy` would offer now

    @property
    def total_gas(self) -> int | None:
        """All gas; None where some is not known."""
        return None if None in self.gas.values() else sum(gas or 0 for gas in self.gas.values())

    @property
    def least_wei(self) -> int | None:
        """At the newest block's base fee."""
        return None if self.total_gas is None or self.base_fee_wei is None else self.total_gas * self.base_fee_wei

    @property
    def most_wei(self) -> int | None:
        """At the most that would be offered now."""
        return None if self.total_gas is None else self.total_gas * self.max_fee_wei


def cost_of(rpc: Rpc, parts: Sequence[Part], *, has_factory: bool) -> Cost:
    """Estimate each part that is not there yet; the later ones as if the earlier were.

    Raises:
        NotInstalled: a constructor refuses its arguments, which the message words.
        RpcError: the node failed.
    """
    header = rpc.block("latest")
    fees = suggest_fees(rpc)
    gas: dict[str, int | None] = {}
    there: dict[str, dict[str, str]] | None = {}  # what was not created yet and is needed by what follows
    for part in parts:
        if rpc.get_code(part.address):
            gas[part.name] = 0
            continue
        gas[part.name] = _estimate(rpc, part, there) if has_factory and there is not None else None
        code = _code_of(rpc, part) if part is not parts[-1] else None
        there = None if code is None or there is None else {**there, checksum(part.address): {"code": hex_text(code)}}
    return Cost(gas, header.base_fee_wei if header else None, fees.max_fee_wei)


def _estimate(rpc: Rpc, part: Part, there: dict[str, dict[str, str]]) -> int | None:
    call = {"from": hex_text(_SENDER), "to": hex_text(FACTORY), "data": hex_text(part.calldata)}
    if not there:
        _code_of(rpc, part)  # the factory swallows a constructor's reason
    try:
        return quantity(rpc.call("eth_estimateGas", [call, "latest", *([there] if there else [])]))
    except CallReverted as error:
        raise NotInstalled("constructor_refuses", contract=part.contract, reason=revert_words(error.data)) from None
    except Answered:
        return None  # a node that takes no overrides


def _code_of(rpc: Rpc, part: Part) -> bytes | None:
    """The code that a part's creation leaves; None where the node runs no such creation. Raises NotInstalled."""
    try:
        return rpc.eth_create(part.creation_code)
    except CallReverted as error:
        raise NotInstalled("constructor_refuses", contract=part.contract, reason=revert_words(error.data)) from None
    except Answered:
        return None
