# SPDX-License-Identifier: Apache-2.0
"""A DAO's life on a real chain, and what its mirror says of it, beside what the chain says."""

import time

import pytest
from eth_utils import keccak

from governance import power, reconcile, tasks
from governance.models import (
    Act,
    ChainAnswer,
    Delegation,
    ModuleState,
    Objection,
    OnchainCheck,
    OutboxEntry,
    PolicyVersion,
    PowerCheckpoint,
    Proposal,
    ProposalAction,
    ProposalTransition,
    RawLog,
    RefusedAct,
    ScannedRange,
    SyncIncident,
    TimelockOperation,
    TreasuryFlow,
    Vote,
)
from governance.projections import again
from governance.state import State, state_of
from governance.sync import Status
from tests.governance.conftest import POLICY_ID, TRANSFER, USDC

pytestmark = pytest.mark.django_db

ETHER = 10**18


def onchain(mirror, proposal_id) -> State:
    return list(State)[mirror.deployed.read("governor", "state", proposal_id)]


def agree(mirror, proposal_id, expected: State) -> None:
    """Mirror and chain both say `expected`, and reconciliation finds no difference."""
    mirror.sync()
    assert onchain(mirror, proposal_id) is expected
    assert state_of(mirror.proposal(proposal_id)) is expected
    found = reconcile.reconcile(mirror.dao, mirror.rpc)
    assert found is not None
    assert found.differing == ()


def payment(mirror, who: str, usdc: int) -> tuple[bytes, int, bytes]:
    d = mirror.deployed
    return (d.addresses["usdc"], 0, TRANSFER + d.address(who).rjust(32, b"\0") + (usdc * USDC).to_bytes(32, "big"))


def act(mirror, function: str, number: int, calls, decision=b"\x07" * 32, sender="agent", policy=POLICY_ID):
    codehash = PolicyVersion.objects.filter(dao=mirror.dao).latest("version").codehash
    data = mirror.deployed.calldata("module", function, policy, codehash, calls, number, decision)
    return send_anyway(mirror, sender, "module", data)


def send_anyway(mirror, sender: str, to: str, data: bytes) -> dict:
    """A transaction that may fail: mined with its failure, as an attacker's would be."""
    d = mirror.deployed
    request = {"from": "0x" + d.address(sender).hex(), "to": "0x" + d.address(to).hex(), "data": "0x" + data.hex(),
               "gas": hex(5_000_000)}  # fmt: skip
    sent = d.anvil.call("eth_sendTransaction", request)
    while (receipt := d.anvil.call("eth_getTransactionReceipt", sent)) is None:
        time.sleep(0.01)  # anvil mines in another thread
    return receipt


def snapshot_of(dao) -> dict:
    """Every projection of a DAO as plain values, without row ids."""

    def rows(query, *fields):
        return sorted(map(repr, query.values_list(*fields)))

    place = ("log__block_number", "log__log_index")
    return {
        "proposals": rows(Proposal.objects.filter(dao=dao), "proposal_id", "proposer", "description", "title",
                          "snapshot", "deadline", "eta_chain_s", "queued", "executed", "canceled", "against_votes",
                          "for_votes", "abstain_votes", "quorum_votes", "operation_id", "extra", *place),
        "actions": rows(ProposalAction.objects.filter(proposal__dao=dao), "proposal__proposal_id", "position", "target",
                        "value_wei", "signature", "calldata"),
        "transitions": rows(ProposalTransition.objects.filter(proposal__dao=dao), "proposal__proposal_id", "kind",
                            *place),
        "votes": rows(Vote.objects.filter(dao=dao), "onchain_proposal_id", "proposal__proposal_id", "voter", "support",
                      "weight", "reason", "params", *place),
        "delegations": rows(Delegation.objects.filter(dao=dao), "delegator", "from_delegate", "to_delegate", *place),
        "power": rows(PowerCheckpoint.objects.filter(dao=dao), "account", "timepoint", "previous_power", "power",
                      *place),
        "operations": rows(TimelockOperation.objects.filter(dao=dao), "operation_id", "proposal__proposal_id",
                           "ready_chain_s", "executed", "canceled", *place),
        "policies": rows(PolicyVersion.objects.filter(dao=dao), "policy_id", "version", "agent", "codehash", "code",
                         *place),
        "acts": rows(Act.objects.filter(dao=dao), "policy_id", "version", "number", "agent", "decision", "act_id",
                     "status",
                     "releasable_chain_s", "expires_chain_s", "snapshot", "objection_power", "objection_threshold",
                     "final_log__block_number", *place),
        "calls": rows(Act.objects.filter(dao=dao), "number", "calls__position", "calls__target", "calls__calldata"),
        "objections": rows(Objection.objects.filter(act__dao=dao), "act__number", "account", "power", *place),
        "modules": rows(ModuleState.objects.filter(module__dao=dao), "paused", "pause_epoch", "guardian"),
        "flows": rows(TreasuryFlow.objects.filter(dao=dao), "asset", "counterparty", "amount", "outgoing", *place),
    }  # fmt: skip


