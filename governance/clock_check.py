# SPDX-License-Identifier: Apache-2.0
"""Hold contracts' clocks against their chain: when a DAO is taken in, and of one that is mirrored, against its head.

A governor without `clock()` (from before ERC-6372) is held by its newest proposal: `propose` gave it a snapshot, which
lies at or after the moment of the proposal's block.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from governance import incidents
from governance.chain.rpc import Answered, Header, Rpc
from governance.clocks import (
    CLOCK_SOURCE,
    Reading,
    Source,
    now_by,
    read_clock,
    source_found,
    source_of,
    source_of_snapshot,
)
from governance.models import Contract, Cursor, Dao, Proposal
from governance.projections import events
from governance.projections.events import Kind, Undecodable
from governance.sentences import Sentence
from governance.words import say

_BACK_BLOCKS = (1, 4, 16, 64, 120)  # of which most nodes keep the state
_LOOKED_BACK_BLOCKS = (9_999, 999)  # for a proposal, where a governor has no clock(): as many as nodes take


_WHO = {"governor": "the governor", "token": "the votes token"}
_UNKNOWN = "What such a clock counts is not known, so states and power would be wrong"


def _moments(header: Header) -> str:
    below = "" if header.l1_block is None else f", block {header.l1_block} of the chain below"
    return f"block {header.number}, time {header.timestamp_chain_s}{below}"


class ClockNotUnderstood(Exception):
    """A contract's clock counts something that is not known; the message says what it answered and what fits not."""


@dataclass(frozen=True)
class Found:
    """What a contract's clock counts by, held against a block; `is_held` False: nothing could be held against it."""

    source: Source
    reading: Reading
    is_held: bool

    @property
    def words(self) -> str:
        """Say it for people who run the site."""
        header, below = self.reading.header, "blocks of the chain below (L1)"
        what = {
            Source.TIME: "seconds, the block's time",
            Source.HEIGHT: "the chain's blocks",
            Source.HEADER: f"{below}, which headers name (l1BlockNumber): {header.l1_block} at block {header.number}",
            Source.CONTRACT: f"{below}, asked of clock() at each block: {self.reading.says} at block {header.number}",
            Source.OPCODE: f"{below}, asked at each block as contracts see it (block.number): {self.reading.number} at "
            f"block {header.number}",
        }[self.source]
        if self.is_held:
            return what
        return f"taken to be {what}: the contract has no clock(), and no proposal was found to hold it against"


def find(
    rpc: Rpc, address: bytes, header: Header, *, by_time: bool, is_governor: bool, delay: int = 0, who: str
) -> Found:
    """Return what a contract's clock counts by, at a block. `by_time`: it says that it counts seconds, which
    decides where it has no `clock()`; `delay`: its voting delay.

    Raises:
        ClockNotUnderstood: it fits nothing that is known.
        RpcError: the node failed.
    """
    reading = read_clock(rpc, address, header)
    source = source_found(reading, by_time=by_time)
    if source is Source.HEADER and header.l1_block == header.number:
        source = _told_apart(rpc, address, header, reading, by_time=by_time, who=who)
    if reading.says is None and is_governor and source is not None:
        proposal = _newest_proposal(rpc, address, header)
        if proposal is None:
            return Found(source, reading, is_held=False)
        created, snapshot = proposal
        by_snapshot = source_of_snapshot(source, created, snapshot, delay)
        if by_snapshot is None:
            raise ClockNotUnderstood(
                f"{_WHO[who]} gave a proposal of block {created.number} the snapshot {snapshot}, which is none of its "
                f"moments: {_moments(created)}. {_UNKNOWN}"
            )
        return Found(by_snapshot, reading, is_held=now_by(source, created) is not None)
    if source is None:
        raise ClockNotUnderstood(
            f"the clock() of {_WHO[who]} says {reading.says}, which is none of the block's moments: "
            f"{_moments(header)}. {_UNKNOWN}"
        )
    return Found(source, reading, is_held=reading.says is not None)


def _told_apart(rpc: Rpc, address: bytes, header: Header, reading: Reading, *, by_time: bool, who: str) -> Source:
    """Return what a clock counts by that says what is both the chain's height and the chain below's: an earlier block,
    where the two differ, tells. Where they differ in none, the header's number is the chain's own height.

    Raises:
        ClockNotUnderstood: the node does not tell what the clock said there.
    """
    differs = False
    for back in _BACK_BLOCKS:
        earlier = rpc.block(max(header.number - back, 0))
        if earlier is None or earlier.l1_block in (None, earlier.number):
            continue
        differs = True
        before = read_clock(rpc, address, earlier)
        if (before.says is None) == (reading.says is None):
            found = source_found(before, by_time=by_time)
            if found is not None:
                return found
    if differs:
        raise ClockNotUnderstood(
            f"at block {header.number} the chain below (L1) has the same height, so that the clock of {_WHO[who]} does "
            "not tell which of the two it counts, and the node keeps no state of earlier blocks. Try again in a minute"
        )
    return Source.HEIGHT


