# SPDX-License-Identifier: Apache-2.0
"""A policy document once it is read: what people wrote, in base units and words, still by the names they gave."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.code.policy_code import Kind, Scope, Source
from policies.code.signatures import Function
from policies.notation.amounts import Token
from policies.notation.primitives import keccak
from policies.notation.problems import Problem


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table: the line of its file, from 1, and its cells by the columns' names."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a document may refer to outside itself. The caller reads it (policies/files.py) and resolves names.

    `abis` are JSON ABIs by the name that rules give them; `ens` what ENS names stood for when they were resolved;
    `book` an address book; `tokens` tokens whose decimals are known; `read_list` gives the items of a list in a file,
    as they would be written in the document, and `read_table` the rows of a table in a file: both raise OSError or
    ValueError where they can't. `parameters` are set in place of the document's own.
    """

    abis: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    ens: Mapping[str, bytes] = field(default_factory=dict)
    book: Mapping[str, bytes] = field(default_factory=dict)
    tokens: Mapping[bytes, Token] = field(default_factory=dict)
    read_list: Callable[[str], Sequence[str]] | None = None
    read_table: Callable[[str], Sequence[TableRow]] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentBudget:
    """A budget; limits in the token's base units, `exponent` the unit they are exact in.

    `name` is what rules call it, `code_name` what the code does; `due` is the schedule it is for, such as "monthly".
    """

    name: str
    token: Token
    scope: Scope
    limit: int
    instant_limit: int
    period_s: int
    exponent: int
    measured: bool
    code_name: str
    due: str


@dataclass(frozen=True, slots=True)
class DocumentClause:
    """A condition on a place. `values` has one word, except for IN_LIST; `list_name` is a named list's."""

    word: int
    column: int
    kind: Kind
    values: tuple[int, ...]
    list_name: str = ""


@dataclass(frozen=True, slots=True)
class DocumentCharge:
    """Which budget, by name, and what it is charged with."""

    budget: str
    source: Source
    word: int
    column: int


@dataclass(frozen=True, slots=True)
class DocumentIncome:
    """What must come in for what a budget, by name, is charged: numerator / denominator in base units of both."""

    asset: bytes
    budget: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class DocumentRule:
    """One permitted function of one target; `function` is None for sending ether with empty data."""

    target: bytes
    function: Function | None
    must_return_true: bool
    approval: bool
    clauses: tuple[DocumentClause, ...]
    charges: tuple[DocumentCharge, ...]
    incomes: tuple[DocumentIncome, ...]


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A valid policy document. Times are Unix seconds by the chain's clock, durations seconds.

    `content` is the document in canonical JSON (RFC 8785), every scalar as the text that was written, and what stood
    outside the file (names, lists, ABIs) frozen in it. `document_hash` is the content's keccak256, which the code
    carries; for a document that was read back from the chain it is the hash found there. `lists` are the named ones, in
    the order of writing. `warnings` are unwise, not wrong.
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
    lists: tuple[tuple[str, tuple[int, ...]], ...]
    budgets: tuple[DocumentBudget, ...]
    rules: tuple[DocumentRule, ...]
    content: bytes
    warnings: tuple[Problem, ...]
    found_hash: bytes | None = None

    @property
    def document_hash(self) -> bytes:
        return keccak(self.content) if self.found_hash is None else self.found_hash
