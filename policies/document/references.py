# SPDX-License-Identifier: Apache-2.0
"""What a document refers to outside itself, found before it is read: ENS names, files of lists, ABIs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policies.document import yaml_tree
from policies.document.yaml_tree import Mapping, Node, Sequence, Text

_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.eth")


@dataclass(frozen=True, slots=True)
class References:
    """What a document refers to outside itself: names to resolve, lists to read, ABIs to find."""

    ens: tuple[str, ...]
    files: tuple[str, ...]
    abis: tuple[str, ...]


def references(text: str, *, source: str = "policy.yaml") -> References:
    """What a caller has to resolve before `load`, each once, in the order of writing. Raises PolicyError."""
    ens: dict[str, None] = {}
    under: dict[str, dict[str, None]] = {"file": {}, "abi": {}}
    for key, scalar in _scalars(yaml_tree.parse(text, source), ""):
        if key in under:
            under[key][scalar] = None
        elif is_ens_name(scalar):
            ens[scalar] = None
    return References(tuple(ens), tuple(under["file"]), tuple(under["abi"]))


def is_ens_name(text: str) -> bool:
    """Whether a caller has to resolve the text before `load`."""
    return _DOMAIN.fullmatch(text) is not None


def _scalars(node: Node, key: str) -> Iterator[tuple[str, str]]:
    """Every scalar, with the key that it stands under."""
    match node:
        case Text():
            yield key, node.text
        case Sequence():
            for item in node.items:
                yield from _scalars(item, key)
        case Mapping():
            for name, value in node.entries:
                yield from _scalars(value, name.text)
