# SPDX-License-Identifier: Apache-2.0
"""News about a reader's own address: a delegate of its voted, or something waits for it."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from governance.models import Act, CurrentDelegation, Dao, Proposal, Vote
from governance.open_proposals import open_proposals, ready_and_waiting
from policies.notation.hexadecimal import hex_text
from presentation.acts import MAY_BE_STOPPED
from presentation.dao_view import DaoView
from presentation.proposals import rows_of, without_doubts
from webapp.mail import digest, facts, subscriptions
from webapp.mail.kinds import Kind, Topic
from webapp.models import DigestSent, Milestone, Subscription

_MOST = 200
_SKEW_S = 86_400
_CONFIRMED_S = 3_600
_CORRECTED = datetime.timedelta(days=3)  # longer than a reorganisation is deep


def due(dao: Dao) -> Iterator[tuple[int, str]]:
    """What is to be told at once, and was not yet: a subscription's number and its topic."""
    place = DaoView(dao)
    held = list(
        subscriptions.active(dao)
        .filter(frequency=Subscription.Frequency.IMMEDIATE, delegate__isnull=False)
        .only("pk", "delegate", "topics", "confirmed_at")
    )
    if place.cursor is None or place.one("governor") is None or not held:
        return
    told = _told(held)
    for pk, about in [*_votes_of_delegates(place, held), *_steps(place, held), *_vetoes(place, held)]:
        before = told.get((pk, about))
        if before is None:
            yield pk, about
        elif before.is_taken_back:
            yield pk, f"{about}@{before.times}"
    yield from _gone(place, told)


@dataclass
class _Told:
    """What was written to a subscription of one thing: how often it was taken back, and whether that was the last."""

    times: int = 0
    is_taken_back: bool = False
    is_late: bool = False


def _told(held: list[Subscription]) -> dict[tuple[int, str], _Told]:
    """What was planned and composed before, by subscription and topic."""
    found: dict[tuple[int, str], _Told] = defaultdict(_Told)
    known = DigestSent.objects.filter(subscription__in=held, topic__startswith="own.").order_by("pk")
    oldest = timezone.now() - _CORRECTED
    for pk, topic, at in known.values_list("subscription_id", "topic", "created_at"):
        kind, _, rest = topic.partition(":")
        one = found[pk, f"{kind.removesuffix('.undone')}:{rest.partition('@')[0]}"]
        one.is_taken_back = kind.endswith(".undone")
        one.times += one.is_taken_back
        one.is_late = at < oldest
    return dict(found)


def _gone(place: DaoView, told: dict[tuple[int, str], _Told]) -> Iterator[tuple[int, str]]:
    """Corrections of votes of delegates that a reorganisation took back; `send` writes them where they were told."""
    for (pk, about), before in told.items():
        kind, _, key = about.partition(":")
        if kind != Kind.DELEGATE_VOTED or before.is_taken_back or before.is_late:
            continue
        if not facts.happened(place, Kind.DELEGATE_VOTED, key):
            yield pk, f"{kind}.undone:{key}@{before.times + 1}"


def _wanting(held: list[Subscription], topic: Topic) -> dict[bytes, list[int]]:
    """Who wants to be told of a topic, by their address."""
    found = defaultdict(list)
    for one in held:
        if topic in one.topics:
            found[bytes(one.delegate)].append(one.pk)
    return found


def _votes_of_delegates(place: DaoView, held: list[Subscription]) -> Iterator[tuple[int, str]]:
    wanting = _wanting(held, Topic.DELEGATE)
    rows = CurrentDelegation.objects.filter(dao=place.dao, delegator__in=list(wanting), share_bps__gt=0)
    readers = defaultdict(list)
    for delegator, delegate in rows.values_list("delegator", "delegate"):
        if delegator != delegate:
            readers[bytes(delegate)] += wanting[bytes(delegator)]
    if not readers:
        return
    voting = list(open_proposals(place.dao, place.one("governor"), place.now).voting[:_MOST])
    # A vote that was cast last may be confirmed after the end. Nobody is told of what ended before they subscribed.
    lately = Milestone.objects.filter(dao=place.dao, kind__in=(Kind.PASSED, Kind.FAILED), told=True)
    ended = dict(lately.filter(seen_at__gt=timezone.now() - _CORRECTED).values_list("key", "seen_at")[:_MOST])
    began = {one.pk: one.confirmed_at for one in held}
    of_votes = Q(proposal__in=voting) | Q(dao=place.dao, onchain_proposal_id__in=[int(key) for key in ended])
    votes = Vote.objects.filter(of_votes, voter__in=list(readers), log__unconfirmed=None)
    for number, voter in votes.values_list("onchain_proposal_id", "voter").distinct():
        for pk in readers[bytes(voter)]:
            confirmed_at, ended_at = began[pk], ended.get(str(number))
            if ended_at is not None and confirmed_at is not None and ended_at < confirmed_at:
                continue
            yield pk, f"{Kind.DELEGATE_VOTED}:{number}:{hex_text(bytes(voter))}"


