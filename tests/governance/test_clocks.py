# SPDX-License-Identifier: Apache-2.0
"""A governor's clock is held against its chain: when a DAO is taken in, and in each audit."""

import json
import random

import pytest
from django.core.management import CommandError, call_command

from governance import clock_check, register
from governance.capabilities import rules_of
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.rpc import Header, Rpc
from governance.clocks import Reading, Source, source_found, source_of_snapshot
from governance.models import ChainAnswer, Contract, PowerCheckpoint, Proposal, SyncIncident
from governance.register import NotRegistered
from governance.state import State, governor_of, now_of, state_of
from governance.sync import Status, sync_once
from presentation.dao_view import DaoView
from replay.node import ReplayNode
from replay.sight import NodeError
from replay.synthetic import SyntheticChain, SyntheticTransaction
from tests.governance.governors.layered import CHAIN_ID, FIRST_L1_BLOCK, LayeredNode, LayeredWorld
from tests.governance.governors.lives import PROPOSE, call
from tests.governance.lives import ASSET, GOVERNOR, START_S, Kind, answer, emit, l1_block, mirrored
from tests.governance.test_state_lives import chain

pytestmark = pytest.mark.django_db
__all__ = ["chain"]


def header(number=101, time_s=1_700_000_000, l1=None) -> Header:
    return Header(number, bytes(32), bytes(32), time_s, None, (), l1_block=l1)


class TestWhatAClockCounts:
    @pytest.mark.parametrize(
        ("says", "number", "l1", "source"),
        [
            (101, 101, None, Source.HEIGHT),
            (101, None, None, Source.HEIGHT),
            (102, 102, None, Source.HEIGHT),  # a node that runs calls as if in the next block
            (102, 101, None, None),
            (15, 15, 15, Source.HEADER),
            (15, None, 15, Source.HEADER),
            (15, 15, 14, Source.CONTRACT),
            (15, 15, None, Source.CONTRACT),
            (15, None, None, None),
            (15, 101, None, None),
            (16, 101, 15, None),
            (101, 15, 15, Source.HEIGHT),  # it counts its own chain's, whatever block.number is
            (101, 101, 15, Source.HEIGHT),
            (101, None, 15, Source.HEIGHT),
            (102, 102, 15, Source.HEIGHT),
            (102, 15, 15, None),
            (101, 101, 101, Source.HEADER),
            (1_700_000_000, 101, None, Source.TIME),
            (1_700_000_000, 101, 15, Source.TIME),
            (1_699_999_999, 101, None, None),
            (0, 101, None, None),
            (2**48 - 1, 101, 15, None),
        ],
    )
    def test_by_what_clock_answers(self, says, number, l1, source):
        reading = Reading(header(l1=l1), says, number, 1_700_000_000 if number else None)
        assert source_found(reading, by_time=False) is source
        assert source_found(reading, by_time=True) is source  # the clock decides, not what its mode says

    @pytest.mark.parametrize(
        ("number", "l1", "source"),
        [
            (101, None, Source.HEIGHT), (None, None, Source.HEIGHT), (15, 15, Source.HEADER), (None, 15, Source.HEADER),
            (15, None, Source.OPCODE), (15, 14, Source.OPCODE), (101, 15, Source.HEIGHT), (102, 15, Source.HEIGHT),
            (102, None, Source.HEIGHT),
        ],
    )  # fmt: skip
    def test_without_clock_it_is_what_contracts_see_as_the_block(self, number, l1, source):
        reading = Reading(header(l1=l1), None, number, 1)
        assert source_found(reading, by_time=False) is source
        assert source_found(reading, by_time=True) is Source.TIME

    @pytest.mark.parametrize(
        ("presumed", "snapshot", "l1", "source"),
        [
            (Source.HEIGHT, 105, None, Source.HEIGHT),
            (Source.HEIGHT, 111, None, Source.HEIGHT),  # the delay was another one then
            (Source.HEIGHT, 100, None, None),  # before the proposal itself
            (Source.HEIGHT, 19, 15, Source.HEADER),
            (Source.HEIGHT, 504, 500, Source.HEADER),  # it might be a long delay, but is exactly the other one's
            (Source.HEADER, 105, 15, Source.HEIGHT),
            (Source.HEADER, 25, 15, Source.HEADER),
            (Source.HEIGHT, 1_700_000_004, None, Source.TIME),
            (Source.HEIGHT, 2**60, None, None),
            (Source.OPCODE, 7, None, Source.OPCODE),  # nothing that is known of the block says otherwise
        ],
    )
    def test_by_the_snapshot_that_propose_gave(self, presumed, snapshot, l1, source):
        assert source_of_snapshot(presumed, header(l1=l1), snapshot, 4) is source


