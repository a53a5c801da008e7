# SPDX-License-Identifier: Apache-2.0
"""ENS names in both directions at a block: a name counts only where it leads to an address and the address back to it.

Names are read from the text, and from the addresses that the calls pay or call. A resolver is anybody's contract: what
it answers is checked, and a name that is resolved off chain is not used.
"""

import re
from collections.abc import Sequence

from governance.chain import abi, ens
from governance.chain.rpc import CallReverted, Rpc, RpcError
from policies.notation.primitives import keccak, selector

MOST_NAMES = 40  # of a text, and as many addresses
_NAME = re.compile(r"(?<![\w.@/-])(?:[a-z0-9_-]{1,63}\.){1,4}eth(?![\w-]|\.\w)", re.IGNORECASE)
_REVERSE = keccak(keccak(bytes(32) + keccak(b"reverse")) + keccak(b"addr"))


def names_in(text: str) -> list[str]:
    """The names ending in .eth that a text has, in small letters, each once; no more than `MOST_NAMES`."""
    found = dict.fromkeys(match[0].lower() for match in _NAME.finditer(text))
    return [name for name in found if _is_plain(name)][:MOST_NAMES]


def agreed(rpc: Rpc, names: Sequence[str], addresses: Sequence[bytes], block_hash: bytes) -> dict[bytes, str]:
    """Return the name of each address where both directions agree at the block.

    Raises:
        RpcError: the node failed, or lacks the state of this block.
    """
    forward = _addresses_of(rpc, list(names), block_hash)
    asked = list(dict.fromkeys([*forward.values(), *list(addresses)[:MOST_NAMES]]))
    claimed = _names_of(rpc, asked, block_hash)
    more = [name for name in dict.fromkeys(claimed.values()) if name not in forward]
    forward |= _addresses_of(rpc, more, block_hash)
    return {address: name for address, name in claimed.items() if forward.get(name) == address}


def _addresses_of(rpc: Rpc, names: list[str], block_hash: bytes) -> dict[str, bytes]:
    answers = _resolved(rpc, [ens.namehash(name) for name in names], "addr(bytes32)", block_hash)
    found = {name: _address(answer) for name, answer in zip(names, answers, strict=True)}
    return {name: address for name, address in found.items() if address is not None}


def _names_of(rpc: Rpc, addresses: list[bytes], block_hash: bytes) -> dict[bytes, str]:
    nodes = [keccak(_REVERSE + keccak(address.hex().encode("ascii"))) for address in addresses]
    answers = _resolved(rpc, nodes, "name(bytes32)", block_hash)
    found = {address: _text(answer) for address, answer in zip(addresses, answers, strict=True)}
    return {address: name for address, name in found.items() if name and _is_plain(name)}


def _resolved(rpc: Rpc, nodes: list[bytes], function: str, block_hash: bytes) -> list[bytes]:
    """What the nodes' resolvers answer, b"" where there is none."""
    resolvers = [_address(one) for one in _ask(rpc, [(ens.REGISTRY, _call("resolver(bytes32)", n)) for n in nodes],
                                               block_hash)]  # fmt: skip
    asked = [(resolver, _call(function, node)) for resolver, node in zip(resolvers, nodes, strict=True) if resolver]
    answers = iter(_ask(rpc, asked, block_hash))
    return [next(answers) if resolver else b"" for resolver in resolvers]


def _ask(rpc: Rpc, calls: list[tuple[bytes, bytes]], block_hash: bytes) -> list[bytes]:
    found = []
    for answer in rpc.eth_calls(calls, block_hash) if calls else ():
        if isinstance(answer, RpcError) and not isinstance(answer, CallReverted):
            raise answer
        found.append(answer if isinstance(answer, bytes) else b"")
    return found


def _call(function: str, node: bytes) -> bytes:
    return selector(function) + node


def _address(answer: bytes) -> bytes | None:
    """The address in a whole word that is not zero; None for anything else."""
    return answer[12:] if len(answer) == 32 and not any(answer[:12]) and any(answer) else None


def _text(answer: bytes) -> str:
    try:
        (text,) = abi.decode(["string"], answer)
    except abi.NotCanonical:
        return ""
    return text if isinstance(text, str) else ""


def _is_plain(name: str) -> bool:
    """Whether a name is of those for which normalisation (ENSIP-15) changes nothing, and ends in .eth."""
    try:
        ens.namehash(name)
    except ens.NotResolved:
        return False
    return name.endswith(".eth")
