# SPDX-License-Identifier: Apache-2.0
"""`module plan` says who owns what, what a module would mean and cost, and what forbids it; "not known" where it is."""

import pytest
from eth_utils import to_checksum_address

from governance import builds
from governance.chain.rpc import Answered, Rpc
from governance.installing import situation, words
from tests.conftest import Deployed
from tests.governance.installing import houses
from tests.governance.installing.conftest import parsed

pytestmark = pytest.mark.django_db

REAL = pytest.param(
    True, marks=pytest.mark.skipif(not houses.has_safe_package(), reason="the Safe's package comes by `make packages`")
)
kinds_of_safe = pytest.mark.parametrize("is_real", [False, REAL])


def codes(told: dict) -> dict[str, str]:
    return {one["code"]: one["level"] for one in told["findings"]}


def test_our_treasury_and_what_it_costs(run, deployed: Deployed):
    house = houses.with_treasury(deployed)
    status, said = run("plan", *house.arguments(), "--json")
    told = parsed(said)
    assert (status, told["ok"]) == (0, True)
    found = codes(told)
    assert {"treasury_ours", "treasury_owned", "control_governor", "votes_past", "factory", "features"} <= set(found)
    assert found["explorer"] == "not known"
    assert found["guardian_none"] == "careful"
    assert "control_other_proposers" not in found
    assert 6_000_000 < told["gas"]["module"] < 9_000_000
    assert int(told["cost_wei"]["least"]) <= int(told["cost_wei"]["most"])
    assert told["situation"]["treasury"]["owner"] == to_checksum_address(house.timelock)
    text = run("plan", *house.arguments())[1]
    assert "nothing forbids a module; nothing was changed" in text
    assert "ETH at the newest block's base fee" in text


def test_a_dao_of_the_mirror_by_its_slug(run, mirror):
    status, said = run("plan", "mandate", "--json")
    assert status == 0, said
    assert parsed(said)["situation"]["treasury"]["address"] == to_checksum_address(
        mirror.deployed.addresses["treasury"]
    )
    assert "no such DAO in the mirror; there are: mandate" in run("plan", "elsewhere")[1]


@kinds_of_safe
def test_a_safe_that_the_timelock_owns(run, deployed: Deployed, is_real: bool):
    house = houses.with_safe_of_timelock(deployed, is_real=is_real)
    status, said = run("plan", *house.arguments(), "--json")
    told = parsed(said)
    assert status == 0
    found = codes(told)
    assert found["safe_of_vote"] == found["safe_no_modules"] == found["safe_no_guard"] == "good"
    safe = told["situation"]["treasury"]["safe"]
    assert (safe["version"], safe["threshold"], safe["modules"]) == ("1.4.1", 1, [])


@kinds_of_safe
def test_the_owners_of_a_safe_of_people_can_bypass_the_module(run, deployed: Deployed, is_real: bool):
    house = houses.with_safe_of_people(deployed, is_real=is_real)
    status, said = run("plan", *house.arguments())
    assert status == 0
    assert "2 of 3 owners sign" in said
    assert "Its owners can bypass the module: 2 of them take everything" in said
    assert "a vote enables the module" not in said


def test_another_owner_beside_the_timelock_is_named(run, deployed: Deployed):
    house = houses.with_safe_of_timelock(deployed)
    house.treasury = houses.safe(deployed, [house.timelock, deployed.address("mallory")], 1, is_real=False)
    told = parsed(run("plan", *house.arguments(), "--json")[1])
    assert codes(told)["safe_of_vote_and_others"] == "careful"
    others = next(one for one in told["findings"] if one["code"] == "safe_of_vote_and_others")["values"]["others"]
    assert others == [to_checksum_address(deployed.address("mallory"))]


def test_modules_and_a_guard_of_a_safe_are_named(run, deployed: Deployed):
    house = houses.with_safe_of_timelock(deployed)
    deployed.addresses["safe"], mallory = house.treasury, deployed.address("mallory")
    deployed.anvil.call("anvil_setBalance", "0x" + house.treasury.hex(), hex(10**18))
    deployed.anvil.call("anvil_impersonateAccount", "0x" + house.treasury.hex())
    deployed.send_raw(house.treasury, house.treasury, houses.call("enableModule(address)", mallory))
    deployed.send_raw(house.treasury, house.treasury, houses.call("setGuard(address)", mallory))
    found = {one["code"]: one for one in parsed(run("plan", *house.arguments(), "--json")[1])["findings"]}
    assert found["safe_modules"]["values"]["modules"] == [to_checksum_address(mallory)]
    assert found["safe_guard"]["level"] == "careful"


@kinds_of_safe
def test_a_safe_without_votes(run, deployed: Deployed, is_real: bool):
    house = houses.safe_alone(deployed, is_real=is_real)
    told = parsed(run("plan", *house.arguments(), "--json")[1])
    assert told["ok"]
    assert {"no_votes", "safe_alone", "votes_safe"} <= set(codes(told))
    assert set(told["contracts"]) == set(told["gas"]) == {"votes_adapter", "module"}
    assert told["gas"]["module"] > 6_000_000  # as if the adapter were there


def test_votes_of_comps_kind_need_the_adapter(run, deployed: Deployed):
    house = houses.compound_like(deployed)
    told = parsed(run("plan", *house.arguments(), "--json")[1])
    assert told["ok"], told
    assert {"compound", "compound_admin", "votes_prior"} <= set(codes(told))
    assert told["situation"]["votes"]["adapter"] == "PriorVotesAdapter"
    assert told["gas"]["votes_adapter"] > 0
    assert "compound_other_admin" not in codes(told)


