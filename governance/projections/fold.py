# SPDX-License-Identifier: Apache-2.0
"""Raw logs -> projections: a fold over logs in chain order that can be done again.

Two sorts of rows. One row per log (votes, delegations, checkpoints, flows, objections, transitions): it falls with its
log by cascade, nothing else needs doing. One row per thing that several logs change (proposals, operations, policies,
acts, a module's state): its handlers set everything they own, so that folding the remaining logs again after a reorg
gives what was never otherwise. Votes are many, so they are not folded again: their tallies are summed in PostgreSQL.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Min, Model, QuerySet, Sum
from eth_hash.auto import keccak

from governance import bulk, incidents
from governance.chain import abi
from governance.chain.call import Call
from governance.fields import UINT256_MAX
from governance.models import (
    MANY_TOPICS,
    WHOLE_BPS,
    Act,
    ActCall,
    ChainAnswer,
    Contract,
    Dao,
    Delegation,
    ModuleState,
    Objection,
    PartialDelegation,
    PolicyVersion,
    PowerCheckpoint,
    Proposal,
    ProposalAction,
    ProposalTransition,
    RawLog,
    SyncIncident,
    TimelockOperation,
    TreasuryFlow,
    Vote,
)
from governance.projections import events
from governance.projections.batch import FRACTIONAL, LIFECYCLE, Batch, Source, Tally
from governance.projections.events import Event, Kind, Undecodable, bounded, raw_of, text_of
from governance.projections.rows import LogRow, row_of
from policies.code.encoding import DecodeError, decode

logger = logging.getLogger(__name__)
_Row = TypeVar("_Row", bound=Model)

EXECUTE = "execute(bytes32,bytes32,(address,uint256,bytes)[],uint24,bytes32)"
SCHEDULE = "schedule(bytes32,bytes32,(address,uint256,bytes)[],uint24,bytes32)"
_ACT_TYPES = ["bytes32", "bytes32", "(address,uint256,bytes)[]", "uint24", "bytes32"]

_INT_MAX = 2**31 - 1

_VOTE_COLUMNS = (
    "dao_id", "proposal_id", "onchain_proposal_id", "log_id", "voter", "support", "weight", "reason", "params",
)  # fmt: skip
# What ProposalCreated says of a proposal; written anew where a reorg brings it back.
_CREATED_FIELDS = (
    "log", "created_block", "proposer", "description", "description_raw", "title", "snapshot", "deadline",
    "eta_chain_s", "queued", "executed", "canceled", "operation_id", "operation_id_v4", "extra",
)  # fmt: skip
_PER_LOG = (
    "VoteCast", "VoteCastWithParams", "OverrideVoteCast", "VoteReduced", "DelegateChanged",
    "DelegateVotesChanged", "Transfer",
)  # fmt: skip


@dataclass(frozen=True)
class ActInput:
    """The arguments of `execute` or `schedule`, as sent to the module."""

    policy_id: bytes
    codehash: bytes
    calls: tuple[tuple[bytes, int, bytes], ...]  # target, value in wei, calldata
    number: int
    decision: bytes


def act_input(calldata: bytes) -> ActInput | None:
    """What a transaction to the module asked for; None where it calls another function or its words don't read."""
    if calldata[:4] not in (abi.selector(EXECUTE), abi.selector(SCHEDULE)):
        return None
    try:
        return ActInput(*abi.decode(_ACT_TYPES, calldata[4:], canonical=False))
    except abi.NotCanonical:
        return None


def operation_ids(
    governor: bytes, targets: list[bytes], values: list[int], calldatas: list[bytes], description: bytes
) -> tuple[bytes, bytes]:
    """The timelock operation that queueing a proposal makes: with v5's salt (the description's hash XOR the governor's
    address in the high bytes, GovernorTimelockControl._timelockSalt) and with v4's (the hash alone)."""
    description_hash = keccak(description)
    high = int.from_bytes(governor + bytes(12), "big")
    salt = (int.from_bytes(description_hash, "big") ^ high).to_bytes(32, "big")
    types = ["address[]", "uint256[]", "bytes[]", "bytes32", "bytes32"]
    batch = [targets, values, calldatas, bytes(32)]
    return keccak(abi.encode(types, [*batch, salt])), keccak(abi.encode(types, [*batch, description_hash]))


# What the chain alone knows of a proposal beside its quorum: the name in `Proposal.extra` -> the answer's key, short
# enough for its column together with the proposal's number in hexadecimal.
_RULE_KEYS = {
    "super_quorum_votes": "super", "quorum_supply": "supply", "quorum_least_bps": "least", "quorum_most_bps": "most",
    "quorum_coefficient": "coefficient", "approval_threshold_bps": "approval", "module_state": "module",
}  # fmt: skip


def rule_key(name: str, proposal_id: int) -> str:
    """The key of the chain's answer about a rule of a proposal (`capabilities.Rule.name`), of the kind `quorum`."""
    return str(proposal_id) if name == "quorum" else f"{_RULE_KEYS[name]}:{proposal_id:x}"


def told_rules(dao: Dao, proposal_ids: Iterable[int], *, since_block: int = 0) -> dict[int, dict[str, int]]:
    """What the chain was asked about proposals (at `since_block` or later): proposal id -> rule's name -> number."""
    names = ("quorum", *_RULE_KEYS)
    keys = {rule_key(name, number): (number, name) for number in proposal_ids for name in names}
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for answer in ChainAnswer.objects.filter(
        dao=dao, kind=ChainAnswer.Kind.QUORUM, key__in=list(keys), block_number__gte=since_block
    ):
        number, name = keys[answer.key]
        found[number][name] = int.from_bytes(answer.value, "big")
    return found


