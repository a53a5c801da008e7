# SPDX-License-Identifier: Apache-2.0
"""What the chain answered about its state, kept to be shown."""

from django.db import models

from governance.fields import AddressField, Bytes32Field
from governance.models.chains import Dao

__all__ = ["ChainReading"]


class ChainReading(models.Model):
    """A contract's answer at a block, raw: what the treasury holds, a policy's state, what is spent of a budget,
    what the accounts hold that pay for gas.

    Of each thing asked the newest answer (`governance.readings`), so that pages ask no node. An answer falls with its
    block in a reorg. `address` is the asset (20 zero bytes: the native currency) or the policy module; `key` is the
    policy's id, the budget's key or, of balances, the treasury's address where it is not the first one that the mirror
    follows; else 32 zero bytes.
    """

    class Kind(models.TextChoices):
        BALANCE = "balance"
        POLICY = "policy"
        RING = "ring"
        ENABLED = "enabled"  # what a module's treasury says of the module
        OWNER = "owner"  # whom the module answers to
        GAS = "gas"  # what an account that pays for gas holds; `key` says what it is (governance.site_keys)

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    address = AddressField()
    key = Bytes32Field(default=bytes(32))
    value = models.BinaryField()
    block_number = models.BigIntegerField()
    block_hash = Bytes32Field()
    block_timestamp_chain_s = models.BigIntegerField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "kind", "address", "key"], name="chain_reading_once")]

    def __str__(self) -> str:
        return f"{self.kind} at block {self.block_number}"
