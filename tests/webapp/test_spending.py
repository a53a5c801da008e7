# SPDX-License-Identifier: Apache-2.0
"""What is spent of a budget, from the module on a real chain to the page: lost and read again in a reorg."""

import pytest

from governance import readings
from tests.governance.conftest import POLICY_ID, USDC, local_chain, mirror, payroll  # noqa: F401 -- fixtures
from tests.governance.test_life import act, payment

pytestmark = pytest.mark.django_db


def budget(client) -> dict:
    (policy,) = client.get("/api/v1/daos/mandate/policies").json()
    return policy["budgets"][0]


def gauge(client, path: str) -> str:
    return client.get(f"/mandate/{path}").content.decode()


@pytest.mark.parametrize("path", ["", "policies/"])
def test_the_page_shows_what_was_spent_at_a_block(client, mirror, payroll, path):  # noqa: F811
    d = mirror.deployed
    d.set_policy(POLICY_ID, payroll())
    mirror.sync()
    assert budget(client)["spent"] is None
    assert "What is spent of it is not known yet" in gauge(client, path)
    act(mirror, "execute", 1, [payment(mirror, "ines", 700)])
    mirror.sync()
    readings.read(mirror.dao, mirror.rpc)
    block = int(d.anvil.call("eth_blockNumber"), 16)
    assert budget(client)["spent"] == str(700 * USDC)
    assert budget(client)["read_at_block"] == block
    shown = gauge(client, path)
    assert "700 USDC spent of 5,000 USDC" in shown
    assert f"Read from the policy module at block {block}, " in shown
    d.anvil.call("anvil_rollback", 1)
    d.anvil.mine(2)
    mirror.sync()
    assert budget(client)["spent"] is None
    assert "What is spent of it is not known yet" in gauge(client, path)
    readings.read(mirror.dao, mirror.rpc)
    assert budget(client)["spent"] == "0"
    assert "in force</span>" in gauge(client, "policies/")


def test_what_left_the_window_is_not_counted_at_the_block_that_was_read(client, mirror, payroll):  # noqa: F811
    """The ring is as old as its last charge; what counts is judged by the time of the block at which it was read."""
    d = mirror.deployed
    d.set_policy(POLICY_ID, payroll())
    mirror.sync()
    act(mirror, "execute", 1, [payment(mirror, "ines", 700)])
    d.anvil.wind(40 * 86_400)
    mirror.sync()
    readings.read(mirror.dao, mirror.rpc)
    assert budget(client)["spent"] == "0"
