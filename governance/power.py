# SPDX-License-Identifier: Apache-2.0
"""Voting power as the mirror knows it: base units of the votes token, from checkpoint logs, never from guessed sums."""

import json
from dataclasses import dataclass

from django.db import connection

from governance.models import WHOLE_BPS, Dao, PowerCheckpoint, chain_order

_NEWEST = ("-timepoint", *chain_order("log__", newest_first=True))


@dataclass(frozen=True)
class Delegate:
    """An account that holds voting power or that others delegated to. `delegators` includes itself if it does."""

    account: bytes
    power: int
    delegators: int


def power_at(dao: Dao, account: bytes, timepoint: int) -> int:
    """Power at a timepoint of the votes token's clock, as getPastVotes answers once the timepoint has passed."""
    row = PowerCheckpoint.objects.filter(dao=dao, account=account, timepoint__lte=timepoint).order_by(*_NEWEST).first()
    return row.power if row else 0


def power_now(dao: Dao, account: bytes) -> int:
    """Power at the last block read, as getVotes answers."""
    row = PowerCheckpoint.objects.filter(dao=dao, account=account).order_by(*_NEWEST).first()
    return row.power if row else 0


def delegate_of(dao: Dao, account: bytes) -> bytes:
    """To whom the account delegates, or most of it; 20 zero bytes for nobody."""
    return max(delegations_of(dao, account), key=lambda part: part[1], default=(bytes(20), 0))[0]


def delegations_of(dao: Dao, account: bytes) -> list[tuple[bytes, int]]:
    """To whom the account delegates, and what share of its votes in basis points; nobody is not among them."""
    return [(to, share) for who, to, share in _current(dao, "d.delegator = %s", account) if any(to)]


def delegators_of(dao: Dao, account: bytes) -> list[bytes]:
    """Accounts whose newest delegation names `account` (itself included if it is among them), in byte order."""
    return sorted(who for who, to, share in _current(dao) if to == account and share)


def shared_with(dao: Dao, accounts: list[bytes]) -> list[tuple[bytes, bytes]]:
    """(delegator, delegate) of those who delegate to several at once, of whom these accounts are some. One query."""
    some = (
        "d.delegator IN (SELECT p.delegator FROM governance_partialdelegation p "
        "WHERE p.dao_id = d.dao_id AND p.delegate = ANY(%s))"
    )
    wanted = set(accounts)
    return [(who, to) for who, to, share in _current(dao, some, accounts) if to in wanted and share]


def delegates(dao: Dao, *, limit: int = 200) -> list[Delegate]:
    """Accounts with power or delegators, the most powerful first. Two queries, whatever the DAO's size."""
    counts: dict[bytes, int] = {}
    for _, to, share in _current(dao):
        if any(to) and share:
            counts[to] = counts.get(to, 0) + 1
    with connection.cursor() as sql:
        sql.execute(
            """SELECT DISTINCT ON (c.account) c.account, c.power
               FROM governance_powercheckpoint c JOIN governance_rawlog l ON l.id = c.log_id WHERE c.dao_id = %s
               ORDER BY c.account, c.timepoint DESC, l.block_number DESC, l.transaction_index DESC, l.log_index DESC""",
            [dao.pk],
        )
        powers = {bytes(account): int(power) for account, power in sql.fetchall()}
    everyone = {account for account, power in powers.items() if power} | set(counts)
    found = [Delegate(account, powers.get(account, 0), counts.get(account, 0)) for account in everyone]
    return sorted(found, key=lambda d: (-d.power, d.account))[:limit]


def _current(dao: Dao, condition: str = "TRUE", *arguments: bytes | list[bytes]) -> list[tuple[bytes, bytes, int]]:
    """(delegator, delegate, share in basis points) of each delegator's newest delegation."""
    with connection.cursor() as sql:
        sql.execute(
            f"""SELECT newest.delegator, coalesce(part.delegate, newest.to_delegate),
                       coalesce(part.share_bps, {WHOLE_BPS})
                FROM (SELECT DISTINCT ON (d.delegator) d.delegator, d.to_delegate, d.log_id
                      FROM governance_delegation d JOIN governance_rawlog l ON l.id = d.log_id
                      WHERE d.dao_id = %s AND {condition}
                      ORDER BY d.delegator, l.block_number DESC, l.transaction_index DESC, l.log_index DESC) newest
                LEFT JOIN governance_partialdelegation part ON part.log_id = newest.log_id
                ORDER BY newest.delegator, part.position""",  # noqa: S608 -- ours
            [dao.pk, *arguments],
        )
        return [(bytes(who), bytes(to), int(share)) for who, to, share in sql.fetchall()]


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
