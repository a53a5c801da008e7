# SPDX-License-Identifier: Apache-2.0
"""Voting power at a proposal's snapshot, as far as the mirror's own rows tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from governance import asked_power
from governance.clocks import unit_of
from governance.models import Delegation, PartialDelegation, Proposal
from governance.power import power_at
from presentation.dao_view import DaoView

_LOOKED_AT = 40  # delegators of an account that are looked at: a large delegate has thousands
_MOST_ROWS = 400  # delegations of theirs: somebody may delegate again and again


def fixed_elsewhere(place: DaoView) -> bool:
    """Whether the governor takes power from another moment than the proposal's snapshot, or may."""
    return place.governor.capabilities.get("family", "unknown") in ("nouns", "unknown")


def counts_by_snapshot(place: DaoView) -> bool:
    """Whether power at a proposal's snapshot can be looked up: the governor fixes it then, in the token's clock."""
    token = place.one("votes_token")
    if token is None or fixed_elsewhere(place):
        return False
    return unit_of(token.capabilities) == unit_of(place.governor.capabilities)


def mirrored_power(place: DaoView, proposal: Proposal, account: bytes) -> int:
    """Base units of the votes token at the snapshot; 0 where there is none, or where it can't be looked up."""
    if not counts_by_snapshot(place) or proposal.snapshot >= place.clock_now:
        return 0
    return power_at(place.dao, account, proposal.snapshot)


def powers_at_snapshots(place: DaoView, account: bytes, proposals: Sequence[Proposal]) -> dict[int, int]:
    """The account's power at each proposal's snapshot, by the proposal's number (primary key); none where it can't be
    looked up. Where no log says who has power, what the chain was asked."""
    past = [proposal for proposal in proposals if proposal.snapshot < place.clock_now]
    if not past or not counts_by_snapshot(place):
        return {}
    if asked_power.degraded(place.dao) is not None:
        by_snapshot = asked_power.asked_at(place.dao, account, [int(p.snapshot) for p in past])
        return {p.pk: by_snapshot[int(p.snapshot)] for p in past if int(p.snapshot) in by_snapshot}
    order = "c.timepoint DESC, l.block_number DESC, l.transaction_index DESC, l.log_index DESC"
    with connection.cursor() as sql:
        sql.execute(
            f"""SELECT p.id, coalesce((
                    SELECT c.power FROM governance_powercheckpoint c JOIN governance_rawlog l ON l.id = c.log_id
                    WHERE c.dao_id = %s AND c.account = %s AND c.timepoint <= p.snapshot ORDER BY {order} LIMIT 1), 0)
                FROM unnest(%s::bigint[], %s::bigint[]) p (id, snapshot)""",  # noqa: S608 -- ours
            [place.dao.pk, account, [p.pk for p in past], [p.snapshot for p in past]],
        )
        return {number: int(power) for number, power in sql.fetchall()}


@dataclass(frozen=True)
class Delegators:
    """Who had delegated to an account at a snapshot: itself (`own`), the others of those that were looked at, and
    whether more delegated to it at some time than were looked at."""

    own: bool
    others: list[bytes]
    is_cut: bool


def delegators_at(place: DaoView, proposal: Proposal, account: bytes) -> Delegators | None:
    """Who had delegated to an account at a proposal's snapshot, as the mirror has read it; None where that can't be
    looked up. Three queries."""
    if place.counts_l1_blocks or not counts_by_snapshot(place) or proposal.snapshot >= place.clock_now:
        return None
    ever = Delegation.objects.filter(dao=place.dao, to_delegate=account).values_list("delegator", flat=True)
    looked_at = [bytes(who) for who in ever[: _LOOKED_AT + 1]]
    found_rows = Delegation.objects.filter(dao=place.dao, delegator__in={*looked_at[:_LOOKED_AT], account})
    rows = list(found_rows.select_related("log")[: _MOST_ROWS + 1])
    if len(rows) > _MOST_ROWS:
        return None
    in_parts = set(PartialDelegation.objects.filter(log__in=[row.log_id for row in rows]).values_list("log", flat=True))
    newest: dict[bytes, tuple[tuple[int, int, int], Delegation]] = {}
    for row in rows:
        log = row.log
        at = log.block_number if place.counts_blocks else log.block_timestamp_chain_s
        order = (log.block_number, log.transaction_index, log.log_index)
        if at <= proposal.snapshot and order > newest.get(bytes(row.delegator), ((-1, -1, -1), row))[0]:
            newest[bytes(row.delegator)] = (order, row)
    if any(row.log_id in in_parts for _, row in newest.values()):
        return None  # of shares a log names several delegates, and this row the largest alone
    found = sorted(who for who, (_, row) in newest.items() if bytes(row.to_delegate) == account)
    return Delegators(account in found, [who for who in found if who != account], len(looked_at) > _LOOKED_AT)
