# SPDX-License-Identifier: Apache-2.0
"""Policy code as a document that compiles back to the same bytes, whoever wrote the code.

Names, tokens and functions are lent by the caller and only label what the code says. What is not known is written raw:
addresses in full, functions by their selector, arguments as words, amounts in base units.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from policies.code.policy_code import Clause, Kind, PlaceKind, PolicyCode, Rule, Scope, Source
from policies.code.signatures import TRANSFER, WORD_TYPE, Argument, Function, Leaf
from policies.code.units import InexactLimit, choose_exponent
from policies.document.charge_reading import VALUE, VALUE_ARGUMENT, VALUE_ETHER
from policies.document.clause_reading import KINDS, THE_REST
from policies.document.fields import is_name, is_symbol
from policies.document.naming import ANYTHING
from policies.document.rule_reading import BACK_TO_ZERO
from policies.notation.amounts import ETHER, Token, format_share, write_amount, write_duration, write_time
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import checksum
from policies.notation.ratios import Ratio, write_ratio

_WORDS = {kind: text for text, kind in KINDS.items()}
_TRANSFER = Function("transfer", (Argument("address", "to"), Argument("uint256", "amount")))


def document_of(
    policy: PolicyCode,
    *,
    name: str = "policy",
    names: Mapping[bytes, str] | None = None,
    tokens: Mapping[bytes, Token] | None = None,
    functions: Mapping[bytes, Function] | None = None,
) -> str:
    """The YAML that `load(text, read_back=True)` reads and `encode` turns into the same code.

    `name` is what the policy is called: the code doesn't hold it. `names` and `tokens` are by address, `functions` by
    selector; those that don't fit the code, or are no names, are left out.
    """
    writer = _Writer(policy, {TRANSFER: _TRANSFER, **(functions or {})})
    writer.name_tokens(tokens or {})
    writer.name_addresses(names or {})
    writer.name_budgets()
    return "\n".join(writer.lines(name)) + "\n"


@dataclass(slots=True)
class _Writer:
    policy: PolicyCode
    functions: Mapping[bytes, Function]
    tokens: dict[bytes, Token] = field(default_factory=lambda: {ETHER.address: ETHER})
    undecided: set[bytes] = field(default_factory=set)
    names: dict[bytes, str] = field(default_factory=dict)
    budgets: list[str] = field(default_factory=list)

    # Labels

    def name_tokens(self, lent: Mapping[bytes, Token]) -> None:
        """A symbol for every asset of a budget or an income."""
        assets = [budget.asset for budget in self.policy.budgets]
        assets += [income.asset for rule in self.policy.rules for income in rule.incomes]
        for asset in dict.fromkeys(assets):
            if asset in self.tokens:
                continue
            token = lent.get(asset)
            taken = {known.symbol.lower() for known in self.tokens.values()}
            if token is not None and is_symbol(token.symbol) and token.symbol.lower() not in taken:
                self.tokens[asset] = Token(token.symbol, asset, token.decimals)
            else:
                symbol = next(f"T{n}" for n in range(1, 1000) if f"t{n}" not in taken)
                self.tokens[asset] = Token(symbol, asset, token.decimals if token else 0)
                self.undecided |= set() if token else {asset}

    def name_addresses(self, lent: Mapping[bytes, str]) -> None:
        """The lent names of the addresses that the policy names."""
        taken = {token.symbol.lower() for token in self.tokens.values()} | set(ANYTHING)
        taken |= {self._list_name(index).lower() for index in range(len(self.policy.lists))}
        for address in dict.fromkeys(self._mentioned()):
            name = lent.get(address, "")
            if address not in self.tokens and any(address) and is_name(name) and name.lower() not in taken:
                self.names[address] = name
                taken.add(name.lower())

    def _mentioned(self) -> Iterator[bytes]:
        yield self.policy.agent
        yield self.policy.operator
        words = [clause.operand for rule in self.policy.rules for clause in rule.clauses if clause.kind is Kind.EQUAL]
        for word in (*words, *(item for items in self.policy.lists for item in items)):
            if word < 2**160:
                yield word.to_bytes(20, "big")
        for rule in self.policy.rules:
            yield rule.target

    def name_budgets(self) -> None:
        for index, budget in enumerate(self.policy.budgets):
            taken = {name.lower() for name in self.budgets}
            free = is_name(budget.label) and budget.label.lower() not in taken
            self.budgets.append(budget.label if free else self._numbered("budget", index, taken))

    def _numbered(self, what: str, index: int, taken: Iterable[str]) -> str:
        used = {*taken, *(budget.label.lower() for budget in self.policy.budgets)}
        return next(name for n in range(index, index + 1000) if (name := f"{what} {n}") not in used)

    def _list_name(self, index: int) -> str:
        return f"list {index}"

    # The document

    def lines(self, name: str) -> Iterator[str]:
        policy = self.policy
        yield "# Read back from policy code: `manage.py policy compile --read-back` gives the same code again."
        yield "version: 1"
        yield f"name: {_text(name if is_name(name) else 'policy')}"
        yield f"found hash: {_text(hex_text(policy.document_hash))}"
        yield f"agent: {self._address(policy.agent)}"
        yield f"operator: {self._address(policy.operator)}"
        yield f"valid: {{from: {write_time(policy.start_s)}, until: {write_time(policy.end_s)}}}"
        yield f"cooldown: {_time(policy.cooldown_s)}"
        yield "objection:"
        yield f"  delay: {_time(policy.objection_delay_s)}"
        yield f"  release within: {_time(policy.release_window_s)}"
        yield f"  threshold: {format_share(policy.objection_threshold_bps)}"
        yield from self._section("tokens", self._token_lines())
        yield from self._section("addresses", (f"{_text(name)}: {_quoted(at)}" for at, name in self.names.items()))
        yield from self._section("lists", self._list_lines())
        yield from self._section("budgets", self._budget_lines())
        yield "rules:"
        for rule in policy.rules:
            yield from self._rule_lines(rule)

    def _section(self, key: str, lines: Iterable[str]) -> Iterator[str]:
        for index, line in enumerate(lines):
            if index == 0:
                yield f"{key}:"
            yield f"  {line}"

    def _token_lines(self) -> Iterator[str]:
        for address, token in self.tokens.items():
            if address != ETHER.address:
                decimals = "unknown" if address in self.undecided else str(token.decimals)
                yield f"{token.symbol}: {{address: {_quoted(address)}, decimals: {decimals}}}"

    def _address(self, address: bytes) -> str:
        if address in self.names:
            return _text(self.names[address])
        if address in self.tokens and address != ETHER.address:
            return self.tokens[address].symbol
        return _quoted(address)

    def _list_lines(self) -> Iterator[str]:
        for index, items in enumerate(self.policy.lists):
            leaves = list(self._uses_of_list(index))
            as_addresses = bool(leaves) and all(leaf is not None and leaf.type == "address" for leaf in leaves)
            texts = (self._address_word(item) if as_addresses else _raw(item) for item in items)
            yield f"{self._list_name(index)}: [{', '.join(texts)}]"

    def _uses_of_list(self, index: int) -> Iterator[Leaf | None]:
        """What the list is compared with, wherever it is."""
        for rule in self.policy.rules:
            for clause in rule.clauses:
                if clause.kind is Kind.IN_LIST and clause.operand == index:
                    yield self._leaf(rule, clause)

    def _address_word(self, word: int) -> str:
        return self._address(word.to_bytes(20, "big")) if 0 < word < 2**160 else _raw(word)

    # Budgets

    def _budget_lines(self) -> Iterator[str]:
        for budget, name in zip(self.policy.budgets, self.budgets, strict=True):
            token = self.tokens[budget.asset]
            limit, instant = budget.base_units(budget.limit), budget.base_units(budget.instant_limit)
            yield f"{_text(name)}:"
            yield f"  limit: {write_amount(limit, token)}"
            yield f"  period: {write_duration(budget.period_s)}"
            yield f"  without objection: {write_amount(instant, token)}"
            if budget.scope is not Scope.POLICY:
                yield f"  shared by: {budget.scope.name.lower()}"
            if budget.measured:
                yield "  measured: yes"
            if budget.exponent != _usual_exponent(limit, instant):
                yield f"  unit: {write_amount(budget.unit, token)}"
            if name != budget.label:
                code_name = budget.name.rstrip(b"\0").decode("ascii")
                yield f"  name in the code: {_text(code_name)}"

    # Rules

    def _rule_lines(self, rule: Rule) -> Iterator[str]:
        if rule.no_selector:
            yield "  - send: ETH"
            yield f"    to: {self._address(rule.target)}"
        else:
            yield f"  - call: {_text(self._function(rule).text)}"
            yield f"    on: {self._address(rule.target)}"
            yield from self._where_lines(rule)
        if rule.charges:
            yield f"    charge: {{{', '.join(self._charges(rule))}}}"
        elif not rule.no_selector:
            yield "    charges: nothing"
        yield from self._income_lines(rule)
        yield f"    returns true: {'yes' if rule.must_return_true else 'no'}"
        if rule.approval:
            yield f"    allowance: {BACK_TO_ZERO}"

    def _function(self, rule: Rule) -> Function:
        """The lent function where it has the rule's form, or the selector with words."""
        function = self.functions.get(rule.selector)
        fits = (
            function is not None
            and function.selector == rule.selector
            and (function.words, function.dynamics) == (rule.words, rule.dynamics)
        )
        return function if function is not None and fits else _raw_function(rule)

    def _leaf(self, rule: Rule, clause: Clause) -> Leaf | None:
        return self._function(rule).leaf_at(clause.word, clause.column)

    def _where_lines(self, rule: Rule) -> Iterator[str]:
        function = self._function(rule)
        is_open = _is_open(rule, function)
        if rule.clauses or is_open:
            yield "    where:"
        for place in dict.fromkeys((clause.word, clause.column) for clause in rule.clauses):
            leaf = function.leaf_at(*place)
            bounds = [
                self._bound(rule, clause, leaf) for clause in rule.clauses if (clause.word, clause.column) == place
            ]
            if leaf is not None:
                yield f"      {_text(leaf.path)}: [{', '.join(bounds)}]"
        if is_open:
            yield f"      {THE_REST}: anything"

    def _bound(self, rule: Rule, clause: Clause, leaf: Leaf | None) -> str:
        if clause.kind is Kind.IN_LIST:
            return f"{{{_WORDS[clause.kind]}: {self._list_name(clause.operand)}}}"
        return f"{{{_WORDS[clause.kind]}: {self._value(rule, clause, leaf)}}}"

    def _value(self, rule: Rule, clause: Clause, leaf: Leaf | None) -> str:
        """The operand as the argument's type reads it, or as a raw word."""
        word = clause.operand
        if leaf is None:
            return _raw(word)
        if leaf.type == "address":
            return self._address_word(word)
        if leaf.kind in (PlaceKind.COUNT, PlaceKind.LENGTH):
            return str(word)
        if not leaf.argument.is_unsigned or word >= 2 ** int(leaf.type[4:]):
            return _raw(word)
        counted = {
            self.tokens[self.policy.budgets[charge.budget].asset]
            for charge in rule.charges
            if charge.source is Source.ARGUMENT and (charge.word, charge.column) == (leaf.word, leaf.column)
        }
        return _text(write_amount(word, counted.pop())) if len(counted) == 1 else str(word)

    def _charges(self, rule: Rule) -> Iterator[str]:
        function = None if rule.no_selector else self._function(rule)
        for charge in rule.charges:
            leaf = function.leaf_at(charge.word, charge.column) if function else None
            what = leaf.path if leaf is not None and charge.source is Source.ARGUMENT else VALUE
            if function is not None and function.leaf(VALUE) is not None and what == VALUE:
                what = VALUE_ARGUMENT if charge.source is Source.ARGUMENT else VALUE_ETHER
            yield f"{_text(self.budgets[charge.budget])}: {_text(what)}"

    def _income_lines(self, rule: Rule) -> Iterator[str]:
        for index in dict.fromkeys(income.budget for income in rule.incomes):
            if index == rule.incomes[0].budget:
                yield "    income:"
            spent = self.tokens[self.policy.budgets[index].asset]
            ratios = [
                Ratio(self.tokens[income.asset], spent, income.numerator, income.denominator)
                for income in rule.incomes
                if income.budget == index
            ]
            yield f"      {_text(self.budgets[index])}: [{', '.join(_text(write_ratio(ratio)) for ratio in ratios)}]"


