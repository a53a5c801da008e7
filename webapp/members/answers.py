# SPDX-License-Identifier: Apache-2.0
"""What the API answers about members."""

from __future__ import annotations

from pydantic import Field

from webapp.answers import Address, Amount, Answer, ProposalId


class DelegatesTo(Answer):
    account: Address
    share_bps: int


class OwnVote(Answer):
    """What the account did about a proposal. Null: not known."""

    id: ProposalId
    power_at_snapshot: Amount | None
    voted: bool = Field(description="whether a vote of it was read")
    words: str


class MemberAnswer(Answer):
    """An account as the mirror has read it."""

    account: Address
    power: Amount | None = Field(description="voting power now; null where no log says who has power")
    delegators_count: int | None
    delegates_to: list[DelegatesTo]
    lead: str
    delegation: str
    sentences: list[str]
    proposals: list[OwnVote]
    block: int
