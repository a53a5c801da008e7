# SPDX-License-Identifier: Apache-2.0
"""A DAO on a real local chain with its mirror, and what people do with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from eth_utils import keccak

from governance import register
from governance.chain.rpc import Rpc
from governance.models import Dao, Proposal
from governance.sync import SyncResult, sync_once
from policies.code import encoding
from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source

CHAIN_ID = 31337
USDC = 10**6
POLICY_ID = keccak(text="payroll")
TRANSFER = keccak(text="transfer(address,uint256)")[:4]


@dataclass
class Mirror:
    """A deployed DAO and its mirror."""

    dao: Dao
    rpc: Rpc
    deployed: Any

    def sync(self) -> SyncResult:
        return sync_once(self.dao, self.rpc)

    def delegate(self, **who: str) -> None:
        for delegator, delegate in who.items():
            self.deployed.send(delegator, "votes_token", "delegate", self.deployed.address(delegate))

    def propose(self, who: str, description: str, calls: list[tuple[bytes, int, bytes]]) -> int:
        """Sends `propose`; the proposal's id as the governor hashes it."""
        targets, values, datas = ([c[i] for c in calls] for i in range(3))
        self.deployed.send(who, "governor", "propose", targets, values, datas, description)
        return self.deployed.read("governor", "hashProposal", targets, values, datas, keccak(text=description))

    def follow_through(self, who: str, function: str, description: str, calls: list[tuple[bytes, int, bytes]]) -> None:
        """Sends `queue` or `execute`."""
        targets, values, datas = ([c[i] for c in calls] for i in range(3))
        self.deployed.send(who, "governor", function, targets, values, datas, keccak(text=description))

    def proposal(self, proposal_id: int) -> Proposal:
        return Proposal.objects.get(dao=self.dao, proposal_id=proposal_id)


@pytest.fixture
def local_chain(settings, deployed):
    settings.LOCAL_CHAIN_ID = CHAIN_ID
    settings.RPC_URLS = {CHAIN_ID: [deployed.url]}
    return deployed


@pytest.fixture
def mirror(local_chain) -> Mirror:
    """The DAO as freshly deployed, registered, nothing read yet. Needs the database mark of the test."""
    deployed = local_chain
    rpc = Rpc([deployed.url], CHAIN_ID, attempts=1)
    dao = register.add_dao(
        rpc, deployed.addresses["governor"], slug="mandate", name="Mandate DAO", module=deployed.addresses["module"],
        assets=[deployed.addresses["usdc"]], start_block=deployed.start_block,
    )  # fmt: skip
    return Mirror(dao, rpc, deployed)


@pytest.fixture
def payroll(mirror) -> Callable[..., bytes]:
    """Policy code: the agent may send 1,000 USDC at most a call to ines or jon; 3,000 at once and 5,000 in 24 days."""

    def code(**changes: Any) -> bytes:
        d = mirror.deployed
        people = tuple(sorted(int.from_bytes(d.address(name), "big") for name in ("ines", "jon")))
        policy = {
            "agent": d.address("agent"), "operator": d.address("olga"), "start_s": d.anvil.now - 10,
            "end_s": (d.anvil.now // 3600 + 24 * 365) * 3600, "cooldown_s": 0, "objection_delay_s": 3600,
            "release_window_s": 86400, "objection_threshold_bps": 1000, "document_hash": keccak(text="payroll"),
            "budgets": (
                Budget(Scope.POLICY, d.addresses["usdc"], 3, 24 * 86400, 3000 * USDC // 1000, 5000 * USDC // 1000,
                       b"payroll".ljust(32, b"\0")),
            ),
            "lists": (people,),
            "rules": (
                Rule(d.addresses["usdc"], TRANSFER, False, True, 2,
                     (Clause(0, Kind.IN_LIST, 0), Clause(1, Kind.AT_MOST, 1000 * USDC)),
                     (Charge(0, Source.ARGUMENT, 1),)),
            ),
        }  # fmt: skip
        return encoding.pack(PolicyCode(**{**policy, **changes}))

    return code
