# SPDX-License-Identifier: Apache-2.0
"""Which webhooks are posted to next: several at once, in a task of their own, whoever answers slowly after all others.

Receivers are strangers' machines, and accounts cost nothing. So a receiver that took longer than a moment, or has taken
nothing yet, waits for the few places of slow ones. Among those that are due, DAOs take turns; within a DAO accounts
take turns, and of those the account with the most voting power is first.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, zip_longest

from django.db import connection
from django.utils import timezone

from governance import power, work
from governance.models import Dao
from webapp.mail.webhooks import WEBHOOK_WORK, active, wake

QUICK_AT_ONCE, SLOW_AT_ONCE = 4, 2
TURN_S = 12.0  # of one call; a post of a slow receiver that is begun at first is over by then
_SLOW_BEGIN_S = 2.0
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Waiting:
    """A webhook with messages that are due. `power`: of its account, in base units of the DAO's votes token."""

    hook: int
    dao: int
    owner: bytes
    power: int
    is_slow: bool


def in_turn(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Order webhooks, given with the longest waiting first, so that no DAO and no account holds up others."""
    by_dao: dict[int, list[tuple[int, int, Waiting]]] = defaultdict(list)
    of_account: dict[tuple[int, bytes], int] = defaultdict(int)
    for one in waiting:
        by_dao[one.dao].append((of_account[one.dao, one.owner], -one.power, one))
        of_account[one.dao, one.owner] += 1
    ordered = [[one for _, _, one in sorted(found, key=lambda each: each[:2])] for found in by_dao.values()]
    return [one for one in chain.from_iterable(zip_longest(*ordered)) if one is not None]


def _due() -> list[Waiting]:
    keys = [int(key) for key in work.due(WEBHOOK_WORK).order_by("due_at", "id").values_list("key", flat=True)]
    hooks = {hook.pk: hook for hook in active().filter(pk__in=keys)}
    owners: dict[int, set[bytes]] = defaultdict(set)
    for hook in hooks.values():
        owners[hook.dao_id].add(bytes(hook.owner))
    powers = {dao.pk: power.powers_now(dao, list(owners[dao.pk])) for dao in Dao.objects.filter(pk__in=owners)}
    found = []
    for key in keys:
        hook = hooks.get(key)
        if hook is None:  # it has ended: its row is closed at once
            found.append(Waiting(key, 0, b"", 0, is_slow=False))
            continue
        owner = bytes(hook.owner)
        found.append(Waiting(key, hook.dao_id, owner, powers[hook.dao_id].get(owner, 0), hook.is_slow(timezone.now())))
    return in_turn(found)


class _Queue:
    """What is due, handed out to threads one by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_s = 0.0
        self._found: list[Waiting] = []

    def next(self, *, is_slow: bool) -> int | None:
        """Return the number of a webhook to be posted to; None where none is due now."""
        with self._lock:
            if time.monotonic() - self._looked_s >= _LOOK_EVERY_S:
                wake()
                self._found, self._looked_s = _due(), time.monotonic()
            one = next((one for one in self._found if one.is_slow == is_slow), None)
            if one is None:
                return None
            self._found.remove(one)
            return one.hook


def post_due(turn_s: float = TURN_S) -> None:
    """Post what is due until nothing is, or for `turn_s` seconds: then what was begun is ended, and no more begun."""
    queue, begun_s = _Queue(), time.monotonic()
    slow_ones: list[Future[None]] = []

    def quick() -> None:
        # Also while slow receivers are waited for: what falls due meanwhile does not wait for them.
        while time.monotonic() < begun_s + turn_s:
            hook = queue.next(is_slow=False)
            if hook is not None:
                work.run_one(WEBHOOK_WORK, str(hook))
            elif slow_under_way():
                time.sleep(_LOOK_EVERY_S)
            else:
                return

    def slow() -> None:
        while time.monotonic() < begun_s + min(_SLOW_BEGIN_S, turn_s):
            hook = queue.next(is_slow=True)
            if hook is None:
                return
            work.run_one(WEBHOOK_WORK, str(hook))

    def slow_under_way() -> bool:
        return not all(one.done() for one in slow_ones)

    def apart(function: Callable[[], None]) -> None:
        try:
            function()
        finally:
            connection.close()  # a thread's own

    with ThreadPoolExecutor(QUICK_AT_ONCE + SLOW_AT_ONCE, thread_name_prefix="webhooks") as pool:
        slow_ones += [pool.submit(contextvars.copy_context().run, apart, slow) for _ in range(SLOW_AT_ONCE)]
        quick_ones = [pool.submit(contextvars.copy_context().run, apart, quick) for _ in range(QUICK_AT_ONCE)]
    for one in (*slow_ones, *quick_ones):
        one.result()
