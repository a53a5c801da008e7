# SPDX-License-Identifier: Apache-2.0
"""Rosters, requests, plans, approvals and decision records.

What happened on chain is *not* here: an act's outcome is the mirror's `governance.Act` with the record's hash as its
`decision`. These tables hold what was asked, what was planned and why, and which act number a request is bound to.
Amounts are strings in base units inside the JSON columns.
"""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.utils import timezone

from agent import choice
from governance.fields import AddressField, Bytes32Field, Uint256Field
from governance.models import Contract, Dao
from policies.notation.hexadecimal import hex_text

__all__ = [
    "AgentHalt",
    "Approval",
    "Binding",
    "Candidate",
    "DecisionRecord",
    "PaidLine",
    "Plan",
    "Refusal",
    "Request",
    "RequestMove",
    "Roster",
    "RosterEntry",
]


class Roster(models.Model):
    """Who is paid what each month, signed (EIP-712) by the operator that the policy code names.

    The newest serial is the roster; an older one is never accepted again. Its hash is the EIP-712 digest.
    """

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="rosters")
    module = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="+")
    policy_id = Bytes32Field()
    policy_version = models.PositiveIntegerField()  # of the policy whose operator signed
    serial = models.BigIntegerField()
    expires_chain_s = models.BigIntegerField()
    operator = AddressField()
    digest = Bytes32Field(unique=True)
    signature = models.BinaryField()
    # Where a contract account confirmed the signature (`acts.operators`); null: its key made it.
    signed_block_number = models.BigIntegerField(null=True)
    signed_block_hash = Bytes32Field(null=True)
    typed_data = models.JSONField()  # exactly what was signed
    accepted_at = models.DateTimeField(auto_now_add=True)
    # The latest that it can have been signed: the chain's time when it was taken in, or ours where the mirror lagged
    # behind. Null: not known.
    accepted_chain_s = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["module", "policy_id", "serial"], name="roster_serial_once")]

    def __str__(self) -> str:
        return f"roster {self.serial} of policy {hex_text(self.policy_id)[:10]}"


class RosterEntry(models.Model):
    """One line of a roster: `amount` base units of `asset` (20 zero bytes for ether) each month."""

    roster = models.ForeignKey(Roster, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=64)
    recipient = AddressField()
    asset = AddressField()
    amount = Uint256Field()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["roster", "position"], name="roster_position_once"),
            models.UniqueConstraint(fields=["roster", "recipient", "asset"], name="roster_payee_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Request(models.Model):
    """What somebody asks the agent for, in words. The words are untrusted: only candidates that code derived count."""

    class Status(models.TextChoices):
        RECEIVED = "received"  # not looked at yet, or waiting for the model
        WAITING = "waiting"  # could be done, but not now: paused, cooling down, not started, halted (`reason` says)
        ABSTAINED = "abstained"  # nothing could be derived from the words, or the operator let it lapse
        REFUSED = "refused"  # every candidate is outside the policy (see refusals)
        NEEDS_APPROVAL = "needs_approval"  # differs from the roster, or the model abstained: the operator decides
        PLANNED = "planned"  # a candidate is chosen and may be executed
        EXECUTING = "executing"  # bound to an act number; sent, or about to be
        SCHEDULED = "scheduled"  # on chain, waiting out its objection delay
        EXECUTED = "executed"  # the mirror shows the act paid, at once or after the delay
        STOPPED = "stopped"  # scheduled, then killed, vetoed, voided or not released in time
        FAILED = "failed"  # sent, and the chain refused it for good

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="requests")
    module = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="+")
    policy_id = Bytes32Field()
    reference = Bytes32Field(unique=True)  # its name outside the database, in approvals and records
    idempotency_key = models.CharField(max_length=120)
    text = models.CharField(max_length=500)
    # What is asked for in a form of the policy's rules, or as exact calls (`acts.forms`); empty: in words alone.
    act = models.JSONField(default=dict)
    requested_by = AddressField()
    # Whether the asker proved to have the address, by signing in; not so for what is asked on the server's console.
    asker_signed_in = models.BooleanField(default=True)
    period = models.CharField(max_length=7, blank=True)  # "2026-11"
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.RECEIVED)
    reason = models.CharField(max_length=400, blank=True)  # why it stands where it stands, in words
    # The same as a code of agent.acts.words with its values; `legacy` for what is older than the codes.
    reason_code = models.CharField(max_length=40, blank=True)
    reason_values = models.JSONField(default=dict)
    # Since when the model has been asked in vain, and when it last was; null: it has not been, or it answered.
    model_awaited_since = models.DateTimeField(null=True)
    model_asked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "idempotency_key"], name="request_once")]
        indexes = [models.Index(fields=["dao", "status"])]

    def __str__(self) -> str:
        return f"request {self.pk}: {self.status}"


