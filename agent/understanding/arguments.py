# SPDX-License-Identifier: Apache-2.0
"""The arguments of an effect's call, one value at a time."""

from collections.abc import Iterable

from agent.understanding.effects import Effect
from governance.chain import abi


def flat(effect: Effect) -> Iterable[tuple[str, str, object]]:
    """Name, type and value of each argument, lists and structs opened."""

    def walk(name: str, of: abi.Type, value: object) -> Iterable[tuple[str, str, object]]:
        if of.kind == "tuple":
            for kind, one in zip(of.items, value, strict=True):  # type: ignore[call-overload]
                yield from walk(name, kind, one)
        elif of.items:
            for one in value:  # type: ignore[attr-defined]
                yield from walk(name, of.items[0], one)
        else:
            yield name, of.text, value

    for argument in effect.arguments:
        yield from walk(argument.name, abi.parse_type(argument.type), argument.value)
