# SPDX-License-Identifier: Apache-2.0
"""A second source for what a node answers: an empty or thinned answer to eth_getLogs looks like a true one.

It happens without malice: an index of logs that lags or was pruned, a balancer's node that is behind. What finds it,
and what it costs:

- Near the head, the same is asked of another endpoint: one more request for up to 64 blocks. Where none is configured,
  an empty answer for a block whose bloom is sparse enough to mean something is held against all receipts of the block:
  one large answer.
- A range of final blocks is asked of another endpoint too: as much again. Where none is configured, only an empty
  answer is asked for again; that finds what comes and goes, not an index with a hole.
- When blocks become final, all that is stored of them is asked for once more, of two endpoints where there are two
  (`second_look`): one request, at another time. Until then nothing is called final.

What any endpoint shows of a block, by the block's hash, is kept: more is believed than less. A bloom never takes
anything away, for on some chains it tells nothing (all zeros) or not all (logs that the chain itself makes stand in no
bloom and no receipt). One thing alone proves an answer wrong: receipts that rebuild the receipts root of the block's
header, in which all endpoints agree. An endpoint that lacks one of their logs, or shows another log in the place of
one, is not asked for a while (`Rpc.distrust`). Where nothing proves either, both stay trusted and people are told
(`Rpc.note_disagreement`). Nodes number logs through the block or in each transaction: the same log under two numbers
is one log (`numbered_as`). One endpoint alone that has the same hole every time is found by no client; the
reconciliation with the chain's own state then shows it.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from governance.chain import bloom, receipts
from governance.chain.rpc import Answered, Header, Log, RangeTooLarge, Receipt, Rpc, RpcError
from governance.sentences import Sentence
from governance.sync import by_hash
from governance.sync.by_hash import Asked, Question
from governance.words import say

_MOST_JUDGED = 20  # differing blocks of a range whose receipts are asked for
_SPARSE_BITS = 700  # of a bloom's 2,048: below, an address that is not there shows by chance in less than 1 of 25
_AT_ONCE = 20
IN_CHAIN_ORDER = attrgetter("block_number", "transaction_index", "log_index")
AnyLog = TypeVar("AnyLog", bound=Any)
"""A log of a node (`rpc.Log`), or one that is stored (`models.RawLog`)."""


class Answer(NamedTuple):
    """Logs that someone showed: an endpoint, or (`view` None) one that was asked before and is not known any more."""

    view: Rpc | None
    logs: Sequence[Any]


class Look(NamedTuple):
    """What is kept of blocks that were asked about. `by_two`: two endpoints were asked."""

    logs: list[Any]
    by_two: bool


Place = tuple[bytes, int, int]


def place(log: Any) -> Place:
    """Return a log's place, which two logs never share: its block's hash, its transaction's index there, and its own
    index, by which some nodes count in the block and others in the transaction."""
    return bytes(log.block_hash), log.transaction_index, log.log_index


Payload = tuple[bytes, tuple[bytes, ...], bytes]
Content = tuple[Place, Payload]


def _payload(log: Any) -> Payload:
    """Return what a log says: address, topics and data."""
    return bytes(log.address), tuple(log.topics), bytes(log.data)


def content(log: Any) -> Content:
    """Return what tells logs apart: place, address, topics and data."""
    return place(log), _payload(log)


def numbered_as(reference: Iterable[Any], logs: Iterable[Log]) -> list[Log]:
    """Return `logs` with the numbers that `reference` has for logs of the same transactions.

    One node counts logs through the block, another from 0 in each transaction; of one transaction the two differ by a
    constant. Logs of a transaction stay as they are if `reference` has none of them, or differs by no constant.
    """
    known = _by_transaction(reference)
    found: list[Log] = []
    for key, group in _by_transaction(logs).items():
        found += _shifted(known[key], group) if key in known else group
    return found


def _by_transaction(logs: Iterable[AnyLog]) -> dict[tuple[bytes, bytes], list[AnyLog]]:
    found: dict[tuple[bytes, bytes], list[AnyLog]] = {}
    for log in logs:
        found.setdefault((bytes(log.block_hash), bytes(log.transaction_hash)), []).append(log)
    return found


def _shifted(reference: Sequence[Any], logs: Sequence[Log]) -> Sequence[Log]:
    """Number one transaction's logs as `reference` numbers them."""
    places: list[dict[Payload, list[int]]] = [{}, {}]
    for one, group in zip(places, (reference, logs), strict=True):
        for log in sorted(group, key=attrgetter("log_index")):
            one.setdefault(_payload(log), []).append(log.log_index)
    theirs, ours = places
    shifts = {
        there - here
        for payload, indexes in ours.items()
        if len(theirs.get(payload, ())) == len(indexes)
        for there, here in zip(theirs[payload], indexes, strict=True)
    }
    shift, index = shifts.pop() if len(shifts) == 1 else None, reference[0].transaction_index
    if shift is None or min(log.log_index for log in logs) + shift < 0:
        return logs
    if shift and not index:
        return logs  # of a block's first transaction both count alike
    return [log._replace(transaction_index=index, log_index=log.log_index + shift) for log in logs]