class RequestMove(models.Model):
    """One move of a request's way: from which status to which, by whom and why. Only agent.acts.life writes them."""

    class Who(models.TextChoices):
        ASKER = "asker"
        PLANNER = "planner"
        OPERATOR = "operator"
        EXECUTOR = "executor"
        MIRROR = "mirror"  # the chain: the act's logs say so
        LEGACY = "legacy"  # where the request stood when moves began to be kept

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="moves")
    from_status = models.CharField(max_length=16, choices=Request.Status.choices, blank=True)  # empty for the first
    to_status = models.CharField(max_length=16, choices=Request.Status.choices)
    who = models.CharField(max_length=8, choices=Who.choices)
    account = AddressField(null=True)  # the asker's, the operator's
    reason_code = models.CharField(max_length=40, blank=True)
    reason_values = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"request {self.request_id}: {self.from_status or 'nothing'} to {self.to_status} by {self.who}"


class Candidate(models.Model):
    """A complete list of calls that code derived from the roster and the words of a request."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="candidates")
    key = models.CharField(max_length=8)  # "c1": what the model may name
    label = models.CharField(max_length=300)
    label_code = models.JSONField(default=dict)  # the same as {"code", "values"}; empty in older rows
    roster = models.ForeignKey(Roster, on_delete=models.PROTECT, related_name="+", null=True)  # null: not from one
    is_roster = models.BooleanField()  # every line of the roster, each exactly once, with its amount
    # Why the operator must approve it even if the model chose it; empty when nobody needs to.
    differences = models.JSONField(default=list)
    difference_codes = models.JSONField(default=list)  # of each, {"code", "values"}; empty in older rows
    # [{"recipient", "asset", "amount", "period", "name", "provenance": {"recipient", "asset", "amount"}}]
    lines = models.JSONField()
    calls = models.JSONField()  # [{"to", "value_wei", "data"}]
    calls_hash = Bytes32Field()
    allowed = models.BooleanField(null=True)  # what evaluate said when planned; null before
    band = models.CharField(max_length=12, blank=True)  # "instant" or "objection"

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["request", "key"], name="candidate_key_once")]

    def __str__(self) -> str:
        return f"{self.key}: {self.label}"


class Plan(models.Model):
    """Which candidate was chosen, by whom and on what: the prompt, the answer and what the chain's state was."""

    class ChosenBy(models.TextChoices):
        MODEL = "model"
        OPERATOR = "operator"
        ROSTER = "roster"  # exactly the roster, and the model said nothing (`silence`)
        NOBODY = "nobody"  # abstained

    request = models.OneToOneField(Request, on_delete=models.CASCADE, related_name="plan")
    candidate = models.ForeignKey(Candidate, on_delete=models.SET_NULL, null=True, related_name="+")
    chosen_by = models.CharField(max_length=8, choices=ChosenBy.choices)
    needs_approval = models.JSONField(default=list)  # why, in words; empty when nobody needs to approve
    approval_codes = models.JSONField(default=list)  # of each, {"code", "values"}; empty in older rows
    inputs = models.JSONField(default=dict)  # what the planner knew: roster, policy, balances, block
    prompt = models.JSONField(default=dict)  # {"messages", "schema"}
    sampling = models.JSONField(default=dict)
    model = models.JSONField(default=dict)  # {"name", "is_demo"}
    output = models.TextField(blank=True)  # exactly what came back
    answer = models.JSONField(default=dict)  # {"choice", "reason"}: the model's word, empty where none was asked
    usage = models.JSONField(default=dict)
    silence = models.JSONField(default=dict)  # acts.silence: why the model's word is missing; empty where it is not
    asker_means = models.CharField(max_length=8, blank=True)  # the reading that who asked picked, by its key
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"plan of request {self.request_id}"

    @property
    def word(self) -> choice.Word | None:
        """The model's word, read again from exactly what it answered; None where no model was asked."""
        if not self.model:
            return None
        keys = [candidate.key for candidate in self.request.candidates.all() if candidate.allowed]
        return choice.read_text(self.output, keys, self.prompt.get("schema", {}))

    @property
    def model_said(self) -> dict[str, Any] | None:
        """The model's word as pages and the API show it; None where no model was asked."""
        word = self.word
        if word is None:
            return None
        return {
            "choice": word.key or None,
            "reason": word.reason,
            "agrees": word.agrees_to(word.key),
            "text": choice.in_words(word),
            "model": str(self.model.get("name", "")),
            "is_demo": self.model.get("is_demo") is True,
        }

    def model_agrees_to(self, candidate: Candidate) -> bool:
        """Whether the model was asked and said that exactly this candidate is what was asked."""
        return self.word is not None and self.word.agrees_to(candidate.key)