def _newest_proposal(rpc: Rpc, governor: bytes, head: Header) -> tuple[Header, int] | None:
    """Return the newest proposal's block and snapshot, of the blocks below `head` that one question takes."""
    topics = sorted(
        {topic for (topic, _), layout in events.layouts(Kind.GOVERNOR).items() if layout.name == "ProposalCreated"}
    )
    for back in _LOOKED_BACK_BLOCKS:
        try:
            logs = rpc.logs([governor], [topics], first_block=max(head.number - back, 0), last_block=head.number)
        except Answered:
            continue
        for log in reversed(logs):
            try:
                event = events.decode(Kind.GOVERNOR, log)
            except Undecodable:
                continue
            created = rpc.block(log.block_hash)
            if event is not None and created is not None:
                return created, event.args["voteStart"]
        return None
    return None


def hold_clock(dao: Dao, rpc: Rpc) -> Sentence | None:
    """Hold the clocks of a DAO's governor and votes token against the block that the mirror has read, and a governor's
    without `clock()` against its newest proposal. Returns what is wrong, which is an incident until it is right.

    Raises:
        RpcError: the node failed; nothing is said.
    """
    cursor = Cursor.objects.get(dao=dao)
    if cursor.head_hash is None:
        return None
    header = rpc.block(cursor.head_hash)
    if header is None:
        return None  # of a branch that the node does not have (any more): the next reading sees
    kinds = (Contract.Kind.GOVERNOR, Contract.Kind.VOTES_TOKEN)
    wrong = next(filter(None, (_wrong_with(dao, rpc, c, header) for c in dao.contracts.filter(kind__in=kinds))), None)
    with transaction.atomic():
        held = Cursor.objects.select_for_update().get(dao=dao)
        if held.head_hash != cursor.head_hash:
            return None
        if wrong is None:
            incidents.resolve(dao, incidents.Kind.CLOCK_DIFFERS)
        elif not incidents.is_open(dao, incidents.Kind.CLOCK_DIFFERS):
            incidents.note(dao, incidents.Kind.CLOCK_DIFFERS, detail=wrong, first_block=header.number)
    return wrong


def _wrong_with(dao: Dao, rpc: Rpc, contract: Contract, header: Header) -> Sentence | None:
    told = contract.capabilities
    if told.get("family") == "unknown":
        return None
    source, by_time = source_of(told), told.get("clock") == "timestamp"
    who = "governor" if contract.kind == Contract.Kind.GOVERNOR else "token"
    reading = read_clock(rpc, contract.address, header)
    if reading.says is not None:
        found = source_found(reading, by_time=by_time)
        # `clock()` itself may be asked where the header names the same number.
        same = {source, Source.HEADER} if source is Source.CONTRACT else {source}
        if reading.says == header.number and (source is Source.HEIGHT or reading.number == reading.says):
            return None  # two chains of one height, for a moment
        return None if found in same else _differs(who, reading)
    if contract.kind != Contract.Kind.GOVERNOR:
        return None
    newest = Proposal.objects.filter(dao=dao).select_related("log").order_by("-created_block", "-pk").first()
    if newest is None:
        return None
    created = rpc.block(bytes(newest.log.block_hash))
    if created is None:
        return None
    delay = int(told.get("voting_delay") or 0)
    if source_of_snapshot(source, created, newest.snapshot, delay) is source:
        return None
    return _of_snapshot(created, newest.snapshot)


def _differs(who: str, reading: Reading) -> Sentence:
    header = reading.header
    values = {"says": str(reading.says), "block": header.number, "time_s": header.timestamp_chain_s}
    return say(f"{who}_clock_differs", **values)


def _of_snapshot(created: Header, snapshot: int) -> Sentence:
    values = {"snapshot": str(snapshot), "block": created.number, "time_s": created.timestamp_chain_s}
    return say("snapshot_differs", **values)


def changed(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a contract's clock counts otherwise by its new capabilities, so that its logs are to be read again."""
    return (before.get("clock"), source_of(before)) != (after.get("clock"), source_of(after))


def capabilities_of(found: Found) -> dict[str, str]:
    """Return the capabilities that say what a clock counts by."""
    if found.source is Source.TIME:
        return {"clock": "timestamp"}
    return {"clock": "blocknumber", CLOCK_SOURCE: found.source.value}