def once(logs: Iterable[AnyLog]) -> list[AnyLog]:
    """Return the logs in chain order, each once: two questions may find the same log.

    Raises:
        RpcError: two different logs have one place, so that one would be lost.
    """
    found: dict[Place, Any] = {}
    for log in logs:
        known = found.setdefault((log.block_hash, log.transaction_index, log.log_index), log)
        if known is not log and (content(known), known.transaction_hash) != (content(log), log.transaction_hash):
            values = {"block": log.block_number, "transaction": log.transaction_index, "log_index": log.log_index}
            raise Answered(None, say("logs_share_place", **values))
    return sorted(found.values(), key=IN_CHAIN_ORDER)


# --- near the head, by hash


def check_blocks(rpc: Rpc, asked: Sequence[Asked], found: list[Log]) -> list[Log]:
    """Return `found`, the answers about these blocks, with what another source has and they lack, and without what
    receipts prove wrong.

    Where no second source can be had just now, it stays as it is until `second_look`; where there is one that lacks the
    blocks or fails just now, they are noted too (`Rpc.unseen`).

    Raises:
        RpcError: the sources show different logs in one place, and nothing says which is right.
    """
    asked = [a for a in asked if a.questions]
    if not asked:
        return found
    ours: dict[bytes, list[Log]] = {}
    for log in found:
        ours.setdefault(log.block_hash, []).append(log)
    first = rpc.answerer()
    others = [other for other in rpc.others() if not other.is_down()]
    for other in others:
        try:
            theirs = ask_blocks(other, asked)
        except RpcError:
            continue  # it may not have the newest blocks yet
        judge = _Judge()
        differing = [
            a
            for a in asked
            if set(map(content, ours.get(a.header.hash, []))) != set(map(content, theirs[a.header.hash][1]))
        ]
        # The headers may be the other's word: the logs were asked for later, and another endpoint may have answered.
        roots = _roots_of(first, [a.header.number for a in differing])
        for a in differing:
            one, (root, two) = ours.get(a.header.hash, []), theirs[a.header.hash]
            two = numbered_as(one, two)
            block = Asked(with_root(a.header, [roots.get(a.header.hash), root]), a.questions)
            ours[a.header.hash] = judge.settle(block, [Answer(first, one), Answer(other, two)])
        judge.end()
        break
    else:
        if others:
            first.unseen.update(a.header.hash for a in asked if ours.get(a.header.hash))
        else:
            for a in asked:
                if not ours.get(a.header.hash) and _is_hint(a):
                    ours[a.header.hash] = _of_receipts(first, a)
    return once(log for logs in ours.values() for log in logs)


def _roots_of(view: Rpc, numbers: Sequence[int]) -> dict[bytes, bytes | None]:
    """The receipts roots that an endpoint names, by block's hash; none where it fails."""
    try:
        headers = view.blocks(numbers) if numbers else []
    except RpcError:
        return {}
    return {header.hash: header.receipts_root for header in headers if header is not None}


def _is_hint(asked: Asked) -> bool:
    """Whether the header's bloom says that the block probably has what was asked for."""
    seen = asked.header.logs_bloom
    if seen is None or int.from_bytes(seen, "big").bit_count() >= _SPARSE_BITS:
        return False
    return any(bloom.may_match(seen, q.addresses, q.topics) for q in asked.questions)


def ask_blocks(rpc: Rpc, asked: Sequence[Asked]) -> dict[bytes, tuple[bytes | None, list[Log]]]:
    """The receipts root and the logs by block's hash. Raises RpcError where the endpoint lacks one of these blocks."""
    found: dict[bytes, tuple[bytes | None, list[Log]]] = {}
    each = by_hash.requests_each(rpc, max((len(a.questions) for a in asked), default=0))

    def read(part: Sequence[Asked]) -> None:
        for a, one in zip(part, by_hash.ask(rpc, part), strict=True):
            if one.header is None or one.header.hash != a.header.hash:
                raise Answered(None, say("block_not_shared", block=a.header.number))
            found[a.header.hash] = one.header.receipts_root, once(one.logs)

    rpc.in_groups(asked, each, _AT_ONCE, read)
    return found


