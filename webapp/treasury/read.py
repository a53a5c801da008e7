# SPDX-License-Identifier: Apache-2.0
"""What the treasury holds, and what went in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case, F, Sum, When
from django.utils.translation import gettext

from governance import treasury
from governance.fields import Uint256Field
from governance.models import Act, ChainReading, Proposal, ProposalTransition, RawLog, TreasuryFlow, chain_order
from presentation.as_of import as_of
from presentation.assets import Asset
from presentation.dao_view import DaoView


@dataclass(frozen=True)
class Balance:
    """What the treasury holds of an asset. `reading` is the chain's own answer; None: it was not asked yet, and the
    amount is the sum of the movements that were read."""

    asset: Asset
    base_units: int
    reading: ChainReading | None
    flows_agree: bool  # the movements up to the reading's block add up to it

    @property
    def text(self) -> str:
        return self.asset.text(self.base_units)

    @property
    def as_of(self) -> str:
        """The block at which the chain was asked, and how long ago; empty where it was not."""
        return as_of(self.reading)


def balances(place: DaoView) -> list[Balance]:
    """The treasury's assets by symbol, as the chain had them when it was asked last. Asks no node."""
    if place.one("treasury") is None:
        return []
    found = [
        Balance(place.asset(holding.asset), holding.base_units, holding.reading, holding.flows_agree)
        for holding in treasury.holdings(place.dao)
    ]
    return sorted(found, key=lambda balance: balance.asset.symbol)


def newest_flows(place: DaoView, limit: int = 10) -> list[TreasuryFlow]:
    return list(
        TreasuryFlow.objects.filter(dao=place.dao)
        .select_related("log__unconfirmed")
        .order_by("-at_chain_s", *chain_order("log__", newest_first=True))[:limit]
    )


PAGE = 50
_WINDOW_S = 90 * 86_400  # whose movements a runway is made of
_LEAST_S = 7 * 86_400  # of read movements, before a rate is told


@dataclass(frozen=True)
class Movement:
    """A movement into or out of the treasury, with what decided it: a proposal or an act that was executed in the same
    transaction. Both empty: not known here."""

    flow: TreasuryFlow
    proposals: list[Proposal]
    acts: list[Act]

    @property
    def is_of_nobody(self) -> bool:
        """Whether the token names no other side: it was minted, or burned."""
        return not any(bytes(self.flow.counterparty)) and any(bytes(self.flow.asset))


def page_of_movements(place: DaoView, page: int = 1, size: int = PAGE) -> tuple[list[Movement], int]:
    """A page of what went in and out, newest first, and how many movements there are. As many queries for one as for
    fifty."""
    found = TreasuryFlow.objects.filter(dao=place.dao)
    in_order = found.order_by("-at_chain_s", *chain_order("log__", newest_first=True))
    newest = in_order.select_related("log__unconfirmed")
    flows = list(newest[(page - 1) * size : page * size])
    return _with_reasons(place, flows), found.count()


def _with_reasons(place: DaoView, flows: Sequence[TreasuryFlow]) -> list[Movement]:
    """The movements with what was executed in their transactions, found by their blocks."""
    blocks = {flow.log.block_number for flow in flows}
    logs = RawLog.objects.filter(dao=place.dao, block_number__in=blocks).values_list("pk", "transaction_hash")
    transactions = {pk: bytes(transaction) for pk, transaction in logs}
    proposals: dict[bytes, list[Proposal]] = {}
    steps = ProposalTransition.objects.filter(kind="executed", log__in=list(transactions)).select_related("proposal")
    for step in steps.order_by("id"):
        proposals.setdefault(transactions[step.log_id], []).append(step.proposal)
    acts: dict[bytes, list[Act]] = {}
    paid = Act.objects.filter(dao=place.dao)
    for act in paid.filter(status=Act.Status.EXECUTED, log__in=list(transactions)):
        acts.setdefault(transactions[act.log_id], []).append(act)
    for act in paid.filter(status=Act.Status.RELEASED, final_log__in=list(transactions)):
        assert act.final_log_id is not None  # it was found by it
        acts.setdefault(transactions[act.final_log_id], []).append(act)
    return [
        Movement(flow, proposals.get(transaction, []), acts.get(transaction, []))
        for flow in flows
        for transaction in [bytes(flow.log.transaction_hash)]
    ]


@dataclass(frozen=True)
class Runway:
    """How an asset came and went in the last days that were read. Amounts: base units. `left_days`: for how long what
    is held lasts at that rate; None where no more went than came, or where the balance is not the chain's word."""

    asset: Asset
    days: int
    came: int
    went: int
    left_days: int | None

    @property
    def text(self) -> str:
        values = {"days": self.days, "came": self.asset.text(self.came), "went": self.asset.text(self.went)}
        told = gettext("In the last %(days)s days %(went)s went and %(came)s came.") % values
        if self.left_days is None:
            return told
        return f"{told} " + gettext("At that rate what is held lasts about %(left)s days.") % {"left": self.left_days}


def runways(place: DaoView, held: Sequence[Balance]) -> list[Runway]:
    """How long each asset lasts at the rate of the last 90 days, or of those that were read. Two queries."""
    first = RawLog.objects.filter(dao=place.dao).order_by("dao", "block_number").first()
    if first is None:
        return []
    since = max(place.now_chain_s - _WINDOW_S, first.block_timestamp_chain_s)
    length_s = place.now_chain_s - since
    if length_s < _LEAST_S:
        return []
    moved = TreasuryFlow.objects.filter(dao=place.dao, at_chain_s__gte=since).values("asset")
    amount = Uint256Field()
    sums = moved.annotate(
        went=Sum(Case(When(outgoing=True, then=F("amount")), default=0, output_field=amount)),
        came=Sum(Case(When(outgoing=False, then=F("amount")), default=0, output_field=amount)),
    ).values_list("asset", "came", "went")
    by_asset = {bytes(asset): (int(came), int(went)) for asset, came, went in sums}
    found = []
    for balance in held:
        came, went = by_asset.get(balance.asset.address, (0, 0))
        if not went:
            continue
        is_sure = balance.reading is not None and balance.flows_agree
        left_days = balance.base_units * length_s // (went - came) // 86_400 if went > came and is_sure else None
        found.append(Runway(balance.asset, length_s // 86_400, came, went, left_days))
    return found