def test_what_forbids_a_module_is_said_and_nothing_is_priced(run, deployed: Deployed):
    house = houses.with_treasury(deployed)
    status, said = run("plan", to_checksum_address(house.governor), "--rpc", deployed.url)
    assert status == 1
    assert "name it with --treasury" in said
    house.treasury = house.timelock
    status, said = run("plan", *house.arguments(), "--json")
    assert status == 1
    assert codes(parsed(said))["money_in_timelock"] == "problem"
    assert parsed(said)["cost_wei"] is None
    house.treasury = deployed.addresses["usdc"]
    assert codes(parsed(run("plan", *house.arguments(), "--json")[1]))["holder_unknown"] == "problem"
    house.treasury = houses.deploy(deployed, _treasury(), ["address", "address[]"], deployed.address("mallory"), [])
    assert codes(parsed(run("plan", *house.arguments(), "--json")[1]))["treasury_other_owner"] == "problem"


def test_a_token_with_which_nobody_could_object_forbids_a_module(run, deployed: Deployed):
    house = houses.with_treasury(deployed)
    silent = houses.small(deployed, "SilentVotes", [])
    status, said = run("plan", *house.arguments(), "--token", to_checksum_address(silent), "--json")
    assert status == 1
    assert codes(parsed(said))["votes_none"] == "problem"


def test_who_else_proposes_or_hands_out_roles_is_named(run, deployed: Deployed):
    house = houses.with_treasury(deployed)
    mallory, gus = deployed.address("mallory"), deployed.address("gus")
    for role, who in (("PROPOSER_ROLE", mallory), ("CANCELLER_ROLE", gus), (None, gus)):
        id_ = bytes(32) if role is None else houses.keccak(text=role)
        deployed.send_as("timelock", "timelock", "grantRole", id_, who)
    found = {one["code"]: one for one in parsed(run("plan", *house.arguments(), "--json")[1])["findings"]}
    assert found["control_other_proposers"]["values"]["holders"] == [to_checksum_address(mallory)]
    assert found["control_admins"]["values"]["holders"] == [to_checksum_address(gus)]


def test_what_the_node_does_not_tell_is_not_known(run, deployed: Deployed, monkeypatch):
    house = houses.with_safe_of_timelock(deployed)

    def refuse(*_: object, **__: object) -> bytes:
        raise Answered(-32601, "the method does not exist")

    for method in ("logs", "storage", "eth_create"):
        monkeypatch.setattr(Rpc, method, refuse)
    _status, said = run("plan", *house.arguments(), "--json")
    found = codes(parsed(said))
    for code in ("roles_unknown", "safe_guard_unknown", "features_unknown"):
        assert found[code] == "not known"
    assert "features" not in found
    assert parsed(said)["ok"]


def test_a_node_that_takes_no_overrides_leaves_the_cost_unknown(run, deployed: Deployed, monkeypatch):
    house, call = houses.safe_alone(deployed), Rpc.call

    def without_overrides(rpc: Rpc, method: str, params: list | None = None) -> object:
        if method == "eth_estimateGas" and len(params or []) > 2:
            raise Answered(-32602, "too many arguments, want at most 2")
        return call(rpc, method, params or [])

    monkeypatch.setattr(Rpc, "call", without_overrides)
    told = parsed(run("plan", *house.arguments(), "--json")[1])
    assert (told["ok"], told["gas"]["module"], told["cost_wei"]["most"]) == (True, None, None)
    assert codes(told)["cost_unknown"] == "not known"


def test_a_chain_without_a_feature_or_the_factory_is_told_apart(run, deployed: Deployed, monkeypatch):
    house = houses.with_treasury(deployed)
    monkeypatch.setitem(situation.FEATURES, "an instruction of tomorrow", "0c" + "600160005260206000f3")
    deployed.anvil.call("anvil_setCode", "0x" + situation.FACTORY.hex(), "0x00")
    status, said = run("plan", *house.arguments(), "--json")
    found = {one["code"]: one for one in parsed(said)["findings"]}
    assert status == 1
    assert found["features_missing"]["values"]["features"] == "an instruction of tomorrow"
    assert found["factory_missing"]["level"] == "problem"
    assert parsed(said)["gas"]["module"] is None


def test_a_governor_that_no_timelock_follows_rules_nothing(run, deployed: Deployed):
    house = houses.with_treasury(deployed)
    deployed.send_as("timelock", "timelock", "revokeRole", houses.keccak(text="PROPOSER_ROLE"), house.governor)
    status, said = run("plan", *house.arguments(), "--json")
    assert status == 1
    assert codes(parsed(said))["control_no_governor"] == "problem"


def test_without_compiled_contracts_nothing_is_said_of_them(run, deployed: Deployed, monkeypatch, tmp_path):
    house = houses.with_treasury(deployed)
    monkeypatch.setattr(builds, "COMPILED", tmp_path)
    status, said = run("plan", *house.arguments())
    assert status == 1
    assert said == "PolicyModule is not compiled here: run `make install`"


def test_every_sentence_of_a_plan_is_whole():
    assert all(text.strip() == text and not text.endswith(".") for text in words.SENTENCES.values())


def _treasury() -> str:
    import json

    return json.loads((houses.ROOT / ".build" / "contracts" / "Treasury.json").read_text())["bytecode"]
