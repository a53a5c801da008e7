# SPDX-License-Identifier: Apache-2.0
"""Shared fixtures: a local chain (`anvil`) and the whole suite of contracts deployed on it (`deployed`).

Nothing is started unless a test asks for it. Each xdist worker has a chain of its own; every test that uses `deployed`
begins from the same state (snapshot and revert).
"""

import fcntl
import importlib.util
import json
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import rlp
from eth_abi import decode, encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak, to_checksum_address
from hypothesis import HealthCheck, settings

from embedded.process import die_with_parent, free_port

# No property fails because the machine is busy: time on the clock is measured in bench/, not here. And the suite tries
# the same values in each run, so that it can't fail by chance for a change that has nothing to do with it; others are
# looked for with MANDATE_PROPERTIES=random.
settings.register_profile(
    "suite",
    settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("MANDATE_PROPERTIES") != "random",
)
settings.load_profile("suite")

ROOT = Path(__file__).resolve().parent.parent
CHAIN_ID = 31337
_BUSY_S = 60  # that a machine which does much else may take for what otherwise comes at once
KEPT_BLOCKS = 128  # of which the chain has the state; asked about older ones, it says that it has none
ETHER = 10**18
DAY_S = 86_400
# The mnemonic that every local chain knows; no account of it holds anything anywhere else.
MNEMONIC = "test test test test test test test test test test test junk"
# In the order of dao/local/people.py, which tests of lower layers can't import.
NAMES = (
    "deployer", "ada", "ben", "chloe", "dana", "gus", "olga", "agent", "relayer",
    "ines", "jon", "kim", "lea", "max", "mallory",
)  # fmt: skip
HOLDERS = {"ada": 300_000 * ETHER, "ben": 250_000 * ETHER, "chloe": 150_000 * ETHER, "treasury": 300_000 * ETHER}
TREASURY_USDC = 100_000 * 10**6
TREASURY_WEI = 10 * ETHER


class ChainError(Exception):
    """The chain's answer to a call that it refused: `data` is the revert data, if there was any."""

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data


