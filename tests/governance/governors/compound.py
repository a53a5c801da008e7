# SPDX-License-Identifier: Apache-2.0
"""Random lives on governors that are not OpenZeppelin's, as their own DAOs compiled and published them: Compound's
GovernorAlpha (Uniswap's), GovernorBravoDelegate behind its delegator (Venus'), Nouns' first and second, each with
the Timelock of Compound's that it came with, and UNI as votes.

The packages are installed by `make lives` and nothing of them is in this repository. Their code is as it was published
but for one number: Alpha's constant voting period of 40,320 blocks, which would take a local chain hours, is 20 here.
The others keep theirs in storage, where it is set after they were initialized.
"""

import json
import re
from pathlib import Path
from typing import Any

import rlp
from eth_abi import decode
from eth_utils import keccak

from governance import register
from governance.state import State
from tests.governance.governors.lives import House, Life, World, call

PACKAGES = Path(__file__).parent / "packages" / "node_modules"
_UNISWAP = PACKAGES / "@uniswap" / "governance" / "build"
_VENUS = PACKAGES / "@venusprotocol" / "governance-contracts" / "artifacts" / "contracts" / "legacy"
_NOUNS = PACKAGES / "@nouns" / "contracts" / "dist" / "typechain" / "factories" / "contracts" / "governance"

PERIOD_BLOCKS = 20
DAY_S = 86_400
TOKEN = 10**18
PROPOSE = "propose(address[],uint256[],string[],bytes[],string)"
# name -> (contract, votes of the people in tokens: from least to most)
HOUSES: dict[str, tuple[str, tuple[int, int]]] = {
    "Uniswap's GovernorAlpha": ("GovernorAlpha", (10_100_000, 30_000_000)),  # its quorum is 40 million UNI
    "Venus' GovernorBravoDelegate": ("GovernorBravo", (151_000, 500_000)),  # 600,000
    "Nouns' first": ("NounsV1", (10_000_000, 30_000_000)),
    "Nouns' second, with a dynamic quorum": ("NounsV2", (10_000_000, 30_000_000)),
}


def installed() -> bool:
    """Whether the packages are there."""
    return all(folder.exists() for folder in (_UNISWAP, _VENUS, _NOUNS))


def _contract(bytecode: str, *types: str) -> dict[str, Any]:
    inputs = [{"type": kind} for kind in types]
    return {"abi": [{"type": "constructor", "inputs": inputs}], "bytecode": "0x" + bytecode.removeprefix("0x")}


def _uniswap(name: str, *types: str) -> dict[str, Any]:
    return _contract(json.loads((_UNISWAP / f"{name}.json").read_text())["bytecode"], *types)


def _venus(file: str, name: str, *types: str) -> dict[str, Any]:
    return _contract(json.loads((_VENUS / file / f"{name}.json").read_text())["bytecode"], *types)


def _nouns(name: str, *types: str) -> dict[str, Any]:
    found = re.search(r'_bytecode = "0x([0-9a-f]+)"', (_NOUNS / f"{name}__factory.js").read_text())
    assert found is not None
    return _contract(found[1], *types)


def _published() -> dict[str, Any]:
    alpha = _uniswap("GovernorAlpha", "address", "address")
    long, short = "619d80", f"61{PERIOD_BLOCKS:04x}"  # PUSH2 of the voting period
    assert alpha["bytecode"].count(long) == 1
    alpha["bytecode"] = alpha["bytecode"].replace(long, short)
    nouns_proxy = ("address",) * 5 + ("uint256",) * 3
    return {
        "Uni": _uniswap("Uni", "address", "address", "uint256"),
        "Timelock": _uniswap("Timelock", "address", "uint256"),
        "GovernorAlpha": alpha,
        "BravoDelegate": _venus("GovernorBravoDelegateV1.sol", "GovernorBravoDelegateV1"),
        "BravoDelegator": _venus(
            "GovenorBravoV1.sol", "GovernorBravoDelegatorV1", *["address"] * 4, *["uint256"] * 3, "address"
        ),
        "VenusTimelock": _venus("../Governance/Timelock.sol", "Timelock", "address", "uint256"),
        "NounsLogicV1": _nouns("NounsDAOLogicV1"),
        "NounsLogicV2": _nouns("NounsDAOLogicV2"),
        "NounsProxyV1": _nouns("NounsDAOProxy", *nouns_proxy, "uint256"),
        "NounsProxyV2": _nouns("NounsDAOProxyV2", *nouns_proxy, "(uint16,uint16,uint32)"),
        "NounsExecutor": _nouns("NounsDAOExecutor", "address", "uint256"),
    }


