# SPDX-License-Identifier: Apache-2.0
"""The policies in force, and the acts under them: performed, held, objected to, refused."""

from typing import Any

from django.db import models

from governance.fields import AddressField, Bytes32Field, Uint256Field
from governance.models.chains import Contract, Dao
from governance.models.logs import RawLog
from policies.notation.hexadecimal import hex_text

__all__ = [
    "Act", "ActCall", "ModuleCandidate", "ModuleSearch", "ModuleState", "Objection", "PolicyVersion", "RefusedAct",
]  # fmt: skip


class PolicyVersion(models.Model):
    """Projection: a policy put in force by the owner. `code` is read on chain, its hash checked against the log."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="policy_versions")
    module = models.ForeignKey(Contract, on_delete=models.CASCADE)
    policy_id = Bytes32Field()
    version = models.PositiveIntegerField()
    agent = AddressField()
    codehash = Bytes32Field()
    code = models.BinaryField()  # the policy code without the leading 00
    log = models.OneToOneField(RawLog, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["module", "policy_id", "version"], name="policy_version_once")]

    def __str__(self) -> str:
        return f"policy {hex_text(self.policy_id)[:10]} v{self.version}"


class Act(models.Model):
    """Projection: an act that the module performed or holds. Its outcome comes from logs, never from the executor."""

    class Status(models.TextChoices):
        EXECUTED = "executed"  # paid at once
        SCHEDULED = "scheduled"  # waiting out its objection delay
        RELEASED = "released"  # paid after the delay
        KILLED = "killed"  # objections reached the threshold
        VETOED = "vetoed"  # by guardian or owner
        VOIDED = "voided"  # policy replaced, pause, shortened or renounced

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="acts")
    module = models.ForeignKey(Contract, on_delete=models.CASCADE)
    policy_id = Bytes32Field()
    version = models.PositiveIntegerField()
    number = models.PositiveIntegerField()
    agent = AddressField()
    decision = Bytes32Field()
    act_id = Bytes32Field(null=True)  # of scheduled acts
    status = models.CharField(max_length=12, choices=Status.choices)
    releasable_chain_s = models.BigIntegerField(null=True)
    expires_chain_s = models.BigIntegerField(null=True)
    snapshot = models.BigIntegerField(null=True)
    objection_power = Uint256Field(default=0)
    objection_threshold = Uint256Field(null=True)
    log = models.ForeignKey(RawLog, on_delete=models.CASCADE, related_name="+")
    final_log = models.ForeignKey(RawLog, on_delete=models.SET_NULL, null=True, related_name="+")
    at_chain_s = models.BigIntegerField()  # the log's, so that the newest are found without the logs of all

    class Meta:
        constraints = [models.UniqueConstraint(fields=["module", "policy_id", "number"], name="act_once")]
        indexes = [
            models.Index(fields=["dao", "-at_chain_s"], name="act_newest_first"),
            models.Index(fields=["dao", "decision"], name="act_by_decision"),
        ]

    def __str__(self) -> str:
        return f"act {self.number}: {self.status}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it with its log's time."""
        if self.at_chain_s is None:
            self.at_chain_s = self.log.block_timestamp_chain_s
        super().save(*args, **kwargs)


class ActCall(models.Model):
    """Projection: one call of an act."""

    act = models.ForeignKey(Act, on_delete=models.CASCADE, related_name="calls")
    position = models.PositiveIntegerField()
    target = AddressField()
    value_wei = Uint256Field()
    calldata = models.BinaryField()

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"call {self.position}"


class Objection(models.Model):
    """Projection: a member's objection against a scheduled act."""

    act = models.ForeignKey(Act, on_delete=models.CASCADE, related_name="objections")
    log = models.OneToOneField(RawLog, on_delete=models.CASCADE, related_name="+")
    account = AddressField()
    power = Uint256Field()

    def __str__(self) -> str:
        return f"objection by {hex_text(self.account)}"


class ModuleState(models.Model):
    """Projection: whether a module is paused, and its guardian."""

    module = models.OneToOneField(Contract, on_delete=models.CASCADE, related_name="module_state")
    paused = models.BooleanField(default=False)
    pause_epoch = models.PositiveIntegerField(default=0)
    guardian = AddressField(null=True)
    log = models.ForeignKey(RawLog, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return "paused" if self.paused else "running"


class ModuleSearch(models.Model):
    """How far logs of any contract were searched for a DAO's policy modules (`governance.module_search`): blocks
    `searched_from..searched_to`, whole. Backwards until the governor's first block is reached, and on with the head."""

    dao = models.OneToOneField(Dao, on_delete=models.CASCADE, related_name="module_search")
    searched_from = models.BigIntegerField()
    searched_to = models.BigIntegerField()
    span_blocks = models.PositiveIntegerField(default=2000)  # that the node was last content to search at once
    # Executed proposals and logs of followed treasuries were looked at up to this block.
    looked_to = models.BigIntegerField(default=-1)

    def __str__(self) -> str:
        return f"{self.searched_from}..{self.searched_to}"


class ModuleCandidate(models.Model):
    """A policy module that something led to, and why it is not followed: for the operator, on no page. It is a lead and
    no fact: it is looked at again, and what a reorg did to the log that led there does not matter.

    `is_led_to`: by members' own vote or by a treasury that is followed, not only by a log that anybody can make.
    """

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="module_candidates")
    address = AddressField()
    is_led_to = models.BooleanField()
    is_voted = models.BooleanField()  # a proposal that was executed acts on it
    problem = models.CharField(max_length=400, blank=True)  # empty: none is to be told
    examined_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "address"], name="module_candidate_once")]

    def __str__(self) -> str:
        return f"{hex_text(self.address)}: {self.problem or 'followed'}"


class RefusedAct(models.Model):
    """A failed transaction sent directly to a policy module. A revert leaves no log: blocks are read, it is replayed.

    `reason` is the module's error with its values (`OverBudget(...)`) or "reason unknown"; `clause` says it in words.
    """

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="refused_acts")
    module = models.ForeignKey(Contract, on_delete=models.CASCADE)
    transaction_hash = Bytes32Field()
    block_number = models.BigIntegerField()
    block_hash = Bytes32Field()
    block_timestamp_chain_s = models.BigIntegerField()
    sender = AddressField()
    calldata = models.BinaryField()
    policy_id = Bytes32Field(null=True)
    reason = models.CharField(max_length=300)
    # The error's name and the revert data it was read from, which `reason` and `clause` are worded of; `unknown`.
    reason_code = models.CharField(max_length=60, default="legacy")
    reason_values = models.JSONField(default=dict)
    clause = models.CharField(max_length=300, blank=True)
    decision = Bytes32Field(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dao", "transaction_hash", "block_hash"], name="refused_act_once")
        ]

    def __str__(self) -> str:
        return self.reason
