# SPDX-License-Identifier: Apache-2.0
"""A second source for what a node answers: an empty or thinned answer to eth_getLogs looks like a true one.

It happens without malice: an index of logs that lags or was pruned, a balancer's node that is behind. What finds it,
and what it costs:

- Near the head, the header's bloom says which blocks can't have our logs: certain, and free. Of the others the same is
  asked of another endpoint: one more request for up to 64 blocks. Where none is configured, an empty answer for a block
  whose bloom is sparse enough to mean something is held against all receipts of the block: one large answer.
- A range of final blocks is asked of another endpoint too: as much again. Where none is configured, only an empty
  answer is asked for again; that finds what comes and goes, not an index with a hole.
- When blocks become final, all that is stored of them is asked for once more, of two endpoints where there are two
  (`second_look`): one request, at another time. Until then nothing is called final.

Where two answers differ, all receipts of the block judge, if their bloom is the header's; else what the header's bloom
allows of either. Who was wrong is not asked for a while (`Rpc.distrust`). One endpoint alone that has the same hole
every time is found by no client; the reconciliation with the chain's own state then shows it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from governance.chain import bloom
from governance.chain.rpc import Header, Log, RangeTooLarge, Rpc, RpcError, checked, parse_header, parse_logs

_MOST_JUDGED = 20  # differing blocks of a range; one of the two is wrong in all of them, or nobody can say
_SPARSE_BITS = 700  # of a bloom's 2,048: below, an address that is not there shows by chance in less than 1 of 25
_AT_ONCE = 20


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


def key(log: Any) -> tuple[bytes, int]:
    """What tells logs apart."""
    return bytes(log.block_hash), log.log_index


# --- near the head, by hash


def check_blocks(rpc: Rpc, asked: Iterable[Asked], found: list[Log]) -> list[Log]:
    """`found`, the answers about these blocks, as they should be: with what another source has and it has not.

    Where no second source can be had just now, it stays as it is until `second_look`.
    """
    doubted = [Asked(a.header, may) for a in asked if (may := _possible(a))]
    if not doubted:
        return found
    ours: dict[bytes, list[Log]] = {}
    for log in found:
        ours.setdefault(log.block_hash, []).append(log)
    first = rpc.answerer()
    others = rpc.others()
    wrong: list[tuple[Rpc, str]] = []
    for other in others:
        try:
            theirs = _ask_blocks(other, doubted)
        except RpcError:
            continue  # it may not have the newest blocks yet; the second look comes
        for a in doubted:
            one, two = ours.get(a.header.hash, []), theirs[a.header.hash]
            if {key(log) for log in one} != {key(log) for log in two}:
                ours[a.header.hash] = _judge(a, [(first, one), (other, two)], wrong)
        _distrust(wrong)
        break
    else:
        if not others:
            for a in doubted:
                header = a.header
                if not ours.get(header.hash) and header.logs_bloom and _is_sparse(header.logs_bloom):
                    ours[header.hash] = _of_receipts(first, a) or []
    return sorted((log for logs in ours.values() for log in logs), key=lambda log: (log.block_number, log.log_index))


def _possible(asked: Asked) -> tuple[Question, ...]:
    """The questions that the header's bloom does not already answer with no."""
    seen = asked.header.logs_bloom
    return tuple(q for q in asked.questions if seen is None or bloom.may_match(seen, q.addresses, q.topics))


def _is_sparse(seen: bytes) -> bool:
    return int.from_bytes(seen, "big").bit_count() < _SPARSE_BITS


def _ask_blocks(rpc: Rpc, asked: Sequence[Asked]) -> dict[bytes, list[Log]]:
    """The logs by block's hash. Raises RpcError where the endpoint has not all of these blocks."""
    found: dict[bytes, list[Log]] = {}
    each = max((len(a.questions) for a in asked), default=0) + 1
    rpc.in_groups(asked, each, _AT_ONCE, lambda part: found.update(_ask_some(rpc, part)))
    return found


