# SPDX-License-Identifier: Apache-2.0
"""The scene: what all steps of a story share, and what each asks of the site, the chain and the commands."""

import json
from dataclasses import dataclass, field
from typing import Any

from eth_utils import keccak

from dao.local.governor import Proposal, ProposalOnChain
from dao.local.stack import Stack
from dao.local.story.must import until
from dao.local.story.site import Site
from dao.local.wallet import Node, Wallet
from embedded.supervisor import StackError
from governance.chain.governor import CAST_VOTE, EXECUTE, FOR, HAS_VOTED, HASH_PROPOSAL, PROPOSE, QUEUE

POLICY_ID = "payroll"


@dataclass
class Scene:
    """One running stack with its people and its DAO. `evidence` is what the step that plays now has shown."""

    stack: Stack
    node: Node
    site: Site
    wallets: dict[str, Wallet]
    slug: str = "story"
    contracts: dict[str, str] = field(default_factory=dict)
    evidence: list[tuple[str, str]] = field(default_factory=list)
    olga_signed: set[int] = field(default_factory=set)  # the requests that waited for her signature

    # What a step leaves to later ones

    real: ProposalOnChain = field(init=False)
    policy: ProposalOnChain = field(init=False)
    policy_codehash: str = field(init=False)
    roster_signed_s: int = field(init=False)  # by the chain's clock
    unpause: ProposalOnChain = field(init=False)

    @classmethod
    def of(cls, stack: Stack) -> "Scene":
        node = Node(stack.rpc_url)
        wallets = {name: Wallet.from_key(name, person.key, node) for name, person in stack.people.items()}
        return cls(stack, node, Site(stack.web_url), wallets)

    def show(self, label: str, value: Any) -> None:
        self.evidence.append((label, str(value)))

    def api(self, path: str = "") -> Any:
        return self.site.json(f"/api/v1/daos/{self.slug}{path}")

    def proposal_on_page(self, proposal: ProposalOnChain) -> dict[str, Any] | None:
        return self.site.json_or_none(f"/api/v1/daos/{self.slug}/proposals/{proposal.id}")

    def propose(self, who: str, calls: list[tuple[str, int, str]], description: str) -> ProposalOnChain:
        proposal, governor = Proposal(tuple(calls), description), self.contracts["governor"]
        receipt = self.wallets[who].invoke(governor, PROPOSE, proposal.arguments)
        return ProposalOnChain(
            proposal.calls,
            proposal.text,
            self.node.call(governor, HASH_PROPOSAL, proposal.hashed, ["uint256"]),
            int(receipt["blockNumber"], 16),
            receipt["transactionHash"],
        )

    def governor(self, signature: str, arguments: list[Any], returns: list[str]) -> Any:
        return self.node.call(self.contracts["governor"], signature, arguments, returns)

    def open_voting(self, proposal: ProposalOnChain) -> None:
        snapshot = self.governor("proposalSnapshot(uint256)", [proposal.id], ["uint256"])
        self.node.advance(max(0, snapshot - self.node.time()) + 2)
        until(
            "the page that lets people vote",
            lambda: (self.proposal_on_page(proposal) or {}).get("state"),
            lambda state: state == "Active",
        )

    def pass_and_execute(self, proposal: ProposalOnChain, voters: tuple[str, ...] = ("ada", "ben")) -> str:
        """Vote for, wait out the vote, queue, wait out the timelock, execute: returns the last transaction's hash."""
        governor = self.contracts["governor"]
        self.open_voting(proposal)
        for voter in voters:
            if not self.governor(HAS_VOTED, [proposal.id, self.wallets[voter].address], ["bool"]):
                self.wallets[voter].invoke(governor, CAST_VOTE, [proposal.id, FOR])
        deadline = self.governor("proposalDeadline(uint256)", [proposal.id], ["uint256"])
        self.node.advance(max(0, deadline - self.node.time()) + 2)
        self.wallets["ada"].invoke(governor, QUEUE, proposal.hashed)
        eta = self.governor("proposalEta(uint256)", [proposal.id], ["uint256"])
        self.node.advance(max(0, eta - self.node.time()) + 2)
        return self.wallets["ada"].invoke(governor, EXECUTE, proposal.hashed)["transactionHash"]

    def balance(self, address: str) -> int:
        """In base units of the test USDC, from the chain."""
        return self.node.call(self.contracts["usdc"], "balanceOf(address)", [address], ["uint256"])

    def policy_state(self) -> tuple[str, int, int, int, int]:
        """(pointer, version, number, last act, end) of the payroll policy, from the chain."""
        return self.node.call(
            self.contracts["module"],
            "policyState(bytes32)",
            [keccak(text=POLICY_ID)],
            ["address", "uint16", "uint24", "uint32", "uint40"],
        )

    def codehash(self) -> bytes:
        code = self.node.request("eth_getCode", self.policy_state()[0], "latest")
        return keccak(hexstr=code)

    # Commands, as an operator would run them

    def manage(self, *arguments: str) -> Any:
        return json.loads(self.manage_text(*arguments))

    def manage_text(self, *arguments: str) -> str:
        return self.stack.manage(*arguments, seconds=60)

    def is_refused(self, *arguments: str) -> bool:
        try:
            self.manage_text(*arguments)
        except StackError as error:
            return "Traceback" not in str(error)
        return False
