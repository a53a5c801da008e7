# SPDX-License-Identifier: Apache-2.0
"""Operations of a TimelockController: scheduled, executed, cancelled, and the proposal each belongs to."""

from collections.abc import Mapping
from typing import Any

from governance.fields import UINT256_MAX
from governance.models import Contract, TimelockOperation
from governance.projections.events import Event
from governance.projections.one_pass import Handler, OnePass
from governance.projections.proposals import Proposals
from governance.projections.rows import LogRow


class TimelockEvents:
    """Applies the events of timelocks."""

    def __init__(self, run: OnePass, proposals: Proposals):
        self._run, self._proposals = run, proposals
        self.handlers: Mapping[str, Handler] = {
            "CallScheduled": self._scheduled,
            "CallExecuted": self._executed,
            "Cancelled": self._cancelled,
        }

    def _scheduled(self, _contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        if a["index"]:
            return  # one log per call of the batch; the operation is made by the first
        operation, _ = TimelockOperation.objects.update_or_create(
            dao=self._run.dao,
            operation_id=a["id"],
            defaults={
                "proposal": self._proposals.of_operation(a["id"]),
                "log_id": log.pk,
                "ready_chain_s": min(log.block_timestamp_chain_s + a["delay"], UINT256_MAX),
                "executed": False,
                "canceled": False,
            },
        )
        self._run.touched[TimelockOperation].add(operation.pk)

    def _executed(self, _contract: Contract, _log: LogRow, event: Event) -> None:
        self._set(event, executed=True)

    def _cancelled(self, _contract: Contract, _log: LogRow, event: Event) -> None:
        self._set(event, canceled=True)

    def _set(self, event: Event, **columns: Any) -> None:
        operations = TimelockOperation.objects.filter(dao=self._run.dao, operation_id=event.args["id"])
        self._run.seen(operations).update(**columns)
