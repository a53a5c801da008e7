# SPDX-License-Identifier: Apache-2.0
"""Find the functions that call data may call: by selector, and by which of them it encodes exactly."""

import functools
from dataclasses import dataclass
from typing import Any

from agent.understanding.functions.lines import rows, sources
from governance.chain import abi

PACKAGES = "functions.tsv"
BY_HAND = "functions_by_hand.tsv"


@dataclass(frozen=True, slots=True)
class Input:
    """A parameter: its name ("" where the source gives none), its canonical type, and a tuple's own parameters."""

    name: str
    type: str
    parts: tuple["Input", ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A function that changes state, as its source declares it."""

    name: str
    signature: str  # canonical: `transfer(address,uint256)`
    inputs: tuple[Input, ...]
    source: str  # `package@version`, or the source that a person wrote down
    by_hand: bool

    @property
    def types(self) -> list[str]:
        return [part.type for part in self.inputs]


@dataclass(frozen=True, slots=True)
class Fit:
    """A function whose arguments encode to exactly the call data, with their values."""

    function: Function
    values: tuple[Any, ...]


def candidates(selector: bytes) -> tuple[Function, ...]:
    """Return the known functions of a selector, those of packages first; empty where none is known."""
    return _read(bytes(selector)) if len(selector) == 4 else ()


def exact_fits(calldata: bytes, *, by_hand: bool = True) -> tuple[Fit, ...]:
    """Return the known functions that the call data encodes exactly. More than one: nobody can say which is meant.

    `by_hand=False` leaves out what no package has.
    """
    found = []
    for function in candidates(calldata[:4]):
        if function.by_hand and not by_hand:
            continue
        try:
            found.append(Fit(function, abi.decode(function.types, calldata[4:])))
        except abi.NotCanonical:
            continue
    return tuple(found)


def parse(text: str) -> tuple[str, tuple[Input, ...]]:
    """Return the name and parameters of `name(type name,(type name,...)[] name)`. Raises abi.BadAbi."""
    name, bracket, rest = text.partition("(")
    if not (name and bracket and rest.endswith(")")):
        raise abi.BadAbi(f"not a function: {text[:80]!r}")
    return name, _inputs(rest[:-1])


def _inputs(text: str) -> tuple[Input, ...]:
    return tuple(_input(part) for part in abi.split_types(text))


def _input(text: str) -> Input:
    if not text.startswith("("):
        kind, _, name = text.partition(" ")
        abi.parse_type(kind)
        return Input(name, kind)
    end = text.rindex(")")
    parts = _inputs(text[1:end])
    array, _, name = text[end + 1 :].partition(" ")
    return Input(name, f"({','.join(part.type for part in parts)}){array}", parts)


@functools.cache
def _lines() -> dict[bytes, tuple[tuple[str, str, bool], ...]]:
    """Selector -> (text, source, by hand). The texts are parsed when a selector is asked for."""
    found: dict[bytes, tuple[tuple[str, str, bool], ...]] = {}
    named = sources(PACKAGES)
    for file, by_hand in ((PACKAGES, False), (BY_HAND, True)):
        for selector, text, source in rows(file):
            key = bytes.fromhex(selector)
            found[key] = (*found.get(key, ()), (text, named.get(source, source), by_hand))
    return found


@functools.lru_cache(maxsize=1024)
def _read(selector: bytes) -> tuple[Function, ...]:
    found = []
    for text, source, by_hand in _lines().get(selector, ()):
        name, inputs = parse(text)
        found.append(Function(name, f"{name}({','.join(part.type for part in inputs)})", inputs, source, by_hand))
    return tuple(found)
