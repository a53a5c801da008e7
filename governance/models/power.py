# SPDX-License-Identifier: Apache-2.0
"""Who votes with whose tokens: delegations, whole or in shares, and the power that an account had at a time."""

from django.db import models

from governance.fields import AddressField, Uint256Field
from governance.models.chains import of_a_dao
from governance.models.logs import RawLog, of_a_log
from policies.notation.hexadecimal import hex_text

__all__ = ["WHOLE_BPS", "Delegation", "PartialDelegation", "PowerCheckpoint"]


class Delegation(models.Model):
    """Projection: a DelegateChanged log."""

    dao = of_a_dao()
    log = of_a_log()
    delegator = AddressField()
    from_delegate = AddressField()
    to_delegate = AddressField()

    class Meta:
        indexes = [
            models.Index(fields=["dao", "delegator"], name="delegation_by_delegator"),
            models.Index(fields=["dao", "to_delegate"], name="delegation_by_delegate"),
        ]

    def __str__(self) -> str:
        return f"{hex_text(self.delegator)} -> {hex_text(self.to_delegate)}"


WHOLE_BPS = 10_000


class PartialDelegation(models.Model):
    """Projection: one delegate among those of a DelegateChanged log that names several, each with a share of the
    delegator's votes; they need not make up the whole. The delegator's `Delegation` of that log names the largest."""

    dao = of_a_dao()
    log = models.ForeignKey(RawLog, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    delegator = AddressField()
    delegate = AddressField()
    share_bps = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "position"], name="partial_delegation_once")]
        indexes = [models.Index(fields=["dao", "delegate"], name="partial_by_delegate")]

    def __str__(self) -> str:
        return f"{hex_text(self.delegator)} -> {hex_text(self.delegate)}: {self.share_bps} bps"


class PowerCheckpoint(models.Model):
    """Projection: a DelegateVotesChanged log. Power at T is the last row with `timepoint` <= T (the token's clock)."""

    dao = of_a_dao()
    log = of_a_log()
    account = AddressField()
    timepoint = models.BigIntegerField()
    previous_power = Uint256Field()
    power = Uint256Field()

    class Meta:
        indexes = [models.Index(fields=["dao", "account", "timepoint"])]

    def __str__(self) -> str:
        return f"{hex_text(self.account)}: {self.power}"
