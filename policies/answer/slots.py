# SPDX-License-Identifier: Apache-2.0
"""What has to be filled in to make a call under a rule: a slot for each argument, with the values that may stand there.

The schema of acts, the operator's form and the simulated adversary all read a policy through this. The code alone
decides what is permitted; a lent function only gives names and types.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from policies.answer.permitted import ANY, Values, permitted
from policies.code.policy_code import Budget, PolicyCode, Rule, Source
from policies.code.signatures import WORD_TYPE, Function

_UNKNOWN_TYPE = "uint256"


class Shape(Enum):
    """What a slot takes."""

    VALUE = "one value"
    ROWS = "a list of values, or of rows of them"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a slot: its name, its ABI type, the words that may stand there, and what it is charged to."""

    name: str
    type: str
    values: Values
    budgets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One argument word of a rule. `sizes` are how many rows, or how many bytes, it may have; of a value always one.

    `hashes` are the keccak256 that bytes may have; of all else any.
    """

    word: int
    name: str
    shape: Shape
    fields: tuple[Field, ...]
    sizes: Values
    hashes: Values


ONE = Values.between(1, 1)


def slots(policy: PolicyCode, rule: Rule, function: Function | None) -> tuple[Slot, ...]:
    """The rule's arguments in order. `function` counts only if it is the rule's own."""
    return tuple(_slots(policy, rule, function if function and _fits(function, rule) else None))


def sent_wei(policy: PolicyCode, rule: Rule) -> Values:
    """The ether that a call under the rule may carry: none, unless the rule charges it."""
    charged = [policy.budgets[charge.budget] for charge in rule.charges if charge.source is Source.VALUE]
    return _within(Values.between(0, ANY.highest), charged) if charged else Values.between(0, 0)


def _fits(function: Function, rule: Rule) -> bool:
    return function.selector == rule.selector and function.words == rule.words and function.dynamics == rule.dynamics


def _slots(policy: PolicyCode, rule: Rule, function: Function | None) -> Iterator[Slot]:
    calls = permitted(rule, policy)
    for index in range(rule.words):
        width = rule.width(index)
        columns = range(1 if width is None else width)
        fields = tuple(_field(policy, rule, function, index, column, calls.at((index, column))) for column in columns)
        if width is None:
            yield Slot(index, fields[0].name, Shape.VALUE, fields, ONE, ANY)
        else:
            name = _base_name(function, index)
            shape, hashes = (Shape.ROWS, ANY) if width else (Shape.BYTES, calls.at((index, 1)))
            yield Slot(index, name, shape, fields, calls.at((index, width)), hashes)


def _field(policy: PolicyCode, rule: Rule, function: Function | None, index: int, column: int, values: Values) -> Field:
    leaf = function.leaf_at(index, column) if function else None
    budgets = tuple(
        charge.budget
        for charge in rule.charges
        if charge.source is Source.ARGUMENT and (charge.word, charge.column) == (index, column)
    )
    name = leaf.path if leaf else f"argument {index + 1}" + (f".{column + 1}" if rule.width(index) else "")
    kind = leaf.type if leaf and leaf.type != WORD_TYPE else _UNKNOWN_TYPE
    return Field(name, kind, _within(values, [policy.budgets[budget] for budget in budgets]), budgets)


def _base_name(function: Function | None, index: int) -> str:
    """The name of an array or of bytes: what its leaves' paths begin with."""
    leaf = function.leaf_at(index, 0) if function else None
    return leaf.path.partition("[")[0].removesuffix(".length") if leaf else f"argument {index + 1}"


def _within(values: Values, budgets: list[Budget]) -> Values:
    """The values that the budgets' whole limits leave room for."""
    for budget in budgets:
        values = values & Values.between(0, budget.base_units(budget.limit))
    return values
