# SPDX-License-Identifier: Apache-2.0
"""The deployed suite is wired so that only votes decide; the deploy script does it with Ape and says what fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from eth_utils import keccak

from tests.conftest import HOLDERS, ROOT, TREASURY_USDC, TREASURY_WEI, ChainError, Deployed

SCRIPT = ROOT / "contracts" / "scripts" / "deploy_dao.py"
GOVERNOR = {
    "name": "Mandate DAO",
    "voting_delay_s": 3600,
    "voting_period_s": 259_200,
    "proposal_threshold": "10000",
    "quorum_percent": 4,
    "late_quorum_extension_s": 86_400,
}


def role(name: str) -> bytes:
    return keccak(text=name)


def test_the_deployer_holds_no_role(deployed: Deployed) -> None:
    deployer = deployed.address("deployer")
    for held in (bytes(32), role("PROPOSER_ROLE"), role("CANCELLER_ROLE"), role("EXECUTOR_ROLE")):
        assert not deployed.read("timelock", "hasRole", held, deployer)
    with pytest.raises(ChainError) as refused:
        deployed.send("deployer", "treasury", "perform", deployer, 1, b"")
    assert deployed.error_name(refused.value.data) == "NotOwner"
    with pytest.raises(ChainError) as refused:
        deployed.send("deployer", "module", "setPolicy", bytes(32), b"")
    assert deployed.error_name(refused.value.data) == "NotOwner"


def test_the_treasury_holds_what_was_given(deployed: Deployed) -> None:
    treasury = deployed.address("treasury")
    assert deployed.read("usdc", "balanceOf", treasury) == TREASURY_USDC
    assert int(deployed.anvil.call("eth_getBalance", "0x" + treasury.hex(), "latest"), 16) == TREASURY_WEI
    assert deployed.read("votes_token", "totalSupply") == sum(HOLDERS.values())
    assert deployed.read("module", "CLOCK_MODE") == deployed.read("votes_token", "CLOCK_MODE") == "mode=timestamp"


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_begins_anew(deployed: Deployed, time: str) -> None:
    assert not deployed.read("module", "paused")
    deployed.send("gus", "module", "pause")
    assert deployed.read("module", "paused")


@pytest.fixture
def parameters(deployed: Deployed, tmp_path: Path) -> dict:
    accounts = deployed.accounts
    (tmp_path / "deployer.json").write_text(json.dumps(accounts["deployer"].encrypt("secret", iterations=2)))
    (tmp_path / "password").write_text("secret\n")
    return {
        "chain_id": 31337,
        "token": {"name": "Mandate", "symbol": "MAND", "holders": {accounts["ada"].address: "700", "treasury": "300"}},
        "governor": GOVERNOR,
        "timelock_delay_s": 86_400,
        "guardian": accounts["gus"].address,
        "test_usdc": "100000000000",
        "treasury_wei": "1000",
    }


def run(tmp_path: Path, url: str, parameters: dict) -> subprocess.CompletedProcess[str]:
    (tmp_path / "params.json").write_text(json.dumps(parameters))
    (tmp_path / "home").mkdir()
    return subprocess.run(
        [
            sys.executable, str(SCRIPT), "--rpc", url, "--keystore", str(tmp_path / "deployer.json"),
            "--password-file", str(tmp_path / "password"), "--params", str(tmp_path / "params.json"),
            "--out", str(tmp_path / "deployment.json"),
        ],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"]},
    )  # fmt: skip


def test_ape_deploys_the_whole_suite_in_an_empty_home(deployed: Deployed, parameters: dict, tmp_path: Path) -> None:
    done = run(tmp_path, deployed.url, parameters)
    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / "deployment.json").read_text())
    assert made["chain_id"] == 31337
    assert set(made["contracts"]) == {
        "votes_token", "governor", "timelock", "treasury", "module", "provenance_registry", "usdc", "policy_lens"
    }  # fmt: skip
    votes_token = Deployed(
        deployed.anvil, {"votes_token": bytes.fromhex(made["contracts"]["votes_token"][2:])}, deployed.abis, {}, 0
    )
    treasury = bytes.fromhex(made["contracts"]["treasury"][2:])
    assert votes_token.read("votes_token", "balanceOf", treasury) == 300
    assert list((tmp_path / "home").iterdir()) == []


def test_no_creation_is_sent_with_what_it_takes_at_this_second_alone(
    deployed: Deployed, parameters: dict, tmp_path: Path
) -> None:
    """One second later the module's look at past votes finds the token's first ones and costs more."""
    assert run(tmp_path, deployed.url, parameters).returncode == 0
    creations = json.loads((tmp_path / "deployment.json").read_text())["creations"]
    for name, created in creations.items():
        allowed = int(deployed.anvil.call("eth_getTransactionByHash", created["transaction"])["gas"], 16)
        used = int(deployed.anvil.call("eth_getTransactionReceipt", created["transaction"])["gasUsed"], 16)
        assert allowed >= used * 11 // 10, (name, allowed, used)


def test_a_wrong_chain_is_one_line(deployed: Deployed, parameters: dict, tmp_path: Path) -> None:
    done = run(tmp_path, deployed.url, parameters | {"chain_id": 1})
    assert done.returncode == 1
    assert done.stderr == "deploy_dao: wrong chain: the endpoint serves chain id 31337, the parameters say 1\n"
    assert not (tmp_path / "deployment.json").exists()


def test_an_unreachable_endpoint_is_one_line_without_its_address(parameters: dict, tmp_path: Path) -> None:
    done = run(tmp_path, "http://127.0.0.1:9/secret-key", parameters)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "can't be reached" in done.stderr
    assert "secret-key" not in done.stderr


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"treasury_wei": 1000}, "an amount is a string of digits"),
        ({"timelock_delay_s": -3}, "not a whole number"),
        ({"guardian": "0x12"}, "not an address"),
        ({"guardian": "0xf39fd6e51aad88F6F4ce6aB8827279cffFb92266"}, "checksum is wrong"),
    ],
)
def test_unusable_parameters_are_one_line(
    deployed: Deployed, parameters: dict, tmp_path: Path, change: dict, problem: str
) -> None:
    done = run(tmp_path, deployed.url, parameters | change)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert problem in done.stderr


def test_the_anvil_fixture_winds_its_clock(deployed: Deployed) -> None:
    before = deployed.anvil.now
    deployed.anvil.wind(1000)
    assert deployed.anvil.now == before + 1000
