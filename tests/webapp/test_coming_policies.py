# SPDX-License-Identifier: Apache-2.0
"""A policy that was proposed is watched on the page of policies until it is in force, on a real chain."""

import pytest

from policies.code import encoding
from tests.conftest import DAY_S
from tests.governance.conftest import POLICY_ID, local_chain, mirror, payroll  # noqa: F401 -- fixtures

pytestmark = pytest.mark.django_db

TEXT = "# Put payroll in force"
NONE = "No open proposal sets a policy by a call of its own."


def shown(client) -> tuple[str, str]:
    """The page above the policies on their way, and these."""
    above, _, coming = client.get("/mandate/policies/").content.decode().partition('id="coming"')
    return above, coming


def test_a_policy_is_watched_from_the_proposal_until_it_is_in_force(client, mirror, payroll):  # noqa: F811
    d = mirror.deployed
    mirror.delegate(ada="ada", ben="ben")
    d.anvil.wind(10)  # who proposes needs the votes of a second ago
    mirror.sync()
    assert NONE in shown(client)[1]
    setting = [(d.addresses["module"], 0, encoding.set_policy_calldata(POLICY_ID, payroll()))]
    other = [(d.addresses["module"], 0, d.calldata("module", "unpause"))]
    number = mirror.propose("ada", TEXT, setting)
    mirror.propose("ada", "# Lift the pause", other)
    mirror.sync()
    for state in ("Pending", "Active", "Succeeded", "Queued"):
        above, coming = shown(client)
        assert "Put payroll in force" in coming, state
        assert "Lift the pause" not in coming
        assert f'class="tag {state.lower()}"' in coming, state
        assert "Put payroll in force" not in above
        match state:
            case "Pending":
                d.anvil.wind(3601)
            case "Active":
                for who in ("ada", "ben"):
                    d.send(who, "governor", "castVote", number, 1)
                d.anvil.wind(3 * DAY_S + 1)
            case "Succeeded":
                mirror.follow_through("ada", "queue", TEXT, setting)
            case "Queued":
                d.anvil.wind(DAY_S + 1)
                mirror.follow_through("ada", "execute", TEXT, setting)
        mirror.sync()
    above, coming = shown(client)
    assert NONE in coming
    assert "version 1" in above
