# SPDX-License-Identifier: Apache-2.0
"""Whose ballots are offered for signing: v5's, and not v4's, which look alike and would all be refused by the chain."""

import random

import pytest

from governance.capabilities import takes_signed_ballots
from governance.chain.rpc import Rpc
from governance.state import governor_of
from presentation.dao_view import DaoView
from tests.governance.governors.lives import World
from tests.governance.test_state_lives import CHAIN_ID, chain
from webapp.proposals import relay
from webapp.relaying import RelayRefused

pytestmark = pytest.mark.django_db
__all__ = ["chain"]


def test_v4s_ballots_are_not_offered(chain):
    people = [account.lower() for account in chain.call("eth_accounts")[:6]]
    rpc = Rpc([chain.url], CHAIN_ID, attempts=1)
    world = World(chain, rpc, people, random.Random(1), ["v5 simple, blocks", "v4 simple, late quorum, blocks"])
    five, four = (house.dao for house in world.houses)
    assert takes_signed_ballots(governor_of(five).capabilities)
    assert not takes_signed_ballots(governor_of(four).capabilities)
    assert relay.governor_of(DaoView.of(five.slug), rpc).version == "1"
    with pytest.raises(RelayRefused, match="vote by transaction"):
        relay.governor_of(DaoView.of(four.slug), rpc)
