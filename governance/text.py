# SPDX-License-Identifier: Apache-2.0
"""Say what a proposal's Markdown shows, once for everyone: the page, the model and the verdict.

`read` parses a text and returns the tokens that the page renders together with the words that these tokens show. Who
compares a text with something compares `Shown.text`: nothing counts as said that no page shows, and nothing that the
page shows is left out but the marks of lists, their numbers too. `elsewhere` finds what readers of other sites, or of
ours, would not see.

Raw HTML is not parsed: the page shows it as text. Pictures are not loaded: the page shows their description and a
link. Behind each link stands where it leads, with each account's address that is in its target. Characters that nobody
sees are written as their number (`policies.notation.visible`). All of it is text like any other.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_inline import StateInline, image, link
from markdown_it.token import Token

from policies.notation.visible import Kind, hidden, kind_of, one_line, visible

MAX_CHARS = 200_000  # what is read of one text; more is cut openly
# What parsing may cost, in millionths of a second of an idle core, about: a text of nothing but marks is cut sooner.
MAX_COST = 600_000
_DEEPEST = 20  # quotations and lists inside each other; what lies deeper is shown as it was written
_SAMPLE_CHARS = 80
_HOST_CHARS = 80  # of a link's host


class BlockKind(StrEnum):
    """What a block of text is: where several apply, the first of quotation, table, heading and list."""

    PARAGRAPH = "paragraph"
    ITEM = "item"  # a paragraph inside a list
    HEADING = "heading"
    QUOTATION = "quotation"
    ROW = "row"  # of a table, its cells apart by a tab
    CODE = "code"


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, row of a table or piece of code: `Shown.text[start:end]`.

    `lines` are the lines of the source that it was written on, counted from 0, the end not included. `targets` are the
    places in `Shown.text` where the page itself says where a link leads, with the blank before.
    """

    kind: BlockKind
    start: int
    end: int
    lines: tuple[int, int]
    targets: tuple[tuple[int, int], ...] = ()
    has_struck_words: bool = False


@dataclass(frozen=True)
class Shown:
    """What a page shows of a text. Blocks are apart by an empty line; inside one, lines break where the author broke
    them."""

    text: str
    blocks: tuple[Block, ...]
    is_cut: bool  # the source is longer than MAX_CHARS, or has more marks than MAX_COST allows
    tokens: tuple[Token, ...] = field(repr=False)
    source: str = field(repr=False)  # as it was parsed: cut, with line feeds alone
    definitions: dict[str, Any] = field(repr=False)  # markdown-it's "references" and "duplicate_refs"
    hidden: str = field(repr=False)  # the hidden characters, which `text` has as their numbers

    @property
    def has_definitions(self) -> bool:
        """Whether the text defines links apart from its sentences."""
        return bool(self.definitions)


def read(text: str) -> Shown:
    """Parse a text into the tokens that pages render, and the words that these show. Takes any text."""
    given = text[:MAX_CHARS].replace("\r\n", "\n").replace("\r", "\n")
    source = given[: _affordable(given)]
    definitions: dict[str, Any] = {}
    reader = _Reader(source)
    tokens = reader.show(_MARKDOWN.parse(source, definitions))
    shown, blocks = _Writer().write(tokens)
    is_cut = len(text) > MAX_CHARS or len(source) < len(given)
    return Shown(shown, blocks, is_cut, tuple(tokens), source, definitions, "".join(reader.hidden))


_LINE_COST, _CELL_COST = 20, 12
_MARK_COSTS = {"<": 50, "[": 25, "*": 8, "_": 8, "~": 8, "`": 4, "\\": 4, "&": 4, "!": 2}
_UNDER_HEADER = re.compile(r"[ \t>:|-]*\|[ \t:|-]*")


