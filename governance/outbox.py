# SPDX-License-Identifier: Apache-2.0
"""What happened, for the layers above: rows written in the projection's own transaction, read by cursor.

Ids become visible in ascending order (writers take turns for the short rest of their transaction), so a reader that
keeps the last id it handled misses nothing. What a reorg undoes appends `<topic>.undone` with the same key.
"""

from collections.abc import Iterable

from governance.locks import LockClass, transaction_lock
from governance.models import Dao, OutboxEntry


def publish(dao: Dao, topic: str, key: str, block_number: int) -> None:
    """Append one entry. Must be called inside the transaction that writes what it tells."""
    publish_many(dao, [(topic, key, block_number)])


def publish_many(dao: Dao, entries: Iterable[tuple[str, str, int]]) -> None:
    """Append entries of (topic, key, block number), in order. As late in the transaction as can be: others wait."""
    rows = [OutboxEntry(dao=dao, topic=topic, key=key, block_number=block) for topic, key, block in entries]
    if not rows:
        return
    transaction_lock(LockClass.OUTBOX)
    OutboxEntry.objects.bulk_create(rows)


def read(topic_prefix: str = "", after_id: int = 0, limit: int = 200) -> list[OutboxEntry]:
    """Entries after `after_id`, oldest first. The reader stores the last id it handled, in its own transaction."""
    entries = OutboxEntry.objects.filter(id__gt=after_id, topic__startswith=topic_prefix)
    return list(entries.select_related("dao").order_by("id")[:limit])