def note_rules(dao: Dao, proposal: Proposal, told: dict[str, int], block_number: int) -> None:
    """Keep what the chain said of a proposal's rules at a block, raw and with the proposal."""
    for name, value in told.items():
        ChainAnswer.objects.update_or_create(
            dao=dao, kind=ChainAnswer.Kind.QUORUM, key=rule_key(name, proposal.proposal_id),
            defaults={"value": value.to_bytes(32, "big"), "block_number": block_number},
        )  # fmt: skip
    extra = {name: str(value) for name, value in told.items() if name != "quorum"}
    changes: dict[str, Any] = {"extra": {**proposal.extra, **extra}} if extra else {}
    if "quorum" in told:
        changes["quorum_votes"] = told["quorum"]
    Proposal.objects.filter(pk=proposal.pk).update(**changes)


def title_of(description: str) -> str:
    """The first line with words of a proposal's text, without heading marks, at most 300 characters."""
    for line in description.splitlines():
        title = " ".join(line.strip().lstrip("#").split())
        if title:
            return title[:300]
    return ""


def act_key(policy_id: bytes, number: int) -> str:
    """An act's name in the outbox."""
    return f"0x{policy_id.hex()}:{number}"


@dataclass
class Unread:
    """What could not be understood: known events that don't decode, and events that nothing here knows."""

    undecodable: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unknown: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass
class _Known:
    """A proposal while a batch is applied: what changes are written at the end, in one go."""

    pk: int | None
    told: dict[str, set[int]]  # kind of transition -> the logs that said it
    changes: dict[str, Any] = field(default_factory=dict)
    calls: list[Call] | None = None  # set where the batch creates it
    transitions: list[tuple[str, int]] = field(default_factory=list)
    unsaid: set[str] = field(default_factory=set)  # rules whose answers are older than what changed them
    rewritten: list[Call] | None = None  # calls in place of those it was created with


