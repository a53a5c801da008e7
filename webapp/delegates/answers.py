# SPDX-License-Identifier: Apache-2.0
"""What the API answers about voting power and who holds it."""

from __future__ import annotations

from webapp.answers import Address, Amount, Answer, ChainSeconds, Check, Hash, Hexadecimal, ProposalId, Tally


class AskedAt(Answer):
    """The snapshot whose power was asked of the chain, and the block at which it was."""

    timepoint: int
    block: int


class Delegate(Answer):
    """Who holds voting power now; `asked` where no log says who has power now."""

    account: Address
    power: Amount
    confirmed: bool
    delegators_count: int | None
    delegators: list[Address] | None
    votes_cast: int
    voted_on_more: bool
    check: Check | None
    asked: AskedAt | None = None


class TotalPower(Answer):
    holders: int | None
    power: Amount | None
    confirmed: bool | None


class DelegatedTo(Answer):
    account: Address
    share_bps: int


class Delegators(Answer):
    count: int | None
    delegators: list[Address]
    delegations: list[DelegatedTo]
    next: Address | None


class Participation(Answer):
    voted: int
    of: int | None


class OnProposal(Answer):
    """A recent proposal, and what the account did about it."""

    id: ProposalId
    title: str
    state: str
    power_at_snapshot: Amount | None
    support: int | None
    parts: Tally | None
    weight: Amount | None
    reason: str | None
    votes: int | None
    voted_more: bool | None
    confirmed: bool | None
    transaction_hash: Hash | None


class PowerChange(Answer):
    at_chain_s: ChainSeconds
    before: Amount
    after: Amount
    confirmed: bool
    transaction_hash: Hash


class StatementAnswer(Answer):
    """What an account says of itself, signed as EIP-712 typed data over the text's hash."""

    text: str
    text_hash: Hash
    signed_at_s: int
    signature: Hexadecimal
    block: int | None


class DelegateAnswer(Answer):
    """One account as a delegate."""

    account: Address
    name: str | None
    power: Amount | None
    power_confirmed: bool | None
    power_of_all: Amount | None
    delegators_count: int | None
    delegates_to: list[DelegatedTo]
    participation: Participation
    proposals: list[OnProposal]
    changes: list[PowerChange]
    check: Check | None
    statement: StatementAnswer | None
