# SPDX-License-Identifier: Apache-2.0
"""Puts many mutants of a Solidity file into one text, so that one compilation serves them all.

Each place that has mutants becomes a choice by a number. The number is a literal of 32 bytes, `NONE`, that occurs
nowhere else: in bytecode it is a PUSH32, and to switch mutant k on is to write k over those 32 bytes. With `NONE`, or
anything else that is no mutant's number, the original runs.

Why a patched mutant is the mutant: every choice is made of the *whole* smallest statement (or condition) around a
mistake, the original's text beside the text with the mistake, so literals keep their types and operators their
neighbours. What is chosen runs exactly once and the others do not run; the choice itself touches neither memory nor
storage nor any name of the file. So all that can differ from a compilation of the mutant alone is gas, code size and
where the compiler lays locals out. (Without the optimizer a comparison with a literal is neither folded nor moved.)

    a = b + c;              { if (!mutantIn_(7, 2)) { a = b + c; } else if (mutant_() == 7) { a = b - c; } else ... }
    uint256 a = b;          uint256 a; if (...) { a = b; } ...
    if (a < b)              if (!mutantIn_(...) ? (a < b) : mutant_() == ... ? (a <= b) : ...)
    f() only {}             f() only_7_ {}  modifier only_7_() { if (!mutantIn_(7, 1)) { ... _; ... } else { _; } }
    constant A = 7;         constant A = (NONE == 7 ? uint256(8) : uint256(7));
    a := add(b, c)          switch lt(sub(NONE, 7), 2) case 0 { a := add(b, c) } default { switch NONE case 7 { ... } }

What does not fit is left out, and told: constants that assembly or a type needs, structs that are never assigned.

Pure: text and tree in, text and the mutants' numbers out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mutants import Mutant, Node

NONE = bytes.fromhex("d3c1a96e8b5f47208e6d1b93f5a7c24e9b0d8f6137e4a2c5918f3b7d6e205ac4")
HELPERS = f"""
function mutant_() pure returns (uint256 m_) {{ assembly ("memory-safe") {{ m_ := 0x{NONE.hex()} }} }}
function mutantIn_(uint256 first_, uint256 count_) pure returns (bool in_) {{
    assembly ("memory-safe") {{ in_ := lt(sub(0x{NONE.hex()}, first_), count_) }}
}}
""".encode()
STATEMENTS = ("ExpressionStatement", "Return", "RevertStatement", "EmitStatement", "Continue", "Break")


@dataclass(frozen=True, eq=False)
class Site:
    """A place where a choice can be made: `start` and `end` are bytes of the file."""

    kind: str  # modifier, constant, statement, declaration, condition, yul statement, yul declaration, yul if, yul for
    start: int
    end: int
    node: Node


@dataclass(frozen=True)
class Body:
    """A part of the file that is to be written once more, with the choices in it."""

    start: int
    end: int


Pieces = list[bytes | tuple[str, bytes] | Body]  # text, a mutant's text with its key, or a copy


@dataclass(frozen=True)
class Schema:
    """The text, each mutant's number in it, and where in the text (bytes) its mistake lies."""

    text: bytes
    numbers: dict[str, int]  # by Mutant.key
    ranges: dict[str, tuple[int, int]]


def sites_of(source: bytes, tree: Node) -> list[Site]:
    """All places of one file, in order. Those of one kind do not overlap, and none lies inside a statement."""
    return sorted([*_sites(source, tree), *_modifiers(tree)], key=lambda site: site.start)


def site_of(mutant: Mutant, sites: list[Site]) -> Site | None:
    """The place that the mutant's mistake lies in; None if the schema can't express it."""
    for site in sites:
        if site.start <= mutant.start and mutant.start + mutant.length <= site.end:
            if site.kind == "declaration" and site.node["declarations"][0] is not None:
                first = site.node["declarations"][0]
                drops = mutant.operator == "drop assignment" and mutant.start == _end(first)
                if drops and (_is_struct(first) or first["storageLocation"] == "calldata"):
                    return None  # has no value that it could begin with, or takes memory for it
            return site
    return None


def schema_of(source: bytes, sites: list[Site], mutants: list[Mutant], number: int = 1) -> Schema:
    """The file with all these mutants, each of which has a site; `number` is the first one's."""
    at: dict[Site, list[Mutant]] = {}
    for mutant in sorted(mutants, key=lambda mutant: mutant.start):
        site = site_of(mutant, sites)
        assert site is not None
        at.setdefault(site, []).append(mutant)
    numbers: dict[str, int] = {}
    edits: list[tuple[int, int, Pieces]] = []
    for site, here in at.items():
        first = number + len(numbers)
        for mutant in here:
            numbers[mutant.key] = number + len(numbers)
        edits += _edits(source, site, first, here)
    ranges: dict[str, tuple[int, int]] = {}
    edits.sort(key=lambda edit: edit[:2])

    def written(begin: int, until: int, told: bool) -> bytes:
        text, position = bytearray(), begin
        for start, end, pieces in edits:
            if start < begin or end > until:
                continue
            text += source[position:start]
            for piece in pieces:
                if isinstance(piece, Body):
                    text += written(piece.start, piece.end, False)
                elif isinstance(piece, tuple):
                    if told:
                        ranges[piece[0]] = (len(text), len(text) + len(piece[1]))
                    text += piece[1]
                else:
                    text += piece
            position = end
        return bytes(text + source[position:until])

    return Schema(written(0, len(source), True) + HELPERS, numbers, ranges)


