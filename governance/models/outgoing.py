# SPDX-License-Identifier: Apache-2.0
"""The transactions that we send."""

from django.db import models
from django.utils import timezone

from governance.fields import AddressField, Bytes32Field, Uint256Field
from governance.models.chains import Chain

__all__ = ["OutgoingTransaction"]


class OutgoingTransaction(models.Model):
    """The journal of what we send: signed bytes are stored before broadcast, so a crash repeats, never doubles.

    `key` names the purpose ("vote:<...>", "act:<...>") and is unique: asking twice sends once. A stuck one is signed
    again with higher fees and the same nonce: `signed` and `transaction_hash` are the newest signing's, `replaced` the
    earlier hashes ("0x.."), any of which may still be the one that is mined (`transaction_hash` is then set to it).
    """

    class Status(models.TextChoices):
        SIGNED = "signed"
        SENT = "sent"
        MINED = "mined"
        FAILED = "failed"  # mined and reverted

    key = models.CharField(max_length=160, unique=True)
    chain = models.ForeignKey(Chain, on_delete=models.PROTECT)
    sender = AddressField()
    nonce = models.BigIntegerField()
    to = AddressField()
    value_wei = Uint256Field(default=0)
    calldata = models.BinaryField()
    gas = models.BigIntegerField(default=0)
    max_fee_wei = Uint256Field(default=0)  # per gas; a legacy chain's gas price
    priority_fee_wei = Uint256Field(null=True)  # per gas; null on a legacy chain
    signed = models.BinaryField()
    transaction_hash = Bytes32Field()
    replaced = models.JSONField(default=list)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.SIGNED)
    block_number = models.BigIntegerField(null=True)
    block_hash = Bytes32Field(null=True)
    final = models.BooleanField(default=False)  # its block can't be reorganised away any more
    error = models.CharField(max_length=300, blank=True)
    error_code = models.JSONField(default=dict)  # the same as {"code", "values", "table"}; empty in older rows
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    signed_at = models.DateTimeField(default=timezone.now)  # of the newest signing

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "sender", "nonce"], name="nonce_once")]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
