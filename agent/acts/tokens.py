# SPDX-License-Identifier: Apache-2.0
"""Read the symbols and decimals of assets, and believe the chain no further than that."""

import re
from collections.abc import Iterable

from governance.chain import abi
from governance.chain.address import ZERO
from governance.chain.native import DECIMALS, pretends_to_be_native, symbol_of
from governance.chain.rpc import BlockId, CallReverted, Rpc, RpcError
from policies.notation.amounts import Token

_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,10}")
MAX_DECIMALS = 36


def read_tokens(rpc: Rpc, assets: Iterable[bytes], block: BlockId = "latest") -> list[Token]:
    """Symbols and decimals of assets. One that does not say them in a plain form is left out, and so are two that say
    the same symbol, and one that is called like the chain's native currency: an amount in it would be anybody's guess.

    Raises RpcError when the node fails, also at one call: without one of two tokens that say the same symbol, the other
    would be the only one of that name. A token that reverts is only left out; `left_out` names it.
    """
    wanted = sorted(set(assets))
    contracts = [asset for asset in wanted if asset != ZERO]
    calls = [(asset, abi.encode_call(f"{name}()", [])) for asset in contracts for name in ("symbol", "decimals")]
    answers = rpc.eth_calls(calls, block) if calls else []
    for answer in answers:
        if isinstance(answer, RpcError) and not isinstance(answer, CallReverted):
            raise answer
    found = [Token(symbol_of(rpc.chain_id), ZERO, DECIMALS)] if ZERO in wanted else []
    for position, asset in enumerate(contracts):
        symbol, decimals = answers[2 * position], answers[2 * position + 1]
        if isinstance(symbol, RpcError) or isinstance(decimals, RpcError) or len(decimals) < 32:
            continue
        text, places = _symbol(symbol), int.from_bytes(decimals[:32], "big")
        if text is not None and places <= MAX_DECIMALS and not pretends_to_be_native(text, rpc.chain_id):
            found.append(Token(text, asset, places))
    symbols = [token.symbol.casefold() for token in found]
    return [token for token in found if symbols.count(token.symbol.casefold()) == 1]


def left_out(tokens: Iterable[Token], assets: Iterable[bytes]) -> list[bytes]:
    """Return the assets that `read_tokens` gave no token of, in the order of their addresses."""
    return sorted(set(assets) - {token.address for token in tokens})


def _symbol(answer: bytes) -> str | None:
    """The symbol in an answer of `symbol()`: a string, or the bytes32 of old tokens."""
    try:
        (text,) = abi.decode(["string"], answer, canonical=False)
    except abi.NotCanonical:
        text = answer[:32].rstrip(b"\0").decode("ascii", "replace")
    return text if isinstance(text, str) and _SYMBOL.fullmatch(text) else None
