# SPDX-License-Identifier: Apache-2.0
"""What a DAO's treasury holds: as the chain said at a block, and as the movements that were read add up.

Amounts are base units, assets addresses (20 zero bytes: the native currency).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, Sum

from governance.chain.address import ZERO
from governance.chain.module import read_word
from governance.models import ChainReading, Contract, Dao, TreasuryFlow


@dataclass(frozen=True)
class Holding:
    """What the treasury holds of an asset. `reading` is the chain's own answer, None where it was not read yet: then
    the amount is the sum of movements."""

    asset: bytes
    base_units: int
    reading: ChainReading | None
    flows_agree: bool  # the movements up to the reading's block add up to it


def followed_assets(dao: Dao) -> list[bytes]:
    """Return the assets whose balance is of interest: the native currency, the DAO's tokens, and what moved before."""
    tokens = dao.contracts.filter(kind__in=(Contract.Kind.ASSET, Contract.Kind.VOTES_TOKEN))
    moved = TreasuryFlow.objects.filter(dao=dao).values_list("asset", flat=True).distinct()
    return sorted({ZERO, *map(bytes, tokens.values_list("address", flat=True)), *map(bytes, moved)})


def balances_by_flows(dao: Dao) -> dict[bytes, int]:
    """Return the sum of the movements of each asset; sums below zero, which no treasury has, are left out."""
    return {asset: total for asset, total in _sums(dao, Q()).items() if total >= 0}


def holdings(dao: Dao) -> list[Holding]:
    """Return what the treasury holds of each asset that it has some of, or should have by the movements. As many
    queries for one asset as for many.

    Native currency can come without any log, so for it only the chain's answer is a balance.
    """
    of_first = ChainReading.objects.filter(dao=dao, kind=ChainReading.Kind.BALANCE, key=bytes(32))
    readings = {bytes(row.address): row for row in of_first}
    moved = _sums(dao, Q())
    moved_then = _sums(dao, _up_to_their_blocks(readings.values())) if readings else {}
    found = []
    for asset in {**moved, **readings}:
        reading = readings.get(asset)
        held = moved[asset] if reading is None else read_word(bytes(reading.value))
        agree = reading is None or asset == ZERO or held == moved_then.get(asset, 0)
        if held > 0 or not agree:  # an asset that is gone without a movement that was read is not passed over
            found.append(Holding(asset, held, reading, agree))
    return found


def _up_to_their_blocks(readings: Iterable[ChainReading]) -> Q:
    """Match the movements that a reading of their asset can know of."""
    assets = defaultdict(list)
    for reading in readings:
        assets[reading.block_number].append(bytes(reading.address))
    matched = Q(pk__in=[])
    for block_number, of_block in assets.items():
        matched |= Q(asset__in=of_block, log__block_number__lte=block_number)
    return matched


def _sums(dao: Dao, which: Q) -> dict[bytes, int]:
    rows = (
        TreasuryFlow.objects.filter(which, dao=dao)
        .values("asset")
        .annotate(into=Sum("amount", filter=Q(outgoing=False)), out=Sum("amount", filter=Q(outgoing=True)))
        .order_by("asset")
    )
    return {bytes(row["asset"]): int(row["into"] or 0) - int(row["out"] or 0) for row in rows}
