# SPDX-License-Identifier: Apache-2.0
"""The policy as people write it: YAML, version 1 (docs/policies.md), read into a validated PolicyDocument.

Reading is strict: what could be read in two ways, permits more than it shows, or does nothing, is refused with file,
line, column and what to write in its place. All problems are reported at once where that is possible.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import rfc8785

from policies import amounts, units, yaml_tree
from policies.amounts import ETHER, Token, Unclear
from policies.code import Kind, Scope, Source
from policies.primitives import checksum, is_hex_address, keccak
from policies.problems import Place, PolicyError, Problem, Problems, shown
from policies.signatures import TRANSFER, Argument, Function, parse_function, why_unbounded
from policies.yaml_tree import Mapping, Node, Sequence, Text

__all__ = ["DocumentBudget", "DocumentRule", "PolicyDocument", "PolicyError", "Problem", "load"]

VERSION = 1
MAX_SECONDS = 2**32 - 1
MAX_HOURS = 2**24 - 1
MIN_PERIOD_S = 7
MAX_EACH = 255
ANYTHING = ("anything", "anyone")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _.-]{0,31}")
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,15}")
_SCOPES = {"policy": Scope.POLICY, "agent": Scope.AGENT, "dao": Scope.DAO}
_KINDS = {
    "equals": Kind.EQUAL,
    "not": Kind.NOT_EQUAL,
    "at most": Kind.AT_MOST,
    "at least": Kind.AT_LEAST,
    "one of": Kind.IN_LIST,
    "cap": Kind.CAP,
}
_ORDERED = (Kind.AT_MOST, Kind.AT_LEAST, Kind.CAP)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DocumentBudget:
    """A budget; limits in the token's base units, `exponent` the unit they are exact in."""

    name: str
    token: Token
    scope: Scope
    limit: int
    instant_limit: int
    period_s: int
    exponent: int


@dataclass(frozen=True, slots=True)
class DocumentClause:
    """A condition on argument number `word`. `values` has one word, except for IN_LIST."""

    word: int
    kind: Kind
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DocumentCharge:
    """Which budget, by name, and what it is charged with."""

    budget: str
    source: Source
    word: int


