# SPDX-License-Identifier: Apache-2.0
"""What tokens' events say: delegations, voting power, and what came into the treasury and left it."""

from collections.abc import Mapping

from governance import bulk
from governance.models import WHOLE_BPS, Contract, PartialDelegation, TreasuryFlow
from governance.projections import power_now
from governance.projections.batch import Batch
from governance.projections.events import Event, Kind, bounded
from governance.projections.one_pass import Handler, OnePass
from governance.projections.rows import LogRow


class AssetEvents:
    """Applies delegations and transfers. Most delegations are read in `batch`, and all of the voting power."""

    def __init__(self, run: OnePass):
        self._run = run
        self._treasuries = {c.address for cs in run.contracts.values() for c in cs if c.kind == Kind.TREASURY}
        self._flows: list[TreasuryFlow] = []
        self._partial: list[PartialDelegation] = []
        self.handlers: Mapping[str, Handler] = {
            "DelegateChanged": self._delegate_changed,
            "Transfer": self._transfer,
        }

    def _delegate_changed(self, contract: Contract, log: LogRow, event: Event) -> None:
        """To several delegates at once (ERC20VotesPartialDelegation). What is delegated to one is read in `batch`."""
        a, batch = event.args, self._run.batch
        if "newDelegates" not in a:
            batch.add_delegation(contract, log.pk, 0, log.log, a["delegator"], a["fromDelegate"], a["toDelegate"])
            return
        shares = [(to, bounded(share, WHOLE_BPS)) for to, share in a["newDelegates"]]
        # The first of the largest share stands where one delegate is asked for.
        old, new = (
            max(parts, key=lambda part: part[1], default=(bytes(20), 0))[0] for parts in (a["oldDelegates"], shares)
        )
        batch.add_delegation(contract, log.pk, 0, log.log, a["delegator"], old, new, shares)
        self._partial += [
            PartialDelegation(
                dao=self._run.dao, log_id=log.pk, position=position, delegator=a["delegator"], delegate=to,
                share_bps=share,
            )
            for position, (to, share) in enumerate(shares)
        ]  # fmt: skip

    def _transfer(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        outgoing = a["from"] in self._treasuries
        if outgoing or a["to"] in self._treasuries:
            self._flows.append(
                TreasuryFlow(
                    dao=self._run.dao, log_id=log.pk, asset=contract.address, amount=a["value"], outgoing=outgoing,
                    counterparty=a["to"] if outgoing else a["from"], at_chain_s=log.block_timestamp_chain_s,
                )
            )  # fmt: skip

    def write(self, batch: Batch) -> None:
        """Write the batch's delegations, voting power and treasury flows."""
        bulk.copy_lines(
            "governance_delegation", ("dao_id", "log_id", "delegator", "from_delegate", "to_delegate"),
            batch.delegations,
        )  # fmt: skip
        bulk.copy_lines(
            "governance_powercheckpoint",
            ("dao_id", "log_id", "account", "timepoint", "previous_power", "power"),
            batch.checkpoints,
        )
        PartialDelegation.objects.bulk_create(self._partial, batch_size=2000)
        TreasuryFlow.objects.bulk_create(self._flows, batch_size=2000)
        self._partial, self._flows = [], []
        power_now.write(self._run.dao, batch.powers, batch.delegated)
