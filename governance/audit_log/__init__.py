# SPDX-License-Identifier: Apache-2.0
"""Write the audit log: who changed what on this site, in a chain of hashes that the database keeps.

Call `record` in the transaction that makes the change: both are there, or neither. It takes no lock that the caller
would hold: the database numbers and chains entries as the transaction commits.

An entry says who acted (an account that signed in or signed, a command, a task), what was done, and to what: numbers,
hashes and addresses. It holds no secret and no e-mail address: whoever is meant by one is named by the row's number.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import rfc8785
from django.utils import timezone
from eth_utils.address import to_checksum_address

from governance.acting import Acting, now_acting
from governance.audit_log.plain import plain
from governance.models import AuditEntry, Dao

FORMAT = "mandate.audit/2"


class Action(StrEnum):
    """What was done. Entries keep these texts for ever: a text never changes its meaning."""

    DAO_ADDED = "dao_added"
    MODULE_FOLLOWED = "module_followed"
    MIRROR_REBUILT = "mirror_rebuilt"
    REQUEST_MOVED = "request_moved"  # taken, planned, approved, sent, paid, refused: each move of a request
    REQUEST_APPROVED = "request_approved"
    READING_PICKED = "reading_picked"
    ROSTER_ACCEPTED = "roster_accepted"
    DECISION_RECORDED = "decision_recorded"
    AGENT_STOPPED = "agent_stopped"
    AGENT_STARTED = "agent_started"
    TRANSACTION_SIGNED = "transaction_signed"  # by a key of this site
    VOTE_RELAYED = "vote_relayed"
    DELEGATION_RELAYED = "delegation_relayed"
    SCHEDULE_MADE = "schedule_made"  # by which the agent is asked, in its operator's name
    SCHEDULE_ENDED = "schedule_ended"
    STATEMENT_PUBLISHED = "statement_published"  # of a delegate, or taken back
    SUBSCRIPTION_ASKED = "subscription_asked"
    SUBSCRIPTION_CONFIRMED = "subscription_confirmed"
    SUBSCRIPTION_ENDED = "subscription_ended"
    READER_FORGOTTEN = "reader_forgotten"
    WEBHOOK_ADDED = "webhook_added"
    WEBHOOK_ENDED = "webhook_ended"
    DRAFT_KEPT = "draft_kept"
    POLICY_DOCUMENT_KEPT = "policy_document_kept"
    LOCAL_CLOCK_WOUND = "local_clock_wound"
    LOG_EXPORTED = "log_exported"


def record(action: Action, dao: Dao | None = None, *, account: bytes | None = None, **values: Any) -> AuditEntry:
    """Write one entry. `account` is who is proven to have wanted it, where that is not who is signed in.

    `values` are plain JSON (amounts as text, addresses and hashes as text); what looks like an e-mail address or a
    URL with a secret in it is masked.
    """
    acting = now_acting()
    body = {
        "format": FORMAT,
        "at": _moment(timezone.now()),
        "action": Action(action).value,
        "dao": None if dao is None else {"slug": dao.slug, "chain_id": str(dao.chain_id)},
        "by": _by(acting, account),
        "values": plain(values),
    }
    return AuditEntry.objects.create(body=rfc8785.dumps(body).decode())


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _by(acting: Acting, account: bytes | None) -> Mapping[str, str | None]:
    who = account if account is not None else acting.account()
    name = acting.name if isinstance(acting.name, str) else acting.name()
    return {"via": acting.via.value, "name": name, "account": None if who is None else to_checksum_address(who)}
