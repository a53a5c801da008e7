# SPDX-License-Identifier: Apache-2.0
"""Read the literals of JavaScript and TypeScript source without running it."""

import re
from collections.abc import Iterator
from typing import Any

_BLANK = re.compile(r"\s+|//[^\n]*|/\*.*?\*/", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0x[0-9a-fA-F]+|\d[\d_]*(?:\.\d+)?(?:e\d+)?)n?")
_NAME = re.compile(r"[A-Za-z_$][\w$.]*")
_WORDS = {"true": True, "false": False, "null": None, "undefined": None}


class NoLiteral(Exception):
    """The source has no plain literal at this place."""


def literal(source: str, start: int) -> tuple[Any, int]:
    """Return the array, object, text or number at a place of the source, and where it ends. Raises NoLiteral.

    Numbers and names of other things stay text; a spread, a call or an operator is no literal.
    """
    try:
        return _value(source, start)
    except (IndexError, RecursionError):
        raise NoLiteral from None


def arrays_of_objects(source: str) -> Iterator[list]:
    """Return every outermost `[{...}, ...]` that is a plain literal."""
    place = 0
    while found := re.compile(r"\[\s*\{").search(source, place):
        try:
            value, place = literal(source, found.start())
        except NoLiteral:
            place = found.start() + 1
            continue
        yield value


def assigned(source: str, name: str) -> Any:
    """Return the literal that `name = ...` assigns. Raises NoLiteral."""
    found = re.compile(rf"(?<![\w$]){re.escape(name)}\s*=\s*(?=[\[{{\"'])").search(source)
    if found is None:
        raise NoLiteral(name)
    return literal(source, found.end())[0]


def _skip(source: str, place: int) -> int:
    while found := _BLANK.match(source, place):
        place = found.end()
    return place


def _value(source: str, place: int) -> tuple[Any, int]:
    place = _skip(source, place)
    sign = source[place]
    if sign in "\"'`":
        return _text(source, place)
    if sign == "[":
        return _array(source, place)
    if sign == "{":
        return _object(source, place)
    if source[place : place + 2] in ("!0", "!1"):
        return source[place + 1] == "0", place + 2
    found = _NUMBER.match(source, place)
    if found:
        return found[0], found.end()
    found = _NAME.match(source, place)
    if not found:
        raise NoLiteral
    return _WORDS.get(found[0], found[0]), found.end()


def _text(source: str, place: int) -> tuple[str, int]:
    quote, place, written = source[place], place + 1, []
    while source[place] != quote:
        if source[place] == "\\":
            place += 1
        written.append(source[place])
        place += 1
    return "".join(written), place + 1


def _array(source: str, place: int) -> tuple[list, int]:
    place, values = _skip(source, place + 1), []
    while source[place] != "]":
        value, place = _value(source, place)
        values.append(value)
        place = _next(source, place, "]")
    return values, place + 1


def _object(source: str, place: int) -> tuple[dict, int]:
    place, values = _skip(source, place + 1), {}
    while source[place] != "}":
        if source[place] in "\"'":
            key, place = _text(source, place)
        elif source[place] == "[":
            (key, *_), place = _array(source, place)
        else:
            found = _NAME.match(source, place) or _NUMBER.match(source, place)
            if not found:
                raise NoLiteral
            key, place = found[0], found.end()
        place = _skip(source, place)
        if source[place] != ":":
            raise NoLiteral
        values[str(key)], place = _value(source, place + 1)
        place = _next(source, place, "}")
    return values, place + 1


def _next(source: str, place: int, end: str) -> int:
    """The place behind a comma, or of the closing bracket."""
    place = _skip(source, place)
    if source[place] == ",":
        return _skip(source, place + 1)
    if source[place] != end:
        raise NoLiteral
    return place