class Refusal(models.Model):
    """A candidate that the policy refuses, found before anything was sent. Kept for ever: a refusal leaves no log."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="refusals")
    candidate_key = models.CharField(max_length=8)
    label = models.CharField(max_length=300)
    label_code = models.JSONField(default=dict)  # the same as {"code", "values"}; empty in older rows
    calls = models.JSONField()
    policy_codehash = Bytes32Field()
    block_number = models.BigIntegerField()
    block_hash = Bytes32Field()
    reasons = models.JSONField()  # [{"code", "text", ...values}]
    headroom = models.JSONField(default=list)  # [{"budget", "asset", "left", "left_instant"}]
    module_says = models.CharField(max_length=300, blank=True)  # the chain's answer to the same calls at that block
    # Its code: `allowed`, the name of the module's error, `reverted` for one that can't be read; empty in older rows.
    module_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["request", "created_at"])]

    def __str__(self) -> str:
        return "; ".join(str(reason.get("text", "")) for reason in self.reasons)

    def ends_by_itself(self, passing: Collection[str]) -> bool:
        """Whether each reason is one of `passing`, such as a pause between acts."""
        return bool(self.reasons) and all(reason.get("code") in passing for reason in self.reasons)


class Approval(models.Model):
    """The operator's EIP-712 signature over one candidate of one request: these calls, under this policy code."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="approvals")
    candidate = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="+")
    policy_codehash = Bytes32Field()
    calls_hash = Bytes32Field()
    operator = AddressField()
    typed_data = models.JSONField()
    digest = Bytes32Field(unique=True)
    signature = models.BinaryField()
    signed_block_number = models.BigIntegerField(null=True)  # as of a roster
    signed_block_hash = Bytes32Field(null=True)
    accepted_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"approval of request {self.request_id}"


class DecisionRecord(models.Model):
    """Why the agent acts, signed and linked to the record before it; `hash` is its act's `decision` on chain.

    `body` is the whole public document in canonical JSON (RFC 8785), exactly as published.
    """

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="decision_records")
    request = models.ForeignKey(Request, on_delete=models.SET_NULL, null=True, related_name="records")
    hash = Bytes32Field(unique=True)
    prev_hash = Bytes32Field()
    body = models.TextField()
    signer = AddressField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # A chain, not a tree: two records can't follow the same one.
        constraints = [models.UniqueConstraint(fields=["dao", "prev_hash"], name="record_chain")]

    def __str__(self) -> str:
        return hex_text(self.hash)


class Binding(models.Model):
    """A request's act number: once per number on chain, so a request is never paid twice whatever is sent again.

    A request gets another number only after a *finalized* log shows this one consumed by a different decision, or when
    nothing was ever signed under it.
    """

    class State(models.TextChoices):
        LIVE = "live"  # may be sent, was sent, or was performed
        OVERTAKEN = "overtaken"  # the number was consumed by another decision, and that is final
        UNUSED = "unused"  # given up before anything was signed
        FAILED = "failed"  # sent and reverted for good

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="bindings")
    candidate = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="+")
    module = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="+")
    policy_id = Bytes32Field()
    policy_codehash = Bytes32Field()
    number = models.PositiveIntegerField()
    scheduled = models.BooleanField()  # schedule() in place of execute()
    record = models.OneToOneField(DecisionRecord, on_delete=models.PROTECT, related_name="binding")
    calldata = models.BinaryField()
    attempt = models.PositiveIntegerField(default=1)  # a transaction that reverted is followed by another
    release_attempt = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["module", "policy_id", "number"], condition=models.Q(state="live"), name="one_request_a_number"
            ),
            models.UniqueConstraint(fields=["request"], condition=models.Q(state="live"), name="one_number_a_request"),
        ]

    def __str__(self) -> str:
        return f"request {self.request_id} as act {self.number}: {self.state}"


class PaidLine(models.Model):
    """One payment of a binding: who gets what for which month, so that the same line is never planned twice."""

    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="lines")
    recipient = AddressField()
    asset = AddressField()
    period = models.CharField(max_length=7)
    amount = Uint256Field()

    class Meta:
        indexes = [models.Index(fields=["recipient", "asset", "period"])]

    def __str__(self) -> str:
        return f"{self.period}: {self.amount}"


class AgentHalt(models.Model):
    """The local kill switch: while one stands uncleared, the agent signs nothing for the DAO."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="agent_halts")
    reason = models.CharField(max_length=400)
    reason_code = models.CharField(max_length=40, blank=True)  # as in Request
    reason_values = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    happened_at = models.DateTimeField(auto_now_add=True)
    cleared_at = models.DateTimeField(null=True)
    cleared_because = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.reason
