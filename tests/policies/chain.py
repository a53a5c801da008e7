# SPDX-License-Identifier: Apache-2.0
"""The real PolicyModule and Treasury on an anvil of its own, reduced to what the differential test asks.

The owner is a plain account here (elsewhere it is the timelock), and the policies' targets are three addresses with a
few bytes of code that accept everything and return true: what is compared is the module's answer, not a token's.
"""

import http.client
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from faster_eth_abi import decode as abi_decode
from faster_eth_abi import encode as abi_encode

from policies.evaluate import Call
from policies.primitives import keccak, selector
from tests.policies.strategies import START_S, TARGETS

BUILT = Path(__file__).resolve().parents[2] / ".build" / "contracts"
OWNER = bytes.fromhex("0e" * 20)
GOVERNOR = bytes.fromhex("60" * 20)
HOLDER = bytes.fromhex("b1" * 20)
RETURNS_TRUE = "0x60015f5260205ff3"  # PUSH1 1, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN
CALLS = "(address,uint256,bytes)[]"
GAS = 25_000_000


class Reverted(Exception):
    """The chain refused, with a custom error's name and values (bytes and ints)."""

    def __init__(self, error: str, arguments: tuple[Any, ...]) -> None:
        super().__init__(error, arguments)
        self.error = error
        self.arguments = arguments


def build(name: str) -> dict[str, Any]:
    return json.loads((BUILT / f"{name}.json").read_text())


def _errors() -> dict[bytes, tuple[str, list[str]]]:
    found = {}
    for contract in ("IPolicyModule", "PolicyModule", "PolicyCode", "Ring", "Treasury"):
        for item in build(contract)["abi"]:
            if item["type"] == "error":
                types = [argument["type"] for argument in item["inputs"]]
                found[selector(f"{item['name']}({','.join(types)})")] = (item["name"], types)
    return found


def _value(kind: str, value: Any) -> Any:
    return bytes.fromhex(value[2:]) if kind == "address" else value


class PolicyChain:
    """Talks JSON-RPC to one anvil. Addresses are bytes, times Unix seconds."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0)
        self._known = _errors()
        self._id = 0
        self.rpc("anvil_autoImpersonateAccount", True)
        token = build("VotesToken")["bytecode"]
        supply = abi_encode(["string", "string", "address[]", "uint256[]"], ["M", "M", [_hex(HOLDER)], [10**24]])
        self.votes_token = self._deploy(token, supply)
        nonce = int(self.rpc("eth_getTransactionCount", _hex(OWNER), "latest"), 16)
        self.treasury = _created(OWNER, nonce + 1)
        parties = [OWNER, GOVERNOR, self.treasury, self.votes_token, OWNER]
        self.module = self._deploy(
            build("PolicyModule")["bytecode"], abi_encode(["address"] * 5, list(map(_hex, parties)))
        )
        treasury = abi_encode(["address", "address[]"], [_hex(OWNER), [_hex(self.module)]])
        assert self._deploy(build("Treasury")["bytecode"], treasury) == self.treasury
        for target in TARGETS:
            self.rpc("anvil_setCode", _hex(target), RETURNS_TRUE)
        self.rpc("anvil_setBalance", _hex(self.treasury), hex(2**254))

    def rpc(self, method: str, *parameters: Any) -> Any:
        self._id += 1
        body = json.dumps({"jsonrpc": "2.0", "id": self._id, "method": method, "params": parameters})
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(self._connection.getresponse().read())
        if "error" in answer:
            raise self._reverted(answer["error"])
        return answer["result"]

    def _reverted(self, error: dict[str, Any]) -> Exception:
        data = error.get("data")
        if not isinstance(data, str) or not re.fullmatch(r"0x[0-9a-f]{8,}", data):
            return RuntimeError(error.get("message"))
        raw = bytes.fromhex(data[2:])
        if raw[:4] not in self._known:
            return Reverted("0x" + raw[:4].hex(), (raw[4:],))
        name, types = self._known[raw[:4]]
        return Reverted(name, tuple(map(_value, types, abi_decode(types, raw[4:]))))

    def _deploy(self, bytecode: str, arguments: bytes) -> bytes:
        receipt = self.send(OWNER, None, bytes.fromhex(bytecode.removeprefix("0x")) + arguments)
        return bytes.fromhex(receipt["contractAddress"][2:])

    def send(self, sender: bytes, to: bytes | None, data: bytes, at_s: int | None = None) -> dict[str, Any]:
        """Mines a transaction in a block at `at_s`. Raises AssertionError when it reverts."""
        transaction = {"from": _hex(sender), "data": _hex(data), "gas": hex(GAS), "gasPrice": "0x0"}
        if to is not None:
            transaction["to"] = _hex(to)
        sent = self.rpc("eth_sendTransaction", transaction)
        self.rpc("evm_mine", *([] if at_s is None else [at_s]))
        receipt = self.rpc("eth_getTransactionReceipt", sent)
        assert receipt["status"] == "0x1", "a transaction that a call had allowed reverted"
        return receipt

    def ask(self, sender: bytes, to: bytes, data: bytes, at_s: int | None = None) -> bytes:
        """Calls without changing anything, in a block at `at_s`. Raises Reverted."""
        transaction = {"from": _hex(sender), "to": _hex(to), "data": _hex(data), "gas": hex(GAS)}
        overrides = [{}, {"time": hex(at_s)}] if at_s is not None else []
        return bytes.fromhex(self.rpc("eth_call", transaction, "latest", *overrides)[2:])

    def ring(self, key: bytes) -> int:
        return int.from_bytes(self.ask(OWNER, self.module, selector("ring(bytes32)") + key), "big")

    def policy_state(self, policy_id: bytes) -> tuple[int, int, int, int]:
        """Version, number, last act and end."""
        data = self.ask(OWNER, self.module, selector("policyState(bytes32)") + policy_id)
        _, version, number, last_act, end = abi_decode(["address", "uint16", "uint24", "uint32", "uint40"], data)
        return version, number, last_act, end


def encode_act(method: str, policy_id: bytes, codehash: bytes, number: int, calls: Sequence[Call]) -> bytes:
    """Calldata of execute or schedule."""
    types = ["bytes32", "bytes32", "uint24", CALLS, "bytes32"]
    signature = f"{method}({','.join(types)})"
    values = [policy_id, codehash, number, _calls(calls), b"\1" * 32]
    return selector(signature) + abi_encode(types, values)


def encode_release(act_id: bytes, calls: Sequence[Call]) -> bytes:
    return selector(f"release(bytes32,{CALLS})") + abi_encode(["bytes32", CALLS], [act_id, _calls(calls)])


def _calls(calls: Sequence[Call]) -> list[tuple[str, int, bytes]]:
    return [(_hex(call.to), call.value, call.data) for call in calls]


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _created(creator: bytes, nonce: int) -> bytes:
    """The address of a contract that `creator` makes with its `nonce`, below 128 (RLP of the two)."""
    assert 0 < nonce < 0x80
    return keccak(b"\xd6\x94" + creator + bytes([nonce]))[12:]


ANVIL_FLAGS = (
    "--no-mining",
    "--chain-id",
    "31337",
    "--base-fee",
    "0",
    "--gas-price",
    "0",
    "--timestamp",
    str(START_S - 3600),
)
