# SPDX-License-Identifier: Apache-2.0
"""A governor with rules of its own (`Odd5.sol`) on the tests' chain, with its mirror."""

import random
from collections.abc import Sequence
from typing import Any

from eth_utils import keccak

from governance import register
from governance.chain.rpc import Rpc
from governance.models import Dao, Proposal
from governance.state import ONCHAIN_STATES, State
from governance.sync import Status, sync_once
from tests.governance.governors.lives import PROPOSE, World, call

CHAIN_ID = 31337
WEIGHT = 100  # of each person, in base units of the votes token


class Odd(World):
    """`kind` says how the governor counts (`Odd5.sol`); `behind_proxy`: its code can be changed; `votes`: its token,
    of a kind that anybody can mint and delegate."""

    def __init__(
        self, anvil: Any, kind: int = 0, *, quorum: int = 10, behind_proxy: bool = False, votes: str = "Votes5"
    ):
        people = [account.lower() for account in anvil.call("eth_accounts")[:6]]
        super().__init__(anvil, Rpc([anvil.url], CHAIN_ID, attempts=1), people, random.Random(1), [])
        self.token = self._deploy(votes, *([False] if votes == "Votes5" else []))
        self.governor = self.code_of(kind)
        if behind_proxy:
            self.governor = self._deploy("Proxy5", self.governor)
        for person in people:
            self.send(person, self.token, call("mint(address,uint256)", person, WEIGHT))
            self.send(person, self.token, call("delegate(address)", person))
        self.do("setQuorum(uint256,uint8)", quorum, 0)
        slug = f"odd-{self.governor.hex()[:8]}"
        self.dao: Dao = register.add_dao(
            self.rpc, self.governor, slug=slug, name="Odd DAO", start_block=self.head()[0] - 1
        )

    def code_of(self, kind: int) -> bytes:
        """Deploy a governor that counts so; its address."""
        return self._deploy("Odd5", self.token, kind)

    def do(self, signature: str, *arguments: Any, who: int = 0) -> None:
        """Call the governor in a block of its own."""
        self.send(self.people[who], self.governor, call(signature, *arguments))
        self.mine()

    def sync(self) -> None:
        """Read up to the newest block."""
        while sync_once(self.dao, self.rpc).status is not Status.CAUGHT_UP:
            pass

    def propose(self, text: str = "# Touch it") -> Proposal:
        """A proposal whose vote has begun, read."""
        self.do(PROPOSE, [self.target], [0], [call("touch(uint256)", len(text))], text)
        self.mine(5)
        self.sync()
        return Proposal.objects.get(dao=self.dao, description=text)

    def vote(self, proposal: Proposal, who: int, support: int, parts: Sequence[int] | None = None) -> None:
        """A vote in a block of its own; `parts` as three uint128."""
        if parts is None:
            self.do("castVote(uint256,uint8)", proposal.proposal_id, support, who=who)
            return
        packed = b"".join(part.to_bytes(16, "big") for part in parts)
        signature = "castVoteWithReasonAndParams(uint256,uint8,string,bytes)"
        self.do(signature, proposal.proposal_id, support, "in parts", packed, who=who)

    def end(self, proposal: Proposal) -> None:
        """Mine until the vote is over, and read."""
        self.mine(max(1, proposal.deadline + 1 - self.head()[0]))
        self.sync()

    def execute(self, proposal: Proposal) -> None:
        """Execute it in a block of its own."""
        data = call("touch(uint256)", len(proposal.description))
        signature = "execute(address[],uint256[],bytes[],bytes32)"
        self.do(signature, [self.target], [0], [data], keccak(text=proposal.description))

    def chain_state(self, proposal: Proposal) -> State:
        """What the governor's own `state()` says now."""
        return ONCHAIN_STATES[self._ask("state(uint256)", proposal.proposal_id)[0]]

    def chain_votes(self, proposal: Proposal) -> tuple[int, ...]:
        """What the governor's own `proposalVotes()` says now: against, for, abstain."""
        return tuple(self._ask("proposalVotes(uint256)", proposal.proposal_id))

    def _ask(self, signature: str, *arguments: Any) -> list[int]:
        data = "0x" + call(signature, *arguments).hex()
        answer = bytes.fromhex(self.anvil.call("eth_call", {"to": "0x" + self.governor.hex(), "data": data})[2:])
        return [int.from_bytes(answer[at : at + 32], "big") for at in range(0, len(answer), 32)]
