# SPDX-License-Identifier: Apache-2.0
"""Moments of votes that no log tells: looked for among a DAO's votes again and again, and told once.

What a later look shows not to be so (a reorganisation took votes back) is told as not so any more.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from governance.models import Dao, Proposal
from governance.open_proposals import open_proposals
from presentation.dao_view import NEVER, DaoView
from presentation.proposals import ProposalRow, rows_of, without_doubts
from webapp.mail import facts
from webapp.mail.kinds import MILESTONES, Kind
from webapp.models import Milestone, ReadingCursor, VoteEnd

_WATCHED = datetime.timedelta(days=3)  # after it was decided: longer than a reorganisation is deep
_MOST = 200
_ORDER = tuple(kind for kind in Kind if kind in MILESTONES)

# Called with kind, key and occurrence of what came to be so, or (False) is not so any more, and the block read.
Tell = Callable[[Kind, str, str, bool, int], None]


def look(dao: Dao, tell: Tell) -> None:
    """Look at a DAO's votes. The first look tells nothing: nobody wants a DAO's history. In one transaction: what is
    noted is told, also by a worker that is killed.

    Without a new block too: rows change when blocks are read again, and when a second node confirms a log."""
    place = DaoView(dao)
    if place.cursor is None or place.one("governor") is None:
        return
    with transaction.atomic():
        reader = f"milestones:{dao.pk}"
        _, is_first = ReadingCursor.objects.get_or_create(reader=reader, defaults={"after_id": -1})
        seen = ReadingCursor.objects.select_for_update().get(reader=reader)
        numbers = _watched(place)
        doubted = facts.in_doubt(numbers)
        rows = [without_doubts(place, row) for row in rows_of(place, numbers) if row.proposal.pk not in doubted]
        _note(place, rows, (lambda *_: None) if is_first else tell)
        _note_gone(place, tell)
        _note_ends(place, [*rows, *rows_of(place, list(_coming(place)))])
        seen.after_id = place.block
        seen.save(update_fields=["after_id"])


def _coming(place: DaoView) -> list[int]:
    return list(open_proposals(place.dao, place.one("governor"), place.now).coming[:_MOST])


def _note_ends(place: DaoView, rows: list[ProposalRow]) -> None:
    """Keep when votes end, and count how often that changed."""
    numbers = [row.proposal.proposal_id for row in rows]
    known = {
        one.onchain_proposal_id: one for one in VoteEnd.objects.filter(dao=place.dao, onchain_proposal_id__in=numbers)
    }
    for row in rows:
        number, ends_at = row.proposal.proposal_id, min(row.ends_at, NEVER)
        if (noted := known.get(number)) is None:
            VoteEnd.objects.create(dao=place.dao, onchain_proposal_id=number, ends_at=ends_at)
        elif noted.ends_at != ends_at:
            noted.ends_at, noted.sequence = ends_at, noted.sequence + 1
            noted.save()


def _watched(place: DaoView) -> list[int]:
    """The proposals whose votes may come to a milestone, or from one: open ones, and those that were so lately."""
    found = open_proposals(place.dao, place.one("governor"), place.now)
    numbers = [*found.voting[:_MOST], *found.decided[:_MOST]]
    lately = Milestone.objects.filter(dao=place.dao, seen_at__gt=timezone.now() - _WATCHED)
    undecided = Milestone.objects.filter(dao=place.dao, kind=Kind.OPENED, stands=True)
    decided = Milestone.objects.filter(dao=place.dao, kind__in=(Kind.PASSED, Kind.FAILED), stands=True)
    ended = set(decided.values_list("key", flat=True))
    open_still = [key for key in undecided.values_list("key", flat=True) if key not in ended]
    keys = {key.partition(":")[0] for key in [*lately.values_list("key", flat=True), *open_still]}
    more = Proposal.objects.filter(dao=place.dao, proposal_id__in=[int(key) for key in keys])
    return list(dict.fromkeys([*numbers, *more.values_list("pk", flat=True)]))


def _note(place: DaoView, rows: list[ProposalRow], tell: Tell) -> None:
    """Note what came to be so of these proposals, and what is not so any more."""
    keys = {facts.milestone_key(kind, row) for row in rows for kind in _ORDER}
    known = {(one.kind, one.key): one for one in Milestone.objects.filter(dao=place.dao, key__in=keys)}
    for row in rows:
        if row.is_doubted:
            continue
        for kind in _ORDER:
            key = facts.milestone_key(kind, row)
            is_so, noted = facts.holds(place, kind, row), known.get((kind, key))
            if is_so and (noted is None or not noted.stands):
                _raise(place, kind, key, noted, tell)
            elif is_so is False and noted is not None and noted.stands and kind is not Kind.LAST_DAY:
                _lower(place, noted, tell)


def _raise(place: DaoView, kind: Kind, key: str, noted: Milestone | None, tell: Tell) -> None:
    now = timezone.now()
    if noted is None:
        noted = Milestone.objects.create(dao=place.dao, kind=kind, key=key, block_number=place.block, seen_at=now)
    else:
        noted.stands, noted.times, noted.block_number, noted.seen_at = True, noted.times + 1, place.block, now
        noted.save()
    tell(kind, key, f"m{noted.pk}.{noted.times}", True, place.block)


def _lower(place: DaoView, noted: Milestone, tell: Tell) -> None:
    noted.stands = False
    noted.save(update_fields=["stands"])
    tell(Kind(noted.kind), noted.key, f"m{noted.pk}.{noted.times}", False, place.block)


def _note_gone(place: DaoView, tell: Tell) -> None:
    """Note what was so of proposals that a reorganisation removed."""
    lately = Milestone.objects.filter(dao=place.dao, stands=True, seen_at__gt=timezone.now() - _WATCHED)
    rows = list(lately.exclude(kind=Kind.LAST_DAY))
    numbers = {int(row.key.partition(":")[0]) for row in rows}
    there = Proposal.objects.filter(dao=place.dao, proposal_id__in=numbers).values_list("proposal_id", flat=True)
    gone = numbers - set(there)
    for row in rows:
        if int(row.key.partition(":")[0]) in gone:
            _lower(place, row, tell)
