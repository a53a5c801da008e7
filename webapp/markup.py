# SPDX-License-Identifier: Apache-2.0
"""Hostile Markdown -> HTML that cannot act.

A proposal's text comes from whoever could propose. `governance.text` says what of it is shown: raw HTML as text, no
pictures (a picture is a third-party request that tells its host who reads), behind each link where it leads. Links may
only be https, http or mailto, and what comes out passes an allow list once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from markdown_it import MarkdownIt
from markdown_it.token import Token

from governance import text
from policies.notation.visible import one_line, visible

_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
REASON_CHARS = 2_000
_SHORT_CHARS = 4_000
_MOST_MARKS = 120  # of Markdown in a reason
_MOST_HEADINGS = 60  # in an outline
_WRITER = MarkdownIt("commonmark")  # writes tokens as HTML; parses nothing


@dataclass(frozen=True)
class Rendered:
    """A text as a page shows it. `outline`: its headings as (anchor, words, level from 1); `links`: where its links
    lead, each once."""

    html: SafeString
    outline: tuple[tuple[str, str, int], ...]
    links: tuple[str, ...]


def rendered(source: str) -> Rendered:
    """Render Markdown as safe HTML, with an anchor at each heading. What was rendered is kept, so that a text that is
    slow to read costs its readers no more than others."""
    keep = _short if len(source) <= _SHORT_CHARS else _long
    return keep(source, get_language() or "")


def render(source: str) -> SafeString:
    """Markdown as safe HTML. The page has one h1, so headings start at h3 here."""
    return rendered(source).html


def reason(source: str) -> SafeString:
    """A vote's reason as safe HTML: no more than `REASON_CHARS` of it, and without anchors, for many are on a page. One
    of so many marks that it would be slow to read is shown as it was written."""
    return _reason(source[:REASON_CHARS] + (" …" if len(source) > REASON_CHARS else ""), get_language() or "")


def _render(source: str, *, anchors: bool) -> Rendered:
    shown = text.read(source)
    outline: list[tuple[str, str, int]] = []
    tokens = list(_lowered(shown.tokens, outline if anchors else None))
    html = _WRITER.renderer.render(tokens, _WRITER.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        # Raw HTML is shown as text, so that an id here is one of ours.
        attributes={"a": {"href", "title"}, "ol": {"start"}, **{f"h{level}": {"id"} for level in range(3, 7)}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer nofollow ugc",
    )
    if shown.is_cut:
        cut = gettext("The text is longer than this page shows. The whole text is on the chain.")
        clean += format_html("<p><em>{}</em></p>", cut)
    links = dict.fromkeys(
        str(child.attrs["href"])
        for token in shown.tokens
        for child in token.children or ()
        if child.type == "link_open" and "href" in child.attrs
    )
    return Rendered(mark_safe(clean), tuple(outline), tuple(links))  # noqa: S308  nh3's output, from an allow list


@lru_cache(maxsize=512)
def _short(source: str, _language: str) -> Rendered:
    return _render(source, anchors=True)


@lru_cache(maxsize=24)  # a megabyte each at most
def _long(source: str, _language: str) -> Rendered:
    return _render(source, anchors=True)


@lru_cache(maxsize=1024)
def _reason(source: str, _language: str) -> SafeString:
    if sum(source.count(mark) for mark in "|[*_`>") > _MOST_MARKS:
        return format_html('<p class="as-written">{}</p>', visible(source))
    return _render(source, anchors=False).html


def _lowered(tokens: Sequence[Token], outline: list[tuple[str, str, int]] | None) -> Iterator[Token]:
    """The tokens with headings two levels lower, each with an anchor where an `outline` is made of them."""
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            level, attrs = int(token.tag[1]), dict(token.attrs)
            if outline is not None and len(outline) < _MOST_HEADINGS:
                words = one_line(_words(tokens[at + 1]), 120) if at + 1 < len(tokens) else ""
                if words:
                    attrs["id"] = f"text-{len(outline) + 1}"
                    outline.append((attrs["id"], words, level))
            yield token.copy(tag=f"h{min(6, level + 2)}", attrs=attrs)
        elif token.type == "heading_close":
            yield token.copy(tag=f"h{min(6, int(token.tag[1]) + 2)}")
        else:
            yield token


def _words(token: Token) -> str:
    """The words of a heading."""
    return "".join(child.content or (" " if "break" in child.type else "") for child in token.children or ())
