# SPDX-License-Identifier: Apache-2.0
"""Every page of the site as a browser shows it: of a DAO in every state (`tests.webapp.states`), to each visitor.

The list comes from the site's routes, so a new page can't be forgotten. Answers to forms are pages too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from agent.acts import halts
from governance import roles
from tests.webapp import states
from tests.webapp.conftest import Made, account
from webapp.drafts.actions import KINDS
from webapp.mail import own, subscriptions, webhooks
from webapp.models import Webhook

MEMBER = account(3)
LONG = "Λέξη" * 60
HARD = f"# {LONG}\n\n{LONG}\n\n```\n{LONG}\n```\n\n| {LONG} | β |\n|-|-|\n| 1 | 2 |\n\n- {LONG}\n\n> {LONG}\n\n## Δύο"


@dataclass(frozen=True)
class Visitor:
    """Who looks: nobody in particular, or an account that is signed in."""

    name: str
    session: str = ""  # of the cookie

    def client(self, cookie: str) -> Client:
        """Return a client that is this visitor."""
        made = Client()
        if self.session:
            made.cookies[cookie] = self.session
        return made


@dataclass(frozen=True)
class Shown:
    """A page, by its address, and its text where it is the answer to a form."""

    path: str
    visitor: Visitor
    html: str = ""
    is_first: bool = True  # of its kind

    def __str__(self) -> str:
        return f"{self.path} ({self.visitor.name}{', answer to a form' if self.html else ''})"


def visitors(made: Made, settings) -> list[Visitor]:
    """Return a stranger, a member, and an account that is operator and auditor and keeps the site."""
    operator = next(roles.policies_named(made.dao))[1].operator
    settings.KEEPERS = settings.AUDITORS = frozenset({operator})
    return [Visitor("stranger"), Visitor("member", _session(MEMBER)), Visitor("keeper", _session(operator))]


def _session(who: bytes) -> str:
    session = SessionStore()
    until = timezone.now().timestamp() + 3600
    session["signin_account"] = {"address": who.hex(), "until": until, "chain": None}
    session.create()
    return session.session_key


def fill(made: Made) -> dict[str, list[str]]:
    """Put a DAO into every state, with all that signed-in visitors see of their own; return the links that were mailed,
    by the name of the page."""
    states.fill(made)
    made.proposal(6, description=HARD)
    halts.stop(made.dao, MEMBER, "Ω")
    held, choice = states.subscription(made)
    ended, failing = (
        webhooks.add(made.dao, MEMBER, "https://example.org/hook?chat_id=1", form, list(webhooks.OFFERED))
        for form in Webhook.Form.values[:2]
    )
    webhooks.end(ended, "hook_by_owner")
    Webhook.objects.filter(pk=failing.pk).update(failures=3, last_taken_at=timezone.now())
    own.ask(held.reader.email, "here")
    token = own._token({"r": held.reader.pk, "n": "ab" * 16})
    held.reader.__class__.objects.filter(pk=held.reader.pk).update(own_token_hash=own._hash(token))
    return {
        "own_data": [token],
        "own_export": [token],
        "confirm": [subscriptions.confirm_token(choice), "no-link"],
        "unsubscribe": [subscriptions.unsubscribe_token(held)],
    }


def of_routes(made: Made, links: dict[str, list[str]], who: Visitor, cookie: str, *, whole: bool) -> Iterator[Shown]:
    """Yield each page that a visitor gets by its address; the first of each kind where not the whole is wanted."""
    client, seen = who.client(cookie), set()
    more = ["/river/proposals/?show=open", "/river/proposals/?q=nothing-of-this", "/river/proposals/?by=0x12",
            "/river/agent/?page=2", "/river/proposals/6/", f"/river/proposals/7/?account=0x{MEMBER.hex()}",
            *(f"/river/propose/?kind={kind}" for kind in KINDS)]  # fmt: skip
    for path in [*states.pages(made, links), *more]:
        kind = path if path in more else resolve(path).view_name
        if kind in seen and not whole:
            continue
        answer = client.get(path)
        if answer["Content-Type"].startswith("text/html") and answer.content:
            yield Shown(path, who, is_first=kind not in seen)
            seen.add(kind)


def answers(who: Visitor, cookie: str) -> Iterator[Shown]:
    """Yield the answers to forms: what was wrong, what comes next, what is shown once."""
    client = who.client(cookie)
    wish = {"email": "ines@example.org", "frequency": "daily", "delegate": "", "topics": ["created"], "zone": "UTC"}
    hook = {"url": "https://example.org/x", "form": "standard", "topics": list(webhooks.OFFERED)}
    call = {"kind-0": "raw", "target-0": f"0x{MEMBER.hex()}", "calldata-0": "0x", "text": "# Α\n\nΒ"}
    for path, sent in (
        ("/river/subscribe/", {"email": "x", "delegate": "1", "zone": "ζ"}),
        ("/river/subscribe/", {**wish, "preview": "1"}),
        ("/river/subscribe/", wish),
        ("/subscriptions/own/", {"email": "x"}),
        ("/subscriptions/own/", {"email": "ines@example.org"}),
        ("/river/subscribe/webhooks/", {"url": "http://10.0.0.1", "form": "telegram"}),
        ("/river/subscribe/webhooks/", hook),
        ("/river/propose/", {"text": "", "kind-0": "transfer"}),
        ("/river/propose/", call),
        ("/river/operations/start", {"because": "Ω"}),
    ):
        answer = client.post(path, sent)
        if answer["Content-Type"].startswith("text/html") and answer.content:
            yield Shown(path, who, answer.content.decode())
