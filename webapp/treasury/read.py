# SPDX-License-Identifier: Apache-2.0
"""What the treasury holds, and what went in and out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, Sum

from governance.chain import abi
from governance.chain.rpc import RpcError
from governance.models import TreasuryFlow
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.assets import Asset
from presentation.dao_view import DaoView
from webapp.node import node


@dataclass
class Balance:
    """What the treasury holds. `read_at_block` is set where the chain itself was asked, at the mirror's block."""

    asset: Asset
    base_units: int
    read_at_block: int | None
    flows_agree: bool  # the movements that the mirror has seen add up to it

    @property
    def text(self) -> str:
        return self.asset.text(self.base_units)


def balances(place: DaoView) -> list[Balance]:
    """The treasury's assets as the chain has them at the mirror's block; where no node answers, the sum of logs.

    Native currency can come without any log, so for it only the chain's answer is a balance.
    """
    treasury = place.one("treasury")
    if treasury is None:
        return []
    totals = (
        TreasuryFlow.objects.filter(dao=place.dao)
        .values("asset")
        .annotate(into=Sum("amount", filter=Q(outgoing=False)), out=Sum("amount", filter=Q(outgoing=True)))
        .order_by("asset")
    )
    seen = {bytes(row["asset"]): int(row["into"] or 0) - int(row["out"] or 0) for row in totals}
    told = _balances_on_chain(place, bytes(treasury.address), sorted({*place.assets, *seen}))
    found = [
        Balance(
            place.asset(asset),
            told.get(asset, seen.get(asset, 0)),
            place.block if asset in told else None,
            asset == words.ZERO_ADDRESS or asset not in told or told[asset] == seen.get(asset, 0),
        )
        for asset in {**seen, **told}
    ]
    return sorted((balance for balance in found if balance.base_units > 0), key=lambda balance: balance.asset.symbol)


def _balances_on_chain(place: DaoView, treasury: bytes, assets: list[bytes]) -> dict[bytes, int]:
    """What the node answers at the mirror's block; assets it did not answer for are missing."""
    at = hex(max(0, place.block))
    requests: list[tuple[str, list[Any]]] = []
    for asset in assets:
        if asset == words.ZERO_ADDRESS:
            requests.append(("eth_getBalance", [hex_text(treasury), at]))
        else:
            call = {
                "to": hex_text(asset),
                "data": hex_text(abi.encode_call("balanceOf(address)", [treasury])),
            }
            requests.append(("eth_call", [call, at]))
    try:
        answers = node(place).batch(requests)
    except RpcError:
        return {}  # the page says that the chain could not be asked
    return {
        asset: int(answer, 16)
        for asset, answer in zip(assets, answers, strict=True)
        if isinstance(answer, str) and re.fullmatch("0x[0-9a-f]{1,64}", answer)
    }


def newest_flows(place: DaoView, limit: int = 10) -> list[TreasuryFlow]:
    return list(
        TreasuryFlow.objects.filter(dao=place.dao)
        .select_related("log")
        .order_by("-log__block_number", "-log__log_index")[:limit]
    )
