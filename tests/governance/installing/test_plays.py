# SPDX-License-Identifier: Apache-2.0
"""From a DAO that exists to an agent that members can stop, with the commands alone: plan, deploy, propose, check."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eth_abi import encode
from eth_utils import keccak, to_checksum_address

from tests.conftest import DAY_S, ChainError, Deployed
from tests.governance.governors import compound
from tests.governance.installing import houses
from tests.governance.installing.conftest import parsed

pytestmark = pytest.mark.django_db(transaction=True)

USDC = 10**6
POLICY_ID = keccak(text="small payments")
TRANSFER = keccak(text="transfer(address,uint256)")[:4]
POLICY = """version: 1
name: small payments
summary: Payments to one person.
agent: "{agent}"
operator: "{operator}"
valid:
  from: {start}
  until: {end}
cooldown: 1 minute
objection:
  delay: 1 hour
  release within: 1 day
  threshold: 10 %
tokens:
  USDC: {{address: "{usdc}", decimals: 6}}
addresses:
  ines: "{ines}"
lists:
  people: [ines]
budgets:
  payments:
    limit: 3,000 USDC
    period: 24 days
    without objection: 500 USDC
rules:
  - call: transfer(address to, uint256 amount)
    on: USDC
    where:
      to: {{one of: people}}
      amount: {{cap: "1,000 USDC"}}
    charge: {{payments: amount}}
