# SPDX-License-Identifier: Apache-2.0
"""Makes the mutants of a Solidity file: each is one small mistake, found in the compiler's own syntax tree.

Pure: text and tree in, `Mutant`s out. What the operators are, and why these, is in docs/assurance.md. Inline assembly
is mutated as well. A mutant that does not compile is told apart later, by the compiler.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

Node = dict[str, Any]

COMPARISONS = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|"}
LOGIC = {"&&": "||", "||": "&&"}
NOT_COMMUTATIVE = {"-", "/", "%", "<<", ">>"}
YUL = {
    "add": "sub",
    "sub": "add",
    "mul": "div",
    "div": "mul",
    "mod": "div",
    "shl": "shr",
    "shr": "shl",
    "and": "or",
    "or": "and",
    "xor": "or",
    "lt": "gt",
    "gt": "lt",
}
YUL_EDGES = {"lt": "gt", "gt": "lt"}  # lt(a, b) -> iszero(gt(a, b)), which is a <= b


@dataclass(frozen=True)
class Mutant:
    """One mistake. `start` and `length` count bytes of the file; `before` and `after` are its lines, squeezed."""

    file: str
    function: str  # Contract.function, or Contract for what lies outside functions
    operator: str
    start: int
    length: int
    replacement: str
    line: int
    before: str
    after: str
    events_only: bool  # changes only what is logged; scored apart
    nth: int = 0  # tells equal mistakes on equal lines of one function apart

    @property
    def key(self) -> str:
        """Its name: stays the same when other lines of the file change."""
        parts = (self.file, self.function, self.operator, self.before, self.after, str(self.nth))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    def apply(self, source: bytes) -> bytes:
        """The file with the mistake."""
        return source[: self.start] + self.replacement.encode() + source[self.start + self.length :]


def mutants_of(file: str, source: bytes, tree: Node) -> list[Mutant]:
    """All mutants of one file, in the file's order. `tree` is the compiler's `ast` of it."""
    found: list[Mutant] = []
    seen: dict[str, int] = {}
    places: set[tuple[int, int, str]] = set()
    for mutant in _Walk(file, source).contracts(tree):
        place = (mutant.start, mutant.length, mutant.replacement)
        if place in places or mutant.apply(source) == source:
            continue
        places.add(place)
        nth = seen.get(mutant.key, 0)
        seen[mutant.key] = nth + 1
        found.append(replace(mutant, nth=nth))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.length, mutant.operator))


class _Walk:
    def __init__(self, file: str, source: bytes) -> None:
        self.file, self.source = file, source
        self.function = ""
        self.in_event = False

    # ---------------------------------------------------------------- the tree

    def contracts(self, tree: Node) -> Iterator[Mutant]:
        for contract in tree["nodes"]:
            if contract["nodeType"] != "ContractDefinition" or contract["contractKind"] == "interface":
                continue
            for member in contract["nodes"]:
                name = member.get("name") or member.get("kind", "")
                is_code = member["nodeType"] in ("FunctionDefinition", "ModifierDefinition")
                self.function = f"{contract['name']}.{name}" if is_code else contract["name"]
                if is_code:
                    yield from self._function(member)
                elif member["nodeType"] == "VariableDeclaration" and member.get("value"):
                    yield from self._visit(member["value"])

    def _function(self, node: Node) -> Iterator[Mutant]:
        for modifier in node.get("modifiers") or []:
            if modifier.get("kind") == "modifierInvocation":
                yield self._replace(modifier, "", "drop modifier")
        if node.get("body"):
            yield from self._visit(node["body"])

    def _visit(self, node: Any) -> Iterator[Mutant]:
        if isinstance(node, list):
            for part in node:
                yield from self._visit(part)
            return
        if not isinstance(node, dict) or "nodeType" not in node:
            return
        kind = node["nodeType"]
        if kind in (
            "ElementaryTypeName",
            "ArrayTypeName",
            "UserDefinedTypeName",
            "Mapping",
            "ElementaryTypeNameExpression",
        ):
            return  # types are not values
        if kind == "InlineAssembly":
            yield from self._yul(node["AST"])
            return
        outer, self.in_event = self.in_event, self.in_event or kind == "EmitStatement"
        handler = getattr(self, f"_on_{kind}", None)
        if handler is not None:
            yield from handler(node)
        for name, child in node.items():
            if kind == "ForStatement" and name in ("loopExpression", "initializationExpression"):
                continue  # a loop that never ends, or begins elsewhere, only runs out of gas
            if isinstance(child, (dict, list)):
                yield from self._visit(child)
        self.in_event = outer

    # ---------------------------------------------------------------- Solidity

    def _on_BinaryOperation(self, node: Node) -> Iterator[Mutant]:
        operator, left, right = node["operator"], node["leftExpression"], node["rightExpression"]
        between = (_end(left), _start(right))
        where = self.source[between[0] : between[1]].decode().find(operator) + between[0]
        for other in COMPARISONS.get(operator, ()):
            yield self._edit(where, len(operator), other, "comparison")
        if operator in ARITHMETIC:
            yield self._edit(where, len(operator), ARITHMETIC[operator], "arithmetic")
        if operator in LOGIC:
            yield self._edit(where, len(operator), LOGIC[operator], "logic")
            yield self._replace(node, self._text(left), "drop condition")
            yield self._replace(node, self._text(right), "drop condition")
        if operator in NOT_COMMUTATIVE:
            yield self._replace(node, f"({self._text(right)}) {operator} ({self._text(left)})", "swap operands")

    def _on_UnaryOperation(self, node: Node) -> Iterator[Mutant]:
        if node["operator"] in ("!", "~", "-"):
            yield self._replace(node, self._text(node["subExpression"]), "drop negation")
        if node["operator"] in ("++", "--") and node["prefix"]:
            other = {"++": "--", "--": "++"}[node["operator"]]
            yield self._replace(node, other + self._text(node["subExpression"]), "arithmetic")

    def _on_Assignment(self, node: Node) -> Iterator[Mutant]:
        operator = node["operator"]
        if operator == "=":
            return
        where = self.source.find(operator.encode(), _end(node["leftHandSide"]), _start(node["rightHandSide"]))
        yield self._edit(where, len(operator), ARITHMETIC[operator[:-1]] + "=", "arithmetic")
        yield self._edit(where, len(operator), "=", "plain assignment")

    def _on_IfStatement(self, node: Node) -> Iterator[Mutant]:
        yield self._replace(node["condition"], "true", "condition true")
        yield self._replace(node["condition"], "false", "condition false")

    def _on_ForStatement(self, node: Node) -> Iterator[Mutant]:
        if node.get("condition"):
            yield self._replace(node["condition"], "false", "condition false")

    _on_WhileStatement = _on_ForStatement

    def _on_Conditional(self, node: Node) -> Iterator[Mutant]:
        yield self._replace(node, f"({self._text(node['trueExpression'])})", "condition true")
        yield self._replace(node, f"({self._text(node['falseExpression'])})", "condition false")

    def _on_ExpressionStatement(self, node: Node) -> Iterator[Mutant]:
        yield self._drop(node, "drop statement")

    def _on_RevertStatement(self, node: Node) -> Iterator[Mutant]:
        yield self._drop(node, "drop revert")

    def _on_EmitStatement(self, node: Node) -> Iterator[Mutant]:
        yield self._drop(node, "drop event")

    def _on_Return(self, node: Node) -> Iterator[Mutant]:
        yield self._drop(node, "drop return")
        expression = node.get("expression")
        if expression and expression["typeDescriptions"].get("typeString") == "bool":
            yield self._replace(expression, "true", "condition true")
            yield self._replace(expression, "false", "condition false")

    def _on_Continue(self, node: Node) -> Iterator[Mutant]:
        yield self._drop(node, "drop statement")

    _on_Break = _on_Continue

    def _on_VariableDeclarationStatement(self, node: Node) -> Iterator[Mutant]:
        declared = [declaration for declaration in node["declarations"] if declaration]
        if node.get("initialValue") and len(declared) == 1 and declared[0]["storageLocation"] != "storage":
            end = _end(declared[0])
            if self.source[_start(node) : _start(node) + 1] != b"(":
                yield self._edit(end, _end(node["initialValue"]) - end, "", "drop assignment")

    def _on_Literal(self, node: Node) -> Iterator[Mutant]:
        if node["kind"] != "number":
            return
        text = self._text(node).split()[0]
        value = _number(text)
        if value is None:
            return
        for other in (value + 1, value - 1):
            if other >= 0:
                yield self._edit(_start(node), len(text), str(other), "off by one")

    def _on_FunctionCall(self, node: Node) -> Iterator[Mutant]:
        arguments = node["arguments"]
        if node.get("names"):
            return
        for first, second in pairwise(arguments):
            kinds = [argument["typeDescriptions"].get("typeString") for argument in (first, second)]
            one, two = self._text(first), self._text(second)
            if kinds[0] == kinds[1] and one != two:
                middle = self.source[_end(first) : _start(second)].decode()
                length = _end(second) - _start(first)
                yield self._edit(_start(first), length, f"{two}{middle}{one}", "swap arguments")

    # ---------------------------------------------------------------- inline assembly

    def _yul(self, node: Any) -> Iterator[Mutant]:
        if isinstance(node, list):
            for part in node:
                yield from self._yul(part)
            return
        if not isinstance(node, dict) or "nodeType" not in node:
            return
        kind = node["nodeType"]
        if kind == "YulFunctionCall":
            yield from self._yul_call(node)
        elif kind == "YulLiteral" and node["kind"] == "number":
            value = _number(node["value"])
            for other in () if value is None else (value + 1, value - 1):
                if 0 <= other < 2**256:
                    yield self._replace(node, str(other), "off by one")
        elif kind in ("YulExpressionStatement", "YulAssignment"):
            yield self._replace(node, "", "drop statement")
        elif kind == "YulVariableDeclaration" and node.get("value"):
            yield self._edit(
                _end(node["variables"][-1]), _end(node) - _end(node["variables"][-1]), "", "drop assignment"
            )
        elif kind == "YulIf":
            yield self._replace(node["condition"], "1", "condition true")
            yield self._replace(node["condition"], "0", "condition false")
        elif kind == "YulForLoop":
            yield self._replace(node["condition"], "0", "condition false")
        for name, child in node.items():
            if kind == "YulForLoop" and name == "post":
                continue
            if isinstance(child, (dict, list)):
                yield from self._yul(child)

    def _yul_call(self, node: Node) -> Iterator[Mutant]:
        name, arguments = node["functionName"]["name"], node["arguments"]
        where = _start(node["functionName"])
        if name in YUL:
            yield self._edit(where, len(name), YUL[name], "comparison" if name in YUL_EDGES else "arithmetic")
        if name in YUL_EDGES:
            inside = ", ".join(self._text(argument) for argument in arguments)
            yield self._replace(node, f"iszero({YUL_EDGES[name]}({inside}))", "comparison")
        if name == "eq":
            yield self._replace(node, f"iszero({self._text(node)})", "comparison")
        if name == "iszero":
            yield self._replace(node, self._text(arguments[0]), "drop negation")

    # ---------------------------------------------------------------- edits

    def _text(self, node: Node) -> str:
        return self.source[_start(node) : _end(node)].decode()

    def _drop(self, node: Node, operator: str) -> Mutant:
        """A statement, with its semicolon, becomes an empty block."""
        end = self.source.index(b";", _end(node) - 1) + 1
        return self._edit(_start(node), end - _start(node), "{}", operator)

    def _replace(self, node: Node, text: str, operator: str) -> Mutant:
        return self._edit(_start(node), _end(node) - _start(node), text, operator)

    def _edit(self, start: int, length: int, text: str, operator: str) -> Mutant:
        first = self.source.rfind(b"\n", 0, start) + 1
        last = self.source.find(b"\n", start + length)
        last = len(self.source) if last < 0 else last
        before = self.source[first:last].decode()
        after = (self.source[first:start] + text.encode() + self.source[start + length : last]).decode()
        return Mutant(
            file=self.file,
            function=self.function,
            operator=operator,
            start=start,
            length=length,
            replacement=text,
            line=self.source.count(b"\n", 0, start) + 1,
            before=" ".join(before.split()),
            after=" ".join(after.split()),
            events_only=self.in_event,
        )


def _start(node: Node) -> int:
    return int(node["src"].split(":")[0])


def _end(node: Node) -> int:
    start, length, _ = node["src"].split(":")
    return int(start) + int(length)


def _number(text: str) -> int | None:
    text = text.replace("_", "")
    if re.fullmatch(r"0[xX][0-9a-fA-F]+", text):
        # A literal of 40 digits is an address, which needs its checksum.
        return None if len(text) == 42 else int(text, 16)
    return int(text) if text.isdecimal() else None
