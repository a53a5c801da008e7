# SPDX-License-Identifier: Apache-2.0
"""What stops the agent is offered as long as it may still act: one node's word alone takes nothing for stopped."""

import pytest
from eth_utils import keccak

from agent.acts.policy import NoPolicyInForce, in_force
from governance.chain.address import checksum
from governance.models import ModuleState, OnchainCheck, PolicyVersion, UnconfirmedLog
from tests.webapp.conftest import DAY, NOW
from tests.webapp.states import set_policies
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


def test_the_agent_acts_by_no_policy_that_one_node_alone_shows(made):
    """Neither by a first one nor by one that would take the place of another."""
    set_policies(made)
    policy = PolicyVersion.objects.get(policy_id=b"\1" * 32)
    newer = PolicyVersion.objects.create(
        dao=made.dao, module=policy.module, policy_id=policy.policy_id, version=2, agent=policy.agent,
        codehash=policy.codehash, code=policy.code, log=made.log(),
    )  # fmt: skip
    assert in_force(made.dao, policy.policy_id).version == 2
    UnconfirmedLog.objects.create(dao=made.dao, log=newer.log)
    assert in_force(made.dao, policy.policy_id).version == 1
    UnconfirmedLog.objects.create(dao=made.dao, log=policy.log)
    with pytest.raises(NoPolicyInForce):
        in_force(made.dao, policy.policy_id)


def unpaused(made):
    """The module's pause is over, by a log of the block after."""
    log = paused(made)
    later = made.log()
    later.block_number = log.block_number + 1
    later.address, later.topic0 = log.address, keccak(text="Unpaused(uint32)")
    later.save()
    ModuleState.objects.update(paused=False, log=later)
    return later


NOT_CONFIRMED = "It is not confirmed that the policy module is not paused."


def test_every_page_says_that_a_pause_is_not_confirmed(client, made):
    set_policies(made)
    log = paused(made)
    assert ">paused<" in client.get("/river/policies/").content.decode()
    UnconfirmedLog.objects.create(dao=made.dao, log=log)
    for path in ("/river/policies/", "/river/agent/"):
        assert "The mirror has a pause that is not confirmed: the agent may still act." in text_of(client.get(path))
    page = client.get("/river/policies/").content.decode()
    assert ">paused<" not in page
    assert ">paused?<" in page
    policy, *_ = client.get("/api/v1/daos/river/policies").json()
    assert (policy["paused"], policy["pause_confirmed"]) == (True, False)


def test_every_page_says_that_the_end_of_a_pause_is_not_confirmed(client, made):
    set_policies(made)
    log = unpaused(made)
    for path in ("/river/policies/", "/river/agent/"):
        assert NOT_CONFIRMED not in text_of(client.get(path))
    UnconfirmedLog.objects.create(dao=made.dao, log=log)
    for path in ("/river/policies/", "/river/agent/"):
        text = client.get(path)
        assert NOT_CONFIRMED in text_of(text)
        for sure in (">in force<", ">Running<", ">paused<"):
            assert sure not in text.content.decode()
    assert offered(client) == {"Pause (guardian)"}
    policy, *_ = client.get("/api/v1/daos/river/policies").json()
    assert (policy["paused"], policy["pause_confirmed"]) == (False, False)
    [module] = client.get("/api/v1/daos/river").json()["modules"]
    assert (module["paused"], module["pause_confirmed"]) == (False, False)


def test_a_pause_that_only_the_chain_has_is_not_denied(client, made):
    set_policies(made)
    unpaused(made)
    OnchainCheck.objects.create(
        dao=made.dao, subject=f"module:{checksum(bytes(made.contracts['module'].address))}:paused", matched=False,
        chain_says="True", mirror_says="False", block_number=10**6, block_hash=bytes(32),
    )  # fmt: skip
    for path in ("/river/policies/", "/river/agent/"):
        assert NOT_CONFIRMED in text_of(client.get(path))
    assert offered(client) == {"Pause (guardian)"}


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
