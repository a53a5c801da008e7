# SPDX-License-Identifier: Apache-2.0
"""Hostile text -> a document of numbered spans. No model, no network, no database.

What a person can't see on a rendered page (HTML comments, hidden elements, zero-width, bidirectional and tag
characters) is taken out and reported, so the model reads exactly what members read. Quotes are cut from the text that
is left and are word for word; compatibility forms (NFKC) are folded for matching only, never for quoting.
"""

import html
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

MAX_TEXT_CHARS = 200_000  # what is looked at of one proposal; more is cut openly
MAX_SPANS = 2_000
MAX_SPAN_CHARS = 400  # a longer sentence is cut into several spans at a space
MIN_SPAN_LETTERS = 3


@dataclass(frozen=True)
class Hidden:
    """Something that stood in the text and that no reader of the page would have seen. `sample` is made visible."""

    kind: str  # "comment", "element", "attribute", "zero-width", "bidirectional", "tag", "control"
    count: int
    sample: str = ""

    def as_json(self) -> dict:
        return {"kind": self.kind, "count": self.count, "sample": self.sample}


@dataclass(frozen=True)
class Span:
    """One sentence or list item: `text` is `document.text[start:end]`, word for word."""

    id: str
    start: int
    end: int
    text: str
    heading: bool = False

    @property
    def plain(self) -> str:
        """The same words without Markdown's marks and line breaks, for a page or a mail."""
        return plain(self.text)


@dataclass(frozen=True)
class Document:
    """A proposal's text as members can see it. `source_hash` is keccak256 of the bytes that stood on chain."""

    text: str
    spans: tuple[Span, ...]
    hidden: tuple[Hidden, ...]
    truncated: bool  # longer than anything we read
    source_hash: bytes
    folded: str = field(repr=False, default="")  # NFKC, case-folded, one space for many: for matching only
    source: str = field(repr=False, default="")  # the text as it was given, nothing taken out

    def span(self, span_id: str) -> Span:
        """The span with this id. Raises KeyError: an id that isn't there is never guessed at."""
        for span in self.spans:
            if span.id == span_id:
                return span
        raise KeyError(span_id)

    @property
    def is_empty(self) -> bool:
        """No sentence of words in it, so nobody could have read what the proposal does."""
        return sum(character.isalpha() for span in self.spans for character in span.text) < 20

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

