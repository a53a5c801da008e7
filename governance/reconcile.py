# SPDX-License-Identifier: Apache-2.0
"""The mirror held against the chain at the very block it has read: the chain's own answers are the judge.

Each answer becomes an OnchainCheck row, the newest per subject, which pages show as "checked at block N":
`proposal:<id>:state`, `proposal:<id>:votes` (against/for/abstain), `proposal:<id>:quorum`, `power:<0x account>` (now;
where the mirror's row and its newest log differ, what the mirror says is both, with a slash between),
`power:<0x account>@<timepoint>` (of a voter, when the vote began, or when a log that is unconfirmed changed it),
`policy:<0x id>:version`, `policy:<0x id>:code` (where its code lies), `module:<0x address>:paused`. What the chain
can't be asked has no row: not checked.

Of what differs about a proposal a second endpoint is asked too, where one is set (`governance.chain_word` shows it).
An answer that a second endpoint contradicts does not match, even where the first one is what the mirror says.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db import transaction
from django.db.models import Max

from governance import asked_power, unconfirmed
from governance.capabilities import BY_NUMBER
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.governor import PROPOSAL_VOTES, STATE
from governance.chain.module import PAUSED, POLICY_STATE
from governance.chain.rpc import Rpc, RpcError
from governance.clocks import unit_of
from governance.models import (
    NOT_TOLD,
    Block,
    Contract,
    Cursor,
    Dao,
    ModuleState,
    OnchainCheck,
    PolicyVersion,
    PowerCheckpoint,
    Proposal,
    UnconfirmedLog,
    Vote,
)
from governance.power import newest_logged, power_at, power_now
from governance.projections.events import pointer_of
from governance.state import ONCHAIN_STATES, facts_of, governor_of, is_final, now_of, quorum_of, state_of
from policies.notation.hexadecimal import hex_text

_SAMPLED_ACCOUNTS = 20
_MOST_PROPOSALS = 100
_MOST_DIFFERING = 60  # of them, where an answer differed


@dataclass(frozen=True)
class Reconciled:
    """What one reconciliation found: subjects asked and those that differ, at a block; `unanswered` are those that the
    chain can't be asked: a view that the contract does not have, or state that the node does not keep."""

    block_number: int
    checked: int
    differing: tuple[str, ...]
    unanswered: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Question:
    subject: str
    to: bytes
    calldata: bytes
    types: tuple[str, ...]
    mirror_says: str
    show: Callable[[tuple[Any, ...]], str]


def reconcile(dao: Dao, rpc: Rpc, *, whole: bool = False, most: int = _SAMPLED_ACCOUNTS) -> Reconciled | None:
    """Ask the chain about what is not settled, at the block the mirror has read; `whole`: about all proposals. Of
    power, the `most` accounts whose power changed last are asked about, and as many of the newest votes. None before
    anything was read, or where the mirror moved on meanwhile (the next call asks anew).

    Raises:
        RpcError: the node failed; no check is stored.
    """
    return _ask(dao, rpc, lambda: [*_about_proposals(dao, whole), *_about_power(dao, most), *_about_modules(dao)])


def reconcile_proposals(dao: Dao, rpc: Rpc, numbers: Iterable[int]) -> Reconciled | None:
    """Ask the chain about these proposals (by their rows' numbers), decided or not, as `reconcile` does.

    Raises:
        RpcError: the node failed; no check is stored.
    """
    chosen = list(numbers)
    return _ask(dao, rpc, lambda: _about_proposals(dao, whole=True, chosen=chosen))


