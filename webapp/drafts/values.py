# SPDX-License-Identifier: Apache-2.0
"""A policy's values as a form: each address, amount and time of its YAML is a field. Filled in, the text has the new
values in their places; all else of it, comments too, stays as it was written."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webapp import languages

MOST_FIELDS = 120
MOST_CHARACTERS = 20_000  # of a text, and of all texts of a draft, of which fields are made: it takes time
_BOUNDS = ("cap", "at most", "at least")
# A text that YAML reads as itself without quotes, inside of braces too.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._%+-]*(?::[0-9]{2}Z)?")


@dataclass(frozen=True)
class Value:
    """One value of the document: where it is (`budgets`, `payroll`, `limit`), its text, and its place in the YAML."""

    path: tuple[str, ...]
    text: str
    begin: int
    end: int

    @property
    def name(self) -> str:
        return " / ".join(self.path)


def values_of(yaml: str) -> list[Value]:
    """Return the values that a form shows, in the order in which they stand; none of a text that is no YAML, or too
    long for fields."""
    if len(yaml) > MOST_CHARACTERS:
        return []
    try:
        root = YAML(typ="safe", pure=True).compose(yaml)
    except (YAMLError, RecursionError, ValueError, AssertionError):  # it asserts what a %YAML line names
        return []
    if not isinstance(root, MappingNode):
        return []
    found = {value.begin: value for value in _of_document(root)}  # what two aliases share is one place
    return [found[begin] for begin in sorted(found)][:MOST_FIELDS]


def _of_document(root: MappingNode) -> Iterator[Value]:
    for key, node in _pairs(root):
        if key in ("agent", "operator", "cooldown"):
            yield from _scalar((key,), node)
        elif key in ("valid", "objection", "addresses"):
            for name, inner in _pairs(node):
                yield from _scalar((key, name), inner)
        elif key in ("tokens", "budgets"):
            for name, entry in _pairs(node):
                for what, inner in _pairs(entry):
                    yield from _scalar((key, name, what), inner)
        elif key == "rules" and isinstance(node, SequenceNode):
            for number, rule in enumerate(node.value, 1):
                yield from _of_rule(str(number), rule)


def _of_rule(number: str, rule: Node) -> Iterator[Value]:
    for key, node in _pairs(rule):
        if key == "where":
            for argument, clause in _pairs(node):
                for bound, inner in _pairs(clause):
                    if bound in _BOUNDS:
                        yield from _scalar(("rules", number, argument, bound), inner)


def _pairs(node: Node) -> Iterator[tuple[str, Node]]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode):
                yield str(key.value), value


def _scalar(path: tuple[str, ...], node: Node) -> Iterator[Value]:
    # A block of lines (| and >) is no value that a field of one line can show.
    if isinstance(node, ScalarNode) and node.style not in ("|", ">"):
        yield Value(path, str(node.value), node.start_mark.index, node.end_mark.index)


def filled(yaml: str, given: Sequence[str]) -> str:
    """Return the YAML with these values, in the order of `values_of`. One that is as it was stays as it is written."""
    return _filled(yaml, values_of(yaml), given)


def _filled(yaml: str, shown: Sequence[Value], given: Sequence[str]) -> str:
    for value, text in reversed(list(zip(shown, given, strict=False))):
        line = " ".join(text.split())
        if line != value.text:
            yaml = yaml[: value.begin] + _written(line, yaml[value.begin : value.begin + 1]) + yaml[value.end :]
    return yaml


def _written(line: str, first: str) -> str:
    if first not in ("'", '"') and _PLAIN.fullmatch(line):
        return line
    return json.dumps(line, ensure_ascii=False)


def mark_of(yaml: str) -> str:
    """Return what tells a text from another: fields count only for the text that they were made of."""
    return hashlib.sha256(yaml.strip().encode("utf-8", "replace")).hexdigest()[:32]


def is_marked(form: Mapping[str, str], number: int, yaml: str) -> bool:
    """Whether a form's action has fields, made of this very text."""
    return len(yaml) <= MOST_CHARACTERS and form.get(f"mark-{number}") == mark_of(yaml)


def with_room(texts: Sequence[str]) -> list[bool]:
    """Of which of a draft's texts fields are made: of the first ones, as long as they are not too long together."""
    left, found = MOST_CHARACTERS, []
    for text in texts:
        found.append(len(text) <= left)
        left -= len(text) if found[-1] else 0
    return found


def unclear(form: Mapping[str, str], number: int, yaml: str) -> dict[str, str]:
    """The fields of a form's action whose new values are not taken on a page in this language, each with why."""
    found = {}
    if languages.current() != "en" and is_marked(form, number, yaml):
        for place, value in enumerate(values_of(yaml)):
            field = f"value-{number}-{place}"
            problem = languages.unclear_amount(form.get(field, ""))
            if problem and " ".join(form[field].split()) != value.text:
                found[field] = f"{value.name}: {problem}"
    return found


def taken(form: Mapping[str, str], number: int, yaml: str) -> str:
    """Return the YAML of a form's action with the values of its fields; as it is where it was changed by hand."""
    if not is_marked(form, number, yaml):
        return yaml
    shown = values_of(yaml)
    return _filled(yaml, shown, [form.get(f"value-{number}-{place}", value.text) for place, value in enumerate(shown)])
