# SPDX-License-Identifier: Apache-2.0
"""Each template acted out as `manage.py demo_act` does it: by a vote, on stand-ins that are named so, to the log."""

from pathlib import Path

import pytest
from django.test import Client

from agent.models import Request
from dao.local.acting_out import TEMPLATES, ActingOut
from dao.local.wallet import Node, Wallet
from governance.chain.address import checksum
from governance.models import Act
from policies.code.encoding import policy_id
from tests.agent.acting import World, world  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = sorted(path.stem for path in TEMPLATES.glob("*.yaml"))
STAND_INS = {
    "metagovernance": ["stand-in governor", "other stand-in governor"], "streams": ["stand-in streams"],
    "swaps": ["stand-in router", "siWETH"], "yield": ["siUSDC"],
}  # fmt: skip


class WoundNode(Node):
    """The tests' chain, whose clock they wind themselves."""

    def __init__(self, world: World) -> None:  # noqa: F811
        super().__init__(world.suite.url)
        self._world = world

    def advance(self, seconds: int) -> None:
        self._world.suite.anvil.wind(seconds)


def test_there_are_eight() -> None:
    assert len(NAMES) == 8


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_acted_out(world: World, tmp_path: Path, client: Client, name: str) -> None:  # noqa: F811
    suite, node, said = world.suite, WoundNode(world), []
    suite.anvil.wind(1)  # a proposer's votes count as of a second ago, and they were delegated in this one
    wallets = {who: Wallet.from_key(who, account.key, node) for who, account in suite.accounts.items()}
    contracts = {key: checksum(address) for key, address in suite.addresses.items()}
    before = suite.read("usdc", "balanceOf", checksum(suite.address("treasury")))
    acting = ActingOut(node, wallets, contracts, world.dao, tmp_path, said.append, world.step)
    request = acting.act_out(name)
    assert request.status == Request.Status.EXECUTED
    act = Act.objects.get(dao=world.dao, policy_id=policy_id(name))
    assert act.status in (Act.Status.EXECUTED, Act.Status.RELEASED)
    spent = before - suite.read("usdc", "balanceOf", checksum(suite.address("treasury")))
    assert (spent > 0) is (name != "metagovernance")
    page = client.get("/acting/policies/").content.decode()
    assert ("On stand-ins of the demo" in page) is (name in STAND_INS)
    assert [title for title in STAND_INS.get(name, []) if title not in page] == []
    # A second act is under the same policy, whose vote is not held again.
    votes, done = sum("vote on" in line for line in said), len(said)
    assert votes == 1
    world.wind(86_400)
    assert acting.act_out(name).status == Request.Status.EXECUTED
    assert not [line for line in said[done:] if "propose" in line or "stand-in" in line or "executed:" in line]
