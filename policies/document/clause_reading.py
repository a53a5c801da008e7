# SPDX-License-Identifier: Apache-2.0
"""What a rule demands of a call's arguments: the clauses under `where`."""

from collections.abc import Iterator
from functools import partial

from policies.code.document_model import DocumentCharge, DocumentClause
from policies.code.policy_code import Kind, PlaceKind, Source
from policies.code.signatures import WORD_TYPE, Argument, Function, Leaf
from policies.document.argument_values import hash_of_content
from policies.document.fields import Fields
from policies.document.naming import ANYTHING
from policies.document.rule_context import RuleContext
from policies.document.yaml_tree import Mapping as MappingNode
from policies.document.yaml_tree import Node, Sequence, Text
from policies.notation.amounts import Token
from policies.notation.primitives import UINT256_MAX
from policies.notation.problems import Place, listed, shown

KINDS = {
    "equals": Kind.EQUAL,
    "not": Kind.NOT_EQUAL,
    "at most": Kind.AT_MOST,
    "at least": Kind.AT_LEAST,
    "one of": Kind.IN_LIST,
    "cap": Kind.CAP,
}
ORDERED = (Kind.AT_MOST, Kind.AT_LEAST, Kind.CAP)
EMPTY = "empty"
THE_REST = "everything else"


def highest_word(type_: str) -> int | None:
    """The highest word that is a clean value of the type; None where clean values don't lie below one word."""
    if type_ == "address":
        return 2**160 - 1
    if type_ == "bool":
        return 1
    if type_.startswith("uint"):
        return int(2 ** int(type_.removeprefix("uint") or "256") - 1)
    return UINT256_MAX if type_ in ("int256", "bytes32", WORD_TYPE) else None


def _keeps_below(clause: DocumentClause, highest: int | None) -> bool:
    if clause.kind in (Kind.EQUAL, Kind.IN_LIST):
        return True
    return clause.kind is Kind.AT_MOST and highest is not None and clause.values[0] <= highest