_HTML = re.compile(
    r"(?P<fence>^(?P<ticks>`{3,16}(?!`)|~{3,16}(?!~))[^\n]*\n.*?^(?P=ticks)[^\n]*$)"
    r"|(?P<code>`[^`\n]+`)"
    r"|(?P<comment><!--.*?(?:-->|\Z)|<[!?][^<>\n]*>|^\[[^\]\n]*\]:\s*#[^\n]*$)"
    r"|(?P<raw><(?P<rawname>script|style|template|noscript|iframe|object|title|textarea|head|svg)\b[^<>]*>"
    r".*?(?:</(?P=rawname)\s*>|\Z))"
    r"|(?P<tag></?[a-zA-Z][a-zA-Z0-9-]*(?:\s[^<>]*)?/?>)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_HIDING = re.compile(
    r"\bhidden\b|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?:\.0+)?\b"
    r"|color\s*:\s*(?:white|#fff(?:fff)?|transparent)\b|text-indent\s*:\s*-|(?:left|top)\s*:\s*-\d{3}",
    re.IGNORECASE,
)
_WORDS_IN_ATTRIBUTE = re.compile(r"\b(?:alt|title|aria-label|data-[\w-]+)\s*=\s*(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_VOID = {"br", "hr", "img", "input", "meta", "link", "source", "wbr", "col", "area", "base", "embed", "track", "param"}

_ZERO_WIDTH = set(range(0x200B, 0x200E)) | set(range(0x2060, 0x2066)) | {
    0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180E, 0x180F, 0x2800, 0x3164, 0xFEFF,
    0xFFA0,
}  # fmt: skip
_BIDIRECTIONAL = set(range(0x202A, 0x202F)) | set(range(0x2066, 0x206A)) | {0x061C, 0x200E, 0x200F}
_ZWNJ, _ZWJ = "\u200c", "\u200d"


def read(text: str) -> Document:
    """A proposal's text as a document. Total: whatever the text holds, a document comes out."""
    source_hash = keccak(text.encode("utf-8", "surrogatepass"))
    truncated = len(text) > MAX_TEXT_CHARS
    hidden: Counter[str] = Counter()
    samples: dict[str, str] = {}
    visible = _without_hidden_html(text[:MAX_TEXT_CHARS].replace("\r\n", "\n").replace("\r", "\n"), hidden, samples)
    visible = _without_hidden_characters(html.unescape(visible), hidden, samples)
    spans, cut = _spans(visible)
    return Document(
        text=visible,
        spans=spans,
        hidden=tuple(Hidden(kind, count, samples.get(kind, "")) for kind, count in sorted(hidden.items())),
        truncated=truncated or cut,
        source_hash=source_hash,
        folded=fold(visible),
        source=text,
    )


def fold(text: str) -> str:
    """The form that texts are compared in, never shown: compatibility forms and case folded, spaces collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def plain(markdown: str) -> str:
    """Markdown's marks removed, the words and numbers left as they are, on one line."""
    text = re.sub(r"!?\[([^\]\n]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)", r"\1", markdown)
    text = re.sub(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1", r"\2", text, flags=re.DOTALL)
    text = re.sub(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])", r"\1", text)
    text = re.sub(r"`([^`\n]+)`", r"\1", text)
    text = re.sub(r"^\s*(?:#{1,6}\s+|>\s?)", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\([\\`*_{}\[\]()#+.!>|~-])", r"\1", text)
    return " ".join(text.split())


def visible(text: str, limit: int = 80) -> str:
    """A sample of something hidden, made harmless to show: everything unusual as its code point."""
    shown = "".join(
        c
        if c == " " or (c.isprintable() and unicodedata.category(c) not in {"Cf", "Co", "Cn"})
        else f"⟨U+{ord(c):04X}⟩"
        for c in text[: limit * 4]
    )
    return shown[:limit] + ("…" if len(shown) > limit else "")


def _without_hidden_html(text: str, hidden: Counter[str], samples: dict[str, str]) -> str:
    kept: list[str] = []
    hiding: list[str] = []  # names of the open elements from the outermost hidden one inwards
    swallowed: list[str] = []
    position = 0

    def keep(piece: str) -> None:
        (swallowed if hiding else kept).append(piece)

    for match in _HTML.finditer(text):
        keep(text[position : match.start()])
        position = match.end()
        if match["fence"] or match["code"]:
            keep(match[0])
        elif match["comment"] or match["raw"]:
            _report("comment" if match["comment"] else "element", match[0], hidden, samples)
            keep("\n" if "\n" in match[0] else " ")
        else:
            tag = match["tag"]
            name = re.match(r"</?([a-zA-Z0-9-]+)", tag)[1].lower()  # type: ignore[index]  # the pattern ensures it
            closing, void = tag.startswith("</"), name in _VOID or tag.endswith("/>")
            if hiding:
                if closing and name in hiding:
                    while hiding.pop() != name:
                        pass
                    if not hiding:
                        _report("element", "".join(swallowed), hidden, samples)
                        swallowed.clear()
                elif not closing and not void:
                    hiding.append(name)
                continue
            if not closing:
                if _HIDING.search(tag) and not void:
                    hiding.append(name)
                    continue
                for words in _WORDS_IN_ATTRIBUTE.findall(tag):
                    if len(words) > 2 + 80:  # a caption is fine, a paragraph in an attribute is a hiding place
                        _report("attribute", words, hidden, samples)
            if name in {"br", "p", "div", "li", "tr", "td", "h1", "h2", "h3", "h4", "ul", "ol", "table", "details"}:
                keep("\n" if name not in {"td"} else " ")
    keep(text[position:])
    if hiding:
        _report("element", "".join(swallowed), hidden, samples)
    return "".join(kept)


def _report(kind: str, content: str, hidden: Counter[str], samples: dict[str, str]) -> None:
    if re.sub(r"<!--|-->|<[^>]*>|\s", "", content):
        hidden[kind] += 1
        samples.setdefault(kind, visible(" ".join(content.split())))


def _without_hidden_characters(text: str, hidden: Counter[str], samples: dict[str, str]) -> str:
    kept: list[str] = []
    taken: dict[str, list[str]] = {}
    for index, character in enumerate(text):
        kind = _hidden_kind(character, text[index - 1] if index else "", text[index + 1 : index + 2])
        if kind is None:
            kept.append(character)
        elif kind == "space":
            kept.append(" ")
        else:
            taken.setdefault(kind, []).append(character)
    for kind, characters in taken.items():
        hidden[kind] += len(characters)
        if kind == "tag":  # tag characters spell ASCII: say what they spell
            samples[kind] = visible(
                "".join(chr(ord(c) - 0xE0000) if 0xE0020 <= ord(c) < 0xE007F else c for c in characters)
            )
        else:
            samples[kind] = ", ".join(f"U+{ord(c):04X}" for c in sorted(set(characters))[:6])
    return "".join(kept)


def _hidden_kind(character: str, before: str, after: str) -> str | None:
    code = ord(character)
    if code < 0x7F:
        return None if code >= 0x20 or character in "\n\t" else "control"
    if character in (_ZWNJ, _ZWJ) and before and after:
        if _joins_letters(before) and _joins_letters(after):
            return None  # Persian, Hindi and others are spelled with joiners
        if character == _ZWJ and _is_emoji(before) and _is_emoji(after):
            return None
    if 0xFE00 <= code <= 0xFE0F:
        return None if before and (_is_emoji(before) or before in "#*0123456789") else "zero-width"
    if 0xE0000 <= code <= 0xE007F:
        return "tag"
    if 0xE0100 <= code <= 0xE01EF or code in _ZERO_WIDTH:
        return "zero-width"
    if code in _BIDIRECTIONAL:
        return "bidirectional"
    category = unicodedata.category(character)
    if category in {"Zs", "Zl", "Zp"}:
        return "space" if category == "Zs" else None
    return "control" if category in {"Cc", "Cf", "Co", "Cs", "Cn"} else None


def _joins_letters(character: str) -> bool:
    letter = unicodedata.category(character)[0] in "LM"
    return letter and (unicodedata.bidirectional(character) != "L" or 0x0900 <= ord(character) <= 0x0DFF)


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) in {"So", "Sk"} or character == "\ufe0f"


_ITEM = re.compile(r"\s*(?:[-*+•‣]\s+|\d{1,3}[.)]\s+|#{1,6}\s+|>+\s?|\|)*\s*")
_RULE = re.compile(r"\s*(?:[-*_=|:+]\s*){3,}$")
_FENCE = re.compile(r"\s*(```+|~~~+)")
# A sentence ends at . ! ? before a space; not inside numbers, not after one capital letter or a common abbreviation.
_END = re.compile(r"(?<=[.!?。])[\"'”’)\]*_]*\s+(?=[\"'“‘(\[*_`]*[A-Z0-9\u0080-\U0010ffff])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|no|approx|inc|ltd|mr|ms|mrs|dr|st|fig|sec|art)|\b[A-Z])\.$", re.IGNORECASE
)


def _spans(text: str) -> tuple[tuple[Span, ...], bool]:
    spans: list[Span] = []
    for start, end, heading in _blocks(text):
        for a, b in _sentences(text, start, end):
            for first, last in _pieces(text, a, b):
                if sum(character.isalnum() for character in text[first:last]) < MIN_SPAN_LETTERS:
                    continue
                if len(spans) == MAX_SPANS:
                    return tuple(spans), True
                spans.append(Span(f"s{len(spans) + 1}", first, last, text[first:last], heading))
    return tuple(spans), False


def _blocks(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, is heading) of paragraphs and list items. A wrapped line belongs to what it continues."""
    blocks: list[tuple[int, int, bool]] = []
    offset, open_block, fenced = 0, False, False
    for line in text.splitlines(keepends=True):
        start, offset = offset, offset + len(line)
        body = line.strip()
        if _FENCE.match(line):
            fenced, open_block = not fenced, False
            continue
        if not body or _RULE.match(body):
            open_block = False
            continue
        begin = start + (len(line) - len(line.lstrip()) if fenced else _ITEM.match(line).end())  # type: ignore[union-attr]
        end = start + len(line.rstrip())
        if begin >= end:
            open_block = False
            continue
        heading = not fenced and line.lstrip().startswith("#")
        starts_item = begin > start + (len(line) - len(line.lstrip()))
        if open_block and not fenced and not heading and not starts_item:
            blocks[-1] = (blocks[-1][0], end, False)
        else:
            blocks.append((begin, end, heading))
        open_block = not heading and not fenced and "|" not in line[:2]
    return blocks


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
