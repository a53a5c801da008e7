# SPDX-License-Identifier: Apache-2.0
"""Calls that the treasury would make: how a payment is one, how they are hashed, and how they stand in JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from governance.chain.address import ZERO, checksum
from governance.fields import UINT256_MAX
from policies.code.call import Call
from policies.notation.hexadecimal import hex_bytes, hex_text


def payment_call(recipient: bytes, asset: bytes, amount: int) -> Call:
    """The call that pays: `transfer(address,uint256)` on a token, or plain ether."""
    if asset == ZERO:
        return Call(recipient, amount, b"")
    return Call(asset, 0, bytes.fromhex("a9059cbb") + encode(["address", "uint256"], [recipient, amount]))


def calls_hash(calls: Sequence[Call]) -> bytes:
    """keccak256(abi.encode(Call[])): the name of exactly these calls, in approvals and decision records."""
    return keccak(encode(["(address,uint256,bytes)[]"], [[(call.to, call.value_wei, call.data) for call in calls]]))


def calls_json(calls: Sequence[Call]) -> list[dict[str, str]]:
    """The calls as they stand in JSON: checksummed addresses, decimal amounts, hexadecimal data."""
    return [{"to": checksum(call.to), "value_wei": str(call.value_wei), "data": hex_text(call.data)} for call in calls]


def calls_from_json(items: Sequence[Mapping[str, Any]]) -> tuple[Call, ...]:
    """The inverse of `calls_json`. Raises ValueError or KeyError for anything else."""
    calls = tuple(Call(hex_bytes(item["to"]), int(item["value_wei"]), hex_bytes(item["data"])) for item in items)
    if calls_json(calls) != [dict(item) for item in items] or any(not 0 <= c.value_wei <= UINT256_MAX for c in calls):
        raise ValueError("calls are not in their canonical form")
    return calls
