# SPDX-License-Identifier: Apache-2.0
"""The vote that puts a module to use: its text and calls, what they would do now, and the way back.

What a vote can't do (a Safe that people own) is a batch for the Safe's owners beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from governance.capabilities import BY_NUMBER
from governance.chain import abi, safe
from governance.chain.address import checksum
from governance.chain.call import ProposedCall
from governance.chain.governor import propose_call
from governance.chain.module import policy_question, read_policy
from governance.chain.reverts import revert_words
from governance.chain.rpc import Answered, CallReverted, Rpc
from governance.installing.situation import Kind, Situation
from governance.installing.words import NotInstalled
from policies.code import encoding
from policies.code.policy_code import PolicyCode
from policies.notation.hexadecimal import hex_bytes, hex_text

_IS_ENABLED = "isModuleEnabled(address)"
_DISABLE = "disableModule(address)"  # of our Treasury
UNPAUSE = "unpause()"
MOST_DOCUMENT_BYTES = 24_000  # in a proposal's text: nodes refuse transactions of more than 128 KiB


@dataclass(frozen=True)
class Policy:
    """A policy to set: its name in the module, its code and the code's bytes."""

    name: str
    code: PolicyCode
    raw: bytes

    @property
    def id(self) -> bytes:
        """Its 32 bytes in the module."""
        return encoding.policy_id(self.name)


@dataclass(frozen=True)
class Composed:
    """What is to happen, in order: `voted` by the DAO's vote, `signed` by the Safe's owners.

    `way_back` undoes it, by the same hands as enabled it. `maker` is who makes the voted calls.
    """

    maker: bytes
    voted: tuple[ProposedCall, ...]
    signed: tuple[ProposedCall, ...]
    way_back: tuple[ProposedCall, ...]
    way_back_is_voted: bool
    is_enabled_already: bool


@dataclass(frozen=True)
class Trial:
    """What the calls would do at `block`. `together` says that each saw what those before it did; `problems` are by
    call, None where it would go through; `is_enabled` and `in_force` are the module's answers behind them, None where
    the node can't run calls together."""

    block: int
    together: bool
    problems: tuple[str | None, ...]
    is_enabled: bool | None
    in_force: bool | None


def compose(rpc: Rpc, found: Situation, module: bytes, policy: Policy | None, *, unpause: bool = False) -> Composed:
    """Make the calls that enable a module where it is not enabled yet, set a policy, and lift a pause.

    Raises:
        NotInstalled: no vote and no owners can do it, or nothing is left to do.
        RpcError: the node failed.
    """
    holder = found.holder.address
    enabled = rpc.eth_call(holder, abi.encode_call(_IS_ENABLED, [module]), found.block)[-1:] == b"\1"
    on_module = []
    if policy is not None:
        on_module.append(ProposedCall(module, 0, b"", encoding.set_policy_calldata(policy.id, policy.raw)))
    if unpause:
        on_module.append(ProposedCall(module, 0, b"", abi.encode_call(UNPAUSE)))
    enabling = [] if enabled else [ProposedCall(holder, 0, b"", abi.encode_call(safe.ENABLE_MODULE, [module]))]
    if not enabling and not on_module:
        raise NotInstalled("nothing_to_propose", module=checksum(module))
    disabling = ProposedCall(holder, 0, b"", _disable(found, module, enabled))
    if found.holder.kind is Kind.TREASURY:
        if enabling and found.holder.owner != found.owner:
            raise NotInstalled("treasury_of_another", owner=checksum(found.holder.owner or bytes(20)))
        return Composed(found.owner, (*enabling, *on_module), (), (disabling,), True, enabled)
    if found.governor is None:
        return Composed(found.owner, (), (*enabling, *on_module), (disabling,), False, enabled)
    if found.vote_moves_safe:
        by_vote = [safe.by_owner(holder, found.owner, call) for call in enabling]
        back = safe.by_owner(holder, found.owner, disabling)
        return Composed(found.owner, (*by_vote, *on_module), (), (back,), True, enabled)
    return Composed(found.owner, tuple(on_module), tuple(enabling), (disabling,), False, enabled)


def _disable(found: Situation, module: bytes, enabled: bool) -> bytes:
    """The calldata that takes the module out again. Safe's list is linked: it is told what lies before the module, the
    newest lies first."""
    if found.holder.safe is None:
        return abi.encode_call(_DISABLE, [module])
    before = safe.FIRST
    if enabled:
        listed = found.holder.safe.modules or ()
        if module in listed and listed.index(module):
            before = listed[listed.index(module) - 1]
    return abi.encode_call(safe.DISABLE_MODULE, [before, module])


def propose_calldata(found: Situation, calls: Sequence[ProposedCall], text: str) -> bytes | None:
    """Return the calldata of `propose`; None for a governor whose `propose` is not known."""
    if found.family != "openzeppelin" and found.family not in BY_NUMBER:
        return None
    return propose_call(calls, text, by_number=found.family in BY_NUMBER)


