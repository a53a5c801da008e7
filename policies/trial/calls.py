# SPDX-License-Identifier: Apache-2.0
"""The calls of an act as people write them beside a policy, or as Safe's transaction builder does.

As YAML, one mapping for each call:

- `{pay: "4,000 USDC", to: ines}` moves a token, or ether, to an account;
- `{call: deposit, on: vault, with: {assets: "1,000 USDC", receiver: treasury}}` calls a function: one that the policy
  names, or any with its arguments (`deposit(uint256 assets, address receiver)`); `value: 0.5 ETH` sends ether along;
- `{to: vault, data: "0x..."}` is a call by its bytes.

As JSON: `{"transactions": [{"to", "value", "data"}]}`, or the list alone, with `value` in wei.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.answer.evaluate import Observation
from policies.code.call import Call
from policies.code.calldata import Value, pack_call
from policies.code.document_model import Sources
from policies.code.policy_code import PlaceKind, Rule
from policies.code.signatures import TRANSFER, Argument, Function, Leaf, from_abi, parse_function
from policies.document import yaml_tree
from policies.document.argument_values import ValueReader
from policies.document.fields import Fields, Reader
from policies.document.naming import Names
from policies.document.yaml_tree import Mapping as MappingNode
from policies.document.yaml_tree import Node, Text
from policies.document.yaml_tree import Sequence as SequenceNode
from policies.notation.amounts import ETHER, Token, Unclear, parse_supply_amount
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import UINT256_MAX, word
from policies.notation.problems import PolicyError, Problems, shown

MOST_CALLS = 1000
_KEYS = "pay?|to?|call?|on?|with?|value?|data?|falls?|rises?|returns?"
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_WEI = re.compile(r"[0-9]{1,78}")
_ARRAY = re.compile(r"\[[0-9]*\]$")


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call, and what it did where the writer says so (`falls`, `rises`, `returns`); None where nothing is said."""

    call: Call
    observed: Observation | None = None


