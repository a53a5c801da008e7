# SPDX-License-Identifier: Apache-2.0
"""Voting power as the mirror knows it: base units of the votes token, from checkpoint logs, never from guessed sums."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from governance.models import AccountPower, CurrentDelegation, Dao, PowerCheckpoint, PowerTotal, chain_order

_NEWEST = ("-timepoint", *chain_order("log__", newest_first=True))
_NOBODY = bytes(20)


@dataclass(frozen=True)
class Delegate:
    """An account that holds voting power. `delegators` counts itself where it delegates to itself."""

    account: bytes
    power: int
    delegators: int


def power_at(dao: Dao, account: bytes, timepoint: int) -> int:
    """Power at a timepoint of the votes token's clock, as getPastVotes answers once the timepoint has passed."""
    row = PowerCheckpoint.objects.filter(dao=dao, account=account, timepoint__lte=timepoint).order_by(*_NEWEST).first()
    return row.power if row else 0


def power_now(dao: Dao, account: bytes) -> int:
    """Power at the last block read, as getVotes answers."""
    row = AccountPower.objects.filter(dao=dao, account=account).first()
    return row.power if row else 0


def powers_now(dao: Dao, accounts: Sequence[bytes]) -> dict[bytes, int]:
    """Power of each of these accounts at the last block read; none for those without a row. One query."""
    rows = AccountPower.objects.filter(dao=dao, account__in=accounts).values_list("account", "power")
    return {bytes(account): int(power) for account, power in rows}


def newest_logged(dao: Dao, accounts: Sequence[bytes]) -> dict[bytes, int]:
    """What each account's newest checkpoint says, by account; none for those without. One query. It is what
    `power_now` answers, unless the mirror is wrong."""
    rows = (
        PowerCheckpoint.objects.filter(dao=dao, account__in=accounts)
        .order_by("account", *chain_order("log__", newest_first=True))
        .distinct("account")
        .values_list("account", "power")
    )
    return {bytes(account): int(power) for account, power in rows}


def delegate_of(dao: Dao, account: bytes) -> bytes:
    """To whom the account delegates, or most of it; 20 zero bytes for nobody."""
    return max(delegations_of(dao, account), key=lambda part: part[1], default=(_NOBODY, 0))[0]


def delegations_of(dao: Dao, account: bytes) -> list[tuple[bytes, int]]:
    """To whom the account delegates, and what share of its votes in basis points; who gets nothing is not among
    them."""
    rows = CurrentDelegation.objects.filter(dao=dao, delegator=account, share_bps__gt=0).order_by("position")
    return [(bytes(row.delegate), row.share_bps) for row in rows]


def delegators_of(dao: Dao, account: bytes, *, after: bytes | None = None, most: int | None = None) -> list[bytes]:
    """Accounts whose newest delegation names `account` (itself included if it is among them), in byte order: the first
    `most` behind the address `after`; all where None."""
    return [who for who, _ in delegations_to(dao, account, after=after, most=most)]


def delegations_to(
    dao: Dao, account: bytes, *, after: bytes | None = None, most: int | None = None
) -> list[tuple[bytes, int]]:
    """The same with what share of its votes each delegates to `account`, in basis points."""
    found = CurrentDelegation.objects.filter(dao=dao, delegate=account, share_bps__gt=0)
    if after is not None:
        found = found.filter(delegator__gt=after)
    rows = found.order_by("delegator").values_list("delegator", "share_bps")[:most]
    return [(bytes(who), share) for who, share in rows]


def some_delegators(dao: Dao, accounts: Sequence[bytes], most: int) -> dict[bytes, list[bytes]]:
    """Up to `most` delegators of each of these accounts, in byte order. One query."""
    found: dict[bytes, list[bytes]] = {account: [] for account in accounts}
    with connection.cursor() as sql:
        sql.execute(
            """SELECT a.account, d.delegator FROM unnest(%s::bytea[]) a (account) CROSS JOIN LATERAL (
                   SELECT delegator FROM governance_currentdelegation
                   WHERE dao_id = %s AND delegate = a.account ORDER BY delegator LIMIT %s) d""",
            [list(accounts), dao.pk, most],
        )
        for account, delegator in sql.fetchall():
            found[bytes(account)].append(bytes(delegator))
    return found


def delegates(dao: Dao, *, first: int = 0, most: int = 200, after: bytes | None = None) -> list[Delegate]:
    """Accounts with power, the most powerful first: `most` of them from number `first` on, or those behind the account
    `after` (none where it has no power). What is skipped by number costs: skip few."""
    found = AccountPower.objects.filter(dao=dao, power__gt=0).order_by("-power", "-account")
    if after is not None:
        last = found.filter(account=after).first()
        if last is None:
            return []
        behind = "(governance_accountpower.power, governance_accountpower.account) < (%s, %s)"
        found = found.extra(where=[behind], params=[Decimal(last.power), after])  # noqa: S610 -- ours; a row comparison
    # Their addresses first, from the index alone: what is skipped is not read.
    accounts = [bytes(account) for account in found.values_list("account", flat=True)[first : first + most]]
    rows = {bytes(row.account): row for row in AccountPower.objects.filter(dao=dao, account__in=accounts)}
    return [Delegate(account, rows[account].power, rows[account].delegators) for account in accounts]


@dataclass(frozen=True)
class Totals:
    """How many accounts have power now, and how much in all, base units of the votes token."""

    holders: int
    power: int


def totals(dao: Dao) -> Totals:
    """Return what all of a DAO's accounts have now."""
    row = PowerTotal.objects.filter(dao=dao).first()
    return Totals(row.holders, int(row.power)) if row else Totals(0, 0)


@dataclass(frozen=True)
class Continuity:
    """How an account's checkpoints follow each other: `pairs` of neighbours, and the later logs (block, transaction
    index, log index) of those where what the token says was before is not what it said last: a log between the two is
    missing."""

    pairs: int
    breaks: tuple[tuple[int, int, int], ...]


def continuity(dao: Dao) -> Continuity:
    """Whether each checkpoint begins with what the same delegate's last one ended with. One query over all of them."""
    with connection.cursor() as sql:
        sql.execute(
            """SELECT count(*), coalesce(
                   jsonb_agg(jsonb_build_array(block, transaction, index) ORDER BY block, transaction, index)
                       FILTER (WHERE was <> before), '[]')
               FROM (
                   SELECT c.previous_power AS was, l.block_number AS block, l.transaction_index AS transaction,
                          l.log_index AS index,
                          lag(c.power) OVER (PARTITION BY c.account
                                             ORDER BY l.block_number, l.transaction_index, l.log_index) AS before
                   FROM governance_powercheckpoint c JOIN governance_rawlog l ON l.id = c.log_id WHERE c.dao_id = %s
               ) AS pairs WHERE before IS NOT NULL""",
            [dao.pk],
        )
        pairs, breaks = sql.fetchone()
    found = json.loads(breaks) if isinstance(breaks, str) else breaks
    return Continuity(pairs, tuple((int(block), int(transaction), int(index)) for block, transaction, index in found))