# ------------------------------------------------------------------------------------- a governor that has clock()


@pytest.fixture
def world(chain):
    people = [a.lower() for a in chain.call("eth_accounts")[:6]]
    with LayeredNode(chain.url) as node:
        yield LayeredWorld(chain, node, people, random.Random(1), ["v5 simple, L1 blocks"])


def sync(world):
    [house] = world.houses
    while sync_once(house.dao, world.rpc).status is not Status.CAUGHT_UP:
        pass
    return house


def proposed(world):
    [house] = world.houses
    world.send(world.people[0], house.governor, call(PROPOSE, [world.target], [0], [call("touch(uint256)", 1)], "# Go"))
    world.mine()
    sync(world)
    return Proposal.objects.get(dao=house.dao)


def test_a_vote_is_open_by_the_other_chains_blocks(world):
    """As reported of Arbitrum: by this chain's height the vote was over before it began."""
    proposal = proposed(world)
    assert (proposal.snapshot, proposal.deadline) == (FIRST_L1_BLOCK + 4, FIRST_L1_BLOCK + 24)
    world.mine(50)
    sync(world)
    assert state_of(proposal) is State.PENDING
    world.move(5)
    sync(world)
    assert state_of(proposal) is State.ACTIVE
    world.move(20)
    sync(world)
    assert state_of(proposal) is State.DEFEATED


def test_pages_and_api_say_whose_blocks_they_are(world, client):
    proposal = proposed(world)
    for _ in range(6):
        world.move(1)
        world.mine(3, 7)
    [house] = world.houses
    sync(world)
    place = DaoView(house.dao)
    assert place.clock_text(proposal.deadline) == f"L1 block {proposal.deadline:,}"
    assert place.until_text(proposal.deadline).startswith("18 L1 blocks (about ")
    text = client.get(f"/{house.dao.slug}/proposals/{proposal.proposal_id}/").content.decode()
    assert f"L1 block {proposal.deadline:,}" in text
    assert "18 L1 blocks" in text
    assert text.index("Proposed") < text.index("Voting started") < text.index("Voting ends")
    told = json.loads(client.get(f"/api/v1/daos/{house.dao.slug}/proposals/{proposal.proposal_id}").content)
    assert (told["clock"], told["deadline"]) == ("l1_block", proposal.deadline)


def test_preflight_names_whose_blocks_a_clock_counts(world, capsys):
    [house] = world.houses
    call_command("add_dao", checksum(house.governor), rpc=[world.node.url], check=True)
    said = capsys.readouterr().out
    assert "supported    clock: blocks of the chain below (L1), which headers name (l1BlockNumber): " in said
    assert "starts after 4 L1 blocks" in said


def test_a_clock_that_fits_nothing_is_refused_by_name(world, chain):
    """The same governor by a node that tells nothing of another chain."""
    [house] = world.houses
    with pytest.raises(CommandError, match=rf"unsupported: the clock\(\) of the governor says {FIRST_L1_BLOCK}, which"):
        call_command("add_dao", checksum(house.governor), rpc=[chain.url], check=True)


def test_a_votes_token_whose_clock_fits_nothing_is_refused_by_name(world, chain, local_chain):
    [house] = world.houses
    rpc = Rpc([chain.url], CHAIN_ID, attempts=1)
    with pytest.raises(NotRegistered, match=r"the clock\(\) of the votes token says"):
        register.preflight(rpc, local_chain.addresses["governor"], token=house.token, start_block=0)