class CallReader:
    """Reads calls by the names, tokens and functions of one policy."""

    def __init__(
        self, names: Mapping[bytes, str], tokens: Mapping[bytes, Token], functions: Iterable[tuple[bytes, Function]]
    ) -> None:
        """`functions` are those that the policy names, each with its target."""
        self._functions = tuple(functions)
        self.names = Names(Sources(), read_back=True)
        self.names.addresses.update({name: address for address, name in names.items()})
        self.names.tokens.update({token.symbol: token for token in tokens.values()})
        self._values = ValueReader(self.names, read_back=True)

    # From YAML

    def act(self, node: Node | None, problems: Problems) -> tuple[WrittenCall, ...]:
        """The calls of an act: one mapping, or a list of them. What is wrong is added to `problems`."""
        items = node.items if isinstance(node, SequenceNode) else () if node is None else (node,)
        if node is not None and not 1 <= len(items) <= MOST_CALLS:
            problems.add(node.place, f"an act has 1 to {MOST_CALLS} calls", "write each as `- {pay: ..., to: ...}`")
            return ()
        found = [self._call(item, problems) for item in items]
        return tuple(call for call in found if call is not None)

    def _call(self, node: Node, problems: Problems) -> WrittenCall | None:
        reader, before = Reader(problems), len(problems.in_order())
        if not isinstance(node, MappingNode):
            problems.add(node.place, "a call is written with keys", 'write it such as {pay: "100 USDC", to: ines}')
            return None
        found = Fields(problems, node, "the call", _KEYS)
        if len(problems.in_order()) > before:
            return None
        forms = [key for key in ("pay", "call", "data") if key in found.keys]
        if len(forms) != 1:
            problems.add(node.place, "a call has exactly one of `pay`, `call` and `data`", "write one of the three")
            return None
        takes = {"pay": ("to",), "call": ("on", "with", "value"), "data": ("to", "value")}[forms[0]]
        for key in ("to", "on", "with", "value"):
            if key in found.keys and key not in takes:
                problems.add(found.keys[key], f"`{forms[0]}` goes without `{key}`", f"remove `{key}`")
        wanted = "on" if forms[0] == "call" else "to"
        if wanted not in found.keys:
            problems.add(node.place, f"`{forms[0]}` needs `{wanted}`", f"add `{wanted}:` and an account")
            return None
        target = reader.text(found.get(wanted), "the account", self.names.address)
        made = None if target is None else self._made(forms[0], found, target[0], reader)
        observed = self._observed(found, reader)
        return None if made is None or len(problems.in_order()) > before else WrittenCall(made, observed)

    def _made(self, form: str, found: Fields, target: bytes, reader: Reader) -> Call | None:
        if form == "pay":
            paid = reader.text(found.get("pay"), "the amount", self._amount)
            return None if paid is None else payment(paid[1].address, target, paid[0])
        value = reader.text(found.get("value"), "the value", self._ether) or 0
        if form == "data":
            data = reader.text(found.get("data"), "the data", call_data)
            return None if data is None else Call(target, value, data)
        function = reader.text(found.get("call"), "the function", lambda text: self._function(text, target))
        if function is None:
            return None
        given = _plain(found.get("with")) if found.get("with") is not None else {}
        data = reader.clear(found.place_of("with"), lambda: self.encoded(function, given))
        return None if data is None else Call(target, value, data)

    def _observed(self, found: Fields, reader: Reader) -> Observation | None:
        if not {"falls", "rises", "returns"} & set(found.keys):
            return None
        changes: dict[bytes, int] = {}
        for key, sign in (("falls", -1), ("rises", 1)):
            node = found.get(key)
            for item in node.items if isinstance(node, SequenceNode) else () if node is None else (node,):
                amount = reader.text(item, f"what {key}", self._amount)
                if amount is not None:
                    changes[amount[1].address] = changes.get(amount[1].address, 0) + sign * amount[0]
        returns = reader.text(found.get("returns"), "what it returns", _true_false_failure)
        return Observation(b"" if returns == "failure" else None, returns in (None, "true"), changes)

    def _amount(self, text: str) -> tuple[int, Token]:
        return parse_supply_amount(text, self.names.tokens)

    def _ether(self, text: str) -> int:
        amount, token = self._amount(text)
        if token.address != ETHER.address:
            raise Unclear("a call's value is ether", "write it such as `0.5 ETH`")
        return amount

    def _function(self, text: str, target: bytes) -> Function:
        if "(" in text:
            return parse_function(text)
        found = {function.text: function for on, function in self._functions if function.name == text and on == target}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            raise Unclear(f"the policy names several functions {shown(text)} there", f"write {' or '.join(found)}")
        raise Unclear(
            f"the policy names no function {shown(text)} there",
            f"write it with its arguments, such as `transfer(address to, uint256 amount)`{self._others(target)}",
        )

    def _others(self, target: bytes) -> str:
        names = dict.fromkeys(function.name for on, function in self._functions if on == target)
        return f", or one of: {', '.join(names)}" if names else ""

    # Values into words

    def encoded(self, function: Function, given: Any) -> bytes:
        """The calldata of a function with its values: texts, lists and mappings by the arguments' names.

        Raises Unclear for the first that is missing, unknown or not of its type.
        """
        values: list[Value] = []
        parts = _parts(Argument("", "the call", function.arguments), given)
        for argument, value in zip(function.arguments, parts, strict=True):
            values.extend(self._head(argument, value))
        rule = Rule(b"", function.selector, False, False, function.words, (), (), dynamics=function.dynamics)
        return pack_call(rule, values)

    def _head(self, argument: Argument, given: Any) -> list[Value]:
        if argument.type in ("bytes", "string"):
            text = _text(argument.name, given)
            return [text.encode("utf-8") if argument.type == "string" else call_data(text)]
        if argument.type.endswith("[]"):
            items = _list(argument.name, given)
            if not items:
                raise Unclear(f"{argument.name} has no elements", "write one or more: no policy permits none")
            element = Argument(argument.type.removesuffix("[]"), argument.name, argument.members)
            return [[self._static(element, item) for item in items]]
        return list(self._static(argument, given))

    def _static(self, argument: Argument, given: Any) -> list[int]:
        """The words of a value of fixed size."""
        if suffix := _ARRAY.search(argument.type):
            element = Argument(argument.type[: suffix.start()], argument.name, argument.members)
            items, wanted = _list(argument.name, given), int(suffix[0][1:-1])
            if len(items) != wanted:
                raise Unclear(f"{argument.name} has {len(items)} elements", f"write {wanted}")
            return [each for item in items for each in self._static(element, item)]
        if argument.members:
            parts = _parts(argument, given)
            return [
                each
                for member, value in zip(argument.members, parts, strict=True)
                for each in self._static(member, value)
            ]
        leaf = Leaf(argument.name, argument.type, 0, 0, PlaceKind.WORD)
        return [self._values.word(_text(argument.name, given), leaf, None)[0]]


def payment(asset: bytes, to: bytes, base_units: int) -> Call:
    """The call that pays: an ERC-20 transfer, or for the zero asset ether without data."""
    if not any(asset):
        return Call(to, base_units, b"")
    return Call(asset, 0, TRANSFER + to.rjust(32, b"\0") + word(base_units))