def test_a_proposal_from_draft_to_policy_in_force_and_acts(mirror, payroll):
    d = mirror.deployed
    mirror.delegate(ada="ada", ben="ben", chloe="dana")
    d.anvil.wind(10)
    code = payroll()
    description = "# Pay the contributors\n\nA policy for the agent."
    calls = [(d.addresses["module"], 0, d.calldata("module", "setPolicy", POLICY_ID, code))]
    proposal_id = mirror.propose("ada", description, calls)

    agree(mirror, proposal_id, State.PENDING)
    proposal = mirror.proposal(proposal_id)
    assert proposal.title == "Pay the contributors"
    assert proposal.description == description
    assert proposal.proposer == d.address("ada")
    assert [(a.target, a.value_wei, bytes(a.calldata)) for a in proposal.actions.all()] == calls
    assert proposal.quorum_votes is None

    # Power: what checkpoints say is what the chain says; dana holds chloe's votes.
    for name in ("ada", "ben", "chloe", "dana"):
        assert power.power_now(mirror.dao, d.address(name)) == d.read("votes_token", "getVotes", d.address(name))
    assert power.delegators_of(mirror.dao, d.address("dana")) == [d.address("chloe")]
    assert power.delegate_of(mirror.dao, d.address("chloe")) == d.address("dana")
    assert [(p.account, p.power) for p in power.delegates(mirror.dao)] == [
        (d.address("ada"), 300_000 * ETHER), (d.address("ben"), 250_000 * ETHER), (d.address("dana"), 150_000 * ETHER),
    ]  # fmt: skip
    assert power.power_at(mirror.dao, d.address("dana"), proposal.snapshot - 4000) == 0

    d.anvil.wind(3700)
    agree(mirror, proposal_id, State.ACTIVE)
    assert (
        mirror.proposal(proposal_id).quorum_votes == d.read("governor", "quorum", proposal.snapshot) == 40_000 * ETHER
    )

    d.send("ada", "governor", "castVote", proposal_id, 1)
    d.send("ben", "governor", "castVoteWithReason", proposal_id, 0, "too soon")
    d.send("dana", "governor", "castVoteWithReasonAndParams", proposal_id, 2, "I abstain", b"\x01\x02")
    agree(mirror, proposal_id, State.ACTIVE)
    proposal = mirror.proposal(proposal_id)
    assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == d.read(
        "governor", "proposalVotes", proposal_id
    )
    assert [(v.support, v.reason, bytes(v.params)) for v in proposal.votes.order_by("log_id")] == [
        (1, "", b""), (0, "too soon", b""), (2, "I abstain", b"\x01\x02"),
    ]  # fmt: skip

    d.anvil.wind(4 * 86400)
    agree(mirror, proposal_id, State.SUCCEEDED)
    mirror.follow_through("ben", "queue", description, calls)
    agree(mirror, proposal_id, State.QUEUED)
    operation = TimelockOperation.objects.get(dao=mirror.dao)
    assert operation.proposal == mirror.proposal(proposal_id)
    assert operation.ready_chain_s == mirror.proposal(proposal_id).eta_chain_s
    d.anvil.wind(86400 + 10)
    mirror.follow_through("ben", "execute", description, calls)
    agree(mirror, proposal_id, State.EXECUTED)
    assert list(mirror.proposal(proposal_id).transitions.order_by("log_id").values_list("kind", flat=True)) == [
        "created", "queued", "executed",
    ]  # fmt: skip

    policy = PolicyVersion.objects.get(dao=mirror.dao)
    assert (policy.policy_id, policy.version, policy.agent) == (POLICY_ID, 1, d.address("agent"))
    assert bytes(policy.code) == code
    assert keccak(b"\0" + bytes(policy.code)) == policy.codehash

    # An act: its calls come from the transaction's input, the payment from the token's log.
    assert act(mirror, "execute", 1, [payment(mirror, "ines", 1000), payment(mirror, "jon", 500)])["status"] == "0x1"
    mirror.sync()
    done = Act.objects.get(dao=mirror.dao, number=1)
    assert (done.status, done.decision, done.agent) == ("executed", b"\x07" * 32, d.address("agent"))
    assert [bytes(c.calldata) for c in done.calls.all()] == [
        payment(mirror, "ines", 1000)[2], payment(mirror, "jon", 500)[2],
    ]  # fmt: skip
    flows = TreasuryFlow.objects.filter(dao=mirror.dao, outgoing=True).order_by("log_id")
    assert [(f.counterparty, f.amount) for f in flows] == [
        (d.address("ines"), 1000 * USDC), (d.address("jon"), 500 * USDC),
    ]  # fmt: skip

    # What the chain refuses leaves no log; its reason is read all the same, with the clause.
    for calls_refused, number in (
        ([payment(mirror, "ines", 1001)], 2),
        ([payment(mirror, "mallory", 10)], 2),
        ([payment(mirror, "ines", 1000), payment(mirror, "jon", 1000)], 2),
    ):
        assert act(mirror, "execute", number, calls_refused)["status"] == "0x0"
    assert act(mirror, "execute", 2, [payment(mirror, "ines", 1)], sender="mallory")["status"] == "0x0"
    mirror.sync()
    refused = list(RefusedAct.objects.filter(dao=mirror.dao).order_by("block_number"))
    assert [r.reason.split("(")[0] for r in refused] == ["ClauseFailed", "ClauseFailed", "OverInstant", "NotAgent"]
    assert "1,001 USDC" in refused[0].clause
    assert "1,000 USDC" in refused[0].clause
    assert "payroll" in refused[2].clause
    assert "must be scheduled" in refused[2].clause
    assert refused[3].sender == d.address("mallory")
    assert all(r.decision == b"\x07" * 32 and r.policy_id == POLICY_ID for r in refused)

    # Scheduled, objected to, killed.
    assert act(mirror, "schedule", 2, [payment(mirror, "ines", 1000), payment(mirror, "jon", 1000)])["status"] == "0x1"
    mirror.sync()
    waiting = Act.objects.get(dao=mirror.dao, number=2)
    assert waiting.status == "scheduled"
    assert waiting.calls.count() == 2
    d.send("ben", "module", "object", bytes(waiting.policy_id), [waiting.act_id])
    mirror.sync()
    waiting.refresh_from_db()
    assert waiting.status == "killed"
    assert waiting.objection_power == 250_000 * ETHER
    assert waiting.objection_threshold == 100_000 * ETHER

    d.send("gus", "module", "pause")
    mirror.sync()
    assert ModuleState.objects.get(module__dao=mirror.dao).paused
    assert act(mirror, "execute", 3, [payment(mirror, "ines", 1)])["status"] == "0x0"
    mirror.sync()
    assert RefusedAct.objects.filter(dao=mirror.dao).latest("id").clause == (
        "Everything is paused until a vote ends the pause."
    )
    found = reconcile.reconcile(mirror.dao, mirror.rpc)
    assert found.differing == ()
    assert OnchainCheck.objects.filter(dao=mirror.dao, matched=True).count() >= 8
    topics = list(OutboxEntry.objects.filter(dao=mirror.dao).order_by("id").values_list("topic", flat=True))
    assert topics == [
        "proposal.created", "vote.cast", "vote.cast", "vote.cast", "proposal.queued", "policy.set", "proposal.executed",
        "act.executed", "act.refused", "act.refused", "act.refused", "act.refused", "act.scheduled", "act.objected",
        "act.killed", "module.paused", "act.refused",
    ]  # fmt: skip
    assert not SyncIncident.objects.filter(dao=mirror.dao).exists()

    # Everything derived is made anew, without a node, exactly as it was; row ids that others refer to stay.
    before, ids = snapshot_of(mirror.dao), list(Proposal.objects.order_by("pk").values_list("pk"))
    again.rebuild(mirror.dao)
    assert snapshot_of(mirror.dao) == before
    assert list(Proposal.objects.order_by("pk").values_list("pk")) == ids


