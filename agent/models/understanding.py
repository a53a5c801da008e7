# SPDX-License-Identifier: Apache-2.0
"""What was understood of a proposal: one summary per proposal and text, and how far the outbox has been read."""

from django.db import models

from governance.fields import Bytes32Field
from governance.models import Proposal

__all__ = ["ChainFacts", "OutboxCursor", "Summary"]


class OutboxCursor(models.Model):
    """How far one reader of this app has read the outbox below it. A reader that is new starts at the beginning."""

    reader = models.CharField(max_length=60, primary_key=True)
    after_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.reader} after {self.after_id}"


class ChainFacts(models.Model):
    """What the chain said of a proposal's accounts at the block in which it was made (agent.understanding.live). Asked
    once, by a worker; goes with its proposal."""

    proposal = models.OneToOneField(Proposal, on_delete=models.CASCADE, related_name="chain_facts")
    block_number = models.BigIntegerField()
    block_hash = Bytes32Field()
    is_answered = models.BooleanField()  # False: the nodes that are asked don't have the state of this block
    names = models.JSONField(default=dict)  # {address: the ENS name that leads to it, and to which it leads back}
    # {address: {"size", "new": bool | null, "destroys_itself", "lacks": [selector], "safe"}}
    codes = models.JSONField(default=dict)
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "chain facts"

    def __str__(self) -> str:
        return f"what the chain said of {self.proposal_id}"


class Summary(models.Model):
    """What a proposal's text says, what its calls do, and whether the two match.

    `effects`, `flags`, `verdict` and `findings` are computed without a model and stand in every row, whatever the
    status; so do `sentences`, until a model has chosen others. What a model chooses moves neither verdict nor flags.
    The row goes with its proposal.
    """

    class Status(models.TextChoices):
        PENDING = "pending"  # waiting for the model; effects and flags are there already
        WRITTEN = "written"
        ABSTAINED = "abstained"  # the model had nothing to say, or nothing that survived the source checks
        FAILED = "failed"  # given up after many attempts (the reason says why)

    class Verdict(models.TextChoices):
        # agent.understanding.judging.Outcome, worst first.
        NO_CALLS = "no_calls"
        DIFFERS = "differs"
        NOT_TOLD = "not_told"
        CANT_BE_CHECKED = "cant_be_checked"
        TOLD_IN_PART = "told_in_part"
        TOLD = "told"
        # Of rows that were judged by the rules before; they are judged again (agent.understanding.summaries.judge_due).
        MATCHES = "matches"
        UNMATCHED = "unmatched"
        OPAQUE = "opaque"
        UNREAD = "unread"

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="summaries")
    input_hash = Bytes32Field()  # keccak256 of text and actions: one summary per proposal and text
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    # Why it is pending, abstained or failed: the text of its time, and the code with its values that pages word.
    reason = models.CharField(max_length=300, blank=True)
    reason_code = models.CharField(max_length=40, blank=True)  # agent.understanding.words; "legacy": the text alone
    reason_values = models.JSONField(default=dict)
    verdict = models.CharField(max_length=16, choices=Verdict.choices, default=Verdict.UNREAD)
    rules = models.PositiveSmallIntegerField(default=0, db_index=True)  # by which version of the rules it was judged
    # [{"text", "source": {"kind": "span" | "effect" | "verdict" | "flag", "id", "quote"}, "by": "code" | "model"}]
    sentences = models.JSONField(default=list)
    # [{"id", "type", "spans": [id], "quotes": [text], "recipients", "amounts": [{"number", "asset", "base_units"}]}]
    claims = models.JSONField(default=list)
    effects = models.JSONField(default=list)  # agent.understanding.effects.Effect.as_json()
    flags = models.JSONField(
        default=list
    )  # [{"code", "text", "severity", "effects": [id], "sentence": {"code", "values"}}]
    # What the verdict rests on: [{"status", "effect", "codes", "quote": {"start", "end", "text"} | null, "text",
    # "sentence": {"code", "values"}}]; of rows of before: [{"kind", "text", "claim", "effect", "sentence"}]
    findings = models.JSONField(default=list)
    hidden = models.JSONField(default=list)  # what some readers don't see: [{"kind", "count", "sample", "shown"}]
    spans_read = models.PositiveIntegerField(default=0)  # how many of the text's sentences the model was shown
    spans_total = models.PositiveIntegerField(default=0)

    model_name = models.CharField(max_length=200, blank=True)
    model_is_demo = models.BooleanField(default=False)
    prompt_hash = Bytes32Field(null=True)  # keccak256 of the exact messages and schema sent, in canonical JSON
    output_hash = Bytes32Field(null=True)  # keccak256 of the exact text that came back
    prompt_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    written_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "summaries"
        constraints = [models.UniqueConstraint(fields=["proposal", "input_hash"], name="summary_once")]

    def __str__(self) -> str:
        return f"summary of {self.proposal_id}: {self.status}"

    @property
    def model_says(self) -> str:
        """Which model read the text, as a page says it: `SmolLM2-135M-Instruct (demo model)`."""
        return f"{self.model_name} (demo model)" if self.model_is_demo else self.model_name
