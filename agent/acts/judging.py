# SPDX-License-Identifier: Apache-2.0
"""One act held against policy and chain: evaluate in Python and ask the module itself, at one and the same block.

The two must agree. Where they can't both be right, the local kill switch (`AgentHalt`) stands until an operator clears
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from django.db import transaction

from agent.acts.calls import calls_hash
from agent.acts.halts import Halted
from agent.acts.policy import Pinned, PolicyInForce
from agent.acts.simulate import Simulation, act_calldata, disagree, release_calldata, simulate
from agent.acts.words import say
from agent.models import AgentHalt
from governance.audit_log import Action, record
from governance.chain.address import checksum
from governance.chain.rpc import Rpc
from governance.models import Dao
from governance.sentences import Sentence
from policies.answer import evaluate as evaluation
from policies.answer.evaluate import Allowed, Mode, PolicyState, Reason, Refused
from policies.code.call import Call
from policies.code.policy_code import PolicyCode
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_text
from policies.words import explain

# Refusals that end by themselves: the request waits in place of being refused.
PASSING = frozenset({"Cooling", "NotStarted", "TooManyPending", "Quiet", "Locked"})
_ANY_DECISION = b"\x01" * 32  # the module wants one that is not zero; which one changes nothing that it checks


@dataclass(frozen=True, slots=True)
class Words:
    """What is lent to refusals so that people can read them. Names are none of it: refusals are public, and who is who
    on a roster is not."""

    tokens: Sequence[Token]
    native: Token  # the chain's native currency

    def reason(self, refusal: Reason, policy: PolicyInForce) -> str:
        tokens = {token.address: token for token in self.tokens}
        tokens[self.native.address] = self.native
        return explain.reason(refusal, policy.code, {}, tokens)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether an act may be made at a block, and how. `scheduled`: only with an objection window."""

    mode: Mode
    answer: Allowed | Refused
    simulation: Simulation  # of the same calls, at the same block

    @property
    def allowed(self) -> bool:
        return isinstance(self.answer, Allowed) and self.simulation.ok

    @property
    def scheduled(self) -> bool:
        return self.mode is Mode.SCHEDULE

    @property
    def passing(self) -> bool:
        """Whether every reason against it ends by itself."""
        names = [reason.error for reason in self.answer.reasons] if isinstance(self.answer, Refused) else []
        return bool(names or not self.simulation.ok) and set(names or [self.simulation.name]) <= PASSING


def judge(policy: PolicyInForce, pinned: Pinned, rpc: Rpc, calls: Sequence[Call]) -> Judgement:
    """Instant if the policy lets it, else with an objection window, else refused; the module is asked the same.

    Raises Halted when evaluator and module disagree, RpcError when the node fails.
    """
    mode = Mode.EXECUTE
    answer = evaluation.evaluate(policy.code, pinned.state, calls, pinned.now_chain_s, mode)
    if isinstance(answer, Refused) and {reason.error for reason in answer.reasons} - PASSING == {"OverInstant"}:
        mode = Mode.SCHEDULE
        answer = evaluation.evaluate(policy.code, pinned.state, calls, pinned.now_chain_s, mode)
    calldata = act_calldata(
        mode is Mode.SCHEDULE, policy.policy_id, policy.codehash, pinned.number + 1, calls, _ANY_DECISION
    )
    asked = simulate(rpc, policy.code.agent, policy.module, calldata, pinned.block.hash, f"{pinned.block.number}")
    _must_agree(policy, pinned, calls, answer, asked)
    return Judgement(mode, answer, asked)


def judge_release(
    policy: PolicyInForce, pinned: Pinned, rpc: Rpc, number: int, calls: Sequence[Call], decision: bytes
) -> Judgement:
    """Whether a scheduled act may be released at the block. Raises as `judge`."""
    answer = evaluation.evaluate(policy.code, pinned.state, calls, pinned.now_chain_s, Mode.RELEASE)
    asked = simulate(
        rpc,
        policy.code.agent,
        policy.module,
        release_calldata(policy.policy_id, number, calls, decision),
        pinned.block.hash,
        f"{pinned.block.number}",
    )
    if asked.name not in ("NotPending", "NotYet", "Expired", "Voided", "OtherCalls"):  # not known to the evaluator
        _must_agree(policy, pinned, calls, answer, asked)
    return Judgement(Mode.RELEASE, answer, asked)


