# SPDX-License-Identifier: Apache-2.0
"""One transaction per step: logs, scanned ranges, cursor, projections and outbox stand or fall together."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from governance import bulk, outbox, unconfirmed
from governance.chain.rpc import Header, Log
from governance.models import (
    MANY_TOPICS,
    AskedPower,
    Block,
    ChainAnswer,
    ChainReading,
    Contract,
    Cursor,
    Dao,
    OnchainCheck,
    RawLog,
    ScannedRange,
)
from governance.probing import note_late, rules_logs
from governance.projections.batch import Batch, Source
from governance.projections.fold import Projector
from governance.sync import witness
from governance.sync.fence import Superseded, Writer
from governance.sync.reorg import drop_orphans, fold_again

_COLUMNS = (
    "id", "dao_id", "block_number", "block_hash", "block_timestamp_chain_s", "transaction_hash", "transaction_index",
    "log_index", "address", "topic0", "topic1", "topic2", "topic3", "data",
)  # fmt: skip
# A row of these in binary COPY: the number of fields, then each field's length and bytes (-1 for NULL). By the number
# of topics; the data's bytes follow.
_PACKED = [
    Struct(">h" + "iq" * 3 + "i32s" + "iq" + "i32s" + "ii" * 2 + "i20s" + "i32s" * topics + "i" * (4 - topics) + "i")
    for topics in range(5)
]
_NULLS = [(-1,) * (4 - topics) for topics in range(5)]
_KEPT_HEADERS = 1024  # final ones without logs, to tell a deep reorg from a node that serves nonsense
_PRUNED_AT_ONCE = 4096


@dataclass(frozen=True)
class Prepared:
    """Logs that are not stored yet, with their ids: packed for COPY, and read for the projections."""

    count: int
    packed: bytes
    batch: Batch


class Ids:
    """Ids of logs, taken from the database before it is known for how many: so a range can be prepared while the last
    one is stored. They ascend; what is left over in the end is nobody's."""

    def __init__(self) -> None:
        self._left: list[int] = []

    def reserve(self, count: int) -> None:
        """Have at least so many. Not to be called while another thread may `take` some."""
        if len(self._left) < count:
            self._left += bulk.next_ids("governance_rawlog", count - len(self._left))

    def take(self, count: int) -> list[int] | None:
        """The next ones; None where there are not so many. Asks no database."""
        if count > len(self._left):
            return None
        taken, self._left = self._left[:count], self._left[count:]
        return taken


def prepare(
    source: Source, logs: Sequence[Log], times: Sequence[int], ids: Sequence[int], headers: Iterable[Header] = ()
) -> Prepared:
    """All that can be done for logs (in chain order, with their blocks' times) before the database is needed. `headers`
    are those of them that were read."""
    packed = b"".join(_packed(source.dao_pk, zip(ids, times, logs, strict=True)))
    l1_blocks = {header.hash: header.l1_block for header in headers if header.l1_block is not None}
    return Prepared(len(logs), packed, Batch(source, l1_blocks=l1_blocks).read(zip(ids, times, logs, strict=True)))


def new_logs(dao: Dao, logs: Sequence[Log]) -> list[Log]:
    """Those of these logs (in chain order) that are not stored.

    To be called by the DAO's writer: where another one has come and added some, the fence lets nothing be written.
    """
    if not logs:
        return []
    stored = RawLog.objects.filter(dao=dao, block_number__range=(logs[0].block_number, logs[-1].block_number))
    known = set(stored.values_list("block_hash", "transaction_index", "log_index"))
    unknown = [log for log in logs if witness.place(log) not in known]
    if not known or not unknown:
        return unknown
    # A node that numbers logs otherwise than the last one would bring all of them once more.
    transactions = {log.transaction_hash for log in unknown}
    rows = stored.filter(transaction_hash__in=transactions)
    numbered = witness.numbered_as(rows, [log for log in logs if log.transaction_hash in transactions])
    return sorted([log for log in numbered if witness.place(log) not in known], key=witness.IN_CHAIN_ORDER)


