# SPDX-License-Identifier: Apache-2.0
"""One account as a delegate: its power and where it comes from, how it voted, and to whom it delegates itself."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from governance import asked_power, unconfirmed
from governance.asked_power import Degraded, newest_asked
from governance.models import AccountPower, AskedPower, OnchainCheck, PowerCheckpoint, Proposal, chain_order
from governance.power import delegations_of, delegations_to, totals
from governance.state import State
from presentation import words
from presentation.ballots import Ballots, ballots_of
from presentation.dao_view import DaoView
from presentation.power import counts_by_snapshot, powers_at_snapshots
from presentation.proposals import ProposalRow, rows_of
from webapp.delegates.read import checks_of_power
from webapp.delegates.statements import statements
from webapp.models import DelegateStatement

NAMED = 50  # delegators of the account that its page names; the API has all of them
LAST_PROPOSALS = 20  # that its votes are held against
LAST_CHANGES = 60  # of its power that are drawn

_NOT_COUNTED = {State.PENDING, State.UPDATABLE, State.CANCELED}  # nobody can, or need, have voted on these


@dataclass(frozen=True)
class Cast:
    """One of the newest proposals and what the account did about it. `power`: base units at the snapshot; None where
    it can't be looked up."""

    row: ProposalRow
    power: int | None
    ballots: Ballots | None
    is_over: bool  # whether the last moment to vote has passed, whatever the state is

    @property
    def counts(self) -> bool:
        """Whether the account could have voted on it."""
        return bool(self.power) or self.ballots is not None

    @property
    def is_open(self) -> bool:
        """Whether the account can vote still."""
        return self.ballots is None and self.row.state in (State.ACTIVE, State.OBJECTION_PERIOD)

    @property
    def is_doubtful(self) -> bool:
        """Whether it is not known if the account can vote still: the state is not, and the time is not over."""
        return self.ballots is None and self.row.state is State.UNKNOWN and not self.is_over

    @property
    def choice(self) -> str:
        """How it voted, in words."""
        if self.ballots is not None:
            return self.ballots.choice
        if self.is_doubtful:
            return gettext("not known whether it may still vote")
        return gettext("not yet") if self.is_open else gettext("did not vote")


@dataclass(frozen=True)
class Change:
    """A change of the account's power, in base units of the votes token."""

    at_chain_s: int
    before: int
    after: int
    transaction_hash: bytes
    is_confirmed: bool  # whether it is more than the word of one node alone, with no proof

    @property
    def difference(self) -> int:
        return self.after - self.before


@dataclass(frozen=True)
class Profile:
    """What is known of an account. Amounts: base units of the votes token, at the last block read."""

    account: bytes
    name: str | None
    power: int
    total: int  # of all accounts
    delegators: int
    named: list[tuple[bytes, int]]  # the first of them, and what share of its votes each delegates, in basis points
    to: list[tuple[bytes, int]]  # to whom it delegates, and what share of its votes in basis points
    cast: list[Cast]  # newest first
    changes: list[Change]  # newest first
    check: OnchainCheck | None
    is_power_known: bool  # whether power at a snapshot can be looked up: else nobody knows what it did not vote on
    looked_at: int = 0  # of how many of the newest proposals the snapshot has passed, whoever had power then
    degraded: Degraded | None = None  # no log says who has power: then `power`, `total` and `delegators` say nothing
    asked: AskedPower | None = None  # what the chain answered of it, at the newest snapshot that it was asked about
    statement: DelegateStatement | None = None
    is_power_confirmed: bool = True  # whether its power now is more than the word of one node alone, with no proof

    @property
    def waiting(self) -> list[Cast]:
        """Votes that the account could vote on and has not, and that are open, or of which that is not known."""
        return [cast for cast in self.cast if cast.is_open or cast.is_doubtful]

    @property
    def ended(self) -> list[Cast]:
        """What its participation counts: all but those that it may vote on still."""
        return [cast for cast in self.cast if not cast.is_open and not cast.is_doubtful]

    @property
    def voted(self) -> int:
        return sum(cast.ballots is not None for cast in self.ended)

    @property
    def participation(self) -> str:
        """How often it voted, in words, with what is counted."""
        of = len(self.ended)
        if not self.is_power_known and self.degraded is None:
            return ngettext(
                "Voted on %(count)s of the newest proposals. For which others it had power is not known here.",
                "Voted on %(count)s of the newest proposals. For which others it had power is not known here.",
                self.voted,
            ) % {"count": self.voted}
        if not of:
            if self.degraded is not None:
                return gettext("It voted on none of the newest proposals. Whether it could have is not known here.")
            return self._none_counts
        if self.degraded is not None:
            # For which others it had power is known of few accounts only.
            text = ngettext(
                "It voted on %(voted)s recent proposal.", "It voted on %(voted)s recent proposals.", self.voted
            )
            return text % {"voted": self.voted}
        return ngettext(
            "Voted on %(voted)s of the last %(count)s proposal for which it had power at the snapshot.",
            "Voted on %(voted)s of the last %(count)s proposals for which it had power at the snapshot.",
            of,
        ) % {"voted": self.voted, "count": of}

    @property
    def _none_counts(self) -> str:
        """Why no vote that it could take part in is over, in words."""
        if self.waiting:
            return gettext("No vote for which it had power at the snapshot has ended yet.")
        if not self.looked_at:
            return gettext("None of the newest proposals counts here: they were canceled, or their vote has not begun.")
        return ngettext(
            "It had no voting power at the snapshot of the newest proposal that counts here.",
            "It had no voting power at the snapshots of the newest %(count)s proposals that count here.",
            self.looked_at,
        ) % {"count": self.looked_at}


