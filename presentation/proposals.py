# SPDX-License-Identifier: Apache-2.0
"""Proposals as rows, with a number of queries that does not grow with them.

Values stay as they are inside (ints in base units, bytes); the API and the templates write them out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.db.models import Prefetch
from django.http import Http404
from django.utils.translation import gettext, ngettext

from agent.models import Summary
from governance import unconfirmed
from governance.chain_word import Shown, shown_of
from governance.counting import counting_at
from governance.models import Dao, Proposal, ProposalTransition, RawLog, Vote
from governance.open_proposals import count_of, open_proposals
from governance.state import ProposalFacts, State, counted_votes, proposal_state, quorum_of, vote_ends_at
from presentation import labels, titles
from presentation.checks import chain_notes
from presentation.dao_view import DaoView
from presentation.paging import PAGE


@dataclass
class ProposalRow:
    """A proposal as the list shows it: the chain's word where it was asked and differs (`governance.chain_word`)."""

    proposal: Proposal
    flags: list[dict[str, str]]
    verdict: str
    shown: Shown
    doubted: Sequence[Vote] = ()  # its votes that one node alone shows, with no proof
    reduced: Sequence[tuple[int, int]] = ()  # what one node alone shows as taken from votes: support and base units
    is_doubted: bool = False  # one node alone shows that it was created
    happened: Sequence[ProposalTransition] = ()  # what one node alone shows to have happened to it
    mine: str = ""  # what the reader's account did about it, in words; empty where no account is known

    @property
    def state(self) -> State:
        return self.shown.state

    @property
    def facts(self) -> ProposalFacts:
        return self.shown.facts

    @property
    def for_votes(self) -> int:
        return self.facts.for_votes

    @property
    def against_votes(self) -> int:
        return self.facts.against_votes

    @property
    def abstain_votes(self) -> int:
        return self.facts.abstain_votes

    @property
    def notes(self) -> list[str]:
        """Sentences that say where the chain's word is shown, or where nodes contradict each other."""
        notes = chain_notes(self.shown)
        if self.is_doubted:
            notes.append(gettext("One node alone shows that this was proposed: it is not confirmed."))
        if self.happened:
            what = dict.fromkeys(str(labels.TRANSITIONS.get(step.kind, step.kind)) for step in self.happened)
            notes.append(
                gettext("One node alone shows this of the proposal, and it is not confirmed: %(what)s.")
                % {"what": ", ".join(what)}
            )
        if self.doubted:
            notes.append(
                ngettext(
                    "One node alone shows %(count)s of the votes: it is counted here, and is not confirmed.",
                    "One node alone shows %(count)s of the votes: they are counted here, and are not confirmed.",
                    len(self.doubted),
                )
                % {"count": len(self.doubted)}
            )
        if self.reduced:
            notes.append(
                gettext(
                    "One node alone shows that holders took votes from their delegates: they are taken off here, and "
                    "that is not confirmed."
                )
            )
        return notes

    @property
    def is_state_confirmed(self) -> bool:
        """Whether the state rests on more than the word of one node alone, with no proof."""
        return not (self.is_doubted or self.happened) or "state" in self.shown.words

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
    def is_called_off(self) -> bool:
        """Whether it was canceled or vetoed: its vote then ends otherwise than by its time."""
        return self.state in (State.CANCELED, State.VETOED)

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
        return self.for_votes + self.abstain_votes + self.against_votes

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
    return _rows(place, [proposal])[proposal.pk]


def _rows(place: DaoView, proposals: Collection[Proposal]) -> dict[int, ProposalRow]:
    shown = shown_of(place.dao, place.governor, place.now, proposals)
    doubts = unconfirmed.of_proposals(place.dao, proposals)
    found = {}
    for proposal in proposals:
        summary = summary_of(proposal)
        flags, verdict = (list(summary.flags), summary.verdict) if summary else ([], "")
        votes, reduced = doubts.votes.get(proposal.pk, ()), doubts.reduced.get(proposal.pk, ())
        is_doubted = proposal.pk in doubts.created
        found[proposal.pk] = ProposalRow(
            proposal, flags, verdict, shown[proposal.pk], votes, reduced, is_doubted,
            doubts.happened.get(proposal.pk, ()),
        )  # fmt: skip
    return found