def insert_logs(new: Prepared) -> None:
    """Store logs. By the DAO's writer, in its transaction."""
    if new.count:
        bulk.copy_binary("governance_rawlog", _COLUMNS, [new.packed])


def _packed(dao_pk: int, rows: Iterable[tuple[int, int, Log]]) -> Iterator[bytes]:
    of_two, null, null_too = _PACKED[2].pack, *_NULLS[2]
    for pk, time_s, (address, topics, data, number, block_hash, transaction, position, index, _) in rows:
        if len(topics) == 2:  # votes, of which there are most
            yield of_two(
                14, 8, pk, 8, dao_pk, 8, number, 32, block_hash, 8, time_s, 32, transaction, 4, position, 4, index,
                20, address, 32, topics[0], 32, topics[1], null, null_too, len(data),
            )  # fmt: skip
            yield data
            continue
        words: list[int | bytes] = []
        for topic in topics:
            words += (32, topic)
        yield _PACKED[len(topics)].pack(
            14, 8, pk, 8, dao_pk, 8, number, 32, block_hash, 8, time_s, 32, transaction, 4, position, 4, index,
            20, address, *words, *_NULLS[len(topics)], len(data),
        )  # fmt: skip
        yield data


def stored_heights(dao: Dao, first_block: int, last_block: int) -> set[int]:
    """Heights of logs, and of what was asked of the chain, that are there already, where blocks are read again."""
    within = {"dao": dao, "block_number__range": (first_block, last_block)}
    answers = ChainAnswer.objects.filter(kind=ChainAnswer.Kind.QUORUM, block_hash__isnull=False, **within)
    logs, *asked = (
        rows.order_by().values_list("block_number", flat=True)
        for rows in (
            RawLog.objects.filter(**within),
            ChainReading.objects.filter(**within),
            OnchainCheck.objects.filter(**within),
            AskedPower.objects.filter(**within),
            answers,
        )
    )
    return set(logs.union(*asked))  # in one question, for each range of a past asks it


def extend_ranges(contracts: Iterable[Contract], first_block: int, last_block: int) -> None:
    """Note that these blocks of the contracts were read completely; ranges that touch become one."""
    begun = [contract for contract in contracts if contract.start_block <= last_block]
    touching: dict[int, list[ScannedRange]] = {contract.pk: [] for contract in begun}
    for found in ScannedRange.objects.filter(
        contract__in=begun, first_block__lte=last_block + 1, last_block__gte=first_block - 1
    ):
        touching[found.contract_id].append(found)
    longer = []  # nearly all: the blocks follow the last ones that were read
    for contract in begun:
        ranges = touching[contract.pk]
        first = min([max(first_block, contract.start_block), *(r.first_block for r in ranges)])
        last = max([last_block, *(r.last_block for r in ranges)])
        if len(ranges) == 1 and (first, last) == (ranges[0].first_block, last_block):
            longer.append(ranges[0].pk)
        else:
            ScannedRange.objects.filter(pk__in=[r.pk for r in ranges]).delete()
            ScannedRange.objects.create(contract=contract, first_block=first, last_block=last)
    ScannedRange.objects.filter(pk__in=longer).update(last_block=last_block)


