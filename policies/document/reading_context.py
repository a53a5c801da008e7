# SPDX-License-Identifier: Apache-2.0
"""What all readers of one document share: its names, what is frozen in it, and where problems go."""

from policies.document.fields import Reader
from policies.document.naming import Names
from policies.document.yaml_tree import Frozen, Node
from policies.notation.problems import Place, Problems


class ReadingContext:
    """One document that is being read. With `read_back` it is the document of code found on chain."""

    def __init__(self, reader: Reader, warnings: Problems, frozen: Frozen, names: Names, *, read_back: bool) -> None:
        self.reader, self.problems, self.warnings, self.frozen = reader, reader.problems, warnings, frozen
        self.names, self.read_back = names, read_back

    def unsafe(self, place: Place, problem: str, suggestion: str) -> None:
        """Note what no document may say, and code found on chain may well: there it is a warning."""
        (self.warnings if self.read_back else self.problems).add(place, problem, suggestion)

    def freeze(self, node: Node | None, text: str | None) -> None:
        """Write `text` in the node's place wherever the document's content is hashed. Nothing where one is missing."""
        if node is not None and text is not None:
            self.frozen.values[node.place] = text
