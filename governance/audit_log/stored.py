# SPDX-License-Identifier: Apache-2.0
"""Read the audit log's entries out of the database."""

from collections.abc import Iterator

from governance.audit_log.bundle import FIRST_PREV, Checked, Entry, check
from governance.models import AuditEntry

_STEP = 2000


def entries(first: int = 1, last: int | None = None) -> Iterator[Entry]:
    """Yield the entries from number `first` to `last` (None: the newest) in order, some at a time."""
    while last is None or first <= last:
        rows = list(AuditEntry.objects.filter(number__gte=first).order_by("number")[:_STEP])
        for row in rows:
            if last is not None and row.number > last:
                return
            yield entry_of(row)
        if len(rows) < _STEP:
            return
        first = rows[-1].number + 1


def entry_of(row: AuditEntry) -> Entry:
    """Return a row as an entry. Raises ValueError for one that the database has not chained."""
    if row.number is None or row.prev_hash is None or row.hash is None:
        raise ValueError(f"row {row.pk} of the audit log is not chained yet")
    return Entry(row.number, bytes(row.prev_hash), bytes(row.hash), row.body)


def page(before: int | None, size: int) -> list[Entry]:
    """Return the newest entries below the number `before` (None: of all), newest first."""
    rows = AuditEntry.objects.exclude(number=None)
    if before is not None:
        rows = rows.filter(number__lt=before)
    return [entry_of(row) for row in rows.order_by("-number")[:size]]


def check_all() -> Checked:
    """Check the whole log as it is stored."""
    found = check(entries())
    left = AuditEntry.objects.filter(number=None).count()
    if left and not found.problem:
        return Checked(found.entries, found.head, f"{left} entries have no place in the chain: its trigger was off")
    return found


def head() -> tuple[int, bytes]:
    """Return the newest entry's number and hash; 0 and zero bytes where there is none."""
    row = AuditEntry.objects.exclude(number=None).order_by("-number").first()
    return (0, FIRST_PREV) if row is None else (row.number or 0, bytes(row.hash or FIRST_PREV))
