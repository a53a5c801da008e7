# SPDX-License-Identifier: Apache-2.0
"""A document that is written for many at once: `$name` for parameters, `for each` for the rows of a table.

What comes out is a plain document, in which each row is written out: that is what is compiled, explained and hashed.
The same text, tables and parameters make the same document everywhere.
"""

import re
from collections.abc import Iterator, Mapping

from policies.code.document_model import Sources, TableRow
from policies.document.yaml_tree import MAX_NODES, Node, Sequence, Text
from policies.document.yaml_tree import Mapping as MappingNode
from policies.notation.problems import Place, Problems, listed, shown

TABLES, PARAMETERS = "tables", "parameters"
FOR_EACH = "for each"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
_MEANT_EACH = re.compile(r"(?:for|foreach|each|for all|for every) +(.{1,64})")
_PLACEHOLDER = re.compile(r"\$(?:\$|([A-Za-z_][A-Za-z0-9_]{0,31})|\{([A-Za-z_][A-Za-z0-9_]{0,31})\})")

Values = Mapping[str, str]


def expand(tree: Node, sources: Sources, problems: Problems, *, read_back: bool) -> Node:
    """The plain document that a tree stands for. A tree without tables and parameters is left as it is."""
    if not isinstance(tree, MappingNode):
        return tree
    own = {key.text: (key, value) for key, value in tree.entries if key.text in (TABLES, PARAMETERS)}
    if not own:
        if not read_back:  # a budget in code on chain may be called so
            _refuse_without_tables(tree, problems)
        for name in sources.parameters:
            problems.add(Place(1, 1), f"the document has no parameter {shown(name)}", "leave --set out")
        return tree
    if read_back:
        key = next(iter(own.values()))[0]
        problems.add(key.place, f"code on chain has no {key.text}", "remove it")
        return tree
    expanding = _Expanding(sources, problems)
    expanding.read_parameters(own.get(PARAMETERS, (None, None))[1])
    expanding.read_tables(own.get(TABLES, (None, None))[1])
    rest = tuple((key, value) for key, value in tree.entries if key.text not in own)
    plain = expanding.mapping(MappingNode(tree.place, rest), expanding.parameters, 0)
    if not problems:
        expanding.refuse_unused()
    return plain


def _refuse_without_tables(tree: MappingNode, problems: Problems) -> None:
    """Where something is written for each row of a table, and no table is named: that alone is wrong."""
    each = next(_written_for_each(tree), None)
    if each is None:
        return
    key, table = each
    misnamed = next((one for one, _ in tree.entries if one.text.lower() in ("table", "tables")), None)
    if misnamed is not None:
        problems.add(misnamed.place, f"the policy has no key {shown(misnamed.text)}", f"write `{TABLES}`")
    else:
        name = table if _NAME.fullmatch(table) else "people"
        problems.add(
            key.place, f"there is no table {shown(table)}", f"add `{TABLES}: {{{name}: {{file: {name}.csv}}}}`"
        )


