# SPDX-License-Identifier: Apache-2.0
"""The mirror's states held against `state()` of real governors over generated lives.

`make test` lives a few; `MANDATE_STATE_LIVES=2000 pytest tests/governance/test_state_lives.py -s` lives as many. A
failure names the seed; `MANDATE_STATE_SEED` begins with it again.
"""

import os
import random
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from governance import state
from governance.chain.rpc import Rpc, RpcError
from governance.clock_check import hold_clock
from governance.management.commands.gaps import gaps_of
from governance.models import Contract, Cursor, OnchainCheck, Proposal
from governance.projections import again
from governance.reconcile import reconcile
from governance.state import State, now_of, state_of
from governance.sync import Status, fence, sync_once
from tests.conftest import KEPT_BLOCKS, running_anvil
from tests.governance.dump import dump
from tests.governance.governors import compound, layered
from tests.governance.governors.compound import CompoundWorld
from tests.governance.governors.layered import LayeredNode, LayeredWorld
from tests.governance.governors.lives import BLOCK_GAS, FINAL, GOVERNORS, House, World, call, onchain

pytestmark = pytest.mark.django_db

LIVES = int(os.environ.get("MANDATE_STATE_LIVES", "60"))
_WANTED = os.environ.get("MANDATE_STATE_SEED", "20261130")
# `make lives` lives others each time (`random`); a suite that is run for another reason lives the same.
SEED = random.SystemRandom().randrange(2**32) if _WANTED == "random" else int(_WANTED)
CHAIN_ID = 31337
NOUNS_ONLY = (State.VETOED, State.OBJECTION_PERIOD, State.UPDATABLE)


@pytest.fixture
def chain(anvil, settings):
    """The shared chain, mining by hand; what it was comes back afterwards."""
    before = anvil.call("evm_snapshot")
    try:
        with mining_by_hand(anvil, settings):
            yield anvil
    finally:
        assert anvil.call("evm_revert", before)


@pytest.fixture
def young_chain(settings):
    """A chain that no test wound back: a node that was lacks states of blocks within those that it keeps."""
    with running_anvil() as anvil, mining_by_hand(anvil, settings):
        yield anvil


@contextmanager
def mining_by_hand(anvil, settings):
    settings.LOCAL_CHAIN_ID = CHAIN_ID
    settings.RPC_URLS = {CHAIN_ID: [anvil.url]}
    limit = anvil.call("eth_getBlockByNumber", "latest", False)["gasLimit"]
    anvil.call("evm_setAutomine", False)
    anvil.call("evm_setBlockGasLimit", hex(BLOCK_GAS))
    try:
        yield
    finally:
        anvil.call("evm_setBlockGasLimit", limit)
        anvil.call("evm_setAutomine", True)


def read(world: World, house: House) -> None:
    """Bring the mirror to the newest block."""
    while (result := sync_once(house.dao, world.rpc)).status is not Status.CAUGHT_UP:
        assert result.status is Status.BEHIND, result


def read_before_it_is_forgotten(world: World) -> None:
    """Read what nobody compared for long: the tests' node forgets the state of old blocks, and a clock that has to be
    asked at each block can't be asked there any more. A house whose few lives are over may wait that long."""
    number, _ = world.head()
    for house in world.houses:
        if number - Cursor.objects.get(dao=house.dao).next_block >= KEPT_BLOCKS // 4:
            read(world, house)


def compare(world: World, house: House, seen: Counter, differences: list[str]) -> int:
    """Bring the mirror to the newest block and ask the governor there about every life. Returns how many it asked."""
    open_lives = [life for life in house.lives if life.state not in FINAL or world.rng.random() < 0.1]
    if not open_lives:
        return 0
    read(world, house)
    governor = house.dao.contracts.get(kind=Contract.Kind.GOVERNOR)
    now = now_of(house.dao, governor)
    texts = [life.text for life in open_lives]
    rows = {
        row.description: row
        for row in Proposal.objects.filter(dao=house.dao, description__in=texts).prefetch_related("operations")
    }
    asked = [(life, rows[life.text]) for life in open_lives if life.text in rows]
    if not asked:
        return 0
    number, _ = world.head()
    for (life, row), answer in zip(
        asked, world.states(house, [row.proposal_id for _, row in asked], number), strict=True
    ):
        said, found = onchain(answer), state_of(row, now, governor)
        life.row, life.state = row, said
        seen[house.contract, said.value if said else "revert"] += 1
        if said is not found:
            differences.append(
                f"{house.name}: {life.text} at block {number}: chain {said}, mirror {found}; snapshot {row.snapshot}, "
                f"deadline {row.deadline}, eta {row.eta_chain_s}, {now}, votes {row.against_votes}/{row.for_votes}/"
                f"{row.abstain_votes} of {row.quorum_votes}"
            )
    return len(asked)


