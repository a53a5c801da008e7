# SPDX-License-Identifier: Apache-2.0
"""What stops the agent is offered as long as it may still act: one node's word alone takes nothing for stopped."""

import pytest
from eth_utils import keccak

from governance.chain.address import checksum
from governance.models import ModuleState, OnchainCheck, UnconfirmedLog
from tests.webapp.conftest import DAY, NOW
from tests.webapp.test_endless import text_of


def offered(client) -> set[str]:
    """The buttons of the agent's page that stop it."""
    text = text_of(client.get("/river/agent/"))
    return {label for label in ("Object", "Veto (guardian)", "Pause (guardian)") if label in text}


def waiting(made, **values):
    return made.act(
        1, act_id=b"\x07" * 32, releasable_chain_s=NOW + DAY, expires_chain_s=NOW + 2 * DAY,
        **{"status": "scheduled", **values},
    )  # fmt: skip


def paused(made):
    module = made.contracts["module"]
    log = made.log()
    log.address, log.topic0 = bytes(module.address), keccak(text="Paused(address,uint32)")
    log.save()
    ModuleState.objects.update_or_create(module=module, defaults={"paused": True, "log": log})
    return log


def test_an_act_whose_end_one_node_alone_shows_may_still_be_stopped(client, made):
    end = made.log()
    waiting(made, status="vetoed", final_log=end)
    assert offered(client) == {"Pause (guardian)"}
    UnconfirmedLog.objects.create(dao=made.dao, log=end)
    assert offered(client) == {"Object", "Veto (guardian)", "Pause (guardian)"}
    assert "One node alone shows that this act is over" in text_of(client.get("/river/agent/"))


def test_a_pause_that_one_node_alone_shows_is_not_taken_for_one(client, made):
    paused(made)
    assert offered(client) == set()
    assert "The agent is paused." in text_of(client.get("/river/"))
    UnconfirmedLog.objects.create(dao=made.dao, log=ModuleState.objects.get(module=made.contracts["module"]).log)
    assert offered(client) == {"Pause (guardian)"}
    text = text_of(client.get("/river/agent/"))
    assert "a pause that is not confirmed: the agent may still act" in text
    assert "The agent is paused." not in text
    [module] = client.get("/api/v1/daos/river").json()["modules"]
    assert (module["paused"], module["pause_confirmed"]) == (True, False)


@pytest.mark.parametrize(("later", "is_doubted"), [(0, True), (5, True), (-1, False)])
def test_a_pause_that_the_chain_denies_is_not_taken_for_one(client, made, later, is_doubted):
    """Unless the pause was logged after the chain was asked."""
    log = paused(made)
    OnchainCheck.objects.create(
        dao=made.dao, subject=f"module:{checksum(bytes(made.contracts['module'].address))}:paused", matched=False,
        chain_says="False", mirror_says="True", block_number=log.block_number + later, block_hash=bytes(32),
    )  # fmt: skip
    assert offered(client) == ({"Pause (guardian)"} if is_doubted else set())


def test_nothing_that_stops_is_withdrawn_by_what_the_chain_says_of_proposals(client, made):
    waiting(made)
    proposal = made.proposal(1, description="# Go", for_votes=10**30)
    OnchainCheck.objects.create(
        dao=made.dao, subject=f"proposal:{proposal.proposal_id}:state", matched=False, chain_says="Defeated",
        mirror_says="Succeeded", block_number=10**6, block_hash=bytes(32), other_says="Succeeded",
    )  # fmt: skip
    assert offered(client) == {"Object", "Veto (guardian)", "Pause (guardian)"}
