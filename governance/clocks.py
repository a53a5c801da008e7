# SPDX-License-Identifier: Apache-2.0
"""By what a contract's clock counts (ERC-6372): its chain's heights or times, or another chain's blocks.

On Arbitrum and other Orbit chains contracts see as `block.number` the height of the chain below, L1. There a block's
header names that number (`l1BlockNumber`), or the governor's `clock()` tells it at the block. `clock_source` among a
contract's capabilities says which; a contract without it counts its own chain's blocks, or its time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from governance.chain import abi
from governance.chain.rpc import Answered, Header, Log, Rpc, RpcError
from governance.models import MANY_TOPICS, ChainAnswer, Contract, Dao
from governance.words import say
from policies.notation.hexadecimal import hex_bytes, hex_text

CLOCK_SOURCE = "clock_source"
# Creation code that stores nothing and returns block.number and block.timestamp, as contracts see them.
_OPCODES = bytes.fromhex("436000524260205260406000f3")
_AHEAD_S = 60  # how far ahead of a block some nodes run a call at it
_FURTHEST = 1_000_000  # a snapshot is at most so far ahead of its proposal, or ten voting delays
_LAYERS_BELOW = (Contract.Kind.GOVERNOR, Contract.Kind.TIMELOCK)


class Source(StrEnum):
    """What tells a clock's "now" at a block."""

    HEIGHT = "height"
    TIME = "time"
    HEADER = "l1BlockNumber"  # the header's
    CONTRACT = "clock()"  # the governor's, asked at the block
    OPCODE = "block.number"  # what contracts see as such, asked at the block: of a governor without clock()


_ELSEWHERE = (Source.HEADER, Source.CONTRACT, Source.OPCODE)


def source_of(capabilities: dict[str, Any]) -> Source:
    """Return what tells the "now" of a contract with these capabilities."""
    if capabilities.get("clock") == "timestamp":
        return Source.TIME
    return Source(capabilities.get(CLOCK_SOURCE, Source.HEIGHT))


def counts_elsewhere(capabilities: dict[str, Any]) -> bool:
    """Return whether the contract's clock counts another chain's blocks."""
    return source_of(capabilities) in _ELSEWHERE


def unit_of(capabilities: dict[str, Any]) -> str:
    """Return `timestamp`, `blocknumber` or `l1blocknumber`: two clocks of one unit say the same."""
    source = source_of(capabilities)
    return "timestamp" if source is Source.TIME else "blocknumber" if source is Source.HEIGHT else "l1blocknumber"


# --- what a clock says, held against its chain


class Reading(NamedTuple):
    """What was asked at a block: the contract's `clock()` (None where it has none), and the number and time of the
    block as contracts see them there (None where the node runs no such call)."""

    header: Header
    says: int | None
    number: int | None
    timestamp_chain_s: int | None


def read_clock(rpc: Rpc, address: bytes, header: Header) -> Reading:
    """Ask a contract what its clock says at a block.

    Raises:
        RpcError: the node failed.
    """
    clock, seen = rpc.eth_calls_at([(address, abi.encode_call("clock()"), header.hash), (None, _OPCODES, header.hash)])
    says = _word(clock) if isinstance(clock, bytes) and len(clock) == 32 else None
    is_seen = isinstance(seen, bytes) and len(seen) == 64
    number, time_s = (_word(seen[:32]), _word(seen[32:])) if is_seen else (None, None)  # type: ignore[index]
    return Reading(header, says, number, time_s)


def _word(answer: bytes) -> int:
    return int.from_bytes(answer, "big")


def source_found(reading: Reading, *, by_time: bool) -> Source | None:
    """Return what the clock counts by; None where its answer fits nothing that is known. `by_time`: of a contract
    without `clock()`, whether it counts seconds."""
    header, says, number = reading.header, reading.says, reading.number
    if says is None and by_time:
        return Source.TIME
    if says is None:  # from before ERC-6372: block.number
        if header.l1_block is not None:
            if number in (None, header.l1_block):
                return Source.HEADER
        elif number is None:
            return Source.HEIGHT
        return Source.HEIGHT if number - header.number in (0, 1) else Source.OPCODE
    # Some nodes run a call at a block as if in the next one.
    is_ahead = 0 < says - header.timestamp_chain_s <= _AHEAD_S and reading.timestamp_chain_s in (None, says)
    if says == header.timestamp_chain_s or is_ahead:
        return Source.TIME
    if says == header.l1_block:
        return Source.HEADER
    # Before what contracts see as block.number, which may be the chain's own height, as the clock is.
    if says == header.number or (says == header.number + 1 and number in (None, says)):
        return Source.HEIGHT
    return Source.CONTRACT if says == number else None


