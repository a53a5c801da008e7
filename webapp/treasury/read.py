# SPDX-License-Identifier: Apache-2.0
"""What the treasury holds, and what went in and out."""

from __future__ import annotations

from dataclasses import dataclass

from governance import treasury
from governance.models import ChainReading, TreasuryFlow, chain_order
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
        .order_by(*chain_order("log__", newest_first=True))[:limit]
    )
