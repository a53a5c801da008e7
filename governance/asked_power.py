# SPDX-License-Identifier: Apache-2.0
"""Voting power of a DAO whose votes token logs it in no way that is understood: asked of the chain, and kept.

Some tokens log delegations in a shape of their own, some (vote escrows, wrapped positions) log nothing. Power can then
not be read from logs, and a list made from them would say that nobody has any. So workers ask for the power of
accounts that take part (voters, delegates, proposers) at the snapshots of the newest proposals, at the block that the
mirror has read. Pages show those rows with their block, and say that nothing is known of other accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext

from governance import endpoints, work
from governance.chain import abi
from governance.chain.rpc import CallReverted, Rpc, RpcError
from governance.models import (
    AskedPower,
    Block,
    Contract,
    Cursor,
    Dao,
    PowerCheckpoint,
    Proposal,
    UnconfirmedLog,
    Work,
)
from governance.numbers import grouped
from governance.state import now_of

WORK = "governance.asked_power"
LOOK_EVERY_S = 30
MOST_PROPOSALS = 50  # the newest whose snapshot has passed: of their voters
MOST_ACCOUNTS = 1_000  # that took part in those, whose power is asked at the newest snapshot too
PAGE = 200  # accounts asked about in one request
_PAGES = 5  # in one run of a worker
_FAILED_S = 10
_STATE_KEPT_BLOCKS = 128  # below its head, by a full node
# Compound's governors count a proposal's votes by the token's word at its snapshot; Nouns' take another moment.
_BY_TOKEN = ("alpha", "bravo")
_BY_GOVERNOR = ("openzeppelin", "agora")


@dataclass(frozen=True)
class Degraded:
    """Why a DAO's power is not read from logs. `block` is up to where they were read; `is_sure` where votes counted
    something all the same, else it may be that nobody has power yet; `has_token` is False where no votes token is
    known. `asked_timepoint`: the newest snapshot of which rows are kept (in the governor's clock), None where there are
    none, and `asked_block` is where they were asked."""

    block: int
    is_sure: bool
    has_token: bool = True
    asked_timepoint: int | None = None
    asked_block: int | None = None

    @property
    def words(self) -> str:
        """Two or three sentences for pages, API and commands."""
        shown = {"block": grouped(self.block), "asked": grouped(self.asked_block) if self.asked_block else ""}
        if not self.has_token:
            text = gettext(
                "No votes token is known for this DAO, for its governor names none (add_dao takes it with --token). "
                "Who has power, and who delegates to whom, is not known."
            )
        elif self.is_sure:
            text = gettext(
                "The votes token logged no change of voting power that is understood here, up to block "
                "%(block)s, though votes were cast with power. Who has power, and who delegates to whom, is not known "
                "from logs."
            )
        else:
            text = gettext(
                "The votes token logged no change of voting power that is understood here, up to block "
                "%(block)s. Either nobody has power yet, or the token logs it in another way: who has power is not "
                "known from logs."
            )
        if self.asked_timepoint is None:
            more = gettext("Each voter's own power is asked of the chain on the ballot.")
        else:
            more = gettext(
                "The power of accounts that took part in the newest votes was asked of the chain at block %(asked)s "
                "and is shown as of a proposal's snapshot. Of other accounts nothing is known."
            )
        return f"{text} {more}" % shown


def degraded(dao: Dao) -> Degraded | None:
    """Return how the DAO's power is not read from logs; None where it is, where the token has no supply, and before
    anything was read. Asks no node."""
    if _has_checkpoints(dao):
        return None
    token = dao.contracts.filter(kind=Contract.Kind.VOTES_TOKEN).first()
    cursor = Cursor.objects.filter(dao=dao).first()
    if cursor is None or cursor.head_hash is None or not dao.contracts.filter(kind=Contract.Kind.GOVERNOR).exists():
        return None
    is_sure = _has_counted(dao)
    # A token that names no supply may have one.
    if token is not None and token.capabilities.get("total_supply") == "0" and not is_sure:
        return None
    newest = AskedPower.objects.filter(dao=dao, power__gt=0).order_by("-timepoint").first()
    return Degraded(
        cursor.next_block - 1, is_sure, token is not None, newest.timepoint if newest else None,
        newest.block_number if newest else None,
    )  # fmt: skip


def _has_checkpoints(dao: Dao) -> bool:
    """Whether a change of power was read that is more than one node's word: what one alone shows must not make it look
    as if all others had none."""
    # In the index's order: a plan that looks for any row may begin to read the table from its end.
    rows = PowerCheckpoint.objects.filter(dao=dao).order_by("account", "timepoint")
    confirmed = rows.filter(~Exists(UnconfirmedLog.objects.filter(log=OuterRef("log"))))
    return bool(confirmed.values_list("account", flat=True)[:1])


def _has_counted(dao: Dao) -> bool:
    """Whether votes of the newest proposals counted something."""
    newest = Proposal.objects.filter(dao=dao).order_by("-pk")
    tallies = newest.values_list("for_votes", "against_votes", "abstain_votes")[:MOST_PROPOSALS]
    return any(any(tally) for tally in tallies)


def asked(dao: Dao, account: bytes, timepoint: int) -> AskedPower | None:
    """Return what the chain answered about an account's power at a snapshot; None where it was not asked, or has no
    answer."""
    return AskedPower.objects.filter(dao=dao, account=account, timepoint=timepoint, power__isnull=False).first()


def asked_at(dao: Dao, account: bytes, timepoints: Sequence[int]) -> dict[int, int]:
    """Return an account's power at those of these snapshots of which the chain was asked, by snapshot."""
    rows = AskedPower.objects.filter(dao=dao, account=account, timepoint__in=timepoints, power__isnull=False)
    return {timepoint: int(power) for timepoint, power in rows.values_list("timepoint", "power")}


def newest_asked(dao: Dao, account: bytes) -> AskedPower | None:
    """Return what the chain answered about an account at the newest snapshot of which it was asked."""
    rows = AskedPower.objects.filter(dao=dao, account=account, power__isnull=False)
    return rows.order_by("-timepoint").first()


def most_powerful(dao: Dao, timepoint: int, *, first: int = 0, most: int = 50) -> list[AskedPower]:
    """Return the rows of a snapshot that have power, the most powerful first."""
    rows = AskedPower.objects.filter(dao=dao, timepoint=timepoint, power__gt=0)
    return list(rows.order_by("-power", "account")[first : first + most])


def count_at(dao: Dao, timepoint: int) -> int:
    """Return how many rows of a snapshot have power."""
    return AskedPower.objects.filter(dao=dao, timepoint=timepoint, power__gt=0).count()


# --- asking


def enqueue_due() -> None:
    """Make due work of the DAOs of whose accounts something is to be asked."""
    for dao in Dao.objects.order_by("pk"):
        done_at = Work.objects.filter(name=WORK, key=dao.slug).values_list("done_at", flat=True).first()
        if done_at is not None and timezone.now() - done_at < timedelta(seconds=LOOK_EVERY_S):
            continue  # who has voted since is asked about soon enough
        if _is_near_head(dao) and (_had_no_supply(dao) or (degraded(dao) is not None and missing(dao, 1))):
            work.enqueue(WORK, dao.slug, renew=True)


def _is_near_head(dao: Dao) -> bool:
    cursor = Cursor.objects.filter(dao=dao).first()
    if cursor is None or cursor.head_hash is None:
        return False
    return cursor.node_head_block - (cursor.next_block - 1) <= _STATE_KEPT_BLOCKS


@work.worker(WORK)
def _ask_due(slug: str, _arguments: dict[str, Any]) -> None:
    dao = Dao.objects.filter(slug=slug).first()
    if dao is None:
        raise work.Abandon("the DAO is gone")
    try:
        with endpoints.known(dao.chain_id) as rpc:
            ask_supply(dao, rpc)
            for _ in range(_PAGES):
                if not ask(dao, rpc):
                    return
        raise work.Again(timezone.now(), "there is more to ask")
    except RpcError as error:
        raise work.Again(timezone.now() + timedelta(seconds=_FAILED_S), str(error)) from error


def _had_no_supply(dao: Dao) -> bool:
    """Whether nobody had tokens when the votes token was asked, and no log says that somebody has power since."""
    token = dao.contracts.filter(kind=Contract.Kind.VOTES_TOKEN, capabilities__total_supply="0").first()
    return token is not None and not _has_checkpoints(dao)


def ask_supply(dao: Dao, rpc: Rpc) -> None:
    """Ask a votes token that had no supply whether it has one by now, at the block that the mirror has read, and keep
    that: power that is not logged is then not known, and no 0. One that has a supply is not asked again.

    Raises:
        RpcError: the node failed; nothing is kept.
    """
    cursor = Cursor.objects.get(dao=dao)
    if cursor.head_hash is None or not _had_no_supply(dao):
        return
    for token in dao.contracts.filter(kind=Contract.Kind.VOTES_TOKEN, capabilities__total_supply="0"):
        try:
            answer = rpc.eth_call(bytes(token.address), abi.encode_call("totalSupply()"), cursor.head_hash)
        except CallReverted:
            continue
        if len(answer) == 32 and any(answer):
            _keep_supply(dao, token.pk, cursor, int.from_bytes(answer, "big"))


def _keep_supply(dao: Dao, token_pk: int, cursor: Cursor, supply: int) -> None:
    """Keep what a votes token answered at the block of this cursor, unless a reorg took that block meanwhile."""
    with transaction.atomic():
        # Who else writes what a contract is, holds this row too; what was read before the question may be old.
        Cursor.objects.select_for_update().get(dao=dao)
        if not Block.objects.filter(dao=dao, number=cursor.next_block - 1, hash=cursor.head_hash).exists():
            return
        token = Contract.objects.filter(pk=token_pk).first()
        if token is not None and token.capabilities.get("total_supply") == "0":
            token.capabilities["total_supply"] = str(supply)
            token.save(update_fields=["capabilities"])


def missing(dao: Dao, most: int) -> list[tuple[bytes, int]]:
    """Return accounts and snapshots that are not asked about yet, the newest snapshot first: `most` of them."""
    governor = dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()
    if governor is None or _whom(dao, governor) is None:
        return []
    passed = Proposal.objects.filter(dao=dao, snapshot__lt=now_of(dao, governor).timepoint)
    newest = list(passed.order_by("-snapshot", "-pk").values_list("pk", "snapshot")[:MOST_PROPOSALS])
    if not newest:
        return []
    with connection.cursor() as sql:
        sql.execute(
            """WITH newest AS (SELECT id, snapshot, proposer FROM governance_proposal WHERE id = ANY(%(newest)s)),
                    voted AS (SELECT DISTINCT v.voter AS account, n.snapshot::bigint FROM newest n
                              JOIN governance_vote v ON v.proposal_id = n.id),
                    took_part AS (
                        SELECT account FROM (
                            (SELECT account FROM voted GROUP BY account ORDER BY max(snapshot) DESC, account
                             LIMIT %(accounts)s)
                            UNION (SELECT proposer FROM newest)
                            UNION (SELECT DISTINCT delegate FROM governance_currentdelegation
                                   WHERE dao_id = %(dao)s AND share_bps > 0 LIMIT %(accounts)s)) parts (account)
                        LIMIT 2 * %(accounts)s),
                    due AS (SELECT account, snapshot FROM voted
                            UNION SELECT account, %(snapshot)s::bigint FROM took_part)
               SELECT due.account, due.snapshot FROM due
               LEFT JOIN governance_askedpower a
                   ON a.dao_id = %(dao)s AND a.account = due.account AND a.timepoint = due.snapshot
               WHERE a.id IS NULL ORDER BY due.snapshot DESC, due.account LIMIT %(most)s""",
            {
                "newest": [pk for pk, _ in newest], "snapshot": newest[0][1], "dao": dao.pk, "most": most,
                "accounts": MOST_ACCOUNTS,
            },
        )  # fmt: skip
        return [(bytes(account), int(snapshot)) for account, snapshot in sql.fetchall()]


def ask(dao: Dao, rpc: Rpc) -> int:
    """Ask about up to `PAGE` accounts that are not asked about yet, at the block that the mirror has read, and keep the
    answers. Returns how many rows were kept: none where a reorg took the block meanwhile, or nothing is missing.

    Raises:
        RpcError: the node failed; what was kept before stays.
    """
    cursor = Cursor.objects.get(dao=dao)
    wanted = missing(dao, PAGE) if cursor.head_hash is not None and degraded(dao) is not None else []
    if cursor.head_hash is None or not wanted:
        return 0
    whom = _whom(dao, dao.contracts.get(kind=Contract.Kind.GOVERNOR))
    if whom is None:
        return 0
    to, signature = whom
    calls = [(to, abi.encode_call(signature, [account, timepoint])) for account, timepoint in wanted]
    answers = rpc.eth_calls(calls, cursor.head_hash)
    block = cursor.next_block - 1
    rows = [
        AskedPower(
            dao=dao, account=account, timepoint=timepoint, power=_power(answer), block_number=block,
            block_hash=cursor.head_hash,
        )
        for (account, timepoint), answer in zip(wanted, answers, strict=True)
        # A node that lacks the state just now is asked again; contracts that have no answer are not.
        if isinstance(answer, bytes | CallReverted)
    ]  # fmt: skip
    with transaction.atomic():
        # The sync drops rows with their blocks while it holds this row.
        Cursor.objects.select_for_update().get(dao=dao)
        if not Block.objects.filter(dao=dao, number=block, hash=cursor.head_hash).exists():
            return 0
        AskedPower.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _whom(dao: Dao, governor: Contract) -> tuple[bytes, str] | None:
    """The contract whose word counts for a vote, and its function; None where none is known."""
    family = governor.capabilities.get("family")
    if family in _BY_GOVERNOR:
        return bytes(governor.address), "getVotes(address,uint256)"
    token = dao.contracts.filter(kind=Contract.Kind.VOTES_TOKEN).first()
    if family not in _BY_TOKEN or token is None:
        return None
    now_call = token.capabilities.get("votes_call")
    past = "getPriorVotes" if now_call == "getCurrentVotes(address)" else "getPastVotes"
    return bytes(token.address), f"{past}(address,uint256)"


def _power(answer: bytes | RpcError) -> int | None:
    return int.from_bytes(answer, "big") if isinstance(answer, bytes) and len(answer) == 32 else None


def drop_above(dao: Dao, block_number: int) -> None:
    """Drop what was asked in blocks above this one, which the chain has no more."""
    AskedPower.objects.filter(dao=dao, block_number__gt=block_number).delete()


def drop_others(dao: Dao, numbers: Sequence[int], hashes: Sequence[bytes]) -> None:
    """Drop what was asked at these heights in other blocks than these."""
    AskedPower.objects.filter(dao=dao, block_number__in=numbers).exclude(block_hash__in=hashes).delete()