def now_by(source: Source, header: Header) -> int | None:
    """Return what a clock of this source says at a block; None where the header alone does not tell."""
    match source:
        case Source.TIME:
            return header.timestamp_chain_s
        case Source.HEIGHT:
            return header.number
    return header.l1_block


def source_of_snapshot(presumed: Source, created: Header, snapshot: int, delay: int) -> Source | None:
    """Return by which clock a proposal of this block got its snapshot: `presumed` where it may be that one, another
    where only that one's fits, or fits exactly; None where none may be. `delay`: the voting delay, in the clock's unit,
    as it is now; it may have been another one."""
    told = {s: now_by(s, created) for s in (presumed, Source.HEADER, Source.HEIGHT, Source.TIME)}
    nows = {source: now for source, now in told.items() if now is not None}
    if presumed not in nows:
        return presumed  # nothing says otherwise
    exact = [source for source, now in nows.items() if now + delay == snapshot]
    furthest = max(10 * delay, _FURTHEST)
    possible = [source for source, now in nows.items() if now <= snapshot <= now + furthest]
    return next(iter(exact or possible), None)


# --- another chain's block number, at each block that is read


@dataclass(frozen=True)
class ClockElsewhere:
    """How to learn another chain's block number at a block: `source`, and whom to ask where that is `clock()`."""

    source: Source
    address: bytes

    @staticmethod
    def of(contracts: Iterable[Contract]) -> "ClockElsewhere | None":
        """Return it for a DAO's contracts; None where none of them counts so."""
        kinds = (Contract.Kind.GOVERNOR, Contract.Kind.VOTES_TOKEN)
        found = [c for c in contracts if c.kind in kinds and counts_elsewhere(c.capabilities)]
        found.sort(key=lambda contract: kinds.index(Contract.Kind(contract.kind)))
        return ClockElsewhere(source_of(found[0].capabilities), found[0].address) if found else None

    def filled(self, rpc: Rpc, headers: Sequence[Header]) -> list[Header]:
        """Return the headers with that number in each.

        Raises:
            RpcError: the node does not tell it, or failed.
        """
        if self.source is Source.HEADER:
            if lacking := next((header for header in headers if header.l1_block is None), None):
                raise Answered(None, say("l1_block_missing", block=lacking.number))
            return list(headers)
        by_contract = self.source is Source.CONTRACT
        to, data = (self.address, abi.encode_call("clock()")) if by_contract else (None, _OPCODES)
        answers = rpc.eth_calls_at([(to, data, header.hash) for header in headers])
        found = []
        for header, answer in zip(headers, answers, strict=True):
            if isinstance(answer, RpcError) or len(answer) < 32 or _word(answer[:32]) >= 2**63:
                raise Answered(None, say("clock_unanswered", block=header.number))
            found.append(header._replace(l1_block=_word(answer[:32])))
        return found


def is_dated(log: Log, kinds: dict[bytes, set[str]]) -> bool:
    """Return whether a log's moment in such a clock is kept: power, and what happened to proposals. `kinds` are the
    DAO's contracts' kinds, by address."""
    found = kinds.get(log.address, set())
    if Contract.Kind.VOTES_TOKEN in found:
        return True
    return bool(found & set(_LAYERS_BELOW)) and bool(log.topics) and log.topics[0] not in MANY_TOPICS


def kinds_of(contracts: Iterable[Contract]) -> dict[bytes, set[str]]:
    """Return the kinds of contracts by address."""
    found: dict[bytes, set[str]] = {}
    for contract in contracts:
        found.setdefault(contract.address, set()).add(contract.kind)
    return found


def answers_of(dao: Dao, contracts: Sequence[Contract], logs: Iterable[Log], headers: Iterable[Header]) -> list[Any]:
    """Return what is kept of the clock for these logs' blocks: so projections are made again without a node."""
    if ClockElsewhere.of(contracts) is None:
        return []
    kinds = kinds_of(contracts)
    wanted = {log.block_hash for log in logs if is_dated(log, kinds)}
    return [
        ChainAnswer(
            dao=dao, kind=ChainAnswer.Kind.CLOCK, key=hex_text(header.hash),
            value=(header.l1_block or 0).to_bytes(32, "big"), block_number=header.number,
        )
        for header in headers
        if header.hash in wanted and header.l1_block is not None
    ]  # fmt: skip


def kept(dao: Dao, block_hashes: Iterable[bytes]) -> dict[bytes, int]:
    """Return the other chain's block number at these blocks, as far as it is kept, by block hash."""
    keys = [hex_text(block_hash) for block_hash in set(block_hashes)]
    rows = ChainAnswer.objects.filter(dao=dao, kind=ChainAnswer.Kind.CLOCK, key__in=keys)
    return {hex_bytes(key): _word(bytes(value)) for key, value in rows.values_list("key", "value")}
