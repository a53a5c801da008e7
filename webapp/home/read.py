# SPDX-License-Identifier: Apache-2.0
"""What a DAO's first page shows: what is open, what the mirror met, and how it stands against the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from governance.models import Act, OnchainCheck, SyncIncident
from governance.open_proposals import OpenProposals, count_of, open_proposals, ready_and_waiting
from presentation.acts import objectable, objectable_count
from presentation.dao_view import DaoView
from presentation.proposals import ProposalRow, latest_but, rows_of


@dataclass
class Agenda:
    """What is open in a DAO, as its home shows it. Of each kind the first few, and how many more there are.

    `now` holds what ends: acts that members may object to and votes that are open, whichever ends first. `ready` has
    passed and waits for somebody's next step, `waiting` for a timelock.
    """

    now: list[dict[str, Any]]
    more_acts: int
    more_votes: int
    coming: list[ProposalRow]
    more_coming: int
    ready: list[ProposalRow]
    more_ready: int
    waiting: list[ProposalRow]
    more_waiting: int
    others: list[ProposalRow]  # the newest of those that are shown nowhere above

    ACTS, VOTES, NEXT, OTHERS = 10, 10, 5, 5

    @classmethod
    def of(cls, place: DaoView) -> Agenda:
        """Read it. As many queries for one proposal as for a thousand."""
        found = OpenProposals([], [], [])
        if governor := place.one("governor"):
            found = open_proposals(place.dao, governor, place.now)
        voting, more_votes = _first(found.voting, cls.VOTES)
        coming, more_coming = _first(found.coming, cls.NEXT)
        all_ready, all_waiting = ready_and_waiting(found.decided, place.now)
        ready, more_ready = _first(all_ready, cls.NEXT)
        waiting, more_waiting = _first(all_waiting, cls.NEXT)
        others = latest_but(place, [*voting, *coming, *ready, *waiting], cls.OTHERS)
        rows = {row.proposal.pk: row for row in rows_of(place, [*voting, *coming, *ready, *waiting, *others])}

        def shown(numbers: list[int]) -> list[ProposalRow]:
            return [rows[number] for number in numbers if number in rows]

        acts = objectable(place, cls.ACTS)
        more_acts = max(0, objectable_count(place) - cls.ACTS)
        now = [
            *((_act_ends_s(place, act), {"act": act}) for act in acts),
            *((place.seconds_until(row.ends_at), {"row": row}) for row in shown(voting)),
        ]
        now.sort(key=lambda entry: entry[0])  # stable: of what ends at the same time, acts come first
        return cls(
            [entry for _, entry in now], more_acts, more_votes,
            shown(coming), more_coming, shown(ready), more_ready, shown(waiting), more_waiting, shown(others),
        )  # fmt: skip

    @property
    def rows(self) -> list[ProposalRow]:
        """All proposals that are shown."""
        voting = [entry["row"] for entry in self.now if "row" in entry]
        return [*voting, *self.coming, *self.ready, *self.waiting, *self.others]

    @property
    def has_proposals(self) -> bool:
        """Whether any proposal is shown."""
        return bool(self.rows)


def _first(numbers: QuerySet | list[int], most: int) -> tuple[list[int], int]:
    """The first few of those numbers, and how many are left."""
    return list(numbers[:most]), max(0, count_of(numbers) - most)


def _act_ends_s(place: DaoView, act: Act) -> float:
    """About how many seconds are left to object to an act; 0 where it may be released at any moment."""
    return max(0, (act.releasable_chain_s or 0) - place.now_chain_s)


_MOST_COUNTED = 1000  # answers of the chain that match


@dataclass
class HeldAgainst:
    """How the mirror stands against the chain's own answers: how many match (`is_more`: that many and more), and those
    that differ, at a block."""

    block: int
    matched: int
    is_more: bool
    differing: list[OnchainCheck]


def held_against(place: DaoView, limit: int = 10) -> HeldAgainst | None:
    """All that the chain was asked about this DAO; None where it was asked nothing yet."""
    asked = OnchainCheck.objects.filter(dao=place.dao)
    matching = asked.filter(matched=True)
    differing = list(asked.differing().order_by("-block_number", "subject")[:limit])
    newest = [*matching.order_by("-block_number").values_list("block_number", flat=True)[:1]]
    newest += [check.block_number for check in differing[:1]]
    if not newest:
        return None
    matched = matching.order_by("-block_number")[: _MOST_COUNTED + 1].count()  # not all of them for each reader
    return HeldAgainst(max(newest), min(matched, _MOST_COUNTED), matched > _MOST_COUNTED, differing)


def newest_incidents(place: DaoView, limit: int = 10) -> list[SyncIncident]:
    return list(SyncIncident.objects.filter(dao=place.dao).order_by("-id")[:limit])
