# SPDX-License-Identifier: Apache-2.0
"""Codes as people read them: a proposal's state and steps, an act's and a request's status, a vote's choice,
an incident's kind, a flag's severity."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from agent.models import Request
from governance.incidents import Kind
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
    "vetoed": gettext_lazy("Vetoed"),
    "rescheduled": gettext_lazy("End of the vote moved"),
    "objectionable": gettext_lazy("Period for votes against added"),
    "retyped": gettext_lazy("Type changed"),
    "updated": gettext_lazy("Text or calls written anew"),
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
SEVERITIES: Mapping[str, Promise] = {
    "notice": pgettext_lazy("flag", "Notice"),
    "warning": pgettext_lazy("flag", "Warning"),
    "danger": pgettext_lazy("flag", "Danger"),
}
INCIDENTS: Mapping[str, Promise] = {
    Kind.REORG: gettext_lazy("Blocks replaced"),
    Kind.LOCAL_CHAIN_REWOUND: gettext_lazy("Local chain went back"),
    Kind.MISSED_LOGS: gettext_lazy("Logs were missing"),
    Kind.DEEP_REORG: gettext_lazy("Final blocks replaced"),
    Kind.WRONG_CHAIN: gettext_lazy("Wrong chain"),
    Kind.NODE_ERROR: gettext_lazy("Node failed"),
    Kind.SYNC_ERROR: gettext_lazy("Reading failed"),
    Kind.LYING_NODE: gettext_lazy("False answer"),
    Kind.NODES_DIFFER: gettext_lazy("Nodes differ"),
    Kind.GAP: gettext_lazy("Proposal not read"),
    Kind.UNDECODABLE: gettext_lazy("Log not understood"),
    Kind.POLICY_CODE: gettext_lazy("Policy code not read"),
    Kind.TIMELOCK_CHANGED: gettext_lazy("Timelock changed"),
    Kind.GOVERNOR_CHANGED: gettext_lazy("Governor changed"),
    Kind.CLOCK_DIFFERS: gettext_lazy("Clock differs"),
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


def incident(kind: str) -> str:
    """Return the kind of an incident, in a few words; the code of one that a newer version raised."""
    return str(INCIDENTS.get(kind, kind))


def severity(code: str) -> str:
    """Return how much a flag should worry a voter, in a word."""
    return str(SEVERITIES.get(code, code))


def choice(support: int) -> str:
    """Return the choice of a vote by its number."""
    return str(CHOICES[support]) if support in CHOICES else gettext("Support %(number)s") % {"number": support}
