# SPDX-License-Identifier: Apache-2.0
"""ENS names to addresses, on the chain where ENS lives. A resolver is anybody's contract: what it answers is checked.

Only names in lower-case ASCII are resolved: for these ENSIP-15 (normalisation) changes nothing. Other names would need
a library that knows all of Unicode's look-alikes; they are refused with one line. Names whose resolver answers off
chain (CCIP-read) or through a parent (wildcards) are refused too: nothing on chain would vouch for the answer.
"""

import re

from governance.chain.address import checksum
from governance.chain.rpc import BlockId, CallReverted, Rpc, RpcError
from policies.notation.primitives import keccak, selector

REGISTRY = bytes.fromhex("00000000000C2E074eC69A0dFb2997BA6C7d2e1e")
CHAINS = (1, 11155111)
_LABEL = re.compile(r"_*[a-z0-9-]{1,63}")
_MOST_NAME = 255


class NotResolved(ValueError):
    """The name has no address that can be trusted: why, and what to write instead."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name[:_MOST_NAME]}: {problem}; write the address it stands for")
        self.problem = problem


def namehash(name: str) -> bytes:
    """The name's node (ERC-137). Raises NotResolved for a name that is not plain lower-case ASCII."""
    labels = name.split(".")
    plain = all(_LABEL.fullmatch(label) and label[2:4] != "--" for label in labels)
    if not plain or len(name) > _MOST_NAME or len(labels) < 2:
        raise NotResolved(ascii(name)[1:-1], "only names of a-z, 0-9, - and _ are resolved")
    node = bytes(32)
    for label in reversed(labels):
        node = keccak(node + keccak(label.encode("ascii")))
    return node


def resolve(rpc: Rpc, name: str, block: BlockId = "latest") -> bytes:
    """The name's address at a block. Raises NotResolved, or RpcError when the node fails."""
    node = namehash(name)
    resolver = _address(rpc, REGISTRY, selector("resolver(bytes32)") + node, block, name, "ENS has no resolver for it")
    return _address(rpc, resolver, selector("addr(bytes32)") + node, block, name, "its resolver gives no address")


def check_chain(rpc: Rpc) -> None:
    """Raises NotResolved where ENS does not live on the endpoint's chain."""
    chain_id = int(rpc.call("eth_chainId"), 16)
    if chain_id not in CHAINS and not rpc.get_code(REGISTRY):
        raise NotResolved("ENS", f"chain {chain_id} has no ENS; name a node of Ethereum's main chain with --rpc")


def _address(rpc: Rpc, to: bytes, data: bytes, block: BlockId, name: str, missing: str) -> bytes:
    """The address that a contract returns, if it is one: a whole word, not zero, nothing else behind it."""
    try:
        answer = rpc.eth_call(to, data, block)
    except CallReverted as reverted:
        off_chain = reverted.data[:4] == selector("OffchainLookup(address,string[],bytes,bytes4,bytes)")
        problem = "it is resolved off chain, which nothing on chain vouches for" if off_chain else missing
        raise NotResolved(name, problem) from None
    if len(answer) != 32 or any(answer[:12]) or not any(answer):
        raise NotResolved(name, missing)
    return answer[12:]


def note(rpc: Rpc, name: str, address: bytes) -> str:
    """What was found, for people to compare before they vote."""
    try:
        contract = ", a contract: on another chain this address may be somebody else's" if rpc.get_code(address) else ""
    except RpcError:
        contract = ""
    return f"{name} is {checksum(address)}{contract}"
