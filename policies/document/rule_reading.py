# SPDX-License-Identifier: Apache-2.0
"""The rules of a document: which function of which target, with which arguments, charging which budget."""

from collections.abc import Iterator, Mapping
from functools import partial

from policies.code.document_model import (
    DocumentBudget,
    DocumentCharge,
    DocumentClause,
    DocumentIncome,
    DocumentRule,
    Sources,
)
from policies.code.policy_code import Kind, PlaceKind, Source
from policies.code.signatures import (
    APPROVE,
    TRANSFER,
    WORD_TYPE,
    Argument,
    Function,
    Leaf,
    from_abi,
    parse_function,
    why_unbounded,
)
from policies.code.understood import is_understood
from policies.document import fields
from policies.document.argument_values import ValueReader, hash_of_content
from policies.document.fields import Fields, Reader
from policies.document.naming import ANYTHING, Names
from policies.document.yaml_tree import Frozen, Node, Sequence, Text
from policies.document.yaml_tree import Mapping as MappingNode
from policies.notation.amounts import ETHER, Token, Unclear
from policies.notation.primitives import UINT256_MAX
from policies.notation.problems import Place, Problems, shown
from policies.notation.ratios import parse_ratio

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
BACK_TO_ZERO = "back to zero"
SEND_KEYS = "send|to|charge?|income?|returns true?"
CALL_KEYS = "call|abi?|on|where?|charge?|charges?|income?|returns true?|allowance?"
# Arguments that number a thing: charging them would add up names.
_NUMBERS_OF_THINGS = ("tokenid", "nftid", "id", "ids", "positionid", "streamid", "nonce", "deadline", "index")
_MOVERS = (
    "send",
    "pay",
    "transfer",
    "withdraw",
    "deposit",
    "swap",
    "exact",
    "redeem",
    "mint",
    "borrow",
    "bridge",
    "buy",
)


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