def test_a_timelock_operation_run_past_the_governor_decides_the_state(mirror):
    d = mirror.deployed
    mirror.delegate(ada="ada")
    d.anvil.wind(10)
    outcomes = {}
    for name in ("run", "cancelled"):
        calls = [(d.addresses["usdc"], 0, d.calldata("usdc", "approve", d.address(name[:0] or "ada"), len(name)))]
        outcomes[name] = (mirror.propose("ada", name, calls), calls)
    d.anvil.wind(3700)
    for proposal_id, _ in outcomes.values():
        d.send("ada", "governor", "castVote", proposal_id, 1)
    d.anvil.wind(5 * 86400)
    for name, (_, calls) in outcomes.items():
        mirror.follow_through("ada", "queue", name, calls)
    mirror.sync()
    # The timelock's admin is the timelock itself: it grants ada what a vote could grant her.
    for role in ("EXECUTOR_ROLE", "CANCELLER_ROLE"):
        d.send_as("timelock", "timelock", "grantRole", d.read("timelock", role), d.address("ada"))
    d.anvil.wind(86400 + 60)
    proposal_id, calls = outcomes["run"]
    salt = bytes(a ^ b for a, b in zip(keccak(text="run"), d.addresses["governor"].ljust(32, b"\0"), strict=True))
    d.send("ada", "timelock", "executeBatch", [calls[0][0]], [0], [calls[0][2]], bytes(32), salt)
    d.send("ada", "timelock", "cancel", mirror.proposal(outcomes["cancelled"][0]).operation_id)
    agree(mirror, proposal_id, State.EXECUTED)
    agree(mirror, outcomes["cancelled"][0], State.CANCELED)
    assert not mirror.proposal(proposal_id).executed  # the governor never said so