@dataclass(frozen=True, slots=True)
class DocumentRule:
    """One permitted function of one target; `function` is None for sending ether with empty data."""

    target: bytes
    function: Function | None
    must_return_true: bool
    clauses: tuple[DocumentClause, ...]
    charges: tuple[DocumentCharge, ...]


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A valid policy document. Times are Unix seconds by the chain's clock, durations seconds.

    `content` is the document in canonical JSON (RFC 8785), every scalar as the text that was written; its keccak256 is
    the document hash that the code carries. `warnings` are unwise, not wrong.
    """

    name: str
    summary: str
    agent: bytes
    operator: bytes
    start_s: int
    end_s: int
    cooldown_s: int
    objection_delay_s: int
    release_window_s: int
    objection_threshold_bps: int
    tokens: tuple[Token, ...]
    addresses: tuple[tuple[str, bytes], ...]
    budgets: tuple[DocumentBudget, ...]
    rules: tuple[DocumentRule, ...]
    content: bytes
    warnings: tuple[Problem, ...]

    @property
    def document_hash(self) -> bytes:
        return keccak(self.content)


def load(text: str, *, source: str = "policy.yaml") -> PolicyDocument:
    """Reads a policy document. `source` names it in messages. Raises PolicyError with all problems found."""
    tree = yaml_tree.parse(text, source)
    problems, warnings = Problems(), Problems()
    policy = _Reading(problems, warnings).policy(tree)
    if policy is None or problems:
        raise PolicyError(source, problems.in_order())
    return policy


class _Fields:
    """A mapping with a known set of keys: reports unknown and missing ones, hands out the rest."""

    def __init__(self, problems: Problems, node: Node | None, what: str, keys: str) -> None:
        self._problems, self._what = problems, what
        self._known = [key.strip("?") for key in keys.split("|")]
        self._entries: dict[str, Node] = {}
        self.place = node.place if node else Place(1, 1)
        self.keys: dict[str, Place] = {}
        if not isinstance(node, Mapping):
            if node is not None:
                problems.add(node.place, f"{what} must be a mapping", f"write keys: {', '.join(self._known)}")
            return
        for key, value in node.entries:
            if key.text in self._known:
                self._entries[key.text], self.keys[key.text] = value, key.place
            else:
                self._unknown(key)
        for name in keys.split("|"):
            if not name.endswith("?") and name not in self._entries:
                problems.add(node.place, f"{what} has no `{name}`", f"add `{name}:`")

    def _unknown(self, key: Text) -> None:
        near = difflib.get_close_matches(key.text, self._known, 1)
        self._problems.add(
            key.place,
            f"{self._what} has no key {shown(key.text)}",
            f"write `{near[0]}`" if near else f"the keys are: {', '.join(self._known)}",
        )

    def get(self, key: str) -> Node | None:
        return self._entries.get(key)


class _Reading:
    """One reading of one document. Methods return None for what they refused and reported."""

    def __init__(self, problems: Problems, warnings: Problems) -> None:
        self._problems, self._warnings = problems, warnings
        self._tokens: dict[str, Token] = {ETHER.symbol: ETHER}
        self._addresses: dict[str, bytes] = {}
        self._lists: dict[str, tuple[Place, tuple[tuple[bytes, Place], ...]]] = {}
        self._used_lists: set[str] = set()
        self._budgets: dict[str, DocumentBudget] = {}
        self._budget_places: dict[str, Place] = {}
        self._seen_addresses: dict[bytes, str] = {}

    def policy(self, tree: Node) -> PolicyDocument | None:
        keys = "version|name|summary?|agent|operator|valid|cooldown|objection|tokens?|addresses?|lists?|budgets?|rules"
        fields = _Fields(self._problems, tree, "the policy", keys)
        if (version := fields.get("version")) and (not isinstance(version, Text) or version.text != str(VERSION)):
            self._problems.add(version.place, "this version of the format is not known", f"write {VERSION}")
        name = self._text(fields.get("name"), "the name", _name)
        summary = self._text(fields.get("summary"), "the summary", str)
        self._read_tokens(fields.get("tokens"))
        self._read_addresses(fields.get("addresses"))
        agent = self._account(fields.get("agent"), "agent")
        operator = self._account(fields.get("operator"), "operator")
        if agent is not None and agent == operator:
            self._problems.add(
                fields.keys["operator"],
                "the operator is the agent",
                "name another account: it signs what the agent may plan",
            )
        valid = self._valid(fields.get("valid"))
        cooldown_s = self._text(fields.get("cooldown"), "the cooldown", _cooldown)
        objection = self._objection(fields.get("objection"))
        self._read_lists(fields.get("lists"))
        self._read_budgets(fields.get("budgets"))
        rules = tuple(self._rules(fields.get("rules")))
        self._check_whole(fields, rules)
        if (
            name is None
            or agent is None
            or operator is None
            or valid is None
            or cooldown_s is None
            or objection is None
        ):
            return None
        self._warn_about_recipients(fields, rules, agent, operator)
        return PolicyDocument(
            name=name,
            summary=summary or "",
            agent=agent,
            operator=operator,
            start_s=valid[0],
            end_s=valid[1],
            cooldown_s=cooldown_s,
            objection_delay_s=objection[0],
            release_window_s=objection[1],
            objection_threshold_bps=objection[2],
            tokens=tuple(token for token in self._tokens.values() if token is not ETHER),
            addresses=tuple(self._addresses.items()),
            budgets=tuple(self._budgets.values()),
            rules=rules,
            content=rfc8785.dumps(yaml_tree.as_json(tree)),
            warnings=self._warnings.in_order(),
        )

    # Plain values

    def _text(self, node: Node | None, what: str, read: Callable[[str], T]) -> T | None:
        if node is None:
            return None
        if not isinstance(node, Text):
            self._problems.add(node.place, f"{what} must be one value", "write it on one line")
            return None
        try:
            return read(node.text)
        except Unclear as unclear:
            self._problems.add(node.place, unclear.problem, unclear.suggestion)
            return None

    def _entries(self, node: Node | None, what: str) -> Iterator[tuple[Text, Node]]:
        if node is None:
            return
        if not isinstance(node, Mapping) or not node.entries:
            self._problems.add(
                node.place, f"{what} must be a mapping with entries", "write `name: ...` on each line, or leave it out"
            )
            return
        yield from node.entries

    def _items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is None:
            return ()
        if not isinstance(node, Sequence) or not node.items:
            self._problems.add(node.place, f"{what} must be a list with items", "write `- ...` on each line")
            return ()
        return node.items

    # Addresses

    def _address(self, text: str) -> bytes:
        if text in self._addresses:
            return self._addresses[text]
        if text in self._tokens and text != ETHER.symbol:
            return self._tokens[text].address
        address = _checksummed(text, (*self._addresses, *self._tokens))
        self._beware_look_alikes(address, checksum(address))
        return address

    def _new_address(self, text: str, name: str) -> bytes:
        address = _checksummed(text, ())
        if address in self._seen_addresses:
            raise Unclear(
                f"{checksum(address)} is already called {self._seen_addresses[address]}",
                "keep one name for one address",
            )
        self._beware_look_alikes(address, name)
        return address

    def _beware_look_alikes(self, address: bytes, name: str) -> None:
        for other, other_name in self._seen_addresses.items():
            if other != address and other[:2] == address[:2] and other[-2:] == address[-2:]:
                raise Unclear(
                    f"{checksum(address)} looks like {other_name} ({checksum(other)}) and is another address",
                    "check which of the two is meant: such pairs are made to be mistaken for each other",
                )
        self._seen_addresses.setdefault(address, name)

    def _account(self, node: Node | None, what: str) -> bytes | None:
        return self._text(node, f"the {what}", self._address)

    def _read_tokens(self, node: Node | None) -> None:
        for key, value in self._entries(node, "`tokens`"):
            symbol = self._text(key, "a token's symbol", self._new_symbol)
            fields = _Fields(self._problems, value, f"the token {key.text}", "address|decimals")
            address = self._text(fields.get("address"), "the address", partial(self._new_address, name=key.text))
            decimals = self._text(fields.get("decimals"), "the decimals", _decimals)
            if symbol is not None and address is not None and decimals is not None:
                self._tokens[symbol] = Token(symbol, address, decimals)

    def _new_symbol(self, text: str) -> str:
        if _SYMBOL.fullmatch(text) is None:
            raise Unclear(f"{shown(text)} is not a token's symbol", "write letters and digits, such as USDC")
        if text.lower() in (known.lower() for known in self._tokens):
            raise Unclear(f"the symbol {text} is taken", "give each token its own symbol (ETH is ether)")
        return text

    def _read_addresses(self, node: Node | None) -> None:
        for key, value in self._entries(node, "`addresses`"):
            name = self._text(key, "a name", self._new_name)
            address = self._text(value, "an address", partial(self._new_address, name=key.text))
            if name is not None and address is not None:
                self._addresses[name] = address

    def _new_name(self, text: str) -> str:
        name = _name(text)
        taken = (*self._addresses, *self._tokens, *ANYTHING)
        if name.lower() in (known.lower() for known in taken):
            raise Unclear(f"the name {name} is taken", "give each address its own name")
        return name

    def _read_lists(self, node: Node | None) -> None:
        for key, value in self._entries(node, "`lists`"):
            items: dict[bytes, Place] = {}
            for item in self._items(value, f"the list {shown(key.text)}"):
                address = self._text(item, "a list's item", self._address)
                if address in items:
                    self._problems.add(item.place, "this address stands twice in the list", "remove it")
                elif address is not None:
                    items[address] = item.place
            if self._text(key, "a list's name", self._new_list_name) is not None:
                self._lists[key.text] = (key.place, tuple(items.items()))

    def _new_list_name(self, text: str) -> str:
        name = _name(text)
        if name.lower() in (known.lower() for known in (*self._lists, *self._addresses, *self._tokens, *ANYTHING)):
            raise Unclear(f"the name {name} is taken", "give the list its own name")
        return name

    # Times

    def _valid(self, node: Node | None) -> tuple[int, int] | None:
        if node is None:
            return None
        fields = _Fields(self._problems, node, "`valid`", "from|until")
        start_s = self._text(fields.get("from"), "the start", amounts.parse_time)
        end_s = self._text(fields.get("until"), "the end", _whole_hour)
        if start_s is None or end_s is None:
            return None
        if start_s >= end_s:
            self._problems.add(fields.keys["until"], "the policy ends before it starts", "write a later end")
            return None
        return start_s, end_s

    def _objection(self, node: Node | None) -> tuple[int, int, int] | None:
        if node is None:
            return None
        fields = _Fields(self._problems, node, "`objection`", "delay|release within|threshold")
        delay_s = self._text(fields.get("delay"), "the delay", _some_time)
        window_s = self._text(fields.get("release within"), "the release window", _some_time)
        bps = self._text(fields.get("threshold"), "the threshold", amounts.parse_share)
        return None if delay_s is None or window_s is None or bps is None else (delay_s, window_s, bps)

    # Budgets

    def _read_budgets(self, node: Node | None) -> None:
        for key, value in self._entries(node, "`budgets`"):
            name = self._text(key, "a budget's name", self._new_budget_name)
            budget = self._budget(name or "", value)
            if name is not None:
                self._budget_places[name] = key.place
                if budget is not None:
                    self._budgets[name] = budget

    def _new_budget_name(self, text: str) -> str:
        name = _name(text)
        if name.lower() in (known.lower() for known in self._budget_places):
            raise Unclear(f"the name {name} is taken", "give each budget its own name")
        return name

    def _budget(self, name: str, node: Node) -> DocumentBudget | None:
        fields = _Fields(self._problems, node, "the budget", "limit|period|without objection|shared by?")
        limit = self._text(fields.get("limit"), "the limit", self._limit)
        instant = self._text(fields.get("without objection"), "the part without objection", self._amount)
        period_s = self._text(fields.get("period"), "the period", _period)
        scope = self._text(fields.get("shared by"), "`shared by`", _scope) if fields.get("shared by") else Scope.POLICY
        if limit is None or instant is None or period_s is None or scope is None:
            return None
        (amount, token), (instant_amount, instant_token) = limit, instant
        if token != instant_token:
            self._problems.add(
                fields.keys["without objection"],
                f"a budget counts one token, here {token.symbol}",
                f"write it in {token.symbol}",
            )
            return None
        if instant_amount > amount:
            self._problems.add(
                fields.keys["without objection"],
                "more is free of objection than the limit allows at all",
                f"write at most {amounts.format_amount(amount, token)}",
            )
            return None
        try:
            exponent = units.choose_exponent(amount, instant_amount)
        except units.InexactLimit as inexact:
            key = "limit" if inexact.amount == amount else "without objection"
            self._problems.add(
                fields.keys[key],
                f"{amounts.format_amount(inexact.amount, token)} can't be held exactly",
                f"write {amounts.format_amount(inexact.below, token)} or {amounts.format_amount(inexact.above, token)}",
            )
            return None
        if exponent > 228:
            self._problems.add(fields.keys["limit"], "the limit is larger than any supply", "write the amount you mean")
            return None
        return DocumentBudget(name, token, scope, amount, instant_amount, period_s, exponent)

    def _amount(self, text: str) -> tuple[int, Token]:
        return amounts.parse_amount(text, self._tokens)

    def _limit(self, text: str) -> tuple[int, Token]:
        if text.lower() in ("unlimited", "none", "infinite", "max", "any"):
            raise Unclear("an unlimited budget is none", "write the most that may be spent in one period")
        amount, token = self._amount(text)
        if amount == 0:
            raise Unclear("a budget of nothing permits nothing", "write an amount, or remove the budget and its rules")
        return amount, token

    # Rules

    def _rules(self, node: Node | None) -> Iterator[DocumentRule]:
        for item in self._items(node, "`rules`"):
            if isinstance(item, Mapping) and any(key.text == "send" for key, _ in item.entries):
                yield from self._send_rules(item)
            elif (rule := self._call_rule(item)) is not None:
                yield rule

    def _send_rules(self, node: Mapping) -> Iterator[DocumentRule]:
        """`send: ETH` with empty data: one rule for each recipient."""
        fields = _Fields(self._problems, node, "the rule", "send|to|charge")
        self._text(fields.get("send"), "`send`", _ether)
        charges = self._charges(fields.get("charge"), None)
        if charges is not None and not charges:
            self._problems.add(
                fields.place, "ether that no budget is charged with can't be sent", "add `charge: {<budget>: value}`"
            )
        for target in self._recipients(fields.get("to")):
            yield DocumentRule(target, None, False, (), charges or ())

    def _recipients(self, node: Node | None) -> tuple[bytes, ...]:
        if isinstance(node, Text) and node.text in self._lists:
            self._used_lists.add(node.text)
            return tuple(address for address, _ in self._lists[node.text][1])
        address = self._text(node, "the recipient", self._address)
        return () if address is None else (address,)

    def _call_rule(self, node: Node) -> DocumentRule | None:
        keys = "call|on|where?|charge?|charges?|returns true?"
        fields = _Fields(self._problems, node, "the rule", keys)
        function = self._text(fields.get("call"), "the function", _permitted_function)
        target = self._text(fields.get("on"), "the target", self._address)
        if function is None or target is None:
            return None
        charges = self._charges(fields.get("charge"), function)
        if charges is None:
            return None
        nothing = self._text(fields.get("charges"), "`charges`", _nothing)
        if not charges and nothing is None:
            self._problems.add(
                fields.place,
                "this rule charges no budget: what it spends would be unlimited",
                "add `charge: {<budget>: <argument>}`, or, if it moves nothing of value, `charges: nothing`",
            )
        if charges and "charges" in fields.keys:
            self._problems.add(
                fields.keys["charges"], "the rule charges a budget and says it doesn't", "remove one of the two"
            )
        self._check_token_rule(fields, function, target, charges)
        clauses = self._clauses(fields, function, charges)
        must_return_true = self._returns_true(fields.get("returns true"), function, target)
        return DocumentRule(target, function, must_return_true, clauses, charges)

    def _check_token_rule(
        self, fields: _Fields, function: Function, target: bytes, charges: tuple[DocumentCharge, ...]
    ) -> None:
        token = next((token for token in self._tokens.values() if token.address == target), None)
        if token is None:
            if function.selector == TRANSFER:
                self._problems.add(
                    fields.keys["on"], "this token is not known", "add it with its decimals under `tokens`"
                )
            return
        if function.selector != TRANSFER:
            self._problems.add(
                fields.keys["call"],
                f"on the token {token.symbol} only `transfer` can be bounded",
                "write `transfer(address to, uint256 amount)`",
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
            amount = function.arguments[1].name
            self._problems.add(
                fields.keys.get("charge", fields.place),
                f"nothing bounds how much {token.symbol} this rule moves",
                f"charge a budget in {token.symbol} with `{amount}`",
            )

    def _charges(self, node: Node | None, function: Function | None) -> tuple[DocumentCharge, ...] | None:
        """None when one was refused; the whole rule would then only cause misleading problems."""
        charges = []
        complete = True
        for key, value in self._entries(node, "`charge`"):
            if key.text not in self._budget_places:
                known = ", ".join(self._budget_places) or "none"
                self._problems.add(key.place, f"there is no budget {shown(key.text)}", f"the budgets are: {known}")
                complete = False
                continue
            charge = self._text(value, "what is charged", partial(self._charge, budget=key.text, function=function))
            if charge is None:
                complete = False
            else:
                charges.append(charge)
        return tuple(charges) if complete else None

    def _charge(self, text: str, budget: str, function: Function | None) -> DocumentCharge:
        if text == "value":
            known = self._budgets.get(budget)
            if known is not None and known.token != ETHER:
                raise Unclear(
                    f"a call's value is ether and the budget {budget} counts {known.token.symbol}",
                    "charge a budget in ETH",
                )
            return DocumentCharge(budget, Source.VALUE, 0)
        index = function.index(text) if function else None
        if function is None or index is None:
            names = ", ".join(argument.name for argument in function.arguments) if function else ""
            raise Unclear(
                f"the call has no argument {shown(text)}", f"write one of: {names + ', ' if names else ''}value"
            )
        if not function.arguments[index].is_unsigned:
            raise Unclear(
                f"{text} is of type {function.arguments[index].type}, which is no amount", "charge an unsigned number"
            )
        return DocumentCharge(budget, Source.ARGUMENT, index)

    def _returns_true(self, node: Node | None, function: Function, target: bytes) -> bool:
        if node is not None:
            return self._text(node, "`returns true`", _yes_or_no) or False
        return function.selector == TRANSFER and any(token.address == target for token in self._tokens.values())

    def _clauses(
        self, fields: _Fields, function: Function, charges: tuple[DocumentCharge, ...]
    ) -> tuple[DocumentClause, ...]:
        clauses: list[DocumentClause] = []
        named: set[int] = {charge.word for charge in charges if charge.source is Source.ARGUMENT}
        tokens = {
            charge.word: self._budgets[charge.budget].token
            for charge in charges
            if charge.source is Source.ARGUMENT and charge.budget in self._budgets
        }
        for key, value in self._entries(fields.get("where"), "`where`"):
            index = function.index(key.text)
            if index is None:
                names = ", ".join(argument.name for argument in function.arguments) or "none"
                self._problems.add(
                    key.place, f"the function has no argument {shown(key.text)}", f"its arguments are: {names}"
                )
                continue
            named.add(index)
            argument = function.arguments[index]
            if isinstance(value, Text) and value.text in ANYTHING:
                self._warnings.add(value.place, f"{argument.name} may be anything", "name what it may be, if you can")
            else:
                clauses.extend(self._argument_clauses(value, index, argument, tokens.get(index)))
        for index, argument in enumerate(function.arguments):
            if index not in named:
                self._problems.add(
                    fields.keys.get("where", fields.place),
                    f"nothing bounds the argument {argument.name}",
                    f"add `{argument.name}: ...` under `where`, or say `{argument.name}: anything`",
                )
        return tuple(clauses)

    def _argument_clauses(
        self, node: Node, index: int, argument: Argument, token: Token | None
    ) -> Iterator[DocumentClause]:
        fields = _Fields(self._problems, node, f"the bound on {argument.name}", "|".join(f"{key}?" for key in _KINDS))
        if isinstance(node, Mapping) and not node.entries:
            self._problems.add(node.place, f"nothing bounds {argument.name}", f"write one of: {', '.join(_KINDS)}")
        for key, kind in _KINDS.items():
            value = fields.get(key)
            if value is None:
                continue
            if kind in _ORDERED and not argument.is_unsigned:
                self._problems.add(fields.keys[key], f"a {argument.type} has no order", "write `equals` or `one of`")
                continue
            values = self._one_of(value, argument, token) if kind is Kind.IN_LIST else self._one(value, argument, token)
            if values:
                yield DocumentClause(index, kind, values)

    def _one(self, node: Node, argument: Argument, token: Token | None) -> tuple[int, ...]:
        value = self._text(node, "the bound", lambda text: self._value(text, argument, token))
        return () if value is None else (value,)

    def _one_of(self, node: Node, argument: Argument, token: Token | None) -> tuple[int, ...]:
        if isinstance(node, Text):
            if node.text not in self._lists or argument.type != "address":
                known = ", ".join(self._lists) or "none"
                self._problems.add(
                    node.place, f"there is no list {shown(node.text)}", f"the lists of addresses are: {known}"
                )
                return ()
            self._used_lists.add(node.text)
            return tuple(sorted(int.from_bytes(address, "big") for address, _ in self._lists[node.text][1]))
        values: set[int] = set()
        for item in self._items(node, "`one of`"):
            value = self._text(item, "an item", lambda text: self._value(text, argument, token))
            if value in values:
                self._problems.add(item.place, "this stands twice in the list", "remove it")
            elif value is not None:
                values.add(value)
        return tuple(sorted(values))

    def _value(self, text: str, argument: Argument, token: Token | None) -> int:
        """The word that the text stands for, by the argument's type."""
        if argument.type == "address":
            return int.from_bytes(self._address(text), "big")
        if argument.type == "bool":
            return int(_yes_or_no(text))
        if argument.type.startswith("bytes"):
            return _fixed_bytes(text, int(argument.type[5:]))
        if argument.type.startswith("int"):
            return _signed(text, int(argument.type[3:]))
        value = self._number(text, token)
        argument.check(value)
        return value

    def _number(self, text: str, token: Token | None) -> int:
        if re.fullmatch(r"0|[1-9][0-9]{0,77}", text) and token is None:
            return int(text)
        value, written = self._amount(text)
        if token is not None and written != token:
            raise Unclear(f"this argument counts {token.symbol}", f"write the amount in {token.symbol}")
        return value

    # The whole

    def _check_whole(self, fields: _Fields, rules: tuple[DocumentRule, ...]) -> None:
        charged = {charge.budget for rule in rules for charge in rule.charges}
        for name, place in self._budget_places.items():
            if name not in charged and not self._problems:
                self._problems.add(place, f"no rule charges the budget {name}", "charge it in a rule, or remove it")
        for name, (place, _) in self._lists.items():
            if name not in self._used_lists and not self._problems:
                self._problems.add(place, f"no rule uses the list {name}", "use it in a rule, or remove it")
        place = fields.keys.get("rules", fields.place)
        if len(rules) > MAX_EACH or len(self._budgets) > MAX_EACH:
            self._problems.add(place, f"there are more than {MAX_EACH} rules or budgets", "split the policy")
        if len(set(rules)) < len(rules):
            self._problems.add(place, "the same rule stands twice", "remove one of them")
        keys = [(rule.target, rule.function and rule.function.selector) for rule in rules]
        if len(set(keys)) < len(keys):
            self._warnings.add(
                place,
                "several rules permit the same function",
                "the first whose clauses all hold applies; caps hold for each rule alone",
            )

    def _warn_about_recipients(
        self, fields: _Fields, rules: tuple[DocumentRule, ...], agent: bytes, operator: bytes
    ) -> None:
        paid = {
            value
            for rule in rules
            if rule.function is not None
            for clause in rule.clauses
            if clause.kind in (Kind.IN_LIST, Kind.EQUAL) and rule.function.arguments[clause.word].type == "address"
            for value in clause.values
        } | {int.from_bytes(rule.target, "big") for rule in rules if rule.function is None}
        for key, address in (("agent", agent), ("operator", operator)):
            if int.from_bytes(address, "big") in paid:
                self._warnings.add(
                    fields.keys[key],
                    f"the {key} may pay itself",
                    "leave it out of the recipients, unless that is meant",
                )


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None or text != text.strip():
        raise Unclear(
            f"{shown(text)} is not a name", "write 1 to 32 letters, digits, spaces or .-_ beginning with a letter"
        )
    return text


