# SPDX-License-Identifier: Apache-2.0
"""One account among a DAO's votes: its power and whose it is, and what it did about each of several proposals.

The mirror's rows alone are asked. What they don't have is not known, and is never told as nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from governance import asked_power, unconfirmed
from governance.models import AccountPower
from governance.numbers import grouped
from governance.power import delegations_of
from governance.state import State
from presentation import words
from presentation.ballots import Ballots, ballots_of
from presentation.dao_view import DaoView
from presentation.power import powers_at_snapshots
from presentation.proposals import ProposalRow

_TAKES_VOTES = (State.ACTIVE, State.OBJECTION_PERIOD)


@dataclass(frozen=True)
class Member:
    """An account now, as the mirror has read it. `power`: base units of the votes token; None: no log says it."""

    account: bytes
    power: int | None
    delegators: int
    to: list[tuple[bytes, int]]  # to whom it delegates, and what share of its votes in basis points
    is_confirmed: bool = True  # whether `power` is more than the word of one node alone, with no proof


def member(place: DaoView, account: bytes) -> Member:
    """Return what the mirror knows of an account now. Asks no node."""
    if asked_power.degraded(place.dao) is not None:
        return Member(account, None, 0, delegations_of(place.dao, account))
    row = AccountPower.objects.filter(dao=place.dao, account=account).first()
    return Member(
        account, row.power if row else 0, row.delegators if row else 0, delegations_of(place.dao, account),
        is_confirmed=not unconfirmed.whose_power(place.dao, [account]),
    )  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a member reads of itself: what matters most, with whom its tokens vote, and sentences."""

    lead: str
    delegation: str
    sentences: list[str]


def in_words(place: DaoView, seen: Member) -> Told:
    """Return what a member reads of itself."""
    others = seen.delegators - any(to == seen.account for to, _ in seen.to)
    if seen.power is None:
        lead = gettext("Your voting power now is not known here.")
    elif seen.power:
        lead = gettext("You vote with %(power)s now.") % {"power": place.votes_asset.text(seen.power, 2)}
    else:
        lead = gettext("You have no voting power now.")
    sentences = []
    if not seen.is_confirmed:
        sentences.append(gettext("One node alone shows your newest power: it is not confirmed."))
    if others > 0:
        text = ngettext(
            "%(count)s other account delegates to you.", "%(count)s other accounts delegate to you.", others
        )
        sentences.append(text % {"count": grouped(others)})
    read = gettext("This is what was read of the chain up to block %(block)s.")
    return Told(lead, _delegates(place, seen), [*sentences, read % {"block": grouped(place.block)}])


def _delegates(place: DaoView, seen: Member) -> str:
    """Return with whom the account's own tokens vote, in words."""
    if not seen.to:
        return gettext(
            "No delegation of yours was read. Where delegated votes alone count, tokens that you hold count in no new "
            "vote until you delegate them, to yourself or to somebody else."
        )
    if [to for to, _ in seen.to] == [seen.account]:
        return gettext("Your own tokens vote with you.")
    names = ", ".join(
        gettext("you") if to == seen.account else named(place, to)
        for to, _ in sorted(seen.to, key=lambda part: -part[1])
    )
    return gettext("Your own tokens vote with %(names)s.") % {"names": names}


def named(place: DaoView, account: bytes) -> str:
    """Return an account as a sentence names it: its name where we have one, and its short address; else all of it."""
    address, name = words.address_text(account), place.names.get(account)
    return f"{name} ({words.short(address)})" if name else address


@dataclass(frozen=True)
class Mine:
    """What an account did about a proposal. `power`: base units at the snapshot; None: it can't be looked up."""

    row: ProposalRow
    power: int | None
    ballots: Ballots | None

    def in_words(self, place: DaoView) -> str:
        """Return it as the line of a list; empty where there is nothing to say."""
        if self.ballots is not None:
            values = {"choice": self.ballots.choice, "power": place.votes_asset.text(self.ballots.weight, 2)}
            if self.ballots.sides is not None:
                return gettext("You voted. %(choice)s") % values
            return gettext("You voted %(choice)s with %(power)s.") % values
        if self.row.state not in _TAKES_VOTES:
            return ""
        if self.power:
            text = gettext("You vote with %(power)s. No vote of yours was read yet.")
            return text % {"power": place.votes_asset.text(self.power, 2)}
        if self.power is None:
            return gettext("Your voting power for it is not known here. No vote of yours was read yet.")
        return gettext("No voting power of yours at its snapshot was read.")


def mine(place: DaoView, account: bytes, rows: Sequence[ProposalRow]) -> dict[int, Mine]:
    """Return what an account did about each of these proposals, by their numbers (primary keys). Three queries."""
    proposals = [row.proposal for row in rows]
    votes, powers = ballots_of(place, account, proposals), powers_at_snapshots(place, account, proposals)
    return {
        row.proposal.pk: Mine(row, powers.get(row.proposal.pk), votes.get(row.proposal.pk)) for row in rows
    }  # fmt: skip
