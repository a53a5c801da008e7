# SPDX-License-Identifier: Apache-2.0
"""What the chain is asked again about proposals, at once: after a change of the governor's rules about all that is
decided and not executed, about each proposal when its vote ends, and after each vote where only the governor itself can
count.

How far that has come stands with the cursor, so that a failing node, a killed worker or a reorg forgets none of it.
"""

from collections.abc import Sequence

from django.db.models import BigIntegerField, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from governance.capabilities import Rule, rules_of
from governance.chain.abi import encode_call
from governance.chain.governor import PROPOSAL_VOTES
from governance.chain.rpc import Rpc, RpcError
from governance.counting import counted_here_from
from governance.models import Block, Contract, Cursor, Dao, Proposal, ProposalTransition, RawLog, Vote
from governance.probing import probe_again
from governance.projections import events
from governance.projections.rules import note_rules
from governance.reconcile import reconcile_proposals
from governance.state import now_of
from governance.sync.fence import Writer

_AT_ONCE = 100  # proposals asked about in one step
_NEWEST = 50  # of them, where an event that nothing here knows may have changed rules
_MOST_TALLIES = 50
_LOOKED_BACK_BLOCKS = 256  # for such events
_STATE_KEPT_BLOCKS = 128  # below its head, by a full node
_HOUR_S = 3_600


def ask_again(writer: Writer, rpc: Rpc, contracts: Sequence[Contract]) -> None:
    """Ask about what the chain is to be asked again.

    Raises:
        RpcError: the node failed; what was not asked is asked by the next step.
    """
    governor = next((c for c in contracts if c.kind == Contract.Kind.GOVERNOR), None)
    cursor = Cursor.objects.get(dao=writer.dao)
    if governor is None or cursor.head_hash is None:
        return
    if cursor.node_head_block - (cursor.next_block - 1) > _STATE_KEPT_BLOCKS:
        return  # most nodes keep no state so old: it is asked when the mirror comes near the head
    if counted_here_from(governor.capabilities) != 0:
        _tallies(writer, rpc, governor, cursor)
    try:
        _after_changes_of_rules(writer, rpc, governor, cursor)
    finally:
        _after_the_vote(writer, rpc, governor, cursor)  # no failing question keeps it from being asked


def _after_changes_of_rules(writer: Writer, rpc: Rpc, governor: Contract, cursor: Cursor) -> None:
    dao, head = writer.dao, cursor.next_block - 1
    since, below, most = cursor.rules_block, cursor.rules_below, _AT_ONCE
    logs = RawLog.objects.filter(dao=dao, address=governor.address)
    found = logs.filter(topic0__in=events.CHANGES_RULES).aggregate(newest=Max("block_number"))["newest"]
    code = logs.filter(topic0__in=events.CHANGES_CODE).aggregate(newest=Max("block_number"))["newest"]
    if found is not None and (since is None or found > since):
        below = Cursor.FROM_THE_NEWEST
    elif since is not None and _has_unknown(dao, governor, max(since, head - _LOOKED_BACK_BLOCKS)):
        below, most = Cursor.FROM_THE_NEWEST, _NEWEST
    elif since is not None and below is None and _is_hour_over(governor, cursor, since):
        below = Cursor.FROM_THE_NEWEST
    asked: list[Proposal] = []
    failure: RpcError | None = None
    if below == Cursor.FROM_THE_NEWEST:
        try:
            probe_again(dao, rpc, governor, code_changed_at=code)
        except RpcError as error:
            failure = error  # nothing was learnt of the governor; what it says of proposals is asked all the same
    if below is not None:
        decided = Proposal.objects.filter(dao=dao, executed=False, canceled=False, pk__lt=below)
        decided = decided.filter(snapshot__lt=now_of(dao, governor).timepoint)
        asked = list(decided.order_by("-pk")[:most])
        _ask(writer, rpc, governor, cursor, asked)
        below = asked[-1].pk if len(asked) == _AT_ONCE else None
    if failure is not None:
        raise failure  # all of this again in the next step
    if (since, cursor.rules_below) != (head, below):
        with writer.transaction() as held:
            if held.head_hash == cursor.head_hash:
                held.rules_block, held.rules_below = head, below
                held.save(update_fields=["rules_block", "rules_below"])


def _is_hour_over(governor: Contract, cursor: Cursor, since: int) -> bool:
    """Whether an hour of the chain's time ended since this block, where another contract has the governor's rules
    (Optimism's and Agora's configurator of proposal types): its events are not followed, so all that is decided is
    asked about each hour."""
    if not governor.capabilities.get("proposal_types"):
        return False
    before = Block.objects.filter(dao=governor.dao_id, number=since).values_list("timestamp_chain_s", flat=True).first()
    return before is None or before // _HOUR_S < cursor.head_timestamp_chain_s // _HOUR_S


