# SPDX-License-Identifier: Apache-2.0
"""Proposals while a batch is applied: changed in memory by what events say, and written once at its end."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from governance.chain.call import ProposedCall
from governance.models import Proposal, ProposalAction, ProposalTransition
from governance.projections.events import Event, Kind, raw_of, text_of
from governance.projections.gaps import note_gap
from governance.projections.one_pass import OnePass
from governance.projections.rows import LogRow
from governance.projections.rules import answered_rules

# What ProposalCreated says of a proposal; written anew where a reorg brings it back.
_CREATED_FIELDS = (
    "log", "created_block", "proposer", "description", "description_raw", "title", "snapshot", "deadline",
    "eta_chain_s", "queued", "executed", "canceled", "operation_id", "operation_id_v4", "extra",
)  # fmt: skip


@dataclass
class Pending:
    """A proposal with the changes that are not written yet. `pk` is None while it has no row."""

    pk: int | None
    logs: dict[str, set[int]]  # kind of transition -> the ids of the logs that brought it
    changes: dict[str, Any] = field(default_factory=dict)
    calls: list[ProposedCall] | None = None  # set where the batch creates it
    transitions: list[tuple[str, int]] = field(default_factory=list)
    outdated: set[str] = field(default_factory=set)  # rules whose answers are older than what changed them
    rewritten: list[ProposedCall] | None = None  # calls in place of those it was created with

    def add_transition(self, kind: str, log: LogRow) -> None:
        """Note that a log brought a transition of this kind, once."""
        if log.pk not in self.logs[kind]:
            self.logs[kind].add(log.pk)
            self.transitions.append((kind, log.pk))


class Proposals:
    """The DAO's proposals that a pass has met, by number."""

    def __init__(self, run: OnePass):
        self._run = run
        self._has_timelock = any(c.kind == Kind.TIMELOCK for cs in run.contracts.values() for c in cs)
        self._met: dict[int, Pending | None] = {}

    def load(self, numbers: Iterable[int]) -> None:
        """Read the proposals with these numbers from the database, as far as it has them."""
        missing = [number for number in numbers if number not in self._met]
        if not missing or self._run.anew:
            return
        by_pk = {}
        for pk, number in Proposal.objects.filter(dao=self._run.dao, proposal_id__in=missing).values_list(
            "pk", "proposal_id"
        ):
            self._met[number] = by_pk[pk] = Pending(pk, defaultdict(set))
        rows = ProposalTransition.objects.filter(proposal__in=by_pk).values_list("proposal_id", "kind", "log_id")
        for pk, kind, log_pk in rows:
            by_pk[pk].logs[kind].add(log_pk)
        for number in missing:
            self._met.setdefault(number, None)

    def get(self, number: int) -> Pending | None:
        """Return the proposal with this number; None where its creation was not seen."""
        return self._met.get(number)

    def create(self, number: int, log: LogRow, changes: dict[str, Any], calls: list[ProposedCall]) -> None:
        """Create a proposal with these columns and calls.

        If ProposalCreated is emitted twice for one number, the second replaces the first completely.
        """
        pending = self._met.get(number)
        if pending is None:
            pending = self._met[number] = Pending(None, defaultdict(set))
        pending.changes, pending.calls, pending.rewritten, pending.outdated = changes, calls, None, set()
        pending.add_transition("created", log)
        self._run.recount.add(number)
        self._run.publish("proposal.created", str(number), log)

    def change(self, log: LogRow, event: Event, kind: str, **columns: Any) -> None:
        """Set columns of the event's proposal, and note the transition. A proposal that was never seen is a gap."""
        number = event.args["proposalId"]
        pending = self._met.get(number)
        if pending is None:
            note_gap(self._run.dao, number, log.block_number)
            return
        pending.changes.update(columns)
        # A governor that says the same twice (two ProposalCanceled were seen) gets one outbox entry for it.
        if not pending.logs[kind]:
            self._run.publish(f"proposal.{kind}", str(number), log)
        pending.add_transition(kind, log)

    def add_extra(self, number: int, **more: Any) -> None:
        """Add to what variants of the governor carry of a proposal (`Proposal.extra`)."""
        pending = self._met.get(number)
        if pending is None:
            return
        if "extra" not in pending.changes:
            pending.changes["extra"] = Proposal.objects.values_list("extra", flat=True).get(pk=pending.pk)
        pending.changes["extra"] = {**pending.changes["extra"], **more}

    def ask_again(self, number: int, log: LogRow, *rules: str) -> None:
        """Forget the chain's answers about these rules of a proposal from before this log: the sync asks again.

        Later answers stand, so that folding the log once more asks nothing.
        """
        pending = self._met.get(number)
        if pending is None:
            return
        newer = answered_rules(self._run.dao, [number], since_block=log.block_number)[number]
        pending.outdated |= set(rules) - set(newer)
        if pending.calls is None and pending.outdated:
            self.add_extra(number)
            pending.changes["extra"] = {k: v for k, v in pending.changes["extra"].items() if k not in pending.outdated}
            if "quorum" in pending.outdated:
                pending.changes["quorum_votes"] = None

    def write(self) -> None:
        """Write what changed in proposals since the last time, in a number of statements that doesn't grow with them
        (but for those that were changed and not created)."""
        changed = {n: found for n, found in self._met.items() if found and (found.changes or found.transitions)}
        created = {number: found for number, found in changed.items() if found.calls is not None}
        if created:
            self._write_created(created)
        alike: dict[tuple[str, ...], list[Proposal]] = defaultdict(list)
        for number, pending in changed.items():
            if number not in created:
                if pending.changes:
                    alike[tuple(pending.changes)].append(Proposal(pk=pending.pk, **pending.changes))
                if pending.rewritten is not None:
                    ProposalAction.objects.filter(proposal=pending.pk).delete()
                    ProposalAction.objects.bulk_create(_actions(pending.pk, pending.rewritten))
        for columns, rows in alike.items():
            Proposal.objects.bulk_update(rows, columns)
        ProposalTransition.objects.bulk_create(
            ProposalTransition(proposal_id=pending.pk, kind=kind, log_id=log_pk)
            for pending in changed.values()
            for kind, log_pk in pending.transitions
        )
        for pending in changed.values():
            pending.changes, pending.calls, pending.transitions = {}, None, []
            pending.outdated, pending.rewritten = set(), None

    def _write_created(self, created: dict[int, Pending]) -> None:
        answers = answered_rules(self._run.dao, created)
        rows = []
        for number, pending in created.items():
            rules = answers.get(number, {})
            quorum_votes = rules.pop("quorum", None)
            rules = {name: str(value) for name, value in rules.items() if name not in pending.outdated}
            changes = {**pending.changes, "extra": {**pending.changes["extra"], **rules}}
            if "quorum" in pending.outdated:
                quorum_votes = None
            rows.append(Proposal(dao=self._run.dao, proposal_id=number, quorum_votes=quorum_votes, **changes))
        columns = ["quorum_votes", *_CREATED_FIELDS]
        # Tallies are not among them: they are counted, and a proposal that is created once more keeps its votes.
        Proposal.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["dao", "proposal_id"], update_fields=columns
        )
        came_back = []
        for row, pending in zip(rows, created.values(), strict=True):
            if self._run.anew or pending.pk is not None:
                came_back.append(row.pk)
            pending.pk = row.pk
            self._run.touched[Proposal].add(row.pk)
        if came_back:
            ProposalAction.objects.filter(proposal__in=came_back).delete()
        ProposalAction.objects.bulk_create(
            action
            for row, pending in zip(rows, created.values(), strict=True)
            for action in _actions(row.pk, pending.calls if pending.rewritten is None else pending.rewritten)
        )
        if self._has_timelock:
            self._link_operations([row.pk for row in rows])

    def _link_operations(self, pks: list[int]) -> None:
        with connection.cursor() as cursor:
            # A proposal that is created once more with other calls is not the one that its operation was of.
            cursor.execute(
                """UPDATE governance_timelockoperation o SET proposal_id = NULL FROM governance_proposal p
                   WHERE o.proposal_id = p.id AND p.id = ANY(%s)
                     AND (o.operation_id IN (p.operation_id, p.operation_id_v4)) IS NOT TRUE""",
                [pks],
            )
            cursor.execute(
                """UPDATE governance_timelockoperation o SET proposal_id = p.id FROM governance_proposal p
                   WHERE o.dao_id = %s AND p.id = ANY(%s) AND o.operation_id IN (p.operation_id, p.operation_id_v4)""",
                [self._run.dao.pk, pks],
            )

    def of_operation(self, operation_id: bytes) -> Proposal | None:
        """Return the proposal whose queueing makes this timelock operation. Writes what is pending first."""
        self.write()
        return (
            self._run.seen(Proposal.objects.filter(dao=self._run.dao, operation_id=operation_id)).first()
            or self._run.seen(Proposal.objects.filter(dao=self._run.dao, operation_id_v4=operation_id)).first()
        )


def _actions(proposal: int | None, calls: Iterable[ProposedCall] | None) -> Iterable[ProposalAction]:
    return (
        ProposalAction(
            proposal_id=proposal, position=position, target=call.target, value_wei=call.value_wei,
            signature=text_of(call.signature), signature_raw=raw_of(call.signature), calldata=call.data,
        )
        for position, call in enumerate(calls or ())
    )  # fmt: skip
