# SPDX-License-Identifier: Apache-2.0
"""New blocks are read soon after the node has them, and an idle chain costs few questions. On a clock of the test's."""

from itertools import pairwise

import pytest

from governance import tasks
from governance.models import Block, Chain, Dao
from governance.sync import watch


class World:
    """Chains whose heads move at given times, and a clock that only sleeping moves on."""

    def __init__(self, blocks: dict[int, list[float]], fails_until: float = 0.0):
        self.blocks, self.fails_until = blocks, fails_until
        self.now, self.asked, self.reads = 100.0, 0, []

    def head(self, chain_id: int) -> int | None:
        self.asked += 1
        if self.now < self.fails_until:
            return None
        return sum(at <= self.now for at in self.blocks[chain_id])

    def read(self, chain_id: int) -> None:
        self.reads.append((chain_id, self.now))
        self.now += 0.05

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def follow(self, for_s: float, block_s: float | None = None) -> None:
        watch.follow(
            lambda: list(self.blocks), self.head, self.read, for_s, lambda _chain_id: block_s,
            clock=lambda: self.now, sleep=self.sleep,
        )  # fmt: skip

    def delays(self, chain_id: int, blocks: list[float]) -> list[float]:
        times = [at for chain, at in self.reads if chain == chain_id]
        return [min(at for at in times if at >= block) - block for block in blocks]


def test_without_watching_each_chain_is_read_once():
    world = World({1: [], 10: []})
    world.follow(0)
    assert [chain for chain, _ in world.reads] == [1, 10]
    assert world.asked == 0


def test_blocks_every_two_seconds_are_read_within_a_third_of_one():
    blocks = [101.0 + 2 * n for n in range(30)]
    world = World({1: blocks})
    world.follow(61)
    delays = world.delays(1, blocks[:-1])
    assert max(delays) <= 0.35
    assert world.asked < 4 * 30 + 20


def test_slow_blocks_are_not_asked_for_all_the_time():
    blocks = [101.0 + 12 * n for n in range(10)]
    world = World({1: blocks})
    world.follow(120)
    assert max(world.delays(1, blocks[:-1])) <= 0.35
    assert world.asked < 120 / watch.POLL_S * 0.75


def test_how_long_blocks_took_before_is_known_at_once():
    blocks = [105.0 + 12 * n for n in range(5)]
    world = World({1: blocks})
    world.follow(50, block_s=12)
    assert max(world.delays(1, blocks[:-1])) <= 0.35
    learnt = World({1: blocks})
    learnt.follow(50)
    assert world.asked < learnt.asked - 15


def test_blocks_that_come_faster_than_before_are_waited_for_too_long_once():
    blocks = [101.0 + 2 * n for n in range(30)]
    world = World({1: blocks})
    world.follow(61, block_s=12)
    assert sum(delay > 0.35 for delay in world.delays(1, blocks[:-1])) <= 3  # those of the one wait of six seconds


def test_a_chain_that_stands_still_is_asked_once_a_second():
    world = World({1: [101.0, 103.0]})
    world.follow(100, block_s=2)
    assert world.asked < 140


def test_a_chain_whose_head_stands_still_is_read_now_and_then():
    world = World({1: [50.0]})
    world.follow(30)
    times = [at for _, at in world.reads]
    assert max(b - a for a, b in pairwise(times)) <= 2 * watch.SWEEP_S
    assert len(times) <= 30 / watch.SWEEP_S + 2


def test_a_node_that_fails_keeps_no_other_chain_waiting_and_is_read_when_it_is_back():
    world = World({1: [101.0, 103.0], 10: [102.0]}, fails_until=101.5)
    world.follow(10)
    assert world.delays(10, [102.0])[0] <= 0.35
    assert world.delays(1, [103.0])[0] <= 0.35


def test_it_ends_when_its_time_is_over():
    world = World({1: []})
    world.follow(20)
    assert 120 <= world.now < 121


@pytest.mark.django_db
def test_a_clock_that_was_wound_on_does_not_slow_the_watch() -> None:
    chain = Chain.objects.create(chain_id=77, name="wound", finality_depth=1)
    dao = Dao.objects.create(chain=chain, slug="wound", name="wound")
    times = [1000 + 2 * number + (259_200 if number > 4 else 0) for number in range(10)]
    Block.objects.bulk_create(
        Block(
            dao=dao, number=number, hash=bytes([number]) * 32, parent_hash=bytes(32), timestamp_chain_s=time_s,
            finalized=False,
        )
        for number, time_s in enumerate(times)
    )  # fmt: skip
    assert tasks._block_s(77) == 2