def _ask(dao: Dao, rpc: Rpc, questions_of: Callable[[], list["_Question"]]) -> Reconciled | None:
    cursor = Cursor.objects.get(dao=dao)
    if cursor.head_hash is None:
        return None
    questions = questions_of()
    moved = Cursor.objects.get(dao=dao)
    if moved.head_hash != cursor.head_hash:
        return None
    answers = [_said(q, a) for q, a in zip(questions, _calls(rpc, questions, cursor.head_hash), strict=True)]
    # Where one node alone shows something, its own answer does not confirm it: another's has to agree.
    by_two = not rpc.is_single and UnconfirmedLog.objects.filter(dao=dao).exists()
    doubtful = [
        question
        for question, says in zip(questions, answers, strict=True)
        if says is not None and (by_two or (says != question.mirror_says and question.subject.startswith("proposal:")))
    ]
    others = _second_answers(rpc, doubtful, cursor.head_hash)
    checked, differing, unanswered, settling = 0, [], [], []
    with transaction.atomic():
        # Whoever drops blocks holds the cursor: what is said of a block is written while it stands.
        Cursor.objects.select_for_update().get(dao=dao)
        if not Block.objects.filter(dao=dao, number=cursor.next_block - 1, hash=cursor.head_hash).exists():
            return None  # a reorg dropped the block, and its checks, while the chain was asked
        for question, says in zip(questions, answers, strict=True):
            if says is None:
                unanswered.append(question.subject)  # no such function, or no such state: not checked
                continue
            checked += 1
            other = others.get(question.subject)
            # Two nodes that contradict each other settle nothing, whichever of them was asked first.
            matched = says == question.mirror_says and other in (None, says)
            is_told = question.mirror_says != NOT_TOLD  # `OnchainCheck.objects.differing` says the same
            if not matched and (is_told or other not in (None, says)):
                differing.append(question.subject)
            if other == says or not by_two:
                settling.append(question.subject)
            OnchainCheck.objects.update_or_create(
                dao=dao,
                subject=question.subject,
                defaults={
                    "block_number": cursor.next_block - 1,
                    "block_hash": cursor.head_hash,
                    "chain_says": says[:400],
                    "mirror_says": question.mirror_says[:400],
                    "matched": matched,
                    "endpoints": 2 if other == says else 1,
                    "other_says": other[:400] if other is not None and other != says else "",
                },
            )
        unconfirmed.settle(dao, settling, cursor.next_block - 1)
    subjects = tuple(question.subject for question in questions)
    return Reconciled(cursor.next_block - 1, checked, tuple(differing), tuple(unanswered), subjects)


def _calls(rpc: Rpc, questions: list["_Question"], block_hash: bytes) -> list[bytes | RpcError]:
    return rpc.eth_calls([(q.to, q.calldata) for q in questions], block_hash)


def _said(question: "_Question", answer: bytes | RpcError) -> str | None:
    """An answer as it is shown; None where the chain can't be asked this."""
    if isinstance(answer, RpcError):
        return None
    try:
        return question.show(abi.decode(question.types, answer, canonical=False))
    except abi.NotCanonical:
        return None


def _second_answers(rpc: Rpc, questions: list["_Question"], block_hash: bytes) -> dict[str, str]:
    """What the first other endpoint that has the block answers, by subject; empty where there is none."""
    if not questions:
        return {}
    for view in rpc.others():
        try:
            answers = _calls(view, questions, block_hash)
        except RpcError:
            continue
        said = {q.subject: _said(q, answer) for q, answer in zip(questions, answers, strict=True)}
        if found := {subject: says for subject, says in said.items() if says is not None}:
            return found
    return {}


def _state_name(answer: tuple[Any, ...]) -> str:
    number = answer[0]
    return ONCHAIN_STATES[number].value if number < len(ONCHAIN_STATES) else f"state {number}"


def _differing_longest(dao: Dao) -> list[int]:
    """The rows' numbers of some proposals about which an answer differed, those first that were asked about longest
    ago."""
    rows = OnchainCheck.objects.filter(dao=dao, matched=False, subject__startswith="proposal:").order_by("checked_at")
    subjects = rows.values_list("subject", flat=True)[:_MOST_DIFFERING]
    numbers = {int(subject.split(":")[1]) for subject in subjects}
    return list(Proposal.objects.filter(dao=dao, proposal_id__in=numbers).values_list("pk", flat=True))