def _must_agree(
    policy: PolicyInForce, pinned: Pinned, calls: Sequence[Call], answer: Allowed | Refused, asked: Simulation
) -> None:
    if not disagree(answer, asked):
        return
    said = "allows" if isinstance(answer, Allowed) else f"refuses ({answer.reasons[0].error})"
    halt(
        policy.dao,
        say("disagreement", evaluator=said, module="allows" if asked.ok else asked.text),
        {
            "block": str(pinned.block.number),
            "block_hash": hex_text(pinned.block.hash),
            "policy_id": hex_text(policy.policy_id),
            "codehash": hex_text(policy.codehash),
            "module": checksum(policy.module),
            "calls_hash": hex_text(calls_hash(calls)),
        },
    )


def halt(dao: Dao, why: Sentence, facts: dict[str, Any]) -> NoReturn:
    """Set the kill switch and raise Halted. It stands until `manage.py agent clear-halt`."""
    with transaction.atomic():
        AgentHalt.objects.create(
            dao=dao, reason=str(why)[:400], reason_code=why.code, reason_values=why.values_json(), facts=facts
        )
        record(Action.AGENT_STOPPED, dao, reason=why.code, facts=facts)
    raise Halted(why)


def standing_halt(dao: Dao) -> AgentHalt | None:
    """The kill switch, if it stands."""
    return AgentHalt.objects.filter(dao=dao, cleared_at=None).order_by("id").first()


def refusal(judgement: Judgement, policy: PolicyInForce, words: Words) -> Sentence:
    """Every reason against the act, as one sentence."""
    return say("policy_refuses", reasons=refusal_json(judgement, policy, words))


def refusal_json(judgement: Judgement, policy: PolicyInForce, words: Words) -> list[dict[str, Any]]:
    """Every reason against the act: the module's error, its values as text, and the sentence for people."""
    if isinstance(judgement.answer, Allowed):
        if judgement.simulation.ok:
            return []
        return [
            {
                "code": judgement.simulation.name or "Unknown",
                "text": _of_the_chain(judgement.simulation, policy, words),
            }
        ]
    return [
        {
            "code": reason.error,
            "text": words.reason(reason, policy),
            "value": None if reason.value is None else str(reason.value),
            "limit": None if reason.limit is None else str(reason.limit),
            "call": reason.call,
            "rule": reason.rule,
            "clause": reason.clause,
            "budget": None if reason.budget is None else policy.code.budgets[reason.budget].label,
        }
        for reason in judgement.answer.reasons
    ]


def _of_the_chain(said: Simulation, policy: PolicyInForce, words: Words) -> str:
    """What the chain has against an act that the policy allows."""
    if said.until_s is not None:
        return words.reason(Reason(said.name, (said.until_s,), limit=said.until_s), policy)
    if said.call is not None:
        code = "target_refuses" if said.said else "target_refuses_silently"
        return say(code, call=said.call + 1, said=said.said)
    return say("chain_refuses", error=said.text)


def headroom_json(code: PolicyCode, state: PolicyState, now_chain_s: int) -> list[dict[str, str]]:
    """What each budget has left, in base units: at once, and with an objection window."""
    return [
        {
            "budget": code.budgets[row.budget].label,
            "asset": checksum(code.budgets[row.budget].asset),
            "left": str(code.budgets[row.budget].base_units(row.units)),
            "left_instant": str(code.budgets[row.budget].base_units(row.instant_units)),
        }
        for row in evaluation.headroom(code, state, now_chain_s)
    ]


def evaluation_json(code: PolicyCode, mode: Mode, answer: Allowed) -> dict[str, Any]:
    """An evaluation as it stands in a decision record; charges and what is left after them in base units."""
    return {
        "mode": mode.value,
        "band": answer.band,
        "charges": {
            code.budgets[index].label: str(code.budgets[index].base_units(units))
            for index, units in answer.charges.items()
        },
        "left_after": [
            {
                "budget": code.budgets[row.budget].label,
                "left": str(code.budgets[row.budget].base_units(row.units)),
                "left_instant": str(code.budgets[row.budget].base_units(row.instant_units)),
            }
            for row in answer.headroom
        ],
    }