def activate(hexadecimal: str, number: int) -> str:
    """The bytecode with this mutant switched on."""
    return hexadecimal.replace(NONE.hex(), f"{number:064x}")


# ---------------------------------------------------------------- where choices can be made


def _sites(source: bytes, node: Any) -> Iterator[Site]:
    if isinstance(node, list):
        for part in node:
            yield from _sites(source, part)
        return
    if not isinstance(node, dict) or "nodeType" not in node:
        return
    kind = node["nodeType"]
    if kind in STATEMENTS:
        yield Site("statement", _start(node), source.index(b";", _end(node) - 1) + 1, node)
        return
    if kind == "VariableDeclarationStatement":
        if node.get("initialValue"):
            yield Site("declaration", _start(node), source.index(b";", _end(node) - 1) + 1, node)
        return
    if kind == "VariableDeclaration" and node.get("constant") and node["typeName"]["nodeType"] == "ElementaryTypeName":
        yield Site("constant", _start(node["value"]), _end(node["value"]), node)
        return
    if kind == "InlineAssembly":
        yield from _yul_sites(node["AST"])
        return
    if kind in ("IfStatement", "WhileStatement", "ForStatement") and node.get("condition"):
        yield Site("condition", _start(node["condition"]), _end(node["condition"]), node["condition"])
    for name, child in node.items():
        if name not in ("condition", "loopExpression", "initializationExpression") and isinstance(child, (dict, list)):
            yield from _sites(source, child)


def _modifiers(tree: Node) -> Iterator[Site]:
    """The modifiers of functions, where they are defined in the contract itself and take nothing."""
    for contract in tree["nodes"]:
        defined = {
            member["name"]: member
            for member in contract.get("nodes", [])
            if member["nodeType"] == "ModifierDefinition" and not member["parameters"]["parameters"]
        }
        for member in contract.get("nodes", []):
            for invoked in member.get("modifiers") or []:
                name = invoked["modifierName"]["name"]
                if invoked.get("kind") == "modifierInvocation" and name in defined:
                    yield Site("modifier", _start(invoked), _end(invoked), {"of": defined[name], "in": contract})


def _yul_sites(node: Any) -> Iterator[Site]:
    if isinstance(node, list):
        for part in node:
            yield from _yul_sites(part)
        return
    if not isinstance(node, dict) or "nodeType" not in node:
        return
    kind = node["nodeType"]
    if kind in ("YulExpressionStatement", "YulAssignment"):
        yield Site("yul statement", _start(node), _end(node), node)
    elif kind == "YulVariableDeclaration":
        if node.get("value"):
            yield Site("yul declaration", _start(node), _end(node), node)
    elif kind in ("YulIf", "YulForLoop"):
        yield Site("yul if" if kind == "YulIf" else "yul for", _start(node["condition"]), _end(node["condition"]), node)
        yield from _yul_sites(node["body"])
    else:
        for child in node.values():
            if isinstance(child, (dict, list)):
                yield from _yul_sites(child)


# ---------------------------------------------------------------- the choice


