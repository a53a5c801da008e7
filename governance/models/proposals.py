# SPDX-License-Identifier: Apache-2.0
"""Proposals, what they call, what happened to them, and the votes on them."""

from django.contrib.postgres.indexes import HashIndex
from django.db import models

from governance.fields import AddressField, Bytes32Field, Uint256Field
from governance.models.chains import Dao, of_a_dao
from governance.models.logs import RawLog, of_a_log
from policies.notation.hexadecimal import hex_text

__all__ = ["Proposal", "ProposalAction", "ProposalTransition", "Vote"]


class Proposal(models.Model):
    """Projection: a proposal. Snapshot, deadline and ETA are in the governor's own clock (`clock_mode`)."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="proposals")
    proposal_id = Uint256Field()
    log = models.ForeignKey(RawLog, on_delete=models.CASCADE, related_name="+")
    created_block = models.BigIntegerField(default=0)  # its log's block: what pages are ordered by
    proposer = AddressField()
    description = models.TextField()
    # The log's own bytes, where they are not this text's UTF-8 (they hold NUL or are no UTF-8): what the chain hashes.
    description_raw = models.BinaryField(null=True)
    title = models.CharField(max_length=300)
    snapshot = Uint256Field()
    deadline = Uint256Field()
    eta_chain_s = Uint256Field(null=True)
    queued = models.BooleanField(default=False)
    executed = models.BooleanField(default=False)
    canceled = models.BooleanField(default=False)
    against_votes = Uint256Field(default=0)
    for_votes = Uint256Field(default=0)
    abstain_votes = Uint256Field(default=0)
    # What the chain alone knows, read at `quorum_block` (the quorum at the snapshot); null until it could be asked.
    quorum_votes = Uint256Field(null=True)
    # The timelock operation that queueing it makes: v5's salt, and v4's (the description's hash alone).
    operation_id = Bytes32Field(null=True)
    operation_id_v4 = Bytes32Field(null=True)
    extra = models.JSONField(default=dict)  # what variants carry: proposal type, voting module, option tallies

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "proposal_id"], name="proposal_once")]
        indexes = [
            models.Index(fields=["dao", "-created_block", "-id"], name="proposal_newest_first"),
            models.Index(fields=["dao", "operation_id"], name="proposal_by_operation"),
            models.Index(fields=["dao", "operation_id_v4"], name="proposal_by_operation_v4"),
            # What may still change is little beside what is over: votes to come, and what carried and was not executed.
            models.Index(
                fields=["dao", "deadline"],
                condition=models.Q(executed=False, canceled=False),
                name="proposal_undecided",
            ),
            models.Index(
                fields=["dao", "-created_block", "-id"],
                condition=models.Q(executed=False, canceled=False)
                & (models.Q(eta_chain_s__gt=0) | models.Q(for_votes__gt=models.F("against_votes"))),
                name="proposal_carried",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def description_bytes(self) -> bytes:
        """The text byte for byte as the log had it, for whatever hashes it."""
        return self.description.encode() if self.description_raw is None else bytes(self.description_raw)


class ProposalAction(models.Model):
    """Projection: one call of a proposal."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="actions")
    position = models.PositiveIntegerField()
    target = AddressField()
    value_wei = Uint256Field()
    signature = models.TextField(blank=True)  # Compound's governors give the function's signature apart
    signature_raw = models.BinaryField(null=True)  # the log's own bytes, where they are not this text's UTF-8
    calldata = models.BinaryField()  # as the log has it: governance.chain.call says what is executed

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["proposal", "position"], name="action_once")]

    def __str__(self) -> str:
        return f"action {self.position}"


class ProposalTransition(models.Model):
    """Projection, append-only: what happened to a proposal (created, queued, executed, canceled, extended)."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="transitions")
    kind = models.CharField(max_length=16)
    log = models.ForeignKey(RawLog, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return self.kind


class Vote(models.Model):
    """Projection: one row per vote log. `proposal_id` stands even where the proposal was never seen (a gap)."""

    dao = of_a_dao()
    proposal = models.ForeignKey(
        Proposal, on_delete=models.SET_NULL, null=True, related_name="votes", db_index=False, db_constraint=False
    )
    onchain_proposal_id = Uint256Field()
    log = of_a_log()
    voter = AddressField()
    support = models.PositiveSmallIntegerField()  # 0 against, 1 for, 2 abstain
    weight = Uint256Field()
    reason = models.TextField(blank=True)
    params = models.BinaryField(default=b"")

    class Meta:
        indexes = [
            # Votes of proposals that were never seen; those of others are found by their proposal.
            models.Index(
                fields=["dao", "onchain_proposal_id"], condition=models.Q(proposal=None), name="vote_without_proposal"
            ),
            HashIndex(fields=["voter"], name="vote_by_voter"),  # half the work of a tree, and nobody sorts by it
            models.Index(fields=["proposal", "-weight", "log"], name="vote_by_weight"),
        ]

    def __str__(self) -> str:
        return f"vote {self.support} by {hex_text(self.voter)}"