def _affordable(source: str) -> int:
    """How many characters of a text can be parsed for MAX_COST: whole lines, and all of any text that people write.

    A table's row has as many cells as its header, whatever stands in it.
    """
    cells = _CELL_COST * source.count("|")
    flat = _LINE_COST * source.count("\n") + sum(cost * source.count(mark) for mark, cost in _MARK_COSTS.items())
    if flat + cells <= MAX_COST and (not cells or flat + cells * source.count("\n") <= MAX_COST):
        return len(source)
    spent = place = columns = 0
    for line in source.splitlines(keepends=True):
        found = line.count("|")
        if not line.strip():
            columns = 0
        elif found and _UNDER_HEADER.fullmatch(line.rstrip("\n")):
            columns = found + 1
        spent += _LINE_COST + _CELL_COST * max(found, columns)
        spent += sum(cost * count for mark, cost in _MARK_COSTS.items() if (count := line.count(mark)))
        if spent > MAX_COST:
            return place
        place += len(line)
    return place


# ---------------------------------------------------------------------------------------------------------- the tokens


def _parser(*, html: bool) -> MarkdownIt:
    options = {"html": html, "linkify": False, "maxNesting": _DEEPEST, "store_labels": True}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"])


def _where_one_closes(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """markdown-it's rule for what stands in brackets, asked only where a bracket closes later: otherwise it would go
    through the whole rest of a paragraph from each `[`, twenty times over."""

    def link_or_image(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] not in "[!":
            return False
        if _LAST_CLOSING not in state.cache:
            state.cache[_LAST_CLOSING] = state.src.rfind("]")
        return state.cache[_LAST_CLOSING] > state.pos and rule(state, silent)

    return link_or_image


_LAST_CLOSING = -1  # in the parser's cache, whose own keys are places in the text
_MARKDOWN = _parser(html=False).disable("image")
_ELSEWHERE = _parser(html=True)  # as other sites parse it: HTML acts, and pictures are loaded
for _one in (_MARKDOWN, _ELSEWHERE):
    _one.inline.ruler.at("link", _where_one_closes(link))
    _one.inline.ruler.at("image", _where_one_closes(image))
_TARGET = {"is_target": True}  # in a token's meta: it says where a link leads
PLACE = "place"  # in a token's meta: where in `Shown.text` its words begin; absent or None where it shows none
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])0x[0-9a-fA-F]{40}(?![0-9A-Za-z])")


class _Reader:
    """Changes the parser's tokens so that they show everything: deep nesting, hidden characters, links' targets."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self.hidden: list[str] = []

    def show(self, tokens: Sequence[Token]) -> list[Token]:
        found: list[Token] = []
        for token in tokens:
            if found and _is_dropped(found[-1], token) and (place := found[-1].map):
                content = self._visible("\n".join(self._lines[place[0] : place[1]]) + "\n")
                found.append(Token("code_block", "code", 0, content=content, map=place, block=True))
            elif token.type in ("fence", "code_block"):
                token.content, token.info = self._visible(token.content), visible(token.info)
            if token.children:
                token.children = self._with_targets(token.children)
            found.append(token)
        return found

    def _with_targets(self, tokens: Sequence[Token]) -> list[Token]:
        """The tokens of a paragraph with ` (host, account)` behind each link: its words may name any other place."""
        found: list[Token] = []
        target, words = "", ""
        for token in tokens:
            token.content = self._visible(token.content)
            found.append(token)
            if token.type == "link_open":
                target, words = str(token.attrGet("href") or ""), ""
                if title := token.attrGet("title"):
                    token.attrSet("title", visible(str(title)))
            elif token.type == "link_close":
                found.append(Token("text", "", 0, content=f" ({_where(target, words)})", meta=dict(_TARGET)))
            else:
                words += token.content
        return found

    def _visible(self, content: str) -> str:
        shown = visible(content)
        if shown != content:
            self.hidden += [content[place] for place, _ in hidden(content.replace("\r\n", "\n"))]
        return shown


def _is_dropped(opening: Token, closing: Token) -> bool:
    """Whether the parser left out what a quotation or a list item holds, because it lies too deep."""
    is_container = opening.type in ("blockquote_open", "list_item_open")
    return is_container and opening.level + 1 >= _DEEPEST and closing.nesting == -1


def _where(target: str, words: str) -> str:
    """Where a link leads: its host, and the accounts in its target that its words don't name."""
    host = _host(target)
    named = set(map(str.casefold, _ACCOUNT.findall(f"{words} {host}")))
    accounts = dict.fromkeys(_ACCOUNT.findall(unquote(target)))
    return ", ".join((host, *(account for account in accounts if account.casefold() not in named)))


