# SPDX-License-Identifier: Apache-2.0
"""How members of a local DAO decide something: the steps of a vote as signed transactions, the chain's clock wound."""

from collections.abc import Callable, Mapping

from dao.local.founding import FoundingError
from dao.local.governor import ACTIVE, EXECUTED, QUEUED, SUCCEEDED, Proposal
from dao.local.wallet import Node, Wallet
from governance.chain.governor import CAST_VOTE_WITH_REASON, EXECUTE, HAS_VOTED, HASH_PROPOSAL, PROPOSE, QUEUE, STATE


class Voting:
    """The steps of a vote; each looks first whether it is done."""

    def __init__(self, node: Node, wallets: Mapping[str, Wallet], governor: str, say: Callable[[str], None]) -> None:
        self._node, self._wallets, self.governor, self._say = node, wallets, governor, say

    def propose(self, who: str, proposal: Proposal) -> None:
        if self._snapshot(proposal) == 0:
            self._wallets[who].invoke(self.governor, PROPOSE, proposal.arguments)
            self._say(f"  {who} proposes: {proposal.title}")

    def open(self, proposal: Proposal) -> None:
        self._wind_past(self._snapshot(proposal))

    def vote(self, proposal: Proposal, votes: dict[str, tuple[int, str]]) -> None:
        if self._state(proposal) != ACTIVE:
            return  # an earlier run got further
        for who, (support, reason) in votes.items():
            arguments = [self._id(proposal), self._wallets[who].address]
            if not self._node.call(self.governor, HAS_VOTED, arguments, ["bool"]):
                cast = [self._id(proposal), support, reason]
                self._wallets[who].invoke(self.governor, CAST_VOTE_WITH_REASON, cast)
        self._say(f"  {', '.join(votes)} {'votes' if len(votes) == 1 else 'vote'} on: {proposal.title}")

    def queue(self, proposal: Proposal) -> None:
        if self._state(proposal) == ACTIVE:
            deadline = self._node.call(self.governor, "proposalDeadline(uint256)", [self._id(proposal)], ["uint256"])
            self._wind_past(deadline)
        if self._state(proposal) == SUCCEEDED:
            self._wallets["relayer"].invoke(self.governor, QUEUE, proposal.hashed)
            self._say(f"  queued in the timelock: {proposal.title}")
        if self._state(proposal) not in (QUEUED, EXECUTED):
            raise FoundingError(f"the vote on {proposal.title!r} went wrong: run `make demo-reset` and begin anew")

    def carry_out(self, proposal: Proposal) -> None:
        self.queue(proposal)
        if self._state(proposal) == QUEUED:
            self._wind_past(self._node.call(self.governor, "proposalEta(uint256)", [self._id(proposal)], ["uint256"]))
            self._wallets["relayer"].invoke(self.governor, EXECUTE, proposal.hashed)
            self._say(f"  executed: {proposal.title}")

    # What the chain says

    def _id(self, proposal: Proposal) -> int:
        return self._node.call(self.governor, HASH_PROPOSAL, proposal.hashed, ["uint256"])

    def _snapshot(self, proposal: Proposal) -> int:
        return self._node.call(self.governor, "proposalSnapshot(uint256)", [self._id(proposal)], ["uint256"])

    def _state(self, proposal: Proposal) -> int:
        return self._node.call(self.governor, STATE, [self._id(proposal)], ["uint8"])

    def _wind_past(self, timestamp_chain_s: int) -> None:
        """Wind the chain's clock just past a time, where it is not there yet."""
        ahead = timestamp_chain_s + 1 - self._node.time()
        if ahead > 0:
            self._node.advance(ahead)
