# SPDX-License-Identifier: Apache-2.0
"""Read the calls of a proposal from a file, in any of three forms. Strict: one line says what is wrong.

- `{"executableCalls": [{"target", "value", "calldata", "signature"?, "operation"?}]}`. As in Compound's governors,
  `calldata` has the arguments alone where `signature` is not empty.
- a batch of Safe's transaction builder: `{"transactions": [{"to", "value", "data"}]}`, where `data` may be null beside
  `contractMethod` and `contractInputsValues`.
- the calldata of `propose`, in hexadecimal, of OpenZeppelin's or Compound's governors, with or without its first four
  bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.chain import abi
from governance.chain.address import BadAddress, to_bytes
from governance.chain.call import ProposedCall
from policies.notation.hexadecimal import hex_bytes
from policies.notation.visible import one_line

MOST_BYTES = 16_000_000  # of a file; a block takes less
_WORD = 2**256
_PROPOSE = (
    "propose(address[],uint256[],bytes[],string)",
    "propose(address[],uint256[],string[],bytes[],string)",
)


# Text that begins like hexadecimal is read as such, so that what is wrong in it is named. Digits alone are too few to
# tell from JSON's numbers before the first word ends.
_CALLDATA = re.compile(r'"?(?:0[xX](?P<digits>[^"]*)|(?P<bare>[0-9a-fA-F\s]{64,}))"?')


class BadCalls(ValueError):
    """The file holds no calls in a form that is known; the message is one line that says where and why."""


@dataclass(frozen=True)
class Given:
    """What a file holds. `text` is the proposal's description where the file has it (calldata of `propose`)."""

    calls: tuple[ProposedCall, ...]
    text: str | None = None
    chain_id: int | None = None  # that the file says it is for; None where it says none


def read(content: str) -> Given:
    """Read the calls of a file. Raises BadCalls."""
    if len(content) > MOST_BYTES:
        raise BadCalls(f"the file is longer than {MOST_BYTES:,} characters")
    stripped = content.removeprefix("\ufeff").strip()  # some editors begin a file with this mark
    if (match := _CALLDATA.fullmatch(stripped)) is not None:
        return _proposed(match["digits"] or match["bare"] or "")
    try:
        body = json.loads(stripped, object_pairs_hook=_once)
    except RecursionError:
        raise BadCalls("the JSON is nested too deeply") from None
    except BadCalls:
        raise
    except ValueError as problem:
        raise BadCalls(f"neither JSON nor hexadecimal calldata: {one_line(str(problem), 120)}") from None
    if isinstance(body, dict) and {"executableCalls", "transactions"} <= body.keys():
        raise BadCalls('the JSON has both "executableCalls" and "transactions": which of them is meant?')
    if isinstance(body, dict) and "executableCalls" in body:
        return Given(tuple(_each(body, "executableCalls", _executable)), chain_id=_chain_id(body))
    if isinstance(body, dict) and "transactions" in body:
        return Given(tuple(_each(body, "transactions", _of_batch)), chain_id=_chain_id(body))
    raise BadCalls('the JSON has neither "executableCalls" nor "transactions"')


def _chain_id(body: Mapping[str, Any]) -> int | None:
    return None if body.get("chainId") is None else _number(body["chainId"], "chainId")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are there once: readers of others take the first or the last, and see another call."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadCalls("a JSON object has the same key twice")
    return found


def _each(body: Mapping[str, Any], key: str, make: Any) -> list[ProposedCall]:
    listed = body[key]
    if not isinstance(listed, list):
        raise BadCalls(f"{key} is no list")
    found = []
    for number, entry in enumerate(listed):
        where = f"{key}[{number}]"
        if not isinstance(entry, dict):
            raise BadCalls(f"{where} is no object")
        found.append(make(entry, where))
    return found


def _executable(entry: Mapping[str, Any], where: str) -> ProposedCall:
    if "calldata" not in entry and "data" in entry:
        raise BadCalls(f'{where} has "data": write its bytes under "calldata"')
    signature = entry.get("signature") or ""
    if not isinstance(signature, str):
        raise BadCalls(f"{where}.signature is no text")
    operation = _number(entry.get("operation", 0), f"{where}.operation")
    return _call(
        entry.get("target"), f"{where}.target", entry.get("value", 0), where, signature,
        _bytes(entry.get("calldata", "0x"), f"{where}.calldata"), operation,
    )  # fmt: skip


def _of_batch(entry: Mapping[str, Any], where: str) -> ProposedCall:
    method = entry.get("contractMethod")
    if entry.get("data") is not None:
        data = _bytes(entry["data"], f"{where}.data")
    elif method is None:
        data = b""
    else:
        data = _encoded(method, entry.get("contractInputsValues") or {}, where)
    operation = _number(entry.get("operation", 0), f"{where}.operation")
    return _call(entry.get("to"), f"{where}.to", entry.get("value", 0), where, "", data, operation)


def _call(target: Any, place: str, value: Any, where: str, signature: str, data: bytes, operation: int) -> ProposedCall:
    try:
        address = to_bytes(target)
    except BadAddress as problem:
        raise BadCalls(f"{place}: {one_line(str(problem), 120)}") from None
    value_wei = _number(0 if value is None else value, f"{where}.value")
    if operation not in (0, 1):
        raise BadCalls(f"{where}.operation is neither 0 (call) nor 1 (delegatecall)")
    return ProposedCall(address, value_wei, signature.encode("utf-8", "surrogatepass"), data, operation)


