# SPDX-License-Identifier: Apache-2.0
"""What the API answers about acts, refusals and requests."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from webapp.answers import Address, Amount, Answer, ChainSeconds, Hash, Hexadecimal, Moment, Stored, TypedData


class ActCall(Answer):
    target: Address
    value_wei: Amount
    value_symbol: str
    calldata: Hexadecimal


class ObjectionAnswer(Answer):
    account: Address
    power: Amount
    confirmed: bool
    transaction_hash: Hash


class ActAnswer(Answer):
    """What the agent did or wants to do."""

    id: int
    policy_id: Hash
    version: int
    number: int
    agent: Address
    status: str
    decision: Hash
    record: str
    act_id: Hash | None
    releasable_chain_s: ChainSeconds | None
    expires_chain_s: ChainSeconds | None
    objection_power: Amount
    objection_threshold: Amount | None
    calls: list[ActCall]
    objections: list[ObjectionAnswer]
    confirmed: bool
    final_confirmed: bool | None
    at_chain_s: ChainSeconds
    block: int
    transaction_hash: Hash
    final_transaction_hash: Hash | None


class PublicRosterAnswer(Answer):
    """What is public of a policy's newest roster. `problem` says why it pays nobody; empty where it may."""

    policy_id: Hash
    operator: Address = Field(description="whom the policy in force names")
    problem: str
    hash: Hash | None = Field(description="the EIP-712 digest that was signed; null where no roster was")
    serial: int | None
    policy_version: int | None
    signed_by: Address | None
    signed_at_block: int | None = Field(description="where a contract account confirmed it; null for a key's signature")
    signed_at_block_hash: Hash | None
    expires_chain_s: ChainSeconds | None
    kind: str | None
    first_month: str | None
    last_month: str | None
    may_ask: list[str] | None
    addresses: list[Address]


class RefusalAnswer(Answer):
    """A failed transaction to the policy module."""

    transaction_hash: Hash
    block: int
    at_chain_s: ChainSeconds
    sender: Address
    policy_id: Hash | None
    reason: str
    clause: str
    decision: Hash | None


class CandidateAnswer(Answer):
    """A way to do what was asked for, derived by code."""

    key: str
    label: str
    label_code: Stored
    is_roster: bool
    differences: list[str]
    difference_codes: list[Stored]
    lines: list[Stored] = Field(description="whom it pays; names stay with the operator's roster")
    calls: list[Stored]
    allowed: bool | None
    band: str


class May(Answer):
    """What may be done now, and by whom; null where that is not known."""

    what: str
    candidate: str
    by: Address | None


class ApprovalAnswer(Answer):
    """What the operator signs; null with the reason where that can't be made."""

    candidate: str
    reason: str
    typed_data: TypedData | None


class CandidateRefused(Answer):
    candidate: str
    label: str
    label_code: Stored
    reasons: list[Any]
    headroom: list[Stored]
    module_says: str
    module_code: str
    block: int | None


class ActField(Answer):
    """An input of a call: what it may hold. Numbers are base units, or as the call takes them."""

    key: str
    kind: str
    type: str
    fixed: bool = Field(description="the policy leaves one value, which need not be asked for")
    choices: list[str]
    least: str
    most: str
    token: str
    decimals: int | None
    least_rows: int
    most_rows: str


class ActRule(Answer):
    rule: str = Field(description="how an act names the rule")
    number: int
    target: Address
    fields: list[ActField]


class ActFormAnswer(Answer):
    """The calls that a policy permits."""

    policy_id: Hash
    version: int
    operator: Address
    act_schema: Stored = Field(description="the JSON schema of an act; its `calls` are what `requests` takes")
    functions: list[str]
    rules: list[ActRule]


class RequestAnswer(Answer):
    """A request to the agent, what was derived from it, and what came of it."""

    id: int
    key: str
    reference: Hash
    policy_id: Hash
    text: str
    act: Stored | None = Field(default=None, description="what was asked for in a form, or as exact calls")
    requested_by: Address
    period: str
    status: str
    reason: str
    reason_code: str
    reason_values: Stored
    choice: str | None
    chosen_by: str | None
    model: Stored | None
    model_said: Any
    no_second_look: str | None = None
    asker_means: str | None = None
    candidates: list[CandidateAnswer]
    may: list[May]
    approval: ApprovalAnswer | None
    refusal: str | None
    refusals: list[CandidateRefused]
    number: int | None
    decision: Hash | None
    records: list[Hash]
    created_at: Moment
