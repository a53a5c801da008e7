# SPDX-License-Identifier: Apache-2.0
"""The words for what stands in a policy's code: addresses, amounts, budgets, functions, places and values.

What is lent to these words (names, tokens, functions) is hostile: a lent name stands in quotation marks beside the
address, never in its place, and keeps only characters that can't be taken for others or for the sentence around it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from policies.answer.permitted import Place, sends_ether
from policies.code.policy_code import Budget, Clause, Income, Kind, PlaceKind, PolicyCode, Rule, Source
from policies.code.signatures import APPROVE, TRANSFER, Function, Leaf, known_unbounded
from policies.notation.amounts import ETHER, Token, coin_of, format_amount, native_of
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import checksum, keccak, selector

AddressNames = Mapping[bytes, str]
MAX_LABEL = 40
MAX_DECIMALS = 77
LONG_LIST = 50
FEW = 8
HASH_OF = "the keccak256 hash of "
_PLAIN = re.compile(r"[^A-Za-z0-9 ._-]")
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,15}")
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,63}")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]]{0,79}")
_WELL_KNOWN = {
    TRANSFER: ("transfer(address,uint256)", ("the recipient", "the amount")),
    APPROVE: ("approve(address,uint256)", ("the spender", "the amount")),
}


def plain_label(text: str) -> str:
    """A label as it may stand between quotation marks: ASCII letters, digits and `.-_`, the rest replaced; short."""
    cut = text[: MAX_LABEL + 1]
    plain = _PLAIN.sub("\N{REPLACEMENT CHARACTER}", cut).strip()
    return plain if len(cut) <= MAX_LABEL else plain[:MAX_LABEL] + "…"


def quoted(text: str) -> str:
    return f"“{plain_label(text)}”"


@dataclass(frozen=True)
class Vocabulary:
    """What the caller lends: names and tokens by address (the zero address has the chain's native currency), functions
    by selector (wrong ones are ignored), texts by their keccak256 (which is checked here, so nobody can lend a wrong
    one). With `lists_below` a long list of addresses is named in sentences and left to be listed once elsewhere."""

    names: AddressNames = field(default_factory=dict)
    tokens: Mapping[bytes, Token] = field(default_factory=dict)
    functions: Mapping[bytes, Function] = field(default_factory=dict)
    texts: Mapping[int, str] = field(default_factory=dict)
    lists_below: bool = False

    def text(self, hash_: int) -> str:
        """The text of the hash in quotation marks with the hash, or the hash alone."""
        found, shown = self.texts.get(hash_), f"0x{hash_:064x}"
        if found is None or int.from_bytes(keccak(found.encode("utf-8", "replace")), "big") != hash_:
            return shown
        return f"{quoted(found)} ({shown})"

    def symbol(self, asset: bytes) -> str:
        """The token's symbol, or that it is not known."""
        token = self.token(asset)
        return token.symbol if token else f"base unit of the unknown token {checksum(asset)}"

    def address(self, address: bytes) -> str:
        """`“ines” (0x…)`, `the token USDC (0x…)`, or the address alone."""
        token = self.token(address)
        if token is not None and address != ETHER.address:
            return f"the token {token.symbol} ({checksum(address)})"
        name = plain_label(self.names.get(address, ""))
        if not any(letter.isalnum() for letter in name) or name.lower().startswith("0x"):
            return checksum(address)
        return f"“{name}” ({checksum(address)})"

    def token(self, asset: bytes) -> Token | None:
        """The token, if its symbol can't be taken for another one's and its decimals are possible."""
        return self.native if asset == ETHER.address else self._sound_tokens.get(asset)

    @cached_property
    def _sound_tokens(self) -> Mapping[bytes, Token]:
        coins = (ETHER.symbol, self.native.symbol.upper())
        return {
            asset: token
            for asset, token in self.tokens.items()
            if 0 <= token.decimals <= MAX_DECIMALS
            and _SYMBOL.fullmatch(token.symbol)
            and token.symbol.upper() not in coins
        }

    @cached_property
    def native(self) -> Token:
        """The chain's native currency."""
        return native_of(self.tokens)

    @property
    def coin(self) -> str:
        """The chain's native currency within a sentence: `ether`, `xDAI`."""
        return coin_of(self.native)

    def amount(self, base_units: int, asset: bytes) -> str:
        """An amount with its token; base units where the token is not known."""
        token = self.token(asset)
        if token is None:
            unit = "base unit" if base_units == 1 else "base units"
            return f"{base_units:,} {unit} of the unknown token {checksum(asset)}"
        ambiguous = self._shares_its_symbol(token)
        return format_amount(base_units, token) + (f" (the one at {checksum(asset)})" if ambiguous else "")

    def _shares_its_symbol(self, token: Token) -> bool:
        return bool(self._by_symbol.get(token.symbol.upper(), set()) - {token.address})

    @cached_property
    def _by_symbol(self) -> Mapping[str, set[bytes]]:
        found: dict[str, set[bytes]] = {}
        for address, token in self.tokens.items():
            found.setdefault(token.symbol.upper(), set()).add(address)
        return found

    def asset(self, asset: bytes) -> str:
        return self.coin if asset == ETHER.address else self.address(asset)

    def function(self, rule: Rule) -> Function | None:
        """The rule's function, where one of this selector and this form is lent."""
        function = self.functions.get(rule.selector)
        if rule.no_selector or function is None or not _NAME.fullmatch(function.name):
            return None
        is_its = (function.selector, function.words, function.dynamics) == (rule.selector, rule.words, rule.dynamics)
        return function if is_its else None

    def signature(self, rule: Rule) -> str | None:
        """The signature of the rule's function, where one is lent that makes this selector."""
        function = self.function(rule)
        if function is None or selector(function.signature) != rule.selector:
            return None
        return function.signature

    def leaf(self, rule: Rule, place: Place) -> Leaf | None:
        """What the lent function calls the place, if it can be said."""
        function = self.function(rule)
        leaf = function.leaf_at(*place) if function else None
        return leaf if leaf and _PATH.fullmatch(leaf.path) else None


def budget_name(policy: PolicyCode, number: int) -> str:
    """`the budget “payroll”`; with its number where the policy has several, for names can be made to look alike."""
    which = f"budget {number + 1}" if len(policy.budgets) > 1 else "the budget"
    name = policy.budgets[number].name.rstrip(b"\0").decode("ascii", "replace")
    return f"{which} {quoted(name)}" if name else f"{which} (which has no name)"


def is_pay(rule: Rule) -> bool:
    """Whether the rule has the form of an ERC-20 transfer."""
    return _has_known_form(rule) and rule.selector == TRANSFER


def _has_known_form(rule: Rule) -> bool:
    return not rule.no_selector and rule.selector in _WELL_KNOWN and rule.words == 2 and not rule.dynamics


def _standard_name(rule: Rule) -> str | None:
    if _has_known_form(rule):
        return _WELL_KNOWN[rule.selector][0]
    known = known_unbounded(rule.selector)
    return known[0] if known else None


def function_name(rule: Rule, words: Vocabulary) -> str:
    """The function's signature, with the selector where only who lends it says so; or that it is not known."""
    if (standard := _standard_name(rule)) is not None:
        return f"`{standard}`"
    signature = words.signature(rule)
    return f"{f'`{signature}`' if signature else 'an unknown function'} (selector {hex_text(rule.selector)})"


def call_name(rule: Rule, words: Vocabulary) -> str:
    """What a call under the rule does, as the object of "it may": an infinitive."""
    target = words.address(rule.target)
    if rule.no_selector:
        return f"send {words.coin}, without data, to {target}" if sends_ether(rule) else f"call {target} without data"
    if is_pay(rule) and words.token(rule.target) is not None:
        return f"pay in {target}, by calling {function_name(rule, words)}"
    return f"call {function_name(rule, words)} on {target}"


def place_name(rule: Rule, place: Place, words: Vocabulary) -> str:
    """What the place is called, by a known or a lent function; a lent name stands beside the argument's number.

    Arguments count by the words of their head: those that follow one of several words are numbered accordingly.
    """
    if _has_known_form(rule):
        return _WELL_KNOWN[rule.selector][1][place[0]]
    number = f"argument {place[0] + 1}"
    leaf = words.leaf(rule, place)
    kind = rule.place(*place)
    if leaf is not None:
        return _of_kind(kind, f"each `{leaf.path}`", f"`{_whole(leaf.path)}`") + f" ({number})"
    several = (rule.width(place[0]) or 0) > 1
    each = f"value {place[1] + 1} of each entry" if several else "each entry"
    return _of_kind(kind, f"{each} of {number}", number)


def _of_kind(kind: PlaceKind | None, each: str, whole: str) -> str:
    return {
        PlaceKind.COLUMN: each,
        PlaceKind.COUNT: f"the number of entries of {whole}",
        PlaceKind.LENGTH: f"the length in bytes of {whole}",
        PlaceKind.HASH: f"{HASH_OF}{whole}",
    }.get(kind or PlaceKind.WORD, whole)


def _whole(path: str) -> str:
    """The path of the argument itself, without what is asked of it."""
    return path.removesuffix(".count").removesuffix(".length").removesuffix(".hash")


def asset_at(policy: PolicyCode, rule: Rule, place: Place) -> bytes | None:
    """The asset that the place's value is an amount of, if the code says so without doubt."""
    if _has_known_form(rule):
        return rule.target if place == (1, 0) else None
    charged = {
        policy.budgets[charge.budget].asset
        for charge in rule.charges
        if charge.source is Source.ARGUMENT and (charge.word, charge.column) == place
    }
    return charged.pop() if len(charged) == 1 else None


def value_text(policy: PolicyCode, rule: Rule, place: Place, value: int, words: Vocabulary) -> str:
    """A word as people read it: by its type where that is known, as an amount where a budget counts it."""
    asset = asset_at(policy, rule, place)
    if asset is not None:
        return words.amount(value, asset)
    kind = rule.place(*place)
    if kind in (PlaceKind.COUNT, PlaceKind.LENGTH):
        return f"{value:,}"
    if kind is PlaceKind.HASH:
        return words.text(value)
    leaf = words.leaf(rule, place)
    type_ = "address" if _has_known_form(rule) else leaf.type if leaf else ""
    return _typed(type_, value, words) + (_if_of_token(rule, place, value, words) if leaf else "")


_TOKEN_PLACES = ("token", "asset", "tokenin", "tokenaddress", "inputtoken", "selltoken", "fromtoken")
_AMOUNT_PLACES = ("amount", "amountin", "deposit", "total", "totalamount", "inputamount", "sellamount", "assets")


def _if_of_token(rule: Rule, place: Place, value: int, words: Vocabulary) -> str:
    """What an amount is in the token that another argument of the call must be. The names are only lent: `if` it is."""
    leaf = words.leaf(rule, place)
    if leaf is None or not leaf.type.startswith("uint") or _last(leaf.path) not in _AMOUNT_PLACES:
        return ""
    for clause in rule.clauses:
        other = words.leaf(rule, (clause.word, clause.column))
        if clause.kind is not Kind.EQUAL or other is None or other.type != "address" or clause.operand >= 2**160:
            continue
        token = words.token(clause.operand.to_bytes(20, "big"))
        if token is not None and clause.operand and _last(other.path) in _TOKEN_PLACES:
            return f" ({words.amount(value, token.address)}, if it counts the token of `{other.path}`)"
    return ""


def _last(path: str) -> str:
    return path.rpartition(".")[2].removesuffix("[]").lower()


def _typed(type_: str, value: int, words: Vocabulary) -> str:
    if type_ == "address" and value < 2**160:
        return words.address(value.to_bytes(20, "big"))
    if type_ == "bool" and value < 2:
        return "true" if value else "false"
    if type_.startswith("int"):
        return f"{value - 2**256 if value >= 2**255 else value:,}"
    if type_.startswith("uint") or (not type_ and value < 2**64):
        return f"{value:,}"
    size = int(type_[5:]) if re.fullmatch(r"bytes[0-9]{1,2}", type_) else 32
    digits = f"{value:064x}"
    shown = digits[: 2 * size] if not digits[2 * size :].strip("0") else digits
    named = value.to_bytes(32, "big")[12:]
    if 0 < value < 2**160 and size == 32 and (named in words.names or words.token(named) is not None):
        return f"0x{digits}, which as an address is {words.address(named)},"  # a bridge's recipient, such as CCTP's
    return f"0x{shown}" if type_.startswith("bytes") else f"the word 0x{digits}"


def values_text(policy: PolicyCode, rule: Rule, place: Place, items: tuple[int, ...], words: Vocabulary) -> str:
    """Several values with commas; of a very long list the first ones and how many there are more."""
    shown = ", ".join(value_text(policy, rule, place, item, words) for item in items[:LONG_LIST])
    return f"{shown} and {len(items) - LONG_LIST:,} more" if len(items) > LONG_LIST else shown


def clause_text(policy: PolicyCode, rule: Rule, clause: Clause, words: Vocabulary) -> str:
    """What the clause demands, behind the place's name: `must be …`."""
    place = (clause.word, clause.column)
    if clause.kind is Kind.IN_LIST:
        items = policy.lists[clause.operand]
        if words.lists_below and len(items) > FEW and are_addresses(policy, rule, place, items, words):
            return f"must be one of the {len(items):,} addresses of list {clause.operand + 1} below"
        shown = values_text(policy, rule, place, items, words)
        return f"must be one of these {len(items):,}: {shown}" if len(items) > 1 else f"must be {shown}"
    value = value_text(policy, rule, place, clause.operand, words)
    return {
        Kind.EQUAL: f"must be {value}",
        Kind.NOT_EQUAL: f"must not be {value}",
        Kind.AT_MOST: f"is at most {value} in each call",
        Kind.AT_LEAST: f"is at least {value} in each call",
        Kind.CAP: f"comes to at most {value} in one act, all its calls under this rule added up",
    }[clause.kind]


def are_addresses(policy: PolicyCode, rule: Rule, place: Place, items: tuple[int, ...], words: Vocabulary) -> bool:
    """Whether the values of a list are shown as addresses at this place."""
    shown = (value_text(policy, rule, place, item, words) for item in items[:1])
    return all(item < 2**160 for item in items) and all(
        text == words.address(items[0].to_bytes(20, "big")) for text in shown
    )


def limits(budget: Budget, words: Vocabulary) -> tuple[str, str]:
    """The limit and the instant limit, as amounts."""
    return (
        words.amount(budget.base_units(budget.limit), budget.asset),
        words.amount(budget.base_units(budget.instant_limit), budget.asset),
    )


def income_text(policy: PolicyCode, rule: Rule, income: Income, words: Vocabulary) -> str:
    """`the treasury must receive at least 0.9 DAI for each 1 USDC that …`: an exact ratio."""
    budget, name = policy.budgets[income.budget], budget_name(policy, income.budget)
    for_each, least = _ratio(budget, income, words)
    is_charged = any(charge.budget == income.budget for charge in rule.charges)
    counts = f"the call counts against {name}" if is_charged else f"leaves by the call, as {name} measures it"
    return (
        f"the treasury must receive at least {words.amount(least, income.asset)} for each "
        f"{words.amount(for_each, budget.asset)} that {counts}{_other_way(budget, income, words)}"
    )


def _other_way(budget: Budget, income: Income, words: Vocabulary) -> str:
    """The price of one whole token that comes in, where that is exact and one goes for several."""
    token, received = words.token(budget.asset), words.token(income.asset)
    if token is None or received is None or not income.numerator:
        return ""
    most, rest = divmod(10**received.decimals * income.denominator, income.numerator)
    if rest or most <= 10**token.decimals:
        return ""
    return f" (at most {words.amount(most, budget.asset)} for each {words.amount(10**received.decimals, income.asset)})"


def _ratio(budget: Budget, income: Income, words: Vocabulary) -> tuple[int, int]:
    """The ratio for one whole token where that is exact, otherwise as it stands in the code."""
    token = words.token(budget.asset)
    whole = 10**token.decimals if token else 1
    least, rest = divmod(whole * income.numerator, income.denominator)
    return (income.denominator, income.numerator) if rest else (whole, least)


def capital(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]


def listed(items: Sequence[str]) -> str:
    """`a, b and c`."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def numbered_rules(numbers: Sequence[int]) -> str:
    """`rules 2, 3 and 5`, each once and in order."""
    unique = sorted(set(numbers))
    return f"rule {unique[0]}" if len(unique) == 1 else f"rules {listed([str(number) for number in unique])}"
