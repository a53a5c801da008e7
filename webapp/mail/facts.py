# SPDX-License-Identifier: Apache-2.0
"""Whether news are so, on the chain as the mirror has it now, and whether they still matter."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from governance.models import Act, Cursor, Dao, ModuleState, Proposal, ProposalTransition, RawLog, Vote
from governance.state import State
from policies.notation.hexadecimal import hex_bytes
from presentation.acts import MAY_BE_STOPPED
from presentation.dao_view import DaoView
from presentation.proposals import ProposalRow, rows_of, without_doubts
from webapp.mail.kinds import MILESTONES, OF_PROPOSALS, Kind

_STEPS = {
    Kind.QUEUED: "queued", Kind.EXECUTED: "executed", Kind.CANCELED: "canceled", Kind.VETOED: "vetoed",
}  # fmt: skip
_ENDS = {
    Kind.ACT_EXECUTED: Act.Status.EXECUTED,
    Kind.ACT_RELEASED: Act.Status.RELEASED,
    Kind.ACT_KILLED: Act.Status.KILLED,
    Kind.ACT_VETOED: Act.Status.VETOED,
    Kind.ACT_VOIDED: Act.Status.VOIDED,
}
_VOTING = (State.ACTIVE, State.OBJECTION_PERIOD)
_PASSED = (State.SUCCEEDED, State.QUEUED, State.EXECUTED, State.EXPIRED)
_DAY_S = 86_400


def next_block(dao: Dao) -> int | None:
    """The first block that is not there yet, as far as the mirror knows; None where it knows of none."""
    newest = Cursor.objects.filter(dao=dao).values_list("node_head_block", flat=True).first()
    return newest + 1 if newest else None


def number_of(kind: Kind, key: str) -> int:
    """The number of the proposal that news of a proposal are about."""
    assert kind in OF_PROPOSALS
    return int(key.partition(":")[0])


def acts_of(place: DaoView, key: str) -> QuerySet[Act]:
    """The act of an outbox key, `policy:number`."""
    policy, _, number = key.rpartition(":")
    return Act.objects.filter(dao=place.dao, number=int(number), policy_id=hex_bytes(policy))


def row_of(place: DaoView, number: int) -> ProposalRow | None:
    """A proposal as mails show it; None where the mirror has none of this number, or one node alone shows it."""
    found = Proposal.objects.filter(dao=place.dao, proposal_id=number).values_list("pk", flat=True)
    rows = rows_of(place, list(found))
    return None if not rows or rows[0].is_doubted else without_doubts(place, rows[0])


def happened(place: DaoView, kind: Kind, key: str) -> bool:
    """Whether the mirror has it, on the chain as it is now. What it can't tell for certain counts as it was told."""
    match kind:
        case Kind.CREATED | Kind.JUDGED:
            return Proposal.objects.filter(dao=place.dao, proposal_id=number_of(kind, key)).exists()
        case Kind.ACT_SCHEDULED | Kind.MAY_VETO:
            return acts_of(place, key).exclude(act_id=None).exists()  # performed at once, it was never scheduled
        case Kind.PAUSED | Kind.UNPAUSED:
            return _paused_so_often(place, kind, key)
        case Kind.DELEGATE_VOTED:
            return votes_of_delegate(place, key).exists()
        case Kind.MAY_QUEUE | Kind.MAY_EXECUTE:
            return Proposal.objects.filter(dao=place.dao, proposal_id=number_of(kind, key)).exists()
    if step := _STEPS.get(kind):
        return _steps(place, number_of(kind, key), step).exists()
    if status := _ENDS.get(kind):
        return acts_of(place, key).filter(status=status).exists()
    row = row_of(place, number_of(kind, key))
    if row is None:
        return False
    return bool(in_doubt([row.proposal.pk])) or holds(place, kind, row) is not False


def is_current(place: DaoView, kind: Kind, key: str, account: bytes | None) -> bool:
    """Whether what happened still matters to whoever reads of it now."""
    match kind:
        case Kind.ACT_SCHEDULED | Kind.MAY_VETO:
            return acts_of(place, key).filter(MAY_BE_STOPPED).exists()
        case Kind.PAUSED | Kind.UNPAUSED:
            state = _module(place, key)
            return state is not None and state.paused == (kind is Kind.PAUSED)
        case Kind.QUEUED | Kind.OPENED | Kind.LAST_DAY | Kind.QUORUM | Kind.MAY_QUEUE | Kind.MAY_EXECUTE:
            row = row_of(place, number_of(kind, key))
            return row is not None and _matters(place, kind, key, row, account)
    return True


def _matters(place: DaoView, kind: Kind, key: str, row: ProposalRow, account: bytes | None) -> bool:
    match kind:
        case Kind.QUEUED:
            return row.state is State.QUEUED
        case Kind.MAY_QUEUE | Kind.MAY_EXECUTE:
            return next_step(place, row) is kind
        case Kind.LAST_DAY:
            if row.state not in _VOTING or place.seconds_until(row.ends_at) <= 0:
                return False
            if key != _last_day_key(row):
                return False  # the end has moved: another day is the last
            return account is None or not has_voted(row.proposal, account)
    return row.state in _VOTING


