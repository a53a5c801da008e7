# SPDX-License-Identifier: Apache-2.0
"""How an account voted on a proposal: by one vote, by one in parts, or by several, such as in place of its delegate."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext

from governance.models import Proposal, Vote
from presentation import labels
from presentation.dao_view import DaoView
from presentation.proposals import is_in_parts, parts_of

MOST_VOTES = 50  # of one account on one proposal: where votes may be split, it could cast thousands

Sides = tuple[int, int, int]  # against, for, abstain, in base units


@dataclass(frozen=True)
class Ballots:
    """An account's votes on one proposal, the newest first and no more than MOST_VOTES. `sides`: what they added to
    each side; None where they are all of one choice, a choice is none of the three, or the order of parts is not
    known."""

    votes: tuple[Vote, ...]
    sides: Sides | None
    choice: str  # in words
    has_more: bool
    has_parts: bool  # a vote among them is in parts, so that its support says nothing of its choice

    @property
    def support(self) -> int | None:
        """The one choice of all votes; None where there are several, or parts."""
        found = {vote.support for vote in self.votes}
        return found.pop() if len(found) == 1 and self.sides is None and not self.has_parts else None

    @property
    def is_confirmed(self) -> bool:
        """Whether all these votes are more than the word of one node alone, with no proof."""
        return not any(hasattr(vote.log, "unconfirmed") for vote in self.votes)

    @property
    def weight(self) -> int:
        """The weight of these votes together, in base units."""
        return sum(vote.weight for vote in self.votes)

    @property
    def reason(self) -> str:
        """The newest reason that was given."""
        return next((vote.reason for vote in self.votes if vote.reason), "")


def ballots_of(place: DaoView, account: bytes, proposals: list[Proposal]) -> dict[int, Ballots]:
    """How the account voted on each of these proposals, by the proposal's number (primary key); those it voted on."""
    found: dict[int, list[Vote]] = defaultdict(list)
    for vote in _newest_votes(account, proposals):
        found[vote.proposal_id].append(vote)
    return {number: _ballots(place, votes) for number, votes in found.items()}


def _newest_votes(account: bytes, proposals: list[Proposal]) -> list[Vote]:
    """The account's newest votes on each of these proposals, one more than are shown."""
    cast = Vote.objects.filter(proposal__in=proposals, voter=account)
    # Their numbers first: of thousands the rows are not read.
    place = Window(RowNumber(), partition_by=F("proposal_id"), order_by=F("pk").desc())
    newest = cast.annotate(place=place).filter(place__lte=MOST_VOTES + 1).values_list("pk", flat=True)
    return list(Vote.objects.filter(pk__in=list(newest)).select_related("log__unconfirmed").order_by("-pk"))


def _ballots(place: DaoView, newest: list[Vote]) -> Ballots:
    votes = tuple(newest[:MOST_VOTES])
    parts = [parts_of(place, vote) for vote in votes]
    in_parts = [is_in_parts(place, vote) for vote in votes]
    is_told = all(part is not None for part, split in zip(parts, in_parts, strict=True) if split)
    sides = _sides(votes, parts) if is_told else None
    if sides is not None:
        against, in_favour, abstain = (place.votes_asset.text(part, 2) for part in sides)
        text = gettext("In parts: for %(for)s, against %(against)s, abstain %(abstain)s.")
        choice = text % {"for": in_favour, "against": against, "abstain": abstain}
    else:
        choices = [_choice(vote, split) for vote, split in zip(votes, in_parts, strict=True)]
        choice = ", ".join(dict.fromkeys(reversed(choices)))
    has_more = len(newest) > MOST_VOTES
    if has_more:
        text = gettext("%(choice)s (its newest %(count)s votes; it cast more)")
        choice = text % {"choice": choice, "count": MOST_VOTES}
    return Ballots(votes, sides, choice, has_more, any(in_parts))


def _sides(votes: tuple[Vote, ...], parts: list[Sides | None]) -> Sides | None:
    whole = {vote.support for vote, part in zip(votes, parts, strict=True) if part is None}
    is_one_choice = len(whole) == 1 and all(part is None for part in parts)
    if is_one_choice or whole - set(labels.CHOICES):
        return None
    added = [
        part if part is not None else [vote.weight if vote.support == side else 0 for side in range(3)]
        for vote, part in zip(votes, parts, strict=True)
    ]
    against, in_favour, abstain = (sum(side) for side in zip(*added, strict=True))
    return against, in_favour, abstain


def _choice(vote: Vote, is_in_parts: bool) -> str:
    if is_in_parts:
        return gettext("in parts")
    if vote.support in labels.CHOICES:
        return labels.choice(vote.support)
    return gettext("option %(number)s") % {"number": vote.support}
