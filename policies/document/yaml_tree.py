# SPDX-License-Identifier: Apache-2.0
"""YAML reduced to what a policy needs: mappings, sequences and plain text, each with its line and column.

Nothing is interpreted (`0x12` stays text, `no` stays text, `1e3` stays text), so no reader can disagree about a type.
Anchors, aliases, tags, directives, several documents, duplicate keys, invisible characters and oversized input are
refused.
"""

import heapq
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from policies.notation.problems import Place, PolicyError, Problem, shown
from policies.notation.visible import hidden

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12
MAX_NODES = 20_000
_NO_BEGINNING = re.compile(r"found character (\S+) that cannot start any token")
_SPLIT_AMOUNT = re.compile(r"[0-9]{3}(?![0-9])")
_TIGHT_DASH = re.compile(r" *-[A-Za-z]")
_ODD_BLANK = re.compile(r"[^\S \t\r\n]")
_LONG_ESCAPE = re.compile(r"\\U([0-9A-Fa-f]{8})")


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, as written."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys in the order of writing, each once."""

    place: Place
    entries: tuple[tuple[Text, "Node"], ...]


Node = Text | Sequence | Mapping
Json = str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Frozen:
    """What stands for something outside the file: the values to write in its place, and the keys to leave out."""

    values: dict[Place, Json] = field(default_factory=dict)
    dropped: set[Place] = field(default_factory=set)


class _Stop(Exception):
    """Reading can't go on."""

    def __init__(self, place: Place, problem: str, suggestion: str) -> None:
        super().__init__(problem)
        self.problem = Problem(place, problem, suggestion)


def parse(text: str, source: str) -> Node:
    """The document's tree. Raises PolicyError."""
    try:
        _refuse_odd_characters(text)
        return _Builder(text).build()
    except _Stop as stop:
        raise PolicyError(source, (stop.problem,)) from None
    except MarkedYAMLError as error:
        raise PolicyError(source, (_not_yaml(error, text),)) from None
    except (ReaderError, YAMLError, RecursionError, AssertionError) as error:  # it asserts what %YAML names
        problem = Problem(Place(1, 1), f"this is not YAML: {type(error).__name__}", "write plain YAML")
        raise PolicyError(source, (problem,)) from None


# What YAML's parser was in the middle of -> what is wrong where that began, and what to write.
_UNFINISHED = {
    "while parsing a flow sequence": (
        "the bracket [ that opens here is not closed, or a comma is missing in it",
        "close it with ], and put text with , : or brackets in quotes",
    ),
    "while parsing a flow mapping": (
        "the brace { that opens here is not closed, or a comma is missing in it",
        "close it with }, and put text with , : or brackets in quotes",
    ),
    "while scanning a quoted scalar": ("the quote that opens here is not closed", "close it on the same line"),
    "while scanning a simple key": (
        "this line has no value",
        "write it as `key: value`, with a colon and a blank behind the key",
    ),
}


_INDENTED = (
    "this line begins further in, or further out, than the lines that it belongs to",
    "begin the keys of one thing below each other, two blanks further in than what they are of",
)


def _not_yaml(error: MarkedYAMLError, text: str) -> Problem:
    """Where YAML's parser failed, in words for somebody who writes YAML once a year."""
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    lines = re.split(r"\r\n|\r|\n", text)
    for number in sorted({at.line for at in (mark, error.context_mark) if at is not None and at.line < len(lines)}):
        odd = _ODD_BLANK.search(lines[number])
        if odd and _is_the_cause(lines, number):
            found = f"a blank that YAML takes for a letter (U+{ord(odd[0]):04X}) is here"
            return Problem(Place(number + 1, odd.start() + 1), found, "write an ordinary blank in its place")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    unfinished = _UNFINISHED.get(str(error.context).strip())
    if unfinished is not None and error.context_mark is not None:
        return Problem(Place(error.context_mark.line + 1, error.context_mark.column + 1), *unfinished)
    said = str(error.problem or error.context)
    before = line[: place.column - 1]
    if said.startswith("expected <block end>") or "could not find expected" in said:
        if _TIGHT_DASH.match(line):
            return Problem(place, "a blank is missing behind the dash", "write `- ` and then the key or the value")
        if before.rstrip().endswith(("'", '"')):
            why = "text goes on behind the quote that closes here"
            return Problem(place, why, "put the whole value in quotes of the other kind, ' or \"")
        return Problem(place, *_INDENTED)
    if "mapping values are not allowed" in said:
        if line and not re.search(r":\s", before):
            return _unfinished_above(lines, place.line)
        return Problem(place, "this line has a second colon", "put the value in quotes, or begin a new line")
    if "<stream end>" in said:
        return Problem(place, "the file ends within a value", "close the { or [ or the quote that is open")
    if "<document start>" in said:
        return Problem(place, "this line can't follow the one above it", "write `key: value` on each line")
    if match := _NO_BEGINNING.search(said):
        return Problem(place, f"no value can begin with {match[1]}", "put the value in quotes")
    return Problem(place, f"this is not YAML: {said}", "mind indentation and quotes")


