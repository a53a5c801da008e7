# SPDX-License-Identifier: Apache-2.0
"""Reading a DAO's past while somebody watches: how far it is, how fast, and how long it will take."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from governance.chain.rpc import Rpc, RpcError, WrongChain
from governance.models import Cursor, Dao
from governance.sync import GenesisChanged, Status, sync_once

_BAR = 24
_LOOK_S = 1.0
_OTHERS_S = 1.0
_MOST_FAILURES = 6  # of the node in a row; with the waits between them half a minute
_LONGEST_WAIT_S = 8.0


@dataclass(frozen=True)
class Progress:
    """Where a reading stands. Blocks are numbers of blocks, `events` logs stored since it began."""

    status: Status
    read_blocks: int
    all_blocks: int
    events: int
    elapsed_s: float
    problem: str = ""  # the node failed, and is asked again

    @property
    def events_per_s(self) -> float:
        return self.events / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def left_s(self) -> float | None:
        """As long as the rest will take at the speed so far; None before anything was read."""
        if not self.read_blocks:
            return None
        return self.elapsed_s * (self.all_blocks - self.read_blocks) / self.read_blocks

    def __str__(self) -> str:
        share = self.read_blocks / self.all_blocks if self.all_blocks else 1.0
        bar = "#" * int(share * _BAR)
        if self.problem:
            speed = f"asked again in a moment: {self.problem}"
        elif self.status is Status.BUSY:
            speed = "another worker is reading"
        else:
            speed = f"{self.events:,} events, {self.events_per_s:,.0f}/s"
        return (
            f"[{bar:<{_BAR}}] {share:4.0%}  {self.read_blocks:,} of {self.all_blocks:,} blocks  {speed}  "
            f"{_left(self.left_s)}"
        )


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "time left not known yet"
    whole = int(seconds + 0.5)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min left"
    return f"{whole // 60} min {whole % 60:02} s left" if whole >= 60 else f"{whole} s left"


def read(
    dao: Dao, rpc: Rpc, *, look_s: float = _LOOK_S, wait: Callable[[float], None] = time.sleep
) -> Iterator[Progress]:
    """Read the DAO's chain up to its head, telling about every `look_s` seconds how far it is. The last one's status
    says how it ended: CAUGHT_UP, or NODE_BEHIND or STOPPED, where reading does not go on. What another worker reads
    meanwhile counts too. A node that fails is asked again a few times: hours of reading end at no hiccup.

    Raises:
        RpcError: the node kept failing, or serves another chain; what was read before is stored.
    """
    first = Cursor.objects.get(dao=dao).next_block
    began, events, failures = time.monotonic(), 0, 0
    while True:
        try:
            result = sync_once(dao, rpc, budget_s=look_s)
        except RpcError as error:
            failures += 1
            if failures > _MOST_FAILURES or isinstance(error, WrongChain | GenesisChanged):
                raise
            cursor = Cursor.objects.get(dao=dao)
            head = max(cursor.node_head_block, cursor.next_block - 1)
            yield Progress(
                Status.BEHIND, cursor.next_block - first, head + 1 - first, events, time.monotonic() - began, str(error)
            )
            wait(min(2.0 ** (failures - 1), _LONGEST_WAIT_S))
            continue
        failures = 0
        events += result.logs
        cursor = Cursor.objects.get(dao=dao)
        head = max(cursor.node_head_block, result.node_head_block, cursor.next_block - 1)
        status = result.status
        yield Progress(status, cursor.next_block - first, head + 1 - first, events, time.monotonic() - began)
        if status is Status.BUSY:
            if cursor.synced_at is not None and cursor.next_block > head:
                return  # the worker that reads it is at the head: it follows from here on
            wait(_OTHERS_S)
        elif status is not Status.BEHIND:
            return
