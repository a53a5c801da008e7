# SPDX-License-Identifier: Apache-2.0
"""What the API answers about policies."""

from __future__ import annotations

from pydantic import Field

from webapp.answers import Address, Amount, Answer, ChainSeconds, Hash, Hexadecimal, ProposalId, Reading


class Change(Answer):
    mark: str
    text: str


class PolicyVersionAnswer(Answer):
    """A version, the vote that set it, and what it changed; null where that is not known."""

    version: int
    confirmed: bool
    transaction_hash: Hash
    proposal_id: ProposalId | None
    changes: list[Change] | None


class Returns(Answer):
    """When what was spent counts no longer, how much still counts then, and between which moments it was spent."""

    spent_from_chain_s: ChainSeconds
    spent_before_chain_s: ChainSeconds
    at_chain_s: ChainSeconds
    amount: Amount
    still_counts: Amount


class BudgetAnswer(Reading):
    name: str
    asset: Address
    symbol: str
    period_s: int
    limit: Amount
    instant_limit: Amount
    spent: Amount | None
    left: Amount | None
    left_instant: Amount | None
    returns: list[Returns]


class PolicyAnswer(Reading):
    """A policy in force, decoded from the code on chain, with what is spent of each budget."""

    policy_id: Hash
    version: int
    agent: Address
    operator: Address | None
    codehash: Hash
    codehash_matches: bool
    code: Hexadecimal
    together: list[str] | None
    counted_as_of_now: str | None
    sentences: list[str]
    problem: str | None
    document_hash: str | None
    document: str | None
    versions: list[PolicyVersionAnswer]
    budgets: list[BudgetAnswer]
    paused: bool
    pause_confirmed: bool
    module_stopped: list[str]
    end_chain_s: ChainSeconds | None
    block: int
    transaction_hash: Hash


class Clause(Answer):
    holds: bool | None
    text: str


class PaymentTried(Reading):
    """Whether the policy in force would let a payment pass."""

    asset: Address
    to: Address
    amount: Amount
    verdict: str = Field(description="`at_once`, `announced`, `refused` or `unknown`", examples=["at_once"])
    reasons: list[str]
    clauses: list[Clause]
    left: list[str]
    conditions: list[str]
    notes: list[str] = Field(description="what else is to be known, which changes no verdict")
