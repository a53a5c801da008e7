# SPDX-License-Identifier: Apache-2.0
"""Moments of votes that no log tells: looked for among a DAO's votes again and again, and told once.

What a later look shows not to be so (a reorganisation took votes back) is told as not so any more.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from governance.models import Dao, Proposal, TimelockOperation
from governance.open_proposals import open_proposals
from presentation.dao_view import NEVER, DaoView
from presentation.proposals import ProposalRow, rows_of, without_doubts
from webapp.mail import facts
from webapp.mail.kinds import MILESTONES, Kind
from webapp.models import Milestone, ReadingCursor, VoteEnd

_WATCHED = datetime.timedelta(days=3)  # after it was decided: longer than a reorganisation is deep
_OLD_S = 8 * 86_400  # no digest looks back further
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
        rows = _without_doubts(place, numbers)
        _note(place, rows, None if is_first else tell)
        _note_gone(place, tell)
        known = set(numbers)
        others = [number for number in [*_coming(place), *_ended_otherwise(place)] if number not in known]
        _note_ends(place, [*rows, *_without_doubts(place, list(dict.fromkeys(others)))])
        seen.after_id = place.block
        seen.save(update_fields=["after_id"])


def _without_doubts(place: DaoView, numbers: list[int]) -> list[ProposalRow]:
    """The rows of these proposals but of those of which one node alone shows a step."""
    doubted = facts.in_doubt(numbers)
    return [without_doubts(place, row) for row in rows_of(place, numbers) if row.proposal.pk not in doubted]


def _coming(place: DaoView) -> list[int]:
    return list(open_proposals(place.dao, place.one("governor"), place.now).coming[:_MOST])


def _ended_otherwise(place: DaoView) -> list[int]:
    """The proposals that are canceled or vetoed though their note says otherwise, and the other way round."""
    noted = VoteEnd.objects.filter(dao=place.dao, onchain_proposal_id=OuterRef("proposal_id"))
    operations = TimelockOperation.objects.filter(proposal=OuterRef("pk"), canceled=True)
    is_over = (Q(canceled=True) | Exists(operations)) & Q(executed=False)
    differs = (is_over & Exists(noted.filter(is_over=False))) | (~is_over & Exists(noted.filter(is_over=True)))
    found = Proposal.objects.filter(differs, dao=place.dao).order_by("-pk")
    return list(found.values_list("pk", flat=True)[:_MOST])


def _note_ends(place: DaoView, rows: list[ProposalRow]) -> None:
    """Keep when votes end and whether they were canceled, and count how often that changed."""
    numbers = [row.proposal.proposal_id for row in rows]
    known = {
        one.onchain_proposal_id: one for one in VoteEnd.objects.filter(dao=place.dao, onchain_proposal_id__in=numbers)
    }
    for row in rows:
        if row.is_doubted:
            continue
        number, end = row.proposal.proposal_id, (min(row.ends_at, NEVER), row.is_called_off)
        if (noted := known.get(number)) is None:
            VoteEnd.objects.create(dao=place.dao, onchain_proposal_id=number, ends_at=end[0], is_over=end[1])
        elif (noted.ends_at, noted.is_over) != end:
            (noted.ends_at, noted.is_over), noted.sequence = end, noted.sequence + 1
            noted.save()


def _watched(place: DaoView) -> list[int]:
    """The proposals whose votes may come to a milestone, or from one: open ones, and those that were so lately."""
    found = open_proposals(place.dao, place.one("governor"), place.now)
    numbers = [*found.voting[:_MOST], *found.decided[:_MOST]]
    lately = Milestone.objects.filter(dao=place.dao, seen_at__gt=timezone.now() - _WATCHED)
    undecided = Milestone.objects.filter(dao=place.dao, kind=Kind.OPENED, stands=True)
    decided = Milestone.objects.filter(dao=place.dao, kind__in=(Kind.PASSED, Kind.FAILED), stands=True)
    called_off = VoteEnd.objects.filter(dao=place.dao, is_over=True).values_list("onchain_proposal_id", flat=True)
    ended = {*decided.values_list("key", flat=True), *map(str, called_off)}
    open_still = [key for key in undecided.values_list("key", flat=True) if key not in ended]
    keys = {key.partition(":")[0] for key in [*lately.values_list("key", flat=True), *open_still]}
    more = Proposal.objects.filter(dao=place.dao, proposal_id__in=[int(key) for key in keys])
    return list(dict.fromkeys([*numbers, *more.values_list("pk", flat=True)]))


def _note(place: DaoView, rows: list[ProposalRow], tell: Tell | None) -> None:
    """Note what came to be so of these proposals, and what is not so any more. `tell`: None at the first look."""
    keys = {facts.milestone_key(kind, row) for row in rows for kind in _ORDER}
    known = {(one.kind, one.key): one for one in Milestone.objects.filter(dao=place.dao, key__in=keys)}
    for row in rows:
        if row.is_doubted:
            continue
        # A vote of long ago, seen for the first time, is history as all are at the first look.
        was_seen = (Kind.OPENED, facts.milestone_key(Kind.OPENED, row)) in known
        is_old = not was_seen and place.seconds_until(row.ends_at) < -_OLD_S
        for kind in _ORDER:
            key = facts.milestone_key(kind, row)
            is_so, noted = facts.holds(place, kind, row), known.get((kind, key))
            if is_so and (noted is None or not noted.stands):
                _raise(place, kind, key, noted, None if is_old else tell)
            elif is_so is False and noted is not None and noted.stands and kind is not Kind.LAST_DAY and tell:
                _lower(place, noted, tell)


def _raise(place: DaoView, kind: Kind, key: str, noted: Milestone | None, tell: Tell | None) -> None:
    now, told = timezone.now(), tell is not None
    if noted is None:
        noted = Milestone.objects.create(
            dao=place.dao, kind=kind, key=key, block_number=place.block, seen_at=now, told=told
        )
    else:
        noted.stands, noted.times, noted.block_number, noted.seen_at = True, noted.times + 1, place.block, now
        noted.told = told
        noted.save()
    if tell is not None:
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