def test_an_audit_finds_a_clock_that_is_another_one_now(world, capsys, settings):
    """The governor counted its chain's blocks when it was taken in, by all that could be seen."""
    proposed(world)
    [house] = world.houses
    settings.RPC_URLS = {CHAIN_ID: [world.node.url]}
    call_command("audit", house.dao.slug)
    assert not SyncIncident.objects.filter(dao=house.dao, kind="clock_differs").exists()
    governor = governor_of(house.dao)
    right = dict(governor.capabilities)
    governor.capabilities.pop("clock_source")
    governor.save()
    capsys.readouterr()
    with pytest.raises(SystemExit):
        call_command("audit", house.dao.slug)
    said = capsys.readouterr().out
    assert f"The governor's clock says {FIRST_L1_BLOCK} at block" in said
    incident = SyncIncident.objects.get(dao=house.dao, kind="clock_differs")
    assert incident.resolved_at is None
    governor.capabilities = right
    governor.save()
    assert clock_check.hold_clock(house.dao, world.rpc) is None
    incident.refresh_from_db()
    assert incident.resolved_at is not None


def test_a_dao_taken_in_again_has_its_power_read_again_by_the_right_clock(world):
    """As one that was taken in by an earlier version, which knew no other clock than its chain's."""
    [house] = world.houses
    Contract.objects.filter(dao=house.dao).exclude(kind="timelock").update(
        capabilities={"family": "openzeppelin", "clock": "blocknumber", "quorum": "quorum(uint256)"}
    )
    sync(world)
    assert set(PowerCheckpoint.objects.filter(dao=house.dao).values_list("timepoint", flat=True)) < set(range(10_000))
    register.add_dao(
        world.rpc, house.governor, slug=house.dao.slug, name=house.dao.name,
        start_block=house.dao.contracts.first().start_block,
    )  # fmt: skip
    sync(world)
    times = set(PowerCheckpoint.objects.filter(dao=house.dao).values_list("timepoint", flat=True))
    assert times == {FIRST_L1_BLOCK}
    assert now_of(house.dao).timepoint == FIRST_L1_BLOCK


def test_a_node_whose_headers_stop_naming_the_block_below_is_not_read(world):
    proposal = proposed(world)
    world.node.in_headers = False
    world.move(5)
    with pytest.raises(Exception, match="does not name its block of the chain below"):
        sync(world)
    assert state_of(proposal) is State.PENDING  # what was read stands
    world.node.in_headers = True
    sync(world)
    assert state_of(proposal) is State.ACTIVE


def test_what_the_clock_said_falls_with_its_block(world, chain):
    proposed(world)
    [house] = world.houses
    height, _ = world.head()
    before = chain.call("evm_snapshot")
    world.move(9)
    world.send(world.people[0], house.token, call("mint(address,uint256)", world.people[0], 5))
    world.mine()
    sync(world)
    assert now_of(house.dao).timepoint == FIRST_L1_BLOCK + 9
    assert ChainAnswer.objects.filter(dao=house.dao, kind="clock", block_number__gt=height).exists()
    assert chain.call("evm_revert", before)
    world.l1_block = FIRST_L1_BLOCK
    sync(world)
    assert now_of(house.dao).timepoint == FIRST_L1_BLOCK
    assert not ChainAnswer.objects.filter(dao=house.dao, kind="clock", block_number__gt=height).exists()


# --------------------------------------------------------------------- a governor without clock(), by its proposals


def without_clock(start: int | None) -> SyntheticChain:
    """A chain whose headers name another one's blocks, with a proposal of the snapshot `start`."""
    made = SyntheticChain(77, START_S, l1_block=l1_block)
    made.grow(*[[] for _ in range(20)])
    if start is not None:
        values = (1, bytes(20), [ASSET], [0], [b""], [b""], start, start + 9, b"# Go")
        made.grow([SyntheticTransaction(GOVERNOR, (emit(Kind.GOVERNOR, "ProposalCreated", *values),))])
    return made


@pytest.mark.parametrize(
    ("start", "source", "is_held"),
    [
        (None, Source.HEADER, False),
        (51, Source.HEADER, True),
        (25, Source.HEIGHT, True),
        (START_S + 256, Source.TIME, True),
    ],
)
def test_its_proposals_tell_what_it_counts(start, source, is_held):
    """Block 21 is block 47 of the chain below."""
    with ReplayNode(without_clock(start)) as node:
        rpc = Rpc([node.url], 77, attempts=1)
        found = clock_check.find(
            rpc, GOVERNOR, rpc.block("latest"), by_time=False, is_governor=True, delay=4, who="governor"
        )
        rpc.close()
    assert (found.source, found.is_held) == (source, is_held)
    assert ("taken to be" in found.words) is not is_held


