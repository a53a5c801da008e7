# SPDX-License-Identifier: Apache-2.0
"""DAOs as they are before our module comes, on the tests' chain, and what their members do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from eth_abi import decode, encode
from eth_utils import keccak, to_checksum_address

from bench.gas import field as packages
from tests.conftest import DAY_S, ETHER, ROOT, Deployed
from tests.governance.governors import compiled, compound

PEOPLE = ("ada", "ben", "chloe")
NO_GUARD = bytes(20)


def call(signature: str, *arguments: Any) -> bytes:
    """Calldata of a function by its canonical signature."""
    inside = signature[signature.index("(") + 1 : -1]
    return keccak(text=signature)[:4] + encode(_split(inside), arguments)


def _split(types: str) -> list[str]:
    return types.split(",") if types else []


@dataclass
class House:
    """A DAO: what its proposals go through, and what holds its money."""

    chain: Deployed
    governor: bytes | None
    timelock: bytes
    token: bytes
    treasury: bytes
    by_number: bool = False
    signers: tuple[str, ...] = field(default=())  # the Safe's owners who sign, where people own it

    @property
    def address(self) -> bytes:
        """What the command is given."""
        return self.governor or self.treasury

    def arguments(self) -> list[str]:
        """The options that name this DAO to the command."""
        named = ["--treasury", to_checksum_address(self.treasury)] if self.governor else []
        return [to_checksum_address(self.address), "--rpc", self.chain.url, *named]

    def carry(self, proposer: str, calldata: bytes) -> None:
        """Send `propose` as it was made for us, vote for it, and have it executed."""
        assert self.governor is not None
        self.chain.send_raw(proposer, self.governor, calldata)
        self.carry_sent(proposer, calldata)

    def carry_sent(self, proposer: str, calldata: bytes) -> None:
        """Vote for what was proposed, and have it executed."""
        d = self.chain
        if self.by_number:
            self._carry_by_number()
            return
        targets, values, datas, text = decode(["address[]", "uint256[]", "bytes[]", "string"], calldata[4:])
        columns = [[bytes.fromhex(target[2:]) for target in targets], list(values), list(datas), keccak(text=text)]
        number = d.read("governor", "hashProposal", *columns)
        d.anvil.wind(3601)
        for name in PEOPLE:
            d.send(name, "governor", "castVote", number, 1)
        d.anvil.wind(3 * DAY_S + 1)
        d.send(proposer, "governor", "queue", *columns)
        d.anvil.wind(DAY_S + 1)
        d.send(proposer, "governor", "execute", *columns)

    def _carry_by_number(self) -> None:
        """As Compound's governors and their like do it: the newest proposal, by its number."""
        d = self.chain
        number = self._newest()
        d.anvil.mine(2)
        # Uniswap's first governor, the one in its package, asks yes or no.
        ballot = (
            call("castVote(uint256,bool)", number, True) if self.is_real else call("castVote(uint256,uint8)", number, 1)
        )
        for name in PEOPLE:
            d.send_raw(name, self.governor, ballot)
        d.anvil.mine(compound.PERIOD_BLOCKS + 5)
        d.send_raw("ada", self.governor, call("queue(uint256)", number))
        d.anvil.wind(2 * DAY_S + 13 if self.is_real else 13)
        d.send_raw("ada", self.governor, call("execute(uint256)", number))

    is_real: bool = False

    def _newest(self) -> int:
        """The newest proposal's number, from the governor's last log."""
        logs = self.chain.anvil.call(
            "eth_getLogs", {"address": "0x" + (self.governor or b"").hex(), "fromBlock": "0x0", "toBlock": "latest"}
        )
        created = keccak(
            text="ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)"
        )
        made = [log for log in logs if log["topics"][0] == "0x" + created.hex()]
        return int(made[-1]["data"][2:66], 16)

    def sign_and_send(self, to: bytes, data: bytes) -> None:
        """The Safe's owners sign a transaction of it with their keys, and the first of them sends it."""
        d = self.chain
        d.abis["house_safe"], d.addresses["house_safe"] = SAFE_VIEWS, self.treasury
        accounts = sorted((d.accounts[name] for name in self.signers), key=lambda one: bytes.fromhex(one.address[2:]))
        number = self._read("nonce()", ["uint256"])
        tail = [0, 0, 0, 0, bytes(20), bytes(20)]
        if self.is_real:
            types = "(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)"
            digest = self._read(f"getTransactionHash{types}", ["bytes32"], to, 0, data, *tail, number)
        else:
            digest = self._read("getTransactionHash(address,uint256,bytes,uint256)", ["bytes32"], to, 0, data, number)
        signatures = b"".join(bytes(account.unsafe_sign_hash(digest).signature) for account in accounts)
        exec_ = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
        d.send_raw(self.signers[0], self.treasury, call(exec_, to, 0, data, *tail, signatures))

    def _read(self, signature: str, types: list[str], *arguments: Any) -> Any:
        request = {"to": "0x" + self.treasury.hex(), "data": "0x" + call(signature, *arguments).hex()}
        return decode(types, bytes.fromhex(self.chain.anvil.call("eth_call", request, "latest")[2:]))[0]


SAFE_VIEWS: list[dict[str, Any]] = []


def deploy(d: Deployed, bytecode: str, types: list[str], *arguments: Any) -> bytes:
    """Create a contract; its address."""
    data = bytes.fromhex(bytecode.removeprefix("0x")) + encode(types, arguments)
    return bytes.fromhex(d.send_raw("deployer", None, data)["contractAddress"][2:])


