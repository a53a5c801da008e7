# SPDX-License-Identifier: Apache-2.0
"""Codes as people read them: a proposal's state and steps, an act's and a request's status, a vote's choice."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from agent.models import Request
from governance.models import Act, Contract
from governance.state import State

STATES: Mapping[str, Promise] = {
    State.PENDING: pgettext_lazy("state", "Pending"),
    State.ACTIVE: pgettext_lazy("state", "Active"),
    State.CANCELED: pgettext_lazy("state", "Canceled"),
    State.DEFEATED: pgettext_lazy("state", "Defeated"),
    State.SUCCEEDED: pgettext_lazy("state", "Succeeded"),
    State.QUEUED: pgettext_lazy("state", "Queued"),
    State.EXPIRED: pgettext_lazy("state", "Expired"),
    State.EXECUTED: pgettext_lazy("state", "Executed"),
    State.VETOED: pgettext_lazy("state", "Vetoed"),
    State.OBJECTION_PERIOD: pgettext_lazy("state", "ObjectionPeriod"),
    State.UPDATABLE: pgettext_lazy("state", "Updatable"),
    State.UNKNOWN: pgettext_lazy("state", "Unknown"),
}
TRANSITIONS: Mapping[str, Promise] = {
    "created": gettext_lazy("Proposed"),
    "queued": gettext_lazy("Queued in the timelock"),
    "executed": pgettext_lazy("state", "Executed"),
    "canceled": pgettext_lazy("state", "Canceled"),
    "extended": gettext_lazy("Voting time extended (late quorum)"),
}
ACTS: Mapping[str, Promise] = {
    Act.Status.EXECUTED: pgettext_lazy("act", "Executed"),
    Act.Status.SCHEDULED: pgettext_lazy("act", "Scheduled"),
    Act.Status.RELEASED: pgettext_lazy("act", "Released"),
    Act.Status.KILLED: pgettext_lazy("act", "Killed"),
    Act.Status.VETOED: pgettext_lazy("act", "Vetoed"),
    Act.Status.VOIDED: pgettext_lazy("act", "Voided"),
}
REQUESTS: Mapping[str, Promise] = {
    Request.Status.RECEIVED: pgettext_lazy("request", "Received"),
    Request.Status.WAITING: pgettext_lazy("request", "Waiting"),
    Request.Status.ABSTAINED: pgettext_lazy("request", "Abstained"),
    Request.Status.REFUSED: pgettext_lazy("request", "Refused"),
    Request.Status.NEEDS_APPROVAL: pgettext_lazy("request", "Needs Approval"),
    Request.Status.PLANNED: pgettext_lazy("request", "Planned"),
    Request.Status.EXECUTING: pgettext_lazy("request", "Executing"),
    Request.Status.SCHEDULED: pgettext_lazy("request", "Scheduled"),
    Request.Status.EXECUTED: pgettext_lazy("request", "Executed"),
    Request.Status.STOPPED: pgettext_lazy("request", "Stopped"),
    Request.Status.FAILED: pgettext_lazy("request", "Failed"),
}
CHOICES: Mapping[int, Promise] = {
    0: pgettext_lazy("vote", "Against"),
    1: pgettext_lazy("vote", "For"),
    2: pgettext_lazy("vote", "Abstain"),
}
CONTRACTS: Mapping[str, Promise] = {
    Contract.Kind.GOVERNOR: gettext_lazy("Governor"),
    Contract.Kind.VOTES_TOKEN: gettext_lazy("Votes token"),
    Contract.Kind.TIMELOCK: gettext_lazy("Timelock"),
    Contract.Kind.TREASURY: gettext_lazy("Treasury"),
    Contract.Kind.MODULE: gettext_lazy("Policy module"),
}


def request_status(code: str) -> str:
    """Return where a request stands, in words."""
    return str(REQUESTS.get(code, code))


def choice(support: int) -> str:
    """Return the choice of a vote by its number."""
    return str(CHOICES[support]) if support in CHOICES else gettext("Support %(number)s") % {"number": support}
