# SPDX-License-Identifier: Apache-2.0
"""What the API's answers are made of: the types that more than one subject uses, and the error that all give.

What an operation answers stands in its subject's `answers.py`. An answer with a field that is not written there fails
instead of leaving it out, so that the schema at /api/v1/openapi.json is all that is ever sent.
"""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field

Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$", description="20 bytes, with EIP-55's checksum")]
Hash = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$", description="32 bytes")]
Hexadecimal = Annotated[str, Field(pattern="^0x([0-9a-f]{2})*$", description="bytes")]
Amount = Annotated[str, Field(pattern="^[0-9]{1,78}$", description="base units: JSON's numbers lose digits past 2^53")]
SignedAmount = Annotated[str, Field(pattern="^-?[0-9]{1,78}$", description="base units, of either sign")]
ProposalId = Annotated[str, Field(pattern="^[0-9]{1,78}$", description="a proposal's number")]
ChainSeconds = Annotated[int, Field(description="Unix seconds by the chain's clock")]
Moment = Annotated[str, Field(description="this site's clock, ISO 8601")]
Stored = dict[str, Any]
"""What is kept as it was made, whose fields differ by kind."""


class Answer(Schema):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid")


class Problem(Answer):
    """Why nothing was done or found."""

    error: str = Field(description="one line that says what is wrong", examples=["proposal 12 is not known here"])


class Check(Answer):
    """What the chain answered at a block, beside what the mirror says."""

    subject: str
    block: int
    block_hash: Hash
    matched: bool
    chain_says: str
    other_node_says: str | None = Field(description="what a second node answered in place of it; null where none did")
    mirror_says: str


class Reading(Answer):
    """When the chain was asked; null where it was not yet."""

    read_at_block: int | None
    read_at_block_hash: Hash | None
    read_at: Moment | None


class PowerReading(Answer):
    """How voting power is known."""

    standing: str = Field(description="`events`, or `degraded` where no log says who has power", examples=["events"])
    words: str | None
    asked_timepoint: int | None
    asked_block: int | None


class Tally(Answer):
    """Votes in base units of the votes token."""

    against: Amount
    for_: Amount = Field(alias="for")
    abstain: Amount


class Sent(Answer):
    """A transaction that was relayed."""

    transaction_hash: Hash
    status: str = Field(description="`signed`, `sent`, `mined` or `failed`", examples=["sent"])


class TypedData(Answer):
    """EIP-712 typed data, as `eth_signTypedData_v4` takes it."""

    types: dict[str, list[dict[str, str]]]
    primaryType: str
    domain: Stored
    message: Stored


def answers(answer: Any, *errors: int, status: int = 200) -> dict[Any, Any]:
    """What an operation answers, for its decorator: `answer` when all is well, one line at these other statuses."""
    return {status: answer, **({frozenset(errors): Problem} if errors else {})}
