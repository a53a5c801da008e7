# SPDX-License-Identifier: Apache-2.0
"""Policies on their way: proposals that are not over and would set one in a module that the mirror follows."""

from __future__ import annotations

from governance.chain import abi
from governance.chain.call import call_of
from governance.chain.module import SET_POLICY
from governance.models import Proposal, ProposalAction
from governance.open_proposals import open_condition
from presentation.dao_view import DaoView
from presentation.proposals import ProposalRow, rows_of

MOST = 20


def coming(place: DaoView) -> list[ProposalRow]:
    """Return the newest such proposals, whatever their state is, until they are over.

    A call that another contract would make in its turn is not looked into.
    """
    modules = [bytes(module.address) for module in place.contracts["module"]]
    governor = place.one("governor")
    if governor is None or not modules:
        return []
    undone = Proposal.objects.filter(open_condition(place.dao, governor, place.now), dao=place.dao)
    actions = (
        # Few are open: their calls are found by an index where their numbers are known first.
        ProposalAction.objects.filter(proposal__in=list(undone.values_list("pk", flat=True)), target__in=modules)
        .order_by("-proposal__created_block", "-proposal_id")
        .only("proposal_id", "signature", "signature_raw", "calldata", "target", "value_wei")
    )
    setting = (action.proposal_id for action in actions if call_of(action).calldata[:4] == abi.selector(SET_POLICY))
    return rows_of(place, list(dict.fromkeys(setting))[:MOST])