def _about_proposals(dao: Dao, whole: bool, chosen: list[int] | None = None) -> list[_Question]:
    governor = dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()
    if governor is None or governor.capabilities.get("family", "unknown") == "unknown":
        return []
    now = now_of(dao, governor_of(dao))
    family = governor.capabilities["family"]
    settled = {
        row.subject: row for row in OnchainCheck.objects.filter(dao=dao, subject__startswith="proposal:", matched=True)
    }
    questions: list[_Question] = []
    proposals = Proposal.objects.filter(dao=dao).prefetch_related("operations").order_by("-pk")
    if chosen is not None:
        proposals = proposals.filter(pk__in=chosen)
    # First what differed and was not asked about for longest: it may be older than all that are asked about here.
    differing = [] if whole else _differing_longest(dao)
    for proposal in chain(proposals.filter(pk__in=differing), proposals.exclude(pk__in=differing)):
        state = state_of(proposal, now, governor)
        name = f"proposal:{proposal.proposal_id}"
        done = settled.get(f"{name}:state")
        # What is final and was found right stays right: votes and states of the past don't change.
        if not whole and is_final(state) and done is not None and done.mirror_says == state.value:
            continue
        if not whole and len(questions) >= 3 * _MOST_PROPOSALS:
            break
        call = abi.encode_call(STATE, [proposal.proposal_id])
        # Also where the mirror can't tell it: then the chain's word is all there is.
        questions.append(_Question(f"{name}:state", governor.address, call, ("uint8",), state.value, _state_name))
        if (votes := _votes_question(governor, family, proposal, name)) is not None:
            questions.append(votes)
        quorum_votes = quorum_of(facts_of(proposal, governor))
        fixed = (
            governor.capabilities.get("quorum") == "proposals(uint256)" and not governor.capabilities["dynamic_quorum"]
        )
        call_quorum = _QUORUM_CALLS.get("fixed" if fixed else str(governor.capabilities.get("quorum")))
        if call_quorum is not None and quorum_votes is not None and proposal.snapshot < now.timepoint:
            questions.append(
                _Question(
                    f"{name}:quorum", governor.address, call_quorum(proposal), ("uint256",) * (4 if fixed else 1),
                    str(quorum_votes), lambda quorum: str(quorum[-1]),
                )
            )  # fmt: skip
    return questions


# The views that answer a proposal's quorum as it is now, by what probing called it.
_QUORUM_CALLS: dict[str, Callable[[Proposal], bytes]] = {
    "quorum(uint256)": lambda p: abi.encode_call("quorum(uint256)", [p.snapshot]),
    "quorum(proposal)": lambda p: abi.encode_call("quorum(uint256)", [p.proposal_id]),
    "quorumVotes()": lambda _: abi.encode_call("quorumVotes()"),
    "proposals(uint256)": lambda p: abi.encode_call("quorumVotes(uint256)", [p.proposal_id]),
    # Nouns' first version: its fourth word. quorumVotes() is the newest one.
    "fixed": lambda p: abi.encode_call("proposals(uint256)", [p.proposal_id]),
}


def _votes_question(governor: Contract, family: str, proposal: Proposal, name: str) -> _Question | None:
    """What the governor counted: OpenZeppelin's has a view for it, Compound's and Nouns' tell it among the rest."""
    facts = facts_of(proposal, governor)
    if facts.counted_by_governor and facts.tally_block is None:
        return None  # asked by the sync, which counts nothing itself
    tally = (facts.against_votes, facts.for_votes, facts.abstain_votes)
    if family in BY_NUMBER:
        in_favour, against, abstain = BY_NUMBER[family]
        call = abi.encode_call("proposals(uint256)", [proposal.proposal_id])
        places = [place for place in (against, in_favour, abstain) if place is not None]
        return _Question(
            f"{name}:votes", governor.address, call, ("uint256",) * (max(places) + 1),
            "/".join(map(str, tally[: len(places)])), lambda words: "/".join(str(words[place]) for place in places),
        )  # fmt: skip
    if family not in ("openzeppelin", "agora"):
        return None
    return _Question(
        f"{name}:votes", governor.address, abi.encode_call(PROPOSAL_VOTES, [proposal.proposal_id]),
        ("uint256",) * 3, "/".join(map(str, tally)), lambda votes: "/".join(map(str, votes)),
    )  # fmt: skip