def small(d: Deployed, name: str, types: list[str], *arguments: Any) -> bytes:
    """Create a contract of the tests' own."""
    return deploy(d, compiled()[name]["bytecode"], types, *arguments)


def safe(d: Deployed, owners: list[bytes], threshold: int, *, is_real: bool) -> bytes:
    """Safe 1.4.1 from its package behind its proxy, or the small one."""
    if not is_real:
        return small(d, "SmallSafe", ["address[]", "uint256"], owners, threshold)
    singleton = deploy(d, packages._safe_artifact("Safe")[0].hex(), [])
    made = deploy(d, packages._safe_artifact("proxies/SafeProxy")[0].hex(), ["address"], singleton)
    setup = "setup(address[],uint256,address,bytes,address,address,uint256,address)"
    d.send_raw("ada", made, call(setup, owners, threshold, bytes(20), b"", bytes(20), bytes(20), 0, bytes(20)))
    return made


def has_safe_package() -> bool:
    """Whether the Safe's package is installed (`make packages`)."""
    return (packages.PACKAGES / packages.SAFE).exists()


def _delegated(d: Deployed) -> None:
    for name in PEOPLE:
        d.send(name, "votes_token", "delegate", d.address(name))
    d.anvil.wind(1)


def with_treasury(d: Deployed) -> House:
    """Our governor and timelock, and a Treasury of its own that lets no module act yet."""
    _delegated(d)
    artifact = json.loads((ROOT / ".build" / "contracts" / "Treasury.json").read_text())
    treasury = deploy(d, artifact["bytecode"], ["address", "address[]"], d.addresses["timelock"], [])
    return _paid(House(d, d.addresses["governor"], d.addresses["timelock"], d.addresses["votes_token"], treasury))


def with_safe_of_timelock(d: Deployed, *, is_real: bool = False) -> House:
    """The same DAO with a Safe whose only owner is the timelock."""
    _delegated(d)
    made = safe(d, [d.addresses["timelock"]], 1, is_real=is_real)
    house = House(d, d.addresses["governor"], d.addresses["timelock"], d.addresses["votes_token"], made)
    house.is_real = is_real
    return _paid(house)


def with_safe_of_people(d: Deployed, *, is_real: bool = False) -> House:
    """The same DAO with a Safe of three people, of whom two sign."""
    _delegated(d)
    made = safe(d, [d.address(name) for name in PEOPLE], 2, is_real=is_real)
    house = House(
        d, d.addresses["governor"], d.addresses["timelock"], d.addresses["votes_token"], made, signers=("ada", "ben")
    )
    house.is_real = is_real
    return _paid(house)


def safe_alone(d: Deployed, *, is_real: bool = False) -> House:
    """A Safe of three people and no governor."""
    made = safe(d, [d.address(name) for name in PEOPLE], 2, is_real=is_real)
    house = House(d, None, made, made, made, signers=("ada", "ben"))
    house.is_real = is_real
    return _paid(house)


def compound_like(d: Deployed) -> House:
    """A governor of Bravo's kind behind Compound's timelock, votes of COMP's kind, a Treasury of the timelock's."""
    token = small(d, "PriorVotes", [])
    for position, name in enumerate(PEOPLE):
        d.send_raw(name, token, call("mint(address,uint256)", d.address(name), (5 - position) * ETHER))
        d.send_raw(name, token, call("delegate(address)", d.address(name)))
    timelock = small(d, "CompoundLikeTimelock", [])
    governor = small(d, "Prior4", ["address", "address"], token, timelock)
    d.send_raw("deployer", timelock, call("setAdmin(address)", governor))
    return _paid(House(d, governor, timelock, token, _treasury_of(d, timelock), by_number=True))


def uniswap(d: Deployed) -> House:
    """UNI, GovernorAlpha and the Timelock as Uniswap published them (`make packages` installs them)."""
    code = {name: made["bytecode"] for name, made in compound._published().items()}
    ada = d.address("ada")
    token = deploy(d, code["Uni"], ["address"] * 2 + ["uint256"], ada, ada, d.anvil.now + DAY_S)
    for name in PEOPLE[1:]:
        d.send_raw("ada", token, call("transfer(address,uint256)", d.address(name), 100_000_000 * ETHER))
    for name in PEOPLE:
        d.send_raw(name, token, call("delegate(address)", d.address(name)))
    nonce = int(d.anvil.call("eth_getTransactionCount", "0x" + d.address("deployer").hex(), "latest"), 16)
    import rlp

    governor = keccak(rlp.encode([d.address("deployer"), nonce + 1]))[12:]
    timelock = deploy(d, code["Timelock"], ["address", "uint256"], governor, 2 * DAY_S)
    assert deploy(d, code["GovernorAlpha"], ["address", "address"], timelock, token) == governor
    house = House(d, governor, timelock, token, _treasury_of(d, timelock), by_number=True)
    house.is_real = True
    return _paid(house)


def _treasury_of(d: Deployed, owner: bytes) -> bytes:
    artifact = json.loads((ROOT / ".build" / "contracts" / "Treasury.json").read_text())
    return deploy(d, artifact["bytecode"], ["address", "address[]"], owner, [])


def _paid(house: House) -> House:
    """What holds the money gets 10,000 test dollars."""
    house.chain.send("deployer", "usdc", "mint", house.treasury, 10_000 * 10**6)
    return house
