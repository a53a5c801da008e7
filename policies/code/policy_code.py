# SPDX-License-Identifier: Apache-2.0
"""A policy as the chain enforces it: docs/policy-code.md (format 2), field by field, as frozen values.

Limits and instant limits are in a budget's *units* of 10^exponent base units; times are Unix seconds by the chain's
clock; durations are seconds; operands and list items are full 32-byte words as unsigned integers. A *place* is where in
a call's arguments a value stands: a word of their head, and a column where that word leads to an array or to bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cached_property, lru_cache

from policies.code.ring import segment_seconds
from policies.notation.primitives import keccak, word

ETHER_ASSET = bytes(20)


class Scope(IntEnum):
    """Whose acts share a budget's ring."""

    POLICY = 0
    AGENT = 1
    DAO = 2


class Kind(IntEnum):
    """What a clause demands of the value (or of each value) at its place."""

    EQUAL = 1
    NOT_EQUAL = 2
    AT_MOST = 3
    AT_LEAST = 4
    IN_LIST = 5
    CAP = 6


class Source(IntEnum):
    """Where a charge's amount is read from: a place in the arguments, or the ether that the call sends."""

    ARGUMENT = 0
    VALUE = 1


class PlaceKind(Enum):
    """What a place holds."""

    WORD = "a word of the head"
    COLUMN = "one value for each element of an array"
    COUNT = "the number of an array's elements"
    LENGTH = "the length of bytes"
    HASH = "the keccak256 of bytes"


@dataclass(frozen=True, slots=True)
class Budget:
    """A strict rolling limit. `asset` is zero for ether; `name` is the 32 bytes that stand in the code.

    A `measured` budget is charged by every call of the policy: with what the treasury's balance of the asset fell, if
    that is more than what the call's rule charges.
    """

    scope: Scope
    asset: bytes
    exponent: int
    period_s: int
    instant_limit: int
    limit: int
    name: bytes
    measured: bool = False

    @property
    def label(self) -> str:
        """The name as text; bytes that are not printable ASCII (foreign code) are shown escaped."""
        return self.name.rstrip(b"\0").decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii")

    @property
    def segment_s(self) -> int:
        return segment_seconds(self.period_s)

    @property
    def unit(self) -> int:
        """The base units that one unit stands for."""
        return int(10**self.exponent)

    @property
    def ring(self) -> tuple[Scope, bytes, int, int, bytes]:
        """What tells the budget's ring from the other rings of the same policy."""
        return (self.scope, self.asset, self.exponent, self.segment_s, self.name)

    def key(self, policy_id: bytes, agent: bytes) -> bytes:
        """The ring's key: replacing a policy keeps it, another asset, unit, segment, name or scope is another ring."""
        scope_id = {Scope.POLICY: policy_id, Scope.AGENT: agent.rjust(32, b"\0"), Scope.DAO: bytes(32)}[self.scope]
        return _ring_key(self.scope, scope_id, self.asset, self.exponent, self.segment_s, self.name)

    def units(self, amount: int) -> int:
        """What charging `amount` base units takes from the budget: always rounded up."""
        return -(-amount // self.unit)

    def base_units(self, units: int) -> int:
        return units * self.unit


@lru_cache(maxsize=4096)
def _ring_key(scope: Scope, scope_id: bytes, asset: bytes, exponent: int, segment_s: int, name: bytes) -> bytes:
    return keccak(
        word(scope) + scope_id + asset.rjust(32, b"\0") + word(exponent) + word(segment_s) + name,
    )


@dataclass(frozen=True, slots=True)
class Dynamic:
    """An argument without fixed size at head word `word`: bytes (width 0), or an array of `width` static words each."""

    word: int
    width: int


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition on the place (word, column); `operand` is a value, or a list's number for IN_LIST."""

    word: int
    kind: Kind
    operand: int
    column: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """A budget (by index) that a call charges, with the sum of the values at a place or with the call's value."""

    budget: int
    source: Source
    word: int
    column: int = 0


@dataclass(frozen=True, slots=True)
class Income:
    """What the treasury must get: of `asset` at least numerator / denominator of what is charged to the budget."""

    asset: bytes
    budget: int
    numerator: int
    denominator: int

    def least(self, charged: int) -> int:
        """Base units of the asset that a call must bring in which charges `charged` base units: rounded up."""
        return -(-charged * self.numerator // self.denominator)


@dataclass(frozen=True, slots=True)
class Rule:
    """One permitted function of one target; `words` is the number of words in the head of its arguments.

    With `approval` the rule permits an ERC-20 `approve`, and no allowance may be left when the act ends.
    """

    target: bytes
    selector: bytes
    no_selector: bool
    must_return_true: bool
    words: int
    clauses: tuple[Clause, ...]
    charges: tuple[Charge, ...]
    approval: bool = False
    dynamics: tuple[Dynamic, ...] = ()
    incomes: tuple[Income, ...] = ()

    @property
    def key(self) -> tuple[bytes, bytes, bool]:
        """What a call is matched by; equal keys are ordered alternatives."""
        return (self.target, self.selector, self.no_selector)

    def width(self, word: int) -> int | None:
        """None for a static word of the head; 0 for bytes; otherwise the words of each element of the array."""
        return next((dynamic.width for dynamic in self.dynamics if dynamic.word == word), None)

    def place(self, word: int, column: int) -> PlaceKind | None:
        """What the place holds, or None where there is no such place."""
        if word >= self.words:
            return None
        match self.width(word):
            case None:
                return PlaceKind.WORD if column == 0 else None
            case 0:
                return {0: PlaceKind.LENGTH, 1: PlaceKind.HASH}.get(column)
            case width:
                if column == width:
                    return PlaceKind.COUNT
                return PlaceKind.COLUMN if column < width else None


RuleKey = tuple[bytes, bytes, bool]


@dataclass(frozen=True)
class PolicyCode:
    """A whole policy. `objection_threshold_bps` is in basis points of the past total supply."""

    agent: bytes
    operator: bytes
    start_s: int
    end_s: int
    cooldown_s: int
    objection_delay_s: int
    release_window_s: int
    objection_threshold_bps: int
    document_hash: bytes
    budgets: tuple[Budget, ...]
    lists: tuple[tuple[int, ...], ...]
    rules: tuple[Rule, ...]

    def __hash__(self) -> int:
        # Caches ask for it at every turn, and one over all rules takes long. What shares these is told apart by ==.
        return hash((self.document_hash, self.agent, self.operator, self.end_s, len(self.budgets), len(self.rules)))

    @cached_property
    def alternatives(self) -> Mapping[RuleKey, tuple[tuple[int, Rule], ...]]:
        """The rules (with their place in the policy) that a call can be matched by, by their key, in order."""
        found: dict[RuleKey, tuple[tuple[int, Rule], ...]] = {}
        for index, rule in enumerate(self.rules):
            found[rule.key] = (*found.get(rule.key, ()), (index, rule))
        return found

    @cached_property
    def members(self) -> tuple[frozenset[int], ...]:
        """The lists, for looking something up in them."""
        return tuple(map(frozenset, self.lists))

    @cached_property
    def allowances(self) -> frozenset[bytes]:
        """The tokens of which the policy permits allowances that end with the act."""
        return frozenset(rule.target for rule in self.rules if rule.approval)