class CompoundWorld(World):
    """The same life as OpenZeppelin's governors have, in the words of those that came before them."""

    grace_s = 14 * DAY_S
    furthest_s = 16 * DAY_S

    def _code(self) -> dict[str, Any]:
        return super()._code() | _published()

    # --- houses

    def _house(self, name: str) -> House:
        contract, (least, most) = HOUSES[name]
        some = self.people[0]
        token = self._deploy("Uni", some, some, self.head()[1] + 3600)
        timelock_code = {"GovernorAlpha": "Timelock", "GovernorBravo": "VenusTimelock"}.get(contract, "NounsExecutor")
        # Alpha and Nouns' executor know their admin from the beginning: the governor that is deployed next but `later`.
        later = {"GovernorAlpha": 1, "GovernorBravo": 0, "NounsV1": 2, "NounsV2": 2}[contract]
        admin: bytes | str = self._next_contract(some, later) if later else some
        timelock = self._deploy(timelock_code, admin, 2 * DAY_S)
        settings = [PERIOD_BLOCKS_BY_LAW[contract], 1]
        if contract == "GovernorAlpha":
            governor = self._deploy("GovernorAlpha", timelock, token)
        elif contract == "GovernorBravo":
            logic = self._deploy("BravoDelegate")
            governor = self._deploy(
                "BravoDelegator", timelock, token, some, logic, *settings, 150_000 * TOKEN, self.guardian
            )
            self._as_timelock(timelock, call("setPendingAdmin(address)", governor))
            # It goes on with its predecessor's numbers, and refuses one that has none.
            self.begin(self.alpha)
            self.mine()
            self.send(some, governor, call("_initiate(address)", self.alpha.governor))
            self.mine()
        else:
            logic = self._deploy(f"NounsLogic{contract[-2:]}")
            quorum = 500 if contract == "NounsV1" else (500, 1500, 1_000_000)  # 5 %, and as much more as is against
            governor = self._deploy(
                f"NounsProxy{contract[-2:]}", timelock, token, self.guardian, some, logic, *settings, 90, quorum
            )
        if contract != "GovernorAlpha":
            self._shorten(governor, settings[0])
        for position, person in enumerate(self.people):
            if position:
                amount = least + (most - least) * position // len(self.people)
                self.send(some, token, call("transfer(address,uint256)", person, amount * TOKEN))
            if position:
                self.send(person, token, call("delegate(address)", person))
        self.mine()
        slug = f"life-{governor.hex()[:12]}"
        dao = register.add_dao(self.rpc, governor, slug=slug, name=name, start_block=self.head()[0] - 1)
        house = House(name, contract, False, governor, token, timelock, "compound", dao)
        if contract == "GovernorAlpha":
            self.alpha = house
        return house

    def _next_contract(self, sender: str, later: int) -> bytes:
        nonce = int(self.anvil.call("eth_getTransactionCount", sender, "latest"), 16) + later
        return keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:]

    def _as_timelock(self, timelock: bytes, data: bytes) -> None:
        """A transaction of the timelock to itself, as if its last governor had decided it."""
        who = "0x" + timelock.hex()
        self.anvil.call("anvil_setBalance", who, hex(10**18))
        self.anvil.call("anvil_impersonateAccount", who)
        self.send(who, timelock, data)
        self.mine()
        self.anvil.call("anvil_stopImpersonatingAccount", who)

    def _shorten(self, governor: bytes, blocks: int) -> None:
        """Set the voting period, found by its value, to what a test can wait for."""
        at = "0x" + governor.hex()
        slots = [hex(slot) for slot in range(32)]
        stored = [int(word, 16) for word in self._batch([("eth_getStorageAt", [at, s, "latest"]) for s in slots])]
        assert stored.count(blocks) == 1
        self.anvil.call("anvil_setStorageAt", at, slots[stored.index(blocks)], f"0x{PERIOD_BLOCKS:064x}")

    # --- what people do

    def begin(self, house: House) -> bool:
        """Propose another life, where somebody may: one who has the votes and no proposal that is not over."""
        self.begun += 1
        datas = [call("touch(uint256)", 2 * self.begun + position) for position in range(self.rng.randint(1, 2))]
        targets, values, text = [self.target] * len(datas), [0] * len(datas), f"life {self.begun}"
        data = call(PROPOSE, targets, values, [""] * len(datas), datas, text)
        busy = {p["from"] for p in self.pending if p["to"] == "0x" + house.governor.hex()}
        for person in self.rng.sample(self.people, len(self.people)):
            if person not in busy and self._would_pass(person, house.governor, data):
                self.send(person, house.governor, data)
                house.lives.append(Life(house, text, (targets, values, datas), person))
                return True
        self.begun -= 1
        return False

    def _would_pass(self, sender: str, to: bytes, data: bytes) -> bool:
        request = {"from": sender, "to": "0x" + to.hex(), "data": "0x" + data.hex()}
        answer = self.anvil.http.post(
            self.anvil.url, json={"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [request, "pending"]}
        ).json()
        return "result" in answer

    def live(self, life: Life) -> None:
        nouns = life.house.contract.startswith("Nouns")
        if nouns and life.row is not None and self.rng.random() < 0.004:
            self.send(self.guardian, life.house.governor, call("veto(uint256)", life.row.proposal_id))
        elif life.state is State.ACTIVE and self.rng.random() < 0.05:
            self._cancel(life)
        else:
            super().live(life)

    def _vote(self, life: Life) -> None:
        rng, to = self.rng, life.house.governor
        assert life.row is not None
        number, person = life.row.proposal_id, rng.choice(self.people)
        support = rng.choice([(1, 1, 1, 1, 0, 2), (1, 1, 0, 2, 2), (0, 0, 1, 2), (1, 1, 1, 1)][number % 4])
        if life.house.contract == "GovernorAlpha":
            self.send(person, to, call("castVote(uint256,bool)", number, support == 1))
        elif rng.random() < 0.3:
            self.send(person, to, call("castVoteWithReason(uint256,uint8,string)", number, support, "because"))
        else:
            self.send(person, to, call("castVote(uint256,uint8)", number, support))

    def _follow(self, life: Life, function: str, sender: str) -> None:
        assert life.row is not None
        self.send(sender, life.house.governor, call(f"{function}(uint256)", life.row.proposal_id))

    def stir(self, house: House) -> None:
        """Votes move: a proposer may fall below the threshold, whose proposal anybody may then cancel."""
        person, other = self.rng.choice(self.people[1:]), self.rng.choice(self.people[1:])
        if self.rng.random() < 0.5:
            self.send(person, house.token, call("delegate(address)", other))
        else:
            self.send(person, house.token, call("delegate(address)", person))

    def quorum_of(self, house: House, number: int) -> int:
        """What the governor asks of a proposal now; -1 where it has no such view."""
        data = call("quorumVotes(uint256)", number)
        found = self.anvil.call("eth_call", {"to": "0x" + house.governor.hex(), "data": "0x" + data.hex()}, "latest")
        return int(decode(["uint256"], bytes.fromhex(found[2:]))[0])


# What they demand when they are initialized: hours of blocks.
PERIOD_BLOCKS_BY_LAW = {"GovernorAlpha": 0, "GovernorBravo": 3_600, "NounsV1": 5_760, "NounsV2": 5_760}
