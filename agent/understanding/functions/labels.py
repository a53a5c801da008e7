# SPDX-License-Identifier: Apache-2.0
"""Names that hashes stand for. ENS's contracts know a label, and a whole name, by its hash alone (ERC-137).

Known are the top-level domains of a published list, ENS's own names for reverse records (ENSIP-11, ENSIP-19), and
whatever names the asker knows.
"""

import functools
import re
from dataclasses import dataclass

from agent.understanding.functions.lines import rows
from policies.notation.primitives import keccak

FILE = "labels.tsv"
_NAME = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,9}")
_OWN = ("eth", "reverse", "addr.reverse", "default.reverse")
_COIN_OF_CHAIN = 0x8000_0000  # a chain's coin type is its id with this bit (ENSIP-11)
_CHAINS = (10, 8453, 42161, 59144, 534352)  # that have reverse records of their own (ENSIP-19)


@dataclass(frozen=True)
class Names:
    """Names by their hash: whole names by node, single labels by label hash."""

    nodes: dict[bytes, str]
    labels: dict[bytes, str]


@functools.lru_cache(maxsize=64)
def names_by_hash(known: tuple[str, ...] = ()) -> Names:
    """Return the published names, and `known` ones that are names of ENS with those above them."""
    found = _names(known)
    shared = _published()
    return Names({**shared.nodes, **found.nodes}, {**shared.labels, **found.labels}) if found.nodes else shared


@functools.cache
def _published() -> Names:
    chains = (f"{_COIN_OF_CHAIN | chain:x}.reverse" for chain in _CHAINS)
    return _names((*(label for label, _source in rows(FILE)), *chains, *_OWN))


def _names(given: tuple[str, ...]) -> Names:
    names = {}
    for name in given:
        if _NAME.fullmatch(name):
            parts = name.split(".")
            names |= dict.fromkeys(".".join(parts[place:]) for place in range(len(parts)))
    first = {name: name.partition(".")[0] for name in names}
    return Names(
        {_node(name): name for name in names},
        {keccak(label.encode("ascii")): label for label in first.values()},
    )


def _node(name: str) -> bytes:
    """The hash of a whole name (ERC-137)."""
    node = bytes(32)
    for label in reversed(name.split(".")):
        node = keccak(node + keccak(label.encode("ascii")))
    return node
