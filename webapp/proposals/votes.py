# SPDX-License-Identifier: Apache-2.0
"""The votes on a proposal: as a list with filters, over time, and who of the large has not voted.

A proposal may have a hundred thousand votes. What needs more than a page of them looks at the heaviest `MOST`, and says
so where there are more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext

from governance import asked_power
from governance.clocks import kept
from governance.counting import counting_at
from governance.models import Block, Proposal, Vote
from governance.power import delegates
from presentation import labels
from presentation.dao_view import DaoView, is_never
from presentation.power import counts_by_snapshot
from presentation.proposals import ProposalRow

PAGE = 50
MOST = 500  # votes that filters, the drawing and the absent are taken from: the heaviest
_LARGE = 30  # accounts that hold the most power now, of whom the absent are named
_NAMED = 10  # of the absent
_ROWS = 8  # of the drawing's table
HEIGHT = 160  # of the drawing, 1000 wide


class Heavy(NamedTuple):
    """One of the heaviest votes. `sides`: what it adds against, for and abstain, in base units. `choices`: which it is
    for, or may be: of one in parts several, whatever support it names, and all where their order is not known.
    `moment`: when it was cast by the governor's clock; None where that is not known."""

    pk: int
    voter: bytes
    support: int
    weight: int
    has_reason: bool
    block: int
    at_chain_s: int
    sides: tuple[int, int, int]
    choices: frozenset[int]
    moment: int | None


def heaviest(place: DaoView, proposal: Proposal) -> list[Heavy]:
    """The heaviest votes on a proposal, at most `MOST`, the heaviest first. One query."""
    found = Vote.objects.filter(proposal=proposal).annotate(has_reason=~Q(reason="")).order_by("-weight", "pk")
    rows = found.values_list(
        "pk", "voter", "support", "weight", "params", "has_reason", "log__block_number",
        "log__block_timestamp_chain_s", "log__block_hash",
    )[:MOST]  # fmt: skip
    told = place.governor.capabilities
    l1_blocks = _l1_blocks(place, {bytes(row[-1]): row[-3] for row in rows}) if place.counts_l1_blocks else {}

    heavy = []
    for pk, voter, support, weight, params, has_reason, block, at_chain_s, block_hash in rows:
        counting = counting_at(told, block)
        sides, choices = counting.parts(support, weight, bytes(params)), frozenset({support})
        if counting.counts_in_parts(support, bytes(params)):
            choices = frozenset(side for side in range(3) if sides[side] or not counting.is_known)
        moment = block if place.counts_blocks else at_chain_s
        heavy.append(
            Heavy(
                pk, bytes(voter), support, weight, has_reason, block, at_chain_s, sides, choices,
                l1_blocks.get(bytes(block_hash)) if place.counts_l1_blocks else moment,
            )
        )  # fmt: skip
    return heavy


def _l1_blocks(place: DaoView, numbers: dict[bytes, int]) -> dict[bytes, int]:
    """The chain below's block at each of these blocks (hash -> number) of which that is kept: with blocks of which
    something rarer than a vote was read, and with those that were read near the head."""
    headers = Block.objects.filter(dao=place.dao, number__in=set(numbers.values()), l1_block__isnull=False)
    found = {bytes(block_hash): l1_block for block_hash, l1_block in headers.values_list("hash", "l1_block")}
    return {**found, **kept(place.dao, numbers)}


@dataclass(frozen=True)
class Filter:
    """Which votes a reader wants to see, and in which order."""

    choice: int | None = None
    with_reason: bool = False
    newest: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> Filter:
        """Read it from an address; what is no filter is left out."""
        choice = request.GET.get("choice", "")
        return cls(
            int(choice) if choice in ("0", "1", "2") else None,
            request.GET.get("reasons") == "1",
            request.GET.get("sort") == "new",
        )

    @property
    def is_set(self) -> bool:
        """Whether it is another list than all votes, the heaviest first."""
        return self != Filter()

    @property
    def query(self) -> str:
        """The filter as the end of an address."""
        return (
            ("" if self.choice is None else f"&choice={self.choice}")
            + ("&reasons=1" if self.with_reason else "")
            + ("&sort=new" if self.newest else "")
        )

    @property
    def links(self) -> list[tuple[str, str, bool]]:
        """What a reader may change: the address, its words, and whether the list is so already."""
        shown: list[tuple[str, Filter]] = [(gettext("All"), Filter(None, self.with_reason, self.newest))]
        shown += [
            (str(name), Filter(choice, self.with_reason, self.newest))
            for choice, name in sorted(labels.CHOICES.items(), key=lambda pair: (pair[0] == 2, -pair[0]))
        ]
        found = [(f"?votes=1{one.query}", name, one.choice == self.choice) for name, one in shown]
        reasons = Filter(self.choice, not self.with_reason, self.newest)
        newest = Filter(self.choice, self.with_reason, not self.newest)
        return [
            *found,
            (f"?votes=1{reasons.query}", gettext("With a reason"), self.with_reason),
            (f"?votes=1{newest.query}", gettext("Newest first"), self.newest),
        ]