def read_act(text: str, source: str, reader: CallReader) -> tuple[WrittenCall, ...]:
    """The calls in a file, YAML or JSON. Raises PolicyError (YAML) or Unclear (JSON)."""
    batch = _json_calls(text)
    if batch is not None:
        return tuple(WrittenCall(call) for call in calls_of_json(batch, reader))
    tree, problems = yaml_tree.parse(text, source), Problems()
    if isinstance(tree, MappingNode) and [key.text for key, _ in tree.entries] == ["do"]:
        tree = tree.entries[0][1]
    calls = reader.act(tree, problems)
    if problems:
        raise PolicyError(source, problems.in_order())
    return calls


def _json_calls(text: str) -> Any:
    """A Safe batch, calls by their bytes, or one such call; None where the text is something else."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    first = found[0] if isinstance(found, list) and found else found
    is_call = isinstance(first, dict) and not {"pay", "call", "do"} & first.keys()
    return found if is_call else None


def calls_of_json(found: Any, reader: CallReader) -> list[Call]:
    """The calls of a Safe batch, of a list of calls, or of one call. Raises Unclear with the place."""
    listed = found.get("transactions", [found]) if isinstance(found, dict) else found
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_CALLS:
        raise Unclear(f"there are no calls, or more than {MOST_CALLS}", 'write {"transactions": [{"to": ...}]}')
    return [_call_of_json(one, f"transactions[{index}]", reader) for index, one in enumerate(listed)]


def _call_of_json(one: Any, where: str, reader: CallReader) -> Call:
    if not isinstance(one, dict):
        raise Unclear(f"{where} is no object", 'write {"to": ..., "value": ..., "data": ...}')
    if one.get("operation") not in (None, 0, "0"):
        raise Unclear(f"{where} is a delegatecall, which the module never makes", "write calls only")
    try:
        to = reader.names.address(str(one.get("to", "")))[0]
        value = _wei(one.get("value", 0))
        data, method = one.get("data"), one.get("contractMethod")
        if data is not None or method is None:
            return Call(to, value, call_data(str(data or "0x")))
        function = from_abi([{**method, "type": "function"}], str(method["name"]))
        given = {key: _json_value(value_) for key, value_ in (one.get("contractInputsValues") or {}).items()}
        return Call(to, value, reader.encoded(function, given))
    except Unclear as unclear:
        raise Unclear(f"{where}: {unclear.problem}", unclear.suggestion) from None
    except (KeyError, TypeError, AttributeError):
        raise Unclear(f"{where}: contractMethod is no function", "write `data` in hexadecimal") from None


def _json_value(given: Any) -> Any:
    """The builder writes lists and tuples as text."""
    if isinstance(given, str) and given[:1] in "[{" and given:
        try:
            return json.loads(given, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return given
    return given


def _wei(given: Any) -> int:
    text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if not _WEI.fullmatch(text) or int(text) > UINT256_MAX:
        raise Unclear(f"the value {shown(str(given))} is no whole number of wei", "write digits only")
    return int(text)


def call_data(text: str) -> bytes:
    """The bytes of a call's data in hexadecimal. Raises Unclear."""
    if _HEX.fullmatch(text) is None:
        raise Unclear(f"{shown(text)} is not bytes", "write 0x and two hexadecimal digits for each")
    return hex_bytes(text)


def _true_false_failure(text: str) -> str:
    if text not in ("true", "false", "failure"):
        raise Unclear(f"{shown(text)} is nothing that a call returns here", "write true, false or failure")
    return text


def _plain(node: Node | None) -> Any:
    """Texts, lists and mappings without their places."""
    match node:
        case Text():
            return node.text
        case SequenceNode():
            return [_plain(item) for item in node.items]
        case MappingNode():
            return {key.text: _plain(value) for key, value in node.entries}
    return None


def _parts(whole: Argument, given: Any) -> Sequence[Any]:
    """One value for each member of a tuple, or for each argument of a call: by name, or all in order."""
    names = [member.name for member in whole.members]
    if isinstance(given, list) and len(given) == len(names):
        return given
    if not isinstance(given, dict):
        raise Unclear(f"{whole.name} has several parts", f"write {{{', '.join(f'{name}: ...' for name in names)}}}")
    if unknown := next((key for key in given if key not in names), None):
        raise Unclear(f"{whole.name} has no argument {shown(str(unknown))}", f"write: {', '.join(names) or 'none'}")
    if missing := next((name for name in names if name not in given), None):
        raise Unclear(f"the argument {missing} is missing", f"add `{missing}: ...`")
    return [given[name] for name in names]


def _list(name: str, given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise Unclear(f"{name} is a list", f"write `{name}: [...]`")
    return given


def _text(name: str, given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    if not isinstance(given, str | int):
        raise Unclear(f"{name} is one value", f"write `{name}: ...`")
    return str(given)
