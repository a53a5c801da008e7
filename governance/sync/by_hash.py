# SPDX-License-Identifier: Apache-2.0
"""Logs of single blocks: by the block's hash, or by a range of the one block where a node does not know that filter."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from governance.chain.rpc import Answered, Header, Log, Rpc, RpcError, checked, parse_header, parse_logs_beside_block
from governance.words import say
from policies.notation.hexadecimal import hex_text

_HASH_FILTER = "eth_getLogs by blockHash"
_INTERNAL_ERROR = -32603
_NO_BLOCK = "0x" + "ff" * 32  # the hash of none


class Question(Protocol):
    """What eth_getLogs is asked (`fetch.Filter`): addresses, and topics as alternatives per place."""

    @property
    def addresses(self) -> tuple[bytes, ...]: ...
    @property
    def topics(self) -> tuple[tuple[bytes, ...] | None, ...]: ...


class Asked(NamedTuple):
    """A block and what was asked about it."""

    header: Header
    questions: Sequence[Question]


class BlockLogs(NamedTuple):
    """A block's logs, and the header that the same node has at its height: None if it has none, or changed it meanwhile
    (then the logs may be another block's)."""

    header: Header | None
    logs: list[Log]


def requests_each(rpc: Rpc, questions: int) -> int:
    """Return how many requests `ask` makes at the most for a block with this many questions."""
    return questions + (1 if rpc.has(_HASH_FILTER) else 2)


def ask(rpc: Rpc, asked: Sequence[Asked]) -> list[BlockLogs]:
    """Return the logs of these blocks. All is asked in one request: behind a load balancer the next one may reach
    another node.

    Raises:
        RpcError: the node failed, or answered logs of other blocks.
    """
    by_range = rpc.lacks(_HASH_FILTER)
    try:
        return _ask(rpc, asked, by_range=by_range)
    except Answered as error:
        first = error
    try:
        found = _ask(rpc, asked, by_range=not by_range)
    except RpcError:
        raise first from None
    is_whole = all(one.header and one.header.hash == a.header.hash for one, a in zip(found, asked, strict=True))
    if is_whole and not by_range and first.code != _INTERNAL_ERROR:
        rpc.note_lack(_HASH_FILTER)
    return found


def _ask(rpc: Rpc, asked: Sequence[Asked], *, by_range: bool) -> list[BlockLogs]:
    requests = [request for a in asked for request in _requests(a, by_range=by_range)]
    is_tried = not by_range and not rpc.has(_HASH_FILTER)
    if is_tried:
        # A node that takes no notice of the filter answers for its newest block: if that has no logs, no block has.
        requests.append(("eth_getLogs", [{**requests[0][1][0], "blockHash": _NO_BLOCK}]))
    told = rpc.batch(requests, together=True)
    tried = told.pop() if is_tried else None
    answers = iter(told)
    found = []
    for a in asked:
        before = _header(next(answers)) if by_range else None
        logs = [log for _ in a.questions for log in _logs(next(answers), a)]
        after = _header(next(answers))
        is_same = not by_range or (before is not None and after is not None and before.hash == after.hash)
        found.append(BlockLogs(after if is_same else None, logs))
    if is_tried:
        _hold_filter(rpc, tried)
    return found


def _hold_filter(rpc: Rpc, answer: Any) -> None:
    """Hold a node's filter by hash against a block that does not exist. Raises RpcError if it answers with logs, or
    with none, in place of an error: then it may do so for any block."""
    if not isinstance(answer, RpcError):
        raise Answered(None, say("hash_filter_ignored"))
    if answer.code != _INTERNAL_ERROR:
        rpc.note_has(_HASH_FILTER)


def _requests(a: Asked, *, by_range: bool) -> Iterator[tuple[str, list[Any]]]:
    """A block is asked for behind its logs; before those of a range too, which may be another block's until then."""
    number = hex(a.header.number)
    place = {"fromBlock": number, "toBlock": number} if by_range else {"blockHash": hex_text(a.header.hash)}
    if by_range:
        yield "eth_getBlockByNumber", [number, False]
    for question in a.questions:
        topics = [None if at is None else [hex_text(word) for word in at] for at in question.topics]
        condition = {"address": [hex_text(address) for address in question.addresses], "topics": topics}
        yield "eth_getLogs", [condition | place]
    yield "eth_getBlockByNumber", [number, False]


def _header(answer: Any) -> Header | None:
    if isinstance(answer, RpcError):
        raise answer
    return None if answer is None else checked("eth_getBlockByNumber", answer, parse_header)


def _logs(answer: Any, asked: Asked) -> list[Log]:
    if isinstance(answer, RpcError):
        raise answer
    logs = checked("eth_getLogs", answer, parse_logs_beside_block)
    if any(log.block_hash != asked.header.hash for log in logs):
        raise Answered(None, say("other_block_logs", block=asked.header.number))
    return logs