def text_of(
    found: Situation,
    module: bytes,
    composed: Composed,
    policy: Policy | None,
    lines: Sequence[str],
    document: str = "",
) -> str:
    """Return a text for the proposal that says what its calls do; `lines` say what the policy permits.

    `document` is the policy as it is published. Sites look for it in the text: its names, tokens and people stand in
    no code, and without it pages show addresses and base units.
    """
    enables = any(_enables(call) for call in composed.voted)
    title = f"Put the policy “{policy.name}” in force" if policy else "Let a policy module act"
    said = [f"# {title}"]
    if enables:
        said += [
            "",
            f"This lets the policy module {checksum(module)} act for {checksum(found.holder.address)}. The module "
            "makes only calls that a policy permits which members voted for.",
        ]
    if policy is not None:
        where = "" if enables else f" in the policy module {checksum(module)}"
        said += ["", f"It puts the policy “{policy.name}” in force{where}:", "", *(f"- {line}" for line in lines)]
    if any(call.calldata == abi.encode_call(UNPAUSE) for call in composed.voted):
        said += ["", "It lifts the pause of the policy module, so that its agents can act again."]
    if found.holder.safe is not None and (found.other_owners or not composed.way_back_is_voted):
        said += ["", "The owners of the Safe can move its money without the module and without a vote."]
    if enables and composed.way_back_is_voted:
        call = composed.way_back[0]
        back = f"call {checksum(call.target)} with {hex_text(call.calldata)}"
        said += [
            "",
            "The way back is a vote that disables the module again; if it is the newest module then:",
            "",
            back,
        ]
    if 0 < len(document.encode()) <= MOST_DOCUMENT_BYTES:
        said += ["", "The document of the policy; its code holds the document's hash:", "", f"```yaml\n{document}```"]
    return "\n".join(said).strip() + "\n"


def _enables(call: ProposedCall) -> bool:
    selector = abi.selector(safe.ENABLE_MODULE)
    return call.calldata[:4] == selector or (
        call.calldata[:4] == abi.selector(safe.EXEC_TRANSACTION) and selector in call.calldata
    )


# ------------------------------------------------------------------------------------------------------------ trial


def tried(rpc: Rpc, found: Situation, module: bytes, composed: Composed, policy: Policy | None) -> Trial:
    """Run the calls at the newest block, together where the node can, else each alone; nothing is sent.

    Signed calls are run as the Safe itself, voted ones as who makes them. Raises RpcError when the node fails.
    """
    block = rpc.head_number()
    # The owners sign first: a policy of a module that may not act is of no use, and does no harm.
    made = [(found.holder.address, call) for call in composed.signed]
    made += [(composed.maker, call) for call in composed.voted]
    questions = [ProposedCall(found.holder.address, 0, b"", abi.encode_call(_IS_ENABLED, [module]))]
    if policy is not None:
        questions.append(ProposedCall(*_asked(module, policy)))
    asked = [_plain(sender, call) for sender, call in made] + [_plain(None, question) for question in questions]
    try:
        answer = rpc.call("eth_simulateV1", [{"blockStateCalls": [{"calls": asked}]}, hex(block)])
        results = answer[0]["calls"]
        problems = tuple(_problem(result) for result in results[: len(made)])
        enabled = hex_bytes(results[len(made)]["returnData"])[-1:] == b"\1"
        in_force = None
        if policy is not None:
            in_force = any(read_policy(hex_bytes(results[len(made) + 1]["returnData"])).pointer)
        return Trial(block, True, problems, enabled, in_force)
    except (Answered, LookupError, TypeError, ValueError):
        return Trial(block, False, tuple(_alone(rpc, sender, call) for sender, call in made), None, None)


def _asked(module: bytes, policy: Policy) -> tuple[bytes, int, bytes, bytes]:
    to, data = policy_question(module, policy.id)
    return to, 0, b"", data


def _plain(sender: bytes | None, call: ProposedCall) -> dict[str, str]:
    plain = {"to": hex_text(call.target), "data": hex_text(call.calldata), "value": hex(call.value_wei)}
    return plain if sender is None else {"from": hex_text(sender), **plain}


def _problem(result: dict[str, Any]) -> str | None:
    if result["status"] == "0x1":
        return None
    error = result.get("error") or {}
    data = error.get("data") if isinstance(error.get("data"), str) else result.get("returnData")
    return revert_words(hex_bytes(data or "0x"))


def _alone(rpc: Rpc, sender: bytes, call: ProposedCall) -> str | None:
    try:
        rpc.estimate_gas(call.target, call.calldata, sender=sender, value_wei=call.value_wei, block="latest")
    except CallReverted as error:
        return revert_words(error.data)
    return None
