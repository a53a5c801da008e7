# SPDX-License-Identifier: Apache-2.0
"""What stops the agent is offered as long as it may still act: one node's word alone takes nothing for stopped."""

import pytest
from eth_utils import keccak

from agent.acts.policy import NoPolicyInForce, in_force
from governance.chain.address import checksum
from governance.models import (
    ModuleState,
    Objection,
    OnchainCheck,
    PolicyVersion,
    PowerCheckpoint,
    ProposalTransition,
    TreasuryFlow,
    UnconfirmedLog,
)
from presentation.acts import objectable
from presentation.dao_view import DaoView
from presentation.words import address_text
from tests.webapp.conftest import DAY, NOW, UNIT, account
from tests.webapp.states import set_policies
from tests.webapp.test_endless import text_of
from webapp.mail import digest


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


@pytest.mark.parametrize("status", ["killed", "vetoed", "voided", "released"])
def test_objecting_is_withdrawn_nowhere_on_one_nodes_word(client, made, status):
    """On the first page, in mails sent daily and at once, on the agent's page and in the API alike."""
    end = made.log()
    act = waiting(made, status=status, final_log=end, objection_threshold=100 * UNIT, objection_power=100 * UNIT)
    for account_number, power in ((3, 30), (4, 70)):
        Objection.objects.create(act=act, log=made.log(), account=account(account_number), power=power * UNIT)
    assert objectable(DaoView(made.dao)) == []
    assert digest.open_items(DaoView(made.dao), None) == []
    alike = "The agent wants to perform act 1"
    assert alike not in text_of(client.get("/river/"))
    doubted = Objection.objects.get(account=account(4))
    for log in (end, doubted.log):
        UnconfirmedLog.objects.create(dao=made.dao, log=log)
    assert objectable(DaoView(made.dao)) == [act]
    home = text_of(client.get("/river/"))
    assert alike in home
    assert "One node alone shows that this act is over. It may still be waiting, and may be stopped." in home
    assert "One node alone shows some of the objections: they are counted here, not confirmed." in home
    [item] = digest.open_items(DaoView(made.dao), None)
    assert "One node alone shows that this act is over. It may still be waiting, and may be stopped." in item.lines
    assert "Objections so far 30 MAND of the 100 MAND that stop it." in item.lines
    assert "Whoever has voting power for it can object on its page, by the link here." in item.lines
    [told] = client.get("/api/v1/daos/river/acts").json()
    assert (told["confirmed"], told["final_confirmed"]) == (True, False)
    assert [one["confirmed"] for one in told["objections"]] == [True, False]
    assert offered(client) == {"Object", "Veto (guardian)", "Pause (guardian)"}


def test_a_policy_that_one_node_alone_shows_hides_none(client, made):
    """The version before it stays the one in force, and what was set by one node's word alone is told as such."""
    set_policies(made)
    before = PolicyVersion.objects.get(policy_id=b"\1" * 32)
    log = made.log()
    PolicyVersion.objects.create(
        dao=made.dao, module=before.module, policy_id=b"\1" * 32, version=2, agent=account(66),
        codehash=before.codehash, code=before.code, log=log,
    )  # fmt: skip

    def versions() -> list[tuple[int, str]]:
        found = client.get("/api/v1/daos/river/policies").json()
        return [(one["version"], one["agent"]) for one in found if one["policy_id"] == "0x" + "01" * 32]

    assert versions() == [(2, address_text(account(66)))]
    UnconfirmedLog.objects.create(dao=made.dao, log=log)
    assert versions() == [(1, address_text(bytes(before.agent)))]
    note = f"One node alone shows that version 2 of the policy 0x{'01' * 32} was set: it is not confirmed"
    for path in ("/river/", "/river/policies/", "/river/agent/"):
        assert note in text_of(client.get(path))
    found = client.get("/api/v1/daos/river/policies").json()
    [history] = [one["versions"] for one in found if one["policy_id"] == "0x" + "01" * 32]
    assert [(one["version"], one["confirmed"]) for one in history] == [(2, False), (1, True)]
    # Where it is the only one, none is in force by what is known, and none is denied.
    PolicyVersion.objects.exclude(log=log).delete()
    assert client.get("/api/v1/daos/river/policies").json() == []
    text = text_of(client.get("/river/policies/"))
    assert note in text
    assert "No policy is in force" not in text
    assert "Whether a policy is in force is not known yet" in text


def test_what_happened_and_what_moved_by_one_nodes_word_is_marked(client, made):
    made.flow(5_000_000)
    proposal = made.proposal(7)
    step = ProposalTransition.objects.create(proposal=proposal, kind="queued", log=made.log())
    made.power(3, 5 * UNIT)
    over = made.proposal(8, snapshot=NOW - 2 * DAY, deadline=NOW - DAY)
    vote, change = made.vote(over, 3), PowerCheckpoint.objects.get()
    delegate = address_text(account(3))
    paths = ("/river/", "/river/proposals/7/", f"/river/delegates/{delegate}/")
    assert not any(">unconfirmed<" in client.get(path).content.decode() for path in paths)
    for log in (step.log, TreasuryFlow.objects.get().log, vote.log, change.log):
        UnconfirmedLog.objects.create(dao=made.dao, log=log)
    # (A movement of the treasury stands among what happened, too; what an account's power is now rests on its changes.)
    assert [client.get(path).content.decode().count(">unconfirmed<") for path in paths] == [
        2,
        1,
        3,
    ]
    found = client.get("/api/v1/daos/river/proposals/7").json()["transitions"]
    assert [(one["kind"], one["confirmed"]) for one in found] == [("created", True), ("queued", False)]
    profile = client.get(f"/api/v1/daos/river/delegates/{delegate}").json()
    assert [one["confirmed"] for one in profile["changes"]] == [False]
    assert {one["id"]: one["confirmed"] for one in profile["proposals"]}["8"] is False
