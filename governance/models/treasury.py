# SPDX-License-Identifier: Apache-2.0
"""What came into the treasury and left it."""

from typing import Any

from django.db import models

from governance.fields import AddressField, Uint256Field
from governance.models.chains import Dao
from governance.models.logs import RawLog

__all__ = ["TreasuryFlow"]


class TreasuryFlow(models.Model):
    """Projection: an ERC-20 or ether movement into or out of the treasury. `asset` is 20 zero bytes for ether."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE)
    log = models.OneToOneField(RawLog, on_delete=models.CASCADE, related_name="+")
    asset = AddressField()
    counterparty = AddressField()
    amount = Uint256Field()
    outgoing = models.BooleanField()
    at_chain_s = models.BigIntegerField()  # the log's, so that the newest are found without the logs of all

    class Meta:
        indexes = [models.Index(fields=["dao", "-at_chain_s"], name="treasury_flow_newest_first")]

    def __str__(self) -> str:
        return f"{'out' if self.outgoing else 'in'} {self.amount}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it with its log's time."""
        if self.at_chain_s is None:
            self.at_chain_s = self.log.block_timestamp_chain_s
        super().save(*args, **kwargs)
