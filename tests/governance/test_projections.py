# SPDX-License-Identifier: Apache-2.0
"""Logs that no honest contract would emit, variants of governors, and gaps: given these logs, this is stored."""

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from governance.chain import abi
from governance.management.commands.gaps import gaps_of
from governance.models import Chain, ChainAnswer, Contract, Cursor, Dao, Proposal, RawLog, SyncIncident, Vote
from governance.projections import again, batch, events, fold, proposal_events, rules, tallies
from governance.projections.events import Kind, Undecodable
from governance.state import Now, State, state_of

pytestmark = pytest.mark.django_db

GOVERNOR = b"\x60" * 20
VOTER = b"\x11" * 20


@pytest.fixture
def dao():
    chain = Chain.objects.create(chain_id=1, name="Ethereum")
    dao = Dao.objects.create(chain=chain, slug="d", name="D")
    Contract.objects.create(dao=dao, kind=Kind.GOVERNOR, address=GOVERNOR)
    Cursor.objects.create(dao=dao)
    return dao


def log(dao, declaration: str, *values, block: int = 1, index: int = 0, data: bytes | None = None) -> RawLog:
    """A stored log of an event, encoded as a contract would."""
    found = events.layout(declaration)
    topics, types, plain = [found.topic0], [], []
    for parameter, value in zip(found.parameters, values, strict=False):
        if parameter.indexed:
            topics.append(abi.encode([parameter.type], [value]))
        else:
            types.append(parameter.type)
            plain.append(value)
    words = dict(zip(("topic0", "topic1", "topic2", "topic3"), topics, strict=False))
    return RawLog.objects.create(
        dao=dao, block_number=block, block_hash=keccak(block.to_bytes(8, "big")), block_timestamp_chain_s=block * 12,
        transaction_hash=keccak(b"t" + block.to_bytes(8, "big")), transaction_index=0, log_index=index,
        address=GOVERNOR, data=abi.encode(types, plain) if data is None else data, **words,
    )  # fmt: skip


CREATED = events._PROPOSAL_CALLS + ")"
VOTE = "VoteCast(address indexed voter,uint256 proposalId,uint8 support,uint256 weight,string reason)"
PARAMS = VOTE.replace("VoteCast", "VoteCastWithParams").removesuffix(")") + ",bytes params)"


def created(dao, proposal_id=7, description=b"# Title", block=1, **changes):
    values = {
        "targets": [b"\x22" * 20], "values": [5], "signatures": [b""], "calldatas": [b"\x01\x02\x03\x04"],
        "start": 10, "end": 20,
    } | changes  # fmt: skip
    return log(
        dao, CREATED, proposal_id, VOTER, values["targets"], values["values"], values["signatures"],
        values["calldatas"], values["start"], values["end"], description, block=block,
    )  # fmt: skip


def project(dao, *logs):
    projector = fold.Projector(dao)
    projector.apply(logs)
    return projector


def test_text_that_is_no_text(dao):
    project(dao, created(dao, description=b"\xff\xfe\x00 Pay \x00 up"))
    proposal = Proposal.objects.get()
    assert proposal.description == "\ufffd\ufffd\ufffd Pay \ufffd up"


@pytest.mark.parametrize("end", [2**63 - 1, 2**63, 2**64 - 1, 2**200, 2**256 - 1])
def test_a_proposal_is_there_whatever_its_deadline_is(dao, end):
    projector = project(dao, created(dao, end=end), created(dao, proposal_id=8, block=2, start=end, end=end))
    found = {p.proposal_id: (p.snapshot, p.deadline) for p in Proposal.objects.all()}
    assert found[8] == (end, end)
    assert found[7][1] == end
    assert not projector.unread.undecodable
    assert not SyncIncident.objects.exists()
    governor = Contract.objects.get(kind="governor")
    states = {p.proposal_id: state_of(p, Now(1000, 1000), governor) for p in Proposal.objects.all()}
    assert states == {7: State.ACTIVE, 8: State.PENDING}


def test_columns_of_unequal_length(dao):
    project(dao, created(dao, targets=[b"\x22" * 20, b"\x33" * 20], calldatas=[]))
    assert [(a.target[0], a.value_wei, bytes(a.calldata)) for a in Proposal.objects.get().actions.all()] == [
        (0x22, 5, b""), (0x33, 0, b""),
    ]  # fmt: skip


@given(st.binary(max_size=400))
def test_whatever_the_data_decoding_says_yes_or_undecodable(data):
    for kind in Kind:
        for layout in events.layouts(kind).values():
            words = {f"topic{n}": bytes(32) for n in range(1, layout.topics)}
            raw = RawLog(topic0=layout.topic0, data=data, **words)
            try:
                events.decode(kind, raw)
            except Undecodable:
                continue


