# SPDX-License-Identifier: Apache-2.0
"""The contract ABI: who knows which function, event and error, and strict decoding of hostile bytes.

Known ABIs are the standards in `governance/chain/abis/*.json` and our own contracts in `.build/abi/*.json`. A file's
name is the *kind* that hints name: `decode_call(calldata, "ERC20")`. Calldata is accepted only in its canonical
encoding (Solidity's ABI specification, strict mode): whatever decodes here encodes back to the same bytes, so no call
reads as one thing on the page and does another. Decoding takes time linear in its input, whatever the input is.
"""

import functools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import faster_eth_abi

from governance.chain.address import checksum
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak

_STANDARDS = Path(__file__).parent / "abis"
_BUILT = Path(__file__).resolve().parents[2] / ".build" / "abi"


class BadAbi(Exception):
    """An ABI file or a signature is not what it should be; the message says which and why."""


class NotCanonical(ValueError):
    """The bytes are not the canonical encoding of the types."""


# ----------------------------------------------------------------------------------------------------------- types


@dataclass(frozen=True, slots=True)
class Type:
    """A parsed ABI type. `head` is its length in the head part, bytes; `dynamic` types stand there as an offset."""

    kind: str  # uint int address bool fixed_bytes bytes string array tuple
    text: str
    size: int  # bits of uint/int, bytes of fixed_bytes, length of a fixed array, -1 of a dynamic one
    items: tuple["Type", ...]
    dynamic: bool
    head: int


_ELEMENTARY = re.compile(r"(uint|int)(\d{1,3})|bytes(\d{1,2})|(address|bool|string|bytes|function)")


@functools.lru_cache(maxsize=4096)
def parse_type(text: str) -> Type:
    """The type that a canonical type string names, like `(address,uint256,bytes)[]`. Raises BadAbi."""
    if text.endswith("]"):
        inner, _, count = text[:-1].rpartition("[")
        if count and not (count.isdigit() and 0 < int(count) <= 2**16):
            raise BadAbi(f"no such type: {text[:80]}")
        item = parse_type(inner)
        if not count:
            return Type("array", text, -1, (item,), True, 32)
        length = int(count)
        return Type("array", text, length, (item,), item.dynamic, 32 if item.dynamic else length * item.head)
    if text.startswith("(") and text.endswith(")"):
        items = tuple(parse_type(part) for part in split_types(text[1:-1]))
        if not items:
            raise BadAbi("an empty tuple")
        dynamic = any(item.dynamic for item in items)
        return Type("tuple", text, len(items), items, dynamic, 32 if dynamic else sum(item.head for item in items))
    found = _ELEMENTARY.fullmatch(text)
    if not found:
        raise BadAbi(f"no such type: {text[:80]}")
    if found[1]:
        bits = int(found[2])
        if bits % 8 or not 8 <= bits <= 256:
            raise BadAbi(f"no such type: {text}")
        return Type(found[1], text, bits, (), False, 32)
    if found[3]:
        if not 1 <= int(found[3]) <= 32:
            raise BadAbi(f"no such type: {text}")
        return Type("fixed_bytes", text, int(found[3]), (), False, 32)
    if found[4] == "function":
        return Type("fixed_bytes", text, 24, (), False, 32)
    dynamic = found[4] in ("string", "bytes")
    return Type(found[4], text, 0, (), dynamic, 32)


