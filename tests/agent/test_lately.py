# SPDX-License-Identifier: Apache-2.0
"""What the payees of a one-off were paid lately: on which day, by which act, and what is still to come."""

from datetime import UTC, datetime

import pytest

from agent.models import Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.chain.address import checksum
from governance.models import Act
from presentation import words
from presentation.dao_view import DaoView
from tests.agent.acting import POLICY_ID, World, world  # noqa: F401
from tests.conftest import DAY_S
from webapp.agent.asked import request_view

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_was_announced_was_paid_on_the_day_of_its_release(world: World) -> None:  # noqa: F811
    world.sign_roster()
    assert world.rest(world.ask(world.november())).status == Request.Status.EXECUTED
    world.wind(120)
    assert world.settle(world.ask("pay jon 1,500 USDC"), 4).status == Request.Status.SCHEDULED
    act, jon = world.acts()[-1], checksum(world.address("jon"))
    policy = f"policy 0x{POLICY_ID.hex()[:8]}"
    announced = datetime.fromtimestamp(act.log.block_timestamp_chain_s, UTC).strftime("%Y-%m-%d")
    asked = world.rest(world.ask("pay jon 300 USDC"), 1)
    warning = f"act {act.number} of {policy}, announced on {announced}, is to pay {jon} 1,500 USDC"
    assert warning in asked.candidates.get().differences
    world.wind(3 * DAY_S)
    world.step()
    act.refresh_from_db()
    assert act.status == Act.Status.RELEASED
    released = datetime.fromtimestamp(act.final_log.block_timestamp_chain_s, UTC).strftime("%Y-%m-%d")
    assert released != announced
    asked = world.rest(world.ask("pay jon 301 USDC"), 1)
    assert f"{jon} was paid 1,500 USDC on {released}, by act {act.number} of {policy}" in (
        asked.candidates.get().differences
    )
    [newest, *_] = request_view(DaoView(world.dao), asked.pk, None)["payments"]
    assert (newest["act"].pk, newest["when"]) == (act.pk, words.moment(act.final_log.block_timestamp_chain_s))


def test_what_was_announced_and_is_over_is_to_pay_nobody(world: World) -> None:  # noqa: F811
    world.sign_roster()
    assert world.rest(world.ask(world.november())).status == Request.Status.EXECUTED
    world.wind(120)
    assert world.settle(world.ask("pay jon 1,500 USDC"), 4).status == Request.Status.SCHEDULED
    world.wind(8 * DAY_S)  # nobody released it in time
    world.suite.anvil.mine(100)
    world.sync()
    asked = world.ask("pay jon 300 USDC")
    work.run_due(PLAN_WORK)
    assert "is to pay" not in " ".join(asked.candidates.get().differences)
    assert "was paid 1,000 USDC" in " ".join(asked.candidates.get().differences)
