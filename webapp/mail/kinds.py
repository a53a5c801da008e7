# SPDX-License-Identifier: Apache-2.0
"""What mails are about: topics that a reader switches on and off, and the kinds of news that belong to each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from agent.understanding.summaries import CHANGED


class Topic(TextChoices):
    """What a reader may be told of; its label is the switch's."""

    CREATED = "created", gettext_lazy("A proposal was made, or what is found about its text and calls changed")
    OPENED = "opened", gettext_lazy("A vote opens")
    LAST_DAY = "last_day", gettext_lazy("A day is left to vote, and you have not voted")
    QUORUM = "quorum", gettext_lazy("A vote reaches its quorum")
    RESULT = "result", gettext_lazy("A vote is decided, or a proposal is canceled")
    QUEUED = "queued", gettext_lazy("A proposal is queued in the timelock")
    EXECUTED = "executed", gettext_lazy("A proposal is executed")
    SCHEDULED = "scheduled", gettext_lazy("The agent announces an act that can be stopped")
    STOPPED = "stopped", gettext_lazy("An act of the agent is stopped")
    PAID = "paid", gettext_lazy("The agent performs an act")
    PAUSED = "paused", gettext_lazy("The agent is paused, stopped or started again; stops and starts come at once")
    NEEDS_YOU = (
        "needs_you",
        gettext_lazy(
            "Something waits for your address: your proposal's next step, a veto or a request; or what you asked for, "
            "or are operator of, was not carried out"
        ),
    )
    DELEGATE = "delegate_voted", gettext_lazy("Your delegate votes")


# These are about the reader's own address: without one they tell nothing.
NEED_ADDRESS = frozenset({Topic.NEEDS_YOU, Topic.DELEGATE})


class Kind(StrEnum):
    """A kind of news. The part before the dot of those that logs tell is the outbox's."""

    CREATED = "proposal.created"
    JUDGED = CHANGED
    QUEUED = "proposal.queued"
    EXECUTED = "proposal.executed"
    CANCELED = "proposal.canceled"
    VETOED = "proposal.vetoed"
    ACT_SCHEDULED = "act.scheduled"
    ACT_EXECUTED = "act.executed"
    ACT_RELEASED = "act.released"
    ACT_KILLED = "act.killed"
    ACT_VETOED = "act.vetoed"
    ACT_VOIDED = "act.voided"
    PAUSED = "module.paused"
    UNPAUSED = "module.unpaused"
    # No log tells these: `milestones` finds them in votes that are open.
    OPENED = "vote.opened"
    LAST_DAY = "vote.last_day"
    QUORUM = "vote.quorum"
    PASSED = "vote.passed"
    FAILED = "vote.failed"
    # About one reader's address: `personal` finds them.
    DELEGATE_VOTED = "own.delegate_voted"
    MAY_QUEUE = "own.queue"
    MAY_EXECUTE = "own.execute"
    MAY_VETO = "own.veto"


TOPICS: Mapping[Kind, Topic] = {
    Kind.CREATED: Topic.CREATED,
    Kind.JUDGED: Topic.CREATED,
    Kind.OPENED: Topic.OPENED,
    Kind.LAST_DAY: Topic.LAST_DAY,
    Kind.QUORUM: Topic.QUORUM,
    Kind.PASSED: Topic.RESULT,
    Kind.FAILED: Topic.RESULT,
    Kind.CANCELED: Topic.RESULT,
    Kind.VETOED: Topic.RESULT,
    Kind.QUEUED: Topic.QUEUED,
    Kind.EXECUTED: Topic.EXECUTED,
    Kind.ACT_SCHEDULED: Topic.SCHEDULED,
    Kind.ACT_KILLED: Topic.STOPPED,
    Kind.ACT_VETOED: Topic.STOPPED,
    Kind.ACT_VOIDED: Topic.STOPPED,
    Kind.ACT_EXECUTED: Topic.PAID,
    Kind.ACT_RELEASED: Topic.PAID,
    Kind.PAUSED: Topic.PAUSED,
    Kind.UNPAUSED: Topic.PAUSED,
    Kind.MAY_QUEUE: Topic.NEEDS_YOU,
    Kind.MAY_EXECUTE: Topic.NEEDS_YOU,
    Kind.MAY_VETO: Topic.NEEDS_YOU,
    Kind.DELEGATE_VOTED: Topic.DELEGATE,
}
MILESTONES = frozenset({Kind.OPENED, Kind.LAST_DAY, Kind.QUORUM, Kind.PASSED, Kind.FAILED})
OF_PROPOSALS = frozenset(kind for kind in Kind if kind.startswith(("proposal.", "vote."))) | {
    Kind.DELEGATE_VOTED, Kind.MAY_QUEUE, Kind.MAY_EXECUTE,
}  # fmt: skip
OF_ACTS = frozenset(kind for kind in Kind if kind.startswith("act.")) | {Kind.MAY_VETO}
OF_MODULES = frozenset({Kind.PAUSED, Kind.UNPAUSED})


def tells_nothing(topics: Collection[str], account: bytes | None) -> bool:
    """Whether all of these topics are about an address that is not given."""
    return account is None and set(topics) <= NEED_ADDRESS


def kind_of(text: str) -> Kind | None:
    """Return the kind of this name; None for news that no mail is about."""
    return Kind(text) if text in _NAMES else None


_NAMES = frozenset(Kind)
