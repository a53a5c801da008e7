# SPDX-License-Identifier: Apache-2.0
"""Who has how much voting power now, and who delegates to whom: one row an account, so that a page reads no history.

What a batch of logs says last of an account replaces its row, unless the row is of a later log (blocks may be read
again). Where logs are dropped, the rows of the accounts that they named are made again from the logs that are left.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import connection
from django.db.models import QuerySet

from governance.bulk import array
from governance.models import WHOLE_BPS, Dao, Delegation, PowerCheckpoint, RawLog
from governance.projections.batch import Parts, Place

Touched = tuple[set[bytes], set[bytes]]  # accounts whose power, and delegators whose delegation, logs changed

_NOBODY = bytes(20)
_PLACE = "block_number, transaction_index, log_index"
_NEWEST = "l.block_number DESC, l.transaction_index DESC, l.log_index DESC"


def write(dao: Dao, powers: Mapping[bytes, tuple[Place, int]], delegated: Mapping[bytes, tuple[Place, Parts]]) -> None:
    """Take in what a batch says last: `powers` in base units of the votes token by account, and to whom each delegator
    delegates. Inside the caller's transaction, after the logs were stored."""
    if powers:
        _put_powers(dao, powers)
    if delegated:
        _put_delegations(dao, {who: delegated[who] for who in _not_older(dao, delegated)})


def touched_by(dao: Dao, logs: QuerySet[RawLog]) -> Touched:
    """Return the accounts whose rows may rest on these logs; to be asked before they are dropped."""
    accounts = PowerCheckpoint.objects.filter(dao=dao, log__in=logs).values_list("account", flat=True)
    delegators = Delegation.objects.filter(dao=dao, log__in=logs).values_list("delegator", flat=True)
    return {bytes(account) for account in accounts}, {bytes(delegator) for delegator in delegators}


def make_again(dao: Dao, touched: Touched) -> None:
    """Make the rows of these accounts from the logs that are stored, whatever they were."""
    accounts, delegators = (list(some) for some in touched)
    if accounts:
        with connection.cursor() as sql:
            sql.execute(
                """SELECT count(*), coalesce(sum(power), 0) FROM governance_accountpower
                   WHERE dao_id = %s AND account = ANY(%s) AND power > 0""",
                [dao.pk, accounts],
            )
            holders, power = sql.fetchone()
            sql.execute(
                "UPDATE governance_powertotal SET holders = holders - %s, power = power - %s WHERE dao_id = %s",
                [holders, power, dao.pk],
            )
            sql.execute(
                "DELETE FROM governance_accountpower WHERE dao_id = %s AND delegators = 0 AND account = ANY(%s)",
                [dao.pk, accounts],
            )
            sql.execute(
                """UPDATE governance_accountpower
                   SET power = 0, block_number = -1, transaction_index = -1, log_index = -1
                   WHERE dao_id = %s AND account = ANY(%s)""",
                [dao.pk, accounts],
            )
        _put_powers(dao, _newest_powers(dao, accounts))
        _forget_empty_total(dao)
    if delegators:
        _put_delegations(dao, _newest_delegations(dao, delegators), gone=delegators)


def _newest_powers(dao: Dao, accounts: Sequence[bytes]) -> dict[bytes, tuple[Place, int]]:
    with connection.cursor() as sql:
        sql.execute(
            f"""SELECT a.account, newest.* FROM unnest(%s::bytea[]) a (account) CROSS JOIN LATERAL (
                    SELECT l.block_number, l.transaction_index, l.log_index, c.power
                    FROM governance_powercheckpoint c JOIN governance_rawlog l ON l.id = c.log_id
                    WHERE c.dao_id = %s AND c.account = a.account ORDER BY c.timepoint DESC, {_NEWEST} LIMIT 1) newest
            """,  # noqa: S608 -- ours
            [accounts, dao.pk],
        )
        return {bytes(row[0]): ((row[1], row[2], row[3]), int(row[4])) for row in sql.fetchall()}


def _newest_delegations(dao: Dao, delegators: Sequence[bytes]) -> dict[bytes, tuple[Place, Parts]]:
    with connection.cursor() as sql:
        sql.execute(
            f"""SELECT a.delegator, newest.block_number, newest.transaction_index, newest.log_index,
                       coalesce(part.delegate, newest.to_delegate), coalesce(part.share_bps, {WHOLE_BPS})
                FROM unnest(%s::bytea[]) a (delegator) CROSS JOIN LATERAL (
                    SELECT l.block_number, l.transaction_index, l.log_index, d.to_delegate, d.log_id
                    FROM governance_delegation d JOIN governance_rawlog l ON l.id = d.log_id
                    WHERE d.dao_id = %s AND d.delegator = a.delegator ORDER BY {_NEWEST} LIMIT 1) newest
                LEFT JOIN governance_partialdelegation part ON part.log_id = newest.log_id
                ORDER BY a.delegator, part.position""",  # noqa: S608 -- ours
            [delegators, dao.pk],
        )
        found: dict[bytes, tuple[Place, list[tuple[bytes, int]]]] = {}
        for who, block, transaction, index, to, share in sql.fetchall():
            found.setdefault(bytes(who), ((block, transaction, index), []))[1].append((bytes(to), share))
        return dict(found)