def store_step(
    writer: Writer,
    contracts: Sequence[Contract],
    new: Prepared,
    answers: Sequence[ChainAnswer],
    headers: Sequence[Header],
    first_block: int,
    head: Header,
    *,
    checked: Sequence[Header],
    finalized_block: int,
    node_head_block: int,
    span_blocks: int,
    doubts: unconfirmed.Doubts | None = None,
    unseen: Collection[bytes] = (),
) -> int:
    """Write what was read of the blocks first_block..head.number. `new` are those of their logs that are not stored:
    returns how many. `checked` are headers of heights whose logs may be another block's (see `drop_orphans`); `doubts`
    is what one node alone shows; `unseen` are blocks (by hash) of which another node is to be asked yet.

    Raises:
        Superseded: another worker has moved on; nothing is written.
    """
    with writer.transaction() as cursor:
        if cursor.next_block != first_block:
            raise Superseded(f"the cursor is at {cursor.next_block}, not at {first_block}")
        if head.number <= finalized_block:
            # A power cut may take the last of these transactions back, whole and with their cursor: they are read
            # again. Whoever acts on the outbox commits after them, and no commit lasts without those before it.
            with connection.cursor() as sql:
                sql.execute("SET LOCAL synchronous_commit = off")
        bulk.copy_lines(
            "governance_block",
            ("dao_id", "number", "hash", "parent_hash", "timestamp_chain_s", "finalized", "l1_block"),
            [
                f"{writer.dao.pk}\t{h.number}\t\\\\x{h.hash.hex()}\t\\\\x{h.parent_hash.hex()}\t{h.timestamp_chain_s}\t"
                f"{'t' if h.number <= finalized_block else 'f'}\t{bulk.NULL if h.l1_block is None else h.l1_block}"
                for h in headers
            ],
        )
        undone = drop_orphans(writer.dao, cursor, checked)
        out_of_order = (
            _changes_with_order(new) and RawLog.objects.filter(dao=writer.dao, block_number__gte=first_block).exists()
        )
        # Where blocks are read again, a change of rules may come to light that stands below what was asked since.
        asked_block = -1 if cursor.rules_block is None else min(cursor.rules_block, head.number)
        known = rules_logs(writer.dao, first_block, asked_block) if first_block <= asked_block else set()
        last_log = RawLog.objects.filter(dao=writer.dao).aggregate(newest=Max("pk"))["newest"] or 0 if unseen else 0
        insert_logs(new)
        if first_block <= asked_block and (late := rules_logs(writer.dao, first_block, asked_block) - known):
            note_late(writer.dao, cursor, late)
        extend_ranges(contracts, first_block, head.number)
        # A transaction that is read again may stand in another block now, with which its answer is to fall.
        ChainAnswer.objects.bulk_create(
            answers,
            update_conflicts=True,
            unique_fields=["dao", "kind", "key"],
            update_fields=["value", "block_number"],
        )
        cursor.next_block = head.number + 1
        cursor.head_hash = head.hash
        cursor.head_timestamp_chain_s = head.timestamp_chain_s
        cursor.head_l1_block = head.l1_block
        cursor.node_head_block = node_head_block
        cursor.span_blocks = span_blocks
        cursor.synced_at = timezone.now()
        cursor.save()
        projector = Projector(writer.dao)
        projector.write(new.batch)
        told = unconfirmed.hold_back(
            writer.dao,
            doubts or {},
            first_block,
            head.number,
            projector.news_by_place,
            unseen=unseen,
            known_below=last_log,
        )
        outbox.publish_many(writer.dao, [*undone, *told])
        if out_of_order:
            # Blocks are read again, and these logs stand below others that are folded already: a contract was added, or
            # a node had left them out.
            outbox.publish_many(writer.dao, fold_again(writer.dao, first_block))
    return new.count


def _changes_with_order(new: Prepared) -> bool:
    """Whether there are others among the logs than those that bring a row of their own, whatever stands beside them."""
    return any(log.log.topics[0] not in MANY_TOPICS for _, log, _ in new.batch.later)


def note_contact(writer: Writer, node_head_block: int, finalized_block: int, *, keep_headers: bool) -> None:
    """Note that the node was heard, and which of the blocks that were read are final now.

    Headers far below without logs are dropped, unless all are to be kept (the local chain may be wound back to
    anywhere).
    """
    with writer.transaction() as cursor:
        Cursor.objects.filter(pk=cursor.pk).update(node_head_block=node_head_block, synced_at=timezone.now())
        Block.objects.filter(dao=writer.dao, finalized=False, number__lte=finalized_block).update(finalized=True)
        if not keep_headers:
            last = finalized_block - _KEPT_HEADERS - 1
            with connection.cursor() as sql:
                sql.execute(
                    """DELETE FROM governance_block b WHERE dao_id = %s AND number BETWEEN %s AND %s AND finalized
                       AND NOT EXISTS (SELECT FROM governance_rawlog l
                                       WHERE l.dao_id = b.dao_id AND l.block_number = b.number)""",
                    [writer.dao.pk, last - _PRUNED_AT_ONCE, last],
                )
