# SPDX-License-Identifier: Apache-2.0
"""What went wrong while a chain was read: the kinds of incidents, and the only code that raises and resolves them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from django.utils import timezone

from governance.models import Dao, SyncIncident
from governance.sentences import Sentence
from governance.words import TABLE, said


class Kind(StrEnum):
    """Why an incident was raised. Rows keep these texts, and the JSON API shows them: a text never changes."""

    # The mirror dropped what it had read of some blocks: `facts` names the votes and proposals that went.
    REORG = "reorg"
    LOCAL_CHAIN_REWOUND = "local_chain_rewound"
    MISSED_LOGS = "missed_logs"  # a node had answered wrongly; where it only left logs out, nothing was dropped
    # The mirror stays as it is until a node answers as it should.
    DEEP_REORG = "deep_reorg"  # below what was final
    WRONG_CHAIN = "wrong_chain"
    NODE_ERROR = "node_error"
    SYNC_ERROR = "sync_error"  # ours, not the node's
    # Nodes contradict each other.
    LYING_NODE = "lying_node"
    NODES_DIFFER = "nodes_differ"  # and nothing proves which is right
    # Logs show something that the mirror cannot know or read.
    GAP = "gap"  # a proposal whose creation was never seen
    UNDECODABLE = "undecodable"
    POLICY_CODE = "policy_code"
    TIMELOCK_CHANGED = "timelock_changed"
    GOVERNOR_CHANGED = "governor_changed"  # its code, or what it answers of how it works
    CLOCK_DIFFERS = "clock_differs"  # by which states are decided


def note(dao: Dao, kind: Kind, **values: Any) -> SyncIncident:
    """Raise an incident with these other columns. Raises ValueError for a kind that is not listed here."""
    return SyncIncident.objects.create(dao=dao, kind=Kind(kind), **_columns(values))


def word(incident: SyncIncident, detail: str) -> None:
    """Put a sentence into the incident, with the code and the values it is made of (not saved)."""
    for name, value in _columns({"detail": detail}).items():
        setattr(incident, name, value)


def words_of(incident: SyncIncident) -> Sentence:
    """Return what the incident says, in the words of today."""
    return TABLE.read({"code": incident.detail_code, "values": incident.detail_values}, incident.detail)


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    if "detail" not in values:
        return dict(values)
    detail = said(values["detail"])
    return {**values, "detail": str(detail), "detail_code": detail.code, "detail_values": detail.values_json()}


def note_once(
    dao: Dao, kind: Kind, *, about: Mapping[str, Any] | None = None, **values: Any
) -> tuple[SyncIncident, bool]:
    """Return the open incident of this kind (and of the facts `about`), and whether it was raised just now.

    It is raised with these other columns where none is open. Where two might do so at once, the caller holds the DAO's
    cursor: no constraint keeps the second one out, and each later call would fail.
    """
    same = {} if about is None else {"facts": about}
    return SyncIncident.objects.get_or_create(
        dao=dao, kind=Kind(kind), resolved_at=None, **same, defaults=_columns(values)
    )


def note_many(dao: Dao, kind: Kind, rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise an incident of this kind for each row of its other columns."""
    SyncIncident.objects.bulk_create(
        [SyncIncident(dao=dao, kind=Kind(kind), **_columns(row)) for row in rows], batch_size=1000
    )


def is_open(dao: Dao, *kinds: Kind, **where: Any) -> bool:
    """Return whether an incident of these kinds is open, of those that `where` chooses."""
    return SyncIncident.objects.filter(
        dao=dao, kind__in=[Kind(kind) for kind in kinds], resolved_at=None, **where
    ).exists()


def resolve(dao: Dao, *kinds: Kind, **where: Any) -> None:
    """Close the open incidents of these kinds, of those that `where` chooses."""
    found = SyncIncident.objects.filter(dao=dao, kind__in=[Kind(kind) for kind in kinds], resolved_at=None, **where)
    found.update(resolved_at=timezone.now())
