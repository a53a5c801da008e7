# SPDX-License-Identifier: Apache-2.0
"""The sync step: from the node having blocks to their logs, projections and news being in the database."""

import gc
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from django.conf import settings

from governance import clocks, incidents, unconfirmed
from governance.capabilities import Rule, rules_of
from governance.chain.abi import encode_call
from governance.chain.governor import STATE
from governance.chain.rpc import Answered, Disagreement, Header, Log, Rpc, RpcError
from governance.models import (
    Chain,
    Contract,
    Cursor,
    Dao,
    Proposal,
    SyncIncident,
)
from governance.projections.batch import Source
from governance.projections.rules import note_rules
from governance.state import now_of
from governance.sync import fetch, finality, missing, open_questions, refusals, reorg
from governance.sync.fence import Writer, hold
from governance.sync.look_again import look_again
from governance.sync.store import Ids, Prepared, new_logs, note_contact, prepare, store_step, stored_heights
from governance.words import say

logger = logging.getLogger(__name__)

_HEAD_BATCH = 64  # blocks near the head that one step reads
_MOST_QUORUMS = 50
_MOVED_S = 0.2
_MOST_MOVES = 20  # in a row, before it is called an error
_COLLECT_AFTER = 200_000
_SWITCH_S = 0.00005
_LEAST_IDS = 2_000  # for logs of a range that is read ahead


class Status(StrEnum):
    """How a sync step ended."""

    CAUGHT_UP = "caught_up"
    BEHIND = "behind"  # its time was up; the next one goes on
    BUSY = "busy"  # another worker is reading this DAO
    NODE_BEHIND = "node_behind"  # the node's head is older than what was read; waits, nothing changes
    STOPPED = "stopped"  # a reorg deeper than finality; an incident says so, nothing changes


@dataclass(frozen=True)
class SyncResult:
    """What a call of `sync_once` did: the next block to read, the node's head, new logs, reorgs it followed."""

    status: Status
    next_block: int = 0
    node_head_block: int = 0
    logs: int = 0
    refusals: int = 0
    incidents: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Read:
    """What was read of the node, ready to be stored: all logs, those of them that are new, and headers; `checked` as in
    `store_step`."""

    logs: Sequence[Log]
    prepared: Prepared
    head: Header  # of the last block
    headers: Sequence[Header]
    checked: Sequence[Header]
    span_blocks: int


class _Parted(Exception):
    """The chain is not the one that was read."""


def is_local(chain: Chain) -> bool:
    """Whether this is the test chain of this machine, which may be wound back."""
    return settings.LOCAL_CHAIN_ID is not None and chain.chain_id == settings.LOCAL_CHAIN_ID


def sync_once(dao: Dao, rpc: Rpc, *, budget_s: float = 20.0) -> SyncResult:
    """Read the DAO's chain on to the node's head, or for `budget_s`. Harmless when called twice at once, or anew.

    Raises:
        RpcError: the node failed; what was read before is stored, nothing else is changed.
        Superseded: another worker took over meanwhile; nothing of this one was written after.
    """
    with hold(dao) as writer:
        if writer is None:
            return SyncResult(Status.BUSY)
        sync = _Sync(writer, rpc, time.monotonic() + budget_s)
        try:
            return sync.run()
        finally:
            finality.note_caught(dao, rpc)
            sync.doubts()
            finality.note_disagreements(dao, sync.disagreements)


