# SPDX-License-Identifier: Apache-2.0
"""What is asked of the node: which logs of which contracts, headers, and what only the chain answers."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from governance import clocks
from governance.chain import abi
from governance.chain.rpc import (
    Answered,
    Header,
    Log,
    RangeLogs,
    RangeTooLarge,
    Rpc,
    RpcError,
)
from governance.models import ChainAnswer, Contract, Dao
from governance.projections import events
from governance.projections.events import Kind, Undecodable
from governance.sync import by_hash, witness
from governance.sync.by_hash import Asked
from governance.words import say
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak

TRANSFER = keccak(b"Transfer(address,address,uint256)")
_MOST_BLOCKS = 100_000
_AIM_LOGS = 12_000  # less where a node refuses: many do above 10,000
_LEAST_LOGS = 500
_MOST_PARTS = 20  # of a range, for a second node that takes less at once
_BLOCKS_AT_ONCE = 20  # with four questions and a header each, as many as one batch takes


class ChainMoved(RpcError):
    """The chain changed while it was read: nothing is wrong, it is read once more."""

    def __init__(self, block_number: int):
        super().__init__(None, f"the chain changed while block {block_number} was read")


@dataclass(frozen=True)
class Filter:
    """One question to eth_getLogs: addresses, and topics as alternatives per place."""

    addresses: tuple[bytes, ...]
    topics: tuple[tuple[bytes, ...] | None, ...] = ()


def filters(contracts: Iterable[Contract], last_block: int) -> list[Filter]:
    """The questions whose answers are a DAO's logs. All events of governor, timelock, treasury and module (unknown ones
    are kept raw); of the votes token delegations only; of assets only what the treasury sent or got."""
    by_kind: dict[str, list[bytes]] = {}
    for contract in contracts:
        if contract.start_block <= last_block and any(contract.address):
            by_kind.setdefault(contract.kind, []).append(contract.address)
    whole = [a for kind in (Kind.GOVERNOR, Kind.TIMELOCK, Kind.TREASURY, Kind.MODULE) for a in by_kind.get(kind, ())]
    found = [Filter(tuple(dict.fromkeys(whole)))] if whole else []
    if tokens := by_kind.get(Kind.VOTES_TOKEN):
        delegations = tuple(topic0 for topic0, _ in events.layouts(Kind.VOTES_TOKEN))
        found.append(Filter(tuple(tokens), (delegations,)))
    treasuries = tuple(bytes(12) + a for a in by_kind.get(Kind.TREASURY, ()))
    if treasuries and (assets := by_kind.get(Kind.ASSET)):
        found.append(Filter(tuple(assets), ((TRANSFER,), treasuries)))
        found.append(Filter(tuple(assets), ((TRANSFER,), None, treasuries)))
    return found


@dataclass
class Span:
    """How many blocks are searched at once: fewer when the node complains, more while it is content."""

    blocks: int
    most_blocks: int = _MOST_BLOCKS  # the widest range that the node said it takes
    aim_logs: int = _AIM_LOGS  # in one answer

    def narrow(self, error: RangeTooLarge, first_block: int) -> None:
        """Learn from a node's complaint. Raises it again where one block was too much already."""
        if self.blocks <= 1:
            raise error
        wish = self.blocks // 2
        if error.suggested is not None and error.suggested[0] == first_block:
            wish = min(self.blocks - 1, error.suggested[1] - first_block + 1)
        elif error.max_blocks is not None:
            wish = min(self.blocks - 1, error.max_blocks)
            self.most_blocks = max(1, wish)
        if error.max_blocks is None:  # then it was the answer that would have been too large
            self.aim_logs = max(self.aim_logs * 3 // 4, _LEAST_LOGS)
        self.blocks = max(1, wish)

    def learn(self, logs: int) -> None:
        """Go towards answers of a good size: wider after a small one, narrower after a big one."""
        wish = self.blocks * self.aim_logs // max(logs, 1)
        self.blocks = max(1, min(max(wish, self.blocks // 2), self.blocks * 2, self.most_blocks))


def logs_of_range(
    rpc: Rpc,
    contracts: Sequence[Contract],
    first_block: int,
    most_last_block: int,
    span: Span,
    *,
    below: bool = False,
) -> RangeLogs:
    """The DAO's logs from `first_block` on as far as the node lets us, in chain order, with the headers at its ends."""
    if (most := rpc.most_blocks) is not None:
        span.most_blocks = min(span.most_blocks, most)
    for other in rpc.others():
        if (most := other.most_blocks) is not None:  # which is to be asked too, in that many parts
            span.most_blocks = min(span.most_blocks, most * _MOST_PARTS)
    span.blocks = min(span.blocks, span.most_blocks)
    while True:
        last = min(first_block + span.blocks - 1, most_last_block)
        questions = filters(contracts, last)
        try:
            found = rpc.range_logs([(f.addresses, f.topics) for f in questions], first_block, last, below=below)
        except RangeTooLarge as error:
            span.blocks = min(span.blocks, last - first_block + 1)
            span.narrow(error, first_block)
            continue
        span.learn(len(found.logs))
        kept = witness.check_range(rpc, questions, first_block, last, witness.once(found.logs))
        return found._replace(logs=kept.logs, by_two=kept.by_two)


@dataclass(frozen=True)
class Range:
    """Final blocks as one node had them, from `first_block` to `head`: their logs, and every header that was read."""

    first_block: int
    below: Header | None  # of the block before, where it was asked for
    head: Header
    logs: list[Log]
    headers: dict[int, Header]
    span: Span
    final_block: int | None  # what the node that answered calls final; None where it knows no such tag
    newest_block: int | None  # of the node that answered; None where it names none
    by_two: bool  # another node was asked for the logs too
    prepared: Any = None  # what `Ahead` was given to do with it made of it


def read_range(
    rpc: Rpc, contracts: Sequence[Contract], first_block: int, most_last_block: int, span: Span, *, below: bool
) -> Range:
    """A range of final blocks; asks no database, so that one range can be read while the last one is stored. `below`
    asks for the header before it too."""
    found = logs_of_range(rpc, contracts, first_block, most_last_block, span, below=below)
    numbers = _without_time(found)
    if clocks.ClockElsewhere.of(contracts) is not None:
        kinds = clocks.kinds_of(contracts)
        numbers |= {log.block_number for log in found.logs if clocks.is_dated(log, kinds)}
    if found.below is None and found.logs:
        numbers.add(found.logs[0].block_number)  # nothing else tells a time that is too early
    numbers.discard(found.last.number)
    headers = {h.number: h for h in headers_of(rpc, sorted(numbers))} if numbers else {}
    if any((header := headers.get(log.block_number)) and _is_wrong(log, header) for log in found.logs):
        rest = {log.block_number for log in found.logs} - headers.keys() - {found.last.number}
        headers |= {h.number: h for h in headers_of(rpc, sorted(rest))} if rest else {}
    headers[found.last.number] = found.last
    headers = {h.number: h for h in with_clock(rpc, contracts, list(headers.values()))}
    return Range(
        first_block, found.below, found.last, found.logs, headers, span, found.final_block, found.newest_block,
        found.by_two,
    )  # fmt: skip


def _without_time(found: RangeLogs) -> set[int]:
    """The blocks whose header must say their time. A log's own time saves its header; one that the chain had not come
    to yet is in another unit or wrong; of two that go backwards, either may be the wrong one."""
    newest_s, latest_s = found.below.timestamp_chain_s if found.below else 1, found.last.timestamp_chain_s
    numbers: set[int] = set()
    newest: int | None = None
    for log in found.logs:
        time_s = log.timestamp_chain_s or 0
        if newest_s <= time_s <= latest_s:
            newest_s, newest = time_s, log.block_number
            continue
        numbers.add(log.block_number)
        if 0 < time_s < newest_s and newest is not None:
            numbers.add(newest)
    return numbers


def _is_wrong(log: Log, header: Header) -> bool:
    """Whether the log says another time than its block's header, where it says one."""
    return log.timestamp_chain_s is not None and log.timestamp_chain_s != header.timestamp_chain_s


class Ahead:
    """Reads the next range in a thread while the last one is stored, and prepares it for being stored (`prepare`, which
    asks no database either). Whatever it raises is raised by `take`."""

    def __init__(self, rpc: Rpc, contracts: Sequence[Contract], prepare: Callable[[Range], Any]):
        self._rpc, self._contracts, self._prepare = rpc, contracts, prepare
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading ahead")
        self._first: int | None = None
        self._coming: Future[Range] | None = None

    def begin(self, first_block: int, most_last_block: int, span: Span, *, below: bool) -> None:
        """Have the range that begins at `first_block` read."""
        self.forget()
        self._first = first_block
        self._coming = self._thread.submit(self._read, first_block, most_last_block, replace(span), below=below)

    def _read(self, first_block: int, most_last_block: int, span: Span, *, below: bool) -> Range:
        found = read_range(self._rpc, self._contracts, first_block, most_last_block, span, below=below)
        return replace(found, prepared=self._prepare(found))

    def take(self, first_block: int, most_last_block: int, span: Span, *, below: bool) -> Range:
        """The range that begins at `first_block`: the one that is being read, else one read now."""
        if self._coming is None or self._first != first_block:
            self.begin(first_block, most_last_block, span, below=below)
        coming, self._coming = self._coming, None
        assert coming is not None
        return coming.result()

    def forget(self) -> None:
        """What is being read is not wanted any more."""
        coming, self._coming = self._coming, None
        if coming is not None and not coming.cancel():
            coming.exception()  # wait for it: one question at a time

    def close(self) -> None:
        self.forget()
        self._thread.shutdown()


def logs_of_blocks(rpc: Rpc, contracts: Sequence[Contract], headers: Sequence[Header]) -> list[Log]:
    """The DAO's logs of these very blocks, by hash.

    Raises:
        ChainMoved: a node that answered does not have the block (some say then that it has no logs).
    """
    found: list[Log] = []
    each = by_hash.requests_each(rpc, len(filters(contracts, headers[-1].number))) if headers else 1

    def read(part: Sequence[Header]) -> None:
        asked = [Asked(header, filters(contracts, header.number)) for header in part]
        logs = witness.once(_logs_of_some(rpc, [a for a in asked if a.questions]))
        # Before the next part: another endpoint may answer that one, and must not be held to what this one said.
        found.extend(witness.check_blocks(rpc, asked, logs))

    rpc.in_groups(headers, each, _BLOCKS_AT_ONCE, read)
    return found


def _logs_of_some(rpc: Rpc, asked: Sequence[Asked]) -> list[Log]:
    """Few enough for one request."""
    if not asked:
        return []
    try:
        answers = by_hash.ask(rpc, asked)
    except RpcError as error:
        last = asked[-1].header  # a reorg replaces it, whatever else it replaces
        now = rpc.block(last.number)
        if now is None or now.hash != last.hash:
            raise ChainMoved(last.number) from error
        raise
    found: list[Log] = []
    for a, (header, logs) in zip(asked, answers, strict=True):
        if header is None or header.hash != a.header.hash:
            raise ChainMoved(a.header.number)
        if any(all(log.address not in question.addresses for question in a.questions) for log in logs):
            raise Answered(None, say("other_block_logs", block=a.header.number))
        found += logs
    return found


def headers_of(rpc: Rpc, numbers: Sequence[int]) -> list[Header]:
    """Headers by number. Raises RpcError where the node has none: it claimed a head beyond them."""
    found = rpc.blocks(numbers)
    for number, header in zip(numbers, found, strict=True):
        if header is None:
            raise Answered(None, say("block_missing", block=number))
    return [header for header in found if header is not None]


def with_clock(rpc: Rpc, contracts: Sequence[Contract], headers: Sequence[Header]) -> list[Header]:
    """Return the headers with what a clock says that counts another chain's blocks, where the DAO has such a clock.
    Raises RpcError where the node does not tell it."""
    clock = clocks.ClockElsewhere.of(contracts)
    return list(headers) if clock is None else clock.filled(rpc, headers)


def times_of(logs: Sequence[Log], headers: dict[int, Header]) -> list[int]:
    """Each log's block's time, Unix seconds by the chain's clock: from `headers`, else from the log where the node says
    it.

    Raises:
        ChainMoved: a log is of another block than the header of its height.
        RpcError: the node said no time, or logs of two blocks of one height.
    """
    times = []
    number, block_hash, time_s = -1, b"", None
    for log in logs:
        if log.block_number != number or log.block_hash != block_hash:
            if log.block_number == number:
                raise Answered(None, say("logs_of_two_blocks", block=number))
            number, block_hash = log.block_number, log.block_hash
            header = headers.get(number)
            if header is not None and header.hash != block_hash:
                raise ChainMoved(number)
            time_s = log.timestamp_chain_s if header is None else header.timestamp_chain_s
            if time_s is None:
                raise Answered(None, say("time_missing", block=number))
        times.append(time_s)
    return times


def answers_for(dao: Dao, rpc: Rpc, contracts: Sequence[Contract], logs: Iterable[Log]) -> list[ChainAnswer]:
    """What projecting these logs needs and no log says: policy code, the input of transactions that acted, and the
    supply of votes that objections are counted against.

    A node that can't answer such a question leaves it open (the projection says so); one that fails is asked again.
    """
    modules = {c.address for c in contracts if c.kind == Kind.MODULE}
    if not modules:
        return []
    found: dict[tuple[str, str], ChainAnswer] = {}
    for log in logs:
        if log.address not in modules:
            continue
        try:
            event = events.decode(Kind.MODULE, log)
        except Undecodable:
            continue  # the projection counts it
        if event is None:
            continue
        if event.name == "PolicySet":
            pointer = event.args["pointer"]
            value = _answer(lambda pointer=pointer: rpc.get_code(pointer))
            kind, key = ChainAnswer.Kind.CODE, hex_text(pointer)
        elif event.name == "ActExecuted":
            value = _answer(lambda log=log: _transaction(rpc, log))
            kind, key = ChainAnswer.Kind.TRANSACTION, hex_text(log.transaction_hash)
        elif event.name == "ActScheduled":
            snapshot = event.args["snapshot"]
            value = _answer(lambda snapshot=snapshot: _supply(rpc, contracts, snapshot))
            kind, key = ChainAnswer.Kind.SUPPLY, str(snapshot)
        else:
            continue
        if value is not None:
            found[(kind, key)] = ChainAnswer(dao=dao, kind=kind, key=key, value=value, block_number=log.block_number)
    return list(found.values())


def _answer(question: Any) -> bytes | None:
    try:
        return question()
    except Answered:
        return None


def _supply(rpc: Rpc, contracts: Sequence[Contract], snapshot: int) -> bytes | None:
    """The total supply of votes at a past time of the token's clock (ERC-5805), as a word."""
    for contract in contracts:
        if contract.kind == Kind.VOTES_TOKEN:
            answer = rpc.eth_call(contract.address, abi.encode_call("getPastTotalSupply(uint256)", [snapshot]))
            return answer if len(answer) == 32 else None
    return None


def _transaction(rpc: Rpc, log: Log) -> bytes | None:
    found = rpc.transaction(log.transaction_hash)
    if found is None or found.hash != log.transaction_hash:
        return None
    return (found.to or bytes(20)) + found.calldata
