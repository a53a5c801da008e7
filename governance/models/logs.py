# SPDX-License-Identifier: Apache-2.0
"""The mirror's tables. Raw logs are the truth; everything marked *projection* can be dropped and rebuilt from them.

Every projection row points at the raw log that made it (`log`, cascading), so a reorg that drops a log can never leave
its row behind. Amounts are integers in base units; chain times are Unix seconds by the chain's clock (`*_chain_s`);
times by the wall clock are `*_at`.
"""

from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.utils import timezone
from eth_hash.auto import keccak

from governance.fields import AddressField, Bytes32Field, Uint256Field

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


class Chain(models.Model):
    """A chain that is read. `finality_depth` counts blocks, used where the node has no `finalized` tag."""

    chain_id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=64)
    finality_depth = models.PositiveIntegerField(default=64)
    genesis_hash = Bytes32Field(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.chain_id})"


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


def _of_a_dao() -> models.ForeignKey:
    """The DAO of a row of which there are millions, all written by the sync while it holds the DAO's cursor row (which
    does have the constraint). Checking the DAO's existence for each, and an index of its own that others begin with,
    would cost more than the rest of storing it."""
    return models.ForeignKey(Dao, on_delete=models.CASCADE, db_index=False, db_constraint=False)


def _of_a_log() -> models.OneToOneField:
    """The log that made a row of which there are millions. It is stored in the same transaction, and takes the row with
    it where it falls (Django deletes both); checking that for each row at COMMIT, once more and one by one, would cost
    a third of storing it."""
    return models.OneToOneField("RawLog", on_delete=models.CASCADE, related_name="+", db_constraint=False)


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
        return f"{self.kind} 0x{self.address.hex()}"


class Block(models.Model):
    """A header, as read for a DAO. Every unfinalized one is kept, with or without our logs: reorgs show by parent hash.

    Two DAOs of one chain keep their own: each is read by a worker of its own, and one must not see the other's reorg
    as already followed.
    """

    dao = _of_a_dao()
    number = models.BigIntegerField()
    hash = Bytes32Field()
    parent_hash = Bytes32Field()
    timestamp_chain_s = models.BigIntegerField()
    finalized = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "number"], name="block_number_once")]

    def __str__(self) -> str:
        return f"block {self.number}"


class RawLog(models.Model):
    """A log exactly as the node returned it. `dao` is whose reading it belongs to."""

    dao = _of_a_dao()
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
        constraints = [models.UniqueConstraint(fields=["dao", "block_number", "log_index"], name="raw_log_once")]
        indexes = [
            models.Index(fields=["dao", "topic0"], condition=~models.Q(topic0__in=MANY_TOPICS), name="raw_log_of_few")
        ]

    def __str__(self) -> str:
        return f"log {self.log_index} of block {self.block_number}"

    @property
    def topics(self) -> tuple[bytes, ...]:
        """The words that are there, in order."""
        return tuple(t for t in (self.topic0, self.topic1, self.topic2, self.topic3) if t is not None)


class ChainAnswer(models.Model):
    """What the chain answered where no log says it; kept raw like the logs, so that projections rebuild without a node.

    `key` is the pointer's address for `code`, a transaction's hash for `transaction` (value: recipient, then input) and
    the proposal id for `quorum` (value: 32 bytes); for `supply`, the total supply of votes, a time in the votes token's
    clock (value: 32 bytes). An answer with a block number falls with that block in a reorg.
    """

    class Kind(models.TextChoices):
        CODE = "code"
        TRANSACTION = "transaction"
        QUORUM = "quorum"
        SUPPLY = "supply"

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    key = models.CharField(max_length=80)
    value = models.BinaryField()
    block_number = models.BigIntegerField()

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
    node_head_block = models.BigIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    span_blocks = models.PositiveIntegerField(
        default=2000
    )  # how many blocks the node was last content to search at once
    # Failed transactions to the policy modules have been read in all blocks before this one.
    refusals_next_block = models.BigIntegerField(default=0)
    synced_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"cursor at {self.next_block}"


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
    snapshot = models.BigIntegerField()
    deadline = models.BigIntegerField()
    eta_chain_s = models.BigIntegerField(null=True)
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

    dao = _of_a_dao()
    proposal = models.ForeignKey(
        Proposal, on_delete=models.SET_NULL, null=True, related_name="votes", db_index=False, db_constraint=False
    )
    onchain_proposal_id = Uint256Field()
    log = _of_a_log()
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
            models.Index(fields=["proposal", "-weight", "id"], name="vote_by_weight"),
        ]

    def __str__(self) -> str:
        return f"vote {self.support} by 0x{self.voter.hex()}"


class Delegation(models.Model):
    """Projection: a DelegateChanged log."""

    dao = _of_a_dao()
    log = _of_a_log()
    delegator = AddressField()
    from_delegate = AddressField()
    to_delegate = AddressField()

    class Meta:
        indexes = [
            models.Index(fields=["dao", "delegator"], name="delegation_by_delegator"),
            models.Index(fields=["dao", "to_delegate"], name="delegation_by_delegate"),
        ]

    def __str__(self) -> str:
        return f"0x{self.delegator.hex()} -> 0x{self.to_delegate.hex()}"


WHOLE_BPS = 10_000