def split_types(text: str) -> list[str]:
    """`address,(uint256,bytes)[]` -> its parts; commas within brackets don't split. Raises BadAbi."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth < 0:
                raise BadAbi("brackets don't match")
        elif character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    if depth:
        raise BadAbi("brackets don't match")
    return [*parts, text[start:]] if text else []


class _Reader:
    """Decodes. `canonical`: offsets must be those an encoder writes, padding zero, nothing left over.

    Otherwise (logs, which some compilers wrote with dirty padding) any offset behind the heads will do, as for eth_abi,
    but no byte is read more often than a canonical encoding of this length would: a log can't be made to unfold into
    gigabytes.
    """

    def __init__(self, data: bytes, *, canonical: bool):
        self.data, self.canonical, self.budget = data, canonical, len(data)

    def take(self, position: int, length: int) -> bytes:
        self.budget -= length
        if position + length > len(self.data) or self.budget < 0:
            raise NotCanonical("ends too early")
        return self.data[position : position + length]

    def word(self, position: int) -> int:
        return int.from_bytes(self.take(position, 32), "big")

    def sequence(self, types: Sequence[Type], base: int) -> tuple[tuple[Any, ...], int]:
        """Values of consecutive types whose heads start at `base`, and where their tails end."""
        head = base
        ends = tail = base + sum(32 if item.dynamic else item.head for item in types)
        values = []
        for item in types:
            if item.dynamic:
                offset = self.word(head)
                if self.canonical and base + offset != tail:
                    raise NotCanonical("an offset is not the one an encoder writes")
                if not ends <= base + offset < len(self.data):
                    raise NotCanonical("an offset points outside, or at the offsets themselves")
                value, tail = self.value(item, base + offset)
                head += 32
            else:
                value, head = self.value(item, head)
            values.append(value)
        return tuple(values), tail

    def value(self, item: Type, position: int) -> tuple[Any, int]:
        """The value at `position` and where it ends."""
        kind = item.kind
        if kind == "array":
            count = item.size
            if count < 0:
                count = self.word(position)
                position += 32
            inner = item.items[0]
            if count * (32 if inner.dynamic else inner.head) > len(self.data) - position:
                raise NotCanonical("an array longer than the data")
            return self.sequence((inner,) * count, position)
        if kind == "tuple":
            return self.sequence(item.items, position)
        if kind in ("bytes", "string"):
            length = self.word(position)
            padded = -(-length // 32) * 32
            if length > len(self.data):
                raise NotCanonical("a text longer than the data")
            # A lenient last text may lack its padding.
            room = padded if self.canonical else min(padded, len(self.data) - position - 32)
            raw = self.take(position + 32, room)
            if len(raw) < length or (self.canonical and any(raw[length:])):
                raise NotCanonical("dirty padding")
            content = raw[:length]
            if kind == "bytes":
                return content, position + 32 + padded
            try:
                text = content.decode("utf-8", "strict" if self.canonical else "replace")
            except UnicodeDecodeError:
                raise NotCanonical("a text that is not UTF-8") from None
            return text, position + 32 + padded
        return _static(item, self.take(position, 32)), position + 32


def _static(item: Type, word: bytes) -> Any:
    if item.kind == "fixed_bytes":
        if any(word[item.size :]):
            raise NotCanonical("dirty padding")
        return word[: item.size]
    if item.kind == "address":
        if any(word[:12]):
            raise NotCanonical("dirty padding")
        return word[12:]
    number = int.from_bytes(word, "big")
    if item.kind == "uint":
        if number >> item.size:
            raise NotCanonical(f"outside of {item.text}")
        return number
    if item.kind == "bool":
        if number > 1:
            raise NotCanonical("a bool that is neither")
        return bool(number)
    signed = int.from_bytes(word, "big", signed=True)
    if not -(1 << (item.size - 1)) <= signed < 1 << (item.size - 1):
        raise NotCanonical(f"outside of {item.text}")
    return signed


def decode(types: Sequence[str], data: bytes, *, canonical: bool = True) -> tuple[Any, ...]:
    """Values of `types` in `data`: addresses and byte strings as bytes, arrays and tuples as tuples, integers as int.

    Raises:
        NotCanonical: the data is not an encoding of these types (with `canonical`, not *the* encoding).
    """
    reader = _Reader(bytes(data), canonical=canonical)
    values, end = reader.sequence([parse_type(text) for text in types], 0)
    if canonical and end != len(data):
        raise NotCanonical("bytes are left over")
    return values


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """The canonical encoding. Addresses as bytes or text. Raises BadAbi where a value doesn't fit its type."""
    try:
        return bytes(faster_eth_abi.encode(list(types), list(values)))
    except (
        faster_eth_abi.exceptions.EncodingError,
        faster_eth_abi.exceptions.ABITypeError,
        TypeError,
        ValueError,
    ) as e:
        raise BadAbi(f"can't encode ({','.join(types)}): {str(e)[:160]}") from None