def live_through(world: World, lives: int) -> tuple[Counter, list[str]]:
    """Live so many lives, comparing all the while. Returns what was seen, by contract and state, and differences."""
    rng, began = world.rng, time.monotonic()
    seen: Counter = Counter()
    differences: list[str] = []
    asked = steps = 0
    full: list[House] = []
    at_once = max(12, min(lives, 240))
    while not differences:
        running = [life for house in world.houses for life in house.lives if life.state not in FINAL]
        if world.begun >= lives and (not running or steps > 100 * (1 + lives // at_once)):
            break
        while world.begun < lives and len(running) < at_once and rng.random() < 0.9:
            house = min(world.houses, key=lambda house: (house in full, len(house.lives)))
            if not world.begin(house):
                full.append(house)  # nobody may propose there now
                break
            running.append(house.lives[-1])
        for life in running:
            world.live(life)
        for house in world.houses:
            if rng.random() < 0.1:
                world.stir(house)
        world.step()
        steps += 1
        full.clear()
        for house in world.houses:
            if rng.random() < (0.25 if lives < 100 else 0.4):
                asked += compare(world, house, seen, differences)
        read_before_it_is_forgotten(world)
    for house in world.houses:
        asked += compare(world, house, seen, differences)
        read(world, house)
    took = time.monotonic() - began
    print(f"\nseed {SEED}: {world.begun} lives, {steps} blocks of acts, {asked} answers compared in {took:.0f} s")
    for contract in dict.fromkeys(contract for contract, _ in seen):
        states = sorted((s, n) for (c, s), n in seen.items() if c == contract)
        print(f"  {contract}: {dict(states)}")
    assert not differences, f"MANDATE_STATE_SEED={SEED} MANDATE_STATE_LIVES={LIVES}: " + "\n".join(differences[:10])
    assert all(life.row is not None for house in world.houses for life in house.lives), "a life was never mirrored"
    return seen, differences


def test_states_are_the_chains_over_generated_lives(chain):
    people = [a.lower() for a in chain.call("eth_accounts")[:6]]
    world = World(chain, Rpc([chain.url], CHAIN_ID, attempts=1), people, random.Random(SEED), list(GOVERNORS))
    seen, _ = live_through(world, LIVES)
    states = {state for _, state in seen}
    if LIVES < 200:
        assert len(states) >= 5, f"only {states} were seen (seed {SEED})"
        return
    possible = {s.value for s in State} - {s.value for s in (State.UNKNOWN, *NOUNS_ONLY)}
    assert states >= possible, f"only {states} were ever seen (seed {SEED})"


def vote_on_one(world: LayeredWorld, house: House, seen: Counter) -> None:
    """Live one proposal past its vote, whatever the seed: in a few lives a house may see no vote and few states."""
    differences = []
    assert world.begin(house)
    life = house.lives[-1]
    world.mine()
    compare(world, house, seen, differences)
    assert life.row is not None
    assert life.state is State.PENDING
    world.move(life.row.snapshot + 1 - world.l1_block)
    compare(world, house, seen, differences)
    assert life.state is State.ACTIVE
    world.send(world.people[0], house.governor, call("castVote(uint256,uint8)", life.row.proposal_id, 1))
    world.mine()
    compare(world, house, seen, differences)
    world.move(life.row.deadline + 1 - world.l1_block)
    compare(world, house, seen, differences)
    assert life.state in (State.SUCCEEDED, State.DEFEATED)
    assert not differences, f"MANDATE_STATE_SEED={SEED} MANDATE_STATE_LIVES={LIVES}: {differences}"


@pytest.mark.parametrize("told", ["l1BlockNumber", "clock()"])
def test_states_are_the_chains_where_the_clock_counts_another_chains_blocks(chain, told):
    """By a node whose headers name the other chain's block, and by one that has to be asked for clock() at each."""
    people = [a.lower() for a in chain.call("eth_accounts")[:6]]
    by_header = told == "l1BlockNumber"
    with LayeredNode(chain.url, in_headers=by_header, as_opcode=not by_header) as node:
        world = LayeredWorld(chain, node, people, random.Random(SEED), list(layered.HOUSES))
        for house in world.houses:
            for kind in (Contract.Kind.GOVERNOR, Contract.Kind.VOTES_TOKEN):
                assert house.dao.contracts.get(kind=kind).capabilities["clock_source"] == told
        seen, _ = live_through(world, max(LIVES // 4, 10))
        for house in world.houses:
            vote_on_one(world, house, seen)
            while (result := reconcile(house.dao, world.rpc)) is None:
                sync_once(house.dao, world.rpc)
            assert result.differing == (), list(OnchainCheck.objects.filter(dao=house.dao, matched=False).values())
            assert hold_clock(house.dao, world.rpc) is None
            past = OnchainCheck.objects.filter(dao=house.dao, subject__contains="@")
            assert past.exists()  # power at a snapshot, by the other chain's clock
            before = dump(house.dao)
            with fence.hold(house.dao) as writer, writer.transaction():
                again.rebuild(house.dao)
            assert dump(house.dao) == before
    # The walked ones alone see three; how many more the few random ones see hangs on the seed.
    assert {"Pending", "Active"} < {state for _, state in seen}, f"only {seen} (seed {SEED})"


def test_a_clock_that_is_asked_at_each_block_is_asked_while_the_node_keeps_its_state(young_chain):
    """A house of few lives, all over: nobody compares it while its node forgets the state of more and more blocks."""
    people = [a.lower() for a in young_chain.call("eth_accounts")[:6]]
    with LayeredNode(young_chain.url, in_headers=False, as_opcode=True) as node:
        world = LayeredWorld(young_chain, node, people, random.Random(SEED), [next(iter(layered.HOUSES))])
        (house,) = world.houses

        def delegate_and_go_on(blocks: int) -> int:
            world.send(people[0], house.token, call("delegate(address)", people[1]))
            world.mine()
            delegated_block, _ = world.head()
            world.mine(blocks)
            return delegated_block

        for _ in range(8):
            delegate_and_go_on(KEPT_BLOCKS // 4)
            read_before_it_is_forgotten(world)
        vote_on_one(world, house, Counter())
        # What is told where nobody read in time, and nothing else happens to the mirror.
        next_block = Cursor.objects.get(dao=house.dao).next_block
        forgotten = delegate_and_go_on(2 * KEPT_BLOCKS)
        with pytest.raises(RpcError, match=f"governor's clock was at block {forgotten}: use one that keeps old state"):
            sync_once(house.dao, world.rpc)
        assert Cursor.objects.get(dao=house.dao).next_block == next_block


@pytest.mark.skipif(not compound.installed(), reason="the governors that other DAOs published come by `make packages`")
def test_states_are_the_chains_of_governors_before_openzeppelins(chain):
    """Compound's GovernorAlpha and GovernorBravo and Nouns' two, as they were published, with Compound's Timelock."""
    people = [a.lower() for a in chain.call("eth_accounts")[:12]]
    rpc = Rpc([chain.url], CHAIN_ID, attempts=1)
    world = CompoundWorld(chain, rpc, people, random.Random(SEED), list(compound.HOUSES))
    told = {house.contract: state.governor_of(house.dao).capabilities for house in world.houses}
    assert {name: found["family"] for name, found in told.items()} == {
        "GovernorAlpha": "alpha", "GovernorBravo": "bravo", "NounsV1": "nouns", "NounsV2": "nouns",
    }  # fmt: skip
    for found in told.values():
        assert found["token"] is not None
        assert found["grace_period_s"] == world.grace_s
    seen, _ = live_through(world, LIVES)
    for house in world.houses:
        # Votes, quorums and power as well, of all that is not over, and every log understood.
        while (result := reconcile(house.dao, rpc)) is None:
            sync_once(house.dao, rpc)
        assert result.checked > 0
        assert result.differing == (), list(OnchainCheck.objects.filter(dao=house.dao, matched=False).values())
        assert {check.subject.split(":")[0] for check in OnchainCheck.objects.filter(dao=house.dao)} >= {"power"}
        assert [gap for gap in gaps_of(house.dao) if "quorum" not in gap] == []
    if LIVES >= 200:
        states = {state for _, state in seen}
        possible = {s.value for s in State} - {"Unknown", "ObjectionPeriod", "Updatable"}  # Nouns' third version's
        assert states == possible, f"only {states} were ever seen (seed {SEED})"
