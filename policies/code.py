# SPDX-License-Identifier: Apache-2.0
"""A policy as the chain enforces it: docs/policy-code.md, field by field, as frozen values.

Limits, instant limits and charges are in a budget's *units* of 2^exponent base units; times are Unix seconds by the
chain's clock; durations are seconds; operands and list items are full 32-byte words as unsigned integers.
"""

from dataclasses import dataclass
from enum import IntEnum

from policies.primitives import keccak, word
from policies.ring import segment_seconds


class Scope(IntEnum):
    """Whose acts share a budget's ring."""

    POLICY = 0
    AGENT = 1
    DAO = 2


class Kind(IntEnum):
    """What a clause demands of an argument word."""

    EQUAL = 1
    NOT_EQUAL = 2
    AT_MOST = 3
    AT_LEAST = 4
    IN_LIST = 5
    CAP = 6


class Source(IntEnum):
    """Where a charge's amount is read from."""

    ARGUMENT = 0
    VALUE = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """A strict rolling limit. `asset` is zero for ether; `name` is the 32 bytes that stand in the code."""

    scope: Scope
    asset: bytes
    exponent: int
    period_s: int
    instant_limit: int
    limit: int
    name: bytes

    @property
    def label(self) -> str:
        """The name as text; bytes that are not printable ASCII (foreign code) are shown escaped."""
        return self.name.rstrip(b"\0").decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii")

    @property
    def segment_s(self) -> int:
        return segment_seconds(self.period_s)

    def key(self, policy_id: bytes, agent: bytes) -> bytes:
        """The ring's key: replacing a policy keeps it, another asset, unit, segment, name or scope is another ring."""
        scope_id = {Scope.POLICY: policy_id, Scope.AGENT: agent.rjust(32, b"\0"), Scope.DAO: bytes(32)}[self.scope]
        return keccak(
            word(self.scope)
            + scope_id
            + self.asset.rjust(32, b"\0")
            + word(self.exponent)
            + word(self.segment_s)
            + self.name
        )

    def units(self, amount: int) -> int:
        """What charging `amount` base units takes from the budget: always rounded up."""
        return -(-amount >> self.exponent)

    def base_units(self, units: int) -> int:
        return units << self.exponent


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition on argument word number `word`; `operand` is a value, or a list's number for IN_LIST."""

    word: int
    kind: Kind
    operand: int


@dataclass(frozen=True, slots=True)
class Charge:
    """A budget (by index) that a call charges, with its argument word or its value."""

    budget: int
    source: Source
    word: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One permitted function of one target. Calldata is exactly 4 + 32 x `words` bytes, or empty (`no_selector`)."""

    target: bytes
    selector: bytes
    no_selector: bool
    must_return_true: bool
    words: int
    clauses: tuple[Clause, ...]
    charges: tuple[Charge, ...]

    @property
    def key(self) -> tuple[bytes, bytes, bool]:
        """What a call is matched by; equal keys are ordered alternatives."""
        return (self.target, self.selector, self.no_selector)


@dataclass(frozen=True, slots=True)
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
