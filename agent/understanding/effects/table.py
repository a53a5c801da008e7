# SPDX-License-Identifier: Apache-2.0
"""Every function whose meaning is known, by selector; collected from the families."""

from dataclasses import dataclass
from functools import cache

from agent.understanding.effects.act import Handler
from agent.understanding.effects.families import containers, parameters, policy, roles, tokens, upgrades
from governance.chain import abi

_FAMILIES = (tokens, roles, upgrades, parameters, policy)


@dataclass(frozen=True)
class Entry:
    """A function with a meaning. `kinds`: of what contracts it is believed; empty for any contract."""

    signature: str
    types: tuple[str, ...]
    names: tuple[str, ...]  # of the parameters; "" where nobody names them
    handler: Handler
    kinds: frozenset[str] = frozenset()

    @property
    def is_container(self) -> bool:
        return bool(self.kinds)


@cache
def entries() -> dict[bytes, tuple[Entry, ...]]:
    """Selector -> the functions that have it."""
    found: dict[bytes, tuple[Entry, ...]] = {}
    given: list[tuple[str, frozenset[str], Handler]] = [
        (signature, kinds, handler) for signature, (kinds, handler) in containers.CONTAINERS.items()
    ]
    for family in _FAMILIES:
        given += [(signature, frozenset(), handler) for signature, handler in family.MEANINGS.items()]
    for signature, kinds, handler in given:
        entry = Entry(signature, tuple(abi.signature_types(signature)), _names(signature), handler, kinds)
        selector = abi.selector(signature)
        found[selector] = (*found.get(selector, ()), entry)
    return found


def _names(signature: str) -> tuple[str, ...]:
    for item in abi.registry().functions.get(abi.selector(signature), ()):
        if item.signature == signature:
            return tuple(part.name for part in item.inputs)
    return ("",) * len(abi.signature_types(signature))