def _about_power(dao: Dao, most: int) -> list[_Question]:
    """The accounts whose power changed last, where a lost log would show, and what voters had when their vote began."""
    token = dao.contracts.filter(kind=Contract.Kind.VOTES_TOKEN).first()
    if token is None or not token.capabilities.get("votes", True):
        return []
    now_call = token.capabilities.get("votes_call", "getVotes(address)")
    past_call = {"getCurrentVotes(address)": "getPriorVotes"}.get(now_call, "getPastVotes") + "(address,uint256)"
    newest = PowerCheckpoint.objects.filter(dao=dao).values("account").annotate(last=Max("log_id")).order_by("-last")
    accounts = list(dict.fromkeys([*(row["account"] for row in newest[:most]), *unconfirmed.accounts_in_doubt(dao)]))
    logged = newest_logged(dao, accounts)
    questions = [
        _Question(
            f"power:{checksum(account)}", token.address, abi.encode_call(now_call, [account]), ("uint256",),
            _power_said(power_now(dao, account), logged.get(bytes(account), 0)), lambda power: str(power[0]),
        )
        for account in accounts
    ]  # fmt: skip
    governor = dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()
    clocks = {unit_of(c.capabilities) for c in (token, governor) if c is not None}
    if governor is None or len(clocks) > 1:
        return questions  # a snapshot of one clock says nothing in the other
    is_degraded = asked_power.degraded(dao) is not None
    votes = Vote.objects.filter(dao=dao, proposal__isnull=False).order_by("-pk")
    voted = votes.values_list("voter", "proposal__snapshot")[:most]
    now = now_of(dao, governor).timepoint
    pairs = dict.fromkeys((bytes(voter), snapshot) for voter, snapshot in voted)
    pairs |= dict.fromkeys(pair for pair in unconfirmed.power_in_doubt(dao) if pair[1] < now)
    said = {pair: _power_at(dao, *pair, is_degraded=is_degraded) for pair in pairs}
    return questions + [
        _Question(
            f"power:{checksum(voter)}@{snapshot}", token.address, abi.encode_call(past_call, [voter, snapshot]),
            ("uint256",), str(power), lambda power: str(power[0]),
        )
        for (voter, snapshot), power in said.items()
        if power is not None
    ]  # fmt: skip


def _power_at(dao: Dao, voter: bytes, snapshot: int, *, is_degraded: bool) -> int | None:
    """What the mirror says of a voter's power at a snapshot; None where it says nothing: of a token whose logs say
    nothing that is understood, before the chain was asked."""
    if not is_degraded:
        return power_at(dao, voter, snapshot)
    row = asked_power.asked(dao, voter, snapshot)
    return row.power if row else None


def _power_said(kept: int, logged: int) -> str:
    """What pages show and what the newest log says: two rows, of which either may be wrong. One number where they
    agree, as they should."""
    return str(kept) if kept == logged else f"{kept}/{logged}"


def _about_modules(dao: Dao) -> list[_Question]:
    questions = []
    for module in dao.contracts.filter(kind=Contract.Kind.MODULE):
        state = ModuleState.objects.filter(module=module).first()
        questions.append(
            _Question(
                f"module:{checksum(module.address)}:paused", module.address, abi.encode_call(PAUSED), ("bool",),
                str(bool(state and state.paused)), lambda paused: str(paused[0]),
            )
        )  # fmt: skip
        versions = PolicyVersion.objects.filter(module=module).select_related("log").order_by("policy_id", "-version")
        for newest in versions.distinct("policy_id"):
            subject = f"policy:{hex_text(newest.policy_id)}"
            calldata = abi.encode_call(POLICY_STATE, [newest.policy_id])
            types = ("address", "uint16", "uint24", "uint32", "uint40")
            questions += [
                _Question(
                    f"{subject}:version", module.address, calldata, types, str(newest.version), lambda s: str(s[1])
                ),
                _Question(
                    f"{subject}:code", module.address, calldata, types, checksum(pointer_of(newest.log)),
                    lambda s: checksum(s[0]),
                ),
            ]  # fmt: skip
    return questions
