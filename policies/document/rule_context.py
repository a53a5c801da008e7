# SPDX-License-Identifier: Apache-2.0
"""What the readers of rules share beside the document's names: its lists and budgets, and bounds read as words."""

from collections.abc import Mapping

from policies.code.document_model import DocumentBudget
from policies.code.signatures import Leaf
from policies.document.argument_values import ValueReader
from policies.document.reading_context import ReadingContext
from policies.document.yaml_tree import Node, Text
from policies.notation.amounts import Token


class RuleContext(ReadingContext):
    """The document that rules are read in. `used_lists` and `list_words` fill while they are read."""

    def __init__(
        self,
        document: ReadingContext,
        budgets: Mapping[str, DocumentBudget],
        budget_names: tuple[str, ...],
        lists: Mapping[str, tuple[Text, ...]],
        *,
        budgets_unread: bool = False,
    ) -> None:
        """`budgets_unread`: there are budgets that could not be read, so that no name is known to be none of theirs."""
        super().__init__(
            document.reader, document.warnings, document.frozen, document.names, read_back=document.read_back
        )
        self.budgets, self.budget_names, self.lists = budgets, budget_names, lists
        self.budgets_unread = budgets_unread
        self.used_lists: set[str] = set()
        self.list_words: dict[str, tuple[int, ...]] = {}
        self._values = ValueReader(self.names, self.read_back)

    @property
    def all_budgets_read(self) -> bool:
        return not self.budgets_unread and len(self.budgets) == len(self.budget_names)

    def word(self, node: Node, leaf: Leaf, token: Token | None) -> int | None:
        """Read a value as the word that stands for it; None where it was refused."""
        found = self.reader.text(node, "the bound", lambda text: self._values.word(text, leaf, token))
        if found is None:
            return None
        self.frozen.values[node.place] = found[1]
        return found[0]

    def read_list(self, name: str, leaf: Leaf, token: Token | None) -> tuple[int, ...]:
        """Return the words of a named list, for the kind of value that it bounds."""
        return self.words(self.lists[name], leaf, token)

    def words(self, items: tuple[Node, ...], leaf: Leaf, token: Token | None) -> tuple[int, ...]:
        """Read the values of a list as words, in ascending order."""
        words: set[int] = set()
        for item in items:
            word = self.word(item, leaf, token)
            if word in words:
                self.problems.add(item.place, "this is in the list twice", "remove it")
            elif word is not None:
                words.add(word)
        return tuple(sorted(words))
