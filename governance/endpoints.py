# SPDX-License-Identifier: Apache-2.0
"""What is known of the nodes, kept between processes and starts (`RpcEndpoint`): one worker's discovery that a node
lies, limits its rate or takes only small ranges is every worker's.

Read before a chain is read, and written after, in transactions of their own: while a chain is read, no request waits
for the database.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance.chain.rpc import Known, Rpc
from governance.models import Chain, RpcEndpoint

_LIMITS_HOLD_S = 24 * 3600.0  # then they are tried again: plans change
_WRITE_EVERY_S = 60.0  # where nothing changed but when it answered, and how fast
_FASTER = 1.5  # a rate that changed by less is not written at once

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
    finally:
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


def told(chain_id: int) -> list[str]:
    """How each node of a chain stands, in words: one line each."""
    return [
        f"{row.name}: {_standing(row)}" for row in RpcEndpoint.objects.filter(chain=chain_id).order_by("name", "pk")
    ]


def _standing(row: RpcEndpoint) -> str:
    now = timezone.now()
    why = f": {row.problem}" if row.problem else ""
    if row.distrusted_until and row.distrusted_until > now:
        return f"not asked until {row.distrusted_until:%Y-%m-%d %H:%M} UTC{why}"
    if row.aside_until and row.aside_until > now:
        return f"asked last until {row.aside_until:%Y-%m-%d %H:%M} UTC{why}"
    if row.answered_at is None:
        return f"no answer yet{why}"
    limits = [
        text
        for value, text in (
            (row.most_blocks, f"{row.most_blocks or 0:,} blocks a question"),
            (row.most_batch, f"{row.most_batch or 0:,} requests a batch"),
            (row.rate_per_s, f"about {row.rate_per_s or 0:.0f} requests a second"),
        )
        if value is not None
    ]
    within = "" if row.latency_s is None else f", within {row.latency_s:.2f} s"
    return f"answers{within}; takes {', '.join(limits) or 'all that was asked'}"


def _differs(before: Known, written_at: float, now: Known, at: float) -> bool:
    """Whether what is known now is worth a write."""
    if at - written_at > _WRITE_EVERY_S:
        return True
    old, new = before.rate_per_s, now.rate_per_s
    rate = (old is None) != (new is None) or bool(old and new and not 1 / _FASTER <= new / old <= _FASTER)
    return rate or _lasting(before) != _lasting(now)


def _lasting(known: Known) -> Known:
    """Without what changes with every request; times of the wall clock, which wander a little, in whole 10 seconds."""
    return replace(
        known, rate_per_s=None, latency_s=None, answered_at_s=None, failures=min(known.failures, 1),
        aside_until_s=None, distrusted_until_s=known.distrusted_until_s and round(known.distrusted_until_s, -1),
    )  # fmt: skip


def _of_row(row: RpcEndpoint) -> Known:
    held = (timezone.now() - row.learned_at).total_seconds() < _LIMITS_HOLD_S

    def seconds(at: datetime | None) -> float | None:
        return None if at is None else at.timestamp()

    return Known(
        row.name, row.most_blocks if held else None, row.most_batch if held else None,
        row.rate_per_s if held else None, row.latency_s, row.failures, row.lies, frozenset(row.unknown_methods),
        seconds(row.aside_until), seconds(row.distrusted_until), seconds(row.answered_at), row.problem,
    )  # fmt: skip


def _write(chain_id: int | None, fingerprint: bytes, learned: Known) -> None:
    def moment(at_s: float | None) -> datetime | None:
        return None if at_s is None else datetime.fromtimestamp(at_s, UTC)

    values: dict[str, Any] = {
        "name": learned.name[:300],
        "most_blocks": learned.most_blocks,
        "most_batch": learned.most_batch,
        "rate_per_s": learned.rate_per_s,
        "latency_s": learned.latency_s,
        "failures": learned.failures,
        "aside_until": moment(learned.aside_until_s),
        "problem": learned.problem[:400],
    }
    with transaction.atomic():
        row, _ = RpcEndpoint.objects.select_for_update().get_or_create(
            chain_id=chain_id, fingerprint=fingerprint, defaults={"name": values["name"]}
        )
        limits = ("most_blocks", "most_batch", "rate_per_s")
        if any(values[limit] not in (None, getattr(row, limit)) for limit in limits):
            row.learned_at = timezone.now()
        for name, value in values.items():
            setattr(row, name, value)
        # What another process knows of these stays: who was caught is not trusted sooner because one did not see it.
        row.lies = max(row.lies, learned.lies)
        row.unknown_methods = sorted({*row.unknown_methods, *learned.unknown})
        row.distrusted_until = _later(row.distrusted_until, moment(learned.distrusted_until_s))
        row.answered_at = _later(row.answered_at, moment(learned.answered_at_s))
        row.save()


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)
