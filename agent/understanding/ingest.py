# SPDX-License-Identifier: Apache-2.0
"""Hostile text -> a document of numbered spans. No model, no network, no database.

What is read is what a page shows (`governance.text`), no word more and none less. What readers of other sites would not
see is reported beside it. Quotes are cut from the shown text and are word for word; compatibility forms (NFKC) are
folded for matching only, never for quoting.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from eth_utils.crypto import keccak

from governance import text as page
from governance.text import Block, BlockKind, Notice

MAX_SPANS = 2_000
MAX_SPAN_CHARS = 400  # a longer sentence is cut into several spans at a space
MIN_SPAN_LETTERS = 3


@dataclass(frozen=True)
class Span:
    """One sentence, list item or row of a table: `text` is `document.text[start:end]`, word for word."""

    id: str
    start: int
    end: int
    text: str
    heading: bool = False

    @property
    def plain(self) -> str:
        """The same words on one line, with a bar between the cells of a row."""
        return " ".join(self.text.replace("\t", " | ").split())


@dataclass(frozen=True)
class Document:
    """A proposal's text as pages show it. `source_hash` is keccak256 of the bytes that stood on chain."""

    text: str
    blocks: tuple[Block, ...] = field(repr=False)
    spans: tuple[Span, ...]
    hidden: tuple[Notice, ...]  # what readers of other sites don't see
    has_html: bool  # other sites take a part of it for HTML
    has_definitions: bool  # it defines links apart from its sentences
    truncated: bool  # longer than anything we read
    source_hash: bytes
    source: str = field(repr=False, default="")  # the text as it was given

    def span(self, span_id: str) -> Span:
        """The span with this id. Raises KeyError: an id that isn't there is never guessed at."""
        for span in self.spans:
            if span.id == span_id:
                return span
        raise KeyError(span_id)

    @property
    def is_empty(self) -> bool:
        """No sentence of words in it, so nobody could have read what the proposal does."""
        return not _has_more((c for span in self.spans for c in span.text if c.isalpha()), 19)

    def excerpt(self, budget_chars: int) -> tuple[Span, ...]:
        """The spans that a model is shown, in the text's order, within a budget of characters.

        Where not all fit, those with an address or an amount come first, then the text's beginning: a long text's
        calls are usually specified at its end. Headings are not shown, they say nothing that can be quoted.
        """
        sentences = [span for span in self.spans if not span.heading]
        ranked = sorted(sentences, key=lambda span: (not _SPECIFIC.search(span.text), span.start))
        chosen, left = [], budget_chars
        for span in ranked:
            cost = len(span.plain) + 8
            if cost <= left:
                chosen.append(span)
                left -= cost
        return tuple(sorted(chosen, key=lambda span: span.start))


_SPECIFIC = re.compile(r"0x[0-9a-fA-F]{40}|\d[\d,.]*\d|\.eth\b")


def read(text: str) -> Document:
    """A proposal's text as a document. Total: whatever the text holds, a document comes out."""
    shown = page.read(text)
    other = page.elsewhere(shown)
    spans, is_cut = _spans(shown.text, shown.blocks)
    return Document(
        text=shown.text,
        blocks=shown.blocks,
        spans=spans,
        hidden=other.notices,
        has_html=other.has_html,
        has_definitions=shown.has_definitions,
        truncated=shown.is_cut or is_cut,
        source_hash=keccak(text.encode("utf-8", "surrogatepass")),
        source=text,
    )


def fold(text: str) -> str:
    """The form that texts are compared in, never shown: compatibility forms and case folded, spaces collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


_ITEM = re.compile(r"(?P<mark>[•‣]\s+)|\d{1,3}[.)]\s")  # an item that is marked in another way than Markdown's
# A sentence ends at . ! ? before a space; not inside numbers, not after one capital letter or a common abbreviation.
_END = re.compile(r"(?<=[.!?。])[\"'”’)\]*_]*\s+(?=[\"'“‘(\[*_`]*[A-Z0-9\u0080-\U0010ffff])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|no|approx|inc|ltd|mr|ms|mrs|dr|st|fig|sec|art)|\b[A-Z])\.$", re.IGNORECASE
)


def _has_more(characters: Iterator[str], count: int) -> bool:
    """Whether there are more than so many; looks at no more of them."""
    return next(islice(characters, count, None), None) is not None


def _spans(text: str, blocks: tuple[Block, ...]) -> tuple[tuple[Span, ...], bool]:
    spans: list[Span] = []
    for block in blocks:
        for start, end in _parts(text, block):
            for a, b in _sentences(text, start, end):
                for first, last in _pieces(text, a, b):
                    if not _has_more(filter(str.isalnum, text[first:last]), MIN_SPAN_LETTERS - 1):
                        continue
                    if len(spans) == MAX_SPANS:
                        return tuple(spans), True
                    heading = block.kind is BlockKind.HEADING
                    spans.append(Span(f"s{len(spans) + 1}", first, last, text[first:last], heading))
    return tuple(spans), False


def _parts(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """Start and end of what is read apart in a block: lines of code, items that the author numbered by hand."""
    start = end = block.start
    for line in text[block.start : block.end].splitlines(keepends=True):
        begins, after = end, end + len(line)
        item = _ITEM.match(text, begins, after)
        if begins > start and (item or block.kind is BlockKind.CODE):
            yield from _stripped(text, start, begins)
            start = begins
        if item and item["mark"]:
            start = item.end()
        end = after
    yield from _stripped(text, start, end)


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    if (end := _rstrip(text, start, end)) > start:
        yield start, end


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found, begin = [], start
    for match in _END.finditer(text, start, end):
        if _ABBREVIATION.search(text[max(begin, match.start() - 12) : match.start()]):
            continue
        found.append((begin, match.start() + len(match[0].rstrip())))
        begin = match.end()
    if begin < end:
        found.append((begin, end))
    return found


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    pieces = []
    while end - start > MAX_SPAN_CHARS:
        space = max(text.rfind(" ", start, start + MAX_SPAN_CHARS), text.rfind("\n", start, start + MAX_SPAN_CHARS))
        cut = space if space > start + MAX_SPAN_CHARS // 2 else start + MAX_SPAN_CHARS
        pieces.append((start, _rstrip(text, start, cut)))
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        pieces.append((start, end))
    return pieces


def _rstrip(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end
