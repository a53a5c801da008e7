# SPDX-License-Identifier: Apache-2.0
"""What an operator fills in to make a call, and the gauges that show what is left, made from the policy.

A page draws these; nothing here knows of pages. Amounts are text in the token's own units where its decimals are known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from policies.answer.act_schema import MOST_CHOICES, Functions, rule_label, write_word
from policies.answer.evaluate import PolicyState, headroom
from policies.answer.slots import Field, Shape, Slot, sent_wei, slots
from policies.answer.state_after import next_return_s
from policies.code.policy_code import PolicyCode, Rule
from policies.code.signatures import APPROVE, TRANSFER
from policies.notation.amounts import ETHER, Token, coin_of, format_amount, native_of

Tokens = Mapping[bytes, Token]
Names = Mapping[bytes, str]
_AMOUNT_SECOND = (APPROVE, TRANSFER)  # a token's own functions, whose second argument is an amount of it


@dataclass(frozen=True, slots=True)
class FormField:
    """One input. `kind` is "choice", "amount", "number", "address", "yes or no", "text" or "bytes".

    `key` is where its value stands in an act (policies.answer.act_schema). Of a choice, `choices` are (value, label)
    pairs; of an amount or number, `least` and `most` are base units, and `most_text` says the most with its token.
    `rows` is how many of the input there may be, least and most; (1, 1) where it stands once.
    """

    key: str
    label: str
    kind: str
    choices: tuple[tuple[str, str], ...]
    least: int
    most: int
    most_text: str
    token: str
    rows: tuple[int, int]
    type: str = "uint256"
    decimals: int | None = None  # of the token, where it is known

    @property
    def is_fixed(self) -> bool:
        """Whether the policy leaves one value only, which is shown and never asked for."""
        if self.rows != (1, 1) or self.kind in ("text", "bytes"):
            return False
        return len(self.choices) == 1 or (not self.choices and self.least == self.most)

    @property
    def fixed_text(self) -> str:
        """The only value, as people read it."""
        return self.choices[0][1] if self.choices else self.most_text


@dataclass(frozen=True, slots=True)
class FormRule:
    """The inputs for a call under one rule, by the rule's label in acts."""

    rule: str
    fields: tuple[FormField, ...]
    number: int = 0  # the rule's place in the policy, from 0


@dataclass(frozen=True, slots=True)
class Gauge:
    """A budget at a moment, in base units. `level` is "at once", "after an objection window" or "empty".

    `next_return_s` is when something comes back, None where nothing is spent.
    """

    budget: int
    name: str
    spent: int
    instant_limit: int
    limit: int
    left_at_once: int
    left: int
    level: str
    next_return_s: int | None


def form(policy: PolicyCode, functions: Functions, tokens: Tokens, names: Names) -> tuple[FormRule, ...]:
    """The inputs of each rule. `functions` by selector, `tokens` and `names` by address, lent by the caller."""
    found = []
    for number, rule in enumerate(policy.rules):
        fields = [
            _field(policy, tokens, names, functions, rule, slot, field)
            for slot in slots(policy, rule, functions.get(rule.selector))
            for field in slot.fields or (Field(slot.name, "bytes", slot.sizes, ()),)
        ]
        wei = sent_wei(policy, rule)
        if wei.highest:
            most = wei.highest
            native = native_of(tokens)
            coin = {"ether": "Ether", "native currency": "Native currency"}.get(coin_of(native), native.symbol)
            text = format_amount(most, native)
            kept = FormField("value_wei", f"{coin} to send", "amount", (), 0, most, text, native.symbol, (1, 1))
            fields.append(replace(kept, decimals=native.decimals))
        found.append(FormRule(rule_label(number, rule, functions), tuple(fields), number))
    return tuple(found)


def gauges(policy: PolicyCode, state: PolicyState, now_s: int) -> tuple[Gauge, ...]:
    """What is spent and left of each budget at chain time `now_s`. Raises evaluate.ClockError."""
    return tuple(
        _gauge(policy, state, now_s, left.budget, left.instant_units, left.units)
        for left in headroom(policy, state, now_s)
    )


def _gauge(policy: PolicyCode, state: PolicyState, now_s: int, index: int, instant_units: int, units: int) -> Gauge:
    budget = policy.budgets[index]
    packed = state.rings.get(budget.key(state.policy_id, policy.agent), 0)
    return Gauge(
        budget=index,
        name=budget.label,
        spent=budget.base_units(budget.limit - units),
        instant_limit=budget.base_units(budget.instant_limit),
        limit=budget.base_units(budget.limit),
        left_at_once=budget.base_units(instant_units),
        left=budget.base_units(units),
        level="at once" if instant_units else "after an objection window" if units else "empty",
        next_return_s=next_return_s(budget, packed, now_s),
    )


def _field(
    policy: PolicyCode, tokens: Tokens, names: Names, functions: Functions, rule: Rule, slot: Slot, field: Field
) -> FormField:
    listed = field.values.listed(MOST_CHOICES) if slot.shape is not Shape.BYTES else None
    token = _token(policy, tokens, rule, slot, field)
    most = field.values.highest
    return FormField(
        key=field.name,
        label=_label(field.name),
        kind="text" if _is_text(functions, rule, slot) else _kind(slot, field, listed, token),
        choices=tuple(_choice(names, field.type, item) for item in listed or ()),
        least=field.values.intervals[0][0] if field.values else 0,
        most=most,
        most_text=format_amount(most, token) if token else f"{most:,}",
        token=token.symbol if token else "",
        rows=(slot.sizes.intervals[0][0], slot.sizes.highest) if slot.shape is Shape.ROWS and slot.sizes else (1, 1),
        type=field.type,
        decimals=token.decimals if token else None,
    )


def _is_text(functions: Functions, rule: Rule, slot: Slot) -> bool:
    """Whether the bytes are text, which people write as such."""
    function = functions.get(rule.selector)
    named = [one for one in function.arguments if one.name == slot.name] if function else []
    return slot.shape is Shape.BYTES and bool(named) and named[0].type == "string"


def _kind(slot: Slot, field: Field, listed: tuple[int, ...] | None, token: Token | None) -> str:
    if slot.shape is Shape.BYTES or field.type.startswith("bytes"):
        return "bytes"
    if field.type == "bool":
        return "yes or no"
    if listed is not None:
        return "choice"
    if field.type == "address":
        return "address"
    return "amount" if token else "number"


def _token(policy: PolicyCode, tokens: Tokens, rule: Rule, slot: Slot, field: Field) -> Token | None:
    """The token that the field counts, where a budget or the token's function says so and its decimals are known."""
    for index in field.budgets:
        asset = policy.budgets[index].asset
        return native_of(tokens) if asset == ETHER.address else tokens.get(asset)
    if slot.word == 1 and rule.selector in _AMOUNT_SECOND and slot.shape is Shape.VALUE:
        return tokens.get(rule.target)
    return None


def _choice(names: Names, type_: str, item: int) -> tuple[str, str]:
    text = str(write_word(type_, item)) if type_ != "address" or item < 2**160 else str(item)
    name = names.get(item.to_bytes(32, "big")[12:]) if type_ == "address" and item < 2**160 else None
    return text, f"{name} ({text})" if name else text


def _label(name: str) -> str:
    """`params.amountIn` as people read it: `params: amount in`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.replace("[]", "").replace(".", ": ").replace("_", " ").strip()
