# SPDX-License-Identifier: Apache-2.0
"""Voting power at a proposal's snapshot, as far as the mirror's own rows tell it."""

from governance.clocks import unit_of
from governance.models import Proposal
from governance.power import power_at
from presentation.dao_view import DaoView


def fixed_elsewhere(place: DaoView) -> bool:
    """Whether the governor takes power from another moment than the proposal's snapshot, or may."""
    return place.governor.capabilities.get("family", "unknown") in ("nouns", "unknown")


def counts_by_snapshot(place: DaoView) -> bool:
    """Whether power at a proposal's snapshot can be looked up: the governor fixes it then, in the token's clock."""
    token = place.one("votes_token")
    if token is None or fixed_elsewhere(place):
        return False
    return unit_of(token.capabilities) == unit_of(place.governor.capabilities)


def mirrored_power(place: DaoView, proposal: Proposal, account: bytes) -> int:
    """Base units of the votes token at the snapshot; 0 where there is none, or where it can't be looked up."""
    if not counts_by_snapshot(place) or proposal.snapshot >= place.clock_now:
        return 0
    return power_at(place.dao, account, proposal.snapshot)
