# SPDX-License-Identifier: Apache-2.0
"""How fast a queue of decided requests is carried out: acts a block, on a chain that mines by the clock.

    MANDATE_QUEUED=1000 python -m pytest -s -n 0 tests/agent/test_acts_a_block.py

The mirror reads without a pause and acts are looked at each second, as beat has it. `MANDATE_QUEUED` requests (4 in
`make test`) are planned and signed by the operator before the clock starts; `MANDATE_BLOCK_S` is a block's seconds.
What was measured is printed, and kept in bench/results/acts-a-block.json where it was asked for.
"""

import json
import os
import time

import pytest

from agent.acts import due
from agent.models import Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.models import Act, OutgoingTransaction
from tests.agent.acting import POLICY_ID, World, payroll, work_errors, world  # noqa: F401
from tests.agent.test_acts_by_form import exactly
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
QUEUED = int(os.environ.get("MANDATE_QUEUED", "4"))
BLOCK_S = int(os.environ.get("MANDATE_BLOCK_S", "4"))
LEAST = 0.8
_LOOK_S = 1.0  # beat's pause between two looks at acts (dao/celery.py)


def decided(world: World) -> list[int]:  # noqa: F811
    """Have so many requests planned and signed: each pays kim another amount."""
    numbers = []
    for place in range(QUEUED):
        request = world.ask(f"kim, {place}", by="olga", act=exactly(world, "kim", place + 1))
        numbers.append(request.pk)
        work.run_one(PLAN_WORK, str(request.pk))
        request.refresh_from_db()
        assert request.status == Request.Status.NEEDS_APPROVAL, (request.reason, work_errors())
        world.approve(request)
    return numbers


def test_a_queue_is_carried_out_at_nearly_an_act_a_block(world: World) -> None:  # noqa: F811
    world.suite.set_policy(POLICY_ID, payroll(world.suite, cooldown="none"))
    world.sync()
    before = world.balance("kim")
    numbers = decided(world)
    chain = world.suite.anvil
    chain.call("evm_setAutomine", False)
    chain.call("evm_setIntervalMining", BLOCK_S)
    try:
        give_up, looked = time.monotonic() + 4 * BLOCK_S * (QUEUED + 5), 0.0
        while world.number < QUEUED and time.monotonic() < give_up:
            world.sync()
            if time.monotonic() - looked >= _LOOK_S:
                looked = time.monotonic()
                due.pay_due()
            time.sleep(0.05)
        world.sync()
    finally:
        chain.call("evm_setIntervalMining", 0)
        chain.call("evm_setAutomine", True)
    acts = Act.objects.filter(dao=world.dao).order_by("number").select_related("log")
    blocks = [act.log.block_number for act in acts]
    assert [act.number for act in acts] == list(range(1, QUEUED + 1)), "no gap among the acts"
    sent = OutgoingTransaction.objects.order_by("nonce")
    nonces = list(sent.values_list("nonce", flat=True))
    assert nonces == list(range(nonces[0], nonces[0] + QUEUED)), "nor among the transactions, each sent once"
    assert world.balance("kim") - before == QUEUED * (QUEUED + 1) // 2, "each is paid once"
    assert not [text for text in work_errors() if "IntegrityError" in text], "the others wait, and try nothing"
    gas = [_gas_used(world, bytes(act.log.transaction_hash)) for act in acts]
    rate = (QUEUED - 1) / (blocks[-1] - blocks[0]) if QUEUED > 1 else 1.0
    found = {
        "queued": len(numbers), "block_s": BLOCK_S, "acts_a_block": round(rate, 3), "blocks": blocks[-1] - blocks[0],
        "gas_least": min(gas), "gas_most": max(gas), "gas_mean": sum(gas) // len(gas),
    }  # fmt: skip
    print(json.dumps(found))
    if "MANDATE_QUEUED" in os.environ:
        results = ROOT / "bench" / "results"
        results.mkdir(exist_ok=True)
        (results / "acts-a-block.json").write_text(json.dumps(found, indent=1) + "\n")
    assert rate >= LEAST, found


def _gas_used(world: World, transaction_hash: bytes) -> int:  # noqa: F811
    receipt = world.suite.anvil.call("eth_getTransactionReceipt", "0x" + transaction_hash.hex())
    return int(receipt["gasUsed"], 16)
