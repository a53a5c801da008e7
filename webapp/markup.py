# SPDX-License-Identifier: Apache-2.0
"""Hostile Markdown -> HTML that cannot act.

A proposal's text comes from whoever could propose. `governance.text` says what of it is shown: raw HTML as text, no
pictures (a picture is a third-party request that tells its host who reads), behind each link where it leads. Links may
only be https, http or mailto, and what comes out passes an allow list once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from markdown_it import MarkdownIt
from markdown_it.token import Token

from governance import text

_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_WRITER = MarkdownIt("commonmark")  # writes tokens as HTML; parses nothing


def render(source: str) -> SafeString:
    """Markdown as safe HTML. The page has one h1, so headings start at h3 here."""
    shown = text.read(source)
    html = _WRITER.renderer.render(list(_lowered(shown.tokens)), _WRITER.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer nofollow ugc",
    )
    if shown.is_cut:
        cut = gettext("The text is longer than this page shows. The whole text is on the chain.")
        clean += format_html("<p><em>{}</em></p>", cut)
    return mark_safe(clean)  # noqa: S308  nh3's output, from an allow list


def _lowered(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens with headings two levels lower."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            yield token.copy(tag=f"h{min(6, int(token.tag[1]) + 2)}")
        else:
            yield token
