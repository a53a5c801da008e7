# SPDX-License-Identifier: Apache-2.0
"""The real PolicyModule, PolicyChecker and Treasury on an anvil of its own, asked what they answer in a given state.

Nothing is mined while cases are compared: each is one `eth_call` whose state overrides put in place what the module has
stored, and whose answer also tells what it would have stored. The owner is a plain account here (elsewhere it is the
timelock); the agent and the targets are those of Stage.sol.
"""

import hashlib
import http.client
import importlib.util
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from faster_eth_abi import decode as abi_decode
from faster_eth_abi import encode as abi_encode

from policies.code.call import Call
from policies.notation.primitives import keccak, selector
from tests.policies.strategies import AGENT, START_S, TARGETS

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".build" / "contracts"
STAGE_SOURCE = Path(__file__).resolve().parent / "Stage.sol"
OWNER = bytes.fromhex("0e" * 20)
GOVERNOR = bytes.fromhex("60" * 20)
HOLDER = bytes.fromhex("b1" * 20)
STAGE = bytes.fromhex("57a6e0" * 7)[:20]
POINTER = bytes.fromhex("b10b" * 10)  # where the policy's code lies
POLICY_ID = b"\x1d" * 32
DECISION = b"\1" * 32
CALLS = "(address,uint256,bytes)[]"
GAS = 50_000_000
ETHER_OF_TREASURY = 2**254
# Storage of PolicyModule, counted from the slot that holds the guardian.
STATES, RINGS, PLACES = 1, 2, 3
PAUSED_BIT, EPOCH_SHIFT = 160, 168


class Reverted(Exception):
    """The chain refused, with a custom error's name and values (bytes and ints)."""

    def __init__(self, error: str, arguments: tuple[Any, ...]) -> None:
        super().__init__(error, arguments)
        self.error = error
        self.arguments = arguments


@dataclass(frozen=True, slots=True)
class Place:
    """One of the four places for pending acts, as stored."""

    act_id: bytes = bytes(32)
    snapshot: int = 0
    epoch: int = 0
    version: int = 0
    number: int = 0
    releasable_s: int = 0
    expires_s: int = 0
    quiet_until_s: int = 0

    def words(self) -> tuple[int, int]:
        shifts = ((48, self.epoch), (80, self.version), (96, self.number), (120, self.releasable_s))
        packed = self.snapshot | (self.expires_s << 152) | (self.quiet_until_s << 184)
        for shift, value in shifts:
            packed |= value << shift
        return packed, int.from_bytes(self.act_id, "big")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the module has stored of the policy."""

    code: bytes
    version: int
    number: int
    last_act_s: int
    end_s: int
    paused: bool
    epoch: int
    rings: Mapping[bytes, int]
    places: tuple[Place, ...] = (Place(),) * 4


@dataclass(frozen=True, slots=True)
class Part:
    """What a target does in one call: fail or not, ether to send back, what to return, and balances to set."""

    fails: bool = False
    ether_back: int = 0
    answer: bytes = b""
    balances: Mapping[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """The targets' parts by call, the treasury's balances before, and the allowances that they say it has given."""

    parts: Sequence[Part] = ()
    balances: Mapping[bytes, int] = field(default_factory=dict)
    allowances: Mapping[tuple[bytes, bytes], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """One call of the agent to the module, at a time, in a state."""

    stored: Stored
    now_s: int
    data: bytes
    script: Script
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The module's custom error ("" when it did it), and what is stored afterwards."""

    error: str
    arguments: tuple[Any, ...]
    rings: Mapping[bytes, int]
    state: tuple[int, int, int, int]  # version, number, last act, end
    places: tuple[Place, ...]


def build(name: str) -> dict[str, Any]:
    return json.loads((BUILT / f"{name}.json").read_text())


