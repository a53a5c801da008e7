# SPDX-License-Identifier: Apache-2.0
"""A raw log on its way through the sync, light: reading a busy DAO's past makes millions of them."""

from dataclasses import dataclass

from governance.models import RawLog


@dataclass(slots=True)
class LogRow:
    """What `models.RawLog` holds, under the same names; `pk` is 0 until it is stored."""

    block_number: int
    block_hash: bytes
    block_timestamp_chain_s: int
    transaction_hash: bytes
    transaction_index: int
    log_index: int
    address: bytes
    topic0: bytes | None
    topic1: bytes | None
    topic2: bytes | None
    topic3: bytes | None
    data: bytes
    pk: int = 0


AnyLog = LogRow | RawLog