def _ready(place: DaoView) -> list[int]:
    ready, _ = ready_and_waiting(open_proposals(place.dao, place.one("governor"), place.now).decided, place.now)
    return list(ready[:_MOST])


def _steps(place: DaoView, held: list[Subscription]) -> Iterator[tuple[int, str]]:
    """The next step of proposals that the reader's address made."""
    wanting = _wanting(held, Topic.NEEDS_YOU)
    if not wanting:
        return
    own = Proposal.objects.filter(pk__in=digest.of_all(place, "ready", _ready), proposer__in=list(wanting))
    numbers = list(own.values_list("pk", flat=True))
    doubted = facts.in_doubt(numbers)
    for row in rows_of(place, numbers):
        if row.is_doubted or row.proposal.pk in doubted:
            continue
        if step := facts.next_step(place, without_doubts(place, row)):
            for pk in wanting[bytes(row.proposal.proposer)]:
                yield pk, f"{step}:{row.proposal.proposal_id}"


def waiting(place: DaoView, one: Subscription) -> list[tuple[Kind, str]]:
    """What waits for the reader's address now."""
    found = [*(_steps(place, [one]) if place.one("governor") else ()), *_vetoes(place, [one])]
    parts = [about.partition(":") for _, about in found]
    return [(Kind(kind), key) for kind, _, key in parts]


def votes_between(
    place: DaoView, one: Subscription, since: datetime.datetime, until: datetime.datetime
) -> list[tuple[Kind, str]]:
    """The votes of the reader's delegates of between these moments, each an hour before: by then a second node has
    shown most of them. Those that one node alone shows are among them."""
    if Topic.DELEGATE not in one.topics or one.delegate is None:
        return []
    delegations = CurrentDelegation.objects.filter(dao=place.dao, delegator=one.delegate, share_bps__gt=0)
    delegates = list(delegations.exclude(delegate=one.delegate).values_list("delegate", flat=True))
    # A chain of a test net may tell any time; where it tells ours, what it lags behind changes nothing.
    skew_s = place.now_chain_s - int(timezone.now().timestamp())
    shift_s = (skew_s if abs(skew_s) > _SKEW_S else 0) - _CONFIRMED_S
    votes = Vote.objects.filter(
        dao=place.dao,
        voter__in=delegates,
        log__block_timestamp_chain_s__gt=int(since.timestamp()) + shift_s,
        log__block_timestamp_chain_s__lte=int(until.timestamp()) + shift_s,
    )
    newest = votes.order_by("-log__block_timestamp_chain_s", "-pk").values_list("onchain_proposal_id", "voter")[:_MOST]
    return [(Kind.DELEGATE_VOTED, f"{number}:{hex_text(bytes(voter))}") for number, voter in newest]


def _vetoes(place: DaoView, held: list[Subscription]) -> Iterator[tuple[int, str]]:
    """Acts that the reader's address may veto, as a module's guardian."""
    wanting = _wanting(held, Topic.NEEDS_YOU)
    guarded = {
        pk: wanting[bytes(state.guardian)]
        for pk, state in place.module_states.items()
        if state.guardian is not None and bytes(state.guardian) in wanting
    }
    if not guarded:
        return
    acts = Act.objects.filter(MAY_BE_STOPPED, dao=place.dao, module__in=list(guarded))
    for module, policy, number in acts.values_list("module_id", "policy_id", "number")[:_MOST]:
        for pk in guarded[module]:
            yield pk, f"{Kind.MAY_VETO}:{hex_text(bytes(policy))}:{number}"
