# SPDX-License-Identifier: Apache-2.0
"""A raw log on its way through the sync, light: reading a busy DAO's past makes millions of them."""

from typing import NamedTuple

from governance.chain.rpc import Log
from governance.models import RawLog


class LogRow(NamedTuple):
    """A log with what the database adds: its id, and its block's time (Unix seconds by the chain's clock)."""

    pk: int
    block_timestamp_chain_s: int
    log: Log

    @property
    def block_number(self) -> int:
        """The height of the log's block."""
        return self.log.block_number

    @property
    def place(self) -> tuple[int, int, int]:
        """Where in the chain it stands: its block's height, its transaction's index there, and its own index."""
        return self.log.block_number, self.log.transaction_index, self.log.log_index


def row_of(stored: RawLog) -> LogRow:
    """A stored log, as it was when it was read."""
    return LogRow(
        stored.pk,
        stored.block_timestamp_chain_s,
        Log(
            stored.address, stored.topics, bytes(stored.data), stored.block_number, stored.block_hash,
            stored.transaction_hash, stored.transaction_index, stored.log_index, None,
        ),
    )  # fmt: skip
