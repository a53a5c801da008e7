# SPDX-License-Identifier: Apache-2.0
"""The systems that we are measured beside: a Safe, Zodiac Roles v2.1 and its Delay, from the bytecode in npm packages.

Zodiac's `scopeFunction` needs two linked libraries that no package carries. They only write the conditions; checking
them is in the module's own code. So the conditions are written into the node's state as `scopeFunction` would store
them, and that they bind is shown by what the module then refuses.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi import encode
from eth_utils import keccak

from bench.gas.chain import ROOT, BenchError, Chain, Contract, hexed, unhex

PACKAGES = Path(__file__).resolve().parent / "node_modules"
SAFE = "@safe-global/safe-contracts"
ZODIAC = "@gnosis.pm/zodiac"
ZERO = bytes(20)
CALL, DELEGATECALL = 0, 1

# Roles v2.1: where a role lies, and what its conditions are made of.
_ROLES_SLOT = 4
_STATIC, _NONE, _CALLDATA = 1, 0, 5
_PASS_OR, _PASS_AND, _MATCHES, _EQUAL_TO, _LESS_THAN, _WITHIN_ALLOWANCE = 2, 1, 5, 16, 18, 28
ROLE = keccak(text="payroll")
ALLOWANCE = keccak(text="payroll allowance")


def package_version(name: str) -> str:
    """Raises BenchError when the package is not installed."""
    try:
        return str(json.loads((PACKAGES / name / "package.json").read_text())["version"])
    except FileNotFoundError:
        raise BenchError(f"{name} is not installed; run `make bench-gas`, or npm ci in bench/gas") from None


def _safe_artifact(path: str) -> tuple[bytes, list[dict[str, Any]]]:
    name = path.rpartition("/")[2]
    package_version(SAFE)
    artifact = json.loads((PACKAGES / SAFE / "build/artifacts/contracts" / f"{path}.sol" / f"{name}.json").read_text())
    return unhex(artifact["bytecode"]), artifact["abi"]


def _zodiac_artifact(name: str, argument_words: int) -> tuple[bytes, list[dict[str, Any]]]:
    """Creation code without the arguments that the package's own mastercopy is made with."""
    package_version(ZODIAC)
    folder = PACKAGES / ZODIAC / "dist" / "cjs"
    found = re.search(r'initCode = "0x([0-9a-fA-F]+)"', (folder / "initData" / f"{name}.js").read_text())
    if found is None:
        raise BenchError(f"{ZODIAC} carries no creation code of {name} where it did; look at its initData")
    code = bytes.fromhex(found[1])
    return code[: len(code) - 32 * argument_words], json.loads((folder / "abi" / f"{name}.json").read_text())


def token_artifact() -> tuple[bytes, list[dict[str, Any]]]:
    """Our test dollar: OpenZeppelin's ERC-20 as it is, with 6 decimals."""
    return own_artifact("TestUSDC")


def own_artifact(name: str) -> tuple[bytes, list[dict[str, Any]]]:
    """A contract of ours as compiled for deployment."""
    try:
        artifact = json.loads((ROOT / ".build" / "contracts" / f"{name}.json").read_text())
    except FileNotFoundError:
        raise BenchError(f"{name} is not compiled; run `make install`") from None
    return unhex(artifact["bytecode"]), artifact["abi"]


@dataclass(frozen=True)
class Safe:
    """A Safe 1.4.1 behind its own proxy, one owner, threshold 1."""

    chain: Chain
    owner: bytes
    contract: Contract

    @classmethod
    def create(cls, chain: Chain, owner: bytes) -> "Safe":
        code, abi = _safe_artifact("Safe")
        singleton = chain.deploy(owner, code, abi)
        proxy_code, proxy_abi = _safe_artifact("proxies/SafeProxy")
        proxy = chain.deploy(owner, proxy_code, proxy_abi, singleton.address)
        safe = Contract(proxy.address, tuple(abi))
        chain.transact(owner, safe, "setup", [owner], 1, ZERO, b"", ZERO, ZERO, 0, ZERO)
        return cls(chain, owner, safe)

    @property
    def address(self) -> bytes:
        return self.contract.address

    def perform(self, to: bytes, data: bytes) -> int:
        """A transaction of the Safe, approved by its owner's sending it. Gas of the whole."""
        approved = self.owner.rjust(32, b"\0") + bytes(32) + b"\1"
        return self.chain.transact(
            self.owner, self.contract, "execTransaction", to, 0, data, CALL, 0, 0, 0, ZERO, ZERO, approved
        )

    def enable(self, module: bytes) -> None:
        self.perform(self.address, self.contract.calldata("enableModule", module))


def multisend(chain: Chain, owner: bytes) -> Contract:
    """Safe's MultiSendCallOnly: several calls in one transaction."""
    code, abi = _safe_artifact("libraries/MultiSendCallOnly")
    return chain.deploy(owner, code, abi)


def packed(calls: list[tuple[bytes, bytes]]) -> bytes:
    """Calls (target, data) without value, as MultiSend takes them."""
    return b"".join(bytes([CALL]) + to + bytes(32) + len(data).to_bytes(32, "big") + data for to, data in calls)