def test_a_snapshot_that_is_no_moment_of_its_block_is_refused_by_name():
    with ReplayNode(without_clock(9)) as node:
        rpc = Rpc([node.url], 77, attempts=1)
        with pytest.raises(clock_check.ClockNotUnderstood, match="of block 21 the snapshot 9, which is none"):
            clock_check.find(
                rpc, GOVERNOR, rpc.block("latest"), by_time=False, is_governor=True, delay=4, who="governor"
            )
        rpc.close()


# ------------------------------------------------------------ where both chains have one height, and Nouns' own clock


def crossing(counts: str, *, is_kept: bool = True) -> SyntheticChain:
    """A chain whose head has the height that its header names of the chain below; the governor counts one of them."""

    def below(block) -> int:
        return block.number if counts == "equal" else 21 + (block.number - 21) // 3

    def says(_to: bytes, data: bytes, number: int) -> bytes:
        if data != abi.encode_call("clock()") or (not is_kept and number < 21):
            raise NodeError(-32000, "missing trie node")
        return abi.encode(["uint256"], [below(made.blocks[number]) if counts == "below" else number])

    made = SyntheticChain(77, START_S, l1_block=below, call=says)
    made.grow(*[[] for _ in range(21)])
    return made


@pytest.mark.parametrize(
    ("counts", "source"), [("below", Source.HEADER), ("own", Source.HEIGHT), ("equal", Source.HEIGHT)]
)
def test_an_earlier_block_tells_two_chains_of_one_height_apart(counts, source):
    with ReplayNode(crossing(counts)) as node:
        rpc = Rpc([node.url], 77, attempts=1)
        found = clock_check.find(
            rpc, GOVERNOR, rpc.block("latest"), by_time=False, is_governor=True, delay=4, who="governor"
        )
        rpc.close()
    assert (found.source, found.is_held) == (source, True)


def test_two_chains_of_one_height_that_nothing_tells_apart_are_refused_for_the_moment():
    with ReplayNode(crossing("own", is_kept=False)) as node:
        rpc = Rpc([node.url], 77, attempts=1)
        with pytest.raises(clock_check.ClockNotUnderstood, match=r"at block 21 the chain below .* Try again"):
            clock_check.find(
                rpc, GOVERNOR, rpc.block("latest"), by_time=False, is_governor=True, delay=4, who="governor"
            )
        rpc.close()


@pytest.mark.parametrize("below", [False, True], ids=["the chain's blocks", "the chain below's"])
def test_nouns_quorum_is_asked_for_the_creation_by_the_governors_clock(below):
    """Its parameters at the creation: on Arbitrum the governor keeps them by the chain below's blocks."""
    made = SyntheticChain(77, START_S, finality_depth=3, call=answer, l1_block=l1_block if below else None)
    made.grow(*[[] for _ in range(20)])
    values = (1, bytes(20), [ASSET], [0], [b""], [b""], 51, 60, b"# Go")
    made.grow([SyntheticTransaction(GOVERNOR, (emit(Kind.GOVERNOR, "ProposalCreated", *values),))])
    dao = mirrored(made, "nouns")
    governor = governor_of(dao)
    governor.capabilities |= {"family": "nouns", "quorum": "proposals(uint256)", "dynamic_quorum": True}
    governor.save()
    with ReplayNode(made) as node:
        rpc = Rpc([node.url], 77, attempts=1)
        sync_once(dao, rpc)
        rpc.close()
    proposal = Proposal.objects.get(dao=dao)
    asked = {rule.name: rule.calldata for rule in rules_of(governor)(proposal)}
    moment = l1_block(made.blocks[21]) if below else 21
    assert asked["quorum_least_bps"] == abi.encode_call("getDynamicQuorumParamsAt(uint256)", [moment])
    ChainAnswer.objects.filter(dao=dao, kind="clock").delete()
    assert bool(rules_of(governor)(proposal)) is not below  # that moment is not known: nor is the quorum
