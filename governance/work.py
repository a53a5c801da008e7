# SPDX-License-Identifier: Apache-2.0
"""Due work as rows with leases: exactly one worker at a time does a row, and a killed one's row comes back by itself.

A layer registers what it can do and enqueues rows; its beat task calls `run_due`:

    @worker("governance.tidy")
    def tidy(key: str, arguments: dict) -> None: ...

    enqueue("governance.tidy", dao.slug, arguments={"days": 7})
    run_due("governance.")

A lease lasts `LEASE_S` and is renewed while the function runs, so a worker killed with -9 loses its row after at most
that long. The same row may thus be begun twice, never be lost: functions are written so that doing them again is
harmless. Messages only wake workers; what is due is said by the rows alone. Times are the database's clock.
"""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.db.utils import InterfaceError, OperationalError
from django.utils import timezone

from governance.locks import LockClass, key_of, session_lock
from governance.models import Work
from governance.sentences import Sentence
from governance.words import said, say

logger = logging.getLogger(__name__)

LEASE_S = 10
_RENEW_S = 3
_BACKOFF_FIRST_S = 1
_BACKOFF_MOST_S = 300

Function = Callable[[str, dict[str, Any]], None]
_workers: dict[str, Function] = {}


class Again(Exception):
    """Raised by a worker's function: not yet, look again at `due_at`. Counts as no failure.

    The reason is a `Sentence` where it is ours.
    """

    def __init__(self, due_at: datetime, reason: str):
        self.due_at, self.why = due_at, said(reason)
        super().__init__(reason)


class Abandon(Exception):
    """Raised by a worker's function: doing this again can't help. The row is closed and keeps the reason."""

    def __init__(self, reason: str):
        self.why = said(reason)
        super().__init__(reason)


def worker(name: str) -> Callable[[Function], Function]:
    """Register the function that does the rows called `name` (`<layer>.<what>`). It takes a row's key and arguments."""

    def register(function: Function) -> Function:
        known = _workers.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(f"two functions are registered for the work {name!r}")
        _workers[name] = function
        return function

    return register


def enqueue(
    name: str, key: str, due_at: datetime | None = None, arguments: dict[str, Any] | None = None, *, renew: bool = False
) -> bool:
    """Have `name` done for `key` once, at `due_at` (now where None). A row that exists already is left as it is.

    `renew` opens a row that was done once more (with the new arguments); one that is still open stays.
    Returns whether there is now a row that was not due to be done before.
    """
    due_at = due_at or timezone.now()
    _, created = Work.objects.get_or_create(
        name=name, key=key, defaults={"due_at": due_at, "arguments": arguments or {}}
    )
    if created or not renew:
        return created
    again = Work.objects.filter(name=name, key=key, done_at__isnull=False)
    return again.update(
        done_at=None, due_at=due_at, arguments=arguments or {}, attempts=0, lease=None, leased_until=None,
        last_error="", last_error_code={},
    ) == 1  # fmt: skip


def run_due(*names: str, limit: int = 20) -> int:
    """Do rows that are due, oldest first, until none is left or `limit` are done. Returns how many were begun.

    `names` are names, or prefixes ending in a dot; none of them means all that are registered in this process. Rows
    whose name nothing has registered here are left to a process that has.
    """
    mine = sorted(
        name
        for name in _workers
        if not names or any(name == wanted or (wanted.endswith(".") and name.startswith(wanted)) for wanted in names)
    )
    begun = 0
    while begun < limit and (row := _lease(mine)) is not None:
        begun += 1
        _perform(row)
    return begun


def run_one(name: str, key: str) -> bool:
    """Do this row, where it is due and nobody else does it. Returns whether it was begun."""
    row = _lease([name], key)
    if row is not None:
        _perform(row)
    return row is not None


def due(*names: str) -> QuerySet[Work]:
    """Return the rows with these names that are due and that nobody does."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=Now())
    return Work.objects.filter(free, name__in=names, done_at__isnull=True, due_at__lte=Now())


def _lease(names: list[str], key: str | None = None) -> Work | None:
    with transaction.atomic():
        found = due(*names)
        if key is not None:
            found = found.filter(key=key)
        row = found.select_for_update(skip_locked=True).order_by("due_at", "id").first()
        if row is None:
            return None
        row.lease = uuid.uuid4()
        change: dict[str, Any] = {"leased_until": Now() + timedelta(seconds=LEASE_S), "attempts": F("attempts") + 1}
        if row.attempts:
            # Said now: a row that kills its worker gets no word in afterwards, and would kill the next one at once.
            change["due_at"] = Now() + timedelta(seconds=_wait_s(row.attempts))
        row.attempts += 1
        Work.objects.filter(pk=row.pk).update(lease=row.lease, **change)
        return row


def _wait_s(attempts: int) -> int:
    """How long a row waits that was begun so often and did not end well."""
    return min(_BACKOFF_FIRST_S * 2 ** min(attempts - 1, 20), _BACKOFF_MOST_S)


def _columns(why: Sentence) -> dict[str, Any]:
    text, code = why.storable(300)
    return {"last_error": text, "last_error_code": code}


def _perform(row: Work) -> None:
    mine = Work.objects.filter(pk=row.pk, lease=row.lease)
    release: dict[str, Any] = {"lease": None, "leased_until": None}
    with _Heartbeat(row):
        try:
            _workers[row.name](row.key, row.arguments)
        except Again as again:
            change = {**release, "due_at": again.due_at, "attempts": 0, **_columns(again.why)}
        except Abandon as reason:
            change = {**release, "done_at": Now(), **_columns(reason.why)}
            logger.warning("%s is abandoned: %s", row, change["last_error"])
        except Exception as error:
            wait_s = _wait_s(row.attempts)
            change = {
                **release,
                "due_at": Now() + timedelta(seconds=wait_s),
                **_columns(say("work_failed", error=type(error).__name__, text=str(error))),
            }
            logger.exception("%s failed (attempt %d), again in %d s", row, row.attempts, wait_s)
        else:
            change = {**release, "done_at": Now(), "last_error": "", "last_error_code": {}}
            logger.info("%s is done", row)
    if not mine.update(**change):
        logger.warning("%s was taken over by another worker; its outcome is the one that counts", row)


class _Heartbeat:
    """Renews a row's lease from a thread (and a connection) of its own while the row's function runs."""

    def __init__(self, row: Work):
        self._row = row
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease of {row}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.wait(_RENEW_S):
                held = Work.objects.filter(pk=self._row.pk, lease=self._row.lease, done_at__isnull=True)
                try:
                    renewed = held.update(leased_until=Now() + timedelta(seconds=LEASE_S))
                except (OperationalError, InterfaceError) as error:
                    logger.warning("the lease of %s could not be renewed: %s", self._row, error)
                    connection.close()  # the next beat opens another, while the lease still lasts
                    continue
                if not renewed:
                    logger.warning("the lease of %s is lost", self._row)
                    return
        finally:
            connection.close()


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether this process is the only one inside `alone(name)`; one that is not has nothing to do there.

    For what beat wakes more often than it takes (a model that thinks for a minute): without it, wake-ups would fill all
    of a worker's processes with the same thing, and reading the chain would wait. Lost with the database session.
    """
    with session_lock(LockClass.WORK, key_of(name)) as mine:
        yield mine