def test_defeated_by_quorum_and_by_majority_and_canceled(mirror):
    d = mirror.deployed
    mirror.delegate(ada="ada", ben="ben", deployer="deployer")
    d.send("ada", "votes_token", "transfer", d.address("max"), 30_000 * ETHER)
    mirror.delegate(max="max")
    d.anvil.wind(10)
    call = [(d.addresses["usdc"], 0, b"\x12\x34\x56\x78")]
    small = mirror.propose("ada", "no quorum", call)
    lost = mirror.propose("ada", "lost", call)
    gone = mirror.propose("ada", "gone", call)
    mirror.follow_through("ada", "cancel", "gone", call)
    d.anvil.wind(3700)
    d.send("max", "governor", "castVote", small, 1)
    d.send("max", "governor", "castVote", lost, 1)
    d.send("ben", "governor", "castVote", lost, 0)
    d.anvil.wind(6 * 86400)
    agree(mirror, small, State.DEFEATED)
    agree(mirror, lost, State.DEFEATED)
    agree(mirror, gone, State.CANCELED)


def test_doubled_and_repeated_syncs_change_nothing(mirror):
    mirror.delegate(ada="ada")
    first = mirror.sync()
    assert first.status is Status.CAUGHT_UP
    assert first.logs == RawLog.objects.count() > 0
    before = snapshot_of(mirror.dao)
    for _ in range(3):
        tasks.sync_all()
    tasks.reconcile_all()
    tasks.work_due()
    assert mirror.sync().logs == 0
    assert snapshot_of(mirror.dao) == before
    head = mirror.rpc.head_number()
    for contract in mirror.dao.contracts.all():
        read = ScannedRange.objects.get(contract=contract)
        assert (read.first_block, read.last_block) == (mirror.deployed.start_block, head)


def test_rebuilding_needs_stored_answers_only(mirror, payroll):
    mirror.deployed.set_policy(POLICY_ID, payroll())
    mirror.sync()
    assert act(mirror, "execute", 1, [payment(mirror, "ines", 1)])["status"] == "0x1"
    mirror.sync()
    before = snapshot_of(mirror.dao)
    assert set(ChainAnswer.objects.values_list("kind", flat=True)) == {"code", "transaction"}
    Act.objects.all().delete()
    PolicyVersion.objects.all().update(code=b"lost")
    again.rebuild(mirror.dao)
    assert snapshot_of(mirror.dao) == before
