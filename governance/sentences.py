# SPDX-License-Identifier: Apache-2.0
"""Sentences that are kept as a code with values, and put into words at the rim.

A `Table` holds one subject's sentences by their codes: each is a text with places for values, or a function for what a
text alone can't say. A `Sentence` is its English text, and knows its code and its values, which are plain JSON, other
sentences, or lists of either. Rows keep all three: the text of its time, which is English whatever language the reader
has, and what it was made of; `worded` makes it again in the reader's language.

A sentence inside another may be of another table, which its JSON then names.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.utils.translation import gettext

from governance.numbers import Translate, if_grouped

# Values that somebody wrote, as is whatever stands in quotation marks: they are shown as they are.
_WRITTEN = frozenset({"text", "quote", "name", "sample", "digits", "plain"})
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|`[^`]*`')
_PLACE = re.compile(r"\{(\w+)")
LEGACY = "legacy"  # text alone: of a row older than the codes, or of a newer version of the site

Values = Mapping[str, Any]
Template = str | Callable[[Values, Translate], str]  # the function gets sentences inside as text in that language
Stored = Mapping[str, Any]  # a sentence as JSON: its code, its values, and its table where another table's holds it

_tables: dict[str, "Table"] = {}


class Sentence(str):
    """An English sentence that knows its table, its code and its values. Made by `Table.say` and `Table.read`."""

    __slots__ = ("code", "table", "values")

    table: "Table"
    code: str
    values: Values

    def __new__(cls, table: "Table", code: str, values: Values) -> "Sentence":
        """Raises KeyError for a code, or a value that its text needs, that is not known."""
        whole = {name: _of_json(value, table) for name, value in dict(values).items()}
        made = super().__new__(cls, table.worded(code, whole, str))
        made.table, made.code, made.values = table, code, whole
        return made

    @property
    def text(self) -> str:
        """The English text alone."""
        return str(self)

    def values_json(self) -> dict[str, Any]:
        """Return the values as plain JSON."""
        return {name: _json(value, self.table) for name, value in self.values.items()}

    def as_json(self) -> dict[str, Any]:
        """Return what `Table.read` makes the sentence of again."""
        return {"code": self.code, "values": self.values_json()}

    def storable(self, length: int) -> tuple[str, dict[str, Any]]:
        """Return the text, cut to `length`, and code, values and table for columns that hold any table's sentence.

        What others wrote may have characters that PostgreSQL takes in neither: they become question marks.
        """
        return _storable(self.text)[:length], _storable({**self.as_json(), "table": self.table.name})


class Table:
    """The sentences of one subject. Its name is stored, so it never changes.

    `in_words` words the values that are JSON objects: amounts, parties, durations. Without it they stay as they are. A
    text gets lists with "; " between their parts, a function gets them as lists. `as_written` names, by code, a value
    that somebody wrote, beyond those that are quoted: its numbers stay as they are.
    """

    def __init__(
        self,
        name: str,
        sentences: Mapping[str, Template],
        in_words: Callable[[Any, Translate], Any] = lambda value, _translate: value,
        *,
        as_written: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._as_written = as_written or {}
        self._in_words = in_words
        self._sentences: dict[str, Template] = {"": "", LEGACY: _its_text}
        self.add(sentences)
        _tables[name] = self

    def add(self, sentences: Mapping[str, Template]) -> Callable[..., Sentence]:
        """Take in more sentences and return `say`. Raises ValueError for a code that is taken."""
        if twice := self._sentences.keys() & sentences.keys():
            raise ValueError(f"sentences with the same code: {', '.join(sorted(twice))}")
        self._sentences |= sentences
        return self.say

    def say(self, code: str, /, **values: Any) -> Sentence:
        """Return the sentence of a code with its values: plain JSON, sentences, or sentences as JSON.

        Raises KeyError for a code, or a value that its text needs, that is not known.
        """
        return Sentence(self, code, values)

    def legacy(self, text: str) -> Sentence:
        """Return a text of which no code is known as a sentence."""
        return Sentence(self, LEGACY, {"text": text})

    def of_json(self, stored: Stored) -> Sentence:
        """Return the sentence that `Sentence.as_json` wrote, in the words of today.

        Raises LookupError, TypeError, ValueError or AttributeError for what another version of the site wrote.
        """
        return Sentence(self, stored["code"], stored["values"])

    def read(self, stored: Stored | None, text: str) -> Sentence:
        """Return the sentence of a row in the words of today.

        It is its `text` of then where the row is older than the codes, or of a newer version: that may have other
        codes, other values of the same code, or either in a sentence inside.
        """
        if not stored or stored.get("code", "") in ("", LEGACY):
            return self.legacy(text)
        try:
            return self.of_json(stored)
        except (LookupError, TypeError, ValueError, AttributeError):
            return self.legacy(text)

    def read_all(self, stored: Sequence[Stored], texts: Sequence[str]) -> list[Sentence]:
        """Return the sentences of a row's lists of codes and of texts; they differ in length where it is older."""
        if len(stored) != len(texts):
            return [self.legacy(text) for text in texts]
        return [self.read(item, text) for item, text in zip(stored, texts, strict=True)]

    def shown(self, stored: Stored | None, text: str) -> str:
        """Return a row's sentence in the reader's language, or its text where no code of this version says it."""
        return worded(self.read(stored, text))

    def worded(self, code: str, values: Values, translate: Translate) -> str:
        """Return the text of a code in the language of `translate`."""
        template = self._sentences[code]
        inner = {name: self._worded_value(value, translate) for name, value in values.items()}
        if callable(template):
            return template(inner, translate)
        kept = _WRITTEN | _quoted(template) | {self._as_written.get(code)}
        shown = {
            name: each if name in kept else _in_language(values[name], each, translate) for name, each in inner.items()
        }
        joined = {name: "; ".join(map(str, each)) if isinstance(each, list) else each for name, each in shown.items()}
        return translate(template).format_map(joined)

    def _worded_value(self, value: Any, translate: Translate) -> Any:
        if isinstance(value, Sentence):
            return value.table.worded(value.code, value.values, translate)
        if isinstance(value, list):
            return [self._worded_value(item, translate) for item in value]
        return self._in_words(value, translate) if isinstance(value, Mapping) else value


