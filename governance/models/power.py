# SPDX-License-Identifier: Apache-2.0
"""Who votes with whose tokens: delegations, whole or in shares, and the power that an account had at a time."""

from django.db import models

from governance.fields import AddressField, Bytes32Field, Uint256Field
from governance.models.chains import Dao, of_a_dao
from governance.models.logs import RawLog, of_a_log
from policies.notation.hexadecimal import hex_text

__all__ = [
    "WHOLE_BPS", "AccountPower", "AskedPower", "CurrentDelegation", "Delegation", "PartialDelegation",
    "PowerCheckpoint", "PowerTotal",
]  # fmt: skip


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


class AccountPower(models.Model):
    """Projection: an account's voting power now, and how many accounts delegate to it now.

    Written by `projections.power_now` from the newest DelegateVotesChanged log, whose place is kept; a block of -1
    means that there is none. There is one row for each account that ever had power or that somebody delegates to.
    """

    dao = of_a_dao()
    account = AddressField()
    power = Uint256Field(default=0)
    delegators = models.IntegerField(default=0)  # itself among them where it delegates to itself
    block_number = models.BigIntegerField(default=-1)
    transaction_index = models.IntegerField(default=-1)
    log_index = models.IntegerField(default=-1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "account"], name="power_of_account_once")]
        indexes = [
            models.Index(
                fields=["dao", "power", "account"], condition=models.Q(power__gt=0), name="account_by_power"
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{hex_text(self.account)}: {self.power} by {self.delegators}"


class PowerTotal(models.Model):
    """Projection: how many accounts of a DAO have voting power now, and how much in all; no row where none has."""

    dao = models.OneToOneField(Dao, on_delete=models.CASCADE, related_name="+")
    holders = models.IntegerField()
    # No honest token's sum leaves 256 bits; a hostile one's must not stop the reading.
    power = models.DecimalField(max_digits=100, decimal_places=0)

    def __str__(self) -> str:
        return f"{self.power} of {self.holders}"


class AskedPower(models.Model):
    """An account's voting power at a snapshot, as the chain answered: of a DAO whose votes token logs no power that is
    understood (`governance.asked_power`).

    No projection: it is kept when projections are made again, and falls with the block at which it was asked. `power`
    is None where the contracts have no answer.
    """

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, db_index=False)
    account = AddressField()
    timepoint = models.BigIntegerField()  # the proposal's snapshot, in the governor's clock
    power = Uint256Field(null=True)
    block_number = models.BigIntegerField()
    block_hash = Bytes32Field()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "account", "timepoint"], name="asked_power_once")]
        indexes = [
            models.Index(
                fields=["dao", "timepoint", "-power", "account"], condition=models.Q(power__gt=0), name="asked_by_power"
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{hex_text(self.account)} at {self.timepoint}: {self.power}"


class CurrentDelegation(models.Model):
    """Projection: to whom an account delegates now, and what share of its votes. One row for each of its delegates, in
    the log's order; one with 20 zero bytes and no share where it delegates to nobody any more.

    Written by `projections.power_now` from the account's newest DelegateChanged log, whose place is kept.
    """

    dao = of_a_dao()
    delegator = AddressField()
    position = models.PositiveIntegerField()
    delegate = AddressField()
    share_bps = models.PositiveIntegerField()
    block_number = models.BigIntegerField()
    transaction_index = models.IntegerField()
    log_index = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "delegator", "position"], name="delegation_now_once")]
        indexes = [models.Index(fields=["dao", "delegate", "delegator"], name="delegation_now_by_delegate")]

    def __str__(self) -> str:
        return f"{hex_text(self.delegator)} -> {hex_text(self.delegate)}: {self.share_bps} bps"