def _host(target: str) -> str:
    try:
        parts = urlsplit(target)
    except ValueError:
        return "no address"
    if not parts.hostname:
        return one_line(parts.path or "this page", _HOST_CHARS)
    # The end says whose host it is; the beginning is whatever its owner likes.
    host = one_line(parts.hostname, 10 * MAX_CHARS)
    return host if len(host) <= _HOST_CHARS else f"…{host[1 - _HOST_CHARS :]}"


# ----------------------------------------------------------------------------------------------------------- the words


class _Writer:
    """Writes what tokens show, and where each block begins and ends."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._around: list[str] = []
        self._lines = (0, 0)

    def write(self, tokens: Iterable[Token]) -> tuple[str, tuple[Block, ...]]:
        row: list[Token] = []
        for token in tokens:
            if token.map is not None:
                self._lines = (token.map[0], token.map[1])
            if token.nesting == 1:
                self._around.append(token.type.removesuffix("_open"))
            elif token.nesting == -1:
                self._around.pop()
            if token.type in ("fence", "code_block"):
                code = Token("text", "", 0, content=token.content.rstrip("\n"))
                self._add(BlockKind.CODE, [code])
                token.meta[PLACE] = code.meta.get(PLACE)
            elif token.type == "inline" and "tr" in self._around:
                row += [*([Token("cell", "", 0)] if row else []), *(token.children or [])]
            elif token.type == "inline":
                self._add(self._kind(), token.children or [])
            elif token.type == "tr_close":
                self._add(self._kind(BlockKind.ROW), row)
                row = []
        return "".join(self._pieces), tuple(self._blocks)

    def _add(self, kind: BlockKind, tokens: Sequence[Token]) -> None:
        words = [_word(token, kind) for token in tokens]
        if not "".join(words).strip():
            return
        if self._pieces:
            self._pieces.append("\n\n")
            self._length += 2
        start, targets = self._length, []
        for token, word in zip(tokens, words, strict=True):
            if token.meta.get("is_target"):
                targets.append((self._length, self._length + len(word)))
            token.meta[PLACE] = self._length
            self._length += len(word)
        self._pieces += words
        is_struck = any(token.type == "s_open" for token in tokens)
        self._blocks.append(Block(kind, start, self._length, self._lines, tuple(targets), is_struck))

    def _kind(self, kind: BlockKind = BlockKind.PARAGRAPH) -> BlockKind:
        if "blockquote" in self._around:
            return BlockKind.QUOTATION
        if kind is BlockKind.PARAGRAPH and "heading" in self._around:
            return BlockKind.HEADING
        if kind is BlockKind.PARAGRAPH and "list_item" in self._around:
            return BlockKind.ITEM
        return kind


def _word(token: Token, kind: BlockKind) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "cell":
        return "\t"
    return token.content if kind is BlockKind.CODE else token.content.replace("\t", " ")


# ------------------------------------------------------------------------------------------------ what others don't see


class NoticeKind(StrEnum):
    """What some readers don't see. Of characters, the kinds are those of `policies.notation.visible`."""

    COMMENT = "comment"  # an HTML comment or declaration
    ELEMENT = "element"  # HTML whose content is hidden, tiny or transparent
    ATTRIBUTE = "attribute"  # words in an attribute of an HTML tag
    ALT = "alt"  # a picture's description
    DEFINITION = "definition"  # words of a link's definition
    TITLE = "title"  # a link's title, which shows under a pointer only
    LANGUAGE = "language"  # words where a piece of code names its language
    CELL = "cell"  # a cell beyond a table's last column


