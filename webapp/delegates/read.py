# SPDX-License-Identifier: Apache-2.0
"""Who holds voting power, and from whom."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from governance import unconfirmed
from governance.asked_power import most_powerful
from governance.models import AskedPower, Dao, OnchainCheck
from governance.power import delegates, some_delegators
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.dao_view import DaoView
from presentation.paging import PAGE

NAMED = 12  # delegators of one account that a list names; all of them are in pages of their own
MOST_VOTES = 200  # of one account that are counted: its votes are scattered over the whole table
MOST_ROWS = 50
MOST_LISTED = 10_000  # accounts that are found by the number of their page; the API goes on behind an account


@dataclass
class DelegateRow:
    account: bytes
    power: int
    delegators: int  # all of them
    named: list[bytes]  # the first of them
    votes_cast: int  # proposals that it voted on; of an account with more than `MOST_VOTES` votes at least so many
    has_more_votes: bool
    check: OnchainCheck | None
    asked: AskedPower | None = None  # where the chain was asked for a snapshot's, for no log says who has power now
    is_confirmed: bool = True  # whether its power is more than the word of one node alone, with no proof

    @property
    def more(self) -> int:
        """How many delegators a page counts only."""
        return self.delegators - len(self.named)


def delegate_rows(
    place: DaoView, page: int = 1, size: int = PAGE, *, after: bytes | None = None, named: int = NAMED
) -> list[DelegateRow]:
    """A page of who holds voting power now and from whom, the most first, or what comes after an account; up to `named`
    delegators of each."""
    held = delegates(place.dao, first=(page - 1) * size, most=size, after=after)
    accounts = [row.account for row in held]
    from_whom = some_delegators(place.dao, accounts, named)
    cast = _votes_cast(place.dao, accounts)
    asked = checks_of_power(place.dao, accounts)
    doubted = unconfirmed.whose_power(place.dao, accounts)
    return [
        DelegateRow(
            row.account, row.power, row.delegators, from_whom[row.account], *cast.get(row.account, (0, False)),
            asked.get(row.account), is_confirmed=bytes(row.account) not in doubted,
        )
        for row in held
    ]  # fmt: skip


def asked_rows(place: DaoView, timepoint: int, page: int = 1, size: int = PAGE) -> list[DelegateRow]:
    """A page of the accounts whose power at a snapshot the chain was asked for, the most first. Who delegates to them
    is not known."""
    held = most_powerful(place.dao, timepoint, first=(page - 1) * size, most=size)
    cast = _votes_cast(place.dao, [bytes(row.account) for row in held])
    return [
        DelegateRow(row.account, row.power, 0, [], *cast.get(bytes(row.account), (0, False)), None, row) for row in held
    ]


def _votes_cast(dao: Dao, accounts: list[bytes]) -> dict[bytes, tuple[int, bool]]:
    """On how many proposals each account voted, and whether it has more votes than are counted."""
    with transaction.atomic(), connection.cursor() as sql:
        # Few voters have many votes, so that the planner expects few and would look all of them up before it counts.
        sql.execute("SET LOCAL enable_bitmapscan = off")
        sql.execute(
            """SELECT a.account, count(DISTINCT v.onchain_proposal_id), count(*)
               FROM unnest(%s::bytea[]) a (account) CROSS JOIN LATERAL (
                   SELECT onchain_proposal_id FROM governance_vote WHERE dao_id = %s AND voter = a.account LIMIT %s) v
               GROUP BY a.account""",
            [accounts, dao.pk, MOST_VOTES + 1],
        )
        return {
            bytes(who): (min(proposals, MOST_VOTES), votes > MOST_VOTES) for who, proposals, votes in sql.fetchall()
        }


def checks_of_power(dao: Dao, accounts: list[bytes]) -> dict[bytes, OnchainCheck]:
    """What the chain answered about these accounts' power now."""
    subjects = {f"power:{text(account)}": account for account in accounts for text in (hex_text, words.address_text)}
    found = OnchainCheck.objects.filter(dao=dao, subject__in=list(subjects))
    return {subjects[check.subject]: check for check in found}
