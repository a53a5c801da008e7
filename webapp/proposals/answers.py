# SPDX-License-Identifier: Apache-2.0
"""What the API answers about proposals and votes."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from webapp.answers import (
    Address,
    Amount,
    Answer,
    ChainSeconds,
    Check,
    Hash,
    Hexadecimal,
    Moment,
    PowerReading,
    ProposalId,
    Stored,
    Tally,
)


class ChainWord(Answer):
    """What the chain said in place of the mirror."""

    chain_says: str
    mirror_says: str
    block: int
    nodes: int


class ProposalLine(Answer):
    """A proposal as a list shows it."""

    id: ProposalId
    title: str
    proposer: Address
    state: str = Field(examples=["Active"])
    state_confirmed: bool = Field(description="false where one node alone shows what made it so, with no proof")
    chain_word: dict[str, ChainWord]
    notes: list[str]
    clock: str = Field(description="what snapshot and deadline count: `block`, `l1_block` or `timestamp`")
    snapshot: int
    deadline: int
    eta_chain_s: ChainSeconds | None
    tally: Tally
    quorum: Amount | None
    quorum_reached: bool | None
    verdict: str | None
    flags: list[Stored]
    url: str


class NearWords(Answer):
    """A word that no text has, and words of texts that are spelt nearly so."""

    asked: str
    words: list[str]


class Proposals(Answer):
    count: int
    page: int
    near: list[NearWords]
    proposals: list[ProposalLine]


class VoteAnswer(Answer):
    """A vote that was cast."""

    voter: Address
    support: int
    weight: Amount
    in_parts: bool
    parts: Tally | None
    reason: str
    confirmed: bool
    block: int
    at_chain_s: ChainSeconds
    transaction_hash: Hash


class Argument(Answer):
    name: str
    type: str
    value: Any


class DecodedCall(Answer):
    name: str
    signature: str
    args: list[Argument]


class Action(Answer):
    """A call that the proposal makes, with what it does."""

    target: Address
    value_wei: Amount
    value_symbol: str
    calldata: Hexadecimal
    data: Hexadecimal
    signature: str | None
    signature_bytes: Hexadecimal | None
    signature_says: str | None
    decoded: DecodedCall | None
    effect: Stored | None
    effects: list[Stored]


class NextStep(Answer):
    """A transaction that moves a proposal on, or takes it back."""

    label: str
    why: str
    to: Address
    calldata: Hexadecimal


class TextAgainstEffect(Answer):
    id: str
    outcome: str | None
    quotes: list[str]


class ModelsPart(Answer):
    role: str
    model: str
    generated_text: bool


class SummaryAnswer(Answer):
    """What code, and a model where one chose sentences, say of the text and the calls."""

    status: str
    reason: str
    reason_code: str
    reason_values: Stored
    abstained: bool
    model: str
    model_is_demo: bool
    ai: ModelsPart | None
    sentences: list[Stored]
    outcome: str
    effects: list[TextAgainstEffect]
    claims: list[Stored]
    findings: list[Stored]
    hidden: list[Stored]


class Transition(Answer):
    kind: str
    confirmed: bool
    block: int
    at_chain_s: ChainSeconds
    transaction_hash: Hash


class Dropped(Answer):
    """What a reorganisation, or a node that had answered wrongly, took from the proposal."""

    kind: str
    detail: str
    removed_votes: list[Any]
    happened_at: Moment


class ProposalAnswer(ProposalLine):
    """One proposal with everything its page shows."""

    description: str
    actions: list[Action]
    next_step: NextStep | None
    cancel_step: NextStep | None
    votes_count: int
    votes: list[VoteAnswer]
    summary: SummaryAnswer | None
    transitions: list[Transition]
    checks: dict[str, Check | None]
    reorgs: list[Dropped]
    power_reading: PowerReading
    block: int | None


class VoterAnswer(Answer):
    """What an account can do about a proposal."""

    account: Address
    state: str
    snapshot: int
    power: Amount | None
    power_from: str | None
    has_voted: bool | None
    would_count: Amount | None
    may_vote: bool | None
    votes: list[VoteAnswer]
    block: int | None
    lead: str
    sentences: list[str]