def _checksummed(text: str, names: tuple[str, ...]) -> bytes:
    if not is_hex_address(text):
        near = difflib.get_close_matches(text, names, 1)
        raise Unclear(
            f"{shown(text)} is not an address" + (" or a known name" if names else ""),
            f"write `{near[0]}`" if near else "write 0x and 40 hexadecimal digits, or add the name under `addresses`",
        )
    address = bytes.fromhex(text[2:])
    if not any(address):
        raise Unclear("the zero address is nobody", "write the address you mean")
    if checksum(address) != text:
        raise Unclear(
            f"{text} has no valid checksum (EIP-55): a digit may be wrong",
            f"copy it again from its source, and only if it is right write {checksum(address)}",
        )
    return address


def _decimals(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text) or int(text) > 36:
        raise Unclear(
            f"{shown(text)} is not a number of decimals", "write what the token's decimals() answers, such as 6"
        )
    return int(text)


def _seconds(text: str) -> int:
    seconds = amounts.parse_duration(text)
    if seconds > MAX_SECONDS:
        raise Unclear(f"{shown(text)} is longer than fits", "write at most 136 years")
    return seconds


def _cooldown(text: str) -> int:
    return 0 if text == "none" else _seconds(text)


def _some_time(text: str) -> int:
    seconds = _seconds(text)
    if seconds == 0:
        raise Unclear("no time at all lets nobody object", "write a duration, such as `2 days`")
    return seconds