# --- ranges of final blocks


def check_range(rpc: Rpc, questions: Sequence[Question], first_block: int, last_block: int, found: list[Log]) -> Look:
    """Return `found`, the answer about a range, as `check_blocks` does, and whether two were asked. Asks no database.

    Raises:
        RpcError: the other endpoints can't answer now (asked again later; one that is down for good is not waited
            for), have other blocks, or show different logs in one place and nothing says which is right.
    """
    first = rpc.answerer()
    others = rpc.others()
    if not others:
        return Look(found or _ask_range(rpc, questions, first_block, last_block), by_two=False)
    failure: RpcError | None = None
    for other in others:
        try:
            theirs = _ask_range(other, questions, first_block, last_block)
        except RpcError as error:
            failure = error
            continue
        return Look(settle(questions, [Answer(first, found), Answer(other, theirs)]), by_two=True)
    if failure is not None and not all(other.is_down() for other in others):
        raise failure
    return Look(found, by_two=False)


def _ask_range(rpc: Rpc, questions: Sequence[Question], first_block: int, last_block: int) -> list[Log]:
    """The logs, in parts where the endpoint takes only less."""
    width, most = last_block - first_block + 1, rpc.most_blocks
    if most is not None and most < width:
        parts = range(first_block, last_block + 1, most)
        return [log for first in parts for log in _ask_range(rpc, questions, first, min(first + most - 1, last_block))]
    logs: list[Log] = []
    try:
        for q in questions:
            logs += rpc.logs(q.addresses, q.topics, first_block=first_block, last_block=last_block)
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
    return once(logs)


