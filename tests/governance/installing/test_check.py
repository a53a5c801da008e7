# SPDX-License-Identifier: Apache-2.0
"""`module check` and `module propose` say yes of nothing that they did not see, and of the record's DAO alone."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from eth_utils import keccak, to_checksum_address

from governance.chain.rpc import Answered, Rpc
from governance.installing import checking, parts, situation
from governance.installing.situation import FACTORY
from governance.management.commands import module as command
from governance.models import Contract
from tests.conftest import Deployed
from tests.governance.installing import houses
from tests.governance.installing.conftest import parsed
from tests.governance.installing.test_plays import Play, impersonated, play, policy_file, unhex  # noqa: F401 -- fixtures

pytestmark = pytest.mark.django_db(transaction=True)
Plays = Callable[[houses.House], Play]


def levels(on: Play) -> tuple[int, dict[str, str]]:
    status, said = on.act("check", "--json")
    told = parsed(said)
    assert told["ok"] == (status == 0)
    return status, {one["code"]: one["level"] for one in told["findings"]}


def proposes_nothing(on: Play, why: str) -> None:
    batch = on.folder / "batch.json"
    status, said = on.act("propose", "--policy", policy_file(on.chain, on.folder), "--batch", batch)
    assert (status, batch.exists()) == (1, False)
    assert why in said


def test_another_treasury_governor_or_chain_than_the_records_is_refused(play: Plays, deployed: Deployed):  # noqa: F811
    on = play(houses.with_treasury(deployed))
    on.deploy()
    ours = on.house.treasury
    on.house.treasury = houses._treasury_of(deployed, on.house.timelock)
    status, found = levels(on)
    assert (status, found["record_of_other"]) == (1, "problem")
    assert "is_not_enabled" not in found
    proposes_nothing(on, f"and the record is of {to_checksum_address(ours)}")
    on.house.treasury = ours
    assert levels(on)[0] == 0
    kept = json.loads(on.file.read_text())
    for changed in ({"governor": to_checksum_address(deployed.address("mallory"))}, {"chain_id": 1}):
        on.file.write_text(json.dumps(kept | changed))
        assert levels(on)[1]["record_of_other"] == "problem"
        proposes_nothing(on, "the record is of")


def test_a_dao_with_several_treasuries_is_asked_which(run, mirror):
    made = houses._treasury_of(mirror.deployed, mirror.deployed.addresses["timelock"])
    first = mirror.dao.contracts.get(kind=Contract.Kind.TREASURY)
    Contract.objects.create(dao=mirror.dao, kind=first.kind, address=made, start_block=first.start_block)
    status, said = run("plan", "mandate", "--json")
    assert status == 1
    assert "--treasury" in said
    assert to_checksum_address(made) in said
    assert run("plan", "mandate", "--treasury", to_checksum_address(made), "--json")[0] == 0


def test_no_vote_is_made_for_code_that_is_not_known(play: Plays, deployed: Deployed):  # noqa: F811
    """A module of one byte more: it answers as ours does, with the recorded parties, and nobody has looked at it."""
    on = play(houses.with_treasury(deployed))
    on.deploy()
    kept = json.loads(on.file.read_text())
    made = kept["creations"]["module"]
    code = parts.part("module", "PolicyModule", unhex(made["constructor_arguments"]), b"").creation_code + b"\0"
    assert levels(on)[1]["made_of_this"] == "good"
    deployed.send_raw("ada", FACTORY, unhex(made["salt"]) + code)
    address = parts.create2_address(FACTORY, unhex(made["salt"]), code)
    kept["contracts"]["module"], kept["code_hashes"] = to_checksum_address(address), {}
    made["creation_code_hash"] = "0x" + keccak(code).hex()
    on.file.write_text(json.dumps(kept))
    status, found = levels(on)
    assert (status, found["made_of_other"], found["party"]) == (0, "not known", "good")
    said = on.act("check")[1]
    assert "nothing differs from" in said
    assert "not known: 1 of the above" in said
    assert "the chain has what" not in said
    proposes_nothing(on, "Check out the commit that it was deployed from")


def test_no_vote_is_made_where_it_is_not_known_what_holds_the_money(play: Plays, deployed: Deployed):  # noqa: F811
    on = play(houses.with_treasury(deployed))
    on.deploy()
    address = "0x" + on.house.treasury.hex()
    code = deployed.anvil.call("eth_getCode", address, "latest")
    deployed.anvil.call("anvil_setCode", address, code + "00")
    status, found = levels(on)
    assert (status, found["holder_unknown"], found["made_of_other"]) == (0, "not known", "not known")
    proposes_nothing(on, "whether it is sound is not known")


def test_a_timelock_that_votes_do_not_move_is_no_timelock_of_votes(play: Plays, deployed: Deployed):  # noqa: F811
    on = play(houses.with_safe_of_timelock(deployed))
    on.deploy()
    assert levels(on)[1]["votes_move"] == "good"
    role, governor = keccak(text="PROPOSER_ROLE"), on.house.governor
    deployed.send_as("timelock", "timelock", "revokeRole", role, governor)
    status, found = levels(on)
    assert (status, found["control_no_governor"], found["votes_move"]) == (1, "problem", "not known")
    proposes_nothing(on, "the governor may not propose to it")
    deployed.send_as("timelock", "timelock", "grantRole", role, governor)
    assert levels(on)[0] == 0
    silent = deployed.anvil.call("eth_getCode", "0x" + houses.small(deployed, "SilentVotes", []).hex(), "latest")
    deployed.anvil.call("anvil_setCode", "0x" + on.house.timelock.hex(), silent)
    status, found = levels(on)
    assert (status, found["timelock_other"], found["votes_move"]) == (0, "not known", "not known")
    proposes_nothing(on, "is of no kind that is understood")


def test_compounds_admin_and_who_may_become_it_are_named(play: Plays, deployed: Deployed, monkeypatch):  # noqa: F811
    on = play(houses.compound_like(deployed))
    on.deploy()
    assert levels(on)[1]["owner_moves"] == "good"
    timelock, mallory = on.house.timelock, to_checksum_address(deployed.address("mallory"))
    with monkeypatch.context() as soon:  # the tests' timelock has no pendingAdmin
        look = command.look

        def with_pending(*arguments: object, **options: object) -> situation.Situation:
            found = look(*arguments, **options)
            return replace(found, timelock=replace(found.timelock, pending_admin=deployed.address("mallory")))

        soon.setattr(command, "look", with_pending)
        assert levels(on)[1]["compound_pending"] == "careful"
    deployed.anvil.call(
        "anvil_setStorageAt", "0x" + timelock.hex(), "0x0", "0x" + bytes(12).hex() + mallory[2:].lower()
    )
    status, found = levels(on)
    assert (status, found["compound_other_admin"], found["owner_moves"]) == (1, "problem", "not known")
    assert mallory in on.act("check")[1]
    proposes_nothing(on, "votes can't make it act")


def test_a_changed_guardian_is_a_difference_and_hinders_no_vote(play: Plays, deployed: Deployed):  # noqa: F811
    on = play(houses.with_treasury(deployed))
    on.deploy()
    assert "the chain has what" in on.act("check")[1]
    deployed.send_as("timelock", "made", "setGuardian", deployed.address("mallory"))
    status, found = levels(on)
    assert (status, found["guardian_changed"]) == (1, "careful")
    assert "the chain has what" not in on.act("check")[1]
    assert on.propose("--policy", policy_file(deployed, on.folder))["ok"]


def test_a_node_that_lost_the_past_knows_no_other_modules(play: Plays, deployed: Deployed, monkeypatch):  # noqa: F811
    on = play(houses.with_treasury(deployed))
    on.into_force()
    mallory = deployed.address("mallory")
    enable = houses.call("enableModule(address)", mallory)
    impersonated(
        on, on.house.timelock, [{"to": "0x" + on.house.treasury.hex(), "data": "0x" + enable.hex()}]
    )  # fmt: skip
    found = levels(on)[1]
    assert found["safe_modules"] == "careful"
    assert "treasury_modules_unknown" not in found
    monkeypatch.setattr(Rpc, "logs", lambda *_arguments, **_options: [])
    found = levels(on)[1]
    assert found["treasury_modules_unknown"] == "not known"
    assert "safe_modules" not in found
    assert "the chain has what" not in on.act("check")[1]


def test_an_answer_that_did_not_come_is_no_no(play: Plays, deployed: Deployed, monkeypatch):  # noqa: F811
    on = play(houses.with_treasury(deployed))
    on.into_force()
    found = levels(on)[1]
    assert not {"treasury_modules_unknown", "roles_unknown"} & set(found)
    asked = Rpc.eth_calls

    def silent_once(rpc: Rpc, calls: list[tuple[bytes, bytes]], block: object) -> list[object]:
        return [
            Answered(-32000, "later") if to in (on.house.treasury, on.house.timelock) else answer
            for (to, _), answer in zip(calls, asked(rpc, calls, block), strict=True)
        ]

    for called in (checking._about_listed, situation._role_holders):
        with monkeypatch.context() as failing:
            failing.setitem(called.__globals__, called.__name__, _with(called, silent_once, failing))
            found = levels(on)[1]
        unknown = "roles_unknown" if called.__name__ == "_role_holders" else "treasury_modules_unknown"
        assert found[unknown] == "not known"


def _with(called: Callable, eth_calls: Callable, patch: pytest.MonkeyPatch) -> Callable:
    """The function, run while the node answers batches by `eth_calls`."""

    def run(*arguments: object) -> object:
        before = Rpc.eth_calls
        patch.setattr(Rpc, "eth_calls", eth_calls)
        answer = called(*arguments)
        answer = list(answer) if called.__name__ == "_about_listed" else answer
        patch.setattr(Rpc, "eth_calls", before)
        return answer

    return run


def test_a_second_sending_says_that_it_sent_nothing(play: Plays, deployed: Deployed):  # noqa: F811
    on = play(houses.with_treasury(deployed))
    on.deploy()
    policy = policy_file(deployed, on.folder)
    first = on.act("propose", "--policy", policy, "--send", *on.keystore)[1]
    assert "proposed by" in first
    status, said = on.act("propose", "--policy", policy, "--send", *on.keystore)
    assert status == 0
    hash_ = first.split("transaction ")[-1].partition(".")[0]
    assert f"sent already by transaction {hash_}; nothing was sent now" in said
    assert "proposed by" not in said
