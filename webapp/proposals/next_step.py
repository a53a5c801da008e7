# SPDX-License-Identifier: Apache-2.0
"""The transactions that move a proposal on: queue or execute, where anybody may, and cancel by who proposed it."""

from django.utils.translation import gettext

from governance.capabilities import BY_NUMBER
from governance.chain.governor import cancel_call, execute_call, queue_call
from governance.state import State
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.calls import ActionView
from presentation.dao_view import DaoView
from presentation.proposals import ProposalRow


def next_step(place: DaoView, row: ProposalRow, calls: list[ActionView]) -> dict[str, str] | None:
    """The transaction that moves a proposal on, when one can. None where the chain's state differed when it was asked,
    and what it is now is not known, and where one node alone shows what made it so."""
    proposal, state = row.proposal, row.state
    if row.shown.is_unsettled or not row.is_state_confirmed:
        return None
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


def cancel_step(place: DaoView, row: ProposalRow, calls: list[ActionView]) -> dict[str, str] | None:
    """The transaction by which who proposed it takes a proposal back, before its vote begins. None where the governor's
    rule is another one or not known."""
    proposal = row.proposal
    if row.state is not State.PENDING or row.shown.is_unsettled or "voting_module" in proposal.extra:
        return None
    if place.governor.capabilities.get("family") != "openzeppelin":
        return None
    return {
        "label": gettext("Cancel this proposal"),
        "why": gettext("Only who proposed it may cancel it, and only before the vote begins."),
        "to": words.address_text(place.governor.address),
        "calldata": hex_text(cancel_call([action.call for action in calls], proposal.description_bytes)),
    }