def profile(place: DaoView, account: bytes) -> Profile:
    """What the mirror knows of an account; no node is asked. As many queries for a large delegate as for a small."""
    row = AccountPower.objects.filter(dao=place.dao, account=account).first()
    degraded = asked_power.degraded(place.dao)
    looked_at = _cast(place, account)
    return Profile(
        account=account,
        name=place.names.get(account),
        power=row.power if row else 0,
        total=totals(place.dao).power,
        delegators=row.delegators if row else 0,
        named=delegations_to(place.dao, account, most=NAMED),
        to=delegations_of(place.dao, account),
        cast=[cast for cast in looked_at if cast.counts],
        looked_at=len(looked_at),
        changes=_changes(place, account),
        check=checks_of_power(place.dao, [account]).get(account),
        is_power_known=degraded is None and counts_by_snapshot(place),
        degraded=degraded,
        asked=newest_asked(place.dao, account) if degraded else None,
        statement=statements(place, [account]).get(account),
        is_power_confirmed=not unconfirmed.whose_power(place.dao, [account]),
    )


def _cast(place: DaoView, account: bytes) -> list[Cast]:
    newest = Proposal.objects.filter(dao=place.dao).order_by("-created_block", "-id")
    numbers = list(newest.values_list("pk", flat=True)[: 2 * LAST_PROPOSALS])
    rows = [row for row in rows_of(place, numbers) if row.state not in _NOT_COUNTED]
    rows = [row for row in rows if row.proposal.snapshot < place.clock_now][:LAST_PROPOSALS]
    proposals = [row.proposal for row in rows]
    votes = ballots_of(place, account, proposals)
    powers = powers_at_snapshots(place, account, proposals)
    return [
        Cast(row, powers.get(row.proposal.pk), votes.get(row.proposal.pk), row.ends_at < place.clock_now)
        for row in rows
    ]


def _changes(place: DaoView, account: bytes) -> list[Change]:
    found = PowerCheckpoint.objects.filter(dao=place.dao, account=account).select_related("log__unconfirmed")
    newest = found.order_by("-timepoint", *chain_order("log__", newest_first=True))[:LAST_CHANGES]
    return [
        Change(
            row.log.block_timestamp_chain_s,
            row.previous_power,
            row.power,
            bytes(row.log.transaction_hash),
            not hasattr(row.log, "unconfirmed"),
        )
        for row in newest
    ]


@dataclass(frozen=True)
class Drawing:
    """Power over time as steps, for a picture of 1000 by 100: SVG path data, and in words where it ends (`text`) and
    what its sides stand for (`range`)."""

    path: str
    text: str
    range: str


def drawing(place: DaoView, profile_: Profile) -> Drawing | None:
    """Draw the changes of an account's power, the oldest first, up to now; None where there is nothing to draw."""
    changes = profile_.changes[::-1]
    top = max((max(change.before, change.after) for change in changes), default=0)
    if not top:
        return None
    first, now = changes[0].at_chain_s, max(place.now_chain_s, changes[-1].at_chain_s)

    def x(at: int) -> int:
        return (at - first) * 1000 // (now - first) if now > first else 0

    def y(power: int) -> int:
        return 100 - power * 95 // top

    steps = [f"M0 {y(changes[0].before)}"]
    steps += [f"H{x(change.at_chain_s)}V{y(change.after)}" for change in changes]
    said = gettext("%(power)s since %(when)s") % {
        "power": place.votes_asset.text(changes[-1].after, 2), "when": words.moment(changes[-1].at_chain_s),
    }  # fmt: skip
    range_ = gettext("From %(first)s to now; the highest is %(top)s.") % {
        "first": words.moment(first), "top": place.votes_asset.text(top, 2),
    }  # fmt: skip
    return Drawing("".join([*steps, "H1000"]), said, range_)
