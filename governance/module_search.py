# SPDX-License-Identifier: Apache-2.0
"""Keeps looking for a DAO's policy modules after it was taken in: one that members vote in later is found by itself.

Leads are executed proposals, what followed treasuries log and list, and logs of any contract (`PolicySet`,
`EnabledModule`, `ModuleEnabled`), searched in ranges that the node takes, on with the head and backwards to the
governor's first block, with the place kept (`ModuleSearch`). A lead is no fact: `discovery.examine` asks the chain, and
only a module that is beyond doubt the DAO's own is followed. Others are told to the operator alone (`add_dao`,
`audit`), and looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from governance import discovery, endpoints, work
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.rpc import Answered, CallReverted, RangeTooLarge, Rpc, RpcError
from governance.discovery import FoundModule
from governance.models import Contract, Cursor, Dao, ModuleCandidate, ModuleSearch, Work
from governance.projections import events
from governance.register import register_module
from governance.words import say

WORK = "governance.modules"
LOOK_EVERY_S = 30
_FAILED_S = 60
_STATE_KEPT_BLOCKS = 128
_RANGES = 8  # of blocks that a worker searches at a time; two questions each
_WIDEST_BLOCKS = 100_000
_MOST_EXAMINED = 50  # at a time
_EXAMINED_AGAIN_S = 600
_OWNERS_ASKED = 200  # in one batch


@dataclass(frozen=True)
class Looked:
    """What looking for modules came to: those that are followed now, those that are not (with the reason), and the
    blocks that were searched for logs of any contract; `first_block` is where that search ends. `refused`: the node's
    words where it searches no logs of any contract. `failure`: what a node answered in place of saying what a contract
    is to which members or treasuries led; the next look asks again."""

    followed: tuple[FoundModule, ...]
    others: tuple[FoundModule, ...]
    searched_from: int
    searched_to: int
    first_block: int
    refused: str = ""
    failure: Answered | None = None

    @property
    def is_whole(self) -> bool:
        return self.searched_from <= self.first_block


class SearchRefused(Answered):
    """The node searches not even one block for logs of any contract."""


def look(dao: Dao, rpc: Rpc, *, ranges: int = _RANGES, everything: bool = False) -> Looked | None:
    """Look for policy modules, follow those that are the DAO's own beyond doubt, and keep why others are not.

    `ranges`: how many ranges of blocks to search at the most; `everything`: examine all candidates again, whenever
    they were examined. None for a DAO without a governor, and before anything was read.

    Raises:
        RpcError: the node failed; what was found before is kept.
    """
    governor = dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()
    cursor = Cursor.objects.get(dao=dao)
    if governor is None or cursor.head_hash is None:
        return None
    head = cursor.next_block - 1
    final = max(head - dao.chain.depth_blocks, governor.start_block - 1)
    search, _ = ModuleSearch.objects.get_or_create(
        dao=dao, defaults={"searched_from": final + 1, "searched_to": final, "span_blocks": 2000}
    )
    owner, treasuries = discovery.owner_of(governor), discovery.treasuries_of(dao)
    _follow_leads(dao, rpc, search, treasuries, head, everything=everything)
    refused = ""
    try:
        _search(dao, rpc, search, owner, governor.start_block, final, ranges)
        if everything:
            _search_newest(dao, rpc, search, owner, head)
    except SearchRefused as error:  # what members' votes and treasuries led to needs no such search
        refused = error.message
    followed, others = [], []
    failure: Answered | None = None
    due = _due(dao, everything=everything)
    # A reorg may have taken the execution that led there.
    voted = set(discovery.voted(dao)) if any(candidate.is_voted for candidate in due) else set()
    for candidate in due:
        is_voted = candidate.is_voted and bytes(candidate.address) in voted
        try:
            found = discovery.examine(rpc, bytes(candidate.address), owner, treasuries, is_voted=is_voted)
        except Answered as error:
            # The node failed at a call, or a contract keeps it from answering one: no other is to wait for that.
            if candidate.is_led_to:
                failure = error  # asked again by the next look
            else:
                candidate.examined_at = timezone.now()
                candidate.save(update_fields=["examined_at"])
            continue
        problem = ""
        if found is None or not (candidate.is_led_to or found.owner == owner):
            pass  # no policy module, or another DAO's: nobody's business here
        elif found.problem:
            others.append(found)
            problem = found.problem[:400]
        else:
            register_module(dao, rpc, found.address, found.treasury)
            followed.append(found)
            treasuries = discovery.treasuries_of(dao)
        candidate.problem, candidate.examined_at = problem, timezone.now()
        candidate.save(update_fields=["problem", "examined_at"])
    return Looked(
        tuple(followed), tuple(others), search.searched_from, search.searched_to, governor.start_block, refused, failure
    )


def not_followed(dao: Dao) -> list[ModuleCandidate]:
    """Return the modules that were found and are not followed, each with its `problem`. For the operator."""
    known = dao.contracts.filter(kind=Contract.Kind.MODULE).values("address")
    return list(dao.module_candidates.exclude(problem="").exclude(address__in=known).order_by("pk"))


def _follow_leads(
    dao: Dao, rpc: Rpc, search: ModuleSearch, treasuries: list[bytes], head: int, *, everything: bool
) -> None:
    voted = set(discovery.voted(dao, above_block=None if everything else search.looked_to))
    listed = set(discovery.listed(dao, rpc, treasuries))
    _note(dao, voted | listed, is_led_to=True, voted=voted)
    # What a reorg may put in another block is looked at again, and what one node alone shows once that is settled.
    looked_to, doubted = head - dao.chain.depth_blocks, discovery.first_in_doubt(dao)
    if doubted is not None:
        looked_to = min(looked_to, doubted - 1)
    search.looked_to = max(search.looked_to, looked_to)
    search.save(update_fields=["looked_to"])


def _note(dao: Dao, addresses: Iterable[bytes], *, is_led_to: bool, voted: Iterable[bytes] = ()) -> None:
    known = {bytes(a) for a in dao.contracts.filter(kind=Contract.Kind.MODULE).values_list("address", flat=True)}
    for address in sorted(set(addresses) - known):
        row, created = ModuleCandidate.objects.get_or_create(
            dao=dao, address=address, defaults={"is_led_to": is_led_to, "is_voted": address in voted}
        )
        better = (row.is_led_to or is_led_to, row.is_voted or address in voted)
        if not created and better != (row.is_led_to, row.is_voted):
            row.is_led_to, row.is_voted = better
            row.examined_at = None  # it may be the DAO's own now
            row.save()


def _due(dao: Dao, *, everything: bool) -> list[ModuleCandidate]:
    known = dao.contracts.filter(kind=Contract.Kind.MODULE).values("address")
    rows = dao.module_candidates.exclude(address__in=known)
    if not everything:
        old = timezone.now() - timedelta(seconds=_EXAMINED_AGAIN_S)
        rows = rows.filter(Q(examined_at=None) | Q(examined_at__lt=old))
    # Those that members led to first: whoever floods the chain with modules must not keep them waiting.
    return list(rows.order_by("-is_voted", "-is_led_to", "examined_at", "pk")[:_MOST_EXAMINED])


# --- logs of any contract


def _search(
    dao: Dao, rpc: Rpc, search: ModuleSearch, owner: bytes, first_block: int, final_block: int, ranges: int
) -> None:
    """Search up to so many ranges of final blocks, each once: the new ones, and at least one in four of the old."""
    if final_block < search.searched_from - 1:  # the local chain began anew
        search.searched_from, search.searched_to = final_block + 1, final_block
    searched = 0
    for _ in range(ranges):
        is_behind, is_left = search.searched_to < final_block, search.searched_from > first_block
        if is_behind and not (is_left and searched % 4 == 3):
            first = search.searched_to + 1
            last = min(final_block, first + search.span_blocks - 1)
        elif is_left:
            last = search.searched_from - 1
            first = max(first_block, last - search.span_blocks + 1)
        else:
            break
        addresses = _logged_within(rpc, search, first, last)
        if addresses is None:
            continue
        searched += 1
        owned = _owned(rpc, addresses, owner)
        with transaction.atomic():
            _note(dao, owned, is_led_to=False)
            search.searched_from = min(search.searched_from, first)
            search.searched_to = max(search.searched_to, last)
            if last - first + 1 == search.span_blocks:
                # Slowly: a node that sets a limit refuses each range beyond it, and that costs a question.
                search.span_blocks = min(search.span_blocks + max(1, search.span_blocks // 8), _WIDEST_BLOCKS)
            search.save()


def _search_newest(dao: Dao, rpc: Rpc, search: ModuleSearch, owner: bytes, head: int) -> None:
    """Search the blocks that are not final yet. They are searched again once they are."""
    first = search.searched_to + 1
    for _ in range(_RANGES):
        if first > head:
            return
        last = min(head, first + search.span_blocks - 1)
        addresses = _logged_within(rpc, search, first, last)
        if addresses is not None:
            _note(dao, _owned(rpc, addresses, owner), is_led_to=False)
            first = last + 1


def _logged_within(rpc: Rpc, search: ModuleSearch, first: int, last: int) -> set[bytes] | None:
    """As `_logged`; None where the node refuses the range: the next one is as wide as it says, or half as wide."""
    try:
        return _logged(rpc, first, last)
    except RangeTooLarge as error:
        blocks = last - first + 1
        if blocks == 1:
            raise SearchRefused(None, say("module_search_refused", block=first)) from error
        search.span_blocks = min(error.max_blocks or blocks // 2, blocks - 1)
        search.save(update_fields=["span_blocks"])
        return None


def _logged(rpc: Rpc, first_block: int, last_block: int) -> set[bytes]:
    """Contracts that logged that a policy was set in them, and what any treasury or Safe logged that it enabled. Raises
    RangeTooLarge where the node refuses the range."""
    policies = [found.topic0 for found in events.layouts(Contract.Kind.MODULE).values() if found.name == "PolicySet"]
    found: set[bytes] = set()
    # Two questions: Safes enable modules often, and a node that refuses so many logs still tells of the policies.
    for topics in (policies, list(discovery.ENABLED)):
        try:
            logs = rpc.logs((), [topics], first_block=first_block, last_block=last_block)
        except RangeTooLarge:
            raise
        except Answered as error:
            if topics is policies:
                raise RangeTooLarge(error.code, error.message) from error
            continue
        for log in logs:
            if log.topics[0] not in discovery.ENABLED:
                found.add(log.address)
            elif len(word := log.topics[1] if len(log.topics) > 1 else log.data) == 32:
                found.add(word[12:])
    return found


def _owned(rpc: Rpc, addresses: Iterable[bytes], owner: bytes) -> set[bytes]:
    """Those of these contracts that name the DAO's owner as theirs, and those at which the node failed: they may."""
    asked, found = sorted(addresses), set()
    question = abi.encode_call("owner()")
    for begin in range(0, len(asked), _OWNERS_ASKED):
        part = asked[begin : begin + _OWNERS_ASKED]
        answers = rpc.eth_calls([(address, question) for address in part], "latest")
        for address, answer in zip(part, answers, strict=True):
            is_open = isinstance(answer, RpcError) and not isinstance(answer, CallReverted)
            if is_open or (isinstance(answer, bytes) and len(answer) == 32 and answer[12:] == owner):
                found.add(address)
    return found


