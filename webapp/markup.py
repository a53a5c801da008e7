# SPDX-License-Identifier: Apache-2.0
"""Hostile Markdown -> HTML that cannot act.

A proposal's text comes from whoever could propose. `governance.text` says what of it is shown: raw HTML as text, no
pictures (a picture is a third-party request that tells its host who reads), behind each link where it leads. Links may
only be https, http or mailto, and what comes out passes an allow list once more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from governance import text
from governance.text import PLACE
from policies.notation.visible import one_line, visible

_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "mark", "ol", "p", "pre",
    "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
REASON_CHARS = 2_000
_SHORT_CHARS = 4_000
_MOST_MARKS = 120  # of Markdown in a reason
_MOST_HEADINGS = 60  # in an outline
_NO_END = 2**62
_WRITER = MarkdownIt("commonmark")  # writes tokens as HTML; parses nothing


@dataclass(frozen=True)
class Rendered:
    """A text as a page shows it. `outline`: its headings as (anchor, words, level from 1); `links`: where its links
    lead, each once; `marked`: where the quotes begin that have an anchor, `#said-` and that number."""

    html: SafeString
    outline: tuple[tuple[str, str, int], ...]
    links: tuple[str, ...]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Quote:
    """Words of a text: `governance.text.Shown.text[start:end]`. `begins` is how they begin, on one line: where the text
    has other words at this place, nothing is marked."""

    start: int
    end: int
    begins: str


def rendered(source: str, quotes: tuple[Quote, ...] = ()) -> Rendered:
    """Render Markdown as safe HTML, with an anchor at each heading and each quote. What was rendered is kept, so that a
    text that is slow to read costs its readers no more than others."""
    keep = _short if len(source) <= _SHORT_CHARS else _long
    return keep(source, get_language() or "", quotes)


def render(source: str) -> SafeString:
    """Markdown as safe HTML. The page has one h1, so headings start at h3 here."""
    return rendered(source).html


def reason(source: str) -> SafeString:
    """A vote's reason as safe HTML: no more than `REASON_CHARS` of it, and without anchors, for many are on a page. One
    of so many marks that it would be slow to read is shown as it was written."""
    return _reason(source[:REASON_CHARS] + (" …" if len(source) > REASON_CHARS else ""), get_language() or "")


def _render(source: str, quotes: Sequence[Quote] = (), *, anchors: bool) -> Rendered:
    shown = text.read(source)
    outline: list[tuple[str, str, int]] = []
    marker = _Marker([quote for quote in quotes if _is_there(quote, shown.text)])
    tokens = list(marker.marked(_lowered(shown.tokens, outline if anchors else None)))
    html = _WRITER.renderer.render(tokens, _WRITER.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        # Raw HTML is shown as text, so that an id here is one of ours.
        attributes={
            "a": {"href", "title"},
            "ol": {"start"},
            "mark": {"id"},
            **{f"h{level}": {"id"} for level in range(3, 7)},
        },
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
    html = mark_safe(clean)  # noqa: S308  nh3's output, from an allow list
    return Rendered(html, tuple(outline), tuple(links), frozenset(marker.found))


@lru_cache(maxsize=512)
def _short(source: str, _language: str, quotes: tuple[Quote, ...]) -> Rendered:
    return _render(source, quotes, anchors=True)


@lru_cache(maxsize=24)  # a megabyte each at most
def _long(source: str, _language: str, quotes: tuple[Quote, ...]) -> Rendered:
    return _render(source, quotes, anchors=True)


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


def _is_there(quote: Quote, shown: str) -> bool:
    """Whether the text has these words at this place: findings may be of a text that a reorg replaced."""
    if not (0 <= quote.start < quote.end <= len(shown) and quote.begins):
        return False
    return " ".join(shown[quote.start : quote.end].split()).startswith(quote.begins)


@dataclass(frozen=True)
class _Cut:
    """A token, or a piece of one that begins or ends where a quote does."""

    token: Token
    is_marked: bool = False
    anchor: int | None = None

    def tokens(self) -> list[Token]:
        """The piece with a mark of its own where it is marked."""
        return list(_mark([self.token], self.anchor)) if self.is_marked else [self.token]


class _Marker:
    """Marks quotes in tokens. A quote gets one `<mark>` where it holds whole tags, else one for each piece of its text,
    so that none overlaps another tag; the first has the quote's anchor."""

    def __init__(self, quotes: Sequence[Quote]) -> None:
        self._begins = {quote.start for quote in quotes}
        self._edges = sorted({place for quote in quotes for place in (quote.start, quote.end)})
        self._spans: list[tuple[int, int]] = []  # the quotes, those that touch put together
        for start, end in sorted((quote.start, quote.end) for quote in quotes):
            if self._spans and start <= self._spans[-1][1]:
                self._spans[-1] = (self._spans[-1][0], max(end, self._spans[-1][1]))
            else:
                self._spans.append((start, end))
        self.found: set[int] = set()

    def marked(self, tokens: Iterator[Token]) -> Iterator[Token]:
        """Yield the tokens with the quotes marked."""
        for token in tokens:
            if self._spans and token.type == "inline" and token.children:
                yield token.copy(children=list(self._inline(token.children)))
            elif self._spans and token.type in ("fence", "code_block") and self._touches(token):
                pieces = "".join(
                    f"<mark{_id(anchor)}>{escapeHtml(words)}</mark>" if is_marked else escapeHtml(words)
                    for words, is_marked, anchor in self._pieces(token)
                )
                yield Token("html_block", "", 0, content=f"<pre><code>{pieces}</code></pre>\n")
            else:
                yield token

    def _inline(self, tokens: Sequence[Token]) -> Iterator[Token]:
        cut: list[_Cut] = []
        for token in tokens:
            if token.type in ("text", "code_inline") and self._touches(token):
                cut += [_Cut(token.copy(content=words), of, at) for words, of, at in self._pieces(token)]
            else:
                cut.append(_Cut(token))
        at = 0
        while at < len(cut):
            end = _end_of_quote(cut, at)
            inner = cut[at:end]
            if end - at > 1 and _is_balanced(inner):
                yield from _mark([piece.token for piece in inner], cut[at].anchor)
            else:
                yield from (one for piece in inner for one in piece.tokens())
            at = end

    def _touches(self, token: Token) -> bool:
        place = token.meta.get(PLACE)
        if place is None or not token.content:
            return False
        at = bisect_right(self._spans, (place + len(token.content), -1)) - 1
        return at >= 0 and self._spans[at][1] > place

    def _pieces(self, token: Token) -> Iterator[tuple[str, bool, int | None]]:
        """The token's words cut where quotes begin and end: each with whether it is of a quote, and its anchor."""
        first, last = token.meta[PLACE], token.meta[PLACE] + len(token.content)
        inside = self._edges[bisect_right(self._edges, first) : bisect_right(self._edges, last - 1)]
        for start, end in zip([first, *inside], [*inside, last], strict=True):
            at = bisect_right(self._spans, (start, _NO_END)) - 1
            is_marked = at >= 0 and self._spans[at][1] > start
            anchor = start if start in self._begins and start not in self.found else None
            if anchor is not None:
                self.found.add(anchor)
            yield token.content[start - first : end - first], is_marked, anchor


def _id(anchor: int | None) -> str:
    return f' id="said-{anchor}"' if anchor is not None else ""


def _mark(tokens: Sequence[Token], anchor: int | None) -> Iterator[Token]:
    yield Token("mark_open", "mark", 1, attrs={"id": f"said-{anchor}"} if anchor is not None else {})
    yield from tokens
    yield Token("mark_close", "mark", -1)


def _end_of_quote(cut: Sequence[_Cut], at: int) -> int:
    """Where the quote ends that begins at a piece with an anchor: behind its last marked piece. One further for any
    other piece."""
    if not cut[at].is_marked or cut[at].anchor is None:
        return at + 1
    end = at + 1
    for place in range(at + 1, len(cut)):
        piece = cut[place]
        if piece.anchor is not None or (piece.token.content and not piece.is_marked):
            break
        if piece.is_marked:
            end = place + 1
    return end


def _is_balanced(cut: Sequence[_Cut]) -> bool:
    """Whether each tag that is opened here is closed here, and none that was opened before."""
    depth = 0
    for piece in cut:
        depth += piece.token.nesting
        if depth < 0:
            return False
    return depth == 0