def _period(text: str) -> int:
    seconds = _seconds(text)
    if seconds < MIN_PERIOD_S:
        raise Unclear(f"a period has at least {MIN_PERIOD_S} seconds", "write a longer one, such as `24 days`")
    return seconds


def _whole_hour(text: str) -> int:
    seconds = amounts.parse_time(text)
    if seconds % 3600:
        raise Unclear("a policy ends at a whole hour", f"write {amounts.format_time(seconds - seconds % 3600)}")
    if seconds // 3600 > MAX_HOURS:
        raise Unclear(f"{shown(text)} is later than fits", "write an earlier end")
    return seconds


def _scope(text: str) -> Scope:
    if text not in _SCOPES:
        raise Unclear(f"{shown(text)} shares no budget", f"write one of: {', '.join(_SCOPES)}")
    return _SCOPES[text]


def _ether(text: str) -> str:
    if text != ETHER.symbol:
        raise Unclear(
            "only ether is sent without a call", "write `call: transfer(address to, uint256 amount)` for tokens"
        )
    return text


def _nothing(text: str) -> bool:
    if text != "nothing":
        raise Unclear(
            f"{shown(text)} is not `nothing`", "write `charge: {<budget>: <argument>}`, or `charges: nothing`"
        )
    return True


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no", "true", "false"):
        raise Unclear(f"{shown(text)} is neither yes nor no", "write yes or no")
    return text in ("yes", "true")


def _permitted_function(text: str) -> Function:
    function = parse_function(text)
    if (why := why_unbounded(function)) is not None:
        raise Unclear(
            f"`{function.name}` {why}: no budget bounds it", "pay with `transfer(address to, uint256 amount)`"
        )
    return function


def _fixed_bytes(text: str, size: int) -> int:
    if not re.fullmatch(rf"0x[0-9a-fA-F]{{{2 * size}}}", text):
        raise Unclear(f"{shown(text)} is not {size} bytes", f"write 0x and {2 * size} hexadecimal digits")
    return int(text, 16) << 8 * (32 - size)


def _signed(text: str, bits: int) -> int:
    if not re.fullmatch(r"0|-?[1-9][0-9]{0,77}", text) or not -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1):
        raise Unclear(f"{shown(text)} is not an int{bits}", "write a whole number that fits")
    return int(text) % 2**256
