# SPDX-License-Identifier: Apache-2.0
"""Raw logs -> projections: a fold over logs in chain order that can be done again.

Two sorts of rows. One row per log (votes, delegations, checkpoints, flows, objections, transitions): it falls with its
log by cascade, nothing else needs doing. One row per thing that several logs change (proposals, operations, policies,
acts, a module's state): its handlers set everything they own, so that folding the remaining logs again after a reorg
gives the same rows as if the dropped logs had never existed (`again`). Votes are many, so they are not folded again:
their tallies are summed in PostgreSQL (`tallies`).

Each subject has a file of its own with a table of handlers by event name; `Projector` brings them together.
"""

from collections.abc import Iterable

from governance import clocks
from governance.models import Dao, RawLog
from governance.projections.acts import ModuleEvents
from governance.projections.assets import AssetEvents
from governance.projections.batch import PER_LOG, Batch
from governance.projections.events import Undecodable
from governance.projections.one_pass import Handler, OnePass, Part, Unread
from governance.projections.proposal_events import ProposalEvents
from governance.projections.proposals import Proposals
from governance.projections.rows import row_of
from governance.projections.timelock import TimelockEvents
from governance.projections.votes import VoteEvents


class Projector:
    """Applies logs of one DAO, in chain order, inside the caller's transaction. One instance per transaction.

    A batch is applied as a whole: what many logs bring one row each (votes above all) goes by COPY, what few logs
    change (proposals) is changed in memory and written once. `anew` is explained at `OnePass`.
    """

    def __init__(self, dao: Dao, *, anew: bool = False):
        self._run = OnePass(dao, anew=anew)
        self._proposals = Proposals(self._run)
        self._votes, self._assets = VoteEvents(self._run), AssetEvents(self._run)
        self.parts: tuple[Part, ...] = (
            ProposalEvents(self._run, self._proposals),
            self._votes,
            self._assets,
            TimelockEvents(self._run, self._proposals),
            ModuleEvents(self._run),
        )
        self.handlers: dict[str, Handler] = {
            name: handler for part in self.parts for name, handler in part.handlers.items()
        }

    @property
    def news(self) -> list[tuple[str, str, int]]:
        """Return the outbox entries (topic, key, block number) of what happened, in chain order."""
        return self._run.news

    @property
    def news_by_place(self) -> list[tuple[tuple[int, int, int], tuple[str, str, int]]]:
        """Return the same with the place of the log that tells each."""
        return self._run.news_by_place

    @property
    def touched(self) -> dict[type, set[int]]:
        """The ids of the rows that were written, by model."""
        return self._run.touched

    @property
    def unread(self) -> Unread:
        """What could not be understood so far."""
        return self._run.unread

    def apply(self, logs: Iterable[RawLog]) -> None:
        """Project stored logs, in chain order."""
        source, l1_blocks = self._run.source, {}
        if source.elsewhere:
            logs = list(logs)
            l1_blocks = clocks.kept(self._run.dao, (bytes(log.block_hash) for log in logs))
        self.write(Batch(source, l1_blocks=l1_blocks).read(map(row_of, logs)))

    def write(self, batch: Batch) -> None:
        """Write what logs bring, as `Batch.read` found it."""
        run = self._run
        run.batch = batch
        for contract, log, error in batch.undecodable:
            run.note_undecodable(contract, log, error)
        for name, count in batch.unknown.items():
            run.unread.unknown[name] += count
        later = [entry for entry in batch.later if entry[2].name in self.handlers]
        self._proposals.load(
            {e.args["proposalId"] for _, _, e in later if "proposalId" in e.args and e.name not in PER_LOG}
        )
        for contract, log, event in later:
            try:
                self.handlers[event.name](contract, log, event)
            except Undecodable as error:
                run.note_undecodable(contract, log, error)
        self._proposals.write()
        self._votes.write()
        self._assets.write(run.end_batch())
