# SPDX-License-Identifier: Apache-2.0
"""The web app's own tables: subscriptions and what was sent to them, relayed votes, statements, and rate limits.

Nothing here is shown as a fact about the DAO: that comes from the mirror alone.
"""

import datetime

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy

from governance.fields import AddressField, Bytes32Field, Uint256Field
from governance.models import Dao, Proposal


class ReadingCursor(models.Model):
    """How far a reader of this app has read the outbox. A new reader starts at the end: nobody wants old news."""

    reader = models.CharField(max_length=40, primary_key=True)
    after_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.reader} after {self.after_id}"


class Reader(models.Model):
    """Whoever reads what is sent to one e-mail address, whichever DAOs it is about.

    `rests_since`: the reader's mail server said for good that it takes nothing for the address, so nothing is sent
    until `rests_until`, or (None) until somebody confirms it again. Tokens are stored hashed, as a subscription's are.
    """

    email = models.EmailField(unique=True)
    zone = models.CharField(max_length=64, default="UTC")  # IANA's name: when it is morning for digests
    language = models.CharField(max_length=8, default="en")  # of mails: that of the page on which they were asked for
    phrase = models.CharField(max_length=80, blank=True)  # stands in each mail, so that a forged one lacks it
    refusals = models.PositiveSmallIntegerField(default=0)  # messages in a row that were refused for good
    rests_since = models.DateTimeField(null=True)
    rests_until = models.DateTimeField(null=True)
    unsubscribe_token_hash = Bytes32Field(null=True)  # of mails about several DAOs
    own_token_hash = Bytes32Field(null=True)  # of the link to what is kept of the reader
    own_sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"reader {self.pk}"  # never the address: this text ends in logs

    @property
    def is_resting(self) -> bool:
        return self.rests_since is not None and (self.rests_until is None or self.rests_until > timezone.now())


class Subscription(models.Model):
    """Somebody's wish to hear of a DAO by e-mail. Nothing but the confirmation is sent until it is confirmed.

    Tokens are stored hashed (SHA-256), so that reading this table confirms or ends nobody's subscription. The
    unsubscribe token can be derived again from the key of the site (`webapp.mail.subscriptions.unsubscribe_token`).
    """

    class Frequency(models.TextChoices):
        IMMEDIATE = "immediate", gettext_lazy("At once")
        DAILY = "daily", gettext_lazy("Once a day")
        WEEKLY = "weekly", gettext_lazy("Once a week")

        @property
        def in_sentence(self) -> str:
            """The label as it stands within a sentence."""
            return str(self.label)[:1].lower() + str(self.label)[1:]

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="subscriptions")
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="subscriptions")
    delegate = AddressField(null=True, blank=True)  # whose missing votes the digest points out
    frequency = models.CharField(max_length=10, choices=Frequency.choices, default=Frequency.DAILY)
    topics = models.JSONField(default=list)  # codes of `webapp.mail.kinds.Topic`: what is told
    confirm_token_hash = Bytes32Field(null=True)
    confirm_sent_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    from_block = models.BigIntegerField(null=True)  # what earlier blocks tell is no news to it; None: all is
    unsubscribe_token_hash = Bytes32Field(null=True)
    unsubscribed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "reader"], name="subscription_once")]

    def __str__(self) -> str:
        return f"subscription {self.pk}"


class DigestSent(models.Model):
    """One message to one reader, taken before it is sent: the unique key is what makes it one.

    News are about one subscription; a daily or weekly digest is about all of a reader's, and names none.

    SMTP cannot promise exactly once: if the process dies between the server's "250 OK" and our note of it, the digest
    goes out again with the same Message-ID, and a mailbox that removes doubles shows one. So: at least once, and at
    most once wherever the note could be written.
    """

    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="digests")
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, null=True, related_name="digests")
    topic = models.CharField(max_length=160)  # "daily:2026-11-22", "proposal.created:<id>"
    message_id = models.CharField(max_length=200, unique=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)  # "sent", "nothing to say", "refused"
    # Of a digest: news left out because one node alone showed them, [[DAO, kind, key], ...] (`periods.Doubts`).
    doubted = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "topic"], name="digest_once"),
            models.UniqueConstraint(
                fields=["reader", "topic"], condition=models.Q(subscription=None), name="digest_of_all_once"
            ),
        ]

    def __str__(self) -> str:
        return f"digest {self.topic} to reader {self.reader_id}"