class _Sync:
    def __init__(self, writer: Writer, rpc: Rpc, until: float):
        self.writer, self.rpc, self.until = writer, rpc, until
        self.dao = writer.dao
        self.chain = finality.chain_of(self.dao)
        self.local = is_local(self.chain)
        self.contracts: list[Contract] = list(self.dao.contracts.all())
        self.result = SyncResult(Status.CAUGHT_UP)
        self.finalized = -1  # the last block that was final when the node was last asked
        self.source = Source(self.dao, self.contracts)
        self.ids = Ids()
        self.span: fetch.Span | None = None  # what was learned of the node's limits
        self.ahead = fetch.Ahead(rpc, self.contracts, self._prepare_ahead)
        self.disagreements: list[Disagreement] = []  # of nodes, about what was read so far

    def run(self) -> SyncResult:
        # A range is tens of thousands of small objects that all live until it is stored: looking for cycles among them
        # every few hundred takes half of the time.
        young, *old = gc.get_threshold()
        gc.set_threshold(max(young, _COLLECT_AFTER), *old)
        # The thread that reads ahead must not keep this one waiting each time that the database has answered.
        switch_s = sys.getswitchinterval()
        sys.setswitchinterval(min(switch_s, _SWITCH_S))
        try:
            return self._run()
        finally:
            sys.setswitchinterval(switch_s)
            gc.set_threshold(young, *old)
            self.ahead.close()

    def _run(self) -> SyncResult:
        self._check_genesis()
        head, moves = self._head(), 0
        while True:
            if time.monotonic() > self.until:
                return self._end(head, Status.BEHIND)
            cursor = Cursor.objects.get(dao=self.dao)
            known = cursor.next_block - 1
            self.result = replace(self.result, next_block=cursor.next_block, node_head_block=head.number)
            try:
                if cursor.head_hash is not None and head.number < known and not self.local:
                    return self._end(head, Status.NODE_BEHIND)
                if cursor.head_hash is not None and head.number <= known:
                    self._compare(cursor, head)
                if head.number <= known:
                    newer = self._head()
                    if newer.hash == head.hash:
                        return self._end(head, Status.CAUGHT_UP)
                    head = newer
                    continue
                self._read(cursor, head)
                moves = 0
            except fetch.ChainMoved:
                moves += 1
                if moves > _MOST_MOVES:
                    raise  # no chain changes so often: the node contradicts itself, and people are to see it
                self._forget()
                time.sleep(_MOVED_S)  # a load balancer's nodes disagree for a moment
                head = self._head()
            except _Parted:
                moves += 1
                if moves > _MOST_MOVES:  # its blocks name parents that it does not have itself
                    raise fetch.ChainMoved(known + 1) from None
                if moves > 1:
                    time.sleep(_MOVED_S)
                self._forget()
                if not self._follow(cursor, head):
                    return self._end(head, Status.STOPPED)
                head = self._head()

    def doubts(self) -> dict[bytes, set[Any]]:
        """What one node alone showed so far, with no proof."""
        self.disagreements += self.rpc.take_disagreements()
        return unconfirmed.doubts_of(self.disagreements)

    def _forget(self) -> None:
        """What was read ahead, and what was called final, may be of another chain than the one that is followed now."""
        self.ahead.forget()
        self.rpc.unseen.clear()
        self.finalized = -1

    def _head(self) -> Header:
        return finality.newest(self.rpc)

    def _check_genesis(self) -> None:
        """A chain id says little: another test chain has the same. The first block's hash tells them apart."""
        try:
            genesis = self.rpc.block(0)
        except Answered:
            return  # a node without old blocks
        if genesis is None:
            return
        if self.chain.genesis_hash is None:
            Chain.objects.filter(pk=self.chain.pk, genesis_hash=None).update(genesis_hash=genesis.hash)
        elif self.chain.genesis_hash != genesis.hash:
            if not self.local:
                if self.rpc.others():  # one endpoint's fail-over went wrong: the others may do
                    self.rpc.answerer().distrust(say("other_first_block"))
                    self._check_genesis()
                    return
                incidents.note_once(
                    self.dao,
                    incidents.Kind.WRONG_CHAIN,
                    detail=say("genesis_changed", chain_id=self.chain.chain_id),
                )
                raise GenesisChanged(
                    f"the node's chain {self.chain.chain_id} does not begin with the block it began with"
                )
            # The mirror rewinds below, for no header that was read can match.
            Chain.objects.filter(pk=self.chain.pk).update(genesis_hash=genesis.hash)

    def _compare(self, cursor: Cursor, head: Header) -> None:
        """The block that was read last must still be the node's."""
        known = cursor.next_block - 1
        if head.number < known:
            raise _Parted  # only on the local chain: nothing else may go backwards
        if head.hash != cursor.head_hash:
            raise _Parted

    def _finalized_block(self, head: Header) -> int:
        """The last block that can't change (`finality.final_block`); of the local chain, which is made to reorg at will
        and calls blocks final at once, by depth alone."""
        if self.local:
            return head.number - self.chain.depth_blocks
        return finality.final_block(self.rpc, head, self.chain.depth_blocks)

    def _read(self, cursor: Cursor, head: Header) -> None:
        first = cursor.next_block
        if first > self.finalized:
            self.finalized = self._finalized_block(head)
        finalized = self.finalized
        read = self._final_range(cursor, finalized) if first <= finalized else self._near_head(cursor, head)
        answers = fetch.answers_for(self.dao, self.rpc, self.contracts, read.logs)
        answers += clocks.answers_of(self.dao, self.contracts, read.logs, read.headers)
        new = store_step(
            self.writer, self.contracts, read.prepared, answers, read.headers, first, read.head, checked=read.checked,
            finalized_block=finalized, node_head_block=head.number, span_blocks=read.span_blocks, doubts=self.doubts(),
            unseen=self.rpc.unseen,
        )  # fmt: skip
        self.rpc.unseen.clear()
        self.result = replace(self.result, logs=self.result.logs + new)

    def _final_range(self, cursor: Cursor, finalized: int) -> _Read:
        first = cursor.next_block
        below = cursor.head_hash is not None and first > 0
        found = self.ahead.take(first, finalized, self.span or fetch.Span(cursor.span_blocks), below=below)
        self.span = found.span
        if found.below is not None and found.below.hash != cursor.head_hash:
            raise _Parted
        last = found.head.number
        # As it was when the range was read: meanwhile others may answer again.
        if not (self.local or self.rpc.is_single or found.by_two):
            self._note_alone(first)
        final = found.final_block
        if final is None and found.newest_block is not None:  # a node without the tag
            final = found.newest_block - self.chain.depth_blocks
        if not self.local and final is not None and final < last:
            # Behind a load balancer another node answers than the one that called these blocks final, and it may still
            # be on a branch that was left.
            raise fetch.ChainMoved(last)
        again = stored_heights(self.dao, first, last)
        if missing := again - found.headers.keys():
            more = fetch.with_clock(self.rpc, self.contracts, fetch.headers_of(self.rpc, sorted(missing)))
            found.headers.update((h.number, h) for h in more)
        prepared: Prepared | None = found.prepared
        if prepared is None or again:
            prepared = self._prepare_now(found.logs, found.headers, stored=bool(again))
        if last < finalized:
            # Only now: the ids that are reserved for the next range are above those of this one.
            self.ids.reserve(max(_LEAST_IDS, 2 * len(found.logs)))
            self.ahead.begin(last + 1, finalized, found.span, below=True)
        headers = [found.headers[number] for number in sorted(found.headers)]
        head = found.headers[found.head.number]
        return _Read(found.logs, prepared, head, headers, headers if again else [], found.span.blocks)

    def _near_head(self, cursor: Cursor, head: Header) -> _Read:
        first = cursor.next_block
        headers = fetch.headers_of(self.rpc, range(first, min(head.number, first + _HEAD_BATCH - 1) + 1))
        above = cursor.head_hash
        for header in headers:
            if above is not None and header.parent_hash != above:
                if header is headers[0]:
                    raise _Parted
                raise fetch.ChainMoved(header.number)
            above = header.hash
        headers = fetch.with_clock(self.rpc, self.contracts, headers)
        logs = fetch.logs_of_blocks(self.rpc, self.contracts, headers)
        prepared = self._prepare_now(logs, {h.number: h for h in headers}, stored=True)
        return _Read(logs, prepared, headers[-1], headers, headers, cursor.span_blocks)

    def _prepare_now(self, logs: Sequence[Log], headers: dict[int, Header], *, stored: bool) -> Prepared:
        """`stored`: some of them may be stored already."""
        times = fetch.times_of(logs, headers)  # of all: one of another block than its height's means a moved chain
        if stored:
            logs = new_logs(self.dao, logs)
            times = fetch.times_of(logs, headers)
        self.ids.reserve(len(logs))
        ids = self.ids.take(len(logs))
        assert ids is not None
        return prepare(self.source, logs, times, ids, headers.values())

    def _prepare_ahead(self, found: fetch.Range) -> Prepared | None:
        """In the thread that reads ahead: all that is to be done for a range before it is stored. None where too few
        ids were reserved: then it is done when the range's turn comes."""
        ids = self.ids.take(len(found.logs))
        if ids is None:
            return None
        times = fetch.times_of(found.logs, found.headers)
        return prepare(self.source, found.logs, times, ids, found.headers.values())

    def _follow(self, cursor: Cursor, head: Header) -> bool:
        start = min((c.start_block for c in self.contracts), default=0)
        ancestor = reorg.find_ancestor(self.dao, self.rpc, head.number, start)
        if ancestor.number >= cursor.next_block - 1:
            return True  # the node has our head again: it had shown another for a moment
        if not self.local and reorg.deeper_than_finality(self.dao, ancestor):
            if finality.has_others_vouching(self.dao, self.rpc):
                self.rpc.answerer().distrust(say("final_block_missing"))
                return True
            incident = reorg.note_deep_reorg(self.dao, ancestor, cursor.next_block - 1)
            self._note(incident)
            return False
        behind = self.local and head.number < cursor.next_block - 1
        kind = incidents.Kind.LOCAL_CHAIN_REWOUND if behind else incidents.Kind.REORG
        incident = reorg.drop_above(self.writer, ancestor, kind, head.number)
        logger.warning("%s: %s", self.dao, incident.detail)
        self._note(incident)
        return True

    def _end(self, head: Header, status: Status) -> SyncResult:
        if status in (Status.CAUGHT_UP, Status.BEHIND):
            try:
                final = self._finalized_block(head)
                self.doubts()
                before = len(self.disagreements)
                looked = finality.Confirmed(final)
                if not self.local:
                    looked = finality.confirm(self.dao, self.rpc, self.contracts, final)
            except finality.Missed as missed:
                logger.warning("%s: %s", self.dao, missed)
                mend = reorg.drop_wrong if missed.is_wrong else reorg.read_again
                self._note(mend(self.writer, missed.block_number, head.number))
                return replace(self.result, status=Status.BEHIND)
            self._note_look(looked, before)
            if looked.alone_from_block is not None:
                self._note_alone(looked.alone_from_block)
            note_contact(self.writer, head.number, looked.final_block, keep_headers=self.local)
            if not self.local and not self._catch_up_with_others(looked.final_block, head):
                return replace(self.result, status=Status.BEHIND)
            self._ask_quorums()
            open_questions.ask_again(self.writer, self.rpc, self.contracts)
            missing.ask_again(self.writer, self.rpc, self.contracts)
            refusals.ask_again(self.writer, self.rpc)
            refused = refusals.scan(self.writer, self.rpc)
            self.result = replace(self.result, refusals=refused)
            # Last: what fails above would otherwise close its incident and raise another one at every step.
            incidents.resolve(
                self.dao,
                incidents.Kind.DEEP_REORG,
                incidents.Kind.NODE_ERROR,
                incidents.Kind.SYNC_ERROR,
                incidents.Kind.WRONG_CHAIN,
            )
        return replace(self.result, status=status)

    def _note(self, incident: SyncIncident | None) -> None:
        if incident is not None:
            self.result = replace(self.result, incidents=(*self.result.incidents, incident.pk))

    def _note_look(self, looked: finality.Confirmed, before: int) -> None:
        """Mark and confirm by what two nodes were asked; `before`: how many disagreements there were before that."""
        self.doubts()
        if looked.first_block <= looked.last_block:
            seen = unconfirmed.doubts_of(self.disagreements[before:])
            unconfirmed.note_second_look(self.dao, seen, looked.first_block, looked.last_block)

    def _note_alone(self, first_block: int) -> None:
        """Keep that final blocks from here on were one node's word, though others are set."""
        with self.writer.transaction() as cursor:
            if cursor.alone_from_block is None or cursor.alone_from_block > first_block:
                cursor.alone_from_block = first_block
                cursor.save(update_fields=["alone_from_block"])

    def _is_alone(self) -> bool:
        """Whether of several nodes all but one are distrusted, or have only failed for long."""
        return not self.rpc.is_single and all(view.is_down() for view in self.rpc.others())

    def _catch_up_with_others(self, final_block: int, head: Header) -> bool:
        """Now that another node may answer: look once more at final blocks that were one node's word, and ask again
        about logs that one node alone showed. False where there are blocks to be read again."""
        first = Cursor.objects.get(dao=self.dao).alone_from_block
        if first is not None and not self._is_alone():
            before = len(self.disagreements)
            try:
                looked = finality.look_once_more(self.dao, self.rpc, self.contracts, first, final_block)
            except finality.Missed as missed:
                logger.warning("%s: %s", self.dao, missed)
                if missed.wrong:
                    self._note(reorg.drop_refuted(self.writer, missed.wrong))
                else:
                    self._note(reorg.read_again(self.writer, missed.block_number, head.number))
                return False
            if looked is not None:
                self._note_look(looked, before)
                with self.writer.transaction() as cursor:
                    cursor.alone_from_block = looked.alone_from_block
                    cursor.save(update_fields=["alone_from_block"])
        self._note(look_again(self.writer, self.rpc, self.contracts, final_block, is_alone=self._is_alone()))
        return True

    def _ask_quorums(self) -> None:
        """The quorum at the snapshot, and what else decides that no log says (`capabilities.rules_of`): asked once the
        snapshot has passed, at the block read last; whether a voting module's proposal carried, once its vote is over.
        """
        governor = next((c for c in self.contracts if c.kind == Contract.Kind.GOVERNOR), None)
        rules = rules_of(governor) if governor else None
        cursor = Cursor.objects.get(dao=self.dao)
        if governor is None or rules is None or cursor.head_hash is None:
            return
        now = now_of(self.dao, governor)
        open_ids = list(
            Proposal.objects.filter(dao=self.dao, quorum_votes=None, snapshot__lt=now.timepoint)
            .order_by("-pk")
            .values_list("pk", flat=True)
        )
        asked = [
            (proposal, rule)
            for proposal in Proposal.objects.filter(pk__in=_in_turn(open_ids, cursor.fence))
            for rule in rules(proposal)
        ]
        if governor.capabilities.get("proposal_types"):
            asked += self._about_modules(governor, now.timepoint)
        if not asked:
            return
        answers = self.rpc.eth_calls([(rule.to, rule.calldata) for _, rule in asked], cursor.head_hash)
        told: dict[int, dict[str, int | None]] = defaultdict(dict)
        for (proposal, rule), answer in zip(asked, answers, strict=True):
            told[proposal.pk][rule.name] = None if isinstance(answer, RpcError) else rule.value(answer)
        with self.writer.transaction() as held:
            if held.head_hash != cursor.head_hash:
                return
            for proposal in {proposal.pk: proposal for proposal, _ in asked}.values():
                known = {name: value for name, value in told[proposal.pk].items() if value is not None}
                if len(known) == len(told[proposal.pk]):  # else it stays open: "not checked"
                    note_rules(self.dao, proposal, known, cursor.next_block - 1, cursor.head_hash)

    def _about_modules(self, governor: Contract, timepoint: int) -> list[tuple[Proposal, Rule]]:
        over = Proposal.objects.filter(
            dao=self.dao, deadline__lt=timepoint, executed=False, canceled=False, extra__has_key="voting_module"
        ).exclude(extra__has_key="module_state")
        return [
            (proposal, Rule("module_state", governor.address, encode_call(STATE, [proposal.proposal_id])))
            for proposal in over.order_by("-pk")[:_MOST_QUORUMS]
        ]


def _in_turn(ids: list[int], turn: int) -> list[int]:
    """Those to ask about: half of what one step asks are the newest, half the others in turn, for some are never
    answered and must not keep the others from being asked."""
    newest, rest = ids[: _MOST_QUORUMS // 2], ids[_MOST_QUORUMS // 2 :]
    if not rest:
        return newest
    start = turn * (_MOST_QUORUMS // 2) % len(rest)
    return newest + (rest[start:] + rest[:start])[: _MOST_QUORUMS // 2]


class GenesisChanged(RpcError):
    """The chain with this id is another chain than the one that was read."""

    def __init__(self, message: str):
        super().__init__(None, message)
