# SPDX-License-Identifier: Apache-2.0
"""A policy held against a chain: are its targets there, are its tokens what it says, would the module take it?

Everything is asked at one block. What contracts answer is hostile: lengths are limited and text is made printable.
"""

from collections.abc import Iterator

from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.module import CHECKER
from governance.chain.rpc import Answered, BlockId, CallReverted, Rpc, RpcError
from governance.token_code import BEACON, IMPLEMENTATION
from policies.command import Finding
from policies.files import Loaded
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import selector
from policies.notation.visible import one_line

_MOST_TEXT = 64


def check_on_chain(rpc: Rpc, loaded: Loaded, module: bytes | None) -> list[Finding]:
    """What differs between the policy and the chain at its newest block; `module` is asked whether it would take it.

    Raises RpcError when the node fails.
    """
    block = rpc.head_number()
    return [
        *_targets(rpc, loaded, block),
        *(finding for token in loaded.tokens.values() for finding in _token(rpc, token, block)),
        *(_module(rpc, loaded, module, block) if module is not None else ()),
    ]


def _targets(rpc: Rpc, loaded: Loaded, block: BlockId) -> Iterator[Finding]:
    for target in dict.fromkeys(rule.target for rule in loaded.code.rules if not rule.no_selector):
        code = rpc.get_code(target, block)
        if not code:
            yield Finding(True, f"{_called(loaded, target)} has no code; check the address and the chain")
            continue
        for what, slot in (("a proxy", IMPLEMENTATION), ("a beacon proxy", BEACON)):
            behind = rpc.storage(target, slot, block)
            if any(behind):
                yield Finding(
                    False,
                    f"{_called(loaded, target)} is {what} (behind it: {checksum(behind[12:])}): whoever controls it "
                    "can put other code there after the vote",
                )


def _token(rpc: Rpc, token: Token, block: BlockId) -> Iterator[Finding]:
    name = f"{token.symbol} ({checksum(token.address)})"
    decimals = _number(rpc, token.address, "decimals()", block)
    if decimals is None:
        yield Finding(False, f"{name} does not say its decimals; compare them with its documentation")
    elif decimals != token.decimals:
        yield Finding(True, f"{name} has {decimals} decimals, not {token.decimals}; write `decimals: {decimals}`")
    symbol = _symbol(rpc, token.address, block)
    if symbol is not None and symbol != token.symbol:
        yield Finding(False, f"{name} calls itself {symbol!r}; check that it is the token you mean")


def _module(rpc: Rpc, loaded: Loaded, module: bytes, block: BlockId) -> Iterator[Finding]:
    """What the module's own checker says, word for word what `setPolicy` would."""
    try:
        checker = rpc.eth_call(module, selector(CHECKER), block)
        if len(checker) != 32 or not any(checker):
            raise Answered(None, "no checker")
    except RpcError:
        yield Finding(True, f"{checksum(module)} is no policy module of this format; name the module's address")
        return
    try:
        rpc.eth_call(checker[12:], abi.encode_call("check(address,bytes)", [module, loaded.raw]), block)
    except CallReverted as reverted:
        yield Finding(True, f"the module refuses it: {_refusal(reverted.data)}")


def _refusal(data: bytes) -> str:
    if data[:4] == selector("BadPolicy(uint256,bytes32)") and len(data) == 68:
        problem = one_line(data[36:68].rstrip(b"\0").decode("ascii", "replace"))
        return f"{problem} (byte {int.from_bytes(data[4:36], 'big')} of the code)"
    return f"{hex_text(data[:4])}"


def _number(rpc: Rpc, to: bytes, signature: str, block: BlockId) -> int | None:
    try:
        answer = rpc.eth_call(to, selector(signature), block)
    except CallReverted:
        return None
    return int.from_bytes(answer, "big") if len(answer) == 32 and not any(answer[:31]) else None


def _symbol(rpc: Rpc, to: bytes, block: BlockId) -> str | None:
    """A token's symbol as it gives it, text or (older ones) 32 bytes; None where it gives none."""
    try:
        answer = rpc.eth_call(to, selector("symbol()"), block)[:4096]
    except CallReverted:
        return None
    if len(answer) == 32:
        return one_line(answer.rstrip(b"\0").decode("utf-8", "replace"), _MOST_TEXT)
    size = int.from_bytes(answer[32:64], "big") if len(answer) >= 64 else 0
    return one_line(answer[64 : 64 + min(size, _MOST_TEXT)].decode("utf-8", "replace"), _MOST_TEXT) or None


def _called(loaded: Loaded, address: bytes) -> str:
    token = loaded.tokens.get(address)
    name = loaded.names.get(address) or (token.symbol if token else None)
    return f"{name} ({checksum(address)})" if name else checksum(address)
