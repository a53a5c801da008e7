# SPDX-License-Identifier: Apache-2.0
"""How the mirror of a DAO is: what an operator looks at first. Reads the database alone and asks no node."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db import connection
from django.utils import timezone

from governance import endpoints, incidents
from governance.chain.rpc import Rpc, RpcError
from governance.clocks import Source, source_of
from governance.models import Block, Contract, Cursor, Dao, OnchainCheck, SyncIncident, UnconfirmedLog
from governance.register import about_read_token
from governance.sync.step import is_local

SILENT_S = 120  # workers read each DAO every few seconds: for so long none did
STUCK_S = 1_800  # no chain that people vote on makes no block for so long
_PAST_BLOCKS = 128  # behind its node by more, a mirror is still reading the past
_MOST_INCIDENTS = 10
# What was dropped and read again: nothing is to be done, and the row is never resolved.
_OVER = (incidents.Kind.REORG, incidents.Kind.LOCAL_CHAIN_REWOUND, incidents.Kind.MISSED_LOGS)
_CLOCKS = {
    Source.TIME: "seconds, the block's time",
    Source.HEIGHT: "the chain's own blocks",
    Source.HEADER: "blocks of the chain below (L1), which headers name",
    Source.CONTRACT: "blocks of the chain below (L1), asked of clock() at each block",
    Source.OPCODE: "blocks of the chain below (L1), asked at each block as contracts see it",
}


class Level(StrEnum):
    """How good a finding is. Only `WRONG` asks for something to be done."""

    OK = "ok"
    NOTE = "note"
    WRONG = "WRONG"


@dataclass(frozen=True)
class Finding:
    """One line about a DAO's mirror, in words."""

    level: Level
    subject: str
    words: str


def findings_of(dao: Dao, now: datetime | None = None) -> list[Finding]:
    """Return what is to be said of a DAO's mirror, at a moment (now)."""
    at = now or timezone.now()
    cursor = Cursor.objects.filter(dao=dao).first()
    if cursor is None or cursor.head_hash is None:
        return [Finding(Level.WRONG, "reading", "nothing was read yet: is a worker running?"), *_nodes(dao)]
    return [
        *_reading(dao, cursor, at), *_nodes(dao), _finality(dao, cursor), *_incidents(dao), *_checks(dao),
        _unconfirmed(dao), *_clock(dao), *_power(dao), _spelling(),
    ]  # fmt: skip


def _reading(dao: Dao, cursor: Cursor, now: datetime) -> Iterator[Finding]:
    block = cursor.next_block - 1
    age_s = int(now.timestamp()) - cursor.head_timestamp_chain_s
    behind = max(cursor.node_head_block - block, 0)
    far = f", {behind:,} behind its node" if behind else ""
    words = f"up to block {block:,}{far}; that block was made {_span(age_s)} by this machine's clock"
    if behind > _PAST_BLOCKS:
        yield Finding(Level.NOTE, "reading", f"{words}: the past is still being read")
    elif age_s > STUCK_S and not is_local(dao.chain):
        yield Finding(
            Level.WRONG, "reading", f"{words}: the chain makes no blocks, its nodes are stuck, or the clock is wrong"
        )
    else:
        yield Finding(Level.OK, "reading", words)
    if cursor.synced_at is None:
        yield Finding(Level.WRONG, "worker", "none has come up to a node's head yet")
        return
    silent_s = int((now - cursor.synced_at).total_seconds())
    if silent_s > SILENT_S:
        yield Finding(
            Level.WRONG, "worker", f"last heard of the chain {_span(silent_s)}: none is running, or its node fails"
        )
    else:
        yield Finding(Level.OK, "worker", f"last heard of the chain {_span(silent_s)}")


def _span(seconds: int) -> str:
    """How long ago a moment was, in whole units of which there are at least two."""
    if seconds < 0:
        return f"{-seconds:,} s in the future"
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:,} {name} ago"
    return f"{seconds} s ago"


def _nodes(dao: Dao) -> Iterator[Finding]:
    urls = settings.RPC_URLS.get(dao.chain_id, ())
    if not urls:
        yield Finding(Level.WRONG, "nodes", f"none is set for chain {dao.chain_id} (MANDATE_RPC_URLS)")
        return
    try:
        told = endpoints.standings(Rpc.for_chain(dao.chain_id))
    except RpcError as error:
        yield Finding(Level.WRONG, "nodes", str(error))
        return
    for words, is_well in told:
        yield Finding(Level.OK if is_well else Level.WRONG, "node", words)
    if (unknown := len(urls) - len(told)) > 0:
        yield Finding(Level.NOTE, "nodes", f"of {unknown} of {len(urls)} nothing is known yet")
    if len(urls) == 1 and not is_local(dao.chain):
        yield Finding(Level.NOTE, "nodes", "one alone: all that is shown is its word, and no second one contradicts it")


