# SPDX-License-Identifier: Apache-2.0
"""Does a token's code name the event by which the mirror reads voting power? Asked before any log is read.

A contract that emits an event holds the event's hash in its code, whole: compilers push it, or copy it from there.
"""

from governance.chain.rpc import BlockId, Rpc, RpcError
from governance.models import Contract
from governance.projections import events

IMPLEMENTATION = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC  # EIP-1967
BEACON = 0xA3F0AD74E5423AEBFD80D3EF4346578335A9A72AEAEE59FF6CB3582B35133D50  # EIP-1967
_CLONE_BEGINS, _CLONE_ENDS = bytes.fromhex("363d3d373d3d3d363d73"), bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
_BEACONS_WORD = bytes.fromhex("5c60da1b")  # implementation()
_POWER = "DelegateVotesChanged"


def names_power_event(rpc: Rpc, token: bytes, block: BlockId = "latest") -> bool:
    """Whether the token's code, or that behind it where it is a proxy or clone of a known kind, holds the hash of an
    event of changed power that is understood. False says that none was found, not that there is none: other proxies are
    not looked through.

    Raises:
        RpcError: the node failed.
    """
    topics = {found.topic0 for found in events.layouts(Contract.Kind.VOTES_TOKEN).values() if found.name == _POWER}
    codes = [rpc.get_code(token, block)]
    if (behind := _behind(rpc, token, codes[0], block)) is not None:
        codes.append(rpc.get_code(behind, block))
    return any(topic in code for topic in topics for code in codes)


def _behind(rpc: Rpc, token: bytes, code: bytes, block: BlockId) -> bytes | None:
    """The contract whose code a proxy runs; None where it is no proxy of a known kind."""
    if code.startswith(_CLONE_BEGINS) and code.endswith(_CLONE_ENDS):
        return code[len(_CLONE_BEGINS) : len(_CLONE_BEGINS) + 20]
    if any(word := rpc.storage(token, IMPLEMENTATION, block)):
        return word[12:]
    if any(word := rpc.storage(token, BEACON, block)):
        try:
            answer = rpc.eth_call(word[12:], _BEACONS_WORD, block)
        except RpcError:
            return None
        return answer[12:32] if len(answer) == 32 else None
    return None
