# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a policy document: where, what, and what to write in its place."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace

from policies.notation.visible import is_hidden, numbered

MOST_LISTED = 12  # names in a message
MOST_ROWS_TOLD = 4  # of a table, at one place
MOST_SHOWN = 60  # characters of a hostile text in a message
_WORD = re.compile(r"[^\W]+|[\uff01-\uff60\uffe0-\uffe6]")


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the document, counted from 1; in a list that stands in a file of its own also the item, else 0.

    `row` is the line of the table whose row was written out there, else 0.
    """

    line: int
    column: int
    item: int = 0
    row: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (or, among warnings, unwise), and what to write in its place."""

    place: Place
    problem: str
    suggestion: str

    def __str__(self) -> str:
        item = f"item {self.place.item}: " if self.place.item else ""
        row = f"line {self.place.row} of the table: " if self.place.row else ""
        return f"{self.place.line}:{self.place.column}: {row}{item}{self.problem}; {self.suggestion}"


class PolicyError(ValueError):
    """A document that is no policy. `problems` has all that was found; the other fields are those of the first."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(f"{source}:{problem}" for problem in problems))
        self.source = source
        self.problems = problems

    @property
    def problem(self) -> str:
        return self.problems[0].problem

    @property
    def suggestion(self) -> str:
        return self.problems[0].suggestion

    @property
    def line(self) -> int:
        return self.problems[0].place.line

    @property
    def column(self) -> int:
        return self.problems[0].place.column


class Problems:
    """Collects problems while a document is read, so that one reading reports them all."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, place: Place, problem: str, suggestion: str) -> None:
        self._found.append(Problem(place, problem, suggestion))

    def __bool__(self) -> bool:
        return bool(self._found)

    def in_order(self) -> tuple[Problem, ...]:
        """Everything found, from the document's beginning to its end, each once.

        What is said of several items or rows in the same words is wrong where they are written, and is said of none of
        them. What is said of one row in the same words in several places is wrong in the row, and is said once.
        """
        parts: dict[Problem, set[tuple[int, int]]] = {}
        for found in self._found:
            place = found.place
            parts.setdefault(replace(found, place=Place(place.line, place.column)), set()).add((place.item, place.row))
        each = sorted(
            (
                replace(found, place=Place(found.place.line, found.place.column, *(min(of) if len(of) == 1 else ())))
                for found, of in parts.items()
            ),
            key=lambda found: astuple(found.place),
        )
        once = {(found.place.row or found.place, found.problem, found.suggestion): found for found in reversed(each)}
        return tuple(_without_most_rows(list(reversed(once.values()))))


def _without_most_rows(found: list[Problem]) -> Iterator[Problem]:
    """Where something is said of more than a few rows in one place, what is said of the first of them."""
    rows: dict[tuple[int, int], set[int]] = {}
    for one in found:
        rows.setdefault((one.place.line, one.place.column), set()).add(one.place.row)
    told: set[tuple[int, int]] = set()
    for one in found:
        where = (one.place.line, one.place.column)
        if not one.place.row or len(rows[where]) <= MOST_ROWS_TOLD:
            yield one
        elif where not in told:
            told.add(where)
            yield replace(
                one, problem=f"{one.problem} (something is wrong here in {len(rows[where] - {0}) - 1:,} more rows)"
            )


def shown(text: str, length: int = MOST_SHOWN) -> str:
    """Return hostile text as it may stand in a message: in quotes, short, what can't be seen by its number."""
    cut = text if len(text) <= length else text[:length] + "…"
    seen = _WORD.sub(lambda word: _told_apart(word[0]), cut)
    return '"' + "".join(c if c.isprintable() and not is_hidden(c) else numbered(c) for c in seen) + '"'


def _told_apart(word: str) -> str:
    """A word with letters of another script among Latin ones, and signs of another width, each by its number."""
    mixed = any(c.isascii() and c.isalpha() for c in word)
    return "".join(numbered(c) if _passes_for_another(c, mixed) else c for c in word)


# Scripts no letter of which can be taken for a Latin one, beside the Latin letters themselves.
_UNLIKE_LATIN = ("LATIN", "CJK UNIFIED", "HIRAGANA", "KATAKANA", "HANGUL SYLLABLE")


def _passes_for_another(character: str, among_latin: bool) -> bool:
    if character.isascii():
        return False
    if unicodedata.east_asian_width(character) == "F":
        return True
    name = unicodedata.name(character, "LATIN")
    return among_latin and character.isalpha() and not name.startswith(_UNLIKE_LATIN)


def listed(names: Iterable[str], *, none: str = "none") -> str:
    """Return the names that could have been meant, the first few: `a, b, c and 17 more`."""
    known = list(names)
    if not known:
        return none
    more = f" and {len(known) - MOST_LISTED:,} more" if len(known) > MOST_LISTED else ""
    return ", ".join(known[:MOST_LISTED]) + more
