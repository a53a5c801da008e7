# SPDX-License-Identifier: Apache-2.0
"""A document's text in one form: two spaces for each step in, one blank where one is meant, comments where they stood.

Lines stay lines: only the blanks between what is written change. That nothing else did is checked before the text is
given out: a document is never another one for having been formatted, and no comment is lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from ruamel.yaml import YAML
from ruamel.yaml.tokens import (
    BlockEntryToken,
    FlowEntryToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    KeyToken,
    ScalarToken,
    Token,
    ValueToken,
)

from policies.document import yaml_tree
from policies.document.yaml_tree import Frozen
from policies.notation.problems import Place, PolicyError, Problem

_STEP = 2
_OPENING = (FlowMappingStartToken, FlowSequenceStartToken)
_CLOSING = (FlowMappingEndToken, FlowSequenceEndToken)
_WRITTEN = (*_OPENING, *_CLOSING, BlockEntryToken, FlowEntryToken, ScalarToken, ValueToken)
_BLANK_LINES = re.compile(r"\n{3,}")


def formatted(text: str, source: str) -> str:
    """The text in the one form. Raises PolicyError where it is no YAML that a policy may be written in."""
    before = yaml_tree.as_json(yaml_tree.parse(text, source), Frozen())
    plain = text.replace("\r\n", "\n")
    if "\r" not in plain and not any(isinstance(token, KeyToken) and _width(token) for token in _tokens(plain)):
        first = _Formatter(plain)
        made = _BLANK_LINES.sub("\n\n", "\n".join(first.lines())).strip("\n") + "\n"
        after = yaml_tree.as_json(yaml_tree.parse(made, source), Frozen())
        if before == after and first.comments == _comments(made):
            return made
    problem = Problem(Place(1, 1), "formatting would change what this document says", "format it by hand")
    raise PolicyError(source, (problem,))


def _tokens(text: str) -> Iterator[Token]:
    yield from YAML(typ="safe", pure=True).scan(text)


def _width(token: Token) -> int:
    return int(token.end_mark.index - token.start_mark.index)


def _comments(text: str) -> list[str]:
    formatter = _Formatter(text)
    for _ in formatter.lines():
        pass
    return formatter.comments


@dataclass(slots=True)
class _Level:
    """A step in: the column where its lines began, the one where they begin now, and whether dashes begin them."""

    old: int
    new: int
    dashes: bool


@dataclass
class _Formatter:
    """Writes the lines of one text again. `comments` fills with the comments, in order."""

    text: str
    comments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = self.text.split("\n")
        self._on: dict[int, list[Token]] = {}
        self._inside: dict[int, int] = {}  # a line within a text of several lines -> the line where that begins
        self._levels = [_Level(-1, -_STEP, False)]
        self._flow = 0
        self._moved: dict[int, int] = {}
        for token in _tokens(self.text):
            if not isinstance(token, _WRITTEN):
                continue
            self._on.setdefault(token.start_mark.line, []).append(token)
            last = token.end_mark.line - (token.end_mark.column == 0)
            self._inside.update(dict.fromkeys(range(token.start_mark.line + 1, last + 1), token.start_mark.line))

    def lines(self) -> Iterator[str]:
        waiting: list[str] = []  # comments and blank lines go with the line that follows them
        for number, line in enumerate(self._lines):
            if number in self._inside and number not in self._on:
                yield from waiting
                waiting = []
                yield self._shifted(line, self._moved.get(self._inside[number], 0))
            elif number in self._on:
                made, indent = self._line(number)
                yield from (f"{' ' * indent}{one}" if one else "" for one in waiting)
                waiting = []
                yield made
            else:
                comment = line.strip()
                self.comments += [comment] if comment else []
                waiting.append(comment)
        yield from waiting

    def _line(self, number: int) -> tuple[str, int]:
        """The line that begins with the tokens on it, and how far it goes in."""
        tokens = self._on[number]
        closing = isinstance(tokens[0], _CLOSING)
        if number in self._inside:  # what follows the end of a text of several lines: kept as it is, but for its place
            self._count(tokens)
            moved = self._moved.get(self._inside[number], 0)
            self._moved[number] = moved
            return self._shifted(self._lines[number], moved), max(0, moved)
        if self._flow:
            indent = self._levels[-1].new + _STEP * (self._flow - (1 if closing else 0))
        else:
            indent = self._enter(tokens)
        self._moved[number] = indent - tokens[0].start_mark.column
        self._count(tokens)
        written = "".join(self._spaced(tokens))
        end = tokens[-1].end_mark
        rest = self._lines[number][end.column :].strip() if end.line == number else ""
        if rest.startswith("#"):
            self.comments.append(rest)
            column = self._lines[number].rindex(rest)
            written = f"{' ' * indent}{written}"
            return f"{written}{' ' * max(2, column - len(written))}{rest}", indent
        return f"{' ' * indent}{written}{rest}", indent

    def _enter(self, tokens: list[Token]) -> int:
        """Find the level of a line outside of brackets, and those that its dashes open."""
        column, dashed = tokens[0].start_mark.column, isinstance(tokens[0], BlockEntryToken)
        while self._levels[-1].old > column or (
            self._levels[-1].old == column and self._levels[-1].dashes and not dashed and len(self._levels) > 1
        ):
            self._levels.pop()
        top = self._levels[-1]
        if top.old < column or (dashed and not top.dashes):
            self._levels.append(_Level(column, top.new + _STEP, dashed))
        indent = self._levels[-1].new
        for token, following in pairwise(tokens):
            if not isinstance(token, BlockEntryToken):
                break
            old = following.start_mark.column
            self._levels.append(_Level(old, self._levels[-1].new + _STEP, isinstance(following, BlockEntryToken)))
        return indent

    def _count(self, tokens: list[Token]) -> None:
        for token in tokens:
            self._flow += isinstance(token, _OPENING) - isinstance(token, _CLOSING)

    def _spaced(self, tokens: list[Token]) -> Iterator[str]:
        before: Token | None = None
        for token in tokens:
            if before is not None and _apart(before, token):
                yield " "
            written = self.text[token.start_mark.index : token.end_mark.index]
            yield written.split("\n")[0].rstrip() if token.end_mark.line > token.start_mark.line else written
            before = token

    @staticmethod
    def _shifted(line: str, moved: int) -> str:
        """A line of a text that goes on, moved as far as the line where the text begins."""
        if moved >= 0:
            return (" " * moved + line).rstrip() if line.strip() else ""
        return line[min(-moved, len(line) - len(line.lstrip(" "))) :].rstrip()


def _apart(before: Token, token: Token) -> bool:
    """Whether a blank stands between two tokens of one line."""
    if isinstance(before, _OPENING) or isinstance(token, (*_CLOSING, FlowEntryToken, ValueToken)):
        return False
    return isinstance(before, ValueToken | FlowEntryToken | BlockEntryToken)
