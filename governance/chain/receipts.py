# SPDX-License-Identifier: Apache-2.0
"""The receipts root of a block's header (Ethereum Yellow Paper, section 4.3; EIP-2718 for typed ones): which logs a
block has.

It is the root of a trie that maps a receipt's place in the block to the receipt, so receipts that give it are the
block's own, all of them. Where a chain encodes receipts in a way of its own, or computes no such root, they give
another one: that says nothing about the node that showed them.
"""

from collections.abc import Sequence

import rlp
from trie import HexaryTrie

from governance.chain import bloom
from governance.chain.rpc import Receipt


def root(receipts: Sequence[Receipt]) -> bytes | None:
    """Return the 32-byte root of a block's receipts, in the block's order; None where one lacks what its encoding
    needs."""
    trie = HexaryTrie({}, prune=True)
    for place, receipt in enumerate(receipts):
        if (raw := _encoded(receipt)) is None:
            return None
        trie[rlp.encode(place)] = raw
    return bytes(trie.root_hash)


def _encoded(receipt: Receipt) -> bytes | None:
    if receipt.cumulative_gas is None or receipt.kind is None or receipt.kind > 0x7F:
        return None
    logs = [[log.address, list(log.topics), log.data] for log in receipt.logs]
    seen = bloom.of_logs((log.address, log.topics) for log in receipt.logs)
    body: bytes = rlp.encode([b"\x01" if receipt.succeeded else b"", receipt.cumulative_gas, seen, logs])
    return bytes([receipt.kind]) + body if receipt.kind else body