# --- by workers


def enqueue_due() -> None:
    """Make due work of the DAOs that are read up to near their head and were not looked at for a while."""
    for dao in Dao.objects.order_by("pk"):
        cursor = Cursor.objects.filter(dao=dao).first()
        if cursor is None or cursor.head_hash is None:
            continue
        if cursor.node_head_block - (cursor.next_block - 1) > _STATE_KEPT_BLOCKS:
            continue
        done_at = Work.objects.filter(name=WORK, key=dao.slug).values_list("done_at", flat=True).first()
        if done_at is None or timezone.now() - done_at >= timedelta(seconds=LOOK_EVERY_S):
            work.enqueue(WORK, dao.slug, renew=True)


@work.worker(WORK)
def _look_due(slug: str, _arguments: dict[str, Any]) -> None:
    dao = Dao.objects.filter(slug=slug).first()
    if dao is None:
        raise work.Abandon("the DAO is gone")
    try:
        with endpoints.known(dao.chain_id) as rpc:
            looked = look(dao, rpc)
        if looked is not None and looked.failure is not None:
            raise looked.failure
    except RpcError as error:
        raise work.Again(timezone.now() + timedelta(seconds=_FAILED_S), str(error)) from error


def told(dao: Dao, found: FoundModule | ModuleCandidate) -> str:
    """Return why a module that was found is not followed, and the command that follows it all the same."""
    name = checksum(bytes(found.address))
    governor = dao.contracts.get(kind=Contract.Kind.GOVERNOR).address
    return (
        f"policy module {name} was found and is not followed: {found.problem}. If it is the DAO's all the same: "
        f"manage.py add_dao {checksum(governor)} --slug {dao.slug} --module {name}"
    )