@dataclass(frozen=True)
class Notice:
    """Something in a text that readers of other sites don't see, or (not `is_shown`) readers of ours either."""

    kind: str
    count: int
    is_shown: bool  # our page shows it: HTML as text, a hidden character as its number
    sample: str = ""  # the first of its kind, safe to show

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "count": self.count, "sample": self.sample, "shown": self.is_shown}


@dataclass(frozen=True)
class Elsewhere:
    """What other sites make of a text, which parse HTML, load pictures and draw nothing for hidden characters."""

    has_html: bool
    notices: tuple[Notice, ...]  # one for each kind


def elsewhere(shown: Shown) -> Elsewhere:
    """Find what some readers of a text don't see."""
    pieces = list(_other_pieces(shown.source)) if "<" in shown.source or "![" in shown.source else []
    of_html = _HtmlWords()
    for piece in pieces:
        of_html.take(piece)
    of_html.end()
    ours = [(str(kind), words) for kind, words in of_html.found]
    ours += [(str(NoticeKind.ALT), piece.words) for piece in pieces if piece.what == "picture" and _speaks(piece.words)]
    nobodys = [(str(kind), words) for kind, words in (*_definition_words(shown), *_token_words(shown))]
    found = [_notice(kind, words, is_shown=True) for kind, words in _by_kind(ours).items()]
    found += [_notice(kind, words, is_shown=False) for kind, words in _by_kind(nobodys).items()]
    taken = _by_kind((str(kind_of(character)), character) for character in shown.hidden)
    found += [Notice(kind, len(each), True, _spelled(kind, each)) for kind, each in taken.items()]
    has_html = any(piece.what == "html" for piece in pieces)
    return Elsewhere(has_html, tuple(sorted(found, key=lambda notice: notice.kind)))


