# SPDX-License-Identifier: Apache-2.0
"""Recorded events through the real sync, and what the mirror then says about them."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from governance import power
from governance.chain.address import checksum
from governance.chain.rpc import Rpc, RpcError
from governance.models import Chain, Contract, Cursor, Dao, OnchainCheck, Proposal, RawLog, SyncIncident, Vote
from governance.projections import events, options
from policies.notation.hexadecimal import hex_text
from replay import states
from replay.faults import Faults
from replay.node import CLIENT_VERSION, ReplayChain, ReplayNode
from replay.recording import RecordedLog, Recording, known_events

_KINDS = {
    "Governor": Contract.Kind.GOVERNOR,
    "GovernorBravo": Contract.Kind.GOVERNOR,
    "GovernorOptimism": Contract.Kind.GOVERNOR,
    "ERC20Votes": Contract.Kind.VOTES_TOKEN,
    "TimelockController": Contract.Kind.TIMELOCK,
    "TimelockCompound": Contract.Kind.TIMELOCK,
}
_MOST_FAILURES = 100  # in a row, without a block read
_TIMELOCK_CHANGE = "TimelockChange(address,address)"
_SUPPORT = {0: "against", 1: "for", 2: "abstain"}


class ReplayStopped(Exception):
    """The sync did not get to the end of the recording; the message says where it stopped."""


@dataclass
class Timing:
    """Seconds that the parts of a replay took, and how many logs went through."""

    reading_s: float = 0.0
    sync_s: float = 0.0
    logs: int = 0


@dataclass
class Report:
    """What came out. `as_json` is what `manage.py replay --json` prints."""

    chains: dict[str, Any] = field(default_factory=dict)
    contracts: list[dict[str, Any]] = field(default_factory=list)
    timing: Timing = field(default_factory=Timing)
    repeated: int = 0  # steps that a node made fail, and that were done again

    def as_json(self) -> dict[str, Any]:
        return {
            "chains": self.chains,
            "contracts": self.contracts,
            "repeated": self.repeated,
            "seconds": {"reading": round(self.timing.reading_s, 3), "sync": round(self.timing.sync_s, 3)},
        }


def replay(
    recordings: Sequence[Recording],
    progress: Callable[[str], None] = lambda _: None,
    *,
    nodes: Sequence[Faults] = (),
    seed: int = 0,
    quorum_votes: int | None = None,
) -> Report:
    """Serve each chain from nodes of its own and read it with the real sync into the (empty) database.

    `nodes` says what goes wrong at each node (none named: one node, at which nothing does), `seed` which requests it
    hits. What goes wrong for a moment is tried again, as the worker does; that is counted. `quorum_votes` is the quorum
    of all proposals, base units of the votes token, which no log says; None leaves it open.

    Raises:
        ReplayStopped: the sync could not finish, or the mirror disagrees with its own votes.
    """
    report = Report()
    for recording in recordings:
        progress(
            f"chain {recording.chain_id}: {len(recording.logs)} recorded events, "
            f"blocks {recording.first_block} to {recording.last_block}"
        )
        chain = ReplayChain(recording)
        with ExitStack() as stack:
            started_nodes = [
                stack.enter_context(ReplayNode(chain, faults=faults, seed=seed + place))
                for place, faults in enumerate(nodes or [Faults()])
            ]
            attempts = 1 if any(faults.chances for faults in nodes) else 3
            rpc = Rpc([node.url for node in started_nodes], recording.chain_id, attempts=attempts)
            try:
                for dao in register(recording):
                    started = time.monotonic()
                    report.repeated += _sync(dao, rpc)
                    report.timing.sync_s += time.monotonic() - started
                    told = tell(dao)
                    if (governor := dao.contracts.earliest("pk")).kind == Contract.Kind.GOVERNOR:
                        told[0] |= _states(dao, governor, recording, quorum_votes)
                    report.contracts += told
            finally:
                rpc.close()
            report.chains[str(recording.chain_id)] = {
                "client": CLIENT_VERSION,
                "first_block": recording.first_block,
                "last_block": recording.last_block,
                "head_block": chain.head,
                "recorded_events": len(recording.logs),
                "recorded_times": len(recording.times),
            }
        report.timing.logs += len(recording.logs)
    return report


def register(recording: Recording) -> list[Dao]:
    """The DAOs of a recording, and what kind each contract is, by its events. A governor and its timelock are one DAO:
    the timelock that the governor's TimelockChange names, or, of the only governor of a chain, whatever timelock there
    is. Each other contract is a DAO of its own."""
    chain, _ = Chain.objects.get_or_create(
        chain_id=recording.chain_id, defaults={"name": f"chain {recording.chain_id}, replayed"}
    )
    first: dict[bytes, RecordedLog] = {}
    for log in recording.logs:
        first.setdefault(log.address, log)
    kinds = {address: _KINDS[known_events()[log.signature].owner] for address, log in first.items()}
    timelocks = _timelocks(recording, kinds)
    daos = []
    for address, kind in kinds.items():
        if address in timelocks.values():
            continue
        dao = Dao.objects.create(
            chain=chain, slug=f"replay-{recording.chain_id}-{len(daos) + 1}", name=f"{kind} {checksum(address)}"
        )
        together = [address, *([timelocks[address]] if address in timelocks else [])]
        start = min(first[member].block_number for member in together)
        for member in together:
            Contract.objects.create(dao=dao, kind=kinds[member], address=member, start_block=start)
        Cursor.objects.create(dao=dao, next_block=start)
        daos.append(dao)
    return daos


def _timelocks(recording: Recording, kinds: dict[bytes, Contract.Kind]) -> dict[bytes, bytes]:
    """Governor -> its timelock, of those whose logs are there."""
    governors = [address for address, kind in kinds.items() if kind == Contract.Kind.GOVERNOR]
    timelocks = [address for address, kind in kinds.items() if kind == Contract.Kind.TIMELOCK]
    found = {}
    for log in recording.logs:
        if log.signature == _TIMELOCK_CHANGE and log.data[44:64] in timelocks:
            found[log.address] = log.data[44:64]  # the newest one
    if not found and len(governors) == len(timelocks) == 1:
        found[governors[0]] = timelocks[0]
    return found


def _states(dao: Dao, governor: Contract, recording: Recording, quorum_votes: int | None) -> dict[str, Any]:
    """What a report has of the governor's proposals' states."""
    assumed = states.assumed_of(dao, governor, recording)
    found = states.states_of(dao, governor, recording, assumed, quorum_votes)
    return {
        "assumed": {**assumed.as_json(), "quorum": None if quorum_votes is None else str(quorum_votes)},
        "state_block": recording.last_block,
        "states": {str(number): state for number, state in sorted(found.items())},
    }


def _sync(dao: Dao, rpc: Rpc) -> int:
    """Read to the end; how often a node made it begin again."""
    from governance.sync import Status, sync_once

    failures, place = 0, -1
    repeated = 0
    while True:
        try:
            result = sync_once(dao, rpc)
        except RpcError as error:
            reason: RpcError | ReplayStopped = error
        else:
            if result.status == Status.CAUGHT_UP:
                return repeated
            if result.status == Status.BEHIND:
                continue
            reason = ReplayStopped(f"{dao}: the sync ended as {result.status} at block {result.next_block}")
            if result.status != Status.NODE_BEHIND:  # a lagging node behind a balancer answered: ask again
                raise reason
        failures, repeated = failures + 1, repeated + 1
        reached = Cursor.objects.values_list("next_block", flat=True).get(dao=dao)
        failures, place = (0, reached) if reached > place else (failures, place)
        if failures > _MOST_FAILURES:
            raise reason


def tell(dao: Dao) -> list[dict[str, Any]]:
    """What came out of a DAO that was read, contract by contract in the order of `register`: a governor, then its
    timelock. States of proposals are not in it.

    Raises:
        ReplayStopped: the mirror disagrees with its own votes.
    """
    return [_tell(dao, contract) for contract in dao.contracts.order_by("pk")]


def _tell(dao: Dao, contract: Contract) -> dict[str, Any]:
    """What came out of one contract's logs. Of a governor's timelock only its events are told: what they mean for
    proposals is told of the governor."""
    is_beside = contract.kind == Contract.Kind.TIMELOCK and dao.contracts.count() > 1
    shown = Dao.objects.none() if is_beside else Dao.objects.filter(pk=dao.pk)
    names = {item.hash: signature for signature, item in known_events().items()}
    understood = events.layouts(Contract.Kind(contract.kind))
    counts: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    logs = RawLog.objects.filter(dao=dao, address=contract.address)
    for words in logs.values_list("topic0", "topic1", "topic2", "topic3").iterator():
        present = [bytes(word) for word in words if word is not None]
        name = names.get(present[0], hex_text(present[0])) if present else "anonymous"
        counts[name] += 1
        if not present or (present[0], len(present)) not in understood:
            unread[name] += 1
    tallies: dict[int, dict[str, Any]] = {}
    votes = Vote.objects.filter(dao__in=shown).values_list("onchain_proposal_id", "support", "weight")
    count = 0
    # Summed here as Python's integers, from one row a vote: what the mirror keeps as tallies is held against it below.
    for proposal_id, support, weight in votes.order_by("pk").iterator():
        tally = tallies.setdefault(proposal_id, {"against": 0, "for": 0, "abstain": 0, "other": 0, "votes": 0})
        tally[_SUPPORT.get(support, "other")] += weight
        tally["votes"] += 1
        count += 1
    proposals = {
        proposal.proposal_id: (proposal.against_votes, proposal.for_votes, proposal.abstain_votes)
        for proposal in Proposal.objects.filter(dao__in=shown).order_by("pk")
    }
    for proposal_id, kept in proposals.items():
        tally = tallies.setdefault(proposal_id, {"against": 0, "for": 0, "abstain": 0, "other": 0, "votes": 0})
        summed = (tally["against"], tally["for"], tally["abstain"])
        if kept != summed:
            raise ReplayStopped(f"proposal {proposal_id}: the mirror keeps {kept}, its votes sum to {summed}")
    kinds: Counter[str] = Counter()
    for proposal in Proposal.objects.filter(dao__in=shown).order_by("pk"):
        kinds[options.kind_of(proposal.extra).value] += 1
        if by_option := options.option_tallies(proposal):
            tallies[proposal.proposal_id]["options"] = by_option
    follows = power.continuity(dao)
    checks = OnchainCheck.objects.filter(dao=dao)
    checked = "not checked"
    if checks.exists():
        checked = f"{checks.filter(matched=True).count()} of {checks.count()} answers of the chain matched"
    return {
        "chain_id": dao.chain_id,
        "address": checksum(contract.address),
        "kind": contract.kind,
        "events": dict(sorted(counts.items())),
        "kept_raw_only": dict(sorted(unread.items())),  # stored, and not understood by any projection
        "proposals": len(proposals),
        "kinds": dict(sorted(kinds.items())),
        "votes": count,
        "tallies": {
            str(proposal_id): {
                "against": str(tally["against"]),
                "for": str(tally["for"]),
                "abstain": str(tally["abstain"]),
                **({"other": str(tally["other"])} if tally["other"] else {}),
                "votes": tally["votes"],
                **({"options": {str(o): str(w) for o, w in tally["options"].items()}} if "options" in tally else {}),
                "proposal_seen": proposal_id in proposals,
            }
            for proposal_id, tally in sorted(tallies.items())
        },
        "gaps": [
            {"proposal_id": str(proposal_id), "problem": "votes for a proposal that was never seen"}
            for proposal_id in sorted(tallies)
            if proposal_id not in proposals
        ],
        "power": {"pairs": follows.pairs, "breaks": [":".join(map(str, at)) for at in follows.breaks]},
        "incidents": [
            {"kind": incident.kind, "detail": incident.detail}
            for incident in SyncIncident.objects.filter(dao__in=shown).order_by("pk")
        ],
        "checked": checked,
    }
