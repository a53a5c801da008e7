# SPDX-License-Identifier: Apache-2.0
"""A deployment's record is enough to make every byte again, and one byte that differs is found and named."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from tests.conftest import CHAIN_ID, ROOT, Anvil

SCRIPTS = ROOT / "contracts" / "scripts"


@pytest.fixture(scope="module")
def verify(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The command's module. Compiling the same input twice is spared, to the run's other workers too; everything else
    runs each time."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        import verify_deployment
    finally:
        sys.path.remove(str(SCRIPTS))
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "compiled"
    folder.mkdir(exist_ok=True)
    compile_contracts = verify_deployment.contracts_compile.compile_contracts

    def compile_once(standard_input: dict[str, Any]) -> Any:
        key = hashlib.sha256(json.dumps(standard_input, sort_keys=True).encode()).hexdigest()
        known = folder / f"{key}.json"
        with (folder / f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not known.exists():
                known.write_text(json.dumps(compile_contracts(standard_input)))
        return json.loads(known.read_text())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify_deployment.contracts_compile, "compile_contracts", compile_once)
        yield verify_deployment


@pytest.fixture(scope="module")
def recorded(
    anvil: Anvil, accounts: dict[str, LocalAccount], compiled: None, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A DAO deployed by the script, and its record."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "deployer.json").write_text(json.dumps(accounts["deployer"].encrypt("secret", iterations=2)))
    (folder / "password").write_text("secret\n")
    parameters = {
        "chain_id": CHAIN_ID,
        "token": {"name": "Mandate", "symbol": "MAND", "holders": {accounts["ada"].address: "700", "treasury": "300"}},
        "governor": {
            "name": "Mandate DAO",
            "voting_delay_s": 3600,
            "voting_period_s": 259_200,
            "proposal_threshold": "10000",
            "quorum_percent": 4,
            "late_quorum_extension_s": 86_400,
        },
        "timelock_delay_s": 86_400,
        "guardian": accounts["gus"].address,
        "test_usdc": "1",
    }
    (folder / "params.json").write_text(json.dumps(parameters))
    done = subprocess.run(
        [
            sys.executable, str(SCRIPTS / "deploy_dao.py"), "--rpc", anvil.url,
            "--keystore", str(folder / "deployer.json"), "--password-file", str(folder / "password"),
            "--params", str(folder / "params.json"), "--out", str(folder / "deployments" / "31337.json"),
        ],
        capture_output=True, text=True, check=False, env={"HOME": str(folder), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "deployments" / "31337.json"


@pytest.fixture
def chain(anvil: Anvil) -> Iterator[Anvil]:
    """The chain with the recorded DAO; what a test changes is undone."""
    snapshot = anvil.call("evm_snapshot")
    yield anvil
    assert anvil.call("evm_revert", snapshot)


@pytest.fixture
def changed(recorded: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the record with a change made to it."""

    def copy(change: Callable[[dict[str, Any]], None]) -> Path:
        shutil.copytree(recorded.parent / "inputs", tmp_path / "inputs")
        record = json.loads(recorded.read_text())
        change(record)
        (tmp_path / "record.json").write_text(json.dumps(record))
        return tmp_path / "record.json"

    return copy


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(verify: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit status, stdout and stderr of the command."""

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["verify_deployment.py", *map(str, arguments)])
        capsys.readouterr()
        status = verify.main()
        return status, *capsys.readouterr()

    return command


def refused(answer: tuple[int, str, str]) -> str:
    """The one line of a refusal."""
    status, out, error = answer
    assert status == 1, out
    assert out == ""
    assert error.startswith("verify_deployment: ")
    assert error.count("\n") == 1
    return error


def set_code(chain: Anvil, address: str, change: Callable[[bytearray], None]) -> None:
    code = bytearray.fromhex(chain.call("eth_getCode", address, "latest")[2:])
    change(code)
    chain.call("anvil_setCode", address, "0x" + code.hex())


def flip(place: int) -> Callable[[bytearray], None]:
    def change(code: bytearray) -> None:
        code[place] ^= 1

    return change


def test_a_deployment_is_what_its_record_makes(run: Run, recorded: Path, chain: Anvil) -> None:
    status, out, error = run(recorded, "--rpc", chain.url)
    assert (status, error) == (0, "")
    record = json.loads(recorded.read_text())
    lines = out.splitlines()
    for name, address in record["contracts"].items():
        size = len(chain.call("eth_getCode", address, "latest")) // 2 - 1
        assert f"{name}: {address}, {size:,} bytes" in lines
    assert "sources that differ from this checkout: none" in lines
    assert lines[-1].endswith("chain 31337 has this code, created as recorded")


def test_the_record_alone_is_rebuilt_without_a_chain(run: Run, recorded: Path) -> None:
    status, out, error = run(recorded)
    assert (status, error) == (0, "")
    assert out.splitlines()[-1].endswith("rebuilt with the recorded hashes; no chain was asked")


def test_what_a_constructor_created_is_compared_too(verify: Any, run: Run, recorded: Path, chain: Anvil) -> None:
    record = json.loads(recorded.read_text())
    checker = "0x" + verify.create_address(bytes.fromhex(record["contracts"]["module"][2:]), 1).hex()
    set_code(chain, checker, flip(100))
    assert "module's contract 1: the chain's code at 0x" in refused(run(recorded, "--rpc", chain.url))


@pytest.mark.parametrize("place", [0, 777, -1])
def test_one_flipped_byte_is_one_line(run: Run, recorded: Path, chain: Anvil, place: int) -> None:
    address = json.loads(recorded.read_text())["contracts"]["module"]
    set_code(chain, address, flip(place))
    size = len(chain.call("eth_getCode", address, "latest")) // 2 - 1
    assert refused(run(recorded, "--rpc", chain.url)) == (
        f"verify_deployment: module: the chain's code at {address} differs from what was rebuilt, "
        f"first at byte {place % size:,} of {size:,}\n"
    )


def test_a_flipped_byte_of_an_immutable_is_found(run: Run, recorded: Path, chain: Anvil) -> None:
    contracts = json.loads(recorded.read_text())["contracts"]
    owner = bytes.fromhex(contracts["timelock"][2:])
    set_code(chain, contracts["treasury"], lambda code: flip(code.index(owner))(code))
    assert "treasury: the chain's code" in refused(run(recorded, "--rpc", chain.url))


def test_code_that_is_longer_or_gone_is_told(run: Run, recorded: Path, chain: Anvil) -> None:
    address = json.loads(recorded.read_text())["contracts"]["treasury"]
    set_code(chain, address, lambda code: code.append(0))
    assert "bytes and not" in refused(run(recorded, "--rpc", chain.url))
    set_code(chain, address, bytearray.clear)
    assert "is empty: there is no contract" in refused(run(recorded, "--rpc", chain.url))


def test_other_constructor_arguments_with_the_same_code_are_found_on_the_chain(
    run: Run, changed: Callable[..., Path], chain: Anvil, accounts: dict[str, LocalAccount]
) -> None:
    """Who got the votes stands in storage: the code is the same, the creating transaction is not."""

    def change(record: dict[str, Any]) -> None:
        creation, ada = record["creations"]["votes_token"], accounts["ada"].address[2:].lower()
        assert ada in creation["constructor_arguments"]
        creation["constructor_arguments"] = creation["constructor_arguments"].replace(ada, "11" * 20)

    path = changed(change)
    assert run(path)[0] == 0
    assert "votes_token: it was created by other code or with other arguments" in refused(run(path, "--rpc", chain.url))


def _exchange(record: dict[str, Any]) -> None:
    creations = record["creations"]
    creations["module"]["transaction"] = creations["treasury"]["transaction"]


def test_another_creating_transaction_is_found(run: Run, changed: Callable[..., Path], chain: Anvil) -> None:
    assert "did not create it" in refused(run(changed(_exchange), "--rpc", chain.url))


def test_an_unknown_creating_transaction_is_told(run: Run, changed: Callable[..., Path], chain: Anvil) -> None:
    path = changed(lambda record: record["creations"]["module"].update(transaction="0x" + "ab" * 32))
    assert "does not know the creating transaction 0xabab" in refused(run(path, "--rpc", chain.url))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r["code_hashes"].update(module="0x" + "00" * 32), "module: what the record compiles to does not"),
        (lambda r: r["creations"]["module"].update(nonce=77), "is not what the deployer creates with nonce 77"),
        (lambda r: r["creations"]["module"].update(contract="Treasure"), "no contract 'Treasure'"),
        (lambda r: r["creations"]["module"].update(constructor_arguments="0x"), "fails when it is repeated"),
        (lambda r: r["creations"]["module"].update(constructor_arguments="0xzz"), "is not of the form"),
        (lambda r: r["creations"].pop("module"), "don't name the same contracts"),
        (lambda r: r["compiler"].update(version="0.8.36+commit.00000000"), "was compiled with solc 0.8.36"),
        (lambda r: r["compiler"].update(input="../../secret.json"), "is not a file inputs/<sha256>.json"),
        (lambda r: r["compiler"].update(input=f"inputs/{'0' * 64}.json"), "can't read the compiler input"),
        (lambda r: r.pop("deployer"), "has no 'deployer'"),
        (lambda r: r.update(chain_id="1"), "is not a whole number"),
    ],
)
def test_a_record_that_is_not_so_is_one_line(
    run: Run, changed: Callable[..., Path], change: Callable[[dict[str, Any]], None], said: str
) -> None:
    assert said in refused(run(changed(change)))


def test_a_changed_compiler_input_is_found(run: Run, changed: Callable[..., Path]) -> None:
    path = changed(dict)
    (source,) = (path.parent / "inputs").iterdir()
    source.write_text(source.read_text().replace("onlyOwner", "onlyOwnen", 1))
    assert "was changed: its SHA-256 is not its name" in refused(run(path))


def test_another_source_under_its_own_name_does_not_make_the_same_code(
    verify: Any, run: Run, changed: Callable[..., Path]
) -> None:
    """A consistent lie: the input is another, and named rightly; the recorded hashes give it away."""
    path = changed(dict)
    record = json.loads(path.read_text())
    standard_input = json.loads((path.parent / record["compiler"]["input"]).read_text())
    unit = "contracts/src/Treasury.sol"
    text = standard_input["sources"][unit]["content"]
    assert "operation != 0" in text
    standard_input["sources"][unit]["content"] = text.replace("operation != 0", "operation == 0")
    name, content = verify.deployment_record.compiler_input_file(standard_input)
    (path.parent / name).write_text(content)
    record["compiler"]["input"] = name
    path.write_text(json.dumps(record))
    assert "treasury: what the record compiles to does not have the recorded code hash" in refused(run(path))


def test_no_record_is_one_line(run: Run, tmp_path: Path) -> None:
    assert "can't read the record" in refused(run(tmp_path / "none.json"))
    (tmp_path / "half.json").write_text('{"chain_id": 1')
    assert "is not JSON" in refused(run(tmp_path / "half.json"))


def test_a_chain_without_a_record_is_one_line(run: Run) -> None:
    assert "deployments/999999999.json" in refused(run("999999999"))


def test_an_unreachable_endpoint_is_one_line_without_its_key(run: Run, recorded: Path) -> None:
    assert "secret-key" not in refused(run(recorded, "--rpc", "http://127.0.0.1:9/secret-key"))


def test_the_recorded_hashes_are_the_chains(recorded: Path, chain: Anvil) -> None:
    record = json.loads(recorded.read_text())
    for name, address in record["contracts"].items():
        code = bytes.fromhex(chain.call("eth_getCode", address, "latest")[2:])
        assert record["code_hashes"][name] == "0x" + keccak(code).hex()


@pytest.fixture(scope="module")
def of_module(verify: Any, recorded: Path) -> dict[str, Any]:
    """The record of a module by itself, as `manage.py module deploy` writes it, of the same sources."""
    record = json.loads(recorded.read_text())
    standard_input = json.loads((recorded.parent / record["compiler"]["input"]).read_text())
    arguments = b"".join(bytes([number]) * 20 for number in range(1, 6))
    arguments = b"".join(arguments[at : at + 20].rjust(32, b"\0") for at in range(0, 100, 20))
    code = bytes.fromhex(verify.deployment_record.compiled(standard_input)["PolicyModule"]["bytecode"][2:]) + arguments
    factory, salt = bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c"), bytes(32)
    address = keccak(b"\xff" + factory + salt + keccak(code))[12:]
    creation = {
        "contract": "PolicyModule", "factory": "0x" + factory.hex(), "salt": "0x" + salt.hex(),
        "constructor_arguments": "0x" + arguments.hex(), "creation_code_hash": "0x" + keccak(code).hex(),
        "transaction": None,
    }  # fmt: skip
    return {
        "chain_id": CHAIN_ID, "governor": None, "compiler": record["compiler"], "creations": {"module": creation},
        "contracts": {"module": "0x" + address.hex()}, "code_hashes": {"module": "0x" + keccak(b"\xfe").hex()},
    }  # fmt: skip


def test_a_module_by_itself_leads_to_its_address(
    run: Run, recorded: Path, of_module: dict[str, Any], chain: Anvil
) -> None:
    path, address = recorded.parent / "module.json", of_module["contracts"]["module"]
    path.write_text(json.dumps(of_module))
    status, out, error = run(path)
    assert (status, error) == (0, "")
    assert "rebuilt module: the code leads to the recorded addresses; no chain was asked" in out
    assert "is empty: there is no contract" in refused(run(path, "--rpc", chain.url))
    chain.call("anvil_setCode", address, "0xfe")
    assert run(path, "--rpc", chain.url)[0] == 0
    chain.call("anvil_setCode", address, "0xfd")
    assert "has not the recorded hash" in refused(run(path, "--rpc", chain.url))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r["contracts"].update(module="0x" + "11" * 20), "is not where the factory puts this code"),
        (lambda r: r["creations"]["module"].update(salt="0x" + "11" * 32), "is not where the factory puts this code"),
        (lambda r: r["creations"]["module"].update(constructor_arguments="0x"), "creation code hash"),
        (lambda r: r["creations"]["module"].update(contract="Treasury"), "creation code hash"),
        (lambda r: r["creations"]["module"].update(contract="Nothing"), "no contract 'Nothing'"),
        (lambda r: r["creations"]["module"].update(salt="0x"), "is not of the form"),
        (lambda r: r["compiler"].update(version="0.8.36+commit.00000000"), "was compiled with solc 0.8.36"),
        (lambda r: r.pop("compiler"), "has no 'compiler'"),
        (lambda r: r.update(contracts={}), "don't name the same contracts"),
        (lambda r: r["creations"].update(module={"factory": 1}), "has no 'contract'"),
    ],
)
def test_a_module_s_record_that_is_not_so_is_one_line(
    run: Run, recorded: Path, of_module: dict[str, Any], change: Callable[[dict[str, Any]], None], said: str
) -> None:
    record = json.loads(json.dumps(of_module))
    change(record)
    path = recorded.parent / "module-changed.json"
    path.write_text(json.dumps(record))
    assert said in refused(run(path))
