# SPDX-License-Identifier: Apache-2.0
"""`module deploy` creates each contract once, whoever is killed when, and its record loses nothing."""

import json
from pathlib import Path

import pytest
from eth_utils import keccak, to_checksum_address

from governance.chain.rpc import Rpc
from governance.installing import deploying, parts, record
from governance.models import OutgoingTransaction
from tests.conftest import Deployed
from tests.governance.installing import houses
from tests.governance.installing.conftest import parsed

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deployments" / "31337.json"


@pytest.fixture
def house(deployed: Deployed) -> houses.House:
    """It needs both contracts: a Safe alone, whose owners count by the adapter."""
    return houses.safe_alone(deployed)


def nonce(d: Deployed, who: str) -> int:
    return int(d.anvil.call("eth_getTransactionCount", "0x" + d.address(who).hex(), "latest"), 16)


def code(d: Deployed, address: str) -> bytes:
    return bytes.fromhex(d.anvil.call("eth_getCode", address, "latest")[2:])


def whole(d: Deployed, file: Path) -> dict:
    """The record, which must name what the chain has."""
    kept = json.loads(file.read_text())
    assert set(kept["contracts"]) == set(kept["code_hashes"]) == {"votes_adapter", "module"}
    for name, address in kept["contracts"].items():
        assert kept["code_hashes"][name] == "0x" + keccak(code(d, address)).hex()
        made = d.anvil.call("eth_getTransactionReceipt", kept["creations"][name]["transaction"])
        assert made["status"] == "0x1"
    assert (file.parent / kept["compiler"]["input"]).is_file()
    return kept


def test_a_deployment_has_the_parties_that_were_planned(run, deployed: Deployed, house, keystore, file):
    planned = parsed(run("plan", *house.arguments(), "--json")[1])["contracts"]
    gus = to_checksum_address(deployed.address("gus"))
    assert run("plan", *house.arguments(), "--guardian", gus, "--json")[1] != planned
    status, said = run("deploy", *house.arguments(), *keystore, "--record", file)
    assert status == 0, said
    kept = whole(deployed, file)
    assert kept["contracts"] == planned
    deployed.addresses["made"] = bytes.fromhex(kept["contracts"]["module"][2:])
    deployed.abis["made"] = deployed.abis["module"]
    safe = "0x" + house.treasury.hex()
    assert [deployed.read("made", name) for name in ("owner", "governor", "treasury")] == [safe] * 3
    assert deployed.read("made", "votesToken") == kept["contracts"]["votes_adapter"].lower()
    assert "at most" in said
    assert "creating PolicyModule" in said


def test_the_sender_may_be_an_account_that_ape_keeps(run, house, keystore, file, tmp_path, monkeypatch):
    """The same file, by its name among Ape's accounts; and no name reaches out of their folder."""
    monkeypatch.setenv("APE_DATA_FOLDER", str(tmp_path))
    (tmp_path / "accounts").mkdir()
    (tmp_path / "ada.json").rename(tmp_path / "accounts" / "ada.json")
    options = ["--record", file, *keystore[2:]]
    status, said = run("deploy", *house.arguments(), "--ape-account", "ada", *options)
    assert status == 0, said
    assert set(json.loads(file.read_text())["contracts"]) == {"votes_adapter", "module"}
    for named, why in ((["ada", *keystore[:2]], "both name the sender"), (["../ada"], "as `ape accounts list` shows")):
        status, said = run("deploy", *house.arguments(), "--ape-account", *named, *options)
        assert (status, why in said) == (1, True), said
    options = ["--record", file.with_name("other.json"), *keystore[2:]]
    status, said = run("deploy", *house.arguments(), "--ape-account", "nobody", "--salt", "another", *options)
    assert (status, "nobody.json" in said) == (1, True), said


def test_a_second_run_sends_nothing(run, deployed: Deployed, house, keystore, file):
    run("deploy", *house.arguments(), *keystore, "--record", file)
    before, sent = nonce(deployed, "ada"), file.read_text()
    status, said = run("deploy", *house.arguments(), *keystore, "--record", file)
    assert (status, nonce(deployed, "ada"), file.read_text()) == (0, before, sent)
    assert "is there already" in said


def _crossings(monkeypatch, at: int | None) -> list[str]:
    """Note each place where something leaves the process, before and after it; die at the one with this number."""
    passed: list[str] = []

    def cross(name: str) -> None:
        passed.append(name)
        if len(passed) - 1 == at:
            raise Killed(name)

    def around(holder: type, name: str) -> None:
        real = getattr(holder, name)

        def act(*arguments, **options):
            cross(f"before {name}")
            answer = real(*arguments, **options)
            cross(f"after {name}")
            return answer

        monkeypatch.setattr(holder, name, act)

    around(Rpc, "send_raw")
    around(record.Record, "write")
    around(OutgoingTransaction, "save")
    return passed