def _written_for_each(node: Node) -> Iterator[tuple[Text, str]]:
    """Each key that writes something out for a table, with the table's name."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _written_for_each(item)
    elif isinstance(node, MappingNode):
        for key, value in node.entries:
            if key.text == FOR_EACH:
                yield key, value.text if isinstance(value, Text) else ""
            elif key.text.startswith(f"{FOR_EACH} "):
                yield key, key.text.removeprefix(f"{FOR_EACH} ")
            yield from _written_for_each(value)


class _Expanding:
    """Writes out one document. What is wrong is added to the problems, and left out."""

    def __init__(self, sources: Sources, problems: Problems) -> None:
        self._sources, self._problems = sources, problems
        self._nodes = 0
        self.parameters: dict[str, str] = {}
        self._places: dict[str, Place] = {}
        self._used: set[str] = set()
        self._unknown: set[tuple[str, ...]] = set()
        self._tables: dict[str, tuple[TableRow, ...]] = {}

    def read_parameters(self, node: Node | None) -> None:
        """The document's values, and in their place those that the caller sets."""
        given = dict(self._sources.parameters)
        for key, value in self._entries(node, PARAMETERS):
            if not isinstance(value, Text):
                self._problems.add(
                    value.place, f"the parameter {shown(key.text)} must be one value", "write it as text"
                )
            elif _PLACEHOLDER.fullmatch(f"${key.text}") is None:
                self._problems.add(key.place, f"{shown(key.text)} is no parameter", "write letters, digits and _")
            else:
                self.parameters[key.text] = given.pop(key.text, value.text)
                self._places[key.text] = key.place
        for name in given:
            known = listed(self.parameters)
            self._problems.add(
                Place(1, 1), f"the document has no parameter {shown(name)}", f"those that --set can set are: {known}"
            )

    def refuse_unused(self) -> None:
        """Refuse what changes nothing: what is not in the plain document is not voted on, and people would read it."""
        for name, place in self._places.items():
            if name not in self._used:
                self._problems.add(
                    place, f"the parameter {shown(name)} is used nowhere", f"write ${name}, or remove it"
                )

    def read_tables(self, node: Node | None) -> None:
        for key, value in self._entries(node, TABLES):
            file = (
                next((one for name, one in value.entries if name.text == "file"), None)
                if isinstance(value, MappingNode) and len(value.entries) == 1
                else None
            )
            if not isinstance(file, Text):
                self._problems.add(
                    value.place, f"the table {shown(key.text)} names no file", "write {file: people.csv}"
                )
            elif self._sources.read_table is None:
                self._problems.add(file.place, f"the file {shown(file.text)} was not read", "write the rows out")
            else:
                self._read(key.text, file)

    def _read(self, name: str, file: Text) -> None:
        assert self._sources.read_table is not None
        try:
            self._tables[name] = tuple(self._sources.read_table(file.text))
        except OSError as error:
            problem = f"the file {shown(file.text)} can't be read: {error.strerror}"
            self._problems.add(file.place, problem, "correct the file or its name")
        except ValueError as error:
            for line in str(error).splitlines():
                problem, _, suggestion = line.partition("; ")
                self._problems.add(file.place, f"{shown(file.text)} {problem}", suggestion or "correct the file")

    def _entries(self, node: Node | None, what: str) -> tuple[tuple[Text, Node], ...]:
        if node is None:
            return ()
        if not isinstance(node, MappingNode) or not node.entries:
            self._problems.add(node.place, f"`{what}` names nothing", "write `name: ...` on each line, or leave it out")
            return ()
        return node.entries

    # Writing out

    def node(self, node: Node, values: Values, row: int) -> Node:
        """The node with every placeholder filled in; `row` is the line of the table that it is written for, or 0."""
        self._nodes += 1
        match node:
            case Text():
                return self._text(node, values, row)
            case Sequence():
                return Sequence(_at(node.place, row), tuple(self._items(node, values, row)))
            case MappingNode():
                return self.mapping(node, values, row)

    def mapping(self, node: MappingNode, values: Values, row: int) -> MappingNode:
        entries: dict[str, tuple[Text, Node]] = {}
        for key, value, each, line in self._each_entry(node, values, row):
            name = self._text(key, each, line)
            if name.text in entries:
                if self._unknown:
                    continue  # what is called like nothing is as empty in each row
                self._problems.add(name.place, f"{shown(name.text)} is written twice", "keep one of them")
            elif self._has_room(name.place):
                entries[name.text] = (name, self.node(value, each, line))
        return MappingNode(_at(node.place, row), tuple(entries.values()))

    def _each_entry(self, node: MappingNode, values: Values, row: int) -> Iterator[tuple[Text, Node, Values, int]]:
        """The entries of a mapping, those below `for each TABLE` once for each row."""
        for key, value in node.entries:
            meant = _MEANT_EACH.fullmatch(key.text)
            if meant and meant[1] in self._tables:
                problem = f"{shown(key.text)} writes nothing out"
                self._problems.add(key.place, problem, f"write `{FOR_EACH} {meant[1]}`")
            elif not key.text.startswith(f"{FOR_EACH} "):
                yield key, value, values, row
            elif not isinstance(value, MappingNode):
                self._problems.add(value.place, f"`{key.text}` has no entries", "write {$name: ...} below it")
            else:
                for each in self._rows(key.text.removeprefix(f"{FOR_EACH} "), key.place):
                    for name, inner in value.entries:
                        yield name, inner, {**values, **each.cells}, each.line

    def _items(self, node: Sequence, values: Values, row: int) -> Iterator[Node]:
        """The items of a list, those with `for each: TABLE` once for each row."""
        for item in node.items:
            table = (
                next((value for key, value in item.entries if key.text == FOR_EACH), None)
                if isinstance(item, MappingNode)
                else None
            )
            if table is None or not isinstance(item, MappingNode):
                yield self.node(item, values, row)
                continue
            rest = MappingNode(item.place, tuple(entry for entry in item.entries if entry[0].text != FOR_EACH))
            name = table.text if isinstance(table, Text) else ""
            for each in self._rows(name, table.place):
                if self._has_room(item.place):
                    yield self.node(rest, {**values, **each.cells}, each.line)

    def _rows(self, name: str, place: Place) -> tuple[TableRow, ...]:
        if name in self._tables:
            return self._tables[name]
        if not self._problems:  # a table that was refused is reported where it is named
            known = listed(self._tables)
            self._problems.add(place, f"there is no table {shown(name)}", f"the tables are: {known}")
        return ()

    def _has_room(self, place: Place) -> bool:
        if self._nodes == MAX_NODES:
            self._problems.add(place, f"written out, the document has more than {MAX_NODES} values", "use fewer rows")
            self._nodes += 1
        return self._nodes < MAX_NODES

    def _text(self, node: Text, values: Values, row: int) -> Text:
        place = _at(node.place, row)

        def filled(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name is None:
                return "$"
            self._used.add(name)
            if name not in values and (name, *values) not in self._unknown:
                self._unknown.add((name, *values))
                self._problems.add(node.place, f"nothing is called ${name} here", self._instead(values))
            return values.get(name, "")

        return Text(place, _PLACEHOLDER.sub(filled, node.text))

    def _instead(self, values: Values) -> str:
        """What to write for a name that is none of the values."""
        if known := listed((f"${one}" for one in values), none=""):
            return f"what can be written here is: {known}"
        table = next(iter(self._tables), None)
        each = f", or write `{FOR_EACH}: {table}` where a row of the table is meant" if table else ""
        return f"add it under `{PARAMETERS}`{each}"


def _at(place: Place, row: int) -> Place:
    return Place(place.line, place.column, row=row)