def _tallies(writer: Writer, rpc: Rpc, governor: Contract, cursor: Cursor) -> None:
    """Take the governor's own tally of what got votes since it was asked, where its way to count is not known here, or
    was not when the proposal was created."""
    numbers = _in_turn(list(_with_open_tally(writer.dao, governor)), cursor.fence)
    voted = Vote.objects.filter(proposal=OuterRef("pk")).order_by("-log_id").values("log__block_number")[:1]
    rows = Proposal.objects.filter(pk__in=numbers).annotate(voted_block=Subquery(voted))
    due = [p for p in rows if p.executed or p.canceled or (p.voted_block or 0) > int(p.extra.get("tally_block", -1))]
    if not due:
        return
    names = ("tally_against", "tally_for", "tally_abstain")
    rules = [
        (p, Rule(name, governor.address, encode_call(PROPOSAL_VOTES, [p.proposal_id]), word))
        for p in due
        for word, name in enumerate(names)
    ]
    _note_answers(writer, rpc, cursor, rules, tally_block=cursor.next_block - 1)


def _with_open_tally(dao: Dao, governor: Contract) -> QuerySet:
    """The numbers of the proposals whose tally the governor is to be asked for, or may have to be: those that are not
    over first, then those that were over before it was asked, which get no more votes."""
    counted = Proposal.objects.filter(dao=dao, snapshot__lt=now_of(dao, governor).timepoint)
    if (first_block := counted_here_from(governor.capabilities)) is not None:
        counted = counted.filter(created_block__lt=first_block)
    ends = ProposalTransition.objects.filter(proposal=OuterRef("pk"), kind__in=("executed", "canceled", "vetoed"))
    asked_block = Cast(KeyTextTransform("tally_block", "extra"), BigIntegerField())
    found = counted.annotate(
        asked_block=asked_block, ended_block=Subquery(ends.order_by("-log_id").values("log__block_number")[:1])
    ).filter(Q(executed=False, canceled=False) | Q(asked_block=None) | Q(ended_block__gt=F("asked_block")))
    return found.order_by("executed", "canceled", "-pk").values_list("pk", flat=True)


def _in_turn(numbers: list[int], turn: int) -> list[int]:
    """The first of them, and of the others some in turn: a few may never be answered, and must not hold up the rest."""
    first, rest = numbers[:_MOST_TALLIES], numbers[_MOST_TALLIES:]
    start = turn * _MOST_TALLIES % max(len(rest), 1)
    return first + (rest[start:] + rest[:start])[:_MOST_TALLIES]


def _has_unknown(dao: Dao, governor: Contract, since: int) -> bool:
    """Whether the governor emitted something above this block that nothing here knows: it may have changed rules."""
    known = {topic for topic, _ in events.layouts(Contract.Kind.GOVERNOR)}
    logs = RawLog.objects.filter(dao=dao, address=governor.address, block_number__gt=since)
    return logs.exclude(topic0__in=list(known)).exclude(topic0=None).exists()


def _after_the_vote(writer: Writer, rpc: Rpc, governor: Contract, cursor: Cursor) -> None:
    now = now_of(writer.dao, governor).timepoint
    since = cursor.ended_timepoint
    if since is not None and since != now:
        ended = Proposal.objects.filter(
            dao=writer.dao, executed=False, canceled=False, deadline__gte=since, deadline__lt=now
        )
        numbers = list(ended.order_by("-pk").values_list("pk", flat=True))
        for first in range(0, len(numbers), _AT_ONCE):
            part = Proposal.objects.filter(pk__in=numbers[first : first + _AT_ONCE])
            _ask(writer, rpc, governor, cursor, list(part), rules=False)
    if since != now:
        with writer.transaction() as held:
            if held.head_hash == cursor.head_hash:
                held.ended_timepoint = now
                held.save(update_fields=["ended_timepoint"])


def _ask(
    writer: Writer, rpc: Rpc, governor: Contract, cursor: Cursor, proposals: list[Proposal], *, rules: bool = True
) -> None:
    """Ask for what decides these proposals, where `rules`, and then for their states, votes and quorums."""
    if not proposals:
        return
    if rules and (rules_for := rules_of(governor)) is not None:
        _note_answers(writer, rpc, cursor, [(p, rule) for p in proposals for rule in rules_for(p)])
    reconcile_proposals(writer.dao, rpc, [proposal.pk for proposal in proposals])


def _note_answers(writer: Writer, rpc: Rpc, cursor: Cursor, asked: list[tuple[Proposal, Rule]], **beside: int) -> None:
    """Ask, and keep with each proposal what was answered whole, with `beside`."""
    answers = rpc.eth_calls([(rule.to, rule.calldata) for _, rule in asked], cursor.head_hash or b"")
    told: dict[int, dict[str, int | None]] = {}
    for (proposal, rule), answer in zip(asked, answers, strict=True):
        value = None if isinstance(answer, RpcError) else rule.value(answer)
        told.setdefault(proposal.pk, {})[rule.name] = value
    with writer.transaction() as held:
        if held.head_hash != cursor.head_hash:
            return
        for proposal in {proposal.pk: proposal for proposal, _ in asked}.values():
            known = {name: value for name, value in told[proposal.pk].items() if value is not None}
            if len(known) == len(told[proposal.pk]):
                note_rules(
                    writer.dao, proposal, {**known, **beside}, cursor.next_block - 1, bytes(cursor.head_hash or b"")
                )