def page_of_votes(
    proposal: Proposal, *, page: int = 1, size: int = PAGE, wanted: Filter | None = None, heavy: Sequence[Heavy] = ()
) -> tuple[list[Vote], int]:
    """A page of the votes on a proposal, the heaviest first, and how many there are; with a filter of those among
    `heavy` that it takes."""
    found = Vote.objects.filter(proposal=proposal)
    if wanted is not None and wanted.is_set:
        taken = [
            vote
            for vote in heavy
            if (wanted.choice is None or wanted.choice in vote.choices) and (vote.has_reason or not wanted.with_reason)
        ]
        if wanted.newest:
            taken.sort(key=lambda vote: (-vote.at_chain_s, -vote.block, -vote.pk))
        numbers, count = [vote.pk for vote in taken[(page - 1) * size : page * size]], len(taken)
    else:
        # Their numbers first, from the index alone: a page in the middle of a million must not join all that it skips.
        numbers = list(found.order_by("-weight", "pk").values_list("pk", flat=True)[(page - 1) * size : page * size])
        count = found.count()
    rows = {vote.pk: vote for vote in Vote.objects.filter(pk__in=numbers).select_related("log__unconfirmed")}
    return [rows[number] for number in numbers if number in rows], count


@dataclass(frozen=True)
class Absent:
    """A large account that had power at the snapshot and of which no vote was read. Base units of the votes token."""

    account: bytes
    power: int


def absent(place: DaoView, row: ProposalRow, heavy: Sequence[Heavy]) -> list[Absent] | None:
    """Who of the accounts that hold the most power now had power at the snapshot and has not voted, the largest first.
    None where that can't be looked up."""
    proposal = row.proposal
    if not row.vote_began or proposal.snapshot >= place.clock_now or not counts_by_snapshot(place):
        return None
    if asked_power.degraded(place.dao) is not None:
        return None
    large = [one.account for one in delegates(place.dao, most=_LARGE)]
    voted = {vote.voter for vote in heavy}
    if len(heavy) == MOST:  # one who splits its power may have cast many small votes, of which none is among these
        rest = [account for account in large if account not in voted]
        more = Vote.objects.filter(proposal=proposal, voter__in=rest).values_list("voter", flat=True)
        voted |= {bytes(voter) for voter in more}
    powers = _powers_at(place, proposal, [account for account in large if account not in voted])
    found = [Absent(account, power) for account, power in powers.items()]
    return sorted(found, key=lambda one: (-one.power, one.account))[:_NAMED]


def _powers_at(place: DaoView, proposal: Proposal, accounts: Sequence[bytes]) -> dict[bytes, int]:
    """Each account's power at the snapshot; none for those without. One query."""
    if not accounts:
        return {}
    order = "c.timepoint DESC, l.block_number DESC, l.transaction_index DESC, l.log_index DESC"
    with connection.cursor() as sql:
        sql.execute(
            f"""SELECT a.account, c.power FROM unnest(%s::bytea[]) a (account) CROSS JOIN LATERAL (
                    SELECT c.power FROM governance_powercheckpoint c JOIN governance_rawlog l ON l.id = c.log_id
                    WHERE c.dao_id = %s AND c.account = a.account AND c.timepoint <= %s ORDER BY {order} LIMIT 1) c""",  # noqa: S608 -- ours
            [list(accounts), place.dao.pk, int(proposal.snapshot)],
        )
        return {bytes(account): int(power) for account, power in sql.fetchall() if power}


@dataclass(frozen=True)
class Chart:
    """Votes over time, for a picture of 1000 by `HEIGHT`: SVG path data by side, where the quorum and now lie, and the
    same as a table."""

    paths: dict[str, str]
    quorum_y: int | None
    now_x: int | None
    text: str
    starts: str
    ends: str
    rows: list[tuple[str, int, int, int]] = field(default_factory=list)  # until when; for, against, abstain
    height: int = HEIGHT


