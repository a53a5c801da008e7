# SPDX-License-Identifier: Apache-2.0
"""Does a token's code name the event by which the mirror reads voting power? Asked before any log is read.

A contract that emits an event holds the event's hash in its code, whole: compilers push it, or copy it from there.
"""

from governance.chain import abi
from governance.chain.proxies import find_proxy
from governance.chain.rpc import BlockId, Rpc
from governance.models import Contract
from governance.projections import events

_POWER = "DelegateVotesChanged"
_DELEGATE = abi.selector("delegate(address)")  # which a diamond's facet for votes has


def names_power_event(rpc: Rpc, token: bytes, block: BlockId = "latest") -> bool:
    """Whether the token's code, or that behind it where it is a proxy of a known kind, holds the hash of an event of
    changed power that is understood. False says that none was found, not that there is none: other proxies are not
    looked through.

    Raises:
        RpcError: the node failed.
    """
    topics = {found.topic0 for found in events.layouts(Contract.Kind.VOTES_TOKEN).values() if found.name == _POWER}
    code = rpc.get_code(token, block)
    if any(topic in code for topic in topics):
        return True
    proxy = find_proxy(rpc, token, code, block, _DELEGATE)
    return proxy is not None and any(topic in rpc.get_code(proxy.behind, block) for topic in topics)