def test_an_unknown_event_is_kept_and_counted(dao):
    projector = project(dao, log(dao, "Surprise(uint256 what)", 5))
    assert sum(projector.unread.unknown.values()) == 1
    assert RawLog.objects.count() == 1


def test_the_same_topic_with_another_parameter_indexed_is_another_event(dao):
    other = log(dao, "ProposalExecuted(uint256 indexed proposalId)", 7, block=2)
    assert sum(project(dao, created(dao), other).unread.unknown.values()) == 1
    assert not Proposal.objects.get().executed


def test_votes_before_their_proposal_are_a_gap_until_it_is_seen(dao):
    project(dao, log(dao, VOTE, VOTER, 7, 1, 10**30, b"yes", block=5), log(dao, VOTE, VOTER, 7, 0, 1, b"", block=6))
    assert Vote.objects.filter(proposal=None).count() == 2
    assert tallies.tallies(dao) == {7: batch.Tally(1, 10**30, 0, 2)}
    gap = SyncIncident.objects.get()
    assert (gap.kind, gap.first_block, gap.facts) == ("gap", 5, {"proposal_id": "7"})
    project(dao, created(dao))
    proposal = Proposal.objects.get()
    assert (proposal.against_votes, proposal.for_votes) == (1, 10**30)
    assert proposal.votes.count() == 2
    gap.refresh_from_db()
    assert gap.resolved_at is not None


def test_tallies_are_exact_far_beyond_what_floats_and_decimals_hold(dao):
    odd = 2**200 + 1
    votes = [log(dao, VOTE, VOTER, 7, 1, odd, b"", block=n) for n in range(2, 9)]
    project(dao, created(dao), *votes)
    assert Proposal.objects.get().for_votes == 7 * odd


def test_votes_that_sum_to_more_than_the_chain_can_count_stop_nothing(dao):
    most = 2**256 - 1
    votes = [log(dao, VOTE, VOTER, 7, 1, most, b"", block=n) for n in (2, 3)]
    project(dao, created(dao), *votes)
    assert Proposal.objects.get().for_votes == most
    assert Vote.objects.count() == 2


def test_fractional_votes_count_by_their_parts(dao):
    parts = b"".join(n.to_bytes(16, "big") for n in (3, 5, 7))
    project(dao, created(dao), log(dao, PARAMS, VOTER, 7, 255, 15, b"", parts, block=2))
    proposal = Proposal.objects.get()
    assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == (3, 5, 7)


def test_canceled_twice_is_told_once(dao):
    twice = [log(dao, "ProposalCanceled(uint256 proposalId)", 7, block=n) for n in (2, 3)]
    projector = project(dao, created(dao), *twice)
    assert [topic for topic, _, _ in projector.news] == ["proposal.created", "proposal.canceled"]
    assert Proposal.objects.get().transitions.count() == 3


def test_an_event_of_a_proposal_never_seen_is_a_gap(dao):
    project(dao, log(dao, "ProposalExecuted(uint256 proposalId)", 7))
    assert SyncIncident.objects.get().facts == {"proposal_id": "7"}


def test_optimism_names_a_module_in_place_of_calls(dao):
    declaration = events._PROPOSAL_MODULE + ",uint8 proposalType)"
    project(dao, log(dao, declaration, 7, VOTER, b"\x44" * 20, b"\x05", 1, 2, b"Choose", 3))
    proposal = Proposal.objects.get()
    assert proposal.extra == {"voting_module": "0x" + "44" * 20, "proposal_data": "0x05", "proposal_type": 3}
    assert not proposal.actions.exists()


def test_late_quorum_moves_the_deadline_and_a_rebuild_keeps_it(dao):
    project(dao, created(dao), log(dao, "ProposalExtended(uint256 indexed proposalId,uint64 deadline)", 7, 99, block=2))
    project(dao)
    extended = events.layout("ProposalExtended(uint256 indexed proposalId,uint64 extendedDeadline)")
    assert (extended.topic0, 2) in events.layouts(Kind.GOVERNOR)
    assert Proposal.objects.get().deadline == 99
    again.rebuild(dao)
    assert Proposal.objects.get().deadline == 99


def test_rebuilding_drops_rows_that_no_log_makes(dao):
    project(dao, created(dao))
    stored = Proposal.objects.get()
    Proposal.objects.create(
        dao=dao, proposal_id=99, log=stored.log, proposer=VOTER, description="", title="", snapshot=0, deadline=0
    )
    Vote.objects.create(dao=dao, onchain_proposal_id=7, log=stored.log, voter=VOTER, support=1, weight=1)
    again.rebuild(dao)
    assert [p.pk for p in Proposal.objects.all()] == [stored.pk]
    assert not Vote.objects.exists()


def test_titles():
    assert proposal_events.title_of("\n\n  ##  Pay   the\tcontributors \n more") == "Pay the contributors"
    assert proposal_events.title_of("#\n---") == "---"
    assert proposal_events.title_of("") == ""
    assert len(proposal_events.title_of("x" * 1000)) == 300


