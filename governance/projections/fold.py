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
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum
from django.utils import timezone
from eth_hash.auto import keccak

from governance.chain import abi
from governance.fields import UINT256_MAX
from governance.models import (
    Act,
    ActCall,
    ChainAnswer,
    Contract,
    Dao,
    Delegation,
    ModuleState,
    Objection,
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
from governance.projections.events import Event, Kind, Undecodable, bounded, text_of

logger = logging.getLogger(__name__)

EXECUTE = "execute(bytes32,bytes32,uint24,(address,uint256,bytes)[],bytes32)"
SCHEDULE = "schedule(bytes32,bytes32,uint24,(address,uint256,bytes)[],bytes32)"
_ACT_TYPES = ["bytes32", "bytes32", "uint24", "(address,uint256,bytes)[]", "bytes32"]

_INT_MAX = 2**31 - 1

# Events of which a DAO has few, and which are folded again after a reorg.
LIFECYCLE = (Kind.GOVERNOR, Kind.TIMELOCK, Kind.MODULE)
_PER_LOG = ("VoteCast", "VoteCastWithParams", "DelegateChanged", "DelegateVotesChanged", "Transfer")


@dataclass(frozen=True)
class ActInput:
    """The arguments of `execute` or `schedule`, as sent to the module."""

    policy_id: bytes
    codehash: bytes
    number: int
    calls: tuple[tuple[bytes, int, bytes], ...]  # target, value in wei, calldata
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


def vote_key(proposal_id: int, log: RawLog) -> str:
    """A vote's name in the outbox: the proposal, the transaction and the log's place."""
    return f"{proposal_id}:0x{log.transaction_hash.hex()}:{log.log_index}"


@dataclass
class Unread:
    """What could not be understood: known events that don't decode, and events that nothing here knows."""

    undecodable: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unknown: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Projector:
    """Applies logs of one DAO, in chain order, inside the caller's transaction. One instance per transaction.

    `news` collects (topic, key, block number) for the outbox; `touched` the rows that handlers wrote.
    """

    def __init__(self, dao: Dao):
        self.dao = dao
        self.contracts: dict[bytes, list[Contract]] = defaultdict(list)
        for contract in dao.contracts.all():
            self.contracts[contract.address].append(contract)
        self.treasuries = {c.address for cs in self.contracts.values() for c in cs if c.kind == Kind.TREASURY}
        self.news: list[tuple[str, str, int]] = []
        self.unread = Unread()
        self.touched: dict[type, set[int]] = defaultdict(set)
        self._votes: list[Vote] = []
        self._delegations: list[Delegation] = []
        self._checkpoints: list[PowerCheckpoint] = []
        self._flows: list[TreasuryFlow] = []
        self._tallies: set[int] = set()

    # --- entrance

    def apply(self, logs: Iterable[RawLog]) -> None:
        """Project logs (in chain order), then write what was collected."""
        for log in logs:
            for contract in self.contracts.get(log.address, ()):
                self._apply_one(contract, log)
        self._flush()

    def _apply_one(self, contract: Contract, log: RawLog) -> None:
        try:
            event = events.decode(Kind(contract.kind), log)
            if event is None:
                if contract.kind in LIFECYCLE:
                    self.unread.unknown[f"{contract}: 0x{(log.topic0 or b'').hex()}"] += 1
            else:
                handler = getattr(self, f"_on_{event.name}", None)
                if handler is not None:
                    handler(contract, log, event)
        except Undecodable as error:
            self.unread.undecodable[f"{contract}: {error}"] += 1
            self._incident(
                "undecodable",
                f"A log of {contract} can't be read and is kept raw: {error}",
                {"contract": contract.pk, "log": f"{log.block_number}:{log.log_index}"},
                log.block_number,
            )

    def _publish(self, topic: str, key: str, log: RawLog) -> None:
        self.news.append((topic, key, log.block_number))

    def _incident(self, kind: str, detail: str, facts: dict[str, Any], block: int) -> None:
        SyncIncident.objects.get_or_create(
            dao=self.dao, kind=kind, facts=facts, resolved_at=None, defaults={"detail": detail, "first_block": block}
        )

    def _flush(self) -> None:
        Vote.objects.bulk_create(self._votes, batch_size=2000)
        Delegation.objects.bulk_create(self._delegations, batch_size=2000)
        PowerCheckpoint.objects.bulk_create(self._checkpoints, batch_size=2000)
        TreasuryFlow.objects.bulk_create(self._flows, batch_size=2000)
        self._votes, self._delegations, self._checkpoints, self._flows = [], [], [], []
        if self._tallies:
            link_votes(self.dao, self._tallies)
            count_votes(self.dao, self._tallies)
            note_gaps(self.dao)
            self._tallies = set()

    # --- governor

    def _on_ProposalCreated(self, contract: Contract, log: RawLog, event: Event) -> None:
        a = event.args
        description = text_of(a["description"])
        extra: dict[str, Any] = {}
        calls: list[tuple[bytes, int, str, bytes]] = []
        ids: tuple[bytes | None, bytes | None] = (None, None)
        if "votingModule" in a:
            extra["voting_module"] = "0x" + a["votingModule"].hex()
            extra["proposal_data"] = "0x" + a["proposalData"].hex()
        else:
            targets = list(a["targets"])
            # A governor that emits columns of unequal length is taken by its targets: the rest reads as empty.
            values = _to_length(list(a["values"]), len(targets), 0)
            signatures = _to_length(list(a["signatures"]), len(targets), b"")
            calldatas = _to_length(list(a["calldatas"]), len(targets), b"")
            calls = [
                (to, value, text_of(signature)[:400], data)
                for to, value, signature, data in zip(targets, values, signatures, calldatas, strict=True)
            ]
            ids = operation_ids(contract.address, targets, values, calldatas, a["description"])
        if "proposalType" in a:
            extra["proposal_type"] = a["proposalType"]
        proposal, _ = Proposal.objects.update_or_create(
            dao=self.dao,
            proposal_id=a["proposalId"],
            defaults={
                "log": log,
                "proposer": a["proposer"],
                "description": description,
                "title": title_of(description),
                "snapshot": bounded(a["voteStart"]),
                "deadline": bounded(a["voteEnd"]),
                "eta_chain_s": None,
                "queued": False,
                "executed": False,
                "canceled": False,
                "operation_id": ids[0],
                "operation_id_v4": ids[1],
                "extra": extra,
                "quorum_votes": self._quorum(a["proposalId"]),
            },
        )
        self.touched[Proposal].add(proposal.pk)
        proposal.actions.all().delete()
        ProposalAction.objects.bulk_create(
            ProposalAction(
                proposal=proposal, position=position, target=to, value_wei=value, signature=signature, calldata=data
            )
            for position, (to, value, signature, data) in enumerate(calls)
        )
        for row in TimelockOperation.objects.filter(dao=self.dao, operation_id__in=[i for i in ids if i]):
            TimelockOperation.objects.filter(pk=row.pk).update(proposal=proposal)
        self._transition(proposal, "created", log)
        self._tallies.add(a["proposalId"])
        self._publish("proposal.created", str(a["proposalId"]), log)

    def _quorum(self, proposal_id: int) -> int | None:
        answer = ChainAnswer.objects.filter(dao=self.dao, kind=ChainAnswer.Kind.QUORUM, key=str(proposal_id)).first()
        return int.from_bytes(answer.value, "big") if answer else None

    def _proposal(self, proposal_id: int, log: RawLog) -> Proposal | None:
        proposal = Proposal.objects.filter(dao=self.dao, proposal_id=proposal_id).first()
        if proposal is None:
            _gap(self.dao, proposal_id, log.block_number)
        return proposal

    def _transition(self, proposal: Proposal, kind: str, log: RawLog) -> None:
        ProposalTransition.objects.get_or_create(proposal=proposal, kind=kind, log=log)

    def _change(self, log: RawLog, event: Event, kind: str, **fields: Any) -> None:
        proposal = self._proposal(event.args["proposalId"], log)
        if proposal is not None:
            Proposal.objects.filter(pk=proposal.pk).update(**fields)
            # A governor that says the same twice (two ProposalCanceled were seen) has it told once.
            if not proposal.transitions.filter(kind=kind).exists():
                self._publish(f"proposal.{kind}", str(proposal.proposal_id), log)
            self._transition(proposal, kind, log)

    def _on_ProposalQueued(self, _contract: Contract, log: RawLog, event: Event) -> None:
        self._change(log, event, "queued", queued=True, eta_chain_s=bounded(event.args["eta"]))

    def _on_ProposalExecuted(self, _contract: Contract, log: RawLog, event: Event) -> None:
        self._change(log, event, "executed", executed=True)

    def _on_ProposalCanceled(self, _contract: Contract, log: RawLog, event: Event) -> None:
        self._change(log, event, "canceled", canceled=True)

    def _on_ProposalExtended(self, _contract: Contract, log: RawLog, event: Event) -> None:
        self._change(log, event, "extended", deadline=bounded(event.args["extendedDeadline"]))

    def _on_TimelockChange(self, _contract: Contract, log: RawLog, event: Event) -> None:
        new = event.args["newTimelock"]
        if not any(c.kind == Kind.TIMELOCK for c in self.contracts.get(new, ())):
            self._incident(
                "timelock_changed",
                f"The governor uses another timelock now, 0x{new.hex()}, which is not read: run `manage.py add_dao` "
                "again with this DAO's slug.",
                {"timelock": "0x" + new.hex()},
                log.block_number,
            )

    def _on_VoteCast(self, _contract: Contract, log: RawLog, event: Event) -> None:
        a = event.args
        self._votes.append(
            Vote(
                dao=self.dao, onchain_proposal_id=a["proposalId"], log=log, voter=a["voter"], support=a["support"],
                weight=a["weight"], reason=text_of(a["reason"]), params=a.get("params", b""),
            )
        )  # fmt: skip
        self._tallies.add(a["proposalId"])
        self._publish("vote.cast", vote_key(a["proposalId"], log), log)

    _on_VoteCastWithParams = _on_VoteCast

    # --- votes token, assets

    def _on_DelegateChanged(self, _contract: Contract, log: RawLog, event: Event) -> None:
        a = event.args
        self._delegations.append(
            Delegation(
                dao=self.dao, log=log, delegator=a["delegator"], from_delegate=a["fromDelegate"],
                to_delegate=a["toDelegate"],
            )
        )  # fmt: skip

    def _on_DelegateVotesChanged(self, contract: Contract, log: RawLog, event: Event) -> None:
        a = event.args
        by_time = contract.capabilities.get("clock") == "timestamp"
        self._checkpoints.append(
            PowerCheckpoint(
                dao=self.dao, log=log, account=a["delegate"], previous_power=a["previousVotes"], power=a["newVotes"],
                timepoint=log.block_timestamp_chain_s if by_time else log.block_number,
            )
        )  # fmt: skip

    def _on_Transfer(self, contract: Contract, log: RawLog, event: Event) -> None:
        a = event.args
        outgoing = a["from"] in self.treasuries
        if outgoing or a["to"] in self.treasuries:
            self._flows.append(
                TreasuryFlow(
                    dao=self.dao, log=log, asset=contract.address, amount=a["value"], outgoing=outgoing,
                    counterparty=a["to"] if outgoing else a["from"],
                )
            )  # fmt: skip

    # --- timelock

    def _on_CallScheduled(self, _contract: Contract, log: RawLog, event: Event) -> None:
        a = event.args
        if a["index"]:
            return  # one log per call of the batch; the operation is made by the first
        proposal = (
            Proposal.objects.filter(dao=self.dao, operation_id=a["id"]).first()
            or Proposal.objects.filter(dao=self.dao, operation_id_v4=a["id"]).first()
        )
        operation, _ = TimelockOperation.objects.update_or_create(
            dao=self.dao,
            operation_id=a["id"],
            defaults={
                "proposal": proposal,
                "log": log,
                "ready_chain_s": bounded(log.block_timestamp_chain_s + a["delay"]),
                "executed": False,
                "canceled": False,
            },
        )
        self.touched[TimelockOperation].add(operation.pk)

    def _operation(self, event: Event, **fields: Any) -> None:
        TimelockOperation.objects.filter(dao=self.dao, operation_id=event.args["id"]).update(**fields)

    def _on_CallExecuted(self, _contract: Contract, _log: RawLog, event: Event) -> None:
        self._operation(event, executed=True)

    def _on_Cancelled(self, _contract: Contract, _log: RawLog, event: Event) -> None:
        self._operation(event, canceled=True)

    # --- policy module

    def _on_PolicySet(self, contract: Contract, log: RawLog, event: Event) -> None:
        a = event.args
        answer = ChainAnswer.objects.filter(
            dao=self.dao, kind=ChainAnswer.Kind.CODE, key="0x" + a["pointer"].hex()
        ).first()
        code = bytes(answer.value) if answer else b""
        if not code.startswith(b"\x00") or keccak(code) != a["codehash"]:
            self._incident(
                "policy_code",
                f"The code of policy 0x{a['policyId'].hex()} version {a['version']} at 0x{a['pointer'].hex()} "
                + ("could not be read" if not answer else "does not have the hash that its log names"),
                {"policy_id": "0x" + a["policyId"].hex(), "version": a["version"]},
                log.block_number,
            )
            code = b""
        policy, _ = PolicyVersion.objects.update_or_create(
            module=contract,
            policy_id=a["policyId"],
            version=a["version"],
            defaults={
                "dao": self.dao,
                "agent": a["agent"],
                "codehash": a["codehash"],
                "code": code[1:],
                "log": log,
            },
        )
        self.touched[PolicyVersion].add(policy.pk)
        self._void(log, module=contract, policy_id=a["policyId"])
        self._publish("policy.set", f"0x{a['policyId'].hex()}:{a['version']}", log)

    def _on_PolicyShortened(self, contract: Contract, log: RawLog, event: Event) -> None:
        if event.args["end"] <= log.block_timestamp_chain_s:
            self._void(log, module=contract, policy_id=event.args["policyId"])
        self._publish("policy.shortened", f"0x{event.args['policyId'].hex()}:{event.args['end']}", log)

    def _void(self, log: RawLog, **which: Any) -> None:
        waiting = Act.objects.filter(status=Act.Status.SCHEDULED, **which)
        for act in waiting:
            self._publish("act.voided", act_key(act.policy_id, act.number), log)
        waiting.update(status=Act.Status.VOIDED, final_log=log)

    def _act(self, contract: Contract, log: RawLog, event: Event, status: str, **fields: Any) -> Act:
        a = event.args
        act, _ = Act.objects.update_or_create(
            module=contract,
            policy_id=a["policyId"],
            number=a["number"],
            defaults={
                "dao": self.dao,
                "version": a["version"],
                "agent": a["agent"],
                "decision": a["decision"],
                "status": status,
                "log": log,
                "final_log": None,
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
        return act

    def _on_ActExecuted(self, contract: Contract, log: RawLog, event: Event) -> None:
        act = self._act(contract, log, event, Act.Status.EXECUTED, final_log=log)
        _add_calls(act, self._calls_of(contract, log, event))
        self._publish("act.executed", act_key(act.policy_id, act.number), log)

    def _calls_of(self, contract: Contract, log: RawLog, event: Event) -> tuple[tuple[bytes, int, bytes], ...]:
        """The calls, from the transaction's input where it went directly to the module and names this very act."""
        answer = ChainAnswer.objects.filter(
            dao=self.dao, kind=ChainAnswer.Kind.TRANSACTION, key="0x" + log.transaction_hash.hex()
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

    def _on_ActScheduled(self, contract: Contract, log: RawLog, event: Event) -> None:
        a = event.args
        act = self._act(
            contract, log, event, Act.Status.SCHEDULED, act_id=a["actId"], releasable_chain_s=a["releasableAt"],
            expires_chain_s=a["expiresAt"], snapshot=a["snapshot"], objection_threshold=a["threshold"],
        )  # fmt: skip
        _add_calls(act, a["calls"])
        self._publish("act.scheduled", act_key(act.policy_id, act.number), log)

    def _scheduled(self, contract: Contract, event: Event) -> Act | None:
        return Act.objects.filter(module=contract, act_id=event.args["actId"]).order_by("-pk").first()

    def _finish(self, contract: Contract, log: RawLog, event: Event, status: str) -> None:
        act = self._scheduled(contract, event)
        if act is not None:
            Act.objects.filter(pk=act.pk).update(status=status, final_log=log)
            self._publish(f"act.{status}", act_key(act.policy_id, act.number), log)

    def _on_ActReleased(self, contract: Contract, log: RawLog, event: Event) -> None:
        self._finish(contract, log, event, Act.Status.RELEASED)

    def _on_ActKilled(self, contract: Contract, log: RawLog, event: Event) -> None:
        self._finish(contract, log, event, Act.Status.KILLED)

    def _on_ActVetoed(self, contract: Contract, log: RawLog, event: Event) -> None:
        self._finish(contract, log, event, Act.Status.VETOED)

    def _on_ActObjected(self, contract: Contract, log: RawLog, event: Event) -> None:
        act = self._scheduled(contract, event)
        if act is None:
            return
        a = event.args
        Objection.objects.update_or_create(log=log, defaults={"act": act, "account": a["account"], "power": a["power"]})
        total = act.objections.aggregate(total=Sum("power"))["total"]
        Act.objects.filter(pk=act.pk).update(objection_power=min(int(total), UINT256_MAX))
        self._publish("act.objected", f"{act_key(act.policy_id, act.number)}:0x{a['account'].hex()}", log)

    def _module(self, contract: Contract, log: RawLog, **fields: Any) -> None:
        state, _ = ModuleState.objects.update_or_create(module=contract, defaults={"log": log, **fields})
        self.touched[ModuleState].add(state.pk)

    def _on_Paused(self, contract: Contract, log: RawLog, event: Event) -> None:
        self._module(contract, log, paused=True, pause_epoch=min(event.args["epoch"], _INT_MAX))
        self._void(log, module=contract)
        self._publish("module.paused", f"0x{contract.address.hex()}:{event.args['epoch']}", log)

    def _on_Unpaused(self, contract: Contract, log: RawLog, event: Event) -> None:
        self._module(contract, log, paused=False, pause_epoch=min(event.args["epoch"], _INT_MAX))
        self._publish("module.unpaused", f"0x{contract.address.hex()}:{event.args['epoch']}", log)

    def _on_GuardianSet(self, contract: Contract, log: RawLog, event: Event) -> None:
        self._module(contract, log, guardian=event.args["guardian"])


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
    _add_calls(act, Projector(act.dao)._calls_of(act.module, act.log, event))


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
    sums = tallies(dao, proposal_ids)
    for proposal in Proposal.objects.filter(dao=dao, proposal_id__in=list(sums)):
        tally = sums[proposal.proposal_id]
        Proposal.objects.filter(pk=proposal.pk).update(
            against_votes=min(tally.against_votes, UINT256_MAX),
            for_votes=min(tally.for_votes, UINT256_MAX),
            abstain_votes=min(tally.abstain_votes, UINT256_MAX),
        )


@dataclass
class Tally:
    """Sums of votes by support, in base units of the votes token; `votes` counts logs."""

    against_votes: int = 0
    for_votes: int = 0
    abstain_votes: int = 0
    votes: int = 0


_FRACTIONAL = 255  # VoteType.Parameters of GovernorCountingFractional: three uint128 in params


def tallies(dao: Dao, proposal_ids: Iterable[int] | None = None) -> dict[int, Tally]:
    """The votes' sums per proposal, also of proposals that were never seen; all proposals with votes where None."""
    ids = None if proposal_ids is None else [str(i) for i in proposal_ids]
    found = {int(i): Tally() for i in ids or ()}
    where = "dao_id = %s" + ("" if ids is None else " AND onchain_proposal_id = ANY(%s::numeric[])")
    arguments: list[Any] = [dao.pk] if ids is None else [dao.pk, ids]
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
    fractional = Vote.objects.filter(dao=dao, support=_FRACTIONAL)
    if proposal_ids is not None:
        fractional = fractional.filter(onchain_proposal_id__in=list(found))
    for vote in fractional.only("onchain_proposal_id", "params"):
        params = bytes(vote.params)
        if len(params) == 48:
            tally = found[vote.onchain_proposal_id]
            tally.against_votes += int.from_bytes(params[:16], "big")
            tally.for_votes += int.from_bytes(params[16:32], "big")
            tally.abstain_votes += int.from_bytes(params[32:], "big")
    return found


def _gap(dao: Dao, proposal_id: int, block: int) -> None:
    SyncIncident.objects.get_or_create(
        dao=dao,
        kind="gap",
        facts={"proposal_id": str(proposal_id)},
        resolved_at=None,
        defaults={
            "detail": f"Logs name proposal {proposal_id}, whose creation was never seen: read from an earlier block.",
            "first_block": block,
        },
    )


def note_gaps(dao: Dao) -> None:
    """Raise an incident for each proposal that has votes and was never seen; resolve those that were seen since."""
    unseen = set(
        Vote.objects.filter(dao=dao, proposal__isnull=True).values_list("onchain_proposal_id", flat=True).distinct()
    )
    for proposal_id in unseen:
        first = Vote.objects.filter(dao=dao, onchain_proposal_id=proposal_id).select_related("log").earliest("log_id")
        _gap(dao, proposal_id, first.log.block_number)
    for incident in SyncIncident.objects.filter(dao=dao, kind="gap", resolved_at=None):
        seen = Proposal.objects.filter(dao=dao, proposal_id=int(incident.facts["proposal_id"])).exists()
        if seen:
            incident.resolved_at = timezone.now()
            incident.save(update_fields=["resolved_at"])


# --- again from raw logs


def refold(dao: Dao) -> None:
    """Fold all logs of governor, timelock and modules again (not the votes), after some were dropped."""
    _reset_changing_rows(dao)
    projector = Projector(dao)
    addresses = [c.address for c in dao.contracts.filter(kind__in=LIFECYCLE)]
    projector.apply(_in_order(dao, RawLog.objects.filter(address__in=addresses).exclude(topic0__in=_per_log())))
    _drop_what_no_log_makes(dao, projector)


def rebuild(dao: Dao) -> Unread:
    """Drop all projections of a DAO and make them anew from raw logs and stored answers; needs no node.

    Proposals and acts keep their row ids (the layers above refer to them). To be called in one transaction that holds
    the DAO's cursor; tells nothing to the outbox: nothing happened.
    """
    for model in (Vote, Delegation, PowerCheckpoint, TreasuryFlow):
        model.objects.filter(dao=dao).delete()
    ProposalTransition.objects.filter(proposal__dao=dao).delete()
    Objection.objects.filter(act__dao=dao).delete()
    _reset_changing_rows(dao)
    projector = Projector(dao)
    batch: list[RawLog] = []
    for log in _in_order(dao, RawLog.objects.all()):
        batch.append(log)
        if len(batch) == 5000:
            projector.apply(batch)
            batch = []
    projector.apply(batch)
    _drop_what_no_log_makes(dao, projector)
    return projector.unread


def _per_log() -> list[bytes]:
    """Topics of the events whose rows fall with their log: of these there are many, and nothing needs doing."""
    known = (layout for kind in Kind for layout in events.layouts(kind).values())
    return sorted({layout.topic0 for layout in known if layout.name in _PER_LOG})


def _in_order(dao: Dao, logs: QuerySet[RawLog]) -> Iterable[RawLog]:
    return logs.filter(dao=dao).order_by("block_number", "log_index").iterator(chunk_size=5000)


def _reset_changing_rows(dao: Dao) -> None:
    TimelockOperation.objects.filter(dao=dao).update(executed=False, canceled=False)
    ModuleState.objects.filter(module__dao=dao).update(paused=False, pause_epoch=0, guardian=None, log=None)


def _drop_what_no_log_makes(dao: Dao, projector: Projector) -> None:
    for model in (Proposal, TimelockOperation, PolicyVersion, Act):
        model.objects.filter(dao=dao).exclude(pk__in=projector.touched[model]).delete()