def test_whoever_is_killed_at_any_step_goes_on_and_creates_nothing_twice(
    run, deployed: Deployed, house, keystore, file, monkeypatch
):
    with monkeypatch.context() as counting:
        passed = _crossings(counting, None)
        snapshot = deployed.anvil.call("evm_snapshot")
        assert run("deploy", *house.arguments(), *keystore, "--record", file)[0] == 0
        assert deployed.anvil.call("evm_revert", snapshot)
    compiler = json.loads(file.read_text())["compiler"]
    monkeypatch.setattr(deploying, "compiled_input", lambda _folder: compiler)  # it takes a second each time
    assert passed.count("after send_raw") == 2
    assert len(passed) >= 10
    for at in range(len(passed)):
        OutgoingTransaction.objects.all().delete()
        file.unlink(missing_ok=True)
        snapshot, before = deployed.anvil.call("evm_snapshot"), nonce(deployed, "ada")
        with monkeypatch.context() as dying:
            _crossings(dying, at)
            with pytest.raises(Killed):
                run("deploy", *house.arguments(), *keystore, "--record", file)
        status, said = run("deploy", *house.arguments(), *keystore, "--record", file)
        assert status == 0, (passed[at], said)
        whole(deployed, file)
        assert nonce(deployed, "ada") - before == 2, passed[at]
        assert deployed.anvil.call("evm_revert", snapshot)


def test_a_lost_journal_and_a_lost_record_create_nothing_twice(run, deployed: Deployed, house, keystore, file):
    run("deploy", *house.arguments(), *keystore, "--record", file)
    kept, before = json.loads(file.read_text()), nonce(deployed, "ada")
    OutgoingTransaction.objects.all().delete()
    file.unlink()
    assert run("deploy", *house.arguments(), *keystore, "--record", file)[0] == 0
    again = json.loads(file.read_text())
    assert nonce(deployed, "ada") == before
    assert (again["contracts"], again["code_hashes"]) == (kept["contracts"], kept["code_hashes"])
    assert again["creations"]["module"]["transaction"] is None  # not known any more, and said so


def test_another_wallet_sends_what_is_printed(run, deployed: Deployed, house, file):
    for _ in range(2):  # the second transaction can be made once the first one's contract is there, or at once
        status, said = run("deploy", *house.arguments(), "--as-transactions", "--record", file)
        assert status == 0
        printed = json.loads(said[said.index("[") :])
        for one in printed:
            deployed.send_raw("jon", bytes.fromhex(one["to"][2:]), bytes.fromhex(one["data"][2:]), int(one["value"]))
    assert printed == []
    kept = json.loads(file.read_text())
    assert all(code(deployed, address) for address in kept["contracts"].values())
    assert set(kept["code_hashes"]) == {"votes_adapter", "module"}


def test_no_secret_is_said_and_wrong_usage_is_one_line(run, deployed: Deployed, house, keystore, file, tmp_path):
    (tmp_path / "wrong").write_text("open barley")
    status, said = run(
        "deploy", *house.arguments(), *keystore[:2], "--password-file", tmp_path / "wrong", "--record", file
    )
    assert status == 1
    assert "does not open the keystore" in said
    assert "barley" not in said
    assert "sesame" not in run("deploy", *house.arguments(), *keystore, "--record", file, "--json")[1]
    assert "one of them" in run("deploy", *house.arguments(), "--record", file)[1]
    assert "--password-file" in run("deploy", *house.arguments(), *keystore[:2], "--record", file)[1]


def test_a_record_of_another_deployment_is_left_alone(run, deployed: Deployed, house, keystore, file):
    run("deploy", *house.arguments(), *keystore, "--record", file)
    kept = file.read_text()
    gus = to_checksum_address(deployed.address("gus"))
    other = houses.with_treasury(deployed)
    for arguments, problem in (
        ((*house.arguments(), "--guardian", gus), "parties or guardian differ"),
        ((*house.arguments(), "--salt", "another"), "begun with other code or another salt"),
        (other.arguments(), "parties or guardian differ"),
    ):
        status, said = run("deploy", *arguments, *keystore, "--record", file)
        assert (status, file.read_text()) == (1, kept)
        assert problem in said


def test_a_record_that_was_changed_is_refused(run, deployed: Deployed, house, keystore, file):
    run("deploy", *house.arguments(), *keystore, "--record", file)
    kept = json.loads(file.read_text())
    kept["contracts"]["module"] = to_checksum_address(deployed.address("mallory"))
    file.write_text(json.dumps(kept))
    assert "not what its creation leads to" in run("deploy", *house.arguments(), *keystore, "--record", file)[1]
    for text in ("", "[]", "{}", '{"chain_id": 1}', "{" * 100_000):
        file.write_text(text)
        assert (
            "is no record of a module's deployment" in run("deploy", *house.arguments(), *keystore, "--record", file)[1]
        )


def test_where_create2_puts_code_as_eip_1014_writes_it():
    """Examples 1, 4 and 6 of EIP-1014."""
    for deployer, salt, init, expected in (
        ("00" * 20, "00" * 32, "00", "4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"),
        ("deadbeef00000000000000000000000000000000", "000000000000000000000000feed000000000000000000000000000000000000",
         "00", "d04116cdd17bebe565eb2422f2497e06cc1c9833"),
        ("00000000000000000000000000000000deadbeef", "00" * 28 + "cafebabe", "deadbeef",
         "60f3f640a8508fc6a86d45df051962668e1e8ac7"),
    ):  # fmt: skip
        made = parts.create2_address(bytes.fromhex(deployer), bytes.fromhex(salt), bytes.fromhex(init))
        assert made.hex() == expected
