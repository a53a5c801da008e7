# SPDX-License-Identifier: Apache-2.0
"""What governors' events say of proposals: OpenZeppelin's, Compound's, Nouns', Optimism's and Agora's."""

from collections.abc import Mapping
from typing import Any

from governance import incidents
from governance.chain import abi
from governance.chain.call import ProposedCall
from governance.models import Contract
from governance.projections.events import Event, Kind, raw_of, text_of
from governance.projections.gaps import note_gap
from governance.projections.one_pass import Handler, OnePass
from governance.projections.proposals import Proposals
from governance.projections.rows import LogRow
from governance.words import say
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak


class ProposalEvents:
    """Applies the events that create proposals and change them."""

    def __init__(self, run: OnePass, proposals: Proposals):
        self._run, self._proposals = run, proposals
        self.handlers: Mapping[str, Handler] = {
            "ProposalCreated": self._created,
            "ProposalCreatedWithRequirements": self._created_with_requirements,
            "ProposalQueued": self._queued,
            "ProposalExecuted": self._executed,
            "ProposalCanceled": self._canceled,
            "ProposalVetoed": self._vetoed,
            "ProposalExtended": self._extended,
            "ProposalDeadlineUpdated": self._rescheduled,
            "ProposalTypeUpdated": self._retyped,
            "ProposalObjectionPeriodSet": self._objectionable,
            "ProposalUpdated": self._updated,
            "ProposalTransactionsUpdated": self._updated,
            "ProposalDescriptionUpdated": self._updated,
            "TimelockChange": self._timelock_changed,
        }

    def _created(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        extra: dict[str, Any] = {}
        calls: list[ProposedCall] = []
        ids: tuple[bytes | None, bytes | None] = (None, None)
        if "votingModule" in a:
            extra["voting_module"] = hex_text(a["votingModule"])
            extra["proposal_data"] = hex_text(a["proposalData"])
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
            **_text_columns(a["description"]),
            "snapshot": a["voteStart"],
            "deadline": a["voteEnd"],
            "eta_chain_s": None,
            "queued": False,
            "executed": False,
            "canceled": False,
            "operation_id": ids[0],
            "operation_id_v4": ids[1],
            "extra": extra,
        }
        self._proposals.create(a["proposalId"], log, changes, calls)

    def _created_with_requirements(self, contract: Contract, log: LogRow, event: Event) -> None:
        """Nouns says what it demands of a proposal beside having created it, each version in an event of its own."""
        a = event.args
        if self._proposals.get(a["proposalId"]) is None:
            if "targets" not in a:
                note_gap(self._run.dao, a["proposalId"], log.block_number)
                return
            self._created(contract, log, event)
        requirements: dict[str, Any] = {"proposal_threshold": str(a["proposalThreshold"])}
        if "signers" in a:
            requirements["signers"] = [hex_text(signer) for signer in a["signers"]]
        if a.get("updatePeriodEndBlock"):
            requirements["updatable_until"] = a["updatePeriodEndBlock"]
        self._proposals.add_extra(a["proposalId"], **requirements)

    def _queued(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._proposals.change(log, event, "queued", queued=True, eta_chain_s=event.args["eta"])

    def _executed(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._proposals.change(log, event, "executed", executed=True)

    def _canceled(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._proposals.change(log, event, "canceled", canceled=True)

    def _vetoed(self, _contract: Contract, log: LogRow, event: Event) -> None:
        # Nouns. `canceled` too: what may no longer change is found by it.
        self._proposals.change(log, event, "vetoed", canceled=True)
        self._proposals.add_extra(event.args["proposalId"], vetoed=True)

    def _extended(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._proposals.change(log, event, "extended", deadline=event.args["extendedDeadline"])

    def _rescheduled(self, _contract: Contract, log: LogRow, event: Event) -> None:
        # Optimism's and Agora's manager moves the end of a vote, back too; what a module said at the old one is over.
        self._proposals.change(log, event, "rescheduled", deadline=event.args["deadline"])
        self._proposals.ask_again(event.args["proposalId"], log, "module_state")

    def _retyped(self, _contract: Contract, log: LogRow, event: Event) -> None:
        number = event.args["proposalId"]
        self._proposals.change(log, event, "retyped")
        self._proposals.add_extra(number, proposal_type=event.args["proposalType"])
        self._proposals.ask_again(number, log, "quorum", "approval_threshold_bps", "module_state")

    def _objectionable(self, _contract: Contract, log: LogRow, event: Event) -> None:
        self._proposals.change(log, event, "objectionable")
        self._proposals.add_extra(event.args["proposalId"], objection_until=event.args["objectionPeriodEndBlock"])

    def _updated(self, _contract: Contract, log: LogRow, event: Event) -> None:
        """Nouns' proposers may write their proposal anew before the vote: its text, its calls or both."""
        self._proposals.change(log, event, "updated")
        pending = self._proposals.get(event.args["proposalId"])
        if pending is None:
            return
        if "description" in event.args:
            pending.changes.update(_text_columns(event.args["description"]))
        if "targets" in event.args:
            pending.rewritten = _calls_in(event)

    def _timelock_changed(self, _contract: Contract, log: LogRow, event: Event) -> None:
        new = event.args["newTimelock"]
        if not any(c.kind == Kind.TIMELOCK for c in self._run.contracts.get(new, ())):
            self._run.note_incident(
                incidents.Kind.TIMELOCK_CHANGED,
                say("timelock_unread", timelock=hex_text(new)),
                {"timelock": hex_text(new)},
                log.block_number,
            )


def operation_ids(
    governor: bytes, targets: list[bytes], values: list[int], calldatas: list[bytes], description: bytes
) -> tuple[bytes, bytes]:
    """Return the ids of the timelock operation that queueing a proposal makes: with v5's salt (the description's hash
    XOR the governor's address in the high bytes, GovernorTimelockControl._timelockSalt), and with v4's (the hash
    alone)."""
    description_hash = keccak(description)
    high = int.from_bytes(governor + bytes(12), "big")
    salt = (int.from_bytes(description_hash, "big") ^ high).to_bytes(32, "big")
    types = ["address[]", "uint256[]", "bytes[]", "bytes32", "bytes32"]
    batch = [targets, values, calldatas, bytes(32)]
    return keccak(abi.encode(types, [*batch, salt])), keccak(abi.encode(types, [*batch, description_hash]))


def title_of(description: str) -> str:
    """Return the first line with words of a proposal's text, without heading marks, at most 300 characters."""
    for line in description.splitlines():
        title = " ".join(line.strip().lstrip("#").split())
        if title:
            return title[:300]
    return ""


def _text_columns(raw: bytes) -> dict[str, Any]:
    """Return the columns that a proposal's text fills."""
    description = text_of(raw)
    return {"description": description, "description_raw": raw_of(raw), "title": title_of(description)}


def _calls_in(event: Event) -> list[ProposedCall]:
    """Return the calls that an event gives in columns."""
    targets = list(event.args["targets"])
    # A governor that emits columns of unequal length is taken by its targets: the rest reads as empty.
    values = _to_length(list(event.args["values"]), len(targets), 0)
    signatures = _to_length(list(event.args["signatures"]), len(targets), b"")
    calldatas = _to_length(list(event.args["calldatas"]), len(targets), b"")
    return [ProposedCall(*columns) for columns in zip(targets, values, signatures, calldatas, strict=True)]


def _to_length(column: list[Any], length: int, empty: Any) -> list[Any]:
    return (column + [empty] * length)[:length]