def delegate_account(chain: Chain, account: bytes, target: bytes) -> None:
    """The account runs `target`'s code as its own, as after an EIP-7702 authorization."""
    chain.rpc("anvil_setCode", hexed(account), "0xef0100" + target.hex())


@dataclass(frozen=True)
class Roles:
    """Zodiac Roles v2.1: one role for one agent, who may transfer one token under conditions."""

    chain: Chain
    owner: bytes
    contract: Contract

    @classmethod
    def create(cls, chain: Chain, owner: bytes, avatar: bytes, target: bytes, *, proxied: bool) -> "Roles":
        """`proxied` as its users deploy it, through Zodiac's factory; else the same code without a proxy."""
        code, abi = _zodiac_artifact("RolesV2", 3)
        if not proxied:
            return cls(chain, owner, chain.deploy(owner, code, abi, owner, avatar, target))
        master = chain.deploy(owner, code, abi, b"\1".rjust(20, b"\0"), b"\1".rjust(20, b"\0"), b"\1".rjust(20, b"\0"))
        factory = chain.deploy(owner, *_zodiac_artifact("ModuleProxyFactory", 0))
        initializer = master.calldata("setUp", encode(["address", "address", "address"], [owner, avatar, target]))
        arguments = (master.address, initializer, 0)
        proxy = unhex(chain.call(factory, "deployModule", *arguments))
        chain.transact(owner, factory, "deployModule", *arguments)
        return cls(chain, owner, Contract(proxy, tuple(abi)))

    @property
    def address(self) -> bytes:
        return self.contract.address

    def permit(self, agent: bytes, token: bytes, recipients: list[bytes], cap: int, budget: int, period_s: int) -> int:
        """`transfer` of the token to one of the recipients, below the cap and within the allowance.

        Gas of the transactions that can be made: all but the one that stores the conditions.
        """
        used = self.chain.transact(self.owner, self.contract, "assignRoles", agent, [ROLE], [True])
        used += self.chain.transact(self.owner, self.contract, "scopeTarget", ROLE, token)
        used += self.allow(budget, budget, period_s)
        self._store_conditions(token, recipients, cap)
        return used

    def allow(self, left: int, refill: int, period_s: int) -> int:
        return self.chain.transact(
            self.owner, self.contract, "setAllowance", ALLOWANCE, left, refill, refill, period_s, 0
        )

    def calldata(self, to: bytes, data: bytes) -> bytes:
        """What the agent sends to have a call made."""
        return self.contract.calldata("execTransactionWithRole", to, 0, data, CALL, ROLE, True)

    def _store_conditions(self, token: bytes, recipients: list[bytes], cap: int) -> None:
        # Breadth first: (parent, type of parameter, operator, compared value). "Less than" excludes the cap itself.
        nodes: list[tuple[int, int, int, bytes]] = [
            (0, _CALLDATA, _MATCHES, b""),
            (0, _NONE, _PASS_OR, b""),
            (0, _NONE, _PASS_AND, b""),
            *((1, _STATIC, _EQUAL_TO, keccak(recipient.rjust(32, b"\0"))) for recipient in recipients),
            (2, _STATIC, _LESS_THAN, (cap + 1).to_bytes(32, "big")),
            (2, _STATIC, _WITHIN_ALLOWANCE, ALLOWANCE),
        ]
        buffer = b"".join(bytes([parent, kind << 5 | operator]) for parent, kind, operator, _ in nodes)
        buffer += b"".join(value for *_, value in nodes)
        pointer = keccak(text="conditions of " + self.address.hex())[:20]
        self.chain.rpc("anvil_setCode", hexed(pointer), hexed(b"\0" + buffer))
        role = int.from_bytes(keccak(ROLE + _ROLES_SLOT.to_bytes(32, "big")), "big")
        key = token + keccak(text="transfer(address,uint256)")[:4] + bytes(8)
        slot = keccak(key + ((role + 2) % 2**256).to_bytes(32, "big"))
        header = len(nodes).to_bytes(2, "big") + bytes(10) + pointer
        self.chain.rpc("anvil_setStorageAt", hexed(self.address), hexed(slot), hexed(header))


@dataclass(frozen=True)
class Delay:
    """Zodiac Delay: what a module wants done waits in a queue; then anybody has it done."""

    chain: Chain
    owner: bytes
    contract: Contract

    @classmethod
    def create(cls, chain: Chain, owner: bytes, safe: bytes, delay_s: int, expiration_s: int) -> "Delay":
        code, abi = _zodiac_artifact("Delay", 5)
        return cls(chain, owner, chain.deploy(owner, code, abi, owner, safe, safe, delay_s, expiration_s))

    def enable(self, module: bytes) -> None:
        self.chain.transact(self.owner, self.contract, "enableModule", module)

    def release_calldata(self, to: bytes, data: bytes) -> bytes:
        return self.contract.calldata("executeNextTx", to, 0, data, CALL)
