# SPDX-License-Identifier: Apache-2.0
"""What a document defines for its rules: tokens, named addresses, lists."""

from functools import partial

from policies.code.document_model import Sources
from policies.code.policy_code import PlaceKind
from policies.code.signatures import WORD_TYPE, Leaf
from policies.document import fields
from policies.document.fields import Fields
from policies.document.reading_context import ReadingContext
from policies.document.rule_context import RuleContext
from policies.document.yaml_tree import Json, Mapping, Node, Text
from policies.notation.amounts import Unclear
from policies.notation.problems import Place, shown

UNKNOWN = "unknown"
_ANY_WORD = Leaf("item", WORD_TYPE, 0, 0, PlaceKind.WORD)


class DefinitionReader:
    """Reads tokens and addresses into the document's names, and keeps the lists until rules say what they hold."""

    def __init__(self, context: ReadingContext, sources: Sources) -> None:
        self._context, self._sources = context, sources
        self.lists: dict[str, tuple[Text, ...]] = {}
        self._list_places: dict[str, Place] = {}
        self._list_files: dict[Place, tuple[Text, ...]] = {}

    def read_tokens(self, node: Node | None) -> None:
        for key, value in self._context.reader.entries(node, "`tokens`"):
            symbol = self._context.reader.text(key, "a token's symbol", self._context.names.new_symbol)
            found = Fields(self._context.problems, value, f"the token {key.text}", "address|decimals")
            decimals = self._context.reader.text(found.get("decimals"), "the decimals", self._decimals)
            if symbol is None or decimals is None:
                self._context.reader.refused_names.add(key.text)
                continue
            address = found.get("address")
            add = partial(self._context.names.add_token, symbol, decimals=decimals)
            frozen = self._context.reader.text(address, "the address", add)
            self._context.freeze(address, frozen)
            if frozen is None:
                self._context.reader.refused_names.add(key.text)

    def _decimals(self, text: str) -> int:
        """Unknown decimals, in code found on chain, count base units."""
        return 0 if self._context.read_back and text == UNKNOWN else fields.decimals(text)

    def read_addresses(self, node: Node | None) -> None:
        for key, value in self._context.reader.entries(node, "`addresses`"):
            name = self._context.reader.text(key, "a name", self._context.names.new_name)
            if name is not None:
                add = partial(self._context.names.name_address, name)
                named = self._context.reader.text(value, "an address", add)
                self._context.freeze(value, named[1] if named else None)
                if named is None:
                    self._context.reader.refused_names.add(name)

    def read_lists(self, node: Node | None) -> None:
        for key, value in self._context.reader.entries(node, "`lists`"):
            name = self._context.reader.text(key, "a list's name", self._context.names.new_list_name)
            items = self._list_items(value, f"the list {shown(key.text)}")
            if name is not None:
                self._context.names.list_names.append(name)
                self.lists[name], self._list_places[name] = items, key.place

    def _list_items(self, node: Node, what: str) -> tuple[Text, ...]:
        """Items as they are written, or as they stand in the file that is named."""
        if isinstance(node, Mapping) and any(
            key.text == "file" or key.text.endswith("file") for key, _ in node.entries
        ):
            found = Fields(self._context.problems, node, what, "file")
            named = found.get("file")
            items = self._context.reader.text(named, "the file's name", partial(self._file_items, place=node.place))
            self._list_files[node.place] = items or ()
            return items or ()
        texts = [
            item
            for item in self._context.reader.items(node, what)
            if self._context.reader.text(item, "an item", str) is not None
        ]
        return tuple(item for item in texts if isinstance(item, Text))

    def _file_items(self, name: str, place: Place) -> tuple[Text, ...]:
        if self._sources.read_list is None:
            raise Unclear(f"the file {shown(name)} was not read", "write the items out")
        try:
            items = self._sources.read_list(name)
        except (OSError, ValueError) as error:
            raise Unclear(f"the file {shown(name)} can't be read: {error}", "correct the file or its name") from None
        if not items:
            raise Unclear(f"the file {shown(name)} has no items", "write one on each line")
        return tuple(
            Text(Place(place.line, place.column, number, place.row), item) for number, item in enumerate(items, 1)
        )

    def words_of_lists(self, context: RuleContext) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """All lists in the order of writing. What no rule uses is refused, or, in code found on chain, plain words."""
        found = []
        misread = bool(self._context.problems)  # a rule that was refused may have been the one that uses a list
        for name, place in self._list_places.items():
            if name not in context.used_lists and not misread:
                self._context.unsafe(place, f"no rule uses the list {name}", "use it in a rule, or remove it")
            if name not in context.list_words and self._context.read_back:
                context.list_words[name] = context.read_list(name, _ANY_WORD, None)
            found.append((name, context.list_words.get(name, ())))
        return tuple(found)

    def freeze_files(self) -> None:
        """Write the items of each file of a list in the place where the document names the file."""
        frozen = self._context.frozen.values
        for place, items in self._list_files.items():
            words: list[Json] = [frozen.get(item.place, item.text) for item in items]
            frozen[place] = words
