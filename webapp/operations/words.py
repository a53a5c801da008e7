# SPDX-License-Identifier: Apache-2.0
"""The audit log's codes in words."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from governance.acting import Via
from governance.audit_log import Action

ACTIONS: Mapping[str, Promise] = {
    Action.DAO_ADDED: gettext_lazy("DAO added, or looked at again"),
    Action.MODULE_FOLLOWED: gettext_lazy("Policy module followed"),
    Action.MIRROR_REBUILT: gettext_lazy("Mirror made anew"),
    Action.REQUEST_MOVED: gettext_lazy("Request moved"),
    Action.REQUEST_APPROVED: gettext_lazy("Request approved"),
    Action.READING_PICKED: gettext_lazy("Asker said what was meant"),
    Action.ROSTER_ACCEPTED: gettext_lazy("Roster accepted"),
    Action.SCHEDULE_MADE: gettext_lazy("Schedule made"),
    Action.SCHEDULE_ENDED: gettext_lazy("Schedule ended"),
    Action.DECISION_RECORDED: gettext_lazy("Decision recorded"),
    Action.AGENT_STOPPED: gettext_lazy("Agent stopped"),
    Action.AGENT_STARTED: gettext_lazy("Agent started"),
    Action.TRANSACTION_SIGNED: gettext_lazy("Transaction signed"),
    Action.VOTE_RELAYED: gettext_lazy("Vote taken to be relayed"),
    Action.DELEGATION_RELAYED: gettext_lazy("Delegation taken to be relayed"),
    Action.STATEMENT_PUBLISHED: gettext_lazy("A delegate's statement published or taken back"),
    Action.SUBSCRIPTION_ASKED: gettext_lazy("Subscription asked for"),
    Action.SUBSCRIPTION_CONFIRMED: gettext_lazy("Subscription confirmed"),
    Action.SUBSCRIPTION_ENDED: gettext_lazy("Subscription ended"),
    Action.DRAFT_KEPT: gettext_lazy("Draft kept under a link"),
    Action.READER_FORGOTTEN: gettext_lazy("What was kept of a subscriber deleted"),
    Action.WEBHOOK_ADDED: gettext_lazy("Webhook added"),
    Action.WEBHOOK_ENDED: gettext_lazy("Webhook ended"),
    Action.POLICY_DOCUMENT_KEPT: gettext_lazy("Policy document kept"),
    Action.LOCAL_CLOCK_WOUND: gettext_lazy("Local chain's clock wound"),
    Action.LOG_EXPORTED: gettext_lazy("This log exported"),
}
WAYS: Mapping[str, Promise] = {
    Via.PAGE: gettext_lazy("page"),
    Via.API: gettext_lazy("API"),
    Via.COMMAND: gettext_lazy("command"),
    Via.TASK: gettext_lazy("task"),
    Via.CODE: gettext_lazy("other code"),
}


def action_text(code: str) -> str:
    """Return what was done, in words; the code of an action of a newer version."""
    return str(ACTIONS.get(code, code))


def via_text(code: str) -> str:
    """Return the way in, in words."""
    return str(WAYS.get(code, code))