class Milestone(models.Model):
    """A moment of a vote that no log tells: it opened, its last day began, its quorum was reached, it was decided.

    Found by looking at open votes again and again (`webapp.mail.milestones`); `stands` falls where a later look shows
    that it is not so, and `times` counts how often it came to be so.
    """

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=160)
    block_number = models.BigIntegerField()  # the last that was read when it was seen
    times = models.PositiveIntegerField(default=1)
    stands = models.BooleanField(default=True)
    seen_at = models.DateTimeField()
    told = models.BooleanField(default=True)  # False: of before the first look, when it was is not known

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "kind", "key"], name="milestone_once")]
        indexes = [models.Index(fields=["dao", "seen_at"], name="milestone_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class VoteEnd(models.Model):
    """When a vote ends, whether it was canceled, and how often either changed: what a calendar's SEQUENCE counts.
    What one node alone shows changes nothing here."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="+")
    onchain_proposal_id = Uint256Field()
    ends_at = models.BigIntegerField()  # a timepoint of the governor's clock
    is_over = models.BooleanField(default=False)  # canceled or vetoed
    sequence = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "onchain_proposal_id"], name="vote_end_once")]

    def __str__(self) -> str:
        return f"ends at {self.ends_at}"


class Webhook(models.Model):
    """An account's wish to have news of a DAO posted to an address. The address may hold a secret of another service
    (Discord's, Slack's, Telegram's do): it stands in no log and no page, and is deleted with the webhook's end.

    The secret that signs messages is derived from the site's key and `salt` (`webapp.mail.webhooks.secret_of`).
    """

    class Form(models.TextChoices):
        STANDARD = "standard", gettext_lazy("JSON, signed (Standard Webhooks)")
        DISCORD = "discord", gettext_lazy("A message to Discord")
        SLACK = "slack", gettext_lazy("A message to Slack")
        TELEGRAM = "telegram", gettext_lazy("A message to Telegram")

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="webhooks")
    owner = AddressField()
    url = models.CharField(max_length=500, blank=True)
    form = models.CharField(max_length=10, choices=Form.choices, default=Form.STANDARD)
    topics = models.JSONField(default=list)  # codes of `webapp.mail.kinds.Topic`
    salt = models.CharField(max_length=32)
    from_block = models.BigIntegerField(null=True)  # as a subscription's
    failures = models.PositiveIntegerField(default=0)  # attempts in a row that were not taken
    last_taken_at = models.DateTimeField(null=True)
    slow_until = models.DateTimeField(null=True)  # its receiver was slow: until then others go first
    ended_at = models.DateTimeField(null=True)
    ended_code = models.CharField(max_length=40, blank=True)  # of `webapp.mail.words`
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["dao", "owner"], name="webhook_by_owner")]

    def __str__(self) -> str:
        return f"webhook {self.pk}"  # never the address: this text ends in logs

    def is_slow(self, now: datetime.datetime) -> bool:
        """Whether others go first: it was slow lately, or has not shown yet that it isn't."""
        return self.last_taken_at is None or (self.slow_until is not None and self.slow_until > now)


class WebhookEvent(models.Model):
    """One message to one webhook, in the order of their numbers. What it says is written when it is sent."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="events")
    topic = models.CharField(max_length=220)  # "proposal.created:<id>@<occurrence>", as of mails
    about = models.CharField(max_length=200)  # "<kind>:<key>", whether it is news or its correction
    message_id = models.CharField(max_length=40, unique=True)
    block_number = models.BigIntegerField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)  # answers against this message, among the attempts
    refused_since = models.DateTimeField(null=True)  # the first of these
    perhaps_told = models.BooleanField(default=False)  # an attempt may have been read, whatever was answered
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)  # "sent", "perhaps sent", "nothing to say", "refused"
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webhook", "topic"], name="webhook_event_once")]
        indexes = [
            models.Index(fields=["webhook", "id"], condition=models.Q(done_at=None), name="webhook_event_due"),
            models.Index(fields=["webhook", "about", "-id"], name="webhook_event_about"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} to webhook {self.webhook_id}"


class SavedDraft(models.Model):
    """A draft of a proposal that its author keeps under a link. Whoever knows the link may read and add to it."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="+")
    token_hash = Bytes32Field(unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"draft {self.pk}"


class DraftVersion(models.Model):
    """What a draft's form held when a version was kept: text, and actions as they were written. Never changed."""

    draft = models.ForeignKey(SavedDraft, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.JSONField()
    size = models.PositiveIntegerField(default=0)  # bytes of the body
    kept_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["draft", "number"], name="draft_version_once")]

    def __str__(self) -> str:
        return f"version {self.number} of draft {self.draft_id}"


class RelayedVote(models.Model):
    """A vote by signature that the relayer was asked to bring on chain: the count behind the cap."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="+")
    onchain_proposal_id = Uint256Field()
    voter = AddressField()
    support = models.PositiveSmallIntegerField()
    is_reserved = models.BooleanField(default=False)  # of the voter's own part of a day's sends (webapp.relaying)
    outgoing_key = models.CharField(max_length=160, unique=True)  # of governance.OutgoingTransaction
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["dao", "voter", "created_at"])]

    def __str__(self) -> str:
        return self.outgoing_key


class RelayedDelegation(models.Model):
    """A delegation by signature that the relayer was asked to bring on chain: the count behind the cap."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="+")
    delegator = AddressField()
    delegate = AddressField()  # 20 zero bytes: nobody
    is_reserved = models.BooleanField(default=False)  # of the delegator's own part of a day's sends
    outgoing_key = models.CharField(max_length=160, unique=True)  # of governance.OutgoingTransaction
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["dao", "delegator", "created_at"])]

    def __str__(self) -> str:
        return self.outgoing_key


class DelegateStatement(models.Model):
    """What a delegate says of itself, with its EIP-712 signature over the text's hash: the newest one alone is kept."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="+")
    account = AddressField()
    text = models.TextField()
    signed_at_s = models.BigIntegerField()  # as the signature says it
    signature = models.BinaryField()
    block_number = models.BigIntegerField(null=True)  # where a contract account's code said yes; a key needs none

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "account"], name="statement_once")]

    def __str__(self) -> str:
        return f"statement {self.pk}"


class Throttle(models.Model):
    """A count in a window of time. `subject` is a keyed hash (HMAC), so no address of a person stands here."""

    kind = models.CharField(max_length=40)
    subject = Bytes32Field()
    window_start = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject", "window_start"], name="throttle_once")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.count}"


class PolicyText(models.Model):
    """A policy document that members read, by its hash: the text says what the hash says, whoever gave it."""

    document_hash = Bytes32Field(unique=True)
    text = models.TextField()
    kept_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"policy document {bytes(self.document_hash).hex()[:8]}"


class SearchText(models.Model):
    """What a proposal is found by: the words of its text, and who made it (`webapp.proposals.search`)."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="+")
    proposal = models.OneToOneField(Proposal, models.CASCADE, related_name="search_text")
    proposer = AddressField()
    text_md5 = models.CharField(max_length=32)  # of the text that the words are of
    vector = SearchVectorField()

    class Meta:
        indexes = [
            GinIndex(fields=["vector"], name="search_text_words"),
            models.Index(fields=["dao", "-proposal"], name="search_text_newest_first"),
            models.Index(fields=["dao", "proposer", "-proposal"], name="search_text_by_proposer"),
        ]

    def __str__(self) -> str:
        return f"words of {self.proposal_id}"


class SearchWord(models.Model):
    """A word that some proposal's text has or had, to find what a misspelt one means (`webapp.proposals.spelling`).
    `folded`: without its accents, cut at 200 letters."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="+", db_index=False)
    word = models.CharField(max_length=30)
    folded = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "word"], name="search_word_once")]
        indexes = [models.Index(fields=["dao", "folded"], name="search_word_folded")]

    def __str__(self) -> str:
        return self.word


class SearchedProposal(models.Model):
    """A proposal whose text was searched for policy documents: its text never changes, so once is enough."""

    proposal = models.OneToOneField(Proposal, models.CASCADE, related_name="+")
    searched_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"searched: {self.proposal_id}"