def doubt(place: DaoView, kind: Kind, key: str) -> bool:
    """Whether one node alone shows it: who stops looking at an act must not do so by one node's word."""
    if kind in (Kind.PAUSED, Kind.UNPAUSED):
        state = _module(place, key)
        return state is not None and state.module_id in place.doubted_pauses
    if kind in _ENDS:
        logs = RawLog.objects.filter(unconfirmed__isnull=False)
        return acts_of(place, key).filter(final_log__in=logs).exists()
    return False


def is_in_doubt(place: DaoView, kind: Kind, key: str) -> bool:
    """Whether the log that tells it is one node's word alone now: it may be told once that is settled."""
    unsettled = {"log__unconfirmed__isnull": False}
    if kind is Kind.CREATED:
        number = number_of(kind, key)
        return Proposal.objects.filter(dao=place.dao, proposal_id=number, **unsettled).exists()
    if kind is Kind.DELEGATE_VOTED:
        return _votes(place, key).filter(**unsettled).exists()
    if step := _STEPS.get(kind):
        return _transitions(place, number_of(kind, key), step).filter(**unsettled).exists()
    return doubt(place, kind, key)


def has_voted(proposal: Proposal, account: bytes) -> bool:
    """Whether a vote of the account was read that more than one node's word shows."""
    return Vote.objects.filter(proposal=proposal, voter=account, log__unconfirmed=None).exists()


def votes_of_delegate(place: DaoView, key: str) -> QuerySet[Vote]:
    """The votes of a key `number:delegate` that more than one node's word shows."""
    return _votes(place, key).filter(log__unconfirmed=None)


def _votes(place: DaoView, key: str) -> QuerySet[Vote]:
    number, _, delegate = key.partition(":")
    return Vote.objects.filter(dao=place.dao, onchain_proposal_id=int(number), voter=hex_bytes(delegate))


def next_step(place: DaoView, row: ProposalRow) -> Kind | None:
    """What the chain lets somebody do next about a proposal that passed; None where it waits, or is over."""
    if row.state is State.QUEUED and (row.proposal.eta_chain_s or 0) <= place.now_chain_s:
        return Kind.MAY_EXECUTE
    if row.state is not State.SUCCEEDED:
        return None
    return Kind.MAY_QUEUE if place.one("timelock") else Kind.MAY_EXECUTE


# --- milestones of a vote


def _steps(place: DaoView, number: int, step: str) -> QuerySet[ProposalTransition]:
    return _transitions(place, number, step).filter(log__unconfirmed=None)


def _transitions(place: DaoView, number: int, step: str) -> QuerySet[ProposalTransition]:
    return ProposalTransition.objects.filter(proposal__dao=place.dao, proposal__proposal_id=number, kind=step)


def _last_day_key(row: ProposalRow) -> str:
    return f"{row.proposal.proposal_id}:{row.ends_at}"


def in_doubt(proposals: Collection[int]) -> set[int]:
    """Those of these proposals (primary keys) of which one node alone shows a step: it may have made up their state."""
    steps = ProposalTransition.objects.filter(proposal__in=proposals, log__unconfirmed__isnull=False)
    return set(steps.values_list("proposal_id", flat=True))


def milestone_key(kind: Kind, row: ProposalRow) -> str:
    """The key of a milestone. An end that moves has another last day."""
    return _last_day_key(row) if kind is Kind.LAST_DAY else str(row.proposal.proposal_id)


def holds(place: DaoView, kind: Kind, row: ProposalRow) -> bool | None:
    """Whether a vote has come to a milestone, by what more than one node shows; None where that can't be told."""
    state = row.state
    assert kind in MILESTONES
    match kind:
        case Kind.OPENED:
            return row.vote_began and row.proposal.snapshot < place.clock_now
        case Kind.QUORUM:
            return None if row.quorum_votes is None or state is State.UNKNOWN else row.vote_began and row.quorum_reached
        case Kind.LAST_DAY:
            return state in _VOTING and 0 < place.seconds_until(row.ends_at) <= _reminder_s(place, row)
    if state in _PASSED:
        return kind is Kind.PASSED
    if state is State.DEFEATED:
        return kind is Kind.FAILED
    # What was decided and canceled since was decided all the same.
    return None if state in (State.CANCELED, State.VETOED, State.UNKNOWN) else False


def _reminder_s(place: DaoView, row: ProposalRow) -> float:
    """How long before the end the last day begins: a day, and for a short vote half of it."""
    whole_s = place.seconds_until(row.ends_at) - place.seconds_until(row.proposal.snapshot)
    return min(_DAY_S, whole_s / 2)


# --- pauses


def _module(place: DaoView, key: str) -> ModuleState | None:
    address, _, _ = key.rpartition(":")
    return next(
        (one for one in place.module_states.values() if bytes(one.module.address) == hex_bytes(address)), None
    )  # fmt: skip


def _paused_so_often(place: DaoView, kind: Kind, key: str) -> bool:
    """Whether the module's count of pauses has come to that of the news."""
    state, epoch = _module(place, key), int(key.rpartition(":")[2])
    if state is None or state.pause_epoch < epoch:
        return False
    return kind is Kind.PAUSED or state.pause_epoch > epoch or not state.paused