def worded(sentence: Sentence) -> str:
    """Return a sentence, and those in it, in the reader's language: for pages and mails."""
    return sentence.table.worded(sentence.code, sentence.values, gettext)


@cache
def _quoted(template: str) -> frozenset[str]:
    """The values that a text puts between quotation marks."""
    return frozenset(name for part in _QUOTED.findall(template) for name in _PLACE.findall(part))


def _in_language(value: Any, shown: Any, translate: Translate) -> Any:
    """What is shown of a value, with its number as the language writes it where it is plain text, or a list of it."""
    if isinstance(value, list):
        return [_in_language(one, its, translate) for one, its in zip(value, shown, strict=True)]
    return if_grouped(shown, translate) if isinstance(value, str) and not isinstance(value, Sentence) else shown


def _its_text(values: Values, _translate: Translate) -> str:
    return str(values["text"])


def _of_json(value: Any, table: Table) -> Any:
    """A value with each sentence in it, and in its lists, made of its JSON; a sentence stays as it is."""
    if isinstance(value, list | tuple):
        return [_of_json(item, table) for item in value]
    if isinstance(value, dict) and {"code", "values"} <= value.keys() <= {"code", "values", "table"}:
        return (_tables[value["table"]] if "table" in value else table).of_json(value)
    return value


def _storable(value: Any) -> Any:
    """JSON without NUL and half surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _storable(item) for name, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


def _json(value: Any, table: Table) -> Any:
    if isinstance(value, Sentence):
        return value.as_json() | ({} if value.table is table else {"table": value.table.name})
    return [_json(item, table) for item in value] if isinstance(value, list) else value
