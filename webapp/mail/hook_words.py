# SPDX-License-Identifier: Apache-2.0
"""What a webhook's messages say: JSON for programs, and ready texts for Discord, Slack and Telegram.

A stranger's words (titles, ENS names) make no markup, no mention of a person and no link by an address with a scheme or
a known ending in any of them. Telegram makes links of its own of more (`/word`, `#word`, `$WORD`, numbers like those of
machines), which nothing here keeps it from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext

from presentation.dao_view import DaoView
from webapp.mail import digest, facts
from webapp.mail.kinds import OF_ACTS, OF_PROPOSALS, kind_of
from webapp.models import Webhook, WebhookEvent

_MOST_TEXT = 1_500  # Discord takes 2,000 characters
_MOST_FLAGS = 5


@dataclass(frozen=True)
class News:
    """What one message says. `lines` are ours with strangers' words in them, made harmless for mails."""

    type: str
    dao: dict[str, str]
    heading: str
    link: str
    block: str
    about: dict[str, str]
    undone: bool = False
    is_current: bool = True
    verdict: str = ""
    flags: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        place: DaoView,
        name: str,
        key: str,
        written: tuple[str, digest.Item],
        *,
        undone: bool = False,
        is_current: bool = True,
    ) -> News:
        """The news of a mail's heading and item."""
        heading, item = written
        kind = kind_of(name)
        about = {}
        if kind in OF_PROPOSALS:
            about = {"proposal_id": str(facts.number_of(kind, key))}
        elif kind in OF_ACTS:
            policy, _, number = key.rpartition(":")
            about = {"policy_id": policy, "act_number": number}
        return cls(
            f"{name}.undone" if undone else str(name), _dao(place), heading, item.link, str(place.block), about, undone,
            is_current, item.verdict, item.flags[:_MOST_FLAGS], item.lines,
        )  # fmt: skip


def first(place: DaoView) -> News:
    """What a webhook is told when it is added."""
    link = settings.ORIGIN + reverse("webhooks", args=[place.dao.slug])
    heading = gettext("this webhook was added, and news come here from now on")
    return News("webhook.added", _dao(place), heading, link, str(place.block), {})


def _dao(place: DaoView) -> dict[str, str]:
    return {
        "slug": place.dao.slug, "name": digest.told(place.dao.name, 80), "chain_id": str(place.dao.chain_id),
    }  # fmt: skip


def address(hook: Webhook) -> str:
    """Where a webhook's messages go. Telegram's chat stands in the body, not in the address."""
    if hook.form != Webhook.Form.TELEGRAM:
        return hook.url
    parts = urlsplit(hook.url)
    kept = {name: values for name, values in parse_qs(parts.query).items() if name != "chat_id"}
    return parts._replace(query=urlencode(kept, doseq=True)).geturl()


def chat_of(url: str) -> str:
    """The chat that a Telegram address names (`?chat_id=`), or nothing."""
    found = parse_qs(urlsplit(url).query).get("chat_id", [])
    return found[0] if len(found) == 1 else ""


def body(hook: Webhook, event: WebhookEvent, news: News) -> str:
    """The message as it is signed and sent."""
    made = _FORMS[hook.form](hook, event, news)
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def _standard(_hook: Webhook, event: WebhookEvent, news: News) -> dict[str, Any]:
    """The form of Standard Webhooks: a type, the moment at which this site read it, and data."""
    return {
        "type": news.type,
        "timestamp": event.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {
            "dao": news.dao, "heading": news.heading, "link": news.link, **news.about, "undone": news.undone,
            "is_current": news.is_current, "verdict": news.verdict, "flags": news.flags,
            "read_in_block": None if event.block_number is None else str(event.block_number),
            "as_of_block": news.block, "sequence": str(event.pk),
        },
    }  # fmt: skip


def _text(news: News, harmless: Callable[[str], str]) -> str:
    """A message for people: what is wrong first, then what happened and how it stands, and one link."""
    said = [f"{news.dao['name']}: {news.heading}", *(f"⚠ {flag}" for flag in news.flags)]
    said += [line for line in (news.verdict, *news.lines) if line]
    whole = harmless("\n".join(said).replace("@", "[at]"))
    if len(whole) > _MOST_TEXT:
        whole = whole[:_MOST_TEXT].rsplit("\n", 1)[0] + "\n…"
    return f"{whole}\n{news.link}"


def _discord(_hook: Webhook, _event: WebhookEvent, news: News) -> dict[str, Any]:
    def harmless(text: str) -> str:
        return re.sub(r"([\\*_`~|>#\[\]()<:-])", r"\\\1", text)

    # 4: no preview of what the link leads to. Nobody is mentioned, whatever a text says.
    return {"content": _text(news, harmless), "allowed_mentions": {"parse": []}, "flags": 4}


def _slack(_hook: Webhook, _event: WebhookEvent, news: News) -> dict[str, Any]:
    def harmless(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    return {"text": _text(news, harmless), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def _telegram(hook: Webhook, _event: WebhookEvent, news: News) -> dict[str, Any]:
    return {
        "chat_id": chat_of(hook.url), "text": _text(news, str), "link_preview_options": {"is_disabled": True},
    }  # fmt: skip


_FORMS: Mapping[str, Callable[[Webhook, WebhookEvent, News], dict[str, Any]]] = {
    Webhook.Form.STANDARD: _standard, Webhook.Form.DISCORD: _discord, Webhook.Form.SLACK: _slack,
    Webhook.Form.TELEGRAM: _telegram,
}  # fmt: skip
