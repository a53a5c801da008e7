# SPDX-License-Identifier: Apache-2.0
"""Arguments of a function as people write them, a line each, read strictly by the function's types."""

from __future__ import annotations

import json
import re
from typing import Any

from django.utils.translation import gettext

from governance.chain import abi
from governance.chain.address import BadAddress, to_bytes
from policies.notation.hexadecimal import hex_bytes
from policies.notation.visible import one_line

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,77})")
_BYTES = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_MOST_DEEP = 16


class BadArgument(ValueError):
    """What was written is no value of the type; the message says what to write."""


def calldata(signature: str, text: str) -> bytes:
    """Return the calldata of `name(type,type)` with the arguments that `text` gives, a line each.

    Numbers are whole and in base units, addresses `0x` and 40 digits, bytes `0x` and digits, true or false; arrays and
    tuples are JSON, with numbers as text or digits. Text is written as it is, or in quotes as JSON, which it takes for
    none at all, line breaks, or blanks at its ends.

    Raises:
        BadArgument: with one line for who wrote it.
    """
    name = signature.strip().removeprefix("function ").strip()
    try:
        types = abi.signature_types(name)
    except (abi.BadAbi, RecursionError) as error:
        raise BadArgument(gettext("write the function as name(type,type), such as setVotingDelay(uint48)")) from error
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) != len(types):
        raise BadArgument(
            gettext("%(function)s takes %(wanted)s arguments, a line each; %(written)s are written")
            % {"function": one_line(name, 80), "wanted": len(types), "written": len(lines)}
        )
    values = [_written(abi.parse_type(type_), line) for type_, line in zip(types, lines, strict=True)]
    try:
        return abi.encode_call(name, values)
    except (abi.BadAbi, OverflowError, ValueError) as error:
        raise BadArgument(
            gettext("the arguments do not fit %(function)s") % {"function": one_line(name, 80)}
        ) from error


def _written(of: abi.Type, line: str) -> Any:
    is_quoted = of.kind == "string" and len(line) > 1 and line[0] == line[-1] == '"'
    if of.kind not in ("array", "tuple") and not is_quoted:
        return _value(of, line, 0)
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        problem = gettext('%(text)s: write %(type)s as JSON, such as ["1", "2"]')
        if is_quoted:
            problem = gettext('%(text)s: write text in quotes as JSON, such as "a \\"word\\"", or without quotes')
        raise BadArgument(problem % {"text": one_line(line, 60), "type": of.text}) from error
    return _value(of, given, 0)


def _value(of: abi.Type, given: Any, depth: int) -> Any:
    if of.kind in ("array", "tuple"):
        fits = isinstance(given, list) and depth < _MOST_DEEP and of.size in (-1, len(given))
        if not fits:
            raise BadArgument(gettext("%(type)s is a JSON list of that many values") % {"type": of.text})
        items = of.items if of.kind == "tuple" else of.items * len(given)
        return [_value(item, each, depth + 1) for item, each in zip(items, given, strict=True)]
    if of.kind == "bool" and (given in ("true", "false") or isinstance(given, bool)):
        return given in ("true", True)
    if of.kind == "string" and isinstance(given, str):
        return given
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if isinstance(text, str):
        if of.kind in ("uint", "int") and _WHOLE.fullmatch(text):
            return _number(of, int(text))
        if of.kind == "address":
            return _address(text)
        if of.kind in ("bytes", "fixed_bytes") and _BYTES.fullmatch(text):
            return _bytes(of, hex_bytes(text))
    raise BadArgument(gettext("%(text)s is no %(type)s") % {"text": one_line(str(given), 60), "type": of.text})


def _number(of: abi.Type, number: int) -> int:
    low, high = (0, 2**of.size) if of.kind == "uint" else (-(2 ** (of.size - 1)), 2 ** (of.size - 1))
    if not low <= number < high:
        raise BadArgument(gettext("%(text)s does not fit into %(type)s") % {"text": number, "type": of.text})
    return number


def _address(text: str) -> bytes:
    try:
        return to_bytes(text)
    except BadAddress as error:
        raise BadArgument(f"{one_line(text, 60)}: {error}") from error


def _bytes(of: abi.Type, given: bytes) -> bytes:
    if of.kind == "fixed_bytes" and len(given) != of.size:
        raise BadArgument(
            gettext("%(type)s has %(wanted)s bytes, %(written)s are written")
            % {"type": of.text, "wanted": of.size, "written": len(given)}
        )
    return given
