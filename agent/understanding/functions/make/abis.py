# SPDX-License-Identifier: Apache-2.0
"""Collect the state-changing functions of every ABI in a package."""

import json
import re
from collections.abc import Iterator
from typing import Any

from agent.understanding.functions.make.literals import arrays_of_objects
from agent.understanding.functions.make.packages import Package
from agent.understanding.functions.table import parse
from governance.chain import abi

# Contracts made for tests declare functions that no chain has.
_FOR_TESTS = re.compile(
    r"(^|[/._-])(tests?|mocks?|fixtures?|harness|echidna|certora|examples?|__tests__)([/._-]|$)"
    r"|Mock|Harness|Test(?![a-z])|\.[ts]\.sol|Echidna|/dbg/|/build-info/|(^|/)(Vm(Safe)?|Std[A-Z]\w+)\."
)
_SAYS_FUNCTION = re.compile(r"type[\"']?: ?[\"']function[\"']")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")


def functions(package: Package) -> dict[str, str]:
    """Return the package's state-changing functions: canonical signature -> the text with parameter names."""
    found: dict[str, str] = {}
    for path in sorted(package.files):
        if _FOR_TESTS.search(path):
            continue
        for item in _items(path, package.text(path)):
            if item.get("stateMutability") in ("view", "pure") or item.get("constant") is True:
                continue
            text = _text(item)
            if text is not None:
                found.setdefault(f"{item['name']}({','.join(part.type for part in parse(text)[1])})", text)
    return found


def _items(path: str, source: str) -> Iterator[dict]:
    if path.endswith(".json"):
        if '"function"' in source:
            try:
                yield from _functions_in(json.loads(source))
            except ValueError:
                return
    elif _SAYS_FUNCTION.search(source):
        for value in arrays_of_objects(source):
            yield from _functions_in(value)


def _functions_in(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        if value.get("type") == "function" and isinstance(value.get("inputs"), list):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _functions_in(part)


def _text(item: dict) -> str | None:
    """`name(type name,...)`, or None for what is no function of the ABI (a library's, with its own types)."""
    try:
        text = f"{item['name']}({','.join(map(_parameter, item['inputs']))})"
        parse(text)
    except (abi.BadAbi, KeyError, TypeError, AttributeError):
        return None
    return text if _NAME.fullmatch(item["name"]) else None


def _parameter(raw: dict) -> str:
    kind = raw["type"]
    if kind.startswith("tuple"):
        kind = f"({','.join(map(_parameter, raw['components']))}){kind[5:]}"
    name = raw.get("name") or ""
    return f"{kind} {name}" if _NAME.fullmatch(name) else kind
