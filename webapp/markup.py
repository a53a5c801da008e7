# SPDX-License-Identifier: Apache-2.0
"""Hostile Markdown -> HTML that cannot act.

A proposal's text comes from whoever could propose. Raw HTML is not parsed (shown as text), images are dropped (a
picture is a third-party request that tells its host who reads), links may only be https, http or mailto and are
followed by the host they lead to, and what comes out passes an allow list once more.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from presentation.words import one_line, visible

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 20}).enable(
    ["table", "strikethrough"]
)
_MARKDOWN.disable(["image"])

_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_LIMIT = 200_000  # characters; a longer description is cut, and the page says so


def render(text: str) -> SafeString:
    """Markdown as safe HTML. The page has one h1, so headings start at h3 here."""
    cut = len(text) > _LIMIT
    tokens = _MARKDOWN.parse(visible(text[:_LIMIT]))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
        if token.children:
            token.children = _with_hosts(token.children)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer nofollow ugc",
    )
    if cut:
        clean += "<p><em>The text is longer than this page shows; the whole of it is on the chain.</em></p>"
    return mark_safe(clean)  # noqa: S308  nh3's output, from an allow list


def _with_hosts(tokens: list[Token]) -> list[Token]:
    """The tokens of a line, with ` (host)` behind each link: its words may name any other place."""
    found, host = [], ""
    for token in tokens:
        found.append(token)
        if token.type == "link_open":
            host = _host(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            found.append(Token("text", "", 0, content=f" ({host})"))
    return found


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return one_line(parts.hostname or parts.path or "this page", 80)
    except ValueError:
        return "no address"