def _edits(source: bytes, site: Site, first: int, here: list[Mutant]) -> list[tuple[int, int, Pieces]]:
    def mutated(start: int, end: int) -> list[tuple[str, bytes]]:
        return [
            (
                mutant.key,
                source[start : mutant.start] + mutant.replacement.encode() + source[mutant.start + mutant.length : end],
            )
            for mutant in here
        ]

    original, node = source[site.start : site.end], site.node
    if site.kind == "modifier":
        # Another modifier with the same body, or none of it, by choice: `_` may stand in it twice.
        body = node["of"]["body"]
        name, end = b"%s_%d_" % (original.split(b"(")[0], first), _end(node["in"]) - 1
        choice = b"    modifier %s() { if (!mutantIn_(%d, 1)) " % (name, first)
        made: Pieces = [choice, Body(_start(body), _end(body)), b" else ", (here[0].key, b"{ _; }"), b" }\n"]
        return [(site.start, site.end, [name]), (end, end, made)]
    if site.kind == "statement":
        return [(site.start, site.end, [b"{ ", *_chain(first, original, mutated(site.start, site.end)), b" }"])]
    if site.kind == "condition":
        return [(site.start, site.end, _ternaries(first, original, mutated(site.start, site.end)))]
    if site.kind == "constant":
        # A constant may call no function; and as a type of its own a literal would be too narrow.
        name = node["typeName"]["name"].encode()
        pieces: Pieces = []
        for number, (key, text) in enumerate(mutated(site.start, site.end), first):
            pieces += [b"0x%s == %d ? %s(" % (NONE.hex().encode(), number, name), (key, text), b") : "]
        return [(site.start, site.end, [b"(", *pieces, name + b"(" + original + b"))"])]
    if site.kind == "declaration":
        return [(site.start, site.end, _declaration(source, node, first, here))]
    if site.kind == "yul statement":
        return [(site.start, site.end, _switch(first, original, mutated(site.start, site.end)))]
    if site.kind == "yul declaration":
        names_at, after = _start(node["variables"][0]), _end(node["variables"][-1])
        # A declaration without its value is an assignment of nothing.
        parts = [
            (key, b"" if mutant.operator == "drop assignment" and mutant.start == after else text)
            for mutant, (key, text) in zip(here, mutated(names_at, site.end), strict=True)
        ]
        declared = source[site.start : after] + b"\n"
        return [(site.start, site.end, [declared, *_switch(first, source[names_at : site.end], parts)])]
    # A condition in assembly becomes a variable, since a switch is no expression. It is computed where and as often as
    # the condition would be.
    name = b"m%d_" % first
    parts = [(key, name + b" := " + text) for key, text in mutated(site.start, site.end)]
    chosen = [b"let " + name + b"\n", *_switch(first, name + b" := " + original, parts), b"\n"]
    if site.kind == "yul if":
        begin, end = _start(node), _end(node)
        return [(begin, begin, [b"{ ", *chosen]), (site.start, site.end, [name]), (end, end, [b" }"])]
    body = _start(node["body"]) + 1
    leave = b"if iszero(" + name + b") { break }\n"
    return [(site.start, site.end, [b"1"]), (body, body, [b" ", *chosen, leave])]


def _declaration(source: bytes, node: Node, first: int, here: list[Mutant]) -> Pieces:
    declarations, value = node["declarations"], node["initialValue"]
    start, end = _start(value), _end(value)
    original = source[start:end]
    declared = [declaration for declaration in declarations if declaration]

    def mutated(mutant: Mutant) -> bytes | None:
        if mutant.operator == "drop assignment" and mutant.start == _end(declared[0]):
            return None
        return source[start : mutant.start] + mutant.replacement.encode() + source[mutant.start + mutant.length : end]

    if len(declared) == 1 and _is_struct(declared[0]):
        # Declaring a struct takes memory: only once, as the original does.
        parts = [(mutant.key, mutated(mutant) or b"") for mutant in here]
        return [source[_start(node) : start], *_ternaries(first, original, parts), b";"]
    names = [declaration["name"].encode() if declaration else b"" for declaration in declarations]
    target = names[0] if len(names) == 1 else b"(" + b", ".join(names) + b")"
    begin = b"".join(source[_start(one) : _end(one)] + b"; " for one in declared)
    parts = []
    for mutant in here:
        text = mutated(mutant)
        parts.append((mutant.key, b"" if text is None else target + b" = " + text + b";"))
    return [begin, *_chain(first, target + b" = " + original + b";", parts)]


def _chain(first: int, original: bytes, parts: list[tuple[str, bytes]]) -> Pieces:
    pieces: Pieces = [b"if (!mutantIn_(%d, %d)) { " % (first, len(parts)), original]
    for number, part in enumerate(parts, first):
        last = number == first + len(parts) - 1
        pieces += [b"\n} else { " if last else b"\n} else if (mutant_() == %d) { " % number, part]
    return [*pieces, b"\n}"]


def _ternaries(first: int, original: bytes, parts: list[tuple[str, bytes]]) -> Pieces:
    pieces: Pieces = [b"(!mutantIn_(%d, %d) ? (" % (first, len(parts)), original]
    for number, part in enumerate(parts, first):
        last = number == first + len(parts) - 1
        pieces += [b"\n) : (" if last else b"\n) : mutant_() == %d ? (" % number, part]
    return [*pieces, b"\n))"]


def _switch(first: int, original: bytes, parts: list[tuple[str, bytes]]) -> Pieces:
    literal = b"0x" + NONE.hex().encode()
    pieces: Pieces = [b"switch lt(sub(%s, %d), %d) case 0 { " % (literal, first, len(parts)), original]
    pieces.append(b"\n} default { switch " + literal)
    for number, part in enumerate(parts, first):
        pieces += [b" case %d { " % number, part, b"\n}"]
    return [*pieces, b" }"]


def _is_struct(declaration: Node) -> bool:
    kind = declaration["typeDescriptions"].get("typeString", "")
    return bool(declaration["storageLocation"] == "memory" and kind.startswith("struct "))


def _start(node: Node) -> int:
    return int(node["src"].split(":")[0])


def _end(node: Node) -> int:
    start, length, _ = node["src"].split(":")
    return int(start) + int(length)