# -------------------------------------------------------------------------------------------------------- registry


class Parameter(NamedTuple):
    """A parameter of a function, event or error."""

    name: str
    type: str
    indexed: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A function, event or error of a known ABI. `owner` is the kind (the ABI file's name) that declares it."""

    category: str
    owner: str
    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    signature: str
    hash: bytes  # keccak256 of the signature: an event's topic0; the first 4 bytes are the selector

    @property
    def selector(self) -> bytes:
        return self.hash[:4]


class Argument(NamedTuple):
    """A decoded argument. Addresses and byte strings are bytes; tuples and arrays are tuples."""

    name: str
    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded call, log or error."""

    name: str
    signature: str
    args: tuple[Argument, ...]
    owner: str

    def __getitem__(self, name: str) -> Any:
        """An argument's value by its name."""
        for argument in self.args:
            if argument.name == name:
                return argument.value
        raise KeyError(name)

    @property
    def values(self) -> tuple[Any, ...]:
        """The arguments' values in order."""
        return tuple(argument.value for argument in self.args)

    def as_json(self) -> dict[str, Any]:
        """For pages and records: amounts as decimal text, addresses checksummed, bytes as 0x text."""
        return {
            "name": self.name,
            "signature": self.signature,
            "args": [
                {"name": a.name, "type": a.type, "value": json_value(parse_type(a.type), a.value)} for a in self.args
            ],
        }

    def __str__(self) -> str:
        """`name(value, value)`, on one line."""
        return f"{self.name}({', '.join(_text(parse_type(a.type), a.value) for a in self.args)})"


DecodedCall = DecodedLog = DecodedError = Decoded


def json_value(of: Type, value: Any) -> Any:
    """A decoded value for JSON: integers as decimal text, addresses checksummed, bytes as 0x text."""
    if of.kind == "array":
        return [json_value(of.items[0], item) for item in value]
    if of.kind == "tuple":
        return [json_value(inner, item) for inner, item in zip(of.items, value, strict=True)]
    if of.kind in ("uint", "int"):
        return str(value)
    if of.kind == "address":
        return checksum(value)
    if of.kind in ("bytes", "fixed_bytes"):
        return hex_text(value)
    return value


def _text(of: Type, value: Any) -> str:
    shown = json_value(of, value)
    return shown if isinstance(shown, str) and of.kind != "string" else json.dumps(shown)


def _canonical_type(raw: dict[str, Any]) -> str:
    text = raw["type"]
    if text.startswith("tuple"):
        return "(" + ",".join(_canonical_type(part) for part in raw["components"]) + ")" + text[5:]
    return str(text)


def _item(raw: dict[str, Any], owner: str) -> Item:
    def parameters(name: str) -> tuple[Parameter, ...]:
        found = tuple(
            Parameter(part.get("name", ""), _canonical_type(part), bool(part.get("indexed")))
            for part in raw.get(name, ())
        )
        for part in found:
            parse_type(part.type)
        return found

    inputs = parameters("inputs")
    signature = f"{raw['name']}({','.join(part.type for part in inputs)})"
    return Item(raw["type"], owner, raw["name"], inputs, parameters("outputs"), signature, keccak(signature.encode()))


class Registry:
    """Functions and errors by selector, events by topic0. Where several ABIs declare one, each stays, in order."""

    def __init__(self, items: Iterable[Item]):
        self.functions: dict[bytes, list[Item]] = {}
        self.errors: dict[bytes, list[Item]] = {}
        self.events: dict[bytes, list[Item]] = {}
        for item in items:
            if item.category == "function":
                self.functions.setdefault(item.selector, []).append(item)
            elif item.category == "error":
                self.errors.setdefault(item.selector, []).append(item)
            elif item.category == "event":
                self.events.setdefault(item.hash, []).append(item)

    @classmethod
    def load(cls, *folders: Path) -> "Registry":
        """From folders of `<kind>.json` ABI arrays; a folder that isn't there has none. Raises BadAbi."""
        items: list[Item] = []
        for folder in folders:
            for path in sorted(folder.glob("*.json")):
                try:
                    raw = json.loads(path.read_text())
                    items += [_item(r, path.stem) for r in raw if r.get("type") in ("function", "event", "error")]
                except (ValueError, KeyError, TypeError, AttributeError, BadAbi) as error:
                    raise BadAbi(f"{path.name} is not an ABI ({error}): compile the contracts again") from None
        return cls(items)


@functools.lru_cache(maxsize=1)
def registry() -> Registry:
    """What is known here: our own contracts first (their parameter names are better), then the standards."""
    return Registry.load(_BUILT, _STANDARDS)


def selector(signature: str) -> bytes:
    """The 4-byte selector of a function's or an error's canonical signature."""
    return keccak(signature.encode())[:4]


def topic(signature: str) -> bytes:
    """topic0 of an event's canonical signature."""
    return keccak(signature.encode())


def event(signature: str, indexed: int | None = None) -> Item | None:
    """The known event of a canonical signature; with `indexed`, the layout with so many indexed parameters."""
    for item in registry().events.get(topic(signature), ()):
        if item.signature == signature and indexed in (None, sum(p.indexed for p in item.inputs)):
            return item
    return None


def _preferred(items: list[Item], kinds: tuple[str, ...]) -> list[Item]:
    """Items of the hinted kinds first, in the order of the hints; the rest keeps its order."""
    return sorted(items, key=lambda item: kinds.index(item.owner) if item.owner in kinds else len(kinds))


def _match(items: list[Item], data: bytes, kinds: tuple[str, ...]) -> Decoded | None:
    matches: dict[str, Decoded] = {}
    for item in _preferred(items, kinds):
        if item.signature in matches:
            continue
        try:
            values = decode([part.type for part in item.inputs], data)
        except NotCanonical:
            continue
        matches[item.signature] = _decoded(item, values)
        if item.owner in kinds:
            break  # a hinted kind decides between functions whose selectors collide
    # Two functions with one selector that both fit: nobody can say which is meant.
    return next(iter(matches.values())) if len(matches) == 1 else None


def _decoded(item: Item, values: Iterable[Any]) -> Decoded:
    arguments = tuple(Argument(part.name, part.type, value) for part, value in zip(item.inputs, values, strict=True))
    return Decoded(item.name, item.signature, arguments, item.owner)


def decode_call(calldata: bytes, *kinds: str) -> Decoded | None:
    """The call that `calldata` is, or None: unknown, ambiguous, or not canonical. `kinds` are hints, best first."""
    if len(calldata) < 4:
        return None
    return _match(registry().functions.get(bytes(calldata[:4]), []), bytes(calldata[4:]), kinds)


_BUILTIN_ERRORS = {
    selector("Error(string)"): [Item("error", "Solidity", "Error", (Parameter("reason", "string", False),), (),
                                     "Error(string)", topic("Error(string)"))],
    selector("Panic(uint256)"): [Item("error", "Solidity", "Panic", (Parameter("code", "uint256", False),), (),
                                      "Panic(uint256)", topic("Panic(uint256)"))],
}  # fmt: skip


def decode_error(data: bytes, *kinds: str) -> Decoded | None:
    """The error that a call reverted with (`Error(string)`, `Panic(uint256)` or a known custom one), or None."""
    if len(data) < 4:
        return None
    key = bytes(data[:4])
    return _match(_BUILTIN_ERRORS.get(key) or registry().errors.get(key, []), bytes(data[4:]), kinds)


def decode_log(topics: Sequence[bytes], data: bytes, *kinds: str) -> Decoded | None:
    """The event that a log is, or None: unknown topic0, another number of indexed parameters, or malformed.

    An indexed parameter of dynamic type is only a hash on chain: its value is that word and its type `bytes32`.
    Invalid UTF-8 in texts becomes U+FFFD: what a contract emits can't be refused.
    """
    if not topics:
        return None
    for item in _preferred(registry().events.get(bytes(topics[0]), []), kinds):
        decoded = decode_log_as(item, topics, data)
        if decoded is not None:
            return decoded
    return None


def decode_log_as(item: Item, topics: Sequence[bytes], data: bytes) -> Decoded | None:
    """The log as this event, or None where it is not one."""
    indexed = [part for part in item.inputs if part.indexed]
    if len(indexed) != len(topics) - 1:
        return None
    try:
        words = iter(
            (part.type, _static(parse_type(part.type), bytes(word)))
            if parse_type(part.type).head == 32
            and parse_type(part.type).kind not in ("bytes", "string", "array", "tuple")
            else ("bytes32", bytes(word))
            for part, word in zip(indexed, topics[1:], strict=True)
        )
        rest = iter(decode([part.type for part in item.inputs if not part.indexed], data, canonical=False))
        arguments = []
        for part in item.inputs:
            of, value = next(words) if part.indexed else (part.type, next(rest))
            arguments.append(Argument(part.name, of, value))
    except NotCanonical:
        return None
    return Decoded(item.name, item.signature, tuple(arguments), item.owner)


def encode_log(item: Item, values: Sequence[Any]) -> tuple[tuple[bytes, ...], bytes]:
    """(topics, data) of an event with these values, as a contract would emit it. Raises BadAbi."""
    topics, types, rest = [item.hash], [], []
    for part, value in zip(item.inputs, values, strict=True):
        if not part.indexed:
            types.append(part.type)
            rest.append(value)
        elif parse_type(part.type).kind in ("bytes", "string"):
            topics.append(keccak(value.encode() if isinstance(value, str) else value))
        elif parse_type(part.type).kind in ("array", "tuple"):
            raise BadAbi(f"{item.signature}: an indexed array or tuple")
        else:
            topics.append(encode([part.type], [value]))
    return tuple(topics), encode(types, rest)


_SIGNATURE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\(.*\)", re.DOTALL)


def signature_types(signature: str) -> list[str]:
    """The parameter types of a canonical signature. Raises BadAbi."""
    if not _SIGNATURE.fullmatch(signature):
        raise BadAbi(f"not a signature: {signature[:80]!r}")
    types = split_types(signature[signature.index("(") + 1 : -1])
    for text in types:
        parse_type(text)
    return types


def encode_call(signature: str, args: Sequence[Any] = ()) -> bytes:
    """Calldata: selector and arguments. `encode_call("transfer(address,uint256)", [to, amount])`. Raises BadAbi."""
    types = signature_types(signature)
    if len(types) != len(args):
        raise BadAbi(f"{signature} takes {len(types)} arguments, got {len(args)}")
    return selector(signature) + encode(types, args)


def decode_result(signature: str, data: bytes) -> tuple[Any, ...]:
    """What a function returned, by its outputs in a known ABI; compilers differ, so padding is not judged.

    Raises:
        BadAbi: the function is unknown. NotCanonical: the data is too short or out of range.
    """
    for item in registry().functions.get(selector(signature), ()):
        if item.signature == signature:
            return decode([part.type for part in item.outputs], data, canonical=False)
    raise BadAbi(f"no known ABI declares {signature}")