def _by_kind(found: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for kind, words in found:
        kinds.setdefault(kind, []).append(words)
    return kinds


def _notice(kind: str, words: list[str], *, is_shown: bool) -> Notice:
    return Notice(kind, len(words), is_shown, one_line(words[0], _SAMPLE_CHARS))


def _spelled(kind: str, taken: list[str]) -> str:
    """What tag characters spell, which is ASCII; of other characters their numbers."""
    if kind == Kind.TAG:
        ascii_of = (chr(ord(c) - 0xE0000) if "\U000e0020" <= c <= "\U000e007e" else c for c in taken)
        return one_line("".join(ascii_of), _SAMPLE_CHARS)
    return ", ".join(f"U+{ord(character):04X}" for character in sorted(set(taken))[:6])


_BARE_NAME = re.compile(
    r"\S*|(?:screen ?shot|image|img|picture|photo|figure)(?: (?:at|from|am|pm|\d[\d.:-]*))*", re.IGNORECASE
)


def _speaks(words: str) -> bool:
    """Whether words say something: not one word alone, nor a name that a program gives a picture; or an account."""
    line = " ".join(words.split())
    if not any(map(str.isalnum, line)):
        return False
    return _BARE_NAME.fullmatch(line) is None or len(line) > _SAMPLE_CHARS or _ACCOUNT.search(line) is not None


def _definition_words(shown: Shown) -> Iterator[tuple[NoticeKind, str]]:
    """The words of definitions that no link uses, and of names that stand on no page."""
    lines = shown.source.split("\n")
    used: dict[str, str] = {}
    for token in shown.tokens:
        label, words = "", ""
        for child in token.children or []:
            if child.type == "link_open":
                label, words = str(child.meta.get("label", "")), ""
            elif child.type == "link_close":
                used[label] = words
            else:
                words += child.content
    for label, definition in shown.definitions.get("references", {}).items():
        if label not in used:
            yield NoticeKind.DEFINITION, "\n".join(lines[definition["map"][0] : definition["map"][1]])
        elif _speaks(label) and normalizeReference(used[label]) != label:
            yield NoticeKind.DEFINITION, label
    for definition in shown.definitions.get("duplicate_refs", ()):
        yield NoticeKind.DEFINITION, "\n".join(lines[definition["map"][0] : definition["map"][1]])


def _token_words(shown: Shown) -> Iterator[tuple[NoticeKind, str]]:
    """The words of links' titles, of code's languages and of cells beyond the last column."""
    lines = shown.source.split("\n")
    columns, row, is_head = 0, 0, False
    for token in shown.tokens:
        if token.type == "fence" and _speaks(token.info):
            yield NoticeKind.LANGUAGE, token.info
        elif token.type == "thead_open":
            columns, is_head = 0, True
        elif token.type == "thead_close":
            is_head = False
        elif token.type == "th_open":
            columns += 1
        elif token.type == "tr_open" and token.map and not is_head:
            row = token.map[0]
            if more := [cell for cell in _cells(lines[row])[columns:] if any(map(str.isalnum, cell))]:
                yield NoticeKind.CELL, " | ".join(more)
        for child in token.children or []:
            title = str(child.attrGet("title") or "") if child.type == "link_open" else ""
            if any(map(str.isalnum, title)):
                yield NoticeKind.TITLE, title


def _cells(line: str) -> list[str]:
    """Return the cells of a row as the parser counts them: one bar at each end of the line is no cell's."""
    cells = [cell.strip() for cell in escapedSplit(line.lstrip(" \t>").rstrip())]
    begins = 1 if cells and not cells[0] else 0
    ends = len(cells) - 1 if len(cells) > begins and not cells[-1] else len(cells)
    return cells[begins:ends]


@dataclass(frozen=True)
class _Piece:
    what: str  # "html", "text" or "picture"
    words: str


def _other_pieces(source: str) -> Iterator[_Piece]:
    """HTML, text and pictures' descriptions in the text's order, as other sites parse it; no code."""
    for token in _ELSEWHERE.parse(source):
        if token.type == "html_block":
            yield _Piece("html", token.content)
        for child in token.children or []:
            if child.type == "html_inline":
                yield _Piece("html", child.content)
            elif child.type == "image":
                yield _Piece("picture", child.content)
            elif child.type in ("text", "softbreak", "hardbreak"):
                yield _Piece("text", child.content or " ")


_TAG = re.compile(
    r"<!--(?P<comment>.*?)(?:-->|\Z)|<[!?](?P<declaration>.*?)(?:>|\Z)"
    r"|<(?P<closing>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*)(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>",
    re.DOTALL,
)
_HIDING = re.compile(
    r"\bhidden\b|display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0?(?:\.0\d*)?(?![\d.])"
    r"|font-size\s*:\s*(?:0(?![.\d]*[1-9])|[0-5](?:\.\d+)?(?:px|pt)|0?\.[0-4]\d*r?em|xx-small)|\bsize\s*=\s*[\"']?[-0]"
    r"|color\s*[:=]\s*[\"']?(?:white|snow|ivory|#f{3}(?:f{3})?\b|#fefefe|transparent|rgba?\(\s*255\s*,\s*255\s*,\s*255"
    r"|rgba\([^)]{0,60},\s*0?(?:\.0\d*)?\s*\))"
    r"|text-indent\s*:\s*-|(?:left|top|right|bottom|margin[a-z-]*)\s*:\s*-\d{3}|(?:height|width)\s*:\s*0(?![.\d]*[1-9])"
    r"|scale[xy]?\(\s*0|clip-path|\bclip\s*:",
    re.IGNORECASE,
)
# Each attribute is matched once, from its name's first letter: a search for names in the middle of words would go over
# the rest of a long name again and again.
_ATTRIBUTE = re.compile(r"([a-zA-Z_:][\w:.-]*)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))?")
_SPEAKING = re.compile(r"alt|title|aria-.*|data-.*|value|content|placeholder|label|summary", re.IGNORECASE)
_NEVER_DRAWN = {
    "script", "style", "template", "noscript", "iframe", "object", "title", "textarea", "head", "svg", "datalist",
    "dialog",
}  # fmt: skip
_VOID = {"br", "hr", "img", "input", "meta", "link", "source", "wbr", "col", "area", "base", "embed", "track", "param"}


class _HtmlWords:
    """Reads HTML and the text between it for words that a browser draws nowhere, or so that nobody reads them."""

    def __init__(self) -> None:
        self.found: list[tuple[NoticeKind, str]] = []
        self._open: list[str] = []  # names of the open elements, from the outermost hidden one inwards
        self._names: Counter[str] = Counter()  # how many of each name are open
        self._inside: list[str] = []  # what stands in the outermost hidden one

    def take(self, piece: _Piece) -> None:
        if piece.what != "html":
            self._text(piece.words)
            return
        end = 0
        for match in _TAG.finditer(piece.words):
            self._text(piece.words[end : match.start()])
            end = match.end()
            if match["name"]:
                self._tag(match)
            else:
                self._report(NoticeKind.COMMENT, match["comment"] or match["declaration"] or "")
        self._text(piece.words[end:])

    def end(self) -> None:
        """Report the element that is hidden until the text's end."""
        if self._open:
            self._report(NoticeKind.ELEMENT, "".join(self._inside))

    def _text(self, words: str) -> None:
        if self._open:
            self._inside.append(words)
        elif (begins := words.find("<!--")) >= 0:  # never closed: CommonMark shows it, a browser hides it
            self._report(NoticeKind.COMMENT, words[begins + 4 :])

    def _tag(self, match: re.Match[str]) -> None:
        name, attributes = match["name"].lower(), match["attributes"]
        is_void = name in _VOID or attributes.endswith("/")
        if match["closing"] and self._names[name]:
            self._close(name)
            if not self._open:
                self._report(NoticeKind.ELEMENT, "".join(self._inside))
                self._inside.clear()
        elif not (match["closing"] or is_void) and (self._open or name in _NEVER_DRAWN or _HIDING.search(attributes)):
            self._open.append(name)
            self._names[name] += 1
        if not match["closing"]:
            for attribute, value in _ATTRIBUTE.findall(attributes):
                words = value[1:-1] if value[:1] in ("'", '"') else value
                if _SPEAKING.fullmatch(attribute) and _speaks(words):
                    self._report(NoticeKind.ATTRIBUTE, words)

    def _close(self, name: str) -> None:
        while True:
            closed = self._open.pop()
            self._names[closed] -= 1
            if closed == name:
                return

    def _report(self, kind: NoticeKind, words: str) -> None:
        if any(map(str.isalnum, words)):
            self.found.append((kind, words))


# ------------------------------------------------------------------------------------------------------------- a name

# Tables name nothing: a cell's line is read as plain text.
_NAMING = _parser(html=True).disable("table")
_SHORT_TAG = re.compile(r"<[^<>]*>")


def naming_lines(source: str) -> Iterator[str]:
    """Yield the lines of a text without marks, raw HTML and pictures: what may serve as its name. Nothing that is
    compared with anything comes from here."""
    for token in _NAMING.parse(source):
        if token.type == "inline":
            yield from "".join(map(_naming_word, token.children or [])).splitlines()
        elif token.type in ("fence", "code_block"):
            yield from token.content.splitlines()
        elif token.type == "html_block":
            yield from _SHORT_TAG.sub("", re.sub(r"(?s)<!--.*?(-->|$)", "", token.content)).splitlines()


def _naming_word(token: Token) -> str:
    if token.type in ("text", "text_special", "code_inline"):
        return token.content
    is_break = token.type in ("softbreak", "hardbreak") or (token.type == "html_inline" and token.content[:3] == "<br")
    return "\n" if is_break else ""
