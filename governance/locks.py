# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's advisory locks: each class of them has its number here, so that no two can be taken for one another.

A lock is named by its class and a key. A session lock lasts as long as its block, at most as long as the database
session: a killed worker's lock is free at once. A worker whose session ends loses the lock without noticing, so what it
writes must be harmless then (the sync checks a fence, work has leases, the executor a journal).
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, unique

from django.db import connection, transaction
from django.db.utils import InterfaceError, OperationalError


@unique
class LockClass(IntEnum):
    """What a lock is about, and what its key is. Two versions that run side by side must agree on the numbers."""

    SYNC = 0x73796E63  # "sync"; the key is the DAO's id: one reader of its chain
    EXECUTOR = 0x6167656E  # "agen"; the DAO's id: one executor of its agent's acts
    WORK = 0x776F726B  # "work"; a task's name: one process inside `work.alone`
    OUTBOX = 0x6F757462  # "outb"; no key: ids are given out in turn
    NONCE = 0x6E6F6E63  # "nonc"; chain and sender: one taker of nonces
    RELAYED_VOTES = 0x766F7465  # "vote"; no key: votes are counted against the limits one after the other
    AUDIT_LOG = 0x61756474  # "audt"; no key: entries are chained one after the other (by a trigger, as it commits)


def key_of(name: str) -> int:
    """Return the key for a name. Two names may have the same one: then they wait for each other, and no harm is
    done."""
    return zlib.crc32(name.encode()) - 2**31


@contextmanager
def session_lock(lock: LockClass, key: int, *, wait: bool = False) -> Iterator[bool]:
    """Hold a lock for the block, and yield whether it is held: False where another session holds it. `wait` waits for
    that session instead. Where the database session ends within the block, the lock went with it."""
    function = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
    with connection.cursor() as sql:
        sql.execute(f"SELECT {function}(%s, %s)", [int(lock), key])
        held = sql.fetchone()[0] is not False  # the one that waits answers with nothing
    try:
        yield held
    finally:
        if held:
            try:
                with connection.cursor() as sql:
                    sql.execute("SELECT pg_advisory_unlock(%s, %s)", [int(lock), key])
            except (OperationalError, InterfaceError):
                connection.close()  # the session is gone, and the lock with it


def transaction_lock(lock: LockClass, key: int = 0) -> None:
    """Take a lock, waiting for it, until the transaction ends. Raises TransactionManagementError outside of one, where
    it would be free again at once."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(f"{lock.name} is locked for a transaction, and there is none")
    with connection.cursor() as sql:
        sql.execute("SELECT pg_advisory_xact_lock(%s, %s)", [int(lock), key])
