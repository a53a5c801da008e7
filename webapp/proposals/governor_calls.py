# SPDX-License-Identifier: Apache-2.0
"""The calls that move a proposal on, of OpenZeppelin's Governor (v4 and v5): by its actions and its text's hash."""

from collections.abc import Sequence

from django.utils.translation import gettext

from governance.capabilities import BY_NUMBER
from governance.chain import abi
from governance.chain.call import Call
from governance.models import Proposal
from governance.state import State
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak
from presentation import words
from presentation.calls import ActionView
from presentation.dao_view import DaoView

_ACTIONS = "(address[],uint256[],bytes[],bytes32)"


def _call(name: str, calls: Sequence[Call], description: bytes) -> bytes:
    columns = [[call.target for call in calls], [call.value_wei for call in calls], [call.calldata for call in calls]]
    return abi.encode_call(name + _ACTIONS, [*columns, keccak(description)])


def queue_call(calls: Sequence[Call], description: bytes) -> bytes:
    """Calldata of `queue`. `description` is the text in ProposalCreated, byte for byte."""
    return _call("queue", calls, description)


def execute_call(calls: Sequence[Call], description: bytes) -> bytes:
    """Calldata of `execute`. `description` is the text in ProposalCreated, byte for byte."""
    return _call("execute", calls, description)


def next_step(place: DaoView, proposal: Proposal, state: State, calls: list[ActionView]) -> dict[str, str] | None:
    """The transaction that moves a proposal on, when one can."""
    if place.governor.capabilities.get("family") in BY_NUMBER:
        return None  # its functions take the proposal's number alone; nothing is offered that the chain would refuse
    if "voting_module" in proposal.extra:
        return None  # what the module would call is its own to say
    timelock = place.one("timelock")
    if state is State.SUCCEEDED and timelock:
        label, why, call = (
            gettext("Queue"),
            gettext("The vote has carried. Anybody may queue it in the timelock."),
            queue_call,
        )
    elif state is State.SUCCEEDED:
        label, why, call = gettext("Execute"), gettext("The vote has carried. Anybody may execute it."), execute_call
    elif state is State.QUEUED and (proposal.eta_chain_s or 0) <= place.now_chain_s:
        label, why, call = gettext("Execute"), gettext("The timelock is over. Anybody may execute it."), execute_call
    else:
        return None
    calldata = call([action.call for action in calls], proposal.description_bytes)
    return {
        "label": label,
        "why": why,
        "to": words.address_text(place.governor.address),
        "calldata": hex_text(calldata),
    }
