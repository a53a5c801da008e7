# SPDX-License-Identifier: Apache-2.0
"""One transaction per step: logs, scanned ranges, cursor, projections and outbox stand or fall together."""

from collections.abc import Sequence

import psycopg
from django.db import connection
from django.utils import timezone

from governance import outbox
from governance.chain.rpc import Header
from governance.models import Block, ChainAnswer, Contract, Cursor, Dao, RawLog, ScannedRange
from governance.projections.fold import Projector
from governance.sync.fence import Superseded, Writer
from governance.sync.reorg import drop_orphans

_COLUMNS = {
    "dao_id": "bigint",
    "block_number": "bigint",
    "block_hash": "bytea",
    "block_timestamp_chain_s": "bigint",
    "transaction_hash": "bytea",
    "transaction_index": "bigint",
    "log_index": "bigint",
    "address": "bytea",
    "topic0": "bytea",
    "topic1": "bytea",
    "topic2": "bytea",
    "topic3": "bytea",
    "data": "bytea",
}
_CHUNK = 5000
_KEPT_HEADERS = 1024  # final ones, to tell a deep reorg from a node that serves nonsense


def insert_logs(rows: Sequence[RawLog]) -> list[RawLog]:
    """Store logs, each once; those that were new, with their ids, in chain order. Ids ascend with the chain."""
    names = ", ".join(_COLUMNS)
    arrays = ", ".join(f"%s::{kind}[]" for kind in _COLUMNS.values())
    statement = (
        f"INSERT INTO governance_rawlog ({names}) SELECT * FROM unnest({arrays}) AS new ({names}) "  # noqa: S608
        "ORDER BY block_number, log_index ON CONFLICT (dao_id, block_hash, log_index) DO NOTHING "
        "RETURNING id, block_hash, log_index"
    )
    new: list[RawLog] = []
    connection.ensure_connection()
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        by_place = {(row.block_hash, row.log_index): row for row in part}
        # A server-side cursor of psycopg's own: arrays of bytes travel in binary.
        with psycopg.Cursor(connection.connection) as sql:
            sql.execute(statement, [[getattr(row, name) for row in part] for name in _COLUMNS])
            for pk, block_hash, log_index in sql.fetchall():
                row = by_place[(bytes(block_hash), log_index)]
                row.pk = pk
                new.append(row)
    return sorted(new, key=lambda row: (row.block_number, row.log_index))


def stored_heights(dao: Dao, first_block: int, last_block: int) -> set[int]:
    """Heights of logs that are there already, where blocks are read again."""
    stored = RawLog.objects.filter(dao=dao, block_number__range=(first_block, last_block))
    return set(stored.values_list("block_number", flat=True))


def extend_range(contract: Contract, first_block: int, last_block: int) -> None:
    """Note that a contract's blocks were read completely; ranges that touch become one."""
    touching = ScannedRange.objects.filter(
        contract=contract, first_block__lte=last_block + 1, last_block__gte=first_block - 1
    )
    found = list(touching)
    first = min([first_block, *(r.first_block for r in found)])
    last = max([last_block, *(r.last_block for r in found)])
    if len(found) == 1:
        touching.update(first_block=first, last_block=last)
    else:
        touching.delete()
        ScannedRange.objects.create(contract=contract, first_block=first, last_block=last)


def store_step(
    writer: Writer,
    contracts: Sequence[Contract],
    rows: Sequence[RawLog],
    answers: Sequence[ChainAnswer],
    headers: Sequence[Header],
    first_block: int,
    head: Header,
    *,
    checked: Sequence[Header],
    finalized_block: int,
    node_head_block: int,
    span_blocks: int,
) -> int:
    """Write what was read of the blocks first_block..head.number. Returns how many logs were new. `checked` are headers
    of heights whose logs may be another block's (see `drop_orphans`).

    Raises:
        Superseded: another worker has moved on; nothing is written.
    """
    with writer.transaction() as cursor:
        if cursor.next_block != first_block:
            raise Superseded(f"the cursor stands at {cursor.next_block}, not at {first_block}")
        Block.objects.bulk_create(
            Block(
                dao=writer.dao, number=h.number, hash=h.hash, parent_hash=h.parent_hash,
                timestamp_chain_s=h.timestamp_chain_s, finalized=h.number <= finalized_block,
            )
            for h in headers
        )  # fmt: skip
        undone = drop_orphans(writer.dao, checked)
        new = insert_logs(rows)
        for contract in contracts:
            if contract.start_block <= head.number:
                extend_range(contract, max(first_block, contract.start_block), head.number)
        ChainAnswer.objects.bulk_create(answers, ignore_conflicts=True)
        cursor.next_block = head.number + 1
        cursor.head_hash = head.hash
        cursor.head_timestamp_chain_s = head.timestamp_chain_s
        cursor.node_head_block = node_head_block
        cursor.span_blocks = span_blocks
        cursor.synced_at = timezone.now()
        cursor.save()
        projector = Projector(writer.dao)
        projector.apply(new)
        outbox.publish_many(writer.dao, [*undone, *projector.news])
    return len(new)


def note_contact(writer: Writer, node_head_block: int, finalized_block: int, *, keep_headers: bool) -> None:
    """Note that the node was heard, and which of the blocks that were read are final now.

    Headers far below are dropped, unless all are to be kept (the local chain may be wound back to anywhere).
    """
    with writer.transaction() as cursor:
        Cursor.objects.filter(pk=cursor.pk).update(node_head_block=node_head_block, synced_at=timezone.now())
        Block.objects.filter(dao=writer.dao, finalized=False, number__lte=finalized_block).update(finalized=True)
        if not keep_headers:
            Block.objects.filter(dao=writer.dao, finalized=True, number__lt=finalized_block - _KEPT_HEADERS).delete()