def test_our_own_contracts_emit_what_is_understood(compiled):
    """The module's ABI, as compiled, beside the table of events: a renamed event would go unread."""
    for item_owner, kind in (("PolicyModule", Kind.MODULE), ("TimelockController", Kind.TIMELOCK)):
        emitted = {
            (item.hash, 1 + sum(p.indexed for p in item.inputs))
            for items in abi.Registry.load(abi._BUILT).events.values()
            for item in items
            if item.owner == item_owner
            # ERC-5267: the library declares it, and emits it only where the name of a domain can change.
            and item.name != "EIP712DomainChanged"
        }
        assert emitted
        assert emitted <= set(events.layouts(kind))


OVERRIDE = VOTE.replace("VoteCast", "OverrideVoteCast")
REDUCED = "VoteReduced(address indexed delegate,uint256 proposalId,uint8 support,uint256 weight)"


def test_a_holders_own_vote_is_taken_from_their_delegates(dao):
    dao.contracts.update(capabilities={"counting_mode": "support=bravo,override&quorum=for,abstain&overridable=true"})
    logs = [
        created(dao),
        log(dao, VOTE, VOTER, 7, 0, 100, b"", block=2),
        log(dao, REDUCED, VOTER, 7, 0, 30, block=3, index=0),
        log(dao, OVERRIDE, b"\x33" * 20, 7, 1, 30, b"my own", block=3, index=1),
    ]
    for one in logs:  # as they come at the head, and then all at once
        project(dao, one)
    proposal = Proposal.objects.get()
    assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == (70, 30, 0)
    again.rebuild(dao)
    proposal.refresh_from_db()
    assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == (70, 30, 0)
    # A reorg drops the override: the delegate's vote is whole again.
    for gone in logs[2:]:
        gone.delete()
    again.refold(dao)
    tallies.count_votes(dao, [7])
    proposal.refresh_from_db()
    assert (proposal.against_votes, proposal.for_votes, proposal.abstain_votes) == (100, 0, 0)
    assert Vote.objects.get().weight == 100


def test_the_chains_super_quorum_stays_with_a_proposal_that_is_projected_again(dao):
    project(dao, created(dao, proposal_id=2**256 - 1))
    ChainAnswer.objects.create(
        dao=dao,
        kind="quorum",
        key=rules.rule_key("super_quorum_votes", 2**256 - 1),
        value=(60).to_bytes(32, "big"),
        block_number=11,
    )
    again.rebuild(dao)
    assert Proposal.objects.get().extra["super_quorum_votes"] == "60"


POLICY_SET = "PolicySet(bytes32 indexed policyId,address indexed agent,uint16 version,bytes32 codehash,address pointer)"


def test_code_that_came_with_another_log_ends_the_search_for_it(dao):
    """The same code set anew points to the same contract: what could not be read the first time is known from then."""
    code, policy = b"\x00code", keccak(text="payroll")
    pointer = keccak(code)[:20]
    Contract.objects.create(dao=dao, kind=Kind.MODULE, address=GOVERNOR)
    project(dao, log(dao, POLICY_SET, policy, VOTER, 1, keccak(code), pointer))
    assert [incident.kind for incident in SyncIncident.objects.filter(resolved_at=None)] == ["policy_code"]
    ChainAnswer.objects.create(dao=dao, kind="code", key="0x" + pointer.hex(), value=code, block_number=2)
    project(dao, log(dao, POLICY_SET, policy, VOTER, 2, keccak(code), pointer, block=2))
    again.refold(dao)
    assert [bytes(version.code) for version in dao.policy_versions.order_by("version")] == [b"code", b"code"]
    assert not SyncIncident.objects.filter(resolved_at=None).exists()


def test_gaps_count_the_events_that_nothing_here_knows(dao):
    executed = "ProposalExecuted(uint256 indexed proposalId)"  # known with another parameter indexed
    surprises = [log(dao, "Surprise(uint256 what)", block, block=block) for block in (2, 3)]
    project(dao, created(dao), *surprises, log(dao, executed, 7, block=4))
    governor = f"governor 0x{GOVERNOR.hex()}"
    assert [gap for gap in gaps_of(dao) if "unknown" in gap] == sorted(
        f"{governor}: {count} logs of the unknown event 0x{events.layout(event).topic0.hex()} are kept raw"
        for event, count in (("Surprise(uint256 what)", 2), (executed, 1))
    )


def test_each_event_has_one_handler_and_its_name_is_one_that_is_decoded(dao):
    projector = fold.Projector(dao)
    names = [name for part in projector.parts for name in part.handlers]
    assert sorted(names) == sorted(set(names)) == sorted(projector.handlers)
    assert set(names) <= {layout.name for kind in events.Kind for layout in events.layouts(kind).values()}
