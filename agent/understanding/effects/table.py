# SPDX-License-Identifier: Apache-2.0
"""Every function whose meaning is known, by selector; collected from the families."""

from dataclasses import dataclass
from functools import cache

from agent.understanding import functions
from agent.understanding.effects.act import Handler
from agent.understanding.effects.families import (
    containers,
    factories,
    messengers,
    parameters,
    policy,
    protocols,
    roles,
    superfluid,
    tokens,
    upgrades,
)
from governance.chain import abi

_CONTAINERS = (containers, messengers, superfluid)
_FAMILIES = (
    tokens,
    roles,
    upgrades,
    parameters,
    policy,
    factories,
    protocols,
)  # the first that knows a function gives its meaning


@dataclass(frozen=True)
class Entry:
    """A function with a meaning. `kinds`: of what contracts it is believed; empty for any contract."""

    signature: str
    types: tuple[str, ...]
    names: tuple[str, ...]  # of the parameters; "" where nobody names them
    handler: Handler
    kinds: frozenset[str] = frozenset()
    source: str = "own"  # what the meaning rests on, as in Effect

    @property
    def is_container(self) -> bool:
        return bool(self.kinds)


@cache
def entries() -> dict[bytes, tuple[Entry, ...]]:
    """Selector -> the functions that have it."""
    found: dict[bytes, tuple[Entry, ...]] = {}
    given: dict[str, tuple[frozenset[str], Handler, str]] = {}
    for family in _CONTAINERS:
        given |= {signature: (kinds, handler, "own") for signature, (kinds, handler) in family.CONTAINERS.items()}
    for family in _FAMILIES:
        source = "table" if family in (factories, protocols) else "own"
        for signature, handler in family.MEANINGS.items():
            given.setdefault(signature, (frozenset(), handler, source))
    for signature, (kinds, handler, source) in given.items():
        entry = Entry(signature, tuple(abi.signature_types(signature)), _names(signature), handler, kinds, source)
        selector = abi.selector(signature)
        found[selector] = (*found.get(selector, ()), entry)
    return found


def _names(signature: str) -> tuple[str, ...]:
    selector = abi.selector(signature)
    for item in abi.registry().functions.get(selector, ()):
        if item.signature == signature:
            return tuple(part.name for part in item.inputs)
    for function in functions.candidates(selector):
        if function.signature == signature:
            return tuple(part.name for part in function.inputs)
    return ("",) * len(abi.signature_types(signature))