def _is_the_cause(lines: list[str], number: int) -> bool:
    """Whether the line is read once its odd blanks are ordinary ones: as YAML, or with an error below it only."""
    mended = "\n".join([*lines[:number], _ODD_BLANK.sub(" ", lines[number]), *lines[number + 1 :]])
    try:
        _Builder(mended).build()
    except _Stop:
        return True
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return mark is not None and mark.line > number
    return True


def _unfinished_above(lines: list[str], number: int) -> Problem:
    """The line of this number goes on with what the one above began: as a value if it begins further in."""
    above = number - 1
    while above > 1 and lines[above - 1].strip()[:1] in ("", "#"):
        above -= 1
    inner, outer = (len(line) - len(line.lstrip()) for line in (lines[number - 1], lines[above - 1]))
    if inner == outer:
        return Problem(Place(above, outer + 1), *_UNFINISHED["while scanning a simple key"])
    return Problem(Place(number, inner + 1), *_INDENTED)


def as_json(node: Node, frozen: Frozen) -> Json:
    """The tree as JSON values: every scalar as the text that was written, but for what was frozen."""
    if node.place in frozen.values:
        return frozen.values[node.place]
    match node:
        case Text():
            return node.text
        case Sequence():
            return [as_json(item, frozen) for item in node.items]
        case Mapping():
            return {key.text: as_json(value, frozen) for key, value in node.entries if key.place not in frozen.dropped}


