# SPDX-License-Identifier: Apache-2.0
"""What the timelock holds back until its delay is over."""

from django.db import models

from governance.fields import Bytes32Field, Uint256Field
from governance.models.chains import Dao
from governance.models.logs import RawLog
from governance.models.proposals import Proposal

__all__ = ["TimelockOperation"]


class TimelockOperation(models.Model):
    """Projection: an operation of the timelock, also one that no proposal made."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE)
    operation_id = Bytes32Field()
    proposal = models.ForeignKey(Proposal, on_delete=models.SET_NULL, null=True, related_name="operations")
    log = models.ForeignKey(RawLog, on_delete=models.CASCADE, related_name="+")
    ready_chain_s = Uint256Field()
    executed = models.BooleanField(default=False)
    canceled = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "operation_id"], name="operation_once")]

    def __str__(self) -> str:
        return self.operation_id.hex()
