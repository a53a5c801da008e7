# SPDX-License-Identifier: Apache-2.0
"""What the API answers about DAOs."""

from __future__ import annotations

from webapp.answers import Address, Amount, Answer, ChainSeconds, Moment, PowerReading, Reading, Stored


class DaoName(Answer):
    slug: str
    name: str
    chain_id: int


class Daos(Answer):
    daos: list[DaoName]


class NativeCurrency(Answer):
    symbol: str
    decimals: int


class FollowedContract(Answer):
    kind: str
    address: Address
    start_block: int


class PoliciesStanding(Answer):
    standing: str
    words: str


class Module(Answer):
    address: Address
    paused: bool
    stopped: list[str]
    pause_confirmed: bool
    pause_epoch: int
    guardian: Address | None


class Balance(Reading):
    """What the treasury holds of an asset."""

    asset: Address
    symbol: str
    amount: Amount
    flows_agree: bool


class Incident(Answer):
    kind: str
    detail: str
    facts: Stored
    first_block: int | None
    happened_at: Moment
    resolved_at: Moment | None


class Mirror(Answer):
    """How far the mirror has read, and what it met."""

    block: int | None
    node_head: int | None
    nodes: int
    finality_depth_blocks: int
    deepest_reorg_blocks: int
    now_chain_s: ChainSeconds
    synced_at: Moment | None
    incidents: list[Incident]


class ModelTrouble(Answer):
    code: str
    text: str
    since: Moment


class DaoAnswer(Answer):
    """A DAO: its contracts, its treasury, and how far the mirror has read."""

    slug: str
    name: str
    chain_id: int
    local_chain: bool
    native_currency: NativeCurrency
    contracts: dict[str, Address]
    all_contracts: list[FollowedContract]
    paused: bool
    power_reading: PowerReading
    policies: PoliciesStanding
    modules: list[Module]
    treasury: list[Balance]
    mirror: Mirror
    model_trouble: ModelTrouble | None


class RulesAnswer(Answer):
    """What the governor said of itself when it was looked at; null: it did not say. Lengths are in its own clock."""

    clock: str
    voting_delay: int | None
    voting_period: int | None
    late_quorum_extension: int | None
    proposal_threshold: Amount | None
    quorum_numerator: Amount | None
    quorum_denominator: Amount | None
    timelock_delay_s: int | None
    probed_block: int | None
