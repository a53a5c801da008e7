# SPDX-License-Identifier: Apache-2.0
"""Functions with named arguments, by signature or from an ABI, and the places where their values stand.

A function that is known by its selector alone (code found on chain) is written with the selector in place of the name,
and with the type `word` for whatever a word may hold: `0x12345678(word w0, bytes w1)`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from policies.code import standing_effects
from policies.code.policy_code import Dynamic, PlaceKind
from policies.code.standing_effects import APPROVE, OUTLIVING, TRANSFER, known_unbounded
from policies.notation.amounts import Unclear
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import selector as _selector
from policies.notation.problems import shown

__all__ = [
    "APPROVE",
    "OUTLIVING",
    "TRANSFER",
    "Argument",
    "Function",
    "Leaf",
    "from_abi",
    "known_unbounded",
    "parse_function",
    "why_unbounded",
]

MAX_WORDS = 32
MAX_WIDTH = 255
MAX_TEXT = 10_000
MAX_DEPTH = 8
WORD_TYPE = "word"

_FUNCTION = re.compile(r"([A-Za-z_$][A-Za-z0-9_$]{0,63}|0x[0-9a-f]{8}) ?\((.*)\)", re.DOTALL)
_ARGUMENT = re.compile(r"(\(.*\)|[a-z]+[0-9]{0,3})((?:\[[0-9]{0,3}\])*) +([A-Za-z_][A-Za-z0-9_]{0,63})", re.DOTALL)
_BEHIND_ARGUMENTS = re.compile(
    r"\)\s*(?:(?:external|public|payable|view|virtual|override)\s*)*(?:returns\s*\(.*\))?\s*;?\s*$"
)
_SUFFIX = re.compile(r"\[([0-9]*)\]$")
_STATIC = re.compile(r"address|bool|word|u?int(?P<bits>[1-9][0-9]{0,2})|bytes(?P<size>[1-9][0-9]?)")
_NESTED = "only values of fixed size, bytes, text, and arrays of values of fixed size can be bounded"


@dataclass(frozen=True, slots=True)
class Argument:
    """A named argument. `members` are those of the tuple that the type is, or is an array of."""

    type: str
    name: str
    members: tuple["Argument", ...] = ()

    @property
    def is_unsigned(self) -> bool:
        return self.type.startswith("uint") and not self.type.endswith("]")

    @property
    def text(self) -> str:
        """As people write it, with the members' names."""
        if not self.members:
            return f"{self.type} {self.name}"
        suffix = self.type[self.type.rindex(")") + 1 :]
        return f"({', '.join(member.text for member in self.members)}){suffix} {self.name}"

    def check(self, value: int) -> None:
        """Raises Unclear when an unsigned number doesn't fit the type."""
        if self.is_unsigned and value >= 2 ** int(self.type[4:]):
            raise Unclear(f"{value} does not fit {self.type}", "write a smaller number")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a call that a clause can name: its path as people write it, its type, and its place in the words.

    The path of an array's elements ends its name in `[]`; the number of them is `recipients.count`, the length of bytes
    `data.length` and their hash `data.hash`.
    """

    path: str
    type: str
    word: int
    column: int
    kind: PlaceKind

    @property
    def argument(self) -> Argument:
        """The value as an argument of its own."""
        return Argument(self.type, self.path)


@dataclass(frozen=True)
class Function:
    """A function as a rule names it. `given` is its selector where that is all that is known of its name."""

    name: str
    arguments: tuple[Argument, ...]
    given: bytes = b""

    @property
    def signature(self) -> str:
        """The canonical form, such as `transfer(address,uint256)`."""
        return f"{self.name}({','.join(argument.type for argument in self.arguments)})"

    @property
    def selector(self) -> bytes:
        return self.given or _selector(self.signature)

    @property
    def text(self) -> str:
        """With the arguments' names, as people write it."""
        return f"{self.name}({', '.join(argument.text for argument in self.arguments)})"

    @cached_property
    def words(self) -> int:
        """The number of words in the head of the arguments."""
        return sum(1 if _is_dynamic(argument) else _size(argument) for argument in self.arguments)

    @cached_property
    def dynamics(self) -> tuple[Dynamic, ...]:
        """The arguments without fixed size, as policy code names them."""
        found = []
        for argument, word in self._placed():
            if _is_dynamic(argument):
                found.append(Dynamic(word, 0 if _is_bytes(argument) else _size(_element(argument))))
        return tuple(found)

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """Everything that can be bounded, in the order of the arguments."""
        return tuple(leaf for argument, word in self._placed() for leaf in _leaves(argument, word))

    def leaf(self, path: str) -> Leaf | None:
        """What the path names."""
        return next((leaf for leaf in self.leaves if leaf.path == path), None)

    def leaf_at(self, word: int, column: int) -> Leaf | None:
        """What stands at the place."""
        return next((leaf for leaf in self.leaves if (leaf.word, leaf.column) == (word, column)), None)

    def _placed(self) -> Iterator[tuple[Argument, int]]:
        """Each argument and the head word where it begins."""
        word = 0
        for argument in self.arguments:
            yield argument, word
            word += 1 if _is_dynamic(argument) else _size(argument)


