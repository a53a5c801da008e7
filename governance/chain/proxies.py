# SPDX-License-Identifier: Apache-2.0
"""Find the code behind an address: proxies of the kinds in common use, and whether somebody can put other code there.

Asked are storage slots and a few functions; what is answered is believed only where it is an account with code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from governance.chain import abi
from governance.chain.rpc import BlockId, CallReverted, Rpc
from policies.notation.primitives import keccak, selector


@dataclass(frozen=True, slots=True)
class Proxy:
    """An address that runs other code: of which kind, the code's address, and whether it is the same for ever."""

    kind: str
    behind: bytes
    is_fixed: bool = False


# Code that does nothing but run other code (EIP-1167 and its shorter forms), and an account's own choice (EIP-7702).
_MINIMAL = tuple(
    re.compile(b"".join((re.escape(bytes.fromhex(before)), b"(.{20})", re.escape(bytes.fromhex(after)))), re.DOTALL)
    for before, after in (
        ("363d3d373d3d3d363d73", "5af43d82803e903d91602b57fd5bf3"),
        ("3d3d3d3d363d3d37363d73", "5af43d3d93803e602a57fd5bf3"),
        ("365f5f375f5f365f73", "5af43d5f5f3e5f3d91602a57fd5bf3"),
        ("5f5f365f5f37365f73", "5af4"),
    )
)
# The same to an address that begins with zeros, pushed without them.
_SHORTER = re.compile(
    rb"\x36\x3d\x3d\x37\x3d\x3d\x3d\x36\x3d(?P<push>[\x60-\x72])(?P<address>.{1,19}?)\x5a\xf4\x3d\x82\x80\x3e",
    re.DOTALL,
)
_DELEGATED = re.compile(rb"\xef\x01\x00(.{20})", re.DOTALL)
_EIP1967 = int.from_bytes(keccak(b"eip1967.proxy.implementation"), "big") - 1
_EIP1967_BEACON = int.from_bytes(keccak(b"eip1967.proxy.beacon"), "big") - 1
_ZEPPELIN = int.from_bytes(keccak(b"org.zeppelinos.proxy.implementation"), "big")
_EIP1822 = int.from_bytes(keccak(b"PROXIABLE"), "big")
_SLOTS = (("EIP-1967", _EIP1967), ("ZeppelinOS", _ZEPPELIN), ("EIP-1822", _EIP1822))
_IMPLEMENTATION = "implementation()"  # Compound's delegators, Aragon's apps (as stETH), and beacons


def find_proxy(rpc: Rpc, address: bytes, code: bytes, block: BlockId, called: bytes = b"") -> Proxy | None:
    """What an address with this code runs in place of it; None where none of the known kinds fits.

    `called` is a selector that will be called there: a diamond (EIP-2535) has other code for each. Raises RpcError
    when the node fails.
    """
    return next(_found(rpc, address, code, block, called), None)


def _found(rpc: Rpc, address: bytes, code: bytes, block: BlockId, called: bytes) -> Iterator[Proxy]:
    if match := _DELEGATED.fullmatch(code):
        yield Proxy("an account that lends itself code (EIP-7702)", match[1])
    for pattern in _MINIMAL:
        if match := pattern.match(code):
            yield Proxy("a minimal proxy (EIP-1167)", match[1], is_fixed=True)
    if (match := _SHORTER.match(code)) and match["push"][0] - 0x5F == len(match["address"]):
        yield Proxy("a minimal proxy (EIP-1167)", match["address"].rjust(20, b"\0"), is_fixed=True)
    for kind, slot in _SLOTS:
        behind = _address(rpc.storage(address, slot, block))
        if behind is not None:
            yield Proxy(f"a proxy ({kind})", behind)
    beacon = _address(rpc.storage(address, _EIP1967_BEACON, block))
    if beacon is not None:
        yield Proxy("a beacon proxy (EIP-1967)", _asked(rpc, beacon, _IMPLEMENTATION, block) or beacon)
    # A Safe keeps its code's address in its first slot, and answers with it.
    first = _address(rpc.storage(address, 0, block))
    if first is not None and first == _asked(rpc, address, "masterCopy()", block):
        yield Proxy("a Safe's proxy", first)
    behind = _asked(rpc, address, _IMPLEMENTATION, block)
    if behind is not None and behind != address and rpc.get_code(behind, block):
        yield Proxy("a proxy (it answers implementation())", behind)
    if called:
        facet = _asked(rpc, address, "facetAddress(bytes4)", block, [called])
        if facet is not None and rpc.get_code(facet, block):
            yield Proxy("a diamond (EIP-2535)", facet)


def answers_as_token(rpc: Rpc, address: bytes, block: BlockId) -> int | None:
    """The decimals of a contract that answers decimals() and balanceOf() as tokens do; None for any other."""
    decimals, balance = rpc.eth_calls(
        [
            (address, selector("decimals()")),
            (address, abi.encode_call("balanceOf(address)", [address])),
        ],
        block,
    )
    if not (isinstance(decimals, bytes) and isinstance(balance, bytes) and len(decimals) == len(balance) == 32):
        return None
    return None if any(decimals[:31]) else decimals[31]


def _asked(rpc: Rpc, to: bytes, signature: str, block: BlockId, arguments: list[bytes] | None = None) -> bytes | None:
    """The address that a function answers; None where it reverts or answers anything else."""
    try:
        return _address(rpc.eth_call(to, abi.encode_call(signature, arguments or []), block))
    except CallReverted:
        return None


def _address(word: bytes) -> bytes | None:
    """The address in a word; None for zero and for words that hold something else."""
    if len(word) != 32 or any(word[:12]) or not any(word[12:30]):
        return None
    return word[12:]