def _ask_some(rpc: Rpc, asked: Sequence[Asked]) -> dict[bytes, list[Log]]:
    """Few enough for one request, each block behind its logs."""
    requests: list[tuple[str, list[Any]]] = []
    for a in asked:
        requests += [("eth_getLogs", [_condition(q) | {"blockHash": "0x" + a.header.hash.hex()}]) for q in a.questions]
        requests.append(("eth_getBlockByNumber", [hex(a.header.number), False]))
    answers = iter(rpc.batch(requests, together=True))
    found: dict[bytes, list[Log]] = {}
    for a in asked:
        logs: dict[tuple[bytes, int], Log] = {}
        for _ in a.questions:
            logs.update((key(log), log) for log in _read(next(answers), a))
        header = next(answers)
        if isinstance(header, RpcError):
            raise header
        if header is None or checked("eth_getBlockByNumber", header, parse_header).hash != a.header.hash:
            raise RpcError(None, f"it does not have block {a.header.number} as the other endpoint has it")
        found[a.header.hash] = list(logs.values())
    return found


def _read(answer: Any, asked: Asked) -> list[Log]:
    if isinstance(answer, RpcError):
        raise answer
    logs = checked("eth_getLogs", answer, parse_logs)
    if any(log.block_hash != asked.header.hash for log in logs):
        raise RpcError(None, f"asked for logs of block {asked.header.number}, the node answered others")
    return logs


def _condition(question: Question) -> dict[str, Any]:
    topics = [None if place is None else ["0x" + word.hex() for word in place] for place in question.topics]
    return {"address": ["0x" + address.hex() for address in question.addresses], "topics": topics}


# --- ranges of final blocks


def check_range(
    rpc: Rpc, questions: Sequence[Question], first_block: int, last_block: int, found: list[Log]
) -> list[Log]:
    """`found`, the answer about a range, as it should be. Asks no database.

    Raises:
        RpcError: the other endpoints can't answer now (asked again later; one that is down for good is not waited
            for), or nobody can say which of two is right.
    """
    first = rpc.answerer()
    others = rpc.others()
    if not others:
        return found or _ask_range(rpc, questions, first_block, last_block)
    failure: RpcError | None = None
    for other in others:
        try:
            theirs = _ask_range(other, questions, first_block, last_block)
        except RpcError as error:
            failure = error
            continue
        return settle(questions, [(first, found), (other, theirs)])
    if failure is not None and not all(other.is_down() for other in others):
        raise failure
    return found


def _ask_range(rpc: Rpc, questions: Sequence[Question], first_block: int, last_block: int) -> list[Log]:
    """The logs, in parts where the endpoint takes only less."""
    width, most = last_block - first_block + 1, rpc.most_blocks
    if most is not None and most < width:
        parts = range(first_block, last_block + 1, most)
        return [log for first in parts for log in _ask_range(rpc, questions, first, min(first + most - 1, last_block))]
    try:
        logs: dict[tuple[bytes, int], Log] = {}
        for q in questions:
            asked = rpc.logs(q.addresses, q.topics, first_block=first_block, last_block=last_block)
            logs.update((key(log), log) for log in asked)
    except RangeTooLarge as error:
        if first_block == last_block:
            raise
        middle = (first_block + last_block) // 2
        if error.max_blocks and error.max_blocks < last_block - first_block + 1:
            middle = first_block + error.max_blocks - 1
        return [
            *_ask_range(rpc, questions, first_block, middle),
            *_ask_range(rpc, questions, middle + 1, last_block),
        ]
    return sorted(logs.values(), key=lambda log: (log.block_number, log.log_index))