def chart(place: DaoView, row: ProposalRow, heavy: Sequence[Heavy]) -> Chart | None:
    """Draw the votes by when they were cast, from the snapshot to the end of the vote. None where there is none, where
    the governor's clock does not tell when a vote was cast, and where it counts votes in a way that is not known."""
    if not heavy or not row.vote_began or row.facts.counted_by_governor:
        return None
    begin, now = int(row.proposal.snapshot), place.clock_now
    points = sorted((vote.moment, vote.sides) for vote in heavy if vote.moment is not None)
    if len(points) < len(heavy):
        return None
    end = max(now if is_never(row.ends_at) else row.ends_at, points[-1][0], begin + 1)
    totals = [sum(side) for side in zip(*(sides for _, sides in points), strict=True)]
    quorum = row.quorum_votes
    top = max(*totals, quorum or 0)
    if not top:
        return None

    def x(point: int) -> int:
        return max(0, point - begin) * 1000 // (end - begin)

    def y(votes: int) -> int:
        return HEIGHT - votes * (HEIGHT - 8) // top

    last = min(max(now, points[-1][0]), end)
    paths = {}
    for side, name in enumerate(("against", "for", "abstain")):
        votes, steps = 0, [f"M0 {HEIGHT}"]
        for point, sides in points:
            if sides[side]:
                votes += sides[side]
                steps.append(f"H{x(point)}V{y(votes)}")
        paths[name] = "".join([*steps, f"H{x(last)}"])
    names = ("against", "for", "abstain")
    shown = {name: place.votes_asset.text(total, 2) for name, total in zip(names, totals, strict=True)}
    text = gettext("For rose to %(for)s, against to %(against)s, abstain to %(abstain)s.") % shown
    rows = []
    for part in range(1, _ROWS + 1):
        until = begin + (last - begin) * part // _ROWS
        against, in_favour, abstain = (
            sum(sides[side] for point, sides in points if point <= until) for side in range(3)
        )
        rows.append((place.moment_text(until), in_favour, against, abstain))
    return Chart(
        paths, None if quorum is None else y(quorum), x(now) if begin < now < end else None, text,
        place.moment_text(begin), "" if is_never(row.ends_at) else place.moment_text(end), rows,
    )  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """One of the two things that a vote needs. `is_met`: None where that is not known."""

    is_met: bool | None
    text: str


def rules(place: DaoView, row: ProposalRow) -> list[Rule]:
    """Whether the quorum is reached and whether enough are in favour, as the votes stand, and what is missing."""
    return [_quorum(place, row), _majority(place, row)]


def _quorum(place: DaoView, row: ProposalRow) -> Rule:
    def amount(base_units: int) -> str:
        return place.votes_asset.text(base_units, 2)

    asked, facts = row.quorum_votes, row.facts
    if asked is None:
        return Rule(None, gettext("The quorum could not be read from the chain yet."))
    if facts.quorum_counts_against:
        counted = gettext("all votes count")
    else:
        counted = gettext("for and abstain count") if facts.quorum_counts_abstain else gettext("for alone counts")
    values = {"cast": amount(row.cast), "asked": amount(asked), "counted": counted}
    if row.quorum_reached:
        return Rule(True, gettext("Quorum reached: %(cast)s of %(asked)s (%(counted)s).") % values)
    values["missing"] = amount(asked - row.cast)
    text = gettext("Quorum not reached: %(cast)s of %(asked)s (%(counted)s), %(missing)s are missing.")
    return Rule(False, text % values)


def _majority(place: DaoView, row: ProposalRow) -> Rule:
    facts = row.facts
    if facts.by_module:
        return Rule(None, gettext("A voting module decides this vote by its own rule, which is not known here."))
    if facts.counted_by_governor and facts.tally_block is None:
        return Rule(None, gettext("How this governor counts is not known here."))
    if facts.by_type:
        return _approval(row)
    margin = place.votes_asset.text(abs(row.for_votes - row.against_votes), 2)
    if row.for_votes > row.against_votes:
        return Rule(True, gettext("More for than against, by %(margin)s.") % {"margin": margin})
    if row.for_votes == row.against_votes:
        return Rule(False, gettext("As many for as against: more must be for."))
    return Rule(False, gettext("Fewer for than against, by %(margin)s.") % {"margin": margin})


def _approval(row: ProposalRow) -> Rule:
    asked_bps, cast = row.facts.approval_threshold_bps, row.for_votes + row.against_votes
    if asked_bps is None:
        return Rule(None, gettext("What share must be in favour is not known yet."))
    if not asked_bps:
        return Rule(True, gettext("No share of the votes must be in favour."))
    share_bps = row.for_votes * 10_000 // cast if cast else 0
    values = {"share": _per_cent(share_bps), "asked": _per_cent(asked_bps)}
    text = gettext("%(share)s of for and against are for; it takes %(asked)s.")
    return Rule(bool(cast) and share_bps >= asked_bps, text % values)


def _per_cent(share_bps: int) -> str:
    whole, rest = divmod(share_bps, 100)
    return f"{whole}.{rest:02d} %" if rest else f"{whole} %"


def context(
    request: HttpRequest, place: DaoView, row: ProposalRow, page: int, heavy: Sequence[Heavy]
) -> dict[str, Any]:
    """What the page shows of the votes."""
    wanted = Filter.of(request)
    votes, count = page_of_votes(row.proposal, page=page, wanted=wanted, heavy=heavy)
    in_all = count if not wanted.is_set else Vote.objects.filter(proposal=row.proposal).count()
    return {
        "votes": votes,
        "votes_count": in_all,
        "found_count": count if wanted.is_set else None,
        "looked_at": MOST if in_all > MOST else None,
        "wanted": wanted,
        "page": page,
        "pages": max(1, -(-count // PAGE)),
        "query": wanted.query,
        "chart": chart(place, row, heavy),
        "rules": rules(place, row),
        "absent": absent(place, row, heavy),
    }
