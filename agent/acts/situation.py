# SPDX-License-Identifier: Apache-2.0
"""What is known of a request at one step: one value, each part of it read once, that grows as more is found out."""

from dataclasses import dataclass

from agent.acts.calls import calls_from_json
from agent.acts.judging import Judgement, Words
from agent.acts.policy import Pinned, PolicyInForce, read_pinned
from agent.models import Candidate, Plan, Request
from governance.chain.native import native_token
from governance.chain.rpc import Rpc
from policies.code.call import Call
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_bytes


@dataclass(frozen=True)
class Situation:
    """The request, its policy as the mirror knows it, and the module's state as the chain has it at one block."""

    request: Request
    policy: PolicyInForce
    pinned: Pinned

    def chosen(self, plan: Plan, candidate: Candidate, words: Words) -> "Chosen":
        """The same for one candidate. Raises ValueError or KeyError for stored calls that are not in their form."""
        return Chosen(self.request, self.policy, self.pinned, plan, candidate, calls_from_json(candidate.calls), words)


@dataclass(frozen=True)
class Chosen(Situation):
    """A situation with one candidate of the request's plan, and what is lent to refusals of it."""

    plan: Plan
    candidate: Candidate
    calls: tuple[Call, ...]
    words: Words

    def judged(self, judgement: Judgement) -> "Judged":
        """The same with what policy and chain say of the candidate's calls."""
        return Judged(
            self.request, self.policy, self.pinned, self.plan, self.candidate, self.calls, self.words, judgement
        )


@dataclass(frozen=True)
class Judged(Chosen):
    """A situation with a candidate whose calls were held against policy and chain."""

    judgement: Judgement


def read(request: Request, policy: PolicyInForce, rpc: Rpc) -> Situation:
    """Ask the chain for the module's state, all of it at one block. Raises RpcError."""
    return Situation(request, policy, read_pinned(policy, rpc))


def words_of(request: Request, plan: Plan) -> Words:
    """Return the tokens that the planner knew, which are lent to refusals of a stored candidate."""
    return Words(
        [
            Token(token["symbol"], hex_bytes(token["asset"]), int(token["decimals"]))
            for token in plan.inputs.get("tokens", [])
        ],
        native_token(request.dao.chain_id),
    )
