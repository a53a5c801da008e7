# SPDX-License-Identifier: Apache-2.0
"""What the API answers about the treasury."""

from __future__ import annotations

from webapp.answers import Address, Amount, Answer, ChainSeconds, Hash, ProposalId, Reading


class Held(Reading):
    """What the treasury holds of an asset."""

    asset: Address
    symbol: str
    amount: Amount
    flows_agree: bool


class Rate(Answer):
    """How an asset came and went in the last days that were read."""

    asset: Address
    days: int
    came: Amount
    went: Amount
    left_days: int | None


class DecidingAct(Answer):
    policy_id: Hash
    number: int


class MovementAnswer(Answer):
    """A movement, with the proposals and acts that were executed in its transaction."""

    direction: str
    asset: Address
    amount: Amount
    counterparty: Address
    proposals: list[ProposalId]
    acts: list[DecidingAct]
    confirmed: bool
    block: int
    at_chain_s: ChainSeconds
    transaction_hash: Hash


class TreasuryAnswer(Answer):
    """What the treasury holds, at what rate it changes, and a page of its movements, newest first."""

    balances: list[Held]
    runways: list[Rate]
    movements_count: int
    movements: list[MovementAnswer]
    block: int