def _is_open(rule: Rule, function: Function) -> bool:
    """Whether neither clause nor charge bounds some argument."""
    bounded = {(clause.word, clause.column) for clause in rule.clauses}
    bounded |= {(charge.word, charge.column) for charge in rule.charges if charge.source is Source.ARGUMENT}
    return any(
        (leaf.word, leaf.column) not in bounded
        for leaf in function.leaves
        if leaf.kind not in (PlaceKind.COUNT, PlaceKind.LENGTH)
    )


def _raw_function(rule: Rule) -> Function:
    """The selector, and a word or an array of words for every argument."""
    arguments = []
    for index in range(rule.words):
        width = rule.width(index)
        if width is None:
            arguments.append(Argument(WORD_TYPE, f"w{index}"))
        elif width == 0:
            arguments.append(Argument("bytes", f"w{index}"))
        else:
            suffix = "[]" if width == 1 else f"[{width}][]"
            arguments.append(Argument(WORD_TYPE + suffix, f"w{index}"))
    return Function(hex_text(rule.selector), tuple(arguments), rule.selector)


def _usual_exponent(limit: int, instant: int) -> int | None:
    try:
        return choose_exponent(limit, instant)
    except InexactLimit:
        return None


def _time(seconds: int) -> str:
    return write_duration(seconds) if seconds else "none"


def _raw(word: int) -> str:
    return f'"0x{word:064x}"'


def _quoted(address: bytes) -> str:
    return f'"{checksum(address)}"'


def _text(text: str) -> str:
    """A scalar in double quotes, which YAML and JSON read alike."""
    return json.dumps(text, ensure_ascii=False)
