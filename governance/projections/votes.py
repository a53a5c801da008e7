# SPDX-License-Identifier: Apache-2.0
"""Votes: a row for each, written by COPY, and their sums in the proposals' tallies."""

from collections.abc import Mapping

from governance import bulk
from governance.models import Contract, Proposal
from governance.projections.events import Event
from governance.projections.gaps import note_gaps
from governance.projections.one_pass import Handler, OnePass
from governance.projections.rows import LogRow
from governance.projections.tallies import add_to_tallies, count_votes, link_votes

_COLUMNS = (
    "dao_id", "proposal_id", "onchain_proposal_id", "log_id", "voter", "support", "weight", "reason", "params",
)  # fmt: skip


class VoteEvents:
    """Applies the events that cast votes, and those that take from votes cast before."""

    def __init__(self, run: OnePass):
        self._run = run
        self.handlers: Mapping[str, Handler] = {
            "VoteCast": self._cast,
            "VoteCastWithParams": self._cast,
            "OverrideVoteCast": self._cast,
            "VoteReduced": self._reduced,
        }

    def _cast(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        # GovernorAlpha's support is a bool, and it takes no reasons.
        self._run.batch.add_vote(
            contract,
            *log,
            a["proposalId"],
            a["voter"],
            int(a["support"]),
            a["weight"],
            a.get("reason", b""),
            a.get("params", b""),
        )

    def _reduced(self, _contract: Contract, _log: LogRow, event: Event) -> None:
        self._run.recount.add(event.args["proposalId"])  # `tallies` reads what was taken from the raw logs

    def write(self) -> None:
        """Write the batch's votes, and the tallies of their proposals."""
        dao, votes, recount = self._run.dao, self._run.batch.votes, self._run.recount
        numbers = votes.keys() | recount
        if not numbers:
            return
        if recount:
            link_votes(dao, recount)
        found = Proposal.objects.filter(dao=dao, proposal_id__in=numbers).values_list("proposal_id", "pk")
        pks = dict(found)
        pieces = []
        for number, of_one in votes.items():
            # Each line begins with what is the same for all votes of its proposal.
            begin = f"{dao.pk}\t{pks.get(number, bulk.NULL)}\t{number}\t"
            pieces.append(begin + f"\n{begin}".join(of_one.lines))
        bulk.copy_lines("governance_vote", _COLUMNS, pieces)
        # A proposal that was created in this batch may have votes from before, so its votes are summed; to others only
        # these votes are added.
        add_to_tallies(dao, {number: votes[number].tally for number in votes.keys() - recount})
        if recount:
            count_votes(dao, recount)
        if recount or votes.keys() - pks.keys():
            note_gaps(dao)
        self._run.recount = set()
