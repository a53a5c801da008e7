# SPDX-License-Identifier: Apache-2.0
"""Do these nodes serve the chain that this site reads under their chain's id?

A chain's id says little: each test chain has 31337, and a copy of a real one has that one's. The first block tells
chains apart, and a final block that was read tells a copy apart that went its own way since.
"""

from collections.abc import Sequence

from django.conf import settings

from governance.chain.rpc import Answered, Rpc, RpcError
from governance.models import Block, Chain


class OtherChain(Exception):
    """A node serves another chain of the same id; the message says so, and what to do, in one line."""


def check(urls: Sequence[str], chain_id: int) -> str | None:
    """Compare the nodes at `urls` with what was read of the chain and with the nodes that the site reads it from.

    Return what is not known of it, as words; None where every first block that was there to compare is the same.

    Raises:
        OtherChain: one of them serves another chain.
        RpcError: none of them answered; what the last one did.
    """
    to_compare = [_kept_first_block(chain_id), *_first_blocks_of_the_sites_nodes(chain_id)]
    unknown, failures = None, []
    for url in urls:
        try:
            found = _compare(Rpc([url], chain_id), chain_id, to_compare)
        except RpcError as error:  # what can be asked of the others is asked of them
            failures.append(error)
            continue
        unknown = unknown or found
    if failures and len(failures) == len(urls):
        raise failures[-1]
    if failures and unknown is None:
        return f"one of the nodes was not compared with the chain that this site reads: {failures[-1]}"
    return unknown


def _compare(node: Rpc, chain_id: int, firsts: Sequence[bytes | None]) -> str | None:
    """Compare one node; return what is not known of it."""
    first = _hash_of(node, 0)
    if first is not None and any(known not in (None, first) for known in firsts):
        raise OtherChain(_words(chain_id))
    is_compared = _compare_final_block(node, chain_id)
    if first is None:
        return "the node shows no first block, so whether it serves the chain that this site reads is not known"
    if not is_compared:
        return (
            "the node shows none of the final blocks that this site read, so whether it serves a copy of the chain "
            "that went its own way is not known"
        )
    return None


def _words(chain_id: int) -> str:
    return (
        f"this node serves another chain than the one that this site reads as chain {chain_id}: their blocks differ. "
        "Use a node of that chain; take a DAO of the other chain into a site with a database and MANDATE_RPC_URLS of "
        "its own"
    )


def _is_local(chain_id: int) -> bool:
    """Whether it is the test chain of this machine, which may begin anew: what was read of it proves nothing."""
    return settings.LOCAL_CHAIN_ID is not None and chain_id == settings.LOCAL_CHAIN_ID


def _kept_first_block(chain_id: int) -> bytes | None:
    chain = None if _is_local(chain_id) else Chain.objects.filter(pk=chain_id).first()
    return bytes(chain.genesis_hash) if chain is not None and chain.genesis_hash is not None else None


def _first_blocks_of_the_sites_nodes(chain_id: int) -> list[bytes | None]:
    """What the nodes of MANDATE_RPC_URLS show, without those that don't answer now."""
    found = []
    for url in settings.RPC_URLS.get(chain_id, ()):
        try:
            found.append(_hash_of(Rpc([url], chain_id, attempts=1), 0))
        except RpcError:
            continue  # the site works on without it, and so does this
    return found


def _compare_final_block(node: Rpc, chain_id: int) -> bool:
    """Hold the newest final block that was read of the chain, and that the node has come to, against the node's; return
    False where there are such blocks and the node shows none to compare."""
    if _is_local(chain_id):
        return True
    read = Block.objects.filter(dao__chain_id=chain_id, finalized=True)
    final = read.filter(number__lte=node.head_number()).order_by("-number").first()
    if final is None:
        return not read.exists()
    shown = _hash_of(node, final.number)
    if shown is not None and shown != bytes(final.hash):
        raise OtherChain(_words(chain_id))
    return shown is not None


def _hash_of(node: Rpc, number: int) -> bytes | None:
    """The block's hash; None where the node has no such block, or none so old."""
    try:
        block = node.block(number)
    except Answered:
        return None
    return None if block is None else block.hash
