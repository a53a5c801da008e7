# SPDX-License-Identifier: Apache-2.0
"""Random lives of proposals on governors of OpenZeppelin v5, v4 and Bravo's kind, all on one chain at once.

A `World` mines block after block. In each block members do what they can (and much that is refused); its time is one
more, or the next moment at which some proposal's state changes by itself, or the one just before it.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from eth_abi import decode, encode
from eth_utils import keccak

from governance import register
from governance.chain.rpc import Rpc
from governance.models import Dao, Proposal
from governance.state import ONCHAIN_STATES, State
from tests.governance.governors import compiled

TIMELOCK_DELAY_S = 12
GRACE_S = 25
GAS = 1_000_000
BLOCK_GAS = 2_000_000_000
PROPOSE = "propose(address[],uint256[],bytes[],string)"
_BATCH = "(address[],uint256[],bytes[],bytes32)"
FINAL = (State.CANCELED, State.DEFEATED, State.EXPIRED, State.EXECUTED, State.VETOED)

# Name of the life's governor -> contract, clock by time, timelock: "control", "compound" or none.
GOVERNORS: dict[str, tuple[str, bool, str | None]] = {
    "v5 simple, blocks": ("Simple5", False, "control"),
    "v5 simple, seconds": ("Simple5", True, "control"),
    "v5 fractional, late quorum, seconds": ("Fractional5", True, "control"),
    "v5 fractional, late quorum, blocks": ("Fractional5", False, "control"),
    "v5 overridable, late quorum, storage, blocks": ("Overridable5", False, None),
    "v5 overridable, late quorum, storage, seconds": ("Overridable5", True, None),
    "v5 super quorum, blocks": ("Super5", False, "control"),
    "v5 compound, guardian, sequential, seconds": ("Compound5", True, "compound"),
    "v5 compound, guardian, sequential, blocks": ("Compound5", False, "compound"),
    "v4 simple, late quorum, blocks": ("Simple4", False, "control"),
    "v4 simple, late quorum, seconds": ("Simple4", True, "control"),
    "v4 bravo, compound, blocks": ("Bravo4", False, "compound"),
    "votes in parts, quorum moved later, code changed, blocks": ("Odd5", False, None),
}


def call(signature: str, *arguments: Any) -> bytes:
    """Calldata of a function by its canonical signature."""
    inside = signature[signature.index("(") + 1 : -1]
    types = inside.split(",") if inside else []
    return keccak(text=signature)[:4] + encode(types, arguments)


@dataclass
class Life:
    """One proposal's: what it would do, and what the mirror said of it last."""

    house: "House"
    text: str
    calls: tuple[list[bytes], list[int], list[bytes]]
    proposer: str
    row: Proposal | None = None
    state: State | None = None

    @property
    def text_hash(self) -> bytes:
        return keccak(text=self.text)


@dataclass
class House:
    """A governor with its mirror, and the lives begun on it."""

    name: str
    contract: str
    by_time: bool
    governor: bytes
    token: bytes
    timelock: bytes | None
    kind: str | None
    dao: Dao
    lives: list[Life] = field(default_factory=list)


