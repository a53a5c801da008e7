# SPDX-License-Identifier: Apache-2.0
"""Fold a DAO's stored logs again: after a reorg those that few logs change, on demand everything."""

from collections.abc import Iterable
from itertools import islice

from django.db.models import QuerySet

from governance.models import (
    MANY_TOPICS,
    AccountPower,
    Act,
    CurrentDelegation,
    Dao,
    Delegation,
    ModuleState,
    Objection,
    PartialDelegation,
    PolicyVersion,
    PowerCheckpoint,
    PowerTotal,
    Proposal,
    ProposalTransition,
    RawLog,
    TimelockOperation,
    TreasuryFlow,
    Vote,
    chain_order,
)
from governance.projections import events
from governance.projections.batch import LIFECYCLE, PER_LOG
from governance.projections.fold import Projector
from governance.projections.one_pass import Unread

# Rows of one log each, and those that say what the newest of them says.
_PER_LOG_ROWS = (
    Vote, Delegation, PartialDelegation, PowerCheckpoint, TreasuryFlow, AccountPower, CurrentDelegation, PowerTotal,
)  # fmt: skip


def refold(dao: Dao) -> list[tuple[tuple[int, int, int], tuple[str, str, int]]]:
    """Fold all logs of governor, timelock and modules again (not the votes), after some were dropped.

    Returns every outbox entry (topic, key, block number) that these logs should have produced, with its log's place.
    """
    _reset_changing_rows(dao)
    projector = Projector(dao, anew=True)
    addresses = [c.address for c in dao.contracts.filter(kind__in=LIFECYCLE)]
    logs = RawLog.objects.filter(address__in=addresses, topic0__in=_folded_again()).exclude(topic0__in=MANY_TOPICS)
    projector.apply(_in_order(dao, logs))
    _drop_what_no_log_makes(dao, projector)
    return projector.news_by_place


def rebuild(dao: Dao) -> Unread:
    """Drop all projections of a DAO and make them anew from raw logs and stored answers; needs no node.

    Proposals and acts keep their row ids (the layers above refer to them). To be called in one transaction that holds
    the DAO's cursor; adds nothing to the outbox: nothing happened.
    """
    for model in _PER_LOG_ROWS:
        model.objects.filter(dao=dao).delete()
    _reset_changing_rows(dao)
    projector = Projector(dao, anew=True)
    logs = iter(_in_order(dao, RawLog.objects.all()))
    while part := list(islice(logs, 5000)):
        projector.apply(part)
    _drop_what_no_log_makes(dao, projector)
    return projector.unread


def _folded_again() -> list[bytes]:
    """Return the topics of the events of which a DAO has few. The rows of the others fall with their log: nothing needs
    doing."""
    known = (layout for kind in LIFECYCLE for layout in events.layouts(kind).values())
    return sorted({layout.topic0 for layout in known if layout.name not in PER_LOG})


def _in_order(dao: Dao, logs: QuerySet[RawLog]) -> Iterable[RawLog]:
    return logs.filter(dao=dao).order_by(*chain_order()).iterator(chunk_size=5000)


def _reset_changing_rows(dao: Dao) -> None:
    ProposalTransition.objects.filter(proposal__dao=dao).delete()
    Objection.objects.filter(act__dao=dao).delete()
    TimelockOperation.objects.filter(dao=dao).update(executed=False, canceled=False)
    ModuleState.objects.filter(module__dao=dao).update(paused=False, pause_epoch=0, guardian=None, log=None)


def _drop_what_no_log_makes(dao: Dao, projector: Projector) -> None:
    for model in (Proposal, TimelockOperation, PolicyVersion, Act):
        model.objects.filter(dao=dao).exclude(pk__in=projector.touched[model]).delete()
