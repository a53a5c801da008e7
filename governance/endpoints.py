# SPDX-License-Identifier: Apache-2.0
"""What is known of the nodes, kept between processes and starts (`RpcEndpoint`): that a node lies, or takes only small
ranges or batches, need not be learned by each worker that reads chains.

Read before a chain is read, and written after: while it is read, no request waits for the database. What a node's rate
allows is not kept: each process has a share of it, and finds its own.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from governance.chain.rpc import MOST_DISTRUST_S, Known, Rpc
from governance.models import Chain, RpcEndpoint
from governance.sentences import Sentence
from governance.words import TABLE, said

_WRITE_EVERY_S = 60.0  # where nothing changed but when it answered, and how fast

# What this process wrote of an endpoint last, and when (monotonic).
_written: WeakKeyDictionary[Rpc, dict[bytes, tuple[Known, float]]] = WeakKeyDictionary()


@contextmanager
def known(chain_id: int) -> Iterator[Rpc]:
    """The process's client for a chain, with what is known of its endpoints; what is learned of them meanwhile is kept,
    whatever was raised.

    Raises:
        RpcUnreachable: none is configured.
    """
    rpc = Rpc.for_chain(chain_id)
    recall(rpc)
    try:
        yield rpc
    except BaseException:
        with suppress(DatabaseError):  # what was raised says more than that this could not be kept
            remember(rpc)
        raise
    remember(rpc)


def recall(rpc: Rpc) -> None:
    """Tell the client what the table says of its endpoints."""
    rows = RpcEndpoint.objects.filter(chain=rpc.chain_id)
    if found := {bytes(row.fingerprint): _of_row(row) for row in rows}:
        rpc.recall(settings.SECRET_KEY, found)


def remember(rpc: Rpc) -> None:
    """Write what the client learned of its endpoints, where it is worth a write. Nothing for a chain that no DAO is
    mirrored of."""
    before, now = _written.setdefault(rpc, {}), time.monotonic()
    due = {
        fingerprint: learned
        for fingerprint, learned in rpc.known(settings.SECRET_KEY).items()
        if fingerprint not in before or _differs(*before[fingerprint], learned, now)
    }
    if not due or not Chain.objects.filter(pk=rpc.chain_id).exists():
        return
    for fingerprint, learned in sorted(due.items()):
        _write(rpc.chain_id, fingerprint, learned)
        before[fingerprint] = (learned, now)


def told(rpc: Rpc) -> list[str]:
    """How each node of the client stands, in words: one line each."""
    return [words for words, _ in standings(rpc)]


def standings(rpc: Rpc) -> list[tuple[str, bool]]:
    """How each node of the client of which something is known stands, in words, and whether it answers."""
    asked = list(rpc.known(settings.SECRET_KEY))
    rows = RpcEndpoint.objects.filter(chain=rpc.chain_id, fingerprint__in=asked).order_by("name", "pk")
    now = timezone.now()
    return [(f"{row.name}: {_standing(row, now)}", _answers(row, now)) for row in rows]


def _answers(row: RpcEndpoint, now: datetime) -> bool:
    is_distrusted = row.distrusted_until is not None and row.distrusted_until > now
    return row.answered_at is not None and not row.failures and not is_distrusted


def _standing(row: RpcEndpoint, now: datetime) -> str:
    why = f": {_problem(row)}" if row.problem else ""
    if row.distrusted_until and row.distrusted_until > now:
        return f"not asked until {row.distrusted_until:%Y-%m-%d %H:%M} UTC{why}"
    if row.answered_at is None:
        return f"no answer yet{why}"
    if row.failures:
        return f"fails; last answer at {row.answered_at:%Y-%m-%d %H:%M} UTC{why}"
    if row.aside_until and row.aside_until > now:
        return f"asked last until {row.aside_until:%Y-%m-%d %H:%M} UTC{why}"
    limits = [
        text
        for value, text in (
            (row.most_blocks, f"{row.most_blocks or 0:,} blocks a question"),
            (row.most_batch, f"{row.most_batch or 0:,} requests a batch"),
        )
        if value is not None
    ]
    within = "" if row.latency_s is None else f", within {row.latency_s:.2f} s"
    is_old = now - row.answered_at > timedelta(seconds=5 * _WRITE_EVERY_S)
    answers = f"answered last at {row.answered_at:%Y-%m-%d %H:%M} UTC" if is_old else "answers"
    return f"{answers}{within}; takes {', '.join(limits) or 'all that was asked'}"


def _problem(row: RpcEndpoint) -> Sentence:
    return TABLE.read({"code": row.problem_code, "values": row.problem_values}, row.problem)


def _differs(before: Known, written_at: float, now: Known, at: float) -> bool:
    """Whether what is known now is worth a write."""
    if at - written_at > _WRITE_EVERY_S:
        return True
    return _lasting(before) != _lasting(now)


def _lasting(known: Known) -> Known:
    """Without what changes with every request; times of the wall clock, which wander a little, in whole 10 seconds."""
    return replace(
        known, latency_s=None, answered_at_s=None, failures=min(known.failures, 1),
        aside_until_s=None, distrusted_until_s=known.distrusted_until_s and round(known.distrusted_until_s, -1),
    )  # fmt: skip


def _of_row(row: RpcEndpoint) -> Known:
    said = {"blocks": (row.most_blocks, row.most_blocks_said_at), "batch": (row.most_batch, row.most_batch_said_at)}
    limits = {name: (most, at.timestamp()) for name, (most, at) in said.items() if most is not None and at is not None}

    def seconds(at: datetime | None) -> float | None:
        return None if at is None else at.timestamp()

    return Known(
        row.name, limits, row.latency_s, row.failures, row.lies, seconds(row.aside_until),
        seconds(row.distrusted_until), seconds(row.answered_at), row.problem and _problem(row),
    )  # fmt: skip


def _write(chain_id: int | None, fingerprint: bytes, learned: Known) -> None:
    """What another process knows and this one does not stays."""

    def moment(at_s: float | None) -> datetime | None:
        return None if at_s is None else datetime.fromtimestamp(at_s, UTC)

    with transaction.atomic():
        row, _ = RpcEndpoint.objects.select_for_update().get_or_create(
            chain_id=chain_id, fingerprint=fingerprint, defaults={"name": learned.name[:300]}
        )
        for name, (most, said_at_s) in learned.limits.items():
            said_at = getattr(row, f"most_{name}_said_at")
            if said_at is None or said_at.timestamp() < said_at_s:
                setattr(row, f"most_{name}", most)
                setattr(row, f"most_{name}_said_at", moment(said_at_s))
        row.latency_s, row.failures = learned.latency_s, learned.failures
        row.aside_until = moment(learned.aside_until_s)
        if learned.problem:
            problem = said(learned.problem)
            row.problem = learned.problem[:400]
            row.problem_code, row.problem_values = problem.code, problem.values_json()
        row.lies = max(row.lies, learned.lies)
        # Who was caught is not trusted sooner because one process did not see it.
        until = _later(row.distrusted_until, moment(learned.distrusted_until_s))
        # A wrong clock must not do it for ever: what is written once more lies no further ahead than it can.
        row.distrusted_until = until and min(until, timezone.now() + timedelta(seconds=MOST_DISTRUST_S))
        row.answered_at = _later(row.answered_at, moment(learned.answered_at_s))
        row.save()


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)