class RuleReader:
    """Reads the rules of one document, with its names, lists and budgets. What they refused, methods leave out."""

    def __init__(
        self,
        reader: Reader,
        warnings: Problems,
        frozen: Frozen,
        names: Names,
        sources: Sources,
        budgets: Mapping[str, DocumentBudget],
        budget_names: tuple[str, ...],
        lists: Mapping[str, tuple[Text, ...]],
        *,
        read_back: bool,
    ) -> None:
        self._reader, self._problems, self._warnings, self._frozen = reader, reader.problems, warnings, frozen
        self._names, self._sources = names, sources
        self._budgets, self._budget_names, self._lists = budgets, budget_names, lists
        self._values = ValueReader(names, read_back)
        self._read_back = read_back
        self.used_lists: set[str] = set()
        self.list_words: dict[str, tuple[int, ...]] = {}

    def rules(self, node: Node | None) -> Iterator[tuple[DocumentRule, Place]]:
        for item in self._reader.items(node, "`rules`"):
            if isinstance(item, MappingNode) and any(key.text == "send" for key, _ in item.entries):
                for rule in self._send_rules(item):
                    yield rule, item.place
            elif (rule_ := self._call_rule(item)) is not None:
                yield rule_, item.place

    def unsafe(self, place: Place, problem: str, suggestion: str) -> None:
        """What no document may say, and code found on chain may well: there it is a warning."""
        (self._warnings if self._read_back else self._problems).add(place, problem, suggestion)

    # Ether without a call

    def _send_rules(self, node: MappingNode) -> Iterator[DocumentRule]:
        """`send: ETH` with empty data: one rule for each recipient."""
        found = Fields(self._problems, node, "the rule", SEND_KEYS)
        self._reader.text(found.get("send"), "`send`", fields.ether)
        charges = self._charges(found.get("charge"), None)
        if charges is not None and not charges:
            self.unsafe(
                found.place, "ether that no budget is charged with can't be sent", "add `charge: {<budget>: value}`"
            )
        incomes = self._incomes(found.get("income"), charges or ())
        returns = self._reader.text(found.get("returns true"), "`returns true`", fields.yes_or_no) or False
        for target in self._recipients(found.get("to")):
            yield DocumentRule(target, None, returns, False, (), charges or (), incomes)

    def _recipients(self, node: Node | None) -> tuple[bytes, ...]:
        if isinstance(node, Text) and node.text in self._lists:
            self.used_lists.add(node.text)
            recipient = Leaf("to", "address", 0, 0, PlaceKind.WORD)
            items = (self._word(item, recipient, None) for item in self._lists[node.text])
            return tuple(item.to_bytes(20, "big") for item in items if item is not None)
        address = self.address(node, "the recipient")
        return () if address is None else (address,)

    def address(self, node: Node | None, what: str) -> bytes | None:
        found = self._reader.text(node, what, self._names.address)
        if found is None or node is None:
            return None
        self._frozen.values[node.place] = found[1]
        return found[0]

    # Calls

    def _call_rule(self, node: Node) -> DocumentRule | None:
        found = Fields(self._problems, node, "the rule", CALL_KEYS)
        function = self._function(found)
        target = self.address(found.get("on"), "the target")
        if function is None or target is None:
            return None
        charges = self._charges(found.get("charge"), function)
        if charges is None:
            return None
        approval = self._approval(found, function, target)
        self._check_charges(found, function, charges, approval)
        self._check_token_rule(found, function, target, charges, approval)
        self._warn_if_not_understood(found, function, target, charges, approval)
        return DocumentRule(
            target=target,
            function=function,
            must_return_true=self._returns_true(found.get("returns true"), function, target),
            approval=approval,
            clauses=self._clauses(found, function, charges, approval),
            charges=charges,
            incomes=self._incomes(found.get("income"), charges),
        )

    def _function(self, found: Fields) -> Function | None:
        node, abi = found.get("call"), found.get("abi")
        if abi is None:
            function = self._reader.text(node, "the function", parse_function)
        else:
            function = self._reader.text(node, "the function", partial(self._from_abi, abi))
            self._frozen.dropped.add(found.keys["abi"])
        if function is None or node is None:
            return None
        self._frozen.values[node.place] = function.text
        self._refuse_function(function, node.place)
        return function

    def _from_abi(self, abi: Node, wanted: str) -> Function:
        known = ", ".join(self._sources.abis) or "none was given"
        if not isinstance(abi, Text) or abi.text not in self._sources.abis:
            what = shown(abi.text) if isinstance(abi, Text) else "that"
            raise Unclear(f"there is no ABI {what}", f"the ABIs are: {known}")
        return from_abi(self._sources.abis[abi.text], wanted)

    def _refuse_function(self, function: Function, place: Place) -> None:
        if function.given:
            self.unsafe(place, "the function is known by its selector alone", "write its signature with its arguments")
        if function.selector == APPROVE:
            return  # permitted as an approval, see _approval
        if (why := why_unbounded(function)) is not None:
            self.unsafe(
                place,
                f"`{function.name}` {why}: no budget bounds it",
                "pay with `transfer(address to, uint256 amount)`",
            )

    def _approval(self, found: Fields, function: Function, target: bytes) -> bool:
        """Whether the rule is an approval that must be gone when the act ends."""
        node = found.get("allowance")
        back_to_zero = fields.exactly(BACK_TO_ZERO, f"write `allowance: {BACK_TO_ZERO}`")
        given = self._reader.text(node, "`allowance`", back_to_zero) or False
        if function.selector != APPROVE:
            if node is not None:
                self._problems.add(found.keys["allowance"], f"{function.name} gives no allowance", "remove `allowance`")
            return False
        if not given:
            self.unsafe(
                found.place_of("call"),
                "`approve` lets another account spend later: no budget bounds it",
                f"pay with `transfer(address to, uint256 amount)`, or, if another call of the act takes the allowance, "
                f"add `allowance: {BACK_TO_ZERO}`",
            )
        elif not any(budget.measured and budget.token.address == target for budget in self._budgets.values()):
            self._problems.add(
                found.place_of("call"),
                "nothing counts what is taken through this approval",
                "add a budget in this token with `measured: yes`",
            )
        return given

    def _check_charges(
        self, found: Fields, function: Function, charges: tuple[DocumentCharge, ...], approval: bool
    ) -> None:
        nothing = fields.exactly("nothing", "write `charge: {<budget>: <argument>}`, or `charges: nothing`")
        says_nothing = self._reader.text(found.get("charges"), "`charges`", nothing)
        if charges and "charges" in found.keys:
            self._problems.add(
                found.keys["charges"], "the rule charges a budget and says it doesn't", "remove one of the two"
            )
        if charges or approval:
            return
        if not says_nothing:
            self.unsafe(
                found.place,
                "this rule charges no budget: what it spends would be unlimited",
                "add `charge: {<budget>: <argument>}`, or, if it moves nothing of value, `charges: nothing`",
            )
        measured = any(budget.measured for budget in self._budgets.values())
        if not measured and function.name.lower().startswith(_MOVERS):
            self._warnings.add(
                found.place_of("charges"),
                f"`{function.name}` seems to move value, and nothing counts it",
                "charge a budget, or give one `measured: yes`, which counts whatever leaves",
            )

    def _check_token_rule(
        self, found: Fields, function: Function, target: bytes, charges: tuple[DocumentCharge, ...], approval: bool
    ) -> None:
        token = next((token for token in self._names.tokens.values() if token.address == target), None)
        if token is None:
            if function.selector == TRANSFER:
                self.unsafe(found.place_of("on"), "this token is not known", "add it with its decimals under `tokens`")
            return
        if approval or any(budget.measured and budget.token == token for budget in self._budgets.values()):
            return
        if function.selector != TRANSFER:
            self.unsafe(
                found.place_of("call"),
                f"on the token {token.symbol} only `transfer` can be bounded without measuring",
                f"write `transfer(address to, uint256 amount)`, or give a budget in {token.symbol} `measured: yes`",
            )
            return
        bounded = any(
            charge.source is Source.ARGUMENT
            and charge.word == 1
            and (budget := self._budgets.get(charge.budget)) is not None
            and budget.token == token
            for charge in charges
        )
        unread = any(charge.budget not in self._budgets for charge in charges)
        if not bounded and not unread:
            self.unsafe(
                found.place_of("charge"),
                f"nothing bounds how much {token.symbol} this rule moves",
                f"charge a budget in {token.symbol} with the amount",
            )

    def _warn_if_not_understood(
        self, found: Fields, function: Function, target: bytes, charges: tuple[DocumentCharge, ...], approval: bool
    ) -> None:
        tokens = (token.address for token in self._names.tokens.values() if token is not ETHER)
        understood = is_understood(
            function.selector,
            function.words,
            function.dynamics,
            on_token=target in tokens,
            approval=approval,
            sends_ether=any(charge.source is Source.VALUE for charge in charges),
        )
        if not understood and (approval or why_unbounded(function) is None):
            self._warnings.add(
                found.place_of("call"),
                f"of `{function.name}` it is not known whether its effect ends with the act: what goes on after it "
                "counts against no budget",
                "read its code, and tell members what it leaves behind",
            )

    def _returns_true(self, node: Node | None, function: Function, target: bytes) -> bool:
        if node is not None:
            return self._reader.text(node, "`returns true`", fields.yes_or_no) or False
        tokens = (token.address for token in self._names.tokens.values())
        return function.selector in (TRANSFER, APPROVE) and target in tokens

    # Charges and incomes

    def _charges(self, node: Node | None, function: Function | None) -> tuple[DocumentCharge, ...] | None:
        """None when one was refused; the whole rule would then only cause misleading problems."""
        charges = []
        complete = True
        for key, value in self._reader.entries(node, "`charge`"):
            if not self._is_budget(key):
                complete = False
                continue
            read = partial(self._charge, budget=key.text, function=function, place=value.place)
            charge = self._reader.text(value, "what is charged", read)
            if charge is None:
                complete = False
            else:
                charges.append(charge)
        return tuple(charges) if complete else None

    def _is_budget(self, key: Text) -> bool:
        if key.text in self._budget_names:
            return True
        known = ", ".join(self._budget_names) or "none"
        self._problems.add(key.place, f"there is no budget {shown(key.text)}", f"the budgets are: {known}")
        return False

    def _charge(self, text: str, budget: str, function: Function | None, place: Place) -> DocumentCharge:
        if text == "value":
            known = self._budgets.get(budget)
            if known is not None and known.token != ETHER:
                raise Unclear(
                    f"a call's value is ether and the budget {budget} counts {known.token.symbol}",
                    "charge a budget in ETH",
                )
            return DocumentCharge(budget, Source.VALUE, 0, 0)
        leaf = function.leaf(text) if function else None
        if leaf is None or leaf.kind not in (PlaceKind.WORD, PlaceKind.COLUMN):
            chargeable = [leaf.path for leaf in _amount_leaves(function)]
            raise Unclear(
                f"the call has no argument {shown(text)} that could be an amount",
                f"write one of: {', '.join([*chargeable, 'value'])}",
            )
        if not leaf.argument.is_unsigned and leaf.type != WORD_TYPE:
            self.unsafe(place, f"{text} is of type {leaf.type}, which is no amount", "charge an unsigned number")
        if leaf.path.rpartition(".")[2].rstrip("[]").lower().replace("_", "") in _NUMBERS_OF_THINGS:
            self.unsafe(place, f"{text} is the number of a thing, not an amount", "charge an amount, or cap the count")
        return DocumentCharge(budget, Source.ARGUMENT, leaf.word, leaf.column)

    def _incomes(self, node: Node | None, charges: tuple[DocumentCharge, ...]) -> tuple[DocumentIncome, ...]:
        incomes = []
        for key, value in self._reader.entries(node, "`income`"):
            if not self._is_budget(key):
                continue
            budget = self._budgets.get(key.text)
            if budget is None:
                continue
            for ratio in value.items if isinstance(value, Sequence) else (value,):
                read = partial(self._income, budget=budget, charges=charges)
                income = self._reader.text(ratio, "an income", read)
                incomes += [] if income is None else [income]
        return tuple(incomes)

    def _income(self, text: str, budget: DocumentBudget, charges: tuple[DocumentCharge, ...]) -> DocumentIncome:
        ratio = parse_ratio(text, self._names.tokens)
        if ratio.spent != budget.token:
            raise Unclear(
                f"the budget {budget.name} counts {budget.token.symbol}, not {ratio.spent.symbol}",
                f"write how much comes in per {budget.token.symbol}",
            )
        if ratio.received == budget.token:
            raise Unclear("what is spent can't be what comes in", "name another token")
        if not budget.measured and all(charge.budget != budget.name for charge in charges):
            raise Unclear(
                f"this rule doesn't charge {budget.name}", f"charge it, or give {budget.name} `measured: yes`"
            )
        return DocumentIncome(ratio.received.address, budget.name, ratio.numerator, ratio.denominator)

    # Clauses

    def _clauses(
        self, found: Fields, function: Function, charges: tuple[DocumentCharge, ...], approval: bool
    ) -> tuple[DocumentClause, ...]:
        clauses: list[DocumentClause] = []
        open_: set[str] = set()
        for key, value in self._reader.entries(found.get("where"), "`where`"):
            if key.text == THE_REST and self._read_back:
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
        self._check_bounded(found, function, clauses, charges, open_)
        return tuple(clauses)

    def _warn_of_anything(self, place: Place, leaf: Leaf, approval: bool) -> None:
        if approval and leaf.word == 0:
            self.unsafe(place, "anybody may be given the allowance", "name the contract that takes it")
        elif not approval:
            self._warnings.add(place, f"{leaf.path} may be anything", "name what it may be, if you can")

    def _unknown_argument(self, key: Text, function: Function) -> None:
        paths = [leaf.path for leaf in function.leaves]
        inside = [path for path in paths if path.startswith((f"{key.text}.", f"{key.text}["))]
        self._problems.add(
            key.place,
            f"the function has no argument {shown(key.text)}" if not inside else f"{key.text} has several parts",
            f"{'its arguments are' if not inside else 'write one of'}: {', '.join((inside or paths)[:20]) or 'none'}",
        )

    def _token_of(self, leaf: Leaf, charges: tuple[DocumentCharge, ...]) -> Token | None:
        """What the value counts, where the budgets that it is charged to agree."""
        tokens = {
            self._budgets[charge.budget].token
            for charge in charges
            if charge.source is Source.ARGUMENT
            and (charge.word, charge.column) == (leaf.word, leaf.column)
            and charge.budget in self._budgets
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
            bound = Fields(self._problems, node, f"the bound on {argument.name}", "equals?|one of?")
            read = partial(hash_of_content, type_=argument.type)
            value = self._reader.text(bound.get("equals"), "the bytes", read)
            if value is not None:
                yield DocumentClause(hash_.word, hash_.column, Kind.EQUAL, (value,))
            items = (
                self._reader.text(item, "the bytes", read) for item in self._reader.items(bound.get("one of"), "it")
            )
            values = {item for item in items if item is not None}
            if values:
                yield DocumentClause(hash_.word, hash_.column, Kind.IN_LIST, tuple(sorted(values)))

    def _refuse_any_bytes(self, place: Place, argument: Argument) -> None:
        if argument.type == "string":
            self._warnings.add(place, f"{argument.name} may be any text", "name what it may say, if you can")
        else:
            self.unsafe(
                place,
                f"nothing bounds the bytes {argument.name}: they can order whatever their reader can do",
                f"write `{argument.name}: {EMPTY}`, or the exact bytes as `{argument.name}: {{equals: 0x…}}`",
            )

    def _leaf_clauses(self, node: Node, leaf: Leaf, token: Token | None) -> Iterator[DocumentClause]:
        """One bound, or several which must all hold."""
        bounds = self._reader.items(node, f"the bounds on {leaf.path}") if isinstance(node, Sequence) else (node,)
        clauses = [clause for item in bounds for clause in self._bound(item, leaf, token)]
        self._check_exclusions(node.place, leaf, clauses)
        yield from clauses

    def _check_exclusions(self, place: Place, leaf: Leaf, clauses: list[DocumentClause]) -> None:
        """A word that differs only in bits which the called contract cuts off is another word to the module."""
        highest = highest_word(leaf.type) if leaf.kind in (PlaceKind.WORD, PlaceKind.COLUMN) else UINT256_MAX
        excludes = any(clause.kind is Kind.NOT_EQUAL for clause in clauses)
        if highest == UINT256_MAX or not excludes or any(_keeps_below(clause, highest) for clause in clauses):
            return
        self.unsafe(
            place,
            f"`not` alone keeps nothing out of {leaf.path}: with more bits than the type {leaf.type} has it is another "
            "value here, and may be the same one to the called contract",
            "write `one of` with what may stand there"
            if highest is None or leaf.type == "address"
            else f"add `at most: {highest}`",
        )

    def _bound(self, node: Node, leaf: Leaf, token: Token | None) -> Iterator[DocumentClause]:
        bound = Fields(self._problems, node, f"the bound on {leaf.path}", "|".join(f"{key}?" for key in KINDS))
        if isinstance(node, MappingNode) and not node.entries:
            self._problems.add(node.place, f"nothing bounds {leaf.path}", f"write one of: {', '.join(KINDS)}")
        for key, kind in KINDS.items():
            value = bound.get(key)
            if value is None:
                continue
            if kind in ORDERED and not leaf.argument.is_unsigned and leaf.type != WORD_TYPE:
                self.unsafe(bound.keys[key], f"a value of type {leaf.type} has no order", "write `equals` or `one of`")
            if kind is Kind.IN_LIST:
                yield from self._in_list(value, leaf, token)
            elif (word := self._word(value, leaf, token)) is not None:
                yield DocumentClause(leaf.word, leaf.column, kind, (word,))

    def _word(self, node: Node, leaf: Leaf, token: Token | None) -> int | None:
        found = self._reader.text(node, "the bound", lambda text: self._values.word(text, leaf, token))
        if found is None:
            return None
        self._frozen.values[node.place] = found[1]
        return found[0]

    def _in_list(self, node: Node, leaf: Leaf, token: Token | None) -> Iterator[DocumentClause]:
        if isinstance(node, Text):
            yield from self._in_named_list(node, leaf, token)
            return
        words = self._words(self._reader.items(node, "`one of`"), leaf, token)
        if words:
            yield DocumentClause(leaf.word, leaf.column, Kind.IN_LIST, words)

    def _in_named_list(self, node: Text, leaf: Leaf, token: Token | None) -> Iterator[DocumentClause]:
        if node.text not in self._lists:
            known = ", ".join(self._lists) or "none"
            self._problems.add(node.place, f"there is no list {shown(node.text)}", f"the lists are: {known}")
            return
        self.used_lists.add(node.text)
        words = self.read_list(node.text, leaf, token)
        if self.list_words.setdefault(node.text, words) != words:
            self._problems.add(
                node.place,
                f"the list {node.text} stands for other values here than where it was used before",
                "write a list of its own for each kind of argument",
            )
        if words:
            yield DocumentClause(leaf.word, leaf.column, Kind.IN_LIST, words, node.text)

    def read_list(self, name: str, leaf: Leaf, token: Token | None) -> tuple[int, ...]:
        """The words of a named list, for the kind of value that it bounds."""
        return self._words(self._lists[name], leaf, token)

    def _words(self, items: tuple[Node, ...], leaf: Leaf, token: Token | None) -> tuple[int, ...]:
        words: set[int] = set()
        for item in items:
            word = self._word(item, leaf, token)
            if word in words:
                self._problems.add(item.place, "this stands twice in the list", "remove it")
            elif word is not None:
                words.add(word)
        return tuple(sorted(words))

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
            self.unsafe(
                found.place_of("where"),
                f"nothing bounds the argument {argument}",
                f"add `{argument}: ...` under `where`, or say `{argument}: anything`",
            )


def _amount_leaves(function: Function | None) -> list[Leaf]:
    leaves = function.leaves if function else ()
    return [leaf for leaf in leaves if leaf.argument.is_unsigned and leaf.kind in (PlaceKind.WORD, PlaceKind.COLUMN)]


def _bytes_argument(function: Function, name: str) -> Argument | None:
    return next((one for one in function.arguments if one.name == name and one.type in ("bytes", "string")), None)
