# SPDX-License-Identifier: Apache-2.0
"""A queue of decided requests is carried out in turn: no act number tried twice, no node asked by who waits.

`make test` mines each block itself and looks at no clock. How fast a queue is on a chain that mines by the clock, with
the mirror reading without a pause and acts looked at each second, as beat has it:

    MANDATE_QUEUED=1000 python -m pytest -s -n 0 tests/agent/test_acts_a_block.py

`MANDATE_QUEUED` requests are planned and signed by the operator before the clock starts; `MANDATE_BLOCK_S` is a block's
seconds. With 0 no clock is looked at: a block is mined after each look of the agent, so that what is found is the
queue's and not the machine's. What was measured is printed, and kept in bench/results/acts-a-block.json.
"""

import json
import os
import time

import pytest
from django.utils import timezone

from agent.acts import due, executor
from agent.models import Binding, Request
from agent.work_names import EXECUTE_WORK, PLAN_WORK
from governance import work
from governance.models import Act, OutgoingTransaction, Work
from tests.agent.acting import POLICY_ID, World, payroll, work_errors, world  # noqa: F401
from tests.agent.test_acts_by_form import exactly
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
MEASURED = "MANDATE_QUEUED" in os.environ
QUEUED = int(os.environ.get("MANDATE_QUEUED", "4"))
BLOCK_S = int(os.environ.get("MANDATE_BLOCK_S", "4"))
LEAST = 0.8  # acts a block, of many
_LOOK_S = 1.0  # beat's pause between two looks at acts (dao/celery.py)


class NoNode:
    """A node that nobody may ask."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError(f"asked a node: {name}")


def decided(world: World, queued: int) -> list[int]:  # noqa: F811
    """Have so many requests planned and signed: each pays kim another amount."""
    world.suite.set_policy(POLICY_ID, payroll(world.suite, cooldown="none"))
    world.sync()
    numbers = []
    for place in range(queued):
        request = world.ask(f"kim, {place}", by="olga", act=exactly(world, "kim", place + 1))
        numbers.append(request.pk)
        work.run_one(PLAN_WORK, str(request.pk))
        request.refresh_from_db()
        assert request.status == Request.Status.NEEDS_APPROVAL, (request.reason, work_errors())
        world.approve(request)
    return numbers


def look() -> None:
    """All that waits is looked at once, as if its pause were over."""
    Work.objects.filter(name=EXECUTE_WORK, done_at=None).update(due_at=timezone.now())
    due.pay_due()


def one_block(world: World, place: int, numbers: list[int]) -> None:  # noqa: F811
    """The next of the queue goes on by itself, and a block with its act is mined."""
    look()
    assert Binding.objects.count() == place + 1, "the next one goes on, and no other"
    waiting = [number for number in numbers if not Binding.objects.filter(request=number).exists()]
    assert len(waiting) == len(numbers) - place - 1
    for number in waiting:
        with pytest.raises(work.Again, match="another act"):
            executor.execute(number, rpc=NoNode())
    look()
    assert Binding.objects.count() == place + 1, "nobody before the head's act is read back"
    world.suite.anvil.call("evm_mine")
    world.sync()


def carried_out_in_turn(world: World, queued: int, kims: int) -> list[Act]:  # noqa: F811
    """What holds of a queue however slow machine and chain are; its acts."""
    acts = list(Act.objects.filter(dao=world.dao).order_by("number").select_related("log"))
    assert [act.number for act in acts] == list(range(1, queued + 1)), "no gap among the acts"
    nonces = list(OutgoingTransaction.objects.order_by("nonce").values_list("nonce", flat=True))
    assert nonces == list(range(nonces[0], nonces[0] + queued)), "nor among the transactions, each sent once"
    assert list(Binding.objects.order_by("number").values_list("number", "attempt", "state")) == [
        (number, 1, "live") for number in range(1, queued + 1)
    ], "each number is bound once"
    assert world.balance("kim") - kims == queued * (queued + 1) // 2, "each is paid once"
    assert not [text for text in work_errors() if "IntegrityError" in text], "the others wait, and try nothing"
    return acts


def test_a_queue_is_carried_out_in_turn_and_who_waits_asks_no_node(world: World) -> None:  # noqa: F811
    kims, queued = world.balance("kim"), 4
    numbers = decided(world, queued)
    world.suite.anvil.call("evm_setAutomine", False)
    try:
        for place in range(queued):
            one_block(world, place, numbers)
    finally:
        world.suite.anvil.call("evm_setAutomine", True)
    acts = carried_out_in_turn(world, queued, kims)
    blocks = [act.log.block_number for act in acts]
    assert blocks == list(range(blocks[0], blocks[0] + queued)), "an act in each block that was mined"
    gas = [_gas_used(world, bytes(act.log.transaction_hash)) for act in acts]
    assert max(gas[1:]) - min(gas[1:]) < 1_000, "the queue's length costs no act anything"
    for number in numbers:
        assert world.rest(Request.objects.get(pk=number), 1).status == Request.Status.EXECUTED


def by_the_clock(world: World) -> None:  # noqa: F811
    """Blocks come each `BLOCK_S` seconds, and the agent looks each second."""
    give_up, looked = time.monotonic() + 4 * BLOCK_S * (QUEUED + 5), 0.0
    while world.number < QUEUED and time.monotonic() < give_up:
        world.sync()
        if time.monotonic() - looked >= _LOOK_S:
            looked = time.monotonic()
            due.pay_due()
        time.sleep(0.05)


def by_looks(world: World) -> None:  # noqa: F811
    """A block is mined after each look, of whatever is due by then."""
    for _ in range(2 * QUEUED):
        if world.number >= QUEUED:
            return
        world.sync()
        due.pay_due()
        world.suite.anvil.call("evm_mine")


@pytest.mark.skipif(not MEASURED, reason="a figure by the clock, measured where MANDATE_QUEUED says of how many")
def test_many_are_carried_out_at_nearly_an_act_a_block(world: World) -> None:  # noqa: F811
    kims = world.balance("kim")
    decided(world, QUEUED)
    chain = world.suite.anvil
    chain.call("evm_setAutomine", False)
    chain.call("evm_setIntervalMining", BLOCK_S)
    try:
        by_the_clock(world) if BLOCK_S else by_looks(world)
        world.sync()
    finally:
        chain.call("evm_setIntervalMining", 0)
        chain.call("evm_setAutomine", True)
    acts = carried_out_in_turn(world, QUEUED, kims)
    blocks = [act.log.block_number for act in acts]
    gas = [_gas_used(world, bytes(act.log.transaction_hash)) for act in acts]
    rate = (QUEUED - 1) / (blocks[-1] - blocks[0]) if QUEUED > 1 else 1.0
    found = {
        "queued": QUEUED, "block_s": BLOCK_S, "acts_a_block": round(rate, 3), "blocks": blocks[-1] - blocks[0],
        "gas_least": min(gas), "gas_most": max(gas), "gas_mean": sum(gas) // len(gas),
    }  # fmt: skip
    print(json.dumps(found))
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    (results / "acts-a-block.json").write_text(json.dumps(found, indent=1) + "\n")
    assert rate >= LEAST, found


def _gas_used(world: World, transaction_hash: bytes) -> int:  # noqa: F811
    receipt = world.suite.anvil.call("eth_getTransactionReceipt", "0x" + transaction_hash.hex())
    return int(receipt["gasUsed"], 16)