class ClauseReader:
    """Reads `where` of a rule."""

    def __init__(self, context: RuleContext) -> None:
        self._context = context
        self._misnamed = False

    def clauses(
        self, found: Fields, function: Function, charges: tuple[DocumentCharge, ...], approval: bool
    ) -> tuple[DocumentClause, ...]:
        """Read the clauses of a rule with these charges. Each argument must be bounded, charged, or said to be
        anything."""
        clauses: list[DocumentClause] = []
        open_: set[str] = set()
        self._misnamed = False
        for key, value in self._context.reader.entries(found.get("where"), "`where`"):
            if key.text == THE_REST and self._context.read_back:
                open_.update(leaf.path for leaf in function.leaves)
            elif argument := _bytes_argument(function, key.text):
                clauses.extend(self._bytes_clauses(value, function, argument))
                open_.add(argument.name)
            elif leaf := function.leaf(key.text):
                open_.add(leaf.path)
                if isinstance(value, Text) and value.text in ANYTHING:
                    self._warn_of_anything(value.place, leaf, approval)
                else:
                    clauses.extend(self._leaf_clauses(value, leaf, self._token_of(leaf, charges)))
            else:
                self._unknown_argument(key, function)
        where = found.get("where")
        if where is None or (isinstance(where, MappingNode) and where.entries and not self._misnamed):
            self._check_bounded(found, function, clauses, charges, open_)
        return tuple(clauses)

    def _warn_of_anything(self, place: Place, leaf: Leaf, approval: bool) -> None:
        if approval and leaf.word == 0:
            self._context.unsafe(place, "anybody may be given the allowance", "name the contract that takes it")
        elif not approval:
            self._context.warnings.add(place, f"{leaf.path} may be anything", "name what it may be, if you can")

    def _unknown_argument(self, key: Text, function: Function) -> None:
        self._misnamed = True  # what bounds another argument is not said to be missing there as well
        paths = [leaf.path for leaf in function.leaves]
        inside = [path for path in paths if path.startswith((f"{key.text}.", f"{key.text}["))]
        self._context.problems.add(
            key.place,
            f"the function has no argument {shown(key.text)}" if not inside else f"{key.text} has several parts",
            f"{'its arguments are' if not inside else 'write one of'}: {', '.join((inside or paths)[:20]) or 'none'}",
        )

    def _token_of(self, leaf: Leaf, charges: tuple[DocumentCharge, ...]) -> Token | None:
        """What the value counts, where the budgets that it is charged to agree."""
        tokens = {
            self._context.budgets[charge.budget].token
            for charge in charges
            if charge.source is Source.ARGUMENT
            and (charge.word, charge.column) == (leaf.word, leaf.column)
            and charge.budget in self._context.budgets
        }
        return tokens.pop() if len(tokens) == 1 else None

    def _bytes_clauses(self, node: Node, function: Function, argument: Argument) -> Iterator[DocumentClause]:
        """Bytes and strings: empty, exactly these, or one of some."""
        length, hash_ = (function.leaf(f"{argument.name}.{part}") for part in ("length", "hash"))
        if length is None or hash_ is None:
            return
        if isinstance(node, Text) and node.text == EMPTY:
            yield DocumentClause(length.word, length.column, Kind.EQUAL, (0,))
        elif isinstance(node, Text) and node.text in ANYTHING:
            self._refuse_any_bytes(node.place, argument)
        else:
            bound = Fields(self._context.problems, node, f"the bound on {argument.name}", "equals?|one of?")
            read = partial(hash_of_content, type_=argument.type)
            value = self._context.reader.text(bound.get("equals"), "the bytes", read)
            if value is not None:
                yield DocumentClause(hash_.word, hash_.column, Kind.EQUAL, (value,))
            items = (
                self._context.reader.text(item, "the bytes", read)
                for item in self._context.reader.items(bound.get("one of"), "it")
            )
            values = {item for item in items if item is not None}
            if values:
                yield DocumentClause(hash_.word, hash_.column, Kind.IN_LIST, tuple(sorted(values)))

    def _refuse_any_bytes(self, place: Place, argument: Argument) -> None:
        if argument.type == "string":
            self._context.warnings.add(place, f"{argument.name} may be any text", "name what it may say, if you can")
        else:
            self._context.unsafe(
                place,
                f"nothing bounds the bytes {argument.name}: they can order whatever their reader can do",
                f"write `{argument.name}: {EMPTY}`, or the exact bytes as `{argument.name}: {{equals: 0x…}}`",
            )

    def _leaf_clauses(self, node: Node, leaf: Leaf, token: Token | None) -> Iterator[DocumentClause]:
        """One bound, or several which must all hold."""
        if isinstance(node, Sequence) and node.items and all(isinstance(item, Text) for item in node.items):
            items = ", ".join(item.text for item in node.items if isinstance(item, Text))
            some = items if len(items) <= 60 and items.isprintable() else "..."
            self._context.problems.add(
                node.place,
                f"it is not said how {leaf.path} is bounded",
                f"write `{leaf.path}: {{one of: [{some}]}}`",
            )
            return
        bounds = (
            self._context.reader.items(node, f"the bounds on {leaf.path}") if isinstance(node, Sequence) else (node,)
        )
        clauses = [clause for item in bounds for clause in self._bound(item, leaf, token)]
        self._check_exclusions(node.place, leaf, clauses)
        if len(clauses) > 1 and not self._context.problems and not _can_hold(clauses):
            self._context.unsafe(
                node.place,
                f"no value of {leaf.path} is within all of these bounds: the rule would permit nothing",
                "correct them; to permit either of several values, write them in one list",
            )
        yield from clauses

    def _check_exclusions(self, place: Place, leaf: Leaf, clauses: list[DocumentClause]) -> None:
        """A word that differs only in bits which the called contract cuts off is another word to the module."""
        highest = highest_word(leaf.type) if leaf.kind in (PlaceKind.WORD, PlaceKind.COLUMN) else UINT256_MAX
        excludes = any(clause.kind is Kind.NOT_EQUAL for clause in clauses)
        if highest == UINT256_MAX or not excludes or any(_keeps_below(clause, highest) for clause in clauses):
            return
        self._context.unsafe(
            place,
            f"`not` alone keeps nothing out of {leaf.path}: with more bits than the type {leaf.type} has it is another "
            "value here, and may be the same one to the called contract",
            "write `one of` with the values that are allowed"
            if highest is None or leaf.type == "address"
            else f"add `at most: {highest}`",
        )

    def _bound(self, node: Node, leaf: Leaf, token: Token | None) -> Iterator[DocumentClause]:
        if not isinstance(node, MappingNode):
            self._context.problems.add(
                node.place, f"it is not said how {leaf.path} is bounded", f"write {self._how(node, leaf)}"
            )
            return
        bound = Fields(self._context.problems, node, f"the bound on {leaf.path}", "|".join(f"{key}?" for key in KINDS))
        if isinstance(node, MappingNode) and not node.entries:
            self._context.problems.add(node.place, f"nothing bounds {leaf.path}", f"write one of: {', '.join(KINDS)}")
        for key, kind in KINDS.items():
            value = bound.get(key)
            if value is None:
                continue
            if kind in ORDERED and not leaf.argument.is_unsigned and leaf.type != WORD_TYPE:
                self._context.unsafe(
                    bound.keys[key], f"a value of type {leaf.type} has no order", "write `equals` or `one of`"
                )
            if kind is Kind.IN_LIST:
                yield from self._in_list(value, leaf, token)
            elif (word := self._context.word(value, leaf, token)) is not None:
                yield DocumentClause(leaf.word, leaf.column, kind, (word,))

    def _how(self, node: Node, leaf: Leaf) -> str:
        """How a bound is written for which the value alone was."""
        if not isinstance(node, Text):
            return f"`{leaf.path}: {{one of: [...]}}`"
        value = node.text if "," not in node.text else f'"{node.text}"'
        if len(value) > 60 or not value.isprintable():
            value = "..."
        if node.text in self._context.lists:
            return f"`{leaf.path}: {{one of: {value}}}`"
        if node.text.lower() in ("none", "any", "all", "*", "unlimited", "no limit"):
            return f"`{leaf.path}: anything`, if that is meant"
        if leaf.argument.is_unsigned and " " in node.text:
            return f"`{leaf.path}: {{at most: {value}}}`, or `cap` for all calls of an act together"
        return f"`{leaf.path}: {{equals: {value}}}`"

    def _in_list(self, node: Node, leaf: Leaf, token: Token | None) -> Iterator[DocumentClause]:
        if isinstance(node, Text):
            yield from self._in_named_list(node, leaf, token)
            return
        words = self._context.words(self._context.reader.items(node, "`one of`"), leaf, token)
        if words:
            yield DocumentClause(leaf.word, leaf.column, Kind.IN_LIST, words)

    def _in_named_list(self, node: Text, leaf: Leaf, token: Token | None) -> Iterator[DocumentClause]:
        if node.text not in self._context.lists:
            if "`lists`" in self._context.reader.unread:
                return  # that is said already: this one may be among them
            known = listed(self._context.lists, none="")
            suggestion = f"the lists are: {known}" if known else "add it under `lists`"
            if node.text in self._context.names.addresses:
                suggestion = f"for {node.text} alone write `equals: {node.text}`"
            self._context.problems.add(node.place, f"there is no list {shown(node.text)}", suggestion)
            return
        self._context.used_lists.add(node.text)
        words = self._context.read_list(node.text, leaf, token)
        if self._context.list_words.setdefault(node.text, words) != words:
            self._context.problems.add(
                node.place,
                f"the list {node.text} stands for other values here than where it was used before",
                "write a list of its own for each kind of argument",
            )
        if words:
            yield DocumentClause(leaf.word, leaf.column, Kind.IN_LIST, words, node.text)

    def _check_bounded(
        self,
        found: Fields,
        function: Function,
        clauses: list[DocumentClause],
        charges: tuple[DocumentCharge, ...],
        open_: set[str],
    ) -> None:
        """Every argument is bounded, charged, or said to be anything."""
        bounded = {(clause.word, clause.column) for clause in clauses}
        bounded |= {(charge.word, charge.column) for charge in charges if charge.source is Source.ARGUMENT}
        for leaf in function.leaves:
            if leaf.kind in (PlaceKind.COUNT, PlaceKind.LENGTH) or leaf.path.removesuffix(".hash") in open_:
                continue
            if (leaf.word, leaf.column) in bounded:
                continue
            argument = leaf.path.removesuffix(".hash") if leaf.kind is PlaceKind.HASH else leaf.path
            self._context.unsafe(
                found.place_of("where"),
                f"nothing bounds the argument {argument}",
                f"add `{argument}: ...` under `where`, or say `{argument}: anything`",
            )


def _bytes_argument(function: Function, name: str) -> Argument | None:
    return next((one for one in function.arguments if one.name == name and one.type in ("bytes", "string")), None)


def _can_hold(clauses: list[DocumentClause]) -> bool:
    """Whether some value satisfies all of these clauses on one place."""
    of = {kind: [clause.values for clause in clauses if clause.kind is kind] for kind in Kind}
    least = max((values[0] for values in of[Kind.AT_LEAST]), default=0)
    most = min((values[0] for kind in (Kind.AT_MOST, Kind.CAP) for values in of[kind]), default=UINT256_MAX)
    excluded = {values[0] for values in of[Kind.NOT_EQUAL]}
    named = [set(values) for kind in (Kind.EQUAL, Kind.IN_LIST) for values in of[kind]]
    if named:
        return any(least <= value <= most and value not in excluded for value in set.intersection(*named))
    return most - least >= len(excluded) or any(value not in excluded for value in range(least, most + 1))