class World:
    """All governors on one chain. `rng` decides everything, so a seed tells a run (its times aside)."""

    grace_s = GRACE_S
    furthest_s = 30  # how far a block's time may be from the last one's

    def __init__(self, anvil: Any, rpc: Rpc, people: list[str], rng: random.Random, names: list[str]):
        self.anvil, self.rpc, self.people, self.rng = anvil, rpc, people, rng
        self.code = self._code()
        self.pending: list[dict[str, Any]] = []
        self.begun = 0
        self.guardian = people[-1]
        self.lens, self.target = self._deploy("Lens"), self._deploy("Target")
        self.houses = [self._house(name) for name in names]

    # --- the chain

    def _code(self) -> dict[str, Any]:
        """Name -> {"abi", "bytecode"} of all that is deployed."""
        return compiled()

    def _deploy(self, name: str, *arguments: Any) -> bytes:
        inputs = next((e["inputs"] for e in self.code[name]["abi"] if e.get("type") == "constructor"), [])
        data = self.code[name]["bytecode"] + encode([i["type"] for i in inputs], arguments).hex()
        sent = self.anvil.call("eth_sendTransaction", {"from": self.people[0], "data": data, "gas": hex(12_000_000)})
        self.anvil.call("evm_mine")
        receipt = self.anvil.call("eth_getTransactionReceipt", sent)
        assert receipt["status"] == "0x1", f"{name} could not be deployed"
        return bytes.fromhex(receipt["contractAddress"][2:])

    def send(self, sender: str, to: bytes, data: bytes) -> None:
        """A transaction of the next block. It may fail there: then it changed nothing."""
        self.pending.append({"from": sender, "to": "0x" + to.hex(), "data": "0x" + data.hex(), "gas": hex(GAS)})

    def mine(self, blocks: int = 1, forward_s: int = 1) -> None:
        """Send what waits and mine it, in a block `forward_s` after the last; then blocks without."""
        senders = sorted({request["from"] for request in self.pending})
        counts = self._batch([("eth_getTransactionCount", [sender, "latest"]) for sender in senders])
        nonces = {sender: int(count, 16) for sender, count in zip(senders, counts, strict=True)}
        batch: list[tuple[str, list[Any]]] = []
        for request in self.pending:
            # Said here: the node takes a batch's requests at the same time, and would give two the same.
            batch.append(("eth_sendTransaction", [{**request, "nonce": hex(nonces[request["from"]])}]))
            nonces[request["from"]] += 1
        self.pending = []
        self._batch(batch)
        self.anvil.call("evm_setNextBlockTimestamp", self.anvil.now + forward_s)
        self.anvil.call("evm_mine")
        if blocks > 1:
            self.anvil.call("anvil_mine", hex(blocks - 1), "0x0")

    def _batch(self, wanted: list[tuple[str, list[Any]]]) -> list[Any]:
        """The results of many requests in one, in their order."""
        if not wanted:
            return []
        requests = [
            {"jsonrpc": "2.0", "id": i, "method": method, "params": params} for i, (method, params) in enumerate(wanted)
        ]
        answers = sorted(self.anvil.http.post(self.anvil.url, json=requests).json(), key=lambda answer: answer["id"])
        for answer in answers:
            assert "error" not in answer, answer
        return [answer["result"] for answer in answers]

    def head(self) -> tuple[int, int]:
        """The newest block's number and time."""
        block = self.anvil.call("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), int(block["timestamp"], 16)

    def states(self, house: House, ids: list[int], block: int) -> list[int]:
        """The governor's own `state()` of proposals at a block; 255 where it reverts."""
        data = call("states(address,uint256[])", house.governor, ids)
        request = {"to": "0x" + self.lens.hex(), "data": "0x" + data.hex(), "gas": hex(BLOCK_GAS)}
        found = self.anvil.call("eth_call", request, hex(block))
        return list(decode(["uint8[]"], bytes.fromhex(found[2:]))[0])

    # --- houses

    def controller(self, admin: str) -> bytes:
        """A TimelockController that anybody may execute in."""
        return self._deploy("TimelockController", TIMELOCK_DELAY_S, [], ["0x" + "00" * 20], admin)

    def grant_roles(self, admin: str, timelock: bytes, governor: bytes) -> None:
        """Let a governor rule a timelock, and the guardian cancel there."""
        for role in ("PROPOSER_ROLE", "CANCELLER_ROLE"):
            self.send(admin, timelock, call("grantRole(bytes32,address)", keccak(text=role), governor))
        self.send(admin, timelock, call("grantRole(bytes32,address)", keccak(text="CANCELLER_ROLE"), self.guardian))

    def _house(self, name: str) -> House:
        contract, by_time, kind = GOVERNORS[name]
        token = self._deploy("Votes5", by_time)
        some = "0x" + self.people[0][2:]
        timelock = None
        if kind == "control":
            timelock = self.controller(some)
        elif kind == "compound":
            timelock = self._deploy("CompoundLikeTimelock")
        arguments: list[Any] = [token, timelock or bytes(20)]
        if contract == "Compound5":
            arguments.append(self.guardian)
        if contract == "Odd5":
            self.codes = [self._deploy("Odd5", token, counting) for counting in (1, 0)]
            governor = self._deploy("Proxy5", self.codes[0])
            self.send(some, governor, call("setQuorum(uint256,uint8)", 200, 0))
        else:
            governor = self._deploy(contract, *arguments)
        if kind == "control":
            assert timelock is not None
            self.grant_roles(some, timelock, governor)
        elif kind == "compound":
            assert timelock is not None
            self.send(some, timelock, call("setAdmin(address)", governor))
        for position, person in enumerate(self.people):
            self.send(person, token, call("mint(address,uint256)", person, 100 + 37 * position))
            to = person if position % 3 else self.people[(position + 1) % len(self.people)]
            self.send(person, token, call("delegate(address)", to))
        self.mine()
        slug = f"life-{len(getattr(self, 'houses', []))}-{governor.hex()[:8]}"
        dao = register.add_dao(self.rpc, governor, slug=slug, name=name, start_block=self.head()[0] - 1)
        return House(name, contract, by_time, governor, token, timelock, kind, dao)

    # --- what people do

    def begin(self, house: House) -> bool:
        """Propose another life; False where nobody may now."""
        self.begun += 1
        targets, datas = [], []
        for position in range(self.rng.randint(1, 2)):
            targets.append(self.target)
            datas.append(call("touch(uint256)", 2 * self.begun + position))
        life = Life(house, f"life {self.begun}", (targets, [0] * len(targets), datas), self.rng.choice(self.people))
        self.send(life.proposer, house.governor, call(PROPOSE, *life.calls, life.text))
        house.lives.append(life)
        return True

    def live(self, life: Life) -> None:
        """One thing that may happen to a life now, likely what its state allows."""
        rng, house = self.rng, life.house
        roll = rng.random()
        if life.row is None or life.state is None or roll < 0.03:
            # Anything at all, out of turn: what the governor refuses changes nothing.
            if life.row is not None:
                rng.choice([self._vote, self._queue, self._execute, self._cancel, self._past_governor])(life)
            return
        match life.state:
            case State.PENDING if roll < 0.06:
                self._cancel(life)
            case State.ACTIVE if roll < 0.7:
                self._vote(life)
                if rng.random() < 0.5:
                    self._vote(life)
            case State.ACTIVE if roll < 0.72 and house.contract == "Compound5":
                self._cancel(life)
            case State.SUCCEEDED if roll < 0.4:
                (self._queue if house.timelock else self._execute)(life)
            case State.QUEUED if roll < (0.06 if house.kind == "compound" else 0.12):  # else few would ever expire
                self._execute(life)
            case State.QUEUED if roll < 0.2:
                self._past_governor(life)
            case State.QUEUED if roll < 0.22:
                self._cancel(life)

    def _vote(self, life: Life) -> None:
        rng, to = self.rng, life.house.governor
        assert life.row is not None
        number, person = life.row.proposal_id, rng.choice(self.people)
        leaning = life.row.proposal_id % 4  # some proposals are liked, some are not, some are close
        support = rng.choice([(1, 1, 1, 1, 0, 2), (1, 1, 0, 2, 2), (0, 0, 1, 2), (1, 1, 1, 1)][leaning])
        if life.house.contract == "Odd5" and rng.random() < 0.5:
            parts = b"".join(rng.randint(0, 60).to_bytes(16, "big") for _ in range(3))
            signature = "castVoteWithReasonAndParams(uint256,uint8,string,bytes)"
            self.send(person, to, call(signature, number, support, "in parts", parts))
        elif life.house.contract == "Fractional5" and rng.random() < 0.5:
            parts = b"".join(rng.randint(0, 90).to_bytes(16, "big") for _ in range(3))
            signature = "castVoteWithReasonAndParams(uint256,uint8,string,bytes)"
            self.send(person, to, call(signature, number, 255, "in parts", parts))
        elif life.house.contract == "Overridable5" and rng.random() < 0.5:
            self.send(person, to, call("castOverrideVote(uint256,uint8,string)", number, support, "my own"))
        elif rng.random() < 0.3:
            self.send(person, to, call("castVoteWithReason(uint256,uint8,string)", number, support, "because"))
        else:
            self.send(person, to, call("castVote(uint256,uint8)", number, support))

    def _follow(self, life: Life, function: str, sender: str) -> None:
        self.send(sender, life.house.governor, call(function + _BATCH, *life.calls, life.text_hash))

    def _queue(self, life: Life) -> None:
        self._follow(life, "queue", self.rng.choice(self.people))

    def _execute(self, life: Life) -> None:
        self._follow(life, "execute", self.rng.choice(self.people))

    def _cancel(self, life: Life) -> None:
        self._follow(life, "cancel", self.rng.choice([life.proposer, self.guardian]))

    def _past_governor(self, life: Life) -> None:
        """The operation run or cancelled in the timelock itself, of which the governor says nothing."""
        house, row = life.house, life.row
        if house.kind != "control" or row is None:
            return
        assert house.timelock is not None
        salt = life.text_hash
        operation = row.operation_id_v4
        if house.contract.endswith("5"):
            high = house.governor.ljust(32, b"\0")
            salt, operation = bytes(a ^ b for a, b in zip(salt, high, strict=True)), row.operation_id
        if self.rng.random() < 0.6:
            signature = "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)"
            self.send(self.rng.choice(self.people), house.timelock, call(signature, *life.calls, bytes(32), salt))
        else:
            self.send(self.guardian, house.timelock, call("cancel(bytes32)", operation))

    def stir(self, house: House) -> None:
        """Votes are minted, sent and delegated while proposals run."""
        rng = self.rng
        person, other = rng.choice(self.people), rng.choice(self.people)
        if house.contract == "Odd5" and rng.random() < 0.5:
            if rng.random() < 0.8:
                self.send(person, house.governor, call("setQuorum(uint256,uint8)", rng.randint(1, 500), 1))
            else:
                self.send(person, house.governor, call("changeCode(address,uint8)", rng.choice(self.codes), 1))
            return
        what = rng.randrange(3)
        if what == 0:
            self.send(person, house.token, call("mint(address,uint256)", other, rng.randint(1, 50)))
        elif what == 1:
            self.send(person, house.token, call("transfer(address,uint256)", other, rng.randint(1, 50)))
        else:
            self.send(person, house.token, call("delegate(address)", other))

    # --- time

    def step(self) -> None:
        """One block more: the next, or the one of the next boundary of some life, or the one before it."""
        number, now = self.head()
        blocks, seconds = 1, self.rng.randint(1, 2)
        if self.rng.random() < 0.2:
            ahead_blocks, ahead_s = set(), set()
            for house in self.houses:
                for life in house.lives:
                    if life.row is None or life.state in FINAL:
                        continue
                    ahead = ahead_s if house.by_time else ahead_blocks
                    ahead |= {life.row.snapshot, life.row.snapshot + 1, life.row.deadline, life.row.deadline + 1}
                    if eta := life.row.eta_chain_s:
                        ahead_s |= {eta - 1, eta, eta + self.grace_s - 1, eta + self.grace_s}
            seconds = min((t - now for t in ahead_s if t > now), default=seconds)
            blocks = min((b - number for b in ahead_blocks if b > number), default=blocks)
            seconds, blocks = min(seconds, self.furthest_s), min(blocks, 30)
        self.mine(blocks, seconds)


def onchain(number: int) -> State | None:
    """The state of a number that `state()` answered; None where it reverted."""
    return ONCHAIN_STATES[number] if number < len(ONCHAIN_STATES) else None
