# SPDX-License-Identifier: Apache-2.0
"""A local chain with a clock that only moves when told, so that a run's gas is the same on every machine."""

import logging
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import stamina
from eth_abi import decode, encode
from eth_utils import keccak

from embedded.process import die_with_parent, free_port

ROOT = Path(__file__).resolve().parents[2]
HARDFORK = "prague"
CHAIN_ID = 31337
GAS_LIMIT = 16_000_000
GENESIS_S = 21_990 * 86_400
"""The chain's first second, a midnight in March 2030: fixed, so that no result depends on when the run is made."""

# It would print each wait for the node.
logging.getLogger("stamina").addHandler(logging.NullHandler())
_MNEMONIC = "test test test test test test test test test test test junk"


class BenchError(Exception):
    """The measurement could not be made, or is worthless. The message says why and what to do."""


class Refused(Exception):
    """The chain refused a transaction; `data` is the revert data."""

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data


@dataclass(frozen=True)
class Contract:
    """A contract on the chain: its address and its ABI by name."""

    address: bytes
    abi: tuple[dict[str, Any], ...]

    def function(self, name: str) -> dict[str, Any]:
        """The ABI's entry of the only function of that name."""
        found = [entry for entry in self.abi if entry["type"] == "function" and entry["name"] == name]
        if len(found) != 1:
            raise BenchError(f"the ABI has {len(found)} functions named {name}, not one; compile the contracts anew")
        return found[0]

    def calldata(self, name: str, *arguments: Any) -> bytes:
        """A call's data, arguments in order."""
        types = [canonical_type(item) for item in self.function(name)["inputs"]]
        return keccak(text=f"{name}({','.join(types)})")[:4] + encode(types, arguments)

    def error_name(self, data: bytes) -> str:
        """Which of the contract's errors revert data is; the text of a revert with a text; else its selector in hex."""
        if data[:4] == keccak(text="Error(string)")[:4]:
            return str(decode(["string"], data[4:])[0])
        for entry in self.abi:
            if entry["type"] == "error":
                signature = f"{entry['name']}({','.join(canonical_type(item) for item in entry['inputs'])})"
                if keccak(text=signature)[:4] == data[:4]:
                    return str(entry["name"])
        return "0x" + data[:4].hex()


def canonical_type(item: dict[str, Any]) -> str:
    """An ABI entry's canonical type; tuples are written out."""
    if not item["type"].startswith("tuple"):
        return str(item["type"])
    return f"({','.join(canonical_type(part) for part in item['components'])}){item['type'].removeprefix('tuple')}"