@dataclass
class Anvil:
    """A running local chain that mines on each transaction."""

    url: str
    process: subprocess.Popen
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=_BUSY_S))

    def call(self, method: str, *params: Any) -> Any:
        answer = self.http.post(self.url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).json()
        if "error" in answer:
            data = answer["error"].get("data")
            raise ChainError(answer["error"]["message"], _bytes(data) if isinstance(data, str) else b"")
        return answer["result"]

    @property
    def now(self) -> int:
        """The newest block's time, Unix seconds."""
        return int(self.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def wind(self, seconds: int) -> None:
        """Moves the chain's clock and mines one block there."""
        self.call("evm_setNextBlockTimestamp", self.now + seconds)
        self.call("evm_mine")

    def mine(self, blocks: int = 1) -> None:
        self.call("anvil_mine", hex(blocks))


@dataclass
class Deployed:
    """The whole suite on a chain: addresses, ABIs, people with ether, and what tests do with them.

    Contracts are named as in deployment.json: votes_token, governor, timelock, treasury, module, usdc.
    """

    anvil: Anvil
    addresses: dict[str, bytes]
    abis: dict[str, list[dict[str, Any]]]
    accounts: dict[str, LocalAccount]
    start_block: int

    @property
    def url(self) -> str:
        return self.anvil.url

    @property
    def deployment(self) -> dict[str, Any]:
        """As `deploy_dao.py --out` writes it."""
        return {
            "chain_id": CHAIN_ID,
            "start_block": self.start_block,
            "contracts": {name: to_checksum_address(address) for name, address in self.addresses.items()},
            "code_hashes": {
                name: "0x" + keccak(_bytes(self.anvil.call("eth_getCode", _hex(address), "latest"))).hex()
                for name, address in self.addresses.items()
            },
        }

    def address(self, who: str | bytes) -> bytes:
        """The address of a contract or a person by name; bytes are taken as they are."""
        if isinstance(who, bytes):
            return who
        return self.addresses[who] if who in self.addresses else _bytes(self.accounts[who].address)

    def calldata(self, contract: str, function: str, *arguments: Any) -> bytes:
        """Encodes a call of the contract's function."""
        entry = self._function(contract, function, len(arguments))
        types = [_type(item) for item in entry["inputs"]]
        return keccak(text=f"{function}({','.join(types)})")[:4] + encode(types, arguments)

    def read(self, contract: str, function: str, *arguments: Any) -> Any:
        """Asks the chain; one value, or a tuple of several. Addresses come as lower-case text (eth_abi)."""
        entry = self._function(contract, function, len(arguments))
        request = {"to": _hex(self.addresses[contract]), "data": _hex(self.calldata(contract, function, *arguments))}
        values = decode([_type(o) for o in entry["outputs"]], _bytes(self.anvil.call("eth_call", request, "latest")))
        return values[0] if len(values) == 1 else values

    def send(
        self, sender: str | bytes, contract: str | bytes, function: str = "", *arguments: Any, value_wei: int = 0
    ) -> dict[str, Any]:
        """Sends a transaction and returns its receipt. Raises ChainError with the revert data if it fails."""
        data = self.calldata(str(contract), function, *arguments) if function else b""
        return self.send_raw(sender, self.address(contract), data, value_wei)

    def send_raw(self, sender: str | bytes, to: bytes | None, data: bytes, value_wei: int = 0) -> dict[str, Any]:
        request = {
            "from": _hex(self.address(sender)),
            "data": _hex(data),
            "value": hex(value_wei),
            "gas": hex(16_000_000),
        }
        if to is not None:
            request["to"] = _hex(to)
        transaction_hash = self.anvil.call("eth_sendTransaction", request)
        receipt = None
        give_up = time.monotonic() + _BUSY_S
        while receipt is None:  # on a busy machine the block comes a moment after the hash
            assert time.monotonic() < give_up, f"transaction {transaction_hash} was not mined within {_BUSY_S} s"
            receipt = self.anvil.call("eth_getTransactionReceipt", transaction_hash)
            if receipt is None:
                time.sleep(0.02)
        if receipt["status"] != "0x1":
            self.anvil.call("eth_call", request, "latest")  # raises with the reason
            raise ChainError(f"transaction {transaction_hash} failed and its replay did not")
        return receipt

    def send_as(self, who: str, contract: str, function: str, *arguments: Any) -> dict[str, Any]:
        """Sends as a contract (the timelock, say), as if a vote had decided it."""
        address = _hex(self.address(who))
        self.anvil.call("anvil_setBalance", address, hex(ETHER))
        self.anvil.call("anvil_impersonateAccount", address)
        try:
            return self.send(who, contract, function, *arguments)
        finally:
            self.anvil.call("anvil_stopImpersonatingAccount", address)

    def set_policy(self, policy_id: bytes, code: bytes) -> dict[str, Any]:
        """Puts a policy in force as the timelock does after a vote."""
        return self.send_as("timelock", "module", "setPolicy", policy_id, code)

    def error_name(self, data: bytes) -> str | None:
        """Which of the contracts' errors revert data is."""
        for abi in self.abis.values():
            for entry in abi:
                if entry["type"] == "error":
                    signature = f"{entry['name']}({','.join(_type(i) for i in entry['inputs'])})"
                    if keccak(text=signature)[:4] == data[:4]:
                        return str(entry["name"])
        return None

    def _function(self, contract: str, function: str, count: int) -> dict[str, Any]:
        for entry in self.abis[contract]:
            if entry["type"] == "function" and entry["name"] == function and len(entry["inputs"]) == count:
                return entry
        raise LookupError(f"{contract} has no function {function} with {count} arguments")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Tests that commit leave tables to be emptied. Django truncates all 75 after each of them, which takes a hundred
    times as long as to see that most hold nothing; content types are kept, as nothing changes them.
    """
    from django.db import connections, transaction
    from django.test.testcases import TransactionTestCase

    def empty(self: Any) -> None:
        for database in self._databases_names(include_mirrors=False):
            tables = [
                name
                for name in connections[database].introspection.django_table_names(only_existing=True)
                if name != "django_content_type"
            ]
            with transaction.atomic(using=database), connections[database].cursor() as sql:
                # For the transaction no foreign key is followed and no trigger runs: the audit log's forbid all this.
                sql.execute("SET LOCAL session_replication_role = replica")
                sql.execute("SELECT " + ", ".join(f'EXISTS (SELECT FROM "{name}")' for name in tables))  # noqa: S608  the names are the models'
                for name in (name for name, is_filled in zip(tables, sql.fetchone(), strict=True) if is_filled):
                    sql.execute(f'DELETE FROM "{name}"')  # noqa: S608

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(scope="session")
def compiled() -> None:
    """The contracts' ABIs and bytecode in .build, made if they are missing or stale; once, whoever comes first."""
    (ROOT / ".build").mkdir(exist_ok=True)
    with (ROOT / ".build" / "compile.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _contracts_compile().build()


@contextmanager
def running_anvil() -> Iterator[Anvil]:
    """A chain (31337, mines on each transaction); it dies with the tests, however they end."""
    people = ("--accounts", str(len(NAMES)), "--mnemonic", MNEMONIC)
    with started_anvil("--chain-id", str(CHAIN_ID), *people) as (process, port):
        node = Anvil(f"http://127.0.0.1:{port}", process)
        try:
            yield node
        finally:
            node.http.close()


@contextmanager
def started_anvil(*options: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """An anvil with these options, and the port at which it answers; skips where none is installed."""
    machine = {"x86_64": "amd64", "arm64": "arm64", "aarch64": "arm64"}[platform.machine()]
    binary = ROOT / "node_modules" / "@foundry-rs" / f"anvil-{sys.platform}-{machine}" / "bin" / "anvil"
    if not binary.exists():
        pytest.skip("anvil is not installed; run `npm ci`")
    command = [str(binary), "--host", "127.0.0.1", "--prune-history", str(KEPT_BLOCKS), "--quiet", *options]
    with tempfile.TemporaryFile() as log:
        for _ in range(3):
            port = free_port()
            process = subprocess.Popen(
                [*command, "--port", str(port)], stdout=log, stderr=log, preexec_fn=die_with_parent()
            )
            try:
                if _listens(process, port):
                    yield process, port
                    return
            finally:
                process.kill()
                process.wait()
        log.seek(0)
        raise RuntimeError(f"anvil did not start: {log.read()[-400:]!r}")


def _listens(process: subprocess.Popen, port: int) -> bool:
    """Wait until this very process listens on the port. False where it ended: another may have taken the port between
    choice and use, and would have answered in its place.
    """
    give_up = time.monotonic() + _BUSY_S
    while process.poll() is None:
        assert time.monotonic() < give_up, f"anvil does not listen after {_BUSY_S} s"
        with suppress(psutil.Error):  # it ended meanwhile
            found = psutil.Process(process.pid).net_connections(kind="tcp4")
            if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found):
                return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="session")
def anvil() -> Iterator[Anvil]:
    """The chain that this process's tests share. It keeps the last `KEPT_BLOCKS` blocks' states: tests before may have
    used up those of the deployment (`young_suite` has a chain of its own)."""
    with running_anvil() as node:
        yield node


@pytest.fixture(scope="session")
def accounts() -> dict[str, LocalAccount]:
    """The local people by name; anvil has their keys too, and each has 10,000 ether."""
    Account.enable_unaudited_hdwallet_features()
    return {
        name: Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
        for index, name in enumerate(NAMES)
    }


@pytest.fixture(scope="session")
def _suite(anvil: Anvil, compiled: None, accounts: dict[str, LocalAccount]) -> Deployed:
    """Everything deployed once."""
    return _deploy(anvil, accounts)


@pytest.fixture
def young_suite(compiled: None, accounts: dict[str, LocalAccount]) -> Iterator[Deployed]:
    """The suite on a chain that no other test uses, with all its states."""
    with running_anvil() as node:
        yield _deploy(node, accounts)


def _deploy(anvil: Anvil, accounts: dict[str, LocalAccount]) -> Deployed:
    """Deploys everything, wired as contracts/scripts/deploy_dao.py wires it (tested by itself)."""
    suite = Deployed(anvil, {}, {}, accounts, int(anvil.call("eth_blockNumber"), 16) + 1)
    deployer = suite.address("deployer")
    nonce = int(anvil.call("eth_getTransactionCount", _hex(deployer), "latest"), 16)
    governor, treasury, module = (keccak(rlp.encode([deployer, nonce + n]))[12:] for n in (2, 3, 4))

    def deploy(key: str, name: str, *arguments: Any) -> bytes:
        artifact = json.loads((ROOT / ".build" / "contracts" / f"{name}.json").read_text())
        inputs = next((e["inputs"] for e in artifact["abi"] if e["type"] == "constructor"), [])
        data = _bytes(artifact["bytecode"]) + encode([_type(i) for i in inputs], arguments)
        receipt = suite.send_raw("deployer", None, data)
        suite.abis[key] = artifact["abi"]
        suite.addresses[key] = _bytes(receipt["contractAddress"])
        return suite.addresses[key]

    holders = [treasury if name == "treasury" else suite.address(name) for name in HOLDERS]
    token = deploy("votes_token", "VotesToken", "Mandate", "MAND", holders, list(HOLDERS.values()))
    timelock = deploy("timelock", "TimelockController", DAY_S, [governor], [governor], bytes(20))
    settings = (3600, 3 * DAY_S, 10_000 * ETHER, 4, DAY_S)
    deploy("governor", "MandateGovernor", "Mandate DAO", token, timelock, settings)
    deploy("treasury", "Treasury", timelock, [module])
    deploy("module", "PolicyModule", timelock, governor, treasury, token, suite.address("gus"))
    deploy("usdc", "TestUSDC")
    assert (suite.addresses["governor"], suite.addresses["treasury"], suite.addresses["module"]) == (
        governor,
        treasury,
        module,
    )
    suite.send("deployer", "usdc", "mint", treasury, TREASURY_USDC)
    suite.send("deployer", "treasury", value_wei=TREASURY_WEI)
    return suite


@pytest.fixture
def deployed(_suite: Deployed) -> Iterator[Deployed]:
    """The suite as freshly deployed; what the test does to the chain is undone.

    Each test's blocks name a miner of their own, so that none has the hash of an undone one: anvil counts an undone
    block among those it keeps, and when that one's turn comes, it forgets the state of the block that stands.
    """
    _suite.anvil.call("anvil_setCoinbase", to_checksum_address(secrets.token_bytes(20)))
    snapshot = _suite.anvil.call("evm_snapshot")
    yield _suite
    assert _suite.anvil.call("evm_revert", snapshot)


def _contracts_compile() -> Any:
    specification = importlib.util.spec_from_file_location(
        "mandate_contracts_compile", ROOT / "contracts" / "scripts" / "compile.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _type(item: dict[str, Any]) -> str:
    """An ABI entry's canonical type; tuples are written out."""
    if not item["type"].startswith("tuple"):
        return str(item["type"])
    return f"({','.join(_type(part) for part in item['components'])}){item['type'].removeprefix('tuple')}"
