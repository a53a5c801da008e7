# SPDX-License-Identifier: Apache-2.0
"""What is asked of the node: which logs of which contracts, headers, and what only the chain answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak

from governance.chain.rpc import (
    Header,
    Log,
    RangeTooLarge,
    Rpc,
    RpcError,
    RpcLimited,
    RpcUnreachable,
    parse_header,
    parse_log,
)
from governance.models import ChainAnswer, Contract, Dao, RawLog
from governance.projections import events
from governance.projections.events import Kind, Undecodable

TRANSFER = keccak(b"Transfer(address,address,uint256)")
_MOST_BLOCKS = 100_000
_AIM_LOGS = 5_000
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


def _unique(logs: Iterable[Log]) -> list[Log]:
    """In chain order, each once: two filters may find the same log."""
    once = {(log.block_hash, log.log_index): log for log in logs}
    return sorted(once.values(), key=lambda log: (log.block_number, log.log_index))


@dataclass
class Span:
    """How many blocks are searched at once: fewer when the node complains, more while it is content."""

    blocks: int

    def narrow(self, error: RangeTooLarge, first_block: int) -> None:
        """Learn from a node's complaint. Raises it again where one block was too much already."""
        if self.blocks <= 1:
            raise error
        wish = self.blocks // 2
        if error.suggested is not None and error.suggested[0] == first_block:
            wish = min(self.blocks - 1, error.suggested[1] - first_block + 1)
        elif error.max_blocks is not None:
            wish = min(self.blocks - 1, error.max_blocks)
        self.blocks = max(1, wish)

    def learn(self, logs: int) -> None:
        """Widen after a small answer, narrow after a big one."""
        if logs < _AIM_LOGS // 2:
            self.blocks = min(self.blocks * 2, _MOST_BLOCKS)
        elif logs > _AIM_LOGS * 2:
            self.blocks = max(1, self.blocks // 2)


def logs_of_range(
    rpc: Rpc, contracts: Sequence[Contract], first_block: int, most_last_block: int, span: Span
) -> tuple[list[Log], int]:
    """The DAO's logs from `first_block` to the block that is returned beside them, as far as the node lets us."""
    while True:
        last = min(first_block + span.blocks - 1, most_last_block)
        try:
            found: list[Log] = []
            for f in filters(contracts, last):
                found += rpc.logs(f.addresses, f.topics, first_block=first_block, last_block=last)
        except RangeTooLarge as error:
            span.blocks = min(span.blocks, last - first_block + 1)
            span.narrow(error, first_block)
            continue
        span.learn(len(found))
        return _unique(found), last


def logs_of_blocks(rpc: Rpc, contracts: Sequence[Contract], headers: Sequence[Header]) -> list[Log]:
    """The DAO's logs of these very blocks, by hash.

    Raises:
        ChainMoved: a node that answered does not have the block (some say then that it has no logs).
    """
    found: list[Log] = []
    for start in range(0, len(headers), _BLOCKS_AT_ONCE):
        found += _logs_of_some(rpc, contracts, headers[start : start + _BLOCKS_AT_ONCE])
    return _unique(found)


def _logs_of_some(rpc: Rpc, contracts: Sequence[Contract], headers: Sequence[Header]) -> list[Log]:
    """Few enough for one request: behind a load balancer the next one may reach another node. Each block is asked for
    behind its logs."""
    asked: list[tuple[Header, Filter | None]] = []
    for header in headers:
        if questions := filters(contracts, header.number):
            asked += [*((header, f) for f in questions), (header, None)]
    answers = rpc.batch(
        [
            ("eth_getLogs", [_condition(h, f)]) if f else ("eth_getBlockByNumber", [hex(h.number), False])
            for h, f in asked
        ]
    )
    found: list[Log] = []
    for (header, f), answer in zip(asked, answers, strict=True):
        if isinstance(answer, RpcError):
            now = rpc.block(header.number)
            if now is None or now.hash != header.hash:
                raise ChainMoved(header.number) from answer
            raise answer
        try:
            if f is None:
                if answer is None or parse_header(answer).hash != header.hash:
                    raise ChainMoved(header.number)
                continue
            logs = [parse_log(item) for item in answer]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RpcError(None, f"the node's logs of block {header.number} are malformed") from error
        if any(log.block_hash != header.hash or log.address not in f.addresses for log in logs):
            raise RpcError(None, f"asked for logs of block {header.number}, the node answered others")
        found += logs
    return found


def _condition(header: Header, f: Filter) -> dict[str, Any]:
    topics = [None if t is None else ["0x" + word.hex() for word in t] for t in f.topics]
    return {"blockHash": "0x" + header.hash.hex(), "address": ["0x" + a.hex() for a in f.addresses], "topics": topics}


def headers_of(rpc: Rpc, numbers: Sequence[int]) -> list[Header]:
    """Headers by number. Raises RpcError where the node has none: it claimed a head beyond them."""
    found = rpc.blocks(numbers)
    for number, header in zip(numbers, found, strict=True):
        if header is None:
            raise RpcError(None, f"the node has no block {number}, below the head that it names")
    return [header for header in found if header is not None]


def raw_logs(dao: Dao, logs: Sequence[Log], headers: dict[int, Header]) -> list[RawLog]:
    """Rows for logs, not saved. Blocks' times come from `headers`, else from the logs where the node says them."""
    rows = []
    for log in logs:
        header = headers.get(log.block_number)
        if header is not None and header.hash != log.block_hash:
            raise ChainMoved(log.block_number)
        time_s = header.timestamp_chain_s if header is not None else log.timestamp_chain_s
        if time_s is None:
            raise RpcError(None, f"no time is known for block {log.block_number}")
        topics = [*log.topics, None, None, None, None][:4]
        rows.append(
            RawLog(
                dao=dao, block_number=log.block_number, block_hash=log.block_hash, block_timestamp_chain_s=time_s,
                transaction_hash=log.transaction_hash, transaction_index=log.transaction_index,
                log_index=log.log_index, address=log.address, topic0=topics[0], topic1=topics[1], topic2=topics[2],
                topic3=topics[3], data=log.data,
            )
        )  # fmt: skip
    return rows


def answers_for(dao: Dao, rpc: Rpc, contracts: Sequence[Contract], rows: Sequence[RawLog]) -> list[ChainAnswer]:
    """What projecting these logs needs and no log says: policy code, and the input of transactions that acted.

    A node that can't answer such a question leaves it open (the projection says so); one that fails is asked again.
    """
    modules = {c.address for c in contracts if c.kind == Kind.MODULE}
    found: dict[tuple[str, str], ChainAnswer] = {}
    for row in rows:
        if row.address not in modules:
            continue
        try:
            event = events.decode(Kind.MODULE, row)
        except Undecodable:
            continue  # the projection counts it
        if event is None:
            continue
        if event.name == "PolicySet":
            pointer = event.args["pointer"]
            value = _answer(lambda pointer=pointer: rpc.get_code(pointer))
            kind, key = ChainAnswer.Kind.CODE, "0x" + pointer.hex()
        elif event.name == "ActExecuted":
            value = _answer(lambda row=row: _transaction(rpc, row))
            kind, key = ChainAnswer.Kind.TRANSACTION, "0x" + row.transaction_hash.hex()
        else:
            continue
        if value is not None:
            found[(kind, key)] = ChainAnswer(dao=dao, kind=kind, key=key, value=value, block_number=row.block_number)
    return list(found.values())


def _answer(question: Any) -> bytes | None:
    try:
        return question()
    except (RpcUnreachable, RpcLimited):
        raise
    except RpcError:
        return None


def _transaction(rpc: Rpc, row: RawLog) -> bytes | None:
    found = rpc.transaction(row.transaction_hash)
    if found is None or found.hash != row.transaction_hash:
        return None
    return (found.to or bytes(20)) + found.calldata