def _finality(dao: Dao, cursor: Cursor) -> Finding:
    deepest = dao.chain.deepest_reorg_blocks
    depth = dao.chain.depth_blocks
    words = f"after {depth:,} blocks; deepest reorg seen {deepest:,}"
    if cursor.alone_from_block is not None:
        words += f"; final blocks from {cursor.alone_from_block:,} on are one node's word, though others are set"
        return Finding(Level.WRONG, "finality", words)
    if deepest >= depth and not is_local(dao.chain):
        return Finding(Level.WRONG, "finality", f"{words}: set a greater depth (MANDATE_FINALITY_DEPTHS)")
    return Finding(Level.OK, "finality", words)


def _incidents(dao: Dao) -> Iterator[Finding]:
    still = SyncIncident.objects.filter(dao=dao, resolved_at=None).exclude(kind__in=_OVER).order_by("-pk")
    newest = list(still[:_MOST_INCIDENTS])
    for incident in newest:
        yield Finding(Level.WRONG, incident.kind, f"since {incident.happened_at:%Y-%m-%d %H:%M} UTC: {incident.detail}")
    if (more := still.count() - len(newest)) > 0:
        yield Finding(Level.WRONG, "incidents", f"{more:,} older ones are open too (`audit --record` has all)")
    if not newest:
        yield Finding(Level.OK, "incidents", "none is open")
    over = Counter(SyncIncident.objects.filter(dao=dao, kind__in=_OVER).values_list("kind", flat=True))
    if over:
        yield Finding(Level.NOTE, "past", ", ".join(f"{count:,} {kind}" for kind, count in sorted(over.items())))


def _checks(dao: Dao) -> Iterator[Finding]:
    checks = OnchainCheck.objects.filter(dao=dao)
    differing = list(checks.differing().order_by("subject")[: _MOST_INCIDENTS + 1])
    for check in differing[:_MOST_INCIDENTS]:
        yield Finding(
            Level.WRONG, "differs",
            f"{check.subject}: at block {check.block_number:,} {check.words}",
        )  # fmt: skip
    if len(differing) > _MOST_INCIDENTS:
        yield Finding(Level.WRONG, "differs", "and more (`audit` has all)")
    elif not differing:
        asked = checks.count()
        words = f"in {asked:,} answers, as far as the chain was asked" if asked else "the chain was not asked yet"
        yield Finding(Level.OK if asked else Level.NOTE, "no difference" if asked else "checks", words)


def _unconfirmed(dao: Dao) -> Finding:
    marked = UnconfirmedLog.objects.filter(dao=dao)
    count = marked.count()
    if not count:
        return Finding(Level.OK, "unconfirmed", "no log is one node's alone against another's word")
    final_blocks = Block.objects.filter(dao=dao, finalized=True).values("hash")
    final = marked.filter(log__block_hash__in=final_blocks).count()
    words = f"{count:,} logs that one node alone shows, {final:,} of them in final blocks"
    return Finding(Level.WRONG if final else Level.NOTE, "unconfirmed", words)


def _clock(dao: Dao) -> Iterator[Finding]:
    for contract in dao.contracts.filter(kind=Contract.Kind.GOVERNOR).order_by("pk"):
        yield Finding(Level.OK, "clock", f"the governor counts {_CLOCKS[source_of(contract.capabilities)]}")


def _power(dao: Dao) -> Iterator[Finding]:
    degraded = about_read_token(dao)
    if degraded is not None:
        yield Finding(Level.NOTE, "power", f"degraded: {degraded.words}")
    else:
        yield Finding(Level.OK, "power", "read from the votes token's logs")


_NEAR_INDEX = "CREATE INDEX search_word_near ON webapp_searchword USING gin (folded gin_trgm_ops)"


def _spelling() -> Finding:
    """Of the whole database: whether search can forgive misspelt words."""
    with connection.cursor() as sql:
        sql.execute(
            """SELECT to_regprocedure('similarity(text,text)') IS NOT NULL,
                      to_regclass('search_word_near') IS NOT NULL,
                      (SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm')"""
        )
        has_trigrams, has_index, schema = sql.fetchone()
    if has_trigrams and has_index:
        return Finding(Level.OK, "search", "finds misspelt words")
    if schema is not None and not has_trigrams:
        words = "finds no misspelt words, for the database has pg_trgm in a schema that this site does not search"
        step = f"add {schema} to the search_path of the site's role"
        return Finding(Level.NOTE, "search", f"{words}; who may, {step}, and then runs in it: {_NEAR_INDEX}")
    words = (
        "finds no misspelt words, for the database has no pg_trgm"
        if not has_trigrams
        else "is slow with misspelt words"
    )
    steps = "" if has_trigrams else "CREATE EXTENSION pg_trgm; "
    return Finding(Level.NOTE, "search", f"{words}; who may, runs in it: {steps}{_NEAR_INDEX}")