def without_doubts(place: DaoView, row: ProposalRow) -> ProposalRow:
    """Return the row as it is without the votes that one node alone shows, without what they took from others, and
    without what it alone shows to have happened, which stays named: what mails say. The chain's word stands."""
    shown = row.shown
    told = shown.facts
    is_chains = told.counted_by_governor and told.tally_block is not None  # the governor's own sums, not our logs'
    votes_stand = not (row.doubted or row.reduced) or "votes" in shown.words or is_chains
    if votes_stand and not row.happened:
        return row
    facts = told if votes_stand else unconfirmed.without(place.dao, told, row.doubted, row.reduced)
    facts = unconfirmed.without_happened(facts, row.happened)
    state = shown.state if "state" in shown.words else proposal_state(facts, place.now)
    shown = replace(shown, facts=facts, state=state)
    return replace(row, shown=shown) if votes_stand else replace(row, shown=shown, doubted=(), reduced=())


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
    """The rows of proposals in the order of their numbers (primary keys). As many queries for one as for a hundred."""
    found = {row.pk: row for row in _with_summary(Proposal.objects.filter(pk__in=numbers))}
    if not found:
        return []
    rows = _rows(place, found.values())
    return [rows[number] for number in numbers if number in rows]


def proposal_of(place: DaoView, proposal_id: int) -> Proposal:
    """One proposal with its summaries; 404 where the mirror has none."""
    found = None
    if proposal_id < 2**256:
        rows = Proposal.objects.filter(dao=place.dao, proposal_id=proposal_id).select_related("log", "dao")
        found = _with_summary(rows).first()
    if found is None:
        raise Http404("no proposal of this number is mirrored here")
    return found


def is_in_parts(place: DaoView, vote: Vote) -> bool:
    """Whether a vote was counted in parts (fractional counting), so that its support says nothing of its choice."""
    counting = counting_at(place.governor.capabilities, vote.log.block_number)
    return counting.counts_in_parts(vote.support, bytes(vote.params))


def parts_of(place: DaoView, vote: Vote) -> tuple[int, int, int] | None:
    """What a vote in parts added, as (against, for, abstain), in base units; None for others, and where the governor's
    mode does not tell their order."""
    counting = counting_at(place.governor.capabilities, vote.log.block_number)
    if not counting.is_known or not is_in_parts(place, vote):
        return None
    return counting.parts(vote.support, vote.weight, bytes(vote.params))


def parts_in_words(place: DaoView, vote: Vote) -> str:
    """What a vote in parts added to each side, as a sentence; empty for other votes."""
    if not is_in_parts(place, vote):
        return ""
    parts = parts_of(place, vote)
    if parts is None:
        return gettext("In parts, in an order that is not known here.")
    against, in_favour, abstain = (place.votes_asset.text(part, 2) for part in parts)
    text = gettext("In parts: for %(for)s, against %(against)s, abstain %(abstain)s.")
    return text % {"for": in_favour, "against": against, "abstain": abstain}


def executed_with(dao: Dao, logs: Collection[RawLog]) -> dict[bytes, Proposal]:
    """Return the proposals that were executed in the transactions of these logs, by the transaction's hash; none for
    one that executed several. One query."""
    executed = ProposalTransition.objects.filter(
        proposal__dao=dao,
        kind="executed",
        log__dao=dao,  # by its index, which goes by block
        log__block_number__in={log.block_number for log in logs},
        log__transaction_hash__in={bytes(log.transaction_hash) for log in logs},
    )
    found: dict[bytes, list[Proposal]] = {}
    for step in executed.select_related("proposal", "log"):
        found.setdefault(bytes(step.log.transaction_hash), []).append(step.proposal)
    return {transaction: several[0] for transaction, several in found.items() if len(several) == 1}