"""


def policy_file(d: Deployed, folder: Path) -> Path:
    """A policy for this chain's people, in force from now on."""

    def day(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT00:00Z")

    text = POLICY.format(
        **{name: to_checksum_address(d.address(who)) for name, who in
           {"agent": "agent", "operator": "olga", "usdc": "usdc", "ines": "ines"}.items()},
        start=day(d.anvil.now - DAY_S), end=day(d.anvil.now + 200 * DAY_S),
    )  # fmt: skip
    file = folder / "policy.yaml"
    file.write_text(text)
    return file


class Play:
    """One DAO's way from nothing to a policy in force, and what is done with it then."""

    def __init__(self, run: Callable[..., tuple[int, str]], house: houses.House, keystore: list[str], folder: Path):
        self.run, self.house, self.chain, self.folder = run, house, house.chain, folder
        self.keystore = keystore
        self.file = folder / "31337.json"
        self.guardian = to_checksum_address(self.chain.address("gus"))

    def act(self, action: str, *arguments: object) -> tuple[int, str]:
        return self.run(action, *self.house.arguments(), "--record", self.file, *arguments)

    def deploy(self) -> None:
        assert self.act("plan", "--guardian", self.guardian)[0] == 0
        status, said = self.act("deploy", *self.keystore, "--guardian", self.guardian)
        assert status == 0, said
        kept = json.loads(self.file.read_text())
        self.chain.addresses["made"] = bytes.fromhex(kept["contracts"]["module"][2:])
        self.chain.abis["made"] = self.chain.abis["module"]

    def propose(self, *arguments: object) -> dict[str, Any]:
        status, said = self.act("propose", "--json", *arguments)
        assert status == 0, said
        return parsed(said)

    def into_force(self) -> dict[str, Any]:
        """Deploy, propose, sign and vote until the policy is in force."""
        self.deploy()
        made = self.propose("--policy", policy_file(self.chain, self.folder))
        assert made["ok"]
        assert made["trial"] | {"block": 0} == {
            "block": 0, "together": True, "module_enabled": True, "policy_in_force": True,
            "problems": [None] * (len(made["voted"]) + len(made["signed_by_the_safes_owners"])),
        }  # fmt: skip
        for call in made["signed_by_the_safes_owners"]:
            self.house.sign_and_send(unhex(call["to"]), unhex(call["data"]))
        if made["voted"]:
            self.house.carry("ada", unhex(made["calldata"]))
        return made

    def checked(self) -> dict[str, dict]:
        status, said = self.act("check", "--json")
        told = parsed(said)
        assert status == 0, told
        return {one["code"]: one for one in told["findings"]}

    # --- what the agent does

    def payment(self, amount: int) -> list[tuple[bytes, int, bytes]]:
        data = TRANSFER + encode(["address", "uint256"], [self.chain.address("ines"), amount])
        return [(self.chain.addresses["usdc"], 0, data)]

    def codehash(self) -> bytes:
        pointer = self.chain.read("made", "policyState", POLICY_ID)[0]
        return keccak(unhex(self.chain.anvil.call("eth_getCode", pointer, "latest")))

    def execute(self, number: int, amount: int) -> None:
        self.chain.anvil.wind(61)
        self.chain.send(
            "agent", "made", "execute", POLICY_ID, self.codehash(), self.payment(amount), number, b"\1" * 32
        )

    def schedule(self, number: int, amount: int) -> bytes:
        self.chain.anvil.wind(61)
        self.chain.send(
            "agent", "made", "schedule", POLICY_ID, self.codehash(), self.payment(amount), number, b"\1" * 32
        )
        places = self.chain.read("made", "pendingActs", POLICY_ID)
        return next(place[7] for place in places if place[3] == number)

    def release(self, number: int, amount: int) -> None:
        self.chain.send("agent", "made", "release", POLICY_ID, number, self.payment(amount), b"\1" * 32)

    def refused(self, name: str, act: Callable[..., object], *arguments: object) -> None:
        with pytest.raises(ChainError) as refusal:
            act(*arguments)
        assert self.chain.error_name(refusal.value.data) == name

    def acts_and_is_stopped(self) -> None:
        """A payment goes out; one is objected to, one vetoed, and nothing goes through a pause."""
        d = self.chain
        before = d.read("usdc", "balanceOf", d.address("ines"))
        self.execute(1, 100 * USDC)
        objected = self.schedule(2, 900 * USDC)
        d.send("ada", "made", "object", POLICY_ID, [objected])
        d.anvil.wind(3601)  # after a killed act the agent is quiet for the delay
        self.refused("NotPending", self.release, 2, 900 * USDC)
        vetoed = self.schedule(3, 900 * USDC)
        d.send("gus", "made", "veto", POLICY_ID, vetoed)
        d.anvil.wind(3601)
        self.refused("NotPending", self.release, 3, 900 * USDC)
        self.schedule(4, 800 * USDC)
        d.anvil.wind(3601)
        self.release(4, 800 * USDC)
        assert d.read("usdc", "balanceOf", d.address("ines")) - before == 900 * USDC
        d.send("gus", "made", "pause")
        self.refused("IsPaused", self.execute, 5, 1 * USDC)
        assert "is_paused" in self.checked()


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@pytest.fixture
def play(run, keystore, tmp_path: Path) -> Callable[[houses.House], Play]:
    return lambda house: Play(run, house, keystore, tmp_path)


REAL = pytest.param(
    True, marks=pytest.mark.skipif(not houses.has_safe_package(), reason="the Safe's package comes by `make packages`")
)
kinds_of_safe = pytest.mark.parametrize("is_real", [False, REAL])


def test_our_treasury(play, deployed: Deployed):
    on = play(houses.with_treasury(deployed))
    made = on.into_force()
    assert made["signed_by_the_safes_owners"] == []
    assert made["text"].startswith("# Put the policy “small payments” in force\n")
    on.acts_and_is_stopped()
    found = on.checked()
    assert found["made_of_this"]["level"] == found["is_enabled"]["level"] == found["owner_moves"]["level"] == "good"
    # The pause is lifted by a vote, and the way back works.
    on.house.carry("ada", unhex(on.propose("--unpause")["calldata"]))
    deployed.anvil.wind(28 * DAY_S)  # what was spent comes back
    on.execute(5, 1 * USDC)
    back = made["way_back"]
    assert back["by"] == "vote"
    impersonated(on, on.house.timelock, back["calls"])
    with pytest.raises(ChainError):  # a treasury that lets the module act no more
        on.execute(6, 1 * USDC)
    assert on.checked()["is_not_enabled"]["level"] == "careful"


def impersonated(on: Play, who: bytes, calls: list[dict[str, str]]) -> None:
    """Make calls as a contract, as if a vote or its owners had decided it."""
    d = on.chain
    d.anvil.call("anvil_setBalance", "0x" + who.hex(), hex(10**18))
    d.anvil.call("anvil_impersonateAccount", "0x" + who.hex())
    for call in calls:
        d.send_raw(who, unhex(call["to"]), unhex(call["data"]))
    d.anvil.call("anvil_stopImpersonatingAccount", "0x" + who.hex())


@kinds_of_safe
def test_a_safe_that_the_timelock_owns(play, deployed: Deployed, is_real: bool):
    on = play(houses.with_safe_of_timelock(deployed, is_real=is_real))
    made = on.into_force()
    assert made["voted"][0]["to"] == to_checksum_address(on.house.treasury)
    assert made["voted"][0]["data"].startswith("0x6a761202")  # execTransaction
    on.acts_and_is_stopped()
    assert "owners_bypass" not in on.checked()
    impersonated(on, on.house.timelock, made["way_back"]["calls"])
    assert on.checked()["is_not_enabled"]["level"] == "careful"


@kinds_of_safe
def test_a_safe_of_people_whose_owners_can_bypass_the_module(play, deployed: Deployed, tmp_path: Path, is_real: bool):
    on = play(houses.with_safe_of_people(deployed, is_real=is_real))
    made = on.into_force()
    assert [call["to"] for call in made["signed_by_the_safes_owners"]] == [to_checksum_address(on.house.treasury)]
    assert "The owners of the Safe can move its money without the module and without a vote." in made["text"]
    assert made["way_back"]["by"] == "the Safe's owners"
    on.acts_and_is_stopped()
    bypass = on.checked()["owners_bypass"]
    assert (bypass["level"], bypass["values"]["threshold"]) == ("careful", 2)
    # As is said: past the module, the pause and every vote.
    on.house.sign_and_send(
        on.chain.addresses["usdc"], TRANSFER + encode(["address", "uint256"], [on.chain.address("jon"), 7])
    )
    assert on.chain.read("usdc", "balanceOf", on.chain.address("jon")) == 7


@kinds_of_safe
def test_a_safe_alone_by_its_batch(play, deployed: Deployed, tmp_path: Path, is_real: bool):
    on = play(houses.safe_alone(deployed, is_real=is_real))
    on.deploy()
    batch = tmp_path / "batch.json"
    made = on.propose("--policy", policy_file(deployed, tmp_path), "--batch", batch)
    assert (made["voted"], made["calldata"], made["trial"]["policy_in_force"]) == ([], None, True)
    written = json.loads(batch.read_text())
    assert (written["version"], written["chainId"]) == ("1.0", "31337")
    for one in written["transactions"]:
        on.house.sign_and_send(unhex(one["to"]), unhex(one["data"]))
    on.acts_and_is_stopped()


def test_comps_votes_and_timelock_by_the_adapter(play, deployed: Deployed):
    on = play(houses.compound_like(deployed))
    on.into_force()
    on.acts_and_is_stopped()
    assert on.checked()["made_of_this"]["level"] == "good"


@pytest.mark.skipif(not compound.installed(), reason="Uniswap's package comes by `make packages`")
def test_uniswaps_own_governor_timelock_and_token(play, deployed: Deployed):
    on = play(houses.uniswap(deployed))
    on.into_force()
    on.acts_and_is_stopped()


def test_a_proposal_is_sent_once_with_a_keystore(play, deployed: Deployed, tmp_path: Path):
    on = play(houses.with_treasury(deployed))
    on.deploy()
    policy = policy_file(deployed, tmp_path)
    before = int(deployed.anvil.call("eth_getTransactionCount", on.chain.accounts["ada"].address, "latest"), 16)
    for _ in range(2):
        status, said = on.act("propose", "--policy", policy, "--send", *on.keystore)
        assert status == 0, said
        assert "tried at block" in said
        assert "way back, by vote" in said
        assert "sesame" not in said
    after = int(deployed.anvil.call("eth_getTransactionCount", on.chain.accounts["ada"].address, "latest"), 16)
    assert after - before == 1


def test_nothing_is_proposed_for_what_would_fail_or_is_not_there(play, deployed: Deployed, tmp_path: Path):
    on = play(houses.with_treasury(deployed))
    assert "run `module deploy` first" in on.act("propose")[1]
    on.deploy()
    file = policy_file(deployed, tmp_path)
    # The module's own treasury as a target is what the module refuses.
    wrong = file.read_text().replace(
        to_checksum_address(deployed.addresses["usdc"]), to_checksum_address(on.house.treasury)
    )
    (tmp_path / "wrong.yaml").write_text(wrong)
    status, said = on.act("propose", "--policy", tmp_path / "wrong.yaml", "--batch", tmp_path / "b.json")
    assert status == 1
    assert "nothing was sent: tried at block" in said
    assert not (tmp_path / "b.json").exists()
    status, said = on.act("propose", "--policy", tmp_path / "wrong.yaml", "--json")
    assert (status, json.loads(said)["ok"]) == (1, False)  # one document
    (tmp_path / "broken.yaml").write_text("version: 1\nname: [")
    assert "broken.yaml:" in on.act("propose", "--policy", tmp_path / "broken.yaml")[1]
    assert "can't be read" in on.act("propose", "--policy", tmp_path / "absent.yaml")[1]
    assert "--send needs --keystore" in on.act("propose", "--send")[1]


def test_check_finds_what_is_not_as_recorded(play, deployed: Deployed):
    on = play(houses.with_treasury(deployed))
    on.deploy()
    assert on.checked()["is_not_enabled"]["level"] == "careful"
    deployed.send_as("timelock", "made", "setGuardian", deployed.address("mallory"))
    found = {one["code"]: one for one in parsed(on.act("check", "--json")[1])["findings"]}
    assert found["guardian_changed"]["values"]["guardian"] == to_checksum_address(deployed.address("mallory"))
    address = "0x" + deployed.addresses["made"].hex()
    deployed.anvil.call("anvil_setCode", address, "0x00")
    status, said = on.act("check", "--json")
    assert (status, parsed(said)["ok"]) == (1, False)
    assert {one["code"] for one in parsed(said)["findings"] if one["level"] == "problem"} == {"other_code"}
    deployed.anvil.call("anvil_setCode", address, "0x")
    status, said = on.act("check")
    assert status == 1
    assert "differences from" in said
