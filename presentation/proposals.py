# SPDX-License-Identifier: Apache-2.0
"""Proposals as rows, with a number of queries that does not grow with them.

Values stay as they are inside (ints in base units, bytes); the API and the templates write them out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Prefetch
from django.http import Http404

from agent.models import Summary
from governance.models import Proposal
from governance.open_proposals import count_of, open_proposals
from governance.state import ProposalFacts, State, counted_votes, facts_of, proposal_state, quorum_of, vote_ends_at
from presentation import labels, titles
from presentation.dao_view import DaoView
from presentation.paging import PAGE


@dataclass
class ProposalRow:
    """A proposal as the list shows it."""

    proposal: Proposal
    state: State
    flags: list[dict[str, str]]
    verdict: str
    facts: ProposalFacts

    @property
    def quorum_votes(self) -> int | None:
        """What the quorum asks for now; None where the chain has not told."""
        return quorum_of(self.facts)

    @property
    def title(self) -> str:
        """One line that names it; never empty."""
        return titles.title_of(self.proposal.description, self.proposal.proposal_id)

    @property
    def ends_at(self) -> int:
        """The last timepoint of the governor's clock at which votes are taken, as things are now."""
        return vote_ends_at(self.facts, self.state)

    @property
    def vote_began(self) -> bool:
        """Whether there can be votes: before, an empty tally and a quorum of 0 % would say nothing."""
        return self.state not in (State.PENDING, State.UPDATABLE)

    @property
    def state_name(self) -> str:
        return str(self.state.value)

    @property
    def state_text(self) -> str:
        """The state in words."""
        return str(labels.STATES[self.state])

    @property
    def cast(self) -> int:
        """Votes that count towards the quorum: for and abstain, or others where the governor counts so."""
        return counted_votes(self.facts)

    @property
    def total(self) -> int:
        return self.proposal.for_votes + self.proposal.abstain_votes + self.proposal.against_votes

    @property
    def quorum_reached(self) -> bool:
        return self.quorum_votes is not None and self.cast >= self.quorum_votes


def _with_summary(proposals):
    return proposals.prefetch_related(
        "operations", Prefetch("summaries", Summary.objects.order_by("-created_at", "-id"), to_attr="recent_summaries")
    )


def summary_of(proposal: Proposal) -> Summary | None:
    """The newest summary of a proposal that was read with `_with_summary`."""
    return proposal.recent_summaries[0] if proposal.recent_summaries else None


def proposal_row(place: DaoView, proposal: Proposal) -> ProposalRow:
    """The row of one proposal, its state by the chain's clock at the last block read."""
    summary = summary_of(proposal)
    facts = facts_of(proposal, place.governor)
    return ProposalRow(
        proposal,
        proposal_state(facts, place.now),
        list(summary.flags) if summary else [],
        summary.verdict if summary else "",
        facts,
    )


def page_of_proposals(
    place: DaoView, *, only_open: bool = False, page: int = 1, size: int = PAGE
) -> tuple[list[ProposalRow], int]:
    """A page of proposals and how many there are in all: the newest first, or (`only_open`) in the order of
    `open_proposals`. As many queries for 10 rows as for 100."""
    start, stop = (page - 1) * size, page * size
    if only_open:
        found = open_proposals(place.dao, place.one("governor"), place.now)
        count = sum(count_of(numbers) for numbers in (found.voting, found.coming, found.decided))
        return rows_of(place, found.page(start, stop)), count
    all_of_them = Proposal.objects.filter(dao=place.dao)
    newest = all_of_them.order_by("-created_block", "-id").values_list("pk", flat=True)
    # Their numbers first, from the index alone: the last page of thousands must not read all texts before it.
    return rows_of(place, list(newest[start:stop])), all_of_them.count()


def latest_but(place: DaoView, shown: Collection[int], size: int) -> list[int]:
    """The numbers (primary keys) of the newest proposals that are not among `shown`."""
    others = Proposal.objects.filter(dao=place.dao).exclude(pk__in=shown)
    return list(others.order_by("-created_block", "-id").values_list("pk", flat=True)[:size])


def rows_of(place: DaoView, numbers: Sequence[int]) -> list[ProposalRow]:
    """The rows of proposals in the order of their numbers (primary keys). Three queries."""
    found = {row.pk: row for row in _with_summary(Proposal.objects.filter(pk__in=numbers))}
    return [proposal_row(place, found[number]) for number in numbers if number in found]


def proposal_of(place: DaoView, proposal_id: int) -> Proposal:
    """One proposal with its summaries; 404 where the mirror has none."""
    found = None
    if proposal_id < 2**256:
        rows = Proposal.objects.filter(dao=place.dao, proposal_id=proposal_id).select_related("log", "dao")
        found = _with_summary(rows).first()
    if found is None:
        raise Http404("no proposal of this number is mirrored here")
    return found
