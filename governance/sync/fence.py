# SPDX-License-Identifier: Apache-2.0
"""One writer per DAO: an advisory lock keeps a second worker away, a fence number makes a superseded one harmless.

The lock belongs to the database session. A worker that loses its session loses the lock without noticing, and another
begins; so each write transaction first checks, and holds, the cursor row with the fence it was given.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F

from governance.locks import LockClass, session_lock
from governance.models import Cursor, Dao


class Superseded(Exception):
    """Another worker has begun to read this DAO: nothing of ours was written, and nothing more may be."""


class Writer:
    """The right to write what was read for a DAO, while its fence is the newest."""

    def __init__(self, dao: Dao, fence: int):
        self.dao, self.fence = dao, fence

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A transaction that holds the DAO's cursor row. Raises Superseded where the fence moved on."""
        with transaction.atomic():
            cursor = Cursor.objects.select_for_update().filter(dao=self.dao, fence=self.fence).first()
            if cursor is None:
                raise Superseded(f"the mirror of {self.dao} is written by another worker now")
            yield cursor


@contextmanager
def hold(dao: Dao, *, wait: bool = False) -> Iterator[Writer | None]:
    """Become the DAO's writer for the block; None where another worker is it. `wait` waits for that one to end."""
    with session_lock(LockClass.SYNC, dao.pk, wait=wait) as held:
        if not held:
            yield None
            return
        Cursor.objects.filter(dao=dao).update(fence=F("fence") + 1)
        yield Writer(dao, Cursor.objects.values_list("fence", flat=True).get(dao=dao))
