# SPDX-License-Identifier: Apache-2.0
"""The chains that are read, their nodes, the DAOs on them, and the contracts of each DAO."""

from django.conf import settings
from django.db import models

from governance.fields import AddressField, Bytes32Field
from governance.finality_depth import finality_depth
from policies.notation.hexadecimal import hex_text

__all__ = ["Chain", "Contract", "Dao", "RpcEndpoint"]


class Chain(models.Model):
    """A chain that is read. A block is final once `depth_blocks` stand on it, and where nodes have a `finalized` tag
    once they say so too. `finality_depth` is such a depth of this row's own; null, unless somebody set it here:
    what the operator set by MANDATE_FINALITY_DEPTHS, else the table (governance.finality_depth)."""

    chain_id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=64)
    finality_depth = models.PositiveIntegerField(null=True)
    deepest_reorg_blocks = models.PositiveIntegerField(default=0)  # of all reorgs that were met, followed or not
    genesis_hash = Bytes32Field(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.chain_id})"

    @property
    def depth_blocks(self) -> int:
        """How many blocks deep a block is final."""
        if self.finality_depth is None or self.chain_id in settings.FINALITY_DEPTHS:
            return finality_depth(self.chain_id)
        return self.finality_depth


class RpcEndpoint(models.Model):
    """What is known of a node that a chain is read from, so that each process and each start need not learn it anew.

    `fingerprint` stands for its URL, which may hold a key and is stored nowhere; `name` is scheme and host.
    """

    chain = models.ForeignKey(Chain, on_delete=models.CASCADE, related_name="endpoints")
    fingerprint = Bytes32Field()
    name = models.CharField(max_length=300)
    most_blocks = models.PositiveBigIntegerField(null=True)  # in one eth_getLogs; null: it set no limit
    most_blocks_said_at = models.DateTimeField(null=True)
    most_batch = models.PositiveIntegerField(null=True)  # requests in one batch; null: it set no limit
    most_batch_said_at = models.DateTimeField(null=True)
    latency_s = models.FloatField(null=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    lies = models.PositiveIntegerField(default=0)  # untrue answers that it was caught at
    aside_until = models.DateTimeField(null=True)  # asked last until then
    distrusted_until = models.DateTimeField(null=True)  # not asked until then
    answered_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=400, blank=True)  # the last one
    problem_code = models.CharField(max_length=40, default="legacy")  # of governance.words, which words it
    problem_values = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "fingerprint"], name="endpoint_once")]

    def __str__(self) -> str:
        return self.name


class Dao(models.Model):
    """A DAO that is mirrored."""

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


def of_a_dao() -> models.ForeignKey:
    """The DAO of a row of which there are millions, all written by the sync while it holds the DAO's cursor row (which
    does have the constraint). Checking the DAO's existence for each, and an index of its own that others begin with,
    would cost more than the rest of storing it."""
    return models.ForeignKey(Dao, on_delete=models.CASCADE, db_index=False, db_constraint=False)


class Contract(models.Model):
    """A contract whose logs are read for a DAO. `capabilities` holds what probing it answered (CLOCK_MODE, ...)."""

    class Kind(models.TextChoices):
        GOVERNOR = "governor"
        VOTES_TOKEN = "votes_token"  # noqa: S105 -- no password
        TIMELOCK = "timelock"
        TREASURY = "treasury"
        MODULE = "module"
        ASSET = "asset"  # an ERC-20 whose flows into and out of the treasury are followed

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="contracts")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    address = AddressField()
    start_block = models.BigIntegerField(default=0)
    capabilities = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "kind", "address"], name="contract_once")]

    def __str__(self) -> str:
        return f"{self.kind} {hex_text(self.address)}"