class Projector:
    """Applies logs of one DAO, in chain order, inside the caller's transaction. One instance per transaction.

    `news` collects (topic, key, block number) for the outbox, in chain order; `touched` the rows that handlers wrote.
    A batch is applied as a whole: what many logs bring one row each (votes above all) goes by COPY, what few logs
    change (proposals) is changed in memory and written once.

    `anew`: the logs are folded once more, and rows of the pass before are still there. Then only what this pass has
    touched itself is seen, as in a mirror that reads these logs for the first time.
    """

    def __init__(self, dao: Dao, *, anew: bool = False):
        self.dao, self.anew = dao, anew
        self.source = Source(dao, dao.contracts.all())
        self.contracts = self.source.contracts
        self._has_timelock = any(c.kind == Kind.TIMELOCK for cs in self.contracts.values() for c in cs)
        self.treasuries = {c.address for cs in self.contracts.values() for c in cs if c.kind == Kind.TREASURY}
        self.unread = Unread()
        self.touched: dict[type, set[int]] = defaultdict(set)
        self._news: list[tuple[tuple[int, int], tuple[str, str, int]]] = []
        self._batch = Batch(self.source)
        self._flows: list[TreasuryFlow] = []
        self._partial: list[PartialDelegation] = []
        self._proposals: dict[int, _Known | None] = {}
        self._recount: set[int] = set()
        self._handlers = {
            name.removeprefix("_on_"): getattr(self, name) for name in dir(type(self)) if name.startswith("_on_")
        }

    @property
    def news(self) -> list[tuple[str, str, int]]:
        """(topic, key, block number) of what happened, in chain order."""
        return [entry for _, entry in sorted(self._news, key=itemgetter(0))]

    # --- entrance

    def apply(self, logs: Iterable[RawLog]) -> None:
        """Project stored logs, in chain order."""
        self.write(Batch(self.source).read(map(row_of, logs)))

    def write(self, batch: Batch) -> None:
        """Write what logs bring, as `Batch.read` found it."""
        self._batch = batch
        for contract, log, error in batch.undecodable:
            self._undecodable(contract, log, error)
        for name, count in batch.unknown.items():
            self.unread.unknown[name] += count
        later = [told for told in batch.later if told[2].name in self._handlers]
        self._load({e.args["proposalId"] for _, _, e in later if "proposalId" in e.args and e.name not in _PER_LOG})
        for contract, log, event in later:
            try:
                self._handlers[event.name](contract, log, event)
            except Undecodable as error:
                self._undecodable(contract, log, error)
        self._flush()

    def _undecodable(self, contract: Contract, log: LogRow, error: Undecodable) -> None:
        self.unread.undecodable[f"{contract}: {error}"] += 1
        self._incident(
            incidents.Kind.UNDECODABLE,
            f"A log of {contract} can't be read and is kept raw: {error}",
            {"contract": contract.pk, "log": "{}:{}".format(*log.place)},
            log.block_number,
        )

    def _publish(self, topic: str, key: str, log: LogRow) -> None:
        self._news.append((log.place, (topic, key, log.block_number)))

    def _incident(self, kind: incidents.Kind, detail: str, facts: dict[str, Any], block: int) -> None:
        incidents.note_once(self.dao, kind, about=facts, detail=detail, first_block=block)

    def _flush(self) -> None:
        self._write_proposals()
        self._write_votes()
        batch, self._batch = self._batch, Batch(self.source)
        self._news += batch.news
        bulk.copy_lines(
            "governance_delegation", ("dao_id", "log_id", "delegator", "from_delegate", "to_delegate"),
            batch.delegations,
        )  # fmt: skip
        bulk.copy_lines(
            "governance_powercheckpoint",
            ("dao_id", "log_id", "account", "timepoint", "previous_power", "power"),
            batch.checkpoints,
        )
        PartialDelegation.objects.bulk_create(self._partial, batch_size=2000)
        TreasuryFlow.objects.bulk_create(self._flows, batch_size=2000)
        self._partial, self._flows = [], []

    # --- governor: proposals

    def _load(self, proposal_ids: Iterable[int]) -> None:
        """Have these proposals at hand; None where the mirror has none of that number."""
        missing = [number for number in proposal_ids if number not in self._proposals]
        if not missing or self.anew:
            return
        by_pk = {}
        for pk, number in Proposal.objects.filter(dao=self.dao, proposal_id__in=missing).values_list(
            "pk", "proposal_id"
        ):
            self._proposals[number] = by_pk[pk] = _Known(pk, defaultdict(set))
        told = ProposalTransition.objects.filter(proposal__in=by_pk).values_list("proposal_id", "kind", "log_id")
        for pk, kind, log_pk in told:
            by_pk[pk].told[kind].add(log_pk)
        for number in missing:
            self._proposals.setdefault(number, None)

    def _seen(self, rows: QuerySet[_Row]) -> QuerySet[_Row]:
        """These rows; when folding anew, those of them that this pass has touched."""
        return rows.filter(pk__in=self.touched[rows.model]) if self.anew else rows

    def _write_proposals(self) -> None:
        """Write what changed in proposals since the last time, in a number of statements that doesn't grow with them
        (but for those that were changed and not created)."""
        changed = {n: known for n, known in self._proposals.items() if known and (known.changes or known.transitions)}
        created = {number: known for number, known in changed.items() if known.calls is not None}
        if created:
            self._write_created(created)
        alike: dict[tuple[str, ...], list[Proposal]] = defaultdict(list)
        for number, known in changed.items():
            if number not in created:
                if known.changes:
                    alike[tuple(known.changes)].append(Proposal(pk=known.pk, **known.changes))
                if known.rewritten is not None:
                    ProposalAction.objects.filter(proposal=known.pk).delete()
                    ProposalAction.objects.bulk_create(_actions(known.pk, known.rewritten))
        for fields, rows in alike.items():
            Proposal.objects.bulk_update(rows, fields)
        ProposalTransition.objects.bulk_create(
            ProposalTransition(proposal_id=known.pk, kind=kind, log_id=log_pk)
            for known in changed.values()
            for kind, log_pk in known.transitions
        )
        for known in changed.values():
            known.changes, known.calls, known.transitions, known.unsaid, known.rewritten = {}, None, [], set(), None

    def _write_created(self, created: dict[int, _Known]) -> None:
        told = told_rules(self.dao, created)
        rows = []
        for number, known in created.items():
            rules = told.get(number, {})
            quorum_votes = rules.pop("quorum", None)
            rules = {name: str(value) for name, value in rules.items() if name not in known.unsaid}
            changes = {**known.changes, "extra": {**known.changes["extra"], **rules}}
            if "quorum" in known.unsaid:
                quorum_votes = None
            rows.append(Proposal(dao=self.dao, proposal_id=number, quorum_votes=quorum_votes, **changes))
        fields = ["quorum_votes", *_CREATED_FIELDS]
        # Tallies are not among them: they are counted, and a proposal that is created once more keeps its votes.
        Proposal.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["dao", "proposal_id"], update_fields=fields
        )
        came_back = []
        for row, known in zip(rows, created.values(), strict=True):
            if self.anew or known.pk is not None:
                came_back.append(row.pk)
            known.pk = row.pk
            self.touched[Proposal].add(row.pk)
        if came_back:
            ProposalAction.objects.filter(proposal__in=came_back).delete()
        ProposalAction.objects.bulk_create(
            action
            for row, known in zip(rows, created.values(), strict=True)
            for action in _actions(row.pk, known.calls if known.rewritten is None else known.rewritten)
        )
        if self._has_timelock:
            self._link_operations([row.pk for row in rows])

    def _link_operations(self, pks: list[int]) -> None:
        with connection.cursor() as cursor:
            # A proposal that is created once more with other calls is not the one that its operation was of.
            cursor.execute(
                """UPDATE governance_timelockoperation o SET proposal_id = NULL FROM governance_proposal p
                   WHERE o.proposal_id = p.id AND p.id = ANY(%s)
                     AND (o.operation_id IN (p.operation_id, p.operation_id_v4)) IS NOT TRUE""",
                [pks],
            )
            cursor.execute(
                """UPDATE governance_timelockoperation o SET proposal_id = p.id FROM governance_proposal p
                   WHERE o.dao_id = %s AND p.id = ANY(%s) AND o.operation_id IN (p.operation_id, p.operation_id_v4)""",
                [self.dao.pk, pks],
            )

    def _on_ProposalCreated(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        extra: dict[str, Any] = {}
        calls: list[Call] = []
        ids: tuple[bytes | None, bytes | None] = (None, None)
        if "votingModule" in a:
            extra["voting_module"] = "0x" + a["votingModule"].hex()
            extra["proposal_data"] = "0x" + a["proposalData"].hex()
        else:
            calls = _calls_in(event)
            ids = operation_ids(
                contract.address, [call.target for call in calls], [call.value_wei for call in calls],
                [call.calldata for call in calls], a["description"],
            )  # fmt: skip
        if "proposalType" in a:
            extra["proposal_type"] = a["proposalType"]
        changes = {
            "log_id": log.pk,
            "created_block": log.block_number,
            "proposer": a["proposer"],
            **_text_fields(a["description"]),
            "snapshot": bounded(a["voteStart"]),
            "deadline": bounded(a["voteEnd"]),
            "eta_chain_s": None,
            "queued": False,
            "executed": False,
            "canceled": False,
            "operation_id": ids[0],
            "operation_id_v4": ids[1],
            "extra": extra,
        }
        number = a["proposalId"]
        known = self._proposals.get(number)
        if known is None:
            known = self._proposals[number] = _Known(None, defaultdict(set))
        # Of a governor that creates it twice, nothing stands that was said of the first, as where each came alone.
        known.changes, known.calls, known.rewritten, known.unsaid = changes, calls, None, set()
        self._transition(known, "created", log)
        self._recount.add(number)
        self._publish("proposal.created", str(number), log)

    @staticmethod
    def _transition(known: _Known, kind: str, log: LogRow) -> None:
        if log.pk not in known.told[kind]:
            known.told[kind].add(log.pk)
            known.transitions.append((kind, log.pk))

    def _change(self, log: LogRow, event: Event, kind: str, **fields: Any) -> None:
        number = event.args["proposalId"]
        known = self._proposals.get(number)
        if known is None:
            _gap(self.dao, number, log.block_number)
            return
        known.changes.update(fields)
        # A governor that says the same twice (two ProposalCanceled were seen) has it told once.
        if not known.told[kind]:
            self._publish(f"proposal.{kind}", str(number), log)
        self._transition(known, kind, log)

    def _on_ProposalQueued(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._change(log, event, "queued", queued=True, eta_chain_s=bounded(event.args["eta"]))

    def _on_ProposalExecuted(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._change(log, event, "executed", executed=True)

    def _on_ProposalCanceled(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._change(log, event, "canceled", canceled=True)

    def _on_ProposalVetoed(self, _contract: Contract, log: LogRow, event: Event) -> None:
        # Nouns. `canceled` too: what may no longer change is found by it.
        self._change(log, event, "vetoed", canceled=True)
        self._add_extra(event, vetoed=True)

    def _on_ProposalExtended(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._change(log, event, "extended", deadline=bounded(event.args["extendedDeadline"]))

    def _on_ProposalDeadlineUpdated(self, _contract: Contract, log: LogRow, event: Event) -> None:
        # Optimism's and Agora's manager moves the end of a vote, back too; what a module said at the old one is over.
        self._change(log, event, "rescheduled", deadline=bounded(event.args["deadline"]))
        self._ask_again(log, event, "module_state")

    def _on_ProposalTypeUpdated(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._change(log, event, "retyped")
        self._add_extra(event, proposal_type=event.args["proposalType"])
        self._ask_again(log, event, "quorum", "approval_threshold_bps", "module_state")

    def _on_ProposalObjectionPeriodSet(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._change(log, event, "objectionable")
        self._add_extra(event, objection_until=bounded(event.args["objectionPeriodEndBlock"]))

    def _on_ProposalCreatedWithRequirements(self, contract: Contract, log: LogRow, event: Event) -> None:
        """Nouns says what it demands of a proposal beside having created it, each version in an event of its own."""
        a = event.args
        if self._proposals.get(a["proposalId"]) is None:
            if "targets" not in a:
                _gap(self.dao, a["proposalId"], log.block_number)
                return
            self._on_ProposalCreated(contract, log, event)
        requirements: dict[str, Any] = {"proposal_threshold": str(a["proposalThreshold"])}
        if "signers" in a:
            requirements["signers"] = ["0x" + signer.hex() for signer in a["signers"]]
        if a.get("updatePeriodEndBlock"):
            requirements["updatable_until"] = bounded(a["updatePeriodEndBlock"])
        self._add_extra(event, **requirements)

    def _on_ProposalUpdated(self, _contract: Contract, log: LogRow, event: Event) -> None:
        """Nouns' proposers may write their proposal anew before the vote: its text, its calls or both."""
        self._change(log, event, "updated")
        known = self._proposals.get(event.args["proposalId"])
        if known is None:
            return
        if "description" in event.args:
            known.changes.update(_text_fields(event.args["description"]))
        if "targets" in event.args:
            known.rewritten = _calls_in(event)

    _on_ProposalTransactionsUpdated = _on_ProposalUpdated
    _on_ProposalDescriptionUpdated = _on_ProposalUpdated

    def _add_extra(self, event: Event, **more: Any) -> None:
        """Add to what variants carry of a proposal."""
        known = self._proposals.get(event.args["proposalId"])
        if known is None:
            return
        if "extra" not in known.changes:
            known.changes["extra"] = Proposal.objects.values_list("extra", flat=True).get(pk=known.pk)
        known.changes["extra"] = {**known.changes["extra"], **more}

    def _ask_again(self, log: LogRow, event: Event, *rules: str) -> None:
        """Forget what the chain said of a proposal's rules before this log changed them: the sync asks again. What it
        said since stands, so that folding the log once more asks nothing."""
        number = event.args["proposalId"]
        known = self._proposals.get(number)
        if known is None:
            return
        said_since = told_rules(self.dao, [number], since_block=log.block_number)[number]
        known.unsaid |= set(rules) - set(said_since)
        if known.calls is None and known.unsaid:
            self._add_extra(event)
            known.changes["extra"] = {k: v for k, v in known.changes["extra"].items() if k not in known.unsaid}
            if "quorum" in known.unsaid:
                known.changes["quorum_votes"] = None

    def _on_TimelockChange(self, _contract: Contract, log: LogRow, event: Event) -> None:
        new = event.args["newTimelock"]
        if not any(c.kind == Kind.TIMELOCK for c in self.contracts.get(new, ())):
            self._incident(
                incidents.Kind.TIMELOCK_CHANGED,
                f"The governor uses another timelock now, 0x{new.hex()}, which is not read: run `manage.py add_dao` "
                "again with this DAO's slug.",
                {"timelock": "0x" + new.hex()},
                log.block_number,
            )

    # --- governor: votes

    def _on_VoteCast(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        # GovernorAlpha's support is a bool, and it takes no reasons.
        self._batch.add_vote(
            contract,
            *log,
            a["proposalId"],
            a["voter"],
            int(a["support"]),
            a["weight"],
            a.get("reason", b""),
            a.get("params", b""),
        )

    _on_VoteCastWithParams = _on_VoteCast
    _on_OverrideVoteCast = _on_VoteCast

    def _on_VoteReduced(self, _contract: Contract, _log: LogRow, event: Event) -> None:
        self._recount.add(event.args["proposalId"])  # `tallies` reads what was taken from the raw logs

    def _write_votes(self) -> None:
        votes = self._batch.votes
        numbers = votes.keys() | self._recount
        if not numbers:
            return
        if self._recount:
            link_votes(self.dao, self._recount)
        found = Proposal.objects.filter(dao=self.dao, proposal_id__in=numbers).values_list("proposal_id", "pk")
        pks = dict(found)
        pieces = []
        for number, of_one in votes.items():
            # Each line begins with what is the same for all votes of its proposal.
            begin = f"{self.dao.pk}\t{pks.get(number, bulk.NULL)}\t{number}\t"
            pieces.append(begin + f"\n{begin}".join(of_one.lines))
        bulk.copy_lines("governance_vote", _VOTE_COLUMNS, pieces)
        # A proposal that was created in this batch may have votes from before, so its votes are summed; to others only
        # these votes are added.
        _add_to_tallies(self.dao, {number: votes[number].tally for number in votes.keys() - self._recount})
        if self._recount:
            count_votes(self.dao, self._recount)
        if self._recount or votes.keys() - pks.keys():
            note_gaps(self.dao)
        self._recount = set()

    # --- assets

    def _on_DelegateChanged(self, contract: Contract, log: LogRow, event: Event) -> None:
        """To several delegates at once (ERC20VotesPartialDelegation). What is delegated to one is read in `batch`."""
        a = event.args
        if "newDelegates" not in a:
            self._batch.add_delegation(
                contract, log.pk, 0, log.log, a["delegator"], a["fromDelegate"], a["toDelegate"]
            )  # fmt: skip
            return
        shares = [(to, bounded(share, WHOLE_BPS)) for to, share in a["newDelegates"]]
        # The first of the largest share stands where one delegate is asked for.
        old, new = (
            max(parts, key=lambda part: part[1], default=(bytes(20), 0))[0] for parts in (a["oldDelegates"], shares)
        )
        self._batch.add_delegation(contract, log.pk, 0, log.log, a["delegator"], old, new)
        self._partial += [
            PartialDelegation(
                dao=self.dao, log_id=log.pk, position=position, delegator=a["delegator"], delegate=to, share_bps=share
            )
            for position, (to, share) in enumerate(shares)
        ]

    def _on_Transfer(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        outgoing = a["from"] in self.treasuries
        if outgoing or a["to"] in self.treasuries:
            self._flows.append(
                TreasuryFlow(
                    dao=self.dao, log_id=log.pk, asset=contract.address, amount=a["value"], outgoing=outgoing,
                    counterparty=a["to"] if outgoing else a["from"],
                )
            )  # fmt: skip

    # --- timelock

    def _on_CallScheduled(self, _contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        if a["index"]:
            return  # one log per call of the batch; the operation is made by the first
        self._write_proposals()  # the operation's may be among them
        proposal = (
            self._seen(Proposal.objects.filter(dao=self.dao, operation_id=a["id"])).first()
            or self._seen(Proposal.objects.filter(dao=self.dao, operation_id_v4=a["id"])).first()
        )
        operation, _ = TimelockOperation.objects.update_or_create(
            dao=self.dao,
            operation_id=a["id"],
            defaults={
                "proposal": proposal,
                "log_id": log.pk,
                "ready_chain_s": bounded(log.block_timestamp_chain_s + a["delay"]),
                "executed": False,
                "canceled": False,
            },
        )
        self.touched[TimelockOperation].add(operation.pk)

    def _operation(self, event: Event, **fields: Any) -> None:
        self._seen(TimelockOperation.objects.filter(dao=self.dao, operation_id=event.args["id"])).update(**fields)

    def _on_CallExecuted(self, _contract: Contract, _log: LogRow, event: Event) -> None:
        self._operation(event, executed=True)

    def _on_Cancelled(self, _contract: Contract, _log: LogRow, event: Event) -> None:
        self._operation(event, canceled=True)

    # --- policy module

    def _on_PolicySet(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        answer = ChainAnswer.objects.filter(
            dao=self.dao, kind=ChainAnswer.Kind.CODE, key="0x" + a["pointer"].hex()
        ).first()
        code = bytes(answer.value) if answer else b""
        facts = {"policy_id": "0x" + a["policyId"].hex(), "version": a["version"]}
        if not code.startswith(b"\x00") or keccak(code) != a["codehash"]:
            self._incident(
                incidents.Kind.POLICY_CODE,
                f"The code of policy 0x{a['policyId'].hex()} version {a['version']} at 0x{a['pointer'].hex()} "
                + ("could not be read" if not answer else "does not have the hash that its log names"),
                facts,
                log.block_number,
            )
            code = b""
        else:
            # The code may have come with another log that points to it, and this one is folded again since.
            incidents.resolve(self.dao, incidents.Kind.POLICY_CODE, facts=facts)
        policy, _ = PolicyVersion.objects.update_or_create(
            module=contract,
            policy_id=a["policyId"],
            version=a["version"],
            defaults={
                "dao": self.dao,
                "agent": a["agent"],
                "codehash": a["codehash"],
                "code": code[1:],
                "log_id": log.pk,
            },
        )
        self.touched[PolicyVersion].add(policy.pk)
        self._void(log, module=contract, policy_id=a["policyId"])
        self._publish("policy.set", f"0x{a['policyId'].hex()}:{a['version']}", log)

    def _on_PolicyShortened(self, contract: Contract, log: LogRow, event: Event) -> None:
        if event.args["end"] <= log.block_timestamp_chain_s:
            self._void(log, module=contract, policy_id=event.args["policyId"])
        self._publish("policy.shortened", f"0x{event.args['policyId'].hex()}:{event.args['end']}", log)

    def _void(self, log: LogRow, **which: Any) -> None:
        waiting = self._seen(Act.objects.filter(status=Act.Status.SCHEDULED, **which))
        for act in waiting:
            self._publish("act.voided", act_key(act.policy_id, act.number), log)
        waiting.update(status=Act.Status.VOIDED, final_log_id=log.pk)

    def _act(self, contract: Contract, log: LogRow, event: Event, status: str, **fields: Any) -> Act:
        a = event.args
        act, _ = Act.objects.update_or_create(
            module=contract,
            policy_id=a["policyId"],
            number=a["number"],
            defaults={
                "dao": self.dao,
                "version": a["version"] if "version" in a else self._version_in_force(contract, a["policyId"]),
                "agent": a["agent"],
                "decision": a["decision"],
                "status": status,
                "log_id": log.pk,
                "final_log_id": None,
                "act_id": None,
                "releasable_chain_s": None,
                "expires_chain_s": None,
                "snapshot": None,
                "objection_power": 0,
                "objection_threshold": None,
                **fields,
            },
        )
        self.touched[Act].add(act.pk)
        act.calls.all().delete()
        act.objections.all().delete()
        return act

    def _on_ActExecuted(self, contract: Contract, log: LogRow, event: Event) -> None:
        act = self._act(contract, log, event, Act.Status.EXECUTED, final_log_id=log.pk)
        _add_calls(act, self._calls_of(contract, log, event))
        self._publish("act.executed", act_key(act.policy_id, act.number), log)

    def _calls_of(self, contract: Contract, log: LogRow, event: Event) -> tuple[tuple[bytes, int, bytes], ...]:
        """The calls, from the transaction's input where it went directly to the module and names this very act."""
        answer = ChainAnswer.objects.filter(
            dao=self.dao, kind=ChainAnswer.Kind.TRANSACTION, key="0x" + log.log.transaction_hash.hex()
        ).first()
        if answer is None or bytes(answer.value[:20]) != contract.address:
            return ()
        asked = act_input(bytes(answer.value[20:]))
        a = event.args
        if asked is None or (asked.policy_id, asked.number, asked.decision) != (
            a["policyId"], a["number"], a["decision"],
        ):  # fmt: skip
            return ()
        return asked.calls

    def _on_ActScheduled(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        act = self._act(
            contract, log, event, Act.Status.SCHEDULED, act_id=a["actId"], releasable_chain_s=a["releasableAt"],
            expires_chain_s=a["expiresAt"], snapshot=a["snapshot"],
            objection_threshold=self._threshold(contract, a["policyId"], a["snapshot"]),
        )  # fmt: skip
        _add_calls(act, a["calls"])
        self._publish("act.scheduled", act_key(act.policy_id, act.number), log)

    def _version_in_force(self, contract: Contract, policy_id: bytes) -> int:
        """The version that the last `PolicySet` named; 0 if none was seen (a gap)."""
        policy = self._policy_in_force(contract, policy_id)
        return policy.version if policy else 0

    def _policy_in_force(self, contract: Contract, policy_id: bytes) -> PolicyVersion | None:
        versions = self._seen(PolicyVersion.objects.filter(module=contract, policy_id=policy_id))
        return versions.order_by("-version").first()

    def _threshold(self, contract: Contract, policy_id: bytes, snapshot: int) -> int | None:
        """The power that kills an act, as the module counts it; None if the supply or the policy is not known."""
        policy = self._policy_in_force(contract, policy_id)
        supply = ChainAnswer.objects.filter(dao=self.dao, kind=ChainAnswer.Kind.SUPPLY, key=str(snapshot)).first()
        if policy is None or supply is None:
            return None
        try:
            share_bps = decode(bytes(policy.code)).objection_threshold_bps
        except DecodeError:
            return None
        return max(1, int.from_bytes(supply.value, "big") * share_bps // 10_000)

    def _on_PetitionOpened(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        self._publish("petition.opened", f"0x{contract.address.hex()}:0x{a['policyId'].hex()}:{a['serial']}", log)

    def _on_PetitionSigned(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        opened = f"0x{contract.address.hex()}:0x{a['policyId'].hex()}:{a['serial']}"
        self._publish("petition.signed", f"{opened}:0x{a['account'].hex()}", log)

    def _scheduled(self, contract: Contract, event: Event) -> Act | None:
        return self._seen(Act.objects.filter(module=contract, act_id=event.args["actId"])).order_by("-pk").first()

    def _finish(self, contract: Contract, log: LogRow, event: Event, status: str) -> None:
        act = self._scheduled(contract, event)
        if act is not None:
            Act.objects.filter(pk=act.pk).update(status=status, final_log_id=log.pk)
            self._publish(f"act.{status}", act_key(act.policy_id, act.number), log)

    def _on_ActReleased(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._finish(contract, log, event, Act.Status.RELEASED)

    def _on_ActKilled(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._finish(contract, log, event, Act.Status.KILLED)

    def _on_ActVetoed(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._finish(contract, log, event, Act.Status.VETOED)

    def _on_ActObjected(self, contract: Contract, log: LogRow, event: Event) -> None:
        act = self._scheduled(contract, event)
        if act is None:
            return
        a = event.args
        Objection.objects.update_or_create(
            log_id=log.pk, defaults={"act": act, "account": a["account"], "power": a["power"]}
        )
        total = act.objections.aggregate(total=Sum("power"))["total"]
        Act.objects.filter(pk=act.pk).update(
            objection_power=min(int(total), UINT256_MAX), objection_threshold=a["threshold"]
        )
        self._publish("act.objected", f"{act_key(act.policy_id, act.number)}:0x{a['account'].hex()}", log)

    def _module(self, contract: Contract, log: LogRow, **fields: Any) -> None:
        state, _ = ModuleState.objects.update_or_create(module=contract, defaults={"log_id": log.pk, **fields})
        self.touched[ModuleState].add(state.pk)

    def _on_Paused(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._module(contract, log, paused=True, pause_epoch=min(event.args["epoch"], _INT_MAX))
        self._void(log, module=contract)
        self._publish("module.paused", f"0x{contract.address.hex()}:{event.args['epoch']}", log)

    def _on_Unpaused(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._module(contract, log, paused=False, pause_epoch=min(event.args["epoch"], _INT_MAX))
        self._publish("module.unpaused", f"0x{contract.address.hex()}:{event.args['epoch']}", log)

    def _on_GuardianSet(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._module(contract, log, guardian=event.args["guardian"])


def _text_fields(raw: bytes) -> dict[str, Any]:
    """The columns that a proposal's text fills."""
    description = text_of(raw)
    return {"description": description, "description_raw": raw_of(raw), "title": title_of(description)}


def _actions(proposal: int | None, calls: Iterable[Call] | None) -> Iterable[ProposalAction]:
    return (
        ProposalAction(
            proposal_id=proposal, position=position, target=call.target, value_wei=call.value_wei,
            signature=text_of(call.signature), signature_raw=raw_of(call.signature), calldata=call.data,
        )
        for position, call in enumerate(calls or ())
    )  # fmt: skip


def _calls_in(event: Event) -> list[Call]:
    """The calls that an event gives in columns."""
    targets = list(event.args["targets"])
    # A governor that emits columns of unequal length is taken by its targets: the rest reads as empty.
    values = _to_length(list(event.args["values"]), len(targets), 0)
    signatures = _to_length(list(event.args["signatures"]), len(targets), b"")
    calldatas = _to_length(list(event.args["calldatas"]), len(targets), b"")
    return [Call(*columns) for columns in zip(targets, values, signatures, calldatas, strict=True)]


def _to_length(column: list[Any], length: int, empty: Any) -> list[Any]:
    return (column + [empty] * length)[:length]


def _add_calls(act: Act, calls: Iterable[tuple[bytes, int, bytes]]) -> None:
    ActCall.objects.bulk_create(
        ActCall(act=act, position=position, target=to, value_wei=value, calldata=data)
        for position, (to, value, data) in enumerate(calls)
    )


def add_calls_of(act: Act) -> None:
    """Give an executed act its calls, from a transaction that was read after the act's log was."""
    event = events.decode(Kind.MODULE, act.log)
    assert event is not None
    _add_calls(act, Projector(act.dao)._calls_of(act.module, row_of(act.log), event))


# --- tallies and gaps


def link_votes(dao: Dao, proposal_ids: Iterable[int]) -> None:
    """Give votes that came before their proposal was seen (or whose proposal came back in another block) their link."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE governance_vote v SET proposal_id = p.id FROM governance_proposal p
               WHERE v.dao_id = %s AND v.proposal_id IS NULL AND v.onchain_proposal_id = ANY(%s::numeric[])
                 AND p.dao_id = v.dao_id AND p.proposal_id = v.onchain_proposal_id""",
            [dao.pk, [str(i) for i in proposal_ids]],
        )


def count_votes(dao: Dao, proposal_ids: Iterable[int]) -> None:
    """Set proposals' tallies to the sums of their votes, exactly, in PostgreSQL.

    No honest governor's sum leaves uint256; a hostile one's stands at the type's end, where the chain's answer differs.
    """
    _write_tallies(dao, tallies(dao, proposal_ids), "d.{0}")


def _add_to_tallies(dao: Dao, sums: dict[int, Tally]) -> None:
    """Add new votes' sums to proposals' tallies."""
    _write_tallies(dao, sums, "p.{0} + d.{0}")


def _write_tallies(dao: Dao, sums: dict[int, Tally], value: str) -> None:
    if not sums:
        return
    names = ("against_votes", "for_votes", "abstain_votes")
    changes = ", ".join(f"{name} = least({value.format(name)}, {UINT256_MAX})" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE governance_proposal p SET {changes}
                FROM unnest(%s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) AS d (id, {", ".join(names)})
                WHERE p.dao_id = %s AND p.proposal_id = d.id""",  # noqa: S608 -- ours
            [
                [str(number) for number in sums],
                *([str(getattr(tally, name)) for tally in sums.values()] for name in names),
                dao.pk,
            ],
        )


def tallies(dao: Dao, proposal_ids: Iterable[int] | None = None) -> dict[int, Tally]:
    """The votes' sums per proposal: of these, as far as they are in the mirror and their votes are linked; where None,
    of all that have votes, also of those that were never seen."""
    found = {i: Tally() for i in proposal_ids or ()}
    where, arguments = "dao_id = %s", [dao.pk]
    fractional = Vote.objects.filter(dao=dao, support=FRACTIONAL)
    if proposal_ids is not None:
        # By the proposal's row, for which votes have an index.
        pks = list(Proposal.objects.filter(dao=dao, proposal_id__in=list(found)).values_list("pk", flat=True))
        where, arguments = "proposal_id = ANY(%s)", [pks]
        fractional = fractional.filter(proposal__in=pks)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT onchain_proposal_id, coalesce(sum(weight) FILTER (WHERE support = 0), 0),
                       coalesce(sum(weight) FILTER (WHERE support = 1), 0),
                       coalesce(sum(weight) FILTER (WHERE support = 2), 0), count(*)
                FROM governance_vote WHERE {where} GROUP BY onchain_proposal_id""",  # noqa: S608 -- `where` is ours
            arguments,
        )
        for proposal_id, against, in_favour, abstain, votes in cursor.fetchall():
            found[int(proposal_id)] = Tally(int(against), int(in_favour), int(abstain), votes)
    for vote in fractional.only("onchain_proposal_id", "params"):
        params = bytes(vote.params)
        if len(params) == 48:
            found[vote.onchain_proposal_id].add_parts(params)
    _take_overridden(dao, found)
    return found


def _take_overridden(dao: Dao, found: dict[int, Tally]) -> None:
    """Take from delegates' votes what their delegators voted themselves afterwards (GovernorCountingOverridable).

    From the raw logs, for no row holds it: such a log always comes with a vote's, with which it falls in a reorg."""
    layout = next(known for known in events.layouts(Kind.GOVERNOR).values() if known.name == "VoteReduced")
    for governor in dao.contracts.filter(kind=Kind.GOVERNOR):
        if "override" not in (governor.capabilities.get("counting_mode") or ""):
            continue
        logs = RawLog.objects.filter(dao=dao, address=governor.address, topic0=layout.topic0)
        for log in logs.exclude(topic0__in=MANY_TOPICS):
            try:
                event = events.decode(Kind.GOVERNOR, log)
            except Undecodable:
                continue  # told as an incident when the log was read
            if event is None or event.args["proposalId"] not in found:
                continue
            tally, weight = found[event.args["proposalId"]], event.args["weight"]
            # Not below nothing: while all is projected again, a log may be stored whose votes are still to come.
            match event.args["support"]:
                case 0:
                    tally.against_votes = max(0, tally.against_votes - weight)
                case 1:
                    tally.for_votes = max(0, tally.for_votes - weight)
                case 2:
                    tally.abstain_votes = max(0, tally.abstain_votes - weight)


def _gap(dao: Dao, proposal_id: int, block: int) -> None:
    values = _gap_of(proposal_id, block)
    incidents.note_once(dao, incidents.Kind.GAP, about=values.pop("facts"), **values)


def _gap_of(proposal_id: int, block: int) -> dict[str, Any]:
    """Return the columns of the incident."""
    return {
        "facts": {"proposal_id": str(proposal_id)},
        "detail": f"Logs name proposal {proposal_id}, whose creation was never seen: read from an earlier block.",
        "first_block": block,
    }


def note_gaps(dao: Dao) -> None:
    """Raise an incident for each proposal that has votes and was never seen; resolve those that were seen since."""
    unseen = (
        Vote.objects.filter(dao=dao, proposal__isnull=True)
        .values_list("onchain_proposal_id")
        .annotate(first=Min("log__block_number"))
    )
    open_ones = SyncIncident.objects.filter(dao=dao, kind=incidents.Kind.GAP, resolved_at=None)
    noted = {int(facts["proposal_id"]): pk for pk, facts in open_ones.values_list("pk", "facts")}
    incidents.note_many(
        dao, incidents.Kind.GAP, [_gap_of(number, first) for number, first in unseen if number not in noted]
    )
    seen = Proposal.objects.filter(dao=dao, proposal_id__in=list(noted)).values_list("proposal_id", flat=True)
    incidents.resolve(dao, incidents.Kind.GAP, pk__in=[noted[i] for i in seen])


# --- again from raw logs


def refold(dao: Dao) -> list[tuple[str, str, int]]:
    """Fold all logs of governor, timelock and modules again (not the votes), after some were dropped. Returns what is
    news in them (topic, key, block number), all that was ever to be told."""
    _reset_changing_rows(dao)
    projector = Projector(dao, anew=True)
    addresses = [c.address for c in dao.contracts.filter(kind__in=LIFECYCLE)]
    logs = RawLog.objects.filter(address__in=addresses, topic0__in=_folded_again()).exclude(topic0__in=MANY_TOPICS)
    projector.apply(_in_order(dao, logs))
    _drop_what_no_log_makes(dao, projector)
    return projector.news


def rebuild(dao: Dao) -> Unread:
    """Drop all projections of a DAO and make them anew from raw logs and stored answers; needs no node.

    Proposals and acts keep their row ids (the layers above refer to them). To be called in one transaction that holds
    the DAO's cursor; tells nothing to the outbox: nothing happened.
    """
    for model in (Vote, Delegation, PartialDelegation, PowerCheckpoint, TreasuryFlow):
        model.objects.filter(dao=dao).delete()
    _reset_changing_rows(dao)
    projector = Projector(dao, anew=True)
    logs = iter(_in_order(dao, RawLog.objects.all()))
    while part := list(islice(logs, 5000)):
        projector.apply(part)
    _drop_what_no_log_makes(dao, projector)
    return projector.unread


def _folded_again() -> list[bytes]:
    """Topics of the events of which a DAO has few. The rows of the others fall with their log: nothing needs doing."""
    known = (layout for kind in LIFECYCLE for layout in events.layouts(kind).values())
    return sorted({layout.topic0 for layout in known if layout.name not in _PER_LOG})


def _in_order(dao: Dao, logs: QuerySet[RawLog]) -> Iterable[RawLog]:
    return logs.filter(dao=dao).order_by("block_number", "log_index").iterator(chunk_size=5000)


def _reset_changing_rows(dao: Dao) -> None:
    ProposalTransition.objects.filter(proposal__dao=dao).delete()
    Objection.objects.filter(act__dao=dao).delete()
    TimelockOperation.objects.filter(dao=dao).update(executed=False, canceled=False)
    ModuleState.objects.filter(module__dao=dao).update(paused=False, pause_epoch=0, guardian=None, log=None)


def _drop_what_no_log_makes(dao: Dao, projector: Projector) -> None:
    for model in (Proposal, TimelockOperation, PolicyVersion, Act):
        model.objects.filter(dao=dao).exclude(pk__in=projector.touched[model]).delete()