class PartialDelegation(models.Model):
    """Projection: one delegate among those of a DelegateChanged log that names several, each with a share of the
    delegator's votes; they need not make up the whole. The delegator's `Delegation` of that log names the largest."""

    dao = _of_a_dao()
    log = models.ForeignKey(RawLog, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    delegator = AddressField()
    delegate = AddressField()
    share_bps = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "position"], name="partial_delegation_once")]
        indexes = [models.Index(fields=["dao", "delegate"], name="partial_by_delegate")]

    def __str__(self) -> str:
        return f"0x{self.delegator.hex()} -> 0x{self.delegate.hex()}: {self.share_bps} bps"


class PowerCheckpoint(models.Model):
    """Projection: a DelegateVotesChanged log. Power at T is the last row with `timepoint` <= T (the token's clock)."""

    dao = _of_a_dao()
    log = _of_a_log()
    account = AddressField()
    timepoint = models.BigIntegerField()
    previous_power = Uint256Field()
    power = Uint256Field()

    class Meta:
        indexes = [models.Index(fields=["dao", "account", "timepoint"])]

    def __str__(self) -> str:
        return f"0x{self.account.hex()}: {self.power}"


class TimelockOperation(models.Model):
    """Projection: an operation of the timelock, also one that no proposal made."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE)
    operation_id = Bytes32Field()
    proposal = models.ForeignKey(Proposal, on_delete=models.SET_NULL, null=True, related_name="operations")
    log = models.ForeignKey(RawLog, on_delete=models.CASCADE, related_name="+")
    ready_chain_s = models.BigIntegerField()
    executed = models.BooleanField(default=False)
    canceled = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "operation_id"], name="operation_once")]

    def __str__(self) -> str:
        return self.operation_id.hex()


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
        return f"policy 0x{self.policy_id.hex()[:8]} v{self.version}"


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

    class Meta:
        constraints = [models.UniqueConstraint(fields=["module", "policy_id", "number"], name="act_once")]

    def __str__(self) -> str:
        return f"act {self.number}: {self.status}"


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
        return f"objection by 0x{self.account.hex()}"


class ModuleState(models.Model):
    """Projection: whether a module is paused, and its guardian."""

    module = models.OneToOneField(Contract, on_delete=models.CASCADE, related_name="module_state")
    paused = models.BooleanField(default=False)
    pause_epoch = models.PositiveIntegerField(default=0)
    guardian = AddressField(null=True)
    log = models.ForeignKey(RawLog, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return "paused" if self.paused else "running"


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
    clause = models.CharField(max_length=300, blank=True)
    decision = Bytes32Field(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dao", "transaction_hash", "block_hash"], name="refused_act_once")
        ]

    def __str__(self) -> str:
        return self.reason


class TreasuryFlow(models.Model):
    """Projection: an ERC-20 or ether movement into or out of the treasury. `asset` is 20 zero bytes for ether."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE)
    log = models.OneToOneField(RawLog, on_delete=models.CASCADE, related_name="+")
    asset = AddressField()
    counterparty = AddressField()
    amount = Uint256Field()
    outgoing = models.BooleanField()

    def __str__(self) -> str:
        return f"{'out' if self.outgoing else 'in'} {self.amount}"


class OnchainCheck(models.Model):
    """What the chain itself answered at a pinned block, beside what the mirror says. Shown on the page."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE)
    subject = models.CharField(max_length=120)  # e.g. "proposal:<id>:state", "proposal:<id>:votes", "power:<0x..>"
    block_number = models.BigIntegerField()
    block_hash = Bytes32Field()
    chain_says = models.CharField(max_length=400)
    mirror_says = models.CharField(max_length=400)
    matched = models.BooleanField()
    checked_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "subject"], name="check_latest_only")]

    def __str__(self) -> str:
        return f"{self.subject}: {'matched' if self.matched else 'differs'}"


class SyncIncident(models.Model):
    """Something that a person should see: a reorg, a reorg deeper than finality, a lying or failing node, a gap."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="incidents")
    kind = models.CharField(max_length=24)  # reorg, deep_reorg, node_error, wrong_chain, nodes_differ, gap, ...
    detail = models.TextField()
    facts = models.JSONField(
        default=dict
    )  # e.g. {"from_block": .., "to_block": .., "dropped_logs": .., "dropped_votes": [...]}
    first_block = models.BigIntegerField(null=True)
    happened_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.kind


class OutboxEntry(models.Model):
    """What happened, for the layers above, written in the projection's own transaction. Readers keep cursors over `id`.

    A reorg that undoes what an entry told appends a `*.undone` entry with the same key. `key` is unique per occurrence.
    """

    dao = _of_a_dao()
    topic = models.CharField(
        max_length=40
    )  # proposal.created, vote.cast, proposal.executed, policy.set, act.scheduled, ...
    key = models.CharField(max_length=160)
    block_number = models.BigIntegerField()
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["topic", "id"]),
            models.Index(fields=["dao", "block_number"], name="outbox_by_block"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"


class Work(models.Model):
    """Due work as a row with a lease: beat polls, a message only wakes a worker, a killed worker's lease runs out.

    `name` says which function of the owning layer does it (the layer registers it; this table names nobody above).
    """

    name = models.CharField(max_length=60)
    key = models.CharField(max_length=160)
    arguments = models.JSONField(default=dict)
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "key"], name="work_once")]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(done_at=None), name="work_due")]

    def __str__(self) -> str:
        return f"{self.name} {self.key}"


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
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    signed_at = models.DateTimeField(default=timezone.now)  # of the newest signing

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "sender", "nonce"], name="nonce_once")]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