def _put_powers(dao: Dao, powers: Mapping[bytes, tuple[Place, int]]) -> None:
    """Replace the power of these accounts where it is of no later log, and bring the DAO's total along. One statement:
    all its parts see the rows as they were before it."""
    if not powers:
        return
    with connection.cursor() as sql:
        sql.execute(
            f"""WITH new AS (
                    SELECT * FROM unnest(%s::bytea[], %s::bigint[], %s::int[], %s::int[], %s::numeric[])
                        new (account, b, t, l, power)),
                old AS (
                    SELECT had.account, had.power FROM governance_accountpower had JOIN new USING (account)
                    WHERE had.dao_id = %s),
                put AS (
                    INSERT INTO governance_accountpower AS now (dao_id, account, delegators, {_PLACE}, power)
                    SELECT %s, new.account, 0, new.b, new.t, new.l, new.power FROM new ORDER BY new.account
                    ON CONFLICT (dao_id, account) DO UPDATE
                    SET power = excluded.power, block_number = excluded.block_number,
                        transaction_index = excluded.transaction_index, log_index = excluded.log_index
                    WHERE (now.block_number, now.transaction_index, now.log_index)
                        <= (excluded.block_number, excluded.transaction_index, excluded.log_index)
                    RETURNING account, power),
                change AS (
                    SELECT coalesce(sum((put.power > 0)::int - coalesce(old.power > 0, false)::int), 0) AS holders,
                           coalesce(sum(put.power - coalesce(old.power, 0)), 0) AS power
                    FROM put LEFT JOIN old USING (account))
                INSERT INTO governance_powertotal AS now (dao_id, holders, power)
                SELECT %s, holders, power FROM change WHERE holders <> 0 OR power <> 0
                ON CONFLICT (dao_id) DO UPDATE SET holders = now.holders + excluded.holders,
                                                   power = now.power + excluded.power
                RETURNING holders""",  # noqa: S608 -- ours
            [array(powers), *_columns(place for place, _ in powers.values()),
             array(power for _, power in powers.values()), dao.pk, dao.pk, dao.pk],
        )  # fmt: skip
        row = sql.fetchone()
    if row is not None and row[0] == 0:
        _forget_empty_total(dao)


def _forget_empty_total(dao: Dao) -> None:
    """A DAO of which nobody has power has no total."""
    with connection.cursor() as sql:
        sql.execute("DELETE FROM governance_powertotal WHERE dao_id = %s AND holders = 0", [dao.pk])


def _columns(rows: Iterable[Sequence[bytes | int]]) -> list[str]:
    return [array(column) for column in zip(*rows, strict=True)]


def _not_older(dao: Dao, delegated: Mapping[bytes, tuple[Place, Parts]]) -> list[bytes]:
    """The delegators whose row is of no later log than the one given here."""
    with connection.cursor() as sql:
        sql.execute(
            """SELECT new.delegator
               FROM unnest(%s::bytea[], %s::bigint[], %s::int[], %s::int[]) new (delegator, b, t, l)
               WHERE NOT EXISTS (
                   SELECT FROM governance_currentdelegation now
                   WHERE now.dao_id = %s AND now.delegator = new.delegator
                     AND (now.block_number, now.transaction_index, now.log_index) > (new.b, new.t, new.l))""",
            [array(delegated), *_columns(place for place, _ in delegated.values()), dao.pk],
        )
        return [bytes(delegator) for (delegator,) in sql.fetchall()]


def _put_delegations(dao: Dao, delegated: Mapping[bytes, tuple[Place, Parts]], gone: Collection[bytes] = ()) -> None:
    """Replace the rows of these delegators, drop those of `gone` that are not among them, and count delegators anew."""
    rows = [
        (who, position, to, share, *place)
        for who, (place, parts) in delegated.items()
        for position, (to, share) in enumerate(_real(parts))
    ]
    more: Counter[bytes] = Counter(row[2] for row in rows)
    with connection.cursor() as sql:
        sql.execute(
            """DELETE FROM governance_currentdelegation WHERE dao_id = %s AND delegator = ANY(%s::bytea[])
               RETURNING delegate""",
            [dao.pk, array({*delegated, *gone})],
        )
        more.subtract(bytes(delegate) for (delegate,) in sql.fetchall())
        del more[_NOBODY]
        if rows:
            sql.execute(
                f"""INSERT INTO governance_currentdelegation
                        (dao_id, delegator, position, delegate, share_bps, {_PLACE})
                    SELECT %s, new.* FROM unnest(
                        %s::bytea[], %s::int[], %s::bytea[], %s::int[], %s::bigint[], %s::int[], %s::int[]) new""",  # noqa: S608 -- ours
                [dao.pk, *_columns(rows)],
            )
        changed = {delegate: count for delegate, count in more.items() if count}
        if changed:
            sql.execute(
                f"""INSERT INTO governance_accountpower AS now (dao_id, account, delegators, {_PLACE}, power)
                    SELECT %s, new.account, new.count, -1, -1, -1, 0
                    FROM unnest(%s::bytea[], %s::int[]) new (account, count)
                    ON CONFLICT (dao_id, account) DO UPDATE SET delegators = now.delegators + excluded.delegators""",  # noqa: S608 -- ours
                [dao.pk, array(changed), array(changed.values())],
            )
        fewer = [delegate for delegate, count in changed.items() if count < 0]
        if fewer:
            sql.execute(
                """DELETE FROM governance_accountpower
                   WHERE dao_id = %s AND account = ANY(%s) AND delegators = 0 AND block_number = -1""",
                [dao.pk, fewer],
            )


def _real(parts: Parts) -> list[tuple[bytes, int]]:
    """The delegates who get something, each once; nobody, with no share, where there is none."""
    shares: dict[bytes, int] = {}
    for to, share in parts:
        if any(to) and share:
            shares[to] = shares.get(to, 0) + share
    return list(shares.items()) or [(_NOBODY, 0)]
