# SPDX-License-Identifier: Apache-2.0
"""What the API answers about running the agent."""

from __future__ import annotations

from pydantic import Field

from webapp.answers import Address, Amount, Answer, ChainSeconds, Hash, Moment


class HaltAnswer(Answer):
    """A halt that stands: the agent signs nothing new for the DAO on this site."""

    id: int
    code: str
    reason: str
    since: Moment


class AccountAnswer(Answer):
    """An account that pays for gas."""

    what: str = Field(description="`agent` or `relayer`", examples=["agent"])
    account: Address
    balance_wei: Amount | None
    balance_symbol: str
    floor_wei: Amount | None
    cap_wei: Amount | None
    alarm: str | None = Field(description="`empty`, `below_floor` or `above_cap`; null for none")
    transactions_waiting: int


class RosterAnswer(Answer):
    """What a policy pays by; who is on it is not here."""

    policy_id: Hash
    operator: Address
    problem: str
    serial: int | None
    expires_chain_s: ChainSeconds | None
    lines: int


class OperationsAnswer(Answer):
    """Whether the agent runs on this site, and with what."""

    stopped: bool
    halts: list[HaltAnswer] = Field(description="at most 50: first those that the agent made itself")
    halts_standing: int = Field(description="the count of all halts that were not cleared")
    accounts: list[AccountAnswer]
    rosters: list[RosterAnswer]