def settle(questions: Sequence[Question], answers: Sequence[tuple[Rpc, Sequence[Any]]]) -> list[Any]:
    """What is so, of two endpoints' answers about the same blocks. The one that is wrong is distrusted.

    Raises:
        RpcError: nobody can say.
    """
    (first, one), (second, two) = answers
    ours, theirs = {key(log): log for log in one}, {key(log): log for log in two}
    if ours.keys() == theirs.keys():
        return list(one)
    numbers = sorted({(ours.get(k) or theirs[k]).block_number for k in ours.keys() ^ theirs.keys()})
    step = max(len(numbers) // _MOST_JUDGED, 1)
    judged = numbers[::step]
    wrong: list[tuple[Rpc, str]] = []
    truth: dict[int, list[Any]] = {}
    for number in judged:
        header = _header(number, (first, second))
        parts = [[log for log in logs if log.block_number == number] for logs in (one, two)]
        if any(log.block_hash != header.hash for part in parts for log in part):
            raise RpcError(None, f"an endpoint answered logs of another block {number} than the one it shows")
        truth[number] = _judge(Asked(header, questions), [(first, parts[0]), (second, parts[1])], wrong)
    _distrust(wrong)
    if len(judged) == len(numbers):
        rest = [log for log in one if log.block_number not in truth]
        merged = [*rest, *(log for logs in truth.values() for log in logs)]
        return sorted(merged, key=lambda log: (log.block_number, log.log_index))
    if len(wrong) == len(judged) and len({id(view) for view, _ in wrong}) == 1:
        return list(two if wrong[0][0] is first else one)
    raise RpcError(None, f"two endpoints' logs differ in {len(numbers)} blocks, and neither is right in all of them")


def _header(number: int, views: Sequence[Rpc]) -> Header:
    """The block's header as all have it. Raises RpcError where they differ: the next attempt sees who follows whom."""
    headers = [view.block(number) for view in views]
    if headers[0] is None or any(header is None or header.hash != headers[0].hash for header in headers):
        raise RpcError(None, f"two endpoints have different blocks {number}: one is behind, or serves another chain")
    return headers[0]


# --- who is right


def _judge(asked: Asked, answers: Sequence[tuple[Rpc, Sequence[Any]]], wrong: list[tuple[Rpc, str]]) -> list[Any]:
    """The block's logs as they are; who answered otherwise, and what, is added to `wrong`."""
    truth: list[Any] | None = None
    for view, _ in answers:
        truth = _of_receipts(view, asked)
        if truth is not None:
            break
    if truth is None:
        seen = asked.header.logs_bloom
        either = {key(log): log for _, logs in answers for log in logs}
        truth = [
            log
            for log in either.values()
            if seen is None or all(bloom.may_have(seen, item) for item in (log.address, *log.topics))
        ]
    is_so = {key(log) for log in truth}
    for view, logs in answers:
        said = {key(log) for log in logs}
        if said != is_so:
            problem = f"lack {len(is_so - said)} of {len(is_so)} and have {len(said - is_so)} that the block has not"
            wrong.append((view, f"its logs of block {asked.header.number} {problem}"))
    return sorted(truth, key=lambda log: log.log_index)


def _distrust(wrong: Sequence[tuple[Rpc, str]]) -> None:
    """After all was judged: who is distrusted is asked nothing any more, not for receipts either."""
    for view, reason in wrong:
        view.distrust(reason)


def _of_receipts(view: Rpc, asked: Asked) -> list[Log] | None:
    """What all receipts of the block say, where they are all: their bloom is the header's. None where nothing is
    known."""
    try:
        receipts = view.block_receipts(asked.header.hash)
    except RpcError:
        return None  # many nodes don't know the method, some only by the block's number
    if receipts is None or asked.header.logs_bloom is None:
        return None
    logs = [log for receipt in receipts for log in receipt.logs]
    if bloom.of_logs((log.address, log.topics) for log in logs) != asked.header.logs_bloom:
        return None
    return [log for log in logs if any(_fits(log, question) for question in asked.questions)]


def _fits(log: Log, question: Question) -> bool:
    if log.address not in question.addresses or len(question.topics) > len(log.topics):
        return False
    return all(place is None or topic in place for place, topic in zip(question.topics, log.topics, strict=False))


# --- before blocks are called final


def second_look(
    rpc: Rpc, questions: Sequence[Question], first_block: int, last_block: int, stored: Sequence[Any]
) -> list[Any] | None:
    """What the endpoints say of these blocks once they are to become final; None where nothing can be said now.

    `stored` is what the mirror has of them. Two endpoints are asked where there are two: one of them may be the very
    one that gave a wrong answer before.
    """
    views = [rpc.answerer(), *rpc.others()]
    answers: list[tuple[Rpc, list[Any]]] = []
    for view in views:
        try:
            answers.append((view, _ask_range(view, questions, first_block, last_block)))
        except RpcError:
            if not view.is_down():
                continue
            views = [v for v in views if v is not view]
        if len(answers) == 2:
            break
    if not answers or (len(views) > 1 and len(answers) < 2):
        return None
    if len(answers) == 1:
        # One word against what the same one said before: more is believed, less is not.
        seen = {key(log): log for log in [*stored, *answers[0][1]]}
        return sorted(seen.values(), key=lambda log: (log.block_number, log.log_index))
    try:
        return settle(questions, answers)
    except RpcError:
        return None
