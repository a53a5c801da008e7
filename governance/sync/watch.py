# SPDX-License-Identifier: Apache-2.0
"""Seeing new blocks soon and cheaply: between two wake-ups a worker asks each chain for its head's number alone.

A chain is read when its head moved, and every few seconds in any case (a block may be replaced at the same height).
After a block the next one is waited for, as long as blocks took until now, before the node is asked again.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

POLL_S = 0.25  # how often a head that is due is asked for
SWEEP_S = 3.0  # how long a chain goes unread at most
_DUE = 0.7  # of the time that blocks took, nothing is asked
_LONGEST_WAIT_S = 6.0
_FAILED_S = 1.0  # before a node that did not answer is asked again, or one whose chain stands still
_OVERDUE = 4  # times as long as blocks took, and the chain stands still
_WEIGHT = 0.3  # of the newest block's time in the average


@dataclass
class _Chain:
    head: int | None = None
    moved_at: float | None = None
    block_s: float | None = None  # how long blocks took, on average
    ask_at: float = 0.0
    read_at: float = 0.0

    def saw(self, head: int | None, now: float) -> bool:
        """Note what the node says; whether the head moved since it was asked last."""
        known = self.moved_at is not None and self.block_s is not None
        overdue = known and now - self.moved_at > _OVERDUE * self.block_s  # type: ignore[operator]
        self.ask_at = now + (_FAILED_S if head is None or overdue else POLL_S)
        if head is None or head == self.head:
            return False
        if self.head is not None and self.moved_at is not None and head > self.head:
            took = (now - self.moved_at) / (head - self.head)
            # Several at once: they come faster than was thought, and each further mistake would keep people waiting.
            hasty = self.block_s is None or (head > self.head + 1 and took < self.block_s)
            self.block_s = took if hasty else self.block_s + _WEIGHT * (took - self.block_s)  # type: ignore[operator]
        if self.head is not None:  # else nobody knows when this block came, nor when the next one will
            self.moved_at = now
            if self.block_s is not None:
                self.ask_at = now + max(POLL_S, min(_DUE * self.block_s, _LONGEST_WAIT_S))
        self.head = head
        return True


def follow(
    chains: Callable[[], Iterable[int]],
    head_of: Callable[[int], int | None],
    read: Callable[[int], None],
    for_s: float,
    block_s: Callable[[int], float | None] = lambda _chain_id: None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Read the chains once, then whenever their heads move, until `for_s` seconds are over; 0 reads once.

    `head_of` answers None where the node could not be asked; `block_s` says how long blocks took before this; `read`
    raises nothing that one chain alone brings about.
    """
    begun = clock()
    known: dict[int, _Chain] = {}
    listed_at = None
    while True:
        now = clock()
        if listed_at is None or now - listed_at >= SWEEP_S:
            known = {
                chain_id: known.get(chain_id) or _Chain(block_s=block_s(chain_id) if for_s > 0 else None)
                for chain_id in chains()
            }
            listed_at = now
        for chain_id, chain in known.items():
            swept = listed_at == now and now - chain.read_at >= SWEEP_S
            # Asked before it is read: a block that comes in between is seen the next time.
            moved = for_s > 0 and clock() >= chain.ask_at and chain.saw(head_of(chain_id), clock())
            if moved or swept or not chain.read_at:
                read(chain_id)
                chain.read_at = clock()
        left = begun + for_s - clock()
        if left <= 0:
            return
        due = min((chain.ask_at for chain in known.values()), default=now + SWEEP_S)
        sleep(max(0.01, min(due - clock(), listed_at + SWEEP_S - clock(), left)))
