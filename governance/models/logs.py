# SPDX-License-Identifier: Apache-2.0
"""What was read from a chain, raw: blocks, logs and answers, and how far reading has come."""

from django.db import models

from governance.fields import AddressField, Bytes32Field
from governance.models.chains import Contract, Dao, of_a_dao
from policies.notation.primitives import keccak

__all__ = ["MANY_TOPICS", "Block", "ChainAnswer", "Cursor", "RawLog", "ScannedRange", "chain_order"]

# Events of which a DAO may have millions. Each brings a row of its own, so none of them is looked for by its topic.
MANY_TOPICS = tuple(
    keccak(signature)
    for signature in (
        b"VoteCast(address,uint256,uint8,uint256,string)",
        b"VoteCastWithParams(address,uint256,uint8,uint256,string,bytes)",
        b"DelegateChanged(address,address,address)",
        b"DelegateVotesChanged(address,uint256,uint256)",
        b"Transfer(address,address,uint256)",
    )
)


def chain_order(prefix: str = "", *, newest_first: bool = False) -> tuple[str, str, str]:
    """Return the columns of `order_by` that put logs in the order in which the chain made them; `prefix` leads from a
    row to its log ("log__"). The transaction stands before the log's index: some nodes count logs from 0 in each."""
    sign = "-" if newest_first else ""
    block, transaction, log = (f"{sign}{prefix}{name}" for name in ("block_number", "transaction_index", "log_index"))
    return block, transaction, log


class Block(models.Model):
    """A header, as read for a DAO. Every unfinalized one is kept, with or without our logs: reorgs show by parent hash.

    Two DAOs of one chain keep their own: each is read by a worker of its own, and one must not see the other's reorg
    as already followed.
    """

    dao = of_a_dao()
    number = models.BigIntegerField()
    hash = Bytes32Field()
    parent_hash = Bytes32Field()
    timestamp_chain_s = models.BigIntegerField()
    finalized = models.BooleanField(default=False)
    l1_block = models.BigIntegerField(null=True)  # of the chain below, where the DAO's clock counts its blocks

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "number"], name="block_number_once")]

    def __str__(self) -> str:
        return f"block {self.number}"


class RawLog(models.Model):
    """A log exactly as the node returned it. `dao` is whose reading it belongs to.

    Its place is (block, transaction, log index): nodes count `log_index` through the block, as the standard says, or
    from 0 in each transaction.
    """

    dao = of_a_dao()
    block_number = models.BigIntegerField()
    block_hash = Bytes32Field()
    block_timestamp_chain_s = models.BigIntegerField()
    transaction_hash = Bytes32Field()
    transaction_index = models.PositiveIntegerField()
    log_index = models.PositiveIntegerField()
    address = AddressField()
    topic0 = Bytes32Field(null=True)
    topic1 = Bytes32Field(null=True)
    topic2 = Bytes32Field(null=True)
    topic3 = Bytes32Field(null=True)
    data = models.BinaryField()

    class Meta:
        # Of one height there is only ever one block's logs: another one's are dropped before these are stored.
        constraints = [
            models.UniqueConstraint(
                fields=["dao", "block_number", "transaction_index", "log_index"], name="raw_log_once"
            )
        ]
        indexes = [
            models.Index(fields=["dao", "topic0"], condition=~models.Q(topic0__in=MANY_TOPICS), name="raw_log_of_few")
        ]

    def __str__(self) -> str:
        return f"log {self.log_index} of transaction {self.transaction_index} in block {self.block_number}"

    @property
    def topics(self) -> tuple[bytes, ...]:
        """The words that are there, in order."""
        return tuple(t for t in (self.topic0, self.topic1, self.topic2, self.topic3) if t is not None)


def of_a_log() -> models.OneToOneField:
    """The log that made a row of which there are millions. It is stored in the same transaction, and takes the row with
    it where it falls (Django deletes both); checking that for each row at COMMIT, once more and one by one, would cost
    a third of storing it. It is the row's key too: one of its own would be one more index to write."""
    return models.OneToOneField(
        "RawLog", on_delete=models.CASCADE, related_name="+", db_constraint=False, primary_key=True
    )


class ChainAnswer(models.Model):
    """What the chain answered where no log says it; kept raw like the logs, so that projections rebuild without a node.

    `key` is the pointer's address for `code`, a transaction's hash for `transaction` (value: recipient, then input) and
    the proposal id for `quorum` (value: 32 bytes); for `supply`, the total supply of votes, a time in the votes token's
    clock (value: 32 bytes); for `clock`, a block's hash (value: its block of the chain below, 32 bytes). An answer with
    a block number falls with that block in a reorg; `block_hash` is that block's where it was asked at the one that was
    read last, and not because of a log (null: of a log, or from before it was kept).
    """

    class Kind(models.TextChoices):
        CODE = "code"
        TRANSACTION = "transaction"
        QUORUM = "quorum"
        SUPPLY = "supply"
        CLOCK = "clock"

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    key = models.CharField(max_length=80)
    value = models.BinaryField()
    block_number = models.BigIntegerField()
    block_hash = models.BinaryField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "kind", "key"], name="chain_answer_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class ScannedRange(models.Model):
    """Blocks `first_block..last_block` of a contract have been read completely; a hole between rows is a gap."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE)
    first_block = models.BigIntegerField()
    last_block = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.first_block}..{self.last_block}"


class Cursor(models.Model):
    """How far a DAO has been read. Every write of the sync checks `fence`, so a superseded worker can write nothing."""

    dao = models.OneToOneField(Dao, on_delete=models.CASCADE)
    next_block = models.BigIntegerField(default=0)
    head_hash = Bytes32Field(null=True)
    head_timestamp_chain_s = models.BigIntegerField(default=0)
    head_l1_block = models.BigIntegerField(null=True)  # as `Block.l1_block`
    node_head_block = models.BigIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    span_blocks = models.PositiveIntegerField(
        default=2000
    )  # how many blocks the node was last content to search at once
    # Failed transactions to the policy modules have been read in all blocks before this one.
    refusals_next_block = models.BigIntegerField(default=0)
    # Final blocks from here on were read while of several nodes one alone could be asked: they are looked at once more.
    alone_from_block = models.BigIntegerField(null=True)
    synced_at = models.DateTimeField(null=True)
    # `sync.open_questions`: the newest change of the governor's rules that was seen, and below which proposal (by its
    # row's number) the chain is still to be asked again for it; then, in the governor's clock, up to which moment
    # proposals whose vote ended were asked about.
    rules_block = models.BigIntegerField(null=True)
    rules_below = models.BigIntegerField(null=True)
    ended_timepoint = models.BigIntegerField(null=True)

    FROM_THE_NEWEST = 2**62  # as `rules_below`: about all of them

    def __str__(self) -> str:
        return f"cursor at {self.next_block}"