def compiler() -> Any:
    """contracts/scripts/compile.py as a module."""
    specification = importlib.util.spec_from_file_location("compile", ROOT / "contracts" / "scripts" / "compile.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def stage_code() -> dict[str, bytes]:
    """The runtime code of the contracts in Stage.sol, compiled once for each text."""
    source = STAGE_SOURCE.read_text()
    kept = ROOT / ".build" / f"stage-{hashlib.sha256(source.encode()).hexdigest()[:16]}.json"
    if not kept.exists():
        compile_ = compiler()
        standard_input = compile_.compiler_input()
        standard_input["sources"] = {"tests/policies/Stage.sol": {"content": source}}
        made = compile_.compile_contracts(standard_input)
        compile_.write(kept, json.dumps({name: made[name]["deployedBytecode"] for name in made}))
    return {name: bytes.fromhex(code[2:]) for name, code in json.loads(kept.read_text()).items()}


def _errors() -> dict[bytes, tuple[str, list[str]]]:
    found = {}
    for contract in ("IPolicyModule", "PolicyModule", "PolicyChecker", "PolicyCode", "Ring", "Treasury"):
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
        self._stage = stage_code()
        self._id = 0
        self.asked = 0
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
        self.checker = self.ask(OWNER, self.module, selector("checker()"))[12:]
        for target in TARGETS:
            self.rpc("anvil_setCode", _hex(target), _hex(self._stage["Puppet"]))
            self.rpc("anvil_setBalance", _hex(target), hex(2**250))
        self.rpc("anvil_setCode", _hex(STAGE), _hex(self._stage["Stage"]))
        self.rpc("anvil_setCode", _hex(AGENT), _hex(self._stage["Agent"]))
        self.rpc("anvil_setBalance", _hex(self.treasury), hex(ETHER_OF_TREASURY))
        self._first_slot, self._guardian = self._find_guardian()
        self.runtime = bytes.fromhex(self.rpc("eth_getCode", _hex(self.module), "latest")[2:])

    def _find_guardian(self) -> tuple[int, int]:
        """Where the module's own storage begins, behind that of what it inherits, and the address stored there."""
        for slot in range(8):
            word = int(self.rpc("eth_getStorageAt", _hex(self.module), hex(slot), "latest"), 16)
            if word & (2**PAUSED_BIT - 1) == int.from_bytes(OWNER, "big"):
                return slot, word
        raise AssertionError("the guardian is not among the first slots")

    # JSON-RPC

    def rpc(self, method: str, *parameters: Any) -> Any:
        (answer,) = self._post([self._request(method, parameters)])
        if "error" in answer:
            raise self.reverted(answer["error"].get("data"), answer["error"].get("message"))
        return answer["result"]

    def _request(self, method: str, parameters: Sequence[Any]) -> dict[str, Any]:
        self._id += 1
        return {"jsonrpc": "2.0", "id": self._id, "method": method, "params": parameters}

    def _post(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self._connection.request("POST", "/", json.dumps(requests), {"Content-Type": "application/json"})
        answers = json.loads(self._connection.getresponse().read())
        return sorted(answers, key=lambda answer: answer["id"])

    def reverted(self, data: Any, message: str | None = None) -> Exception:
        if not isinstance(data, str) or not re.fullmatch(r"0x[0-9a-f]{8,}", data):
            return RuntimeError(message)
        error, arguments = self._decoded(bytes.fromhex(data[2:]))
        return Reverted(error, arguments)

    def _decoded(self, raw: bytes) -> tuple[str, tuple[Any, ...]]:
        if raw[:4] not in self._known:
            return "0x" + raw[:4].hex(), (raw[4:],)
        name, types = self._known[raw[:4]]
        return name, tuple(map(_value, types, abi_decode(types, raw[4:])))

    # Real transactions

    def _deploy(self, bytecode: str, arguments: bytes) -> bytes:
        receipt = self.send(OWNER, None, bytes.fromhex(bytecode.removeprefix("0x")) + arguments)
        return bytes.fromhex(receipt["contractAddress"][2:])

    def send(self, sender: bytes, to: bytes | None, data: bytes, at_s: int | None = None) -> dict[str, Any]:
        """Mines a transaction in a block at `at_s`. Raises AssertionError when it reverts."""
        transaction = {"from": _hex(sender), "data": _hex(data), "gas": hex(25_000_000), "gasPrice": "0x0"}
        if to is not None:
            transaction["to"] = _hex(to)
        sent = self.rpc("eth_sendTransaction", transaction)
        self.rpc("evm_mine", *([] if at_s is None else [at_s]))
        receipt = self.rpc("eth_getTransactionReceipt", sent)
        assert receipt["status"] == "0x1", "a transaction that a call had allowed reverted"
        return receipt

    def ask(self, sender: bytes, to: bytes, data: bytes) -> bytes:
        """Calls without changing anything. Raises Reverted."""
        transaction = {"from": _hex(sender), "to": _hex(to), "data": _hex(data), "gas": hex(GAS)}
        return bytes.fromhex(self.rpc("eth_call", transaction, "latest")[2:])

    def ask_all(self, sender: bytes, to: bytes, all_data: Sequence[bytes]) -> list[tuple[str, tuple[Any, ...]]]:
        """The error of each call, "" where it has none, in one request."""
        requests = []
        for data in all_data:
            transaction = {"from": _hex(sender), "to": _hex(to), "data": _hex(data), "gas": hex(GAS)}
            requests.append(self._request("eth_call", [transaction, "latest"]))
        found: list[tuple[str, tuple[Any, ...]]] = []
        for answer in self._post(requests):
            if "error" not in answer:
                found.append(("", ()))
                continue
            reverted = self.reverted(answer["error"].get("data"), answer["error"].get("message"))
            assert isinstance(reverted, Reverted), reverted
            found.append((reverted.error, reverted.arguments))
        return found

    def policy_state(self, policy_id: bytes) -> tuple[int, int, int, int]:
        """Version, number, last act and end."""
        return _policy_state(self.ask(OWNER, self.module, selector("policyState(bytes32)") + policy_id))

    # Questions

    def answers(self, questions: Sequence[Question], module_code: bytes | None = None) -> list[Answer]:
        """What the module answers to each question, in one request."""
        self.asked += len(questions)
        requests = [self._question(question, module_code) for question in questions]
        answered = self._post(requests)
        return [self._answer(question, one) for question, one in zip(questions, answered, strict=True)]

    def views(self, questions: Sequence[Question], to: bytes, all_data: Sequence[bytes]) -> list[bytes]:
        """What the contract `to` returns for each data, in its question's state and at its time, in one request."""
        requests = []
        for question, data in zip(questions, all_data, strict=True):
            _, block, overrides, at = self._question(question, None)["params"]
            transaction = {"from": _hex(OWNER), "to": _hex(to), "data": _hex(data), "gas": hex(GAS)}
            requests.append(self._request("eth_call", [transaction, block, overrides, at]))
        answered = self._post(requests)
        assert not any("error" in answer for answer in answered), answered
        return [bytes.fromhex(answer["result"][2:]) for answer in answered]

    def executed(self, question: Question) -> set[int]:
        """Where in the module's code the question runs through."""
        transaction, block, overrides, at = self._question(question, None)["params"]
        options = {"stateOverrides": overrides, "blockOverrides": at, "disableStorage": True, "disableStack": True}
        logs = self.rpc("debug_traceCall", transaction, block, options)["structLogs"]
        depth = 2  # the agent calls the module
        return {int(log["pc"]) for log in logs if log["depth"] == depth}

    def _question(self, question: Question, module_code: bytes | None) -> dict[str, Any]:
        run = abi_encode(["address", "bytes", "bytes[]"], [_hex(self.module), question.data, _probes(question.keys)])
        transaction = {
            "from": _hex(OWNER),
            "to": _hex(AGENT),
            "data": _hex(selector("run(address,bytes,bytes[])") + run),
            "gas": hex(GAS),
        }
        module: dict[str, Any] = {"stateDiff": _slots(self._module_slots(question.stored))}
        if module_code is not None:
            module["code"] = _hex(module_code)
        overrides = {
            _hex(self.module): module,
            _hex(POINTER): {"code": _hex(b"\0" + question.stored.code)},
            _hex(STAGE): {"stateDiff": _slots(self._stage_slots(question.script))},
        }
        return self._request("eth_call", [transaction, "latest", overrides, {"time": hex(question.now_s)}])

    def _module_slots(self, stored: Stored) -> dict[int, int]:
        state = int.from_bytes(POINTER, "big") | stored.version << 160 | stored.number << 176
        state |= stored.last_act_s << 200 | stored.end_s // 3600 << 232
        base = self._first_slot
        slots = {
            base: self._guardian | stored.paused << PAUSED_BIT | stored.epoch << EPOCH_SHIFT,
            _mapping(POLICY_ID, base + STATES): state,
        }
        for key, word in stored.rings.items():
            slots[_mapping(key, base + RINGS)] = word
        first = _mapping(POLICY_ID, base + PLACES)
        for index, place in enumerate(stored.places):
            slots[first + 2 * index], slots[first + 2 * index + 1] = place.words()
        return slots

    def _stage_slots(self, script: Script) -> dict[int, int]:
        slots = {1: int.from_bytes(self.treasury, "big")}
        for asset, balance in script.balances.items():
            slots[int.from_bytes(asset, "big")] = balance
        for (token, spender), allowance in script.allowances.items():
            slots[int.from_bytes(keccak(token.rjust(32, b"\0") + spender.rjust(32, b"\0")), "big")] = allowance
        for index, part in enumerate(script.parts):
            at = index + 1 << 8
            slots[at], slots[at + 1], slots[at + 2] = int(part.fails), part.ether_back, len(part.answer)
            slots[at + 3] = int.from_bytes(part.answer[:32].ljust(32, b"\0"), "big")
            slots[at + 4] = len(part.balances)
            for place, (asset, balance) in enumerate(part.balances.items()):
                slots[at + 6 + 2 * place], slots[at + 7 + 2 * place] = int.from_bytes(asset, "big"), balance
        return slots

    def _answer(self, question: Question, answer: dict[str, Any]) -> Answer:
        assert "error" not in answer, answer["error"]
        raw = bytes.fromhex(answer["result"][2:])
        success, returned, seen = abi_decode(["bool", "bytes", "bytes[]"], raw)
        error, arguments = ("", ()) if success else self._decoded(returned)
        rings = {key: int.from_bytes(word, "big") for key, word in zip(question.keys, seen[2:], strict=True)}
        return Answer(error, arguments, rings, _policy_state(seen[0]), _places(seen[1]))


def _probes(keys: tuple[bytes, ...]) -> list[bytes]:
    return [
        selector("policyState(bytes32)") + POLICY_ID,
        selector("pendingActs(bytes32)") + POLICY_ID,
        *(selector("ring(bytes32)") + key for key in keys),
    ]


def _policy_state(data: bytes) -> tuple[int, int, int, int]:
    assert len(data) == 5 * 32, "the module does not tell its state"
    _, version, number, last_act, end = struct.unpack(">32s" + "24x8s" * 4, data)
    return tuple(int.from_bytes(word, "big") for word in (version, number, last_act, end))  # type: ignore[return-value]


def _places(data: bytes) -> tuple[Place, ...]:
    """IPolicyModule.PendingAct, four times: eight words each, the act's id last."""
    assert len(data) == 4 * 8 * 32, "the module does not tell its pending acts"
    words = [data[at : at + 32] for at in range(0, len(data), 32)]
    found = []
    for first in range(0, len(words), 8):
        snapshot, epoch, version, number, releasable, expires, quiet = (
            int.from_bytes(word, "big") for word in words[first : first + 7]
        )
        found.append(Place(words[first + 7], snapshot, epoch, version, number, releasable, expires, quiet))
    return tuple(found)


def act_id(chain: PolicyChain, version: int, number: int, calls: Sequence[Call]) -> bytes:
    """The id under which the module announces an act."""
    words = [31337, int.from_bytes(chain.module, "big"), int.from_bytes(POLICY_ID, "big"), version, number]
    packed = b"".join(word.to_bytes(32, "big") for word in words) + DECISION
    for call in calls:
        packed += call.to.rjust(32, b"\0") + call.value_wei.to_bytes(32, "big") + len(call.data).to_bytes(32, "big")
        packed += call.data + bytes(-len(call.data) % 32)
    return keccak(packed)


def encode_act(method: str, codehash: bytes, number: int, calls: Sequence[Call]) -> bytes:
    """Calldata of execute or schedule."""
    types = ["bytes32", "bytes32", CALLS, "uint24", "bytes32"]
    values = [POLICY_ID, codehash, _calls(calls), number, DECISION]
    return selector(f"{method}({','.join(types)})") + abi_encode(types, values)


def encode_release(number: int, calls: Sequence[Call]) -> bytes:
    types = ["bytes32", "uint24", CALLS, "bytes32"]
    return selector(f"release({','.join(types)})") + abi_encode(types, [POLICY_ID, number, _calls(calls), DECISION])


def _calls(calls: Sequence[Call]) -> list[tuple[str, int, bytes]]:
    return [(_hex(call.to), call.value_wei, call.data) for call in calls]


def _mapping(key: bytes, slot: int) -> int:
    return int.from_bytes(keccak(key + slot.to_bytes(32, "big")), "big")


def _slots(slots: Mapping[int, int]) -> dict[str, str]:
    return {f"0x{slot:064x}": f"0x{word:064x}" for slot, word in slots.items()}


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