def _number(given: Any, where: str) -> int:
    number = -1
    if type(given) is int:
        number = given
    elif isinstance(given, str) and len(given) <= 100 and given.isascii():
        if given.isdecimal():
            number = int(given)
        elif given[:2] == "0x" and given[2:].isalnum():
            try:
                number = int(given[2:], 16)
            except ValueError:
                number = -1
    if not 0 <= number < _WORD:
        raise BadCalls(f"{where} is no whole number that a call can have: {one_line(repr(given), 60)}")
    return number


def _bytes(given: Any, where: str) -> bytes:
    if given == "":
        return b""
    if not isinstance(given, str) or any(character.isspace() for character in given):
        raise BadCalls(f"{where} is no hexadecimal text")
    try:
        return hex_bytes(given)
    except ValueError:
        raise BadCalls(f"{where} is no hexadecimal text: {one_line(given, 40)!r}") from None


# -------------------------------------------------------------------------------------- Safe's transaction builder


def _encoded(method: Any, values: Any, where: str) -> bytes:
    """The calldata of a method with its values as texts, as the transaction builder encodes them."""
    inputs = method.get("inputs") if isinstance(method, dict) else None
    if not isinstance(inputs, list) or not isinstance(method.get("name"), str) or not isinstance(values, dict):
        raise BadCalls(f"{where}.contractMethod is no function with inputs")
    types, arguments = [], []
    for number, one in enumerate(inputs):
        place = f"{where}.contractMethod.inputs[{number}]"
        try:
            kind = _type(one)
            parsed = abi.parse_type(kind)
        except (abi.BadAbi, KeyError, TypeError, AttributeError, RecursionError):
            raise BadCalls(f"{place} is no parameter") from None
        name = one.get("name", "")
        if not isinstance(name, str):
            raise BadCalls(f"{place} is no parameter")
        if name not in values:
            raise BadCalls(f"{where}.contractInputsValues has no {one_line(str(name), 60)!r}")
        types.append(kind)
        arguments.append(_value(parsed, values[name], f"{where}.contractInputsValues.{one_line(str(name), 60)}"))
    signature = f"{method['name']}({','.join(types)})"
    try:
        return abi.selector(signature) + abi.encode(types, arguments)
    except (abi.BadAbi, UnicodeEncodeError) as problem:
        raise BadCalls(f"{where}: {one_line(str(problem), 160)}") from None


def _type(parameter: Any) -> str:
    kind = parameter["type"]
    if kind.startswith("tuple"):
        return "(" + ",".join(_type(part) for part in parameter["components"]) + ")" + kind[5:]
    return str(kind)


def _value(of: abi.Type, given: Any, where: str) -> Any:
    if of.kind in ("array", "tuple"):
        listed = given
        if isinstance(given, str):
            try:
                listed = json.loads(given)
            except (ValueError, RecursionError):
                raise BadCalls(f"{where} is no list") from None
        if isinstance(listed, dict):
            listed = list(listed.values())
        if not isinstance(listed, list) or (of.kind == "tuple" and len(listed) != len(of.items)):
            raise BadCalls(f"{where} is no list of the right length")
        items = of.items if of.kind == "tuple" else of.items * len(listed)
        made = [_value(inner, one, f"{where}[{n}]") for n, (inner, one) in enumerate(zip(items, listed, strict=True))]
        return tuple(made) if of.kind == "tuple" else made
    if of.kind in ("uint", "int"):
        sign = -1 if isinstance(given, str) and given.startswith("-") and of.kind == "int" else 1
        return sign * _number(given[1:] if sign < 0 else given, where)
    if of.kind == "bool":
        if str(given).lower() not in ("true", "false"):
            raise BadCalls(f"{where} is neither true nor false")
        return str(given).lower() == "true"
    if of.kind == "address":
        try:
            return to_bytes(given)
        except BadAddress as problem:
            raise BadCalls(f"{where}: {one_line(str(problem), 120)}") from None
    if of.kind in ("bytes", "fixed_bytes"):
        return _bytes(given, where)
    if not isinstance(given, str):
        raise BadCalls(f"{where} is no text")
    return given


# --------------------------------------------------------------------------------------------------------- propose


def _proposed(content: str) -> Given:
    try:
        calldata = hex_bytes("0x" + "".join(content.split()))
    except ValueError:
        raise BadCalls("the calldata is no hexadecimal text") from None
    for signature in _PROPOSE:
        is_named = calldata[:4] == abi.selector(signature)
        try:
            values = abi.decode(abi.signature_types(signature), calldata[4:] if is_named else calldata)
        except abi.NotCanonical:
            if not is_named:
                continue
            raise BadCalls(f"the calldata does not decode exactly as {signature}") from None
        targets, amounts, *rest = values
        signatures, datas, text = rest if len(rest) == 3 else ((b"",) * len(targets), *rest)
        if not len(targets) == len(amounts) == len(signatures) == len(datas):
            raise BadCalls("the lists of targets, values and calldatas have different lengths")
        calls = tuple(
            ProposedCall(
                target, value, name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name, data
            )
            for target, value, name, data in zip(targets, amounts, signatures, datas, strict=True)
        )
        return Given(calls, text if isinstance(text, str) else text.decode("utf-8", "replace"))
    raise BadCalls("the calldata is none of `propose`: it has neither its first four bytes nor exactly its arguments")