def why_unbounded(function: Function) -> str | None:
    """Why no policy may permit the function, by its selector, its name or its arguments, or None."""
    arguments = [pair for argument in function.arguments for pair in _flat(argument)]
    return standing_effects.why_unbounded(function.name, function.signature, function.selector, arguments)


def _flat(argument: Argument) -> Iterator[tuple[str, str]]:
    """The types and names of the argument, or of its members at every depth."""
    if not argument.members:
        yield argument.type, argument.name
    for member in argument.members:
        yield from _flat(member)


# Where values stand


def _is_bytes(argument: Argument) -> bool:
    return argument.type in ("bytes", "string")


def _is_dynamic(argument: Argument) -> bool:
    return _is_bytes(argument) or argument.type.endswith("[]")


def _element(argument: Argument) -> Argument:
    """What an array holds."""
    return Argument(_SUFFIX.sub("", argument.type), argument.name, argument.members)


def _size(argument: Argument) -> int:
    """The words of a value of fixed size."""
    if suffix := _SUFFIX.search(argument.type):
        return int(suffix[1]) * _size(_element(argument))
    return sum(map(_size, argument.members)) if argument.members else 1


def _leaves(argument: Argument, word: int) -> Iterator[Leaf]:
    path = argument.name
    if _is_bytes(argument):
        yield Leaf(f"{path}.length", "uint256", word, 0, PlaceKind.LENGTH)
        yield Leaf(f"{path}.hash", "bytes32", word, 1, PlaceKind.HASH)
    elif _is_dynamic(argument):
        element = _element(argument)
        for column, (inner, type_) in enumerate(_columns(element, f"{path}[]")):
            yield Leaf(inner, type_, word, column, PlaceKind.COLUMN)
        yield Leaf(f"{path}.count", "uint256", word, _size(element), PlaceKind.COUNT)
    else:
        for index, (inner, type_) in enumerate(_columns(argument, path)):
            yield Leaf(inner, type_, word + index, 0, PlaceKind.WORD)


def _columns(argument: Argument, path: str) -> Iterator[tuple[str, str]]:
    """The path and the type of each word of a value of fixed size."""
    if suffix := _SUFFIX.search(argument.type):
        for index in range(int(suffix[1])):
            yield from _columns(_element(argument), f"{path}[{index}]")
    elif argument.members:
        for member in argument.members:
            yield from _columns(member, f"{path}.{member.name}")
    else:
        yield path, argument.type


# Reading


def parse_function(text: str) -> Function:
    """`transfer(address to, uint256 amount)`, with a name for every argument. Raises Unclear."""
    match = _FUNCTION.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match is None:
        meant = _without_solidity(text) if len(text) <= 200 else text
        example = meant if meant != text and _FUNCTION.fullmatch(meant) else "transfer(address to, uint256 amount)"
        raise Unclear(f"{shown(text)} is not a function", f"write it such as `{example}`")
    if len(text) <= 200 and (meant := _without_solidity(text)) != text:
        raise Unclear(f"{shown(text)} is written as in Solidity", f"write `{meant}`")
    name, inside = match.groups()
    arguments = tuple(_argument(part, 0) for part in _split(inside))
    given = hex_bytes(name) if name.startswith("0x") else b""
    return _checked(Function(name, arguments, given))


def _without_solidity(text: str) -> str:
    """A function without what Solidity's source has around its name and arguments."""
    text = re.sub(r"^\s*function\s+", "", text)
    text = _BEHIND_ARGUMENTS.sub(")", text)
    return re.sub(r" (?:memory|calldata|payable) ", " ", text)


def from_abi(abi: Sequence[Mapping[str, Any]], wanted: str) -> Function:
    """The function of a JSON ABI by its name, or, where several share it, by `name(type,type)`. Raises Unclear."""
    named = [_abi_function(item) for item in abi if _is_function(item, wanted.partition("(")[0])]
    found = [function for function in named if wanted in (function.name, function.signature)]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        choices = " or ".join(sorted(function.signature for function in found))
        raise Unclear(f"the ABI has several functions {shown(wanted)}", f"write {choices}")
    raise Unclear(f"the ABI has no function {shown(wanted)}", "write the name of one of its functions")


