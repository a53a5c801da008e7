# SPDX-License-Identifier: Apache-2.0
"""Who holds voting power, and from whom."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, F, OuterRef, Subquery

from governance.models import Delegation, OnchainCheck, PowerCheckpoint, Vote, chain_order
from governance.power import shared_with
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.checks import checks_of
from presentation.dao_view import DaoView

_MOST_NAMED = 12  # delegators of one account


@dataclass
class DelegateRow:
    account: bytes
    power: int
    delegators: list[bytes]
    votes_cast: int
    check: OnchainCheck | None

    @property
    def named(self) -> list[bytes]:
        """The delegators that a page names."""
        return self.delegators[:_MOST_NAMED]

    @property
    def more(self) -> int:
        """How many delegators a page counts only."""
        return len(self.delegators) - len(self.named)


def delegate_rows(place: DaoView, limit: int = 100) -> list[DelegateRow]:
    """Who holds voting power now and from whom, the most first. Power is an account's last DelegateVotesChanged."""
    latest = (
        PowerCheckpoint.objects.filter(dao=place.dao, account=OuterRef("account"))
        .order_by("-timepoint", *chain_order("log__", newest_first=True))
        .values("id")[:1]
    )
    held = list(
        PowerCheckpoint.objects.filter(dao=place.dao, power__gt=0)
        .annotate(latest=Subquery(latest))
        .filter(id=F("latest"))
        .order_by("-power", "id")[:limit]
    )
    accounts = [bytes(row.account) for row in held]
    newest = (
        Delegation.objects.filter(dao=place.dao, delegator=OuterRef("delegator"))
        .order_by(*chain_order("log__", newest_first=True))
        .values("id")[:1]
    )
    from_whom: dict[bytes, list[bytes]] = defaultdict(list)
    current = Delegation.objects.filter(dao=place.dao, to_delegate__in=accounts).annotate(newest=Subquery(newest))
    for delegation in current.filter(id=F("newest")).order_by("id")[:5000]:
        from_whom[bytes(delegation.to_delegate)].append(bytes(delegation.delegator))
    for delegator, delegate in shared_with(place.dao, accounts):  # several delegates at once, with a share each
        if delegator not in from_whom[delegate]:
            from_whom[delegate].append(delegator)
    cast = {
        bytes(row["voter"]): row["proposals"]
        for row in Vote.objects.filter(dao=place.dao, voter__in=accounts)
        .values("voter")
        .annotate(proposals=Count("onchain_proposal_id", distinct=True))
    }
    asked = checks_of(place, "power:")
    return [
        DelegateRow(
            bytes(row.account),
            row.power,
            from_whom.get(bytes(row.account), []),
            cast.get(bytes(row.account), 0),
            asked.get(words.address_text(row.account)) or asked.get(hex_text(row.account)),
        )
        for row in held
    ]