def _refuse_odd_characters(text: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _Stop(Place(1, 1), f"the file is larger than {MAX_BYTES // 1024} KiB", "write a shorter policy")
    odd = next((at for at in _odd_places(text) if text[at] != "\r"), None)
    if odd is None:
        return
    place = Place(text.count("\n", 0, odd) + 1, odd - text.rfind("\n", 0, odd))
    if text[odd] == "\t":
        raise _Stop(place, "a tab is here (U+0009)", "write blanks in its place")
    if text[odd] == "\ufeff" and odd == 0:
        raise _Stop(place, "the file begins with a byte order mark (U+FEFF)", "save it as UTF-8 without BOM")
    raise _Stop(place, f"an invisible character (U+{ord(text[odd]):04X}) is here", "remove it")


def _odd_places(text: str) -> Iterator[int]:
    """Find characters that nobody sees or that change how the rest is seen, and tabs, which are no indentation."""
    return heapq.merge((place for place, _ in hidden(text)), (tab.start() for tab in re.finditer("\t", text)))


def _refuse_split_amount(before: Node | None, rest: Text) -> None:
    """Within braces and brackets a comma ends a value: `{limit: 8,000 USDC}` has 8, and then a key `000 USDC`."""
    if isinstance(before, Text) and before.text[-1:].isdigit() and _SPLIT_AMOUNT.match(rest.text):
        whole = f"{before.text},{rest.text}".strip("\u201c\u201d")
        more = "" if re.search(r"[A-Za-z]", rest.text) else "..."  # of `1,000,000 USDC` the rest was not read yet
        fits = whole.isprintable() and '"' not in whole and not more
        raise _Stop(
            before.place,
            f"within braces and brackets a comma ends the value, so that {shown(whole + more)} is two",
            f'put the amount in quotes: "{whole}"' if fits else "put the whole amount in quotes, with its token",
        )


def _refuse_escaped_characters(value: str, place: Place) -> None:
    """In double quotes YAML makes any character of an escape such as \\u202e: the text of the file doesn't show it."""
    odd = next(_odd_places(value), None)
    if odd is not None:
        raise _Stop(place, f"an escape here makes an invisible character (U+{ord(value[odd]):04X})", "write it without")


class _Builder:
    """Builds the tree from the parser's events, counting nodes and depth before it goes deeper."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events = self._checked(_events(text))
        self._nodes = 0
        self._documents = 0

    def build(self) -> Node:
        tree: Node | None = None
        for event in self._events:
            if isinstance(event, NodeEvent):
                tree = self._node(event, 1)
        if tree is None:
            empty = "the file has nothing but comments" if self._text.strip() else "the file is empty"
            raise _Stop(Place(1, 1), empty, "start with `version: 1`")
        return tree

    def _checked(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            place = _place(event)
            if isinstance(event, DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise _Stop(place, "a second document begins here", "keep one policy in one file")
                if event.version or event.tags:
                    raise _Stop(place, "YAML directives are not allowed", "remove the line that begins with %")
            if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
                raise _Stop(place, "anchors and aliases (& and *) are not allowed", "write the value out, or quote it")
            if isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent) and event.tag:
                raise _Stop(place, "tags (!) are not allowed", "write the value without it, or quote it")
            yield event

    def _node(self, event: Event, depth: int) -> Node:
        place = _place(event)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _Stop(place, f"the file has more than {MAX_NODES} values", "write a shorter policy")
        if depth > MAX_DEPTH:
            raise _Stop(place, "this is nested too deep", "follow docs/policies.md")
        if isinstance(event, ScalarEvent):
            value = str(event.value)
            _refuse_escaped_characters(value, place)
            return Text(place, value)
        inline = bool(getattr(event, "flow_style", False))
        if isinstance(event, SequenceStartEvent):
            return Sequence(place, tuple(self._sequence(depth, inline)))
        return Mapping(place, tuple(self._mapping(depth, inline)))

    def _sequence(self, depth: int, inline: bool) -> Iterator[Node]:
        before: Node | None = None
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                return
            item = self._node(event, depth + 1)
            if inline and isinstance(item, Text) and isinstance(event, ScalarEvent) and not event.style:
                _refuse_split_amount(before, item)
            yield item
            before = item

    def _mapping(self, depth: int, inline: bool) -> Iterator[tuple[Text, Node]]:
        seen: set[str] = set()
        before: Node | None = None
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                return
            key = self._node(event, depth + 1)
            behind = Place(event.end_mark.line + 1, event.end_mark.column + 1)
            if not isinstance(key, Text):
                raise _Stop(key.place, "a key must be plain text", "follow docs/policies.md")
            value = next(self._events)
            if inline and isinstance(value, ScalarEvent) and value.start_mark.index == value.end_mark.index:
                _refuse_split_amount(before, key)
                raise _Stop(
                    key.place,
                    f"{shown(key.text)} has no value: within braces each entry is a key, a colon and a value",
                    "write `key: value`, and put a value with a comma in quotes",
                )
            if key.text in seen:
                raise _Stop(key.place, f"{shown(key.text)} is written twice", "keep one of them")
            seen.add(key.text)
            before = self._node(value, depth + 1)
            if isinstance(before, Text) and value.start_mark.index == value.end_mark.index:
                before = Text(behind, before.text)  # YAML has nothing begin where the next thing does
            yield key, before


def _events(text: str) -> Iterator[Event]:
    """The parser's events. Its scanner looks at no number's size, and fails at some with an error of Python's."""
    end = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            end = event.end_mark.index
            yield event
    except (ValueError, OverflowError):
        raise _too_large(text, end) from None


def _too_large(text: str, begin: int) -> _Stop:
    """What the scanner met behind `begin`: an escape past Unicode's last character, or a version of too many digits."""
    for escape in _LONG_ESCAPE.finditer(text, begin):
        if int(escape[1], 16) > sys.maxunicode:
            problem = f"the escape {escape[0]} makes no character: the last one is \\U{sys.maxunicode:08X}"
            return _Stop(_place_at(text, escape.start()), problem, "write the character itself")
    return _Stop(_place_at(text, begin), "this is not YAML: a number is too large", "write plain YAML")


def _place_at(text: str, index: int) -> Place:
    return Place(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def _place(event: Event) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)