def _is_function(item: Mapping[str, Any], name: str) -> bool:
    return isinstance(item, Mapping) and item.get("type") == "function" and item.get("name") == name


def _abi_function(item: Mapping[str, Any]) -> Function:
    inputs = item.get("inputs")
    if not isinstance(inputs, Sequence) or isinstance(inputs, str):
        raise Unclear(f"the ABI's function {shown(str(item['name']))} has no inputs", "check the ABI")
    parts = (_abi_text(input_, index, 0) for index, input_ in enumerate(inputs))
    return parse_function(f"{item['name']}({', '.join(parts)})")


def _abi_text(input_: object, index: int, depth: int) -> str:
    """An ABI's input in the form that people write; an input without a name is called by its number."""
    if not isinstance(input_, Mapping) or not isinstance(input_.get("type"), str) or depth > MAX_DEPTH:
        raise Unclear("an input of the ABI has no type", "check the ABI")
    type_, name = input_["type"], str(input_.get("name") or f"argument{index + 1}")
    if not type_.startswith("tuple"):
        return f"{type_} {name}"
    components = input_.get("components")
    if not isinstance(components, Sequence) or isinstance(components, str):
        raise Unclear(f"the ABI's tuple {shown(name)} has no components", "check the ABI")
    inside = ", ".join(_abi_text(component, place, depth + 1) for place, component in enumerate(components))
    return f"({inside}){type_.removeprefix('tuple')} {name}"


def _split(text: str) -> list[str]:
    """The parts between the commas that stand in no parentheses."""
    parts, depth, begin = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[begin:at])
            begin = at + 1
    last = text[begin:]
    return [part.strip() for part in [*parts, *([last] if parts or last.strip() else [])]]


def _argument(text: str, depth: int) -> Argument:
    match = _ARGUMENT.fullmatch(text)
    if match is None or depth > MAX_DEPTH:
        raise Unclear(f"{shown(text)} is not an argument with a type and a name", "write it such as `address to`")
    base, suffix, name = match.groups()
    members = tuple(_argument(part, depth + 1) for part in _split(base[1:-1])) if base.startswith("(") else ()
    if base.startswith("(") and not members:
        raise Unclear(f"the tuple {name} has no members", "write them with their types and names")
    type_ = f"({','.join(member.type for member in members)})" if members else _elementary(base, name)
    return _sized(Argument(type_ + suffix, name, members))


def _elementary(type_: str, name: str) -> str:
    if type_ in ("uint", "int"):
        raise Unclear(f"{type_} has two spellings", f"write {type_}256")
    if type_ in ("bytes", "string"):
        return type_
    static = _STATIC.fullmatch(type_)
    bits, size = (int(static["bits"] or 8), int(static["size"] or 1)) if static else (0, 0)
    if not (8 <= bits <= 256 and bits % 8 == 0 and 1 <= size <= 32):
        raise Unclear(
            f"{shown(type_)} is not a type",
            f"give {name} the type address, bool, uint256, int256 or bytes32 (or a smaller one), bytes or string",
        )
    return type_


def _sized(argument: Argument) -> Argument:
    """Refuses what has no place in policy code: whatever has no fixed size inside of something else."""
    inner = _element(argument) if argument.type.endswith("[]") else argument
    nested = "[]" in inner.type or re.search(r"\bbytes\b|string", inner.type) is not None
    if nested and not _is_bytes(argument):
        raise Unclear(f"the argument {argument.name} nests values without fixed size", _NESTED)
    if "[0" in argument.type:
        raise Unclear(f"the argument {argument.name} has an array without elements", "leave it out")
    if not _is_bytes(argument) and _size(inner) > (MAX_WIDTH if argument.type.endswith("[]") else MAX_WORDS):
        raise Unclear(f"the argument {argument.name} has too many words", "no policy can bound it")
    return argument


def _checked(function: Function) -> Function:
    if function.words > MAX_WORDS:
        raise Unclear(
            f"{function.name} has {function.words} words of arguments",
            f"only functions with at most {MAX_WORDS} can be bounded",
        )
    paths = [argument.name for argument in function.arguments]
    paths += [leaf.path for leaf in function.leaves if "." in leaf.path]
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise Unclear(f"the argument name {twice} is used twice", "give each argument its own name")
    if not function.given and any(leaf.type == WORD_TYPE for leaf in function.leaves):
        raise Unclear("`word` is no type of an argument", "write the type that the function's source has")
    return function
