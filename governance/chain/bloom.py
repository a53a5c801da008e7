# SPDX-License-Identifier: Apache-2.0
"""The logs bloom of a block's header (Ethereum Yellow Paper, section 4.3.1): which logs a block can not have.

A bloom has 2,048 bits; an address or a topic sets three of them, taken from its hash. Where one of the three is not
set, the block has no such log: that is certain, as far as the header is. Where all three are set it may have one. Busy
blocks have most bits set, so "may" says little there, and a second source has to say.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from policies.notation.primitives import keccak

BYTES = 256


@lru_cache(maxsize=8192)
def bits(item: bytes) -> int:
    """The three bits that an address or a topic sets, as a number."""
    digest = keccak(item)
    found = 0
    for place in (0, 2, 4):
        found |= 1 << (int.from_bytes(digest[place : place + 2], "big") & 2047)
    return found


def of_items(items: Iterable[bytes]) -> bytes:
    """The bloom of addresses and topics."""
    found = 0
    for item in items:
        found |= bits(item)
    return found.to_bytes(BYTES, "big")


def of_logs(logs: Iterable[tuple[bytes, Sequence[bytes]]]) -> bytes:
    """The bloom of a block with these logs, each an address and its topics."""
    return of_items(item for address, topics in logs for item in (address, *topics))


def may_have(bloom: bytes, item: bytes) -> bool:
    """Whether a block with this bloom can have a log with the address or topic."""
    wanted = bits(item)
    return int.from_bytes(bloom, "big") & wanted == wanted


def may_match(bloom: bytes, addresses: Sequence[bytes], topics: Sequence[Sequence[bytes] | None] = ()) -> bool:
    """Whether a block with this bloom can have a log that the filter finds: one of the addresses (none: any) and, in
    each place, one of the topics (None: any)."""
    if addresses and not any(may_have(bloom, address) for address in addresses):
        return False
    return all(place is None or any(may_have(bloom, topic) for topic in place) for place in topics)