def settle(questions: Sequence[Question], answers: Sequence[Answer]) -> list[Any]:
    """Return what is kept of answers about the same blocks: what any of them shows, but for what receipts prove wrong.
    What is not an endpoint's own answer counts only for blocks that the endpoints still have.

    Raises:
        RpcError: the endpoints have different blocks; or show different logs in one place, and nothing says which is
            right; or one of them was caught with logs that are not there, and more blocks are to be looked at than can
            be: it is not asked the next time.
    """
    differing = _differing(answers)
    if differing:
        # What is stored, or else the first answer, says how logs are numbered.
        first = next((answer for answer in answers if answer.view is None), answers[0])
        others = [a if a is first else Answer(a.view, numbered_as(first.logs, a.logs)) for a in answers]
        answers, differing = others, _differing(others)
    if not differing:
        return list(answers[0].logs)
    numbers = sorted({log.block_number for answer in answers for log in answer.logs if content(log) in differing})
    headers = _headers(numbers, [answer.view for answer in answers if answer.view is not None])
    parts: dict[int, list[Answer]] = {number: [] for number in numbers}
    for answer in answers:
        by_number: dict[int, list[Any]] = {number: [] for number in numbers}
        for log in answer.logs:
            if log.block_number not in headers:
                continue
            if log.block_hash == headers[log.block_number].hash:
                by_number[log.block_number].append(log)
            elif answer.view is not None:
                raise Answered(None, say("logs_beside_block", block=log.block_number))
        for number, logs in by_number.items():
            parts[number].append(Answer(answer.view, logs))
    judged = set(numbers[:: max(len(numbers) // _MOST_JUDGED, 1)])
    judge = _Judge()
    try:
        kept = {number: judge.settle(Asked(headers[number], questions), parts[number]) for number in sorted(judged)}
        for number in sorted(set(numbers) - judged):
            if judge.invented:
                raise Answered(None, say("logs_invented"))
            ask = judge.doubts(parts[number])
            kept[number] = judge.settle(Asked(headers[number], questions), parts[number], ask=ask)
    finally:
        judge.end()
    rest = [log for log in answers[0].logs if log.block_number not in kept]
    return sorted([*rest, *(log for logs in kept.values() for log in logs)], key=IN_CHAIN_ORDER)


def _differing(answers: Sequence[Answer]) -> set[Content]:
    """What not all of them show."""
    shown = [{content(log) for log in answer.logs} for answer in answers]
    return set.union(*shown) - set.intersection(*shown)


def _headers(numbers: Sequence[int], views: Sequence[Rpc]) -> dict[int, Header]:
    """The blocks' headers as all have them. Raises RpcError where they differ: the next attempt sees who follows."""
    found: dict[int, Header] = {}
    for number, *headers in zip(numbers, *(view.blocks(numbers) for view in views), strict=True):
        first = headers[0]
        if first is None or any(header is None or header.hash != first.hash for header in headers):
            raise Answered(None, say("blocks_differ", block=number))
        found[number] = with_root(first, [header.receipts_root for header in headers])
    return found


def with_root(header: Header, roots: Sequence[bytes | None]) -> Header:
    """The header, without its receipts root where another endpoint names another one: then it proves nothing."""
    return header if all(root == header.receipts_root for root in roots) else header._replace(receipts_root=None)


# --- who is right


class _Judge:
    """Settles one block after the other, and tells in the end who was wrong and where nobody can say."""

    def __init__(self) -> None:
        self.invented = False  # somebody showed a log that is not there
        self._wrong: list[tuple[Rpc, Sentence]] = []
        # Who lacks something, in which block, and what.
        self._open: list[tuple[Rpc | None, int, frozenset[Content]]] = []

    def settle(self, asked: Asked, answers: Sequence[Answer], *, ask: bool = True) -> list[Any]:
        """Return what is kept of the block's logs. `ask` False leaves receipts alone.

        Raises:
            RpcError: endpoints show different logs in one place, and nothing says which is right.
        """
        number = asked.header.number
        shown: dict[Content, Any] = {}
        for answer in sorted(answers, key=lambda answer: answer.view is None):
            held = {place(log): key for key, log in shown.items()}
            for log in answer.logs:
                # What an endpoint shows now counts more than what one showed before in the same place.
                if answer.view is not None or held.get(place(log), content(log)) == content(log):
                    shown.setdefault(content(log), log)
        proven = proven_logs(asked, [answer.view for answer in answers if answer.view is not None]) if ask else None
        true: set[Content] = set()  # what the receipts have
        theirs: set[Content] = set()  # of that, what was asked for
        refuted: set[Content] = set()
        if proven is not None:
            logs = numbered_as(shown.values(), proven.logs)
            true = {content(log) for log in logs}
            there = {content(log): log for log in logs if _is_asked_for(log, asked.questions)}
            theirs = set(there)
            refuted = {key for key, log in shown.items() if key not in true and proven.covers(log)}
            shown = there | shown
        kept = {key: log for key, log in shown.items() if key not in refuted}
        for view, logs in answers:
            said = {content(log) for log in logs}
            lacks, invents = theirs - said, said & refuted
            if view is not None and (lacks or invents):
                self.invented |= bool(invents)
                counts = {"lacking": len(lacks), "there": len(theirs), "invented": len(invents)}
                self._wrong.append((view, say("logs_disproved", block=number, **counts)))
            if unproven := kept.keys() - true - said:
                self._open.append((view, number, frozenset(unproven)))
        places = {at for at, _ in kept}
        if len(places) < len(kept):
            names = ", ".join(answer.view.names for answer in answers if answer.view is not None)
            problem = say("logs_in_one_place", block=number)
            waiting = say("blocks_wait", endpoints=names, problem=problem)
            next(a.view for a in answers if a.view is not None).note_disagreement(number, waiting)
            raise Answered(None, say("endpoints_differ", endpoints=names, problem=problem))
        return sorted(kept.values(), key=IN_CHAIN_ORDER)

    def doubts(self, answers: Sequence[Answer]) -> bool:
        """Whether an endpoint that was wrong about another block shows here what not all show: it knows which blocks
        are looked at, and may have invented a log in one that is not."""
        caught = {id(view) for view, _ in self._wrong}
        shown = [{content(log) for log in answer.logs} for answer in answers]
        common = set.intersection(*shown)
        return any(id(a.view) in caught and logs > common for a, logs in zip(answers, shown, strict=True))

    def end(self) -> None:
        """Distrust who was wrong, and note what is open. After all was judged: who is distrusted is asked nothing any
        more, not for receipts either."""
        caught = {id(view) for view, _ in self._wrong}
        for view, number, lacking in self._open:
            if view is not None and id(view) not in caught:
                problem = say("logs_unconfirmed", endpoint=view.names, count=len(lacking), block=number)
                view.note_disagreement(number, problem, {(at[0], payload) for at, payload in lacking})
        for view, reason in self._wrong:
            view.distrust(reason)


class Proof(NamedTuple):
    """All logs of a block that stand in receipts which rebuild the block's receipts root."""

    logs: list[Log]
    transactions: int  # that have a receipt
    by_block: bool  # the logs are numbered through the block
    by_transaction: bool  # the logs are numbered in each transaction; a block with few logs may be both

    def covers(self, log: Any) -> bool:
        """Whether the receipts would show a log in this place. One behind them all may be one that the chain itself
        made: these stand in no receipt."""
        within_block = log.log_index < len(self.logs)
        within_transaction = log.transaction_index < self.transactions
        return (within_block or not self.by_block) and (within_transaction or not self.by_transaction)


def proven_logs(asked: Asked, views: Sequence[Rpc]) -> Proof | None:
    """Return what the first endpoint's receipts that rebuild the header's receipts root show; None where none do."""
    root = asked.header.receipts_root
    if root is None or not any(root):
        return None  # zeros: the chain computes none
    for view in views:
        found = _receipts_of(view, asked)
        if found is None or receipts.root(found) != root:
            continue
        logs = [log for receipt in found for log in receipt.logs]
        if not all(_is_of(log, asked) for log in logs):
            continue
        # The root says nothing of a log's index, which follows from the order.
        by_block = [log.log_index for log in logs] == list(range(len(logs)))
        by_transaction = all(log.log_index == n for receipt in found for n, log in enumerate(receipt.logs))
        if by_block or by_transaction:
            return Proof(logs, len(found), by_block, by_transaction)
    return None


def _of_receipts(view: Rpc, asked: Asked) -> list[Log]:
    """What was asked for, by the receipts of an endpoint that showed nothing and stands alone: its word as well."""
    logs = [log for receipt in _receipts_of(view, asked) or () for log in receipt.logs]
    return [log for log in logs if _is_of(log, asked) and _is_asked_for(log, asked.questions)]


def _receipts_of(view: Rpc, asked: Asked) -> list[Receipt] | None:
    try:
        return view.block_receipts(asked.header.hash)
    except RpcError:
        return None  # many nodes don't know the method, some only by the block's number


def _is_of(log: Log, asked: Asked) -> bool:
    return log.block_hash == asked.header.hash and log.block_number == asked.header.number


def _is_asked_for(log: Any, questions: Iterable[Question]) -> bool:
    return any(_fits(log, question) for question in questions)


def _fits(log: Any, question: Question) -> bool:
    if log.address not in question.addresses or len(question.topics) > len(log.topics):
        return False
    return all(place is None or topic in place for place, topic in zip(question.topics, log.topics, strict=False))


# --- before blocks are called final


def second_look(
    rpc: Rpc, questions: Sequence[Question], first_block: int, last_block: int, stored: Sequence[Any]
) -> Look | None:
    """Return what is kept of these blocks once they are to become final; None where nothing can be said now.

    `stored` is what the mirror has of them: some endpoint showed it, so it is kept where the block is still there and
    receipts don't prove it wrong, whoever shows it now. Two endpoints are asked where there are two: one of them may be
    the very one that gave a wrong answer before.
    """
    views = [rpc.answerer(), *rpc.others()]
    answers: list[Answer] = []
    for view in views:
        try:
            answers.append(Answer(view, _ask_range(view, questions, first_block, last_block)))
        except RpcError:
            if not view.is_down():
                continue
            views = [v for v in views if v is not view]
        if len(answers) == 2:
            break
    if not answers or (len(views) > 1 and len(answers) < 2):
        return None
    if len(answers) == 1:
        return Look(_added(stored, answers[0]), by_two=False)
    # Of a contract that is not followed any more nothing was asked, so nothing is learned.
    rest = [log for log in stored if not _is_asked_for(log, questions)]
    try:
        kept = settle(questions, [*answers, Answer(None, [log for log in stored if _is_asked_for(log, questions)])])
    except RpcError:
        return None
    return Look(sorted([*kept, *rest], key=IN_CHAIN_ORDER), by_two=True)


def _added(stored: Sequence[Any], answer: Answer) -> list[Any]:
    """One endpoint's word against what the same one said before: more is believed, less or other is not."""
    found = {place(log): log for log in stored}
    for log in numbered_as(stored, answer.logs):
        known = found.setdefault(place(log), log)
        if content(known) != content(log) and answer.view is not None:
            values = {"endpoint": answer.view.names, "log_index": log.log_index, "block": log.block_number}
            kept = {(bytes(known.block_hash), _payload(known))}
            answer.view.note_disagreement(log.block_number, say("log_changed", **values), kept)
    return sorted(found.values(), key=IN_CHAIN_ORDER)
