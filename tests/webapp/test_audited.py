# SPDX-License-Identifier: Apache-2.0
"""Every address and command that changes something is known here, with what it writes into the audit log."""

from __future__ import annotations

import ast
from pathlib import Path

from django.core.management import get_commands
from django.urls import URLPattern, URLResolver, get_resolver

from governance.audit_log import Action
from webapp.api import api
from webapp.operations.words import ACTIONS

ROOT = Path(__file__).resolve().parents[2]

# Operation of the API -> what it records. A moved request is recorded by its one writer (agent.acts.life).
API = {
    "ask": Action.REQUEST_MOVED,
    "hand_in_roster": Action.ROSTER_ACCEPTED,
    "approve": Action.REQUEST_APPROVED,
    "end_request": Action.REQUEST_MOVED,
    "subscribe": Action.SUBSCRIPTION_ASKED,
    "vote_by_signature": Action.VOTE_RELAYED,
    "delegate_by_signature": Action.DELEGATION_RELAYED,
    "publish_statement": Action.STATEMENT_PUBLISHED,
    "stop_agent": Action.AGENT_STOPPED,
    "start_agent": Action.AGENT_STARTED,
}
# Pages that take a POST -> what they record; None: they keep nothing, or nothing but the sign-in.
POSTS = {
    "act": Action.REQUEST_MOVED,
    "roster": Action.ROSTER_ACCEPTED, "schedules": Action.SCHEDULE_MADE,
    "agent_start": Action.AGENT_STARTED, "agent_stop": Action.AGENT_STOPPED, "clock": Action.LOCAL_CLOCK_WOUND,
    "confirm": Action.SUBSCRIPTION_CONFIRMED, "own": None, "own_data": Action.READER_FORGOTTEN,
    "request_meant": Action.READING_PICKED, "request_end": Action.REQUEST_MOVED,
    "subscribe": Action.SUBSCRIPTION_ASKED, "unsubscribe": Action.SUBSCRIPTION_ENDED,
    "webhooks": Action.WEBHOOK_ADDED, "webhook_end": Action.WEBHOOK_ENDED,
    "propose": Action.DRAFT_KEPT, "kept_draft": Action.DRAFT_KEPT,
    "sign_out": None, "verify": None,
    "local_wallet": None,  # the test wallet of the local chain: it hands on what the browser signs
}  # fmt: skip
# Commands of ours -> what they record; None: they change nothing that the site keeps, or what a stop would forget.
COMMANDS = {
    "add_dao": Action.DAO_ADDED, "agent": Action.AGENT_STARTED, "audit_log": Action.LOG_EXPORTED,
    "module": Action.TRANSACTION_SIGNED, "policy_document": Action.POLICY_DOCUMENT_KEPT,
    "rebuild": Action.MIRROR_REBUILT, "sign_roster": Action.ROSTER_ACCEPTED,
    "webhooks": Action.WEBHOOK_ENDED,
    "audit": None, "check_model": None, "doctor": None, "flags": None, "gaps": None, "policy": None, "review": None,
    "verify_record": None,
    "replay": None,  # into a database of its own
    "demo_act": None,  # acts through the running demo's site and chain, which record
    "demo": None, "demo_reset": None, "story": None,  # a whole stack, whose processes record for themselves
}  # fmt: skip


def _routes(resolver: URLResolver) -> list[URLPattern]:
    found: list[URLPattern] = []
    for one in resolver.url_patterns:
        found += [one] if isinstance(one, URLPattern) else _routes(one)
    return found


def _takes_posts(pattern: URLPattern) -> bool:
    """Whether the view's source names POST in what it lets through, or lets all methods through."""
    path = Path(pattern.callback.__code__.co_filename)
    view = getattr(pattern.callback, "__wrapped__", None)
    while hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    path = Path((view or pattern.callback).__code__.co_filename)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name == pattern.callback.__name__:
            said = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
            return "POST" in said or ("safe" not in said and "GET" not in said)
    raise LookupError(pattern.name)


def test_every_operation_that_changes_something_is_recorded() -> None:
    told = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    changing = {
        operation["operationId"].removeprefix("webapp_api_")
        for methods in told.values()
        for method, operation in methods.items()
        if method != "get"
    }
    assert changing == set(API)


def test_every_page_that_changes_something_is_recorded() -> None:
    ours = [one for one in _routes(get_resolver()) if one.callback.__module__.startswith(("webapp.", "dao."))]
    assert {one.name for one in ours if _takes_posts(one)} == set(POSTS)


def test_every_command_says_what_it_records() -> None:
    ours = {name for name, app in get_commands().items() if app in ("governance", "agent", "webapp", "dao", "replay")}
    assert ours == set(COMMANDS)


def test_every_action_is_recorded_somewhere_and_has_words() -> None:
    written = "".join(
        path.read_text() for app in ("governance", "agent", "webapp", "dao") for path in (ROOT / app).rglob("*.py")
    )
    assert {
        action for action in Action if f"record(Action.{action.name}" not in written.replace("audit_log.", "")
    } == set()
    assert set(ACTIONS) == set(Action)