@dataclass
class Chain:
    """A running anvil. Each transaction is a block, and its time is set before it is sent."""

    url: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def rpc(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call. Raises Refused with the node's message and, of a revert, its data."""
        answer = self.http.post(self.url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).json()
        if "error" in answer:
            data = answer["error"].get("data")
            raise Refused(answer["error"]["message"], unhex(data) if isinstance(data, str) else b"")
        return answer["result"]

    @cached_property
    def accounts(self) -> list[bytes]:
        """Accounts that the node signs for, each with ether."""
        return [unhex(account) for account in self.rpc("eth_accounts")]

    @property
    def now_s(self) -> int:
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def pass_time(self, seconds: int) -> None:
        """The next block comes that much after the newest."""
        self.rpc("evm_setNextBlockTimestamp", self.now_s + seconds)

    def code(self, address: bytes) -> bytes:
        return unhex(self.rpc("eth_getCode", hexed(address), "latest"))

    def call(self, contract: Contract, name: str, *arguments: Any, sender: bytes | None = None) -> Any:
        """Asks a contract: one value, or a tuple of several. Addresses come as lower-case text."""
        request = {"to": hexed(contract.address), "data": hexed(contract.calldata(name, *arguments))}
        if sender is not None:
            request["from"] = hexed(sender)
        types = [canonical_type(item) for item in contract.function(name)["outputs"]]
        values = decode(types, unhex(self.rpc("eth_call", request, "latest")))
        return values[0] if len(values) == 1 else values

    def send(self, sender: bytes, to: bytes | None, data: bytes = b"", value_wei: int = 0) -> dict[str, Any]:
        """Sends a transaction; its receipt. Raises Refused with the revert data when it fails or is not even taken."""
        request = {"from": hexed(sender), "data": hexed(data), "value": hex(value_wei), "gas": hex(GAS_LIMIT)}
        if to is not None:
            request["to"] = hexed(to)
        transaction = self.rpc("eth_sendTransaction", request)
        receipt = self._receipt(transaction)
        if receipt["status"] != "0x1":
            self.rpc("eth_call", request, receipt["blockNumber"])  # raises with the reason
            raise Refused(f"transaction {transaction} failed and its replay did not")
        return receipt

    @stamina.retry(on=LookupError, timeout=30, wait_initial=0.01, wait_max=0.2, attempts=None)
    def _receipt(self, transaction: str) -> dict[str, Any]:
        receipt = self.rpc("eth_getTransactionReceipt", transaction)
        if receipt is None:
            raise LookupError(transaction)
        return dict(receipt)

    def gas(self, sender: bytes, to: bytes, data: bytes) -> int:
        """Sends a transaction; what the whole of it used."""
        return int(self.send(sender, to, data)["gasUsed"], 16)

    def transact(self, sender: bytes, contract: Contract, name: str, *arguments: Any) -> int:
        """Sends a call of a contract's function; what the whole transaction used."""
        return self.gas(sender, contract.address, contract.calldata(name, *arguments))

    def deploy(self, sender: bytes, creation_code: bytes, abi: Sequence[dict[str, Any]], *arguments: Any) -> Contract:
        """Creates a contract from its creation code and the constructor's arguments."""
        inputs = next((entry["inputs"] for entry in abi if entry["type"] == "constructor"), [])
        data = creation_code + encode([canonical_type(item) for item in inputs], arguments)
        return Contract(unhex(self.send(sender, None, data)["contractAddress"]), tuple(abi))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside never happened."""
        snapshot = self.rpc("evm_snapshot")
        try:
            yield
        finally:
            if not self.rpc("evm_revert", snapshot):
                raise BenchError("the node did not go back to a snapshot; start again")


@contextmanager
def chain() -> Iterator[Chain]:
    """Starts anvil for as long as the context lasts. Raises BenchError when it is missing or does not answer."""
    binaries = sorted((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    if not binaries:
        raise BenchError("anvil is not installed; run `make install`")
    port = free_port()
    command = [str(binaries[0]), "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(CHAIN_ID)]
    command += ["--hardfork", HARDFORK, "--timestamp", str(GENESIS_S), "--accounts", "10", "--mnemonic", _MNEMONIC]
    command += ["--prune-history", "128", "--quiet"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent())
        node = Chain(f"http://127.0.0.1:{port}")
        try:
            try:
                for attempt in stamina.retry_context(on=httpx.TransportError, timeout=20, attempts=None, wait_max=0.2):
                    with attempt:
                        node.rpc("eth_chainId")
            except httpx.TransportError:
                log.seek(0)
                said = log.read().decode(errors="replace").strip()
                raise BenchError(f"anvil did not answer within 20 s: {said[-300:]}") from None
            yield node
        finally:
            node.http.close()
            process.kill()
            process.wait()


def anvil_version() -> str:
    """Of the installed package."""
    binaries = sorted((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    if not binaries:
        raise BenchError("anvil is not installed; run `make install`")
    said = subprocess.run([binaries[0], "--version"], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[0].removeprefix("anvil Version: ")


def address_of(label: str) -> bytes:
    """An address that nobody has, without zero bytes, as most addresses are: zero bytes would make calldata cheaper."""
    return keccak(text=f"mandate gas bench {label}")[12:].replace(b"\0", b"\1")


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def hexed(data: bytes) -> str:
    return "0x" + data.hex()
