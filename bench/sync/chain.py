# SPDX-License-Identifier: Apache-2.0
"""A made-up chain for measurements: the logs of a busy DAO, written to files that a node can serve without thinking.

The same number of logs gives the same bytes every time. Ten logs a block; of a thousand logs about 880 are VoteCast
(one in twenty with a reason), 20 VoteCastWithParams, 97 delegations and changes of voting power, and three or four
begin, queue, execute or cancel a proposal. Three proposals take votes at a time. Blocks carry the transactions that
made the logs, one log each. Nothing here is a real DAO's.
"""

import hashlib
import pickle
import random
from array import array
from dataclasses import dataclass, field
from pathlib import Path

from eth_hash.auto import keccak
from faster_eth_abi import encode

CHAIN_ID = 1
GOVERNOR = bytes.fromhex("90fe" * 10)
TOKEN = bytes.fromhex("70ce" * 10)
FIRST_BLOCK = 18_000_000
FIRST_TIME_S = 1_690_000_000
BLOCK_S = 12
LOGS_PER_BLOCK = 10
EMPTY_BLOCKS_AFTER = 128  # so that all logs are final
LOGS_PER_PROPOSAL = 1000
VOTERS = 20_000


def _topic(signature: str) -> bytes:
    return keccak(signature.encode())


VOTE_CAST = _topic("VoteCast(address,uint256,uint8,uint256,string)")
VOTE_CAST_WITH_PARAMS = _topic("VoteCastWithParams(address,uint256,uint8,uint256,string,bytes)")
DELEGATE_CHANGED = _topic("DelegateChanged(address,address,address)")
DELEGATE_VOTES_CHANGED = _topic("DelegateVotesChanged(address,uint256,uint256)")
CREATED_TYPES = [
    "uint256", "address", "address[]", "uint256[]", "string[]", "bytes[]", "uint256", "uint256", "string",
]  # fmt: skip
PROPOSAL_CREATED = _topic(f"ProposalCreated({','.join(CREATED_TYPES)})")
PROPOSAL_QUEUED = _topic("ProposalQueued(uint256,uint256)")
PROPOSAL_EXECUTED = _topic("ProposalExecuted(uint256)")
PROPOSAL_CANCELED = _topic("ProposalCanceled(uint256)")


@dataclass
class Index:
    """Where things lie in the files. `starts` has an offset more than there are logs, `firsts` one more than blocks."""

    logs: int
    first_block: int
    last_block: int  # with logs
    head: int
    block_s: int = BLOCK_S  # between two blocks, by the chain's clock
    addresses: list[bytes] = field(default_factory=list)
    starts: dict[bytes, array] = field(default_factory=dict)
    firsts: dict[bytes, array] = field(default_factory=dict)
    topics: dict[bytes, array] = field(default_factory=dict)  # per log: the place in `kinds`
    kinds: list[bytes] = field(default_factory=list)
    headers: array = field(default_factory=lambda: array("Q"))
    transactions: array = field(default_factory=lambda: array("H"))  # per block
    counts: dict[str, int] = field(default_factory=dict)


def block_hash(number: int) -> str:
    """Ends in the block's number, so that a block is found by its hash without any table."""
    return "0x" + hashlib.sha256(b"block %d" % number).hexdigest()[:48] + f"{number:016x}"


def transaction_hash(number: int, position: int) -> str:
    return "0x" + hashlib.sha256(b"transaction %d %d" % (number, position)).hexdigest()


def timestamp(number: int, block_s: int = BLOCK_S) -> int:
    return FIRST_TIME_S + (number - FIRST_BLOCK) * block_s


def header(number: int, transactions: str, block_s: int = BLOCK_S) -> str:
    """A block object; `transactions` is the JSON of its list."""
    zero = "0x" + "00" * 32
    return (
        f'{{"number":"{hex(number)}","hash":"{block_hash(number)}",'
        f'"parentHash":"{block_hash(number - 1) if number else zero}",'
        f'"timestamp":"{hex(max(timestamp(number, block_s), 0))}",'
        f'"transactions":{transactions},"uncles":[],"nonce":"0x0000000000000000","sha3Uncles":"{zero}",'
        f'"logsBloom":"0x{"ff" * 256}","transactionsRoot":"{zero}","stateRoot":"{zero}","receiptsRoot":"{zero}",'
        f'"mixHash":"{zero}","miner":"0x{"00" * 20}","difficulty":"0x0","totalDifficulty":"0x0","extraData":"0x",'
        f'"size":"0x3e8","gasLimit":"0x1c9c380","gasUsed":"0xe4e1c0","baseFeePerGas":"0x3b9aca00"}}'
    )


def full_transactions(number: int, count: int) -> str:
    """The transactions of a block as objects, as eth_getBlockByNumber gives them when asked for all."""
    word = "0x" + "11" * 32
    return "[" + ",".join(
        f'{{"hash":"{transaction_hash(number, position)}","blockHash":"{block_hash(number)}",'
        f'"blockNumber":"{hex(number)}","transactionIndex":"{hex(position)}","from":"0x{"aa" * 20}",'
        f'"to":"0x{GOVERNOR.hex()}","value":"0x0","gas":"0x186a0","gasPrice":"0x3b9aca00",'
        f'"maxFeePerGas":"0x77359400","maxPriorityFeePerGas":"0x3b9aca00","nonce":"{hex(position)}",'
        f'"input":"0x56781388{"00" * 64}","type":"0x2","chainId":"0x1","accessList":[],"v":"0x1",'
        f'"r":"{word}","s":"{word}"}}'
        for position in range(count)
    ) + "]"  # fmt: skip


class _Life:
    """What the DAO does next, log by log: (address, topics, data)."""

    def __init__(self) -> None:
        self.random = random.Random(20_261_122)  # noqa: S311 -- measurements, not keys
        self.voters = [hashlib.sha256(b"voter %d" % n).digest()[:20] for n in range(VOTERS)]
        self.made = 0
        self.live: list[int] = []
        self.due: list[tuple[bytes, tuple[bytes, ...], bytes]] = []

    def next(self, place: int, block: int) -> tuple[bytes, tuple[bytes, ...], bytes]:
        if self.due:
            return self.due.pop()
        if place % LOGS_PER_PROPOSAL == 0:
            return self._proposal(block)
        draw = self.random.random()
        voter = bytes(12) + self.random.choice(self.voters)
        if draw < 0.88 or not self.live:
            return self._vote(voter, params=False)
        if draw < 0.90:
            return self._vote(voter, params=True)
        if draw < 0.935:
            other = [bytes(12) + self.random.choice(self.voters) for _ in range(2)]
            return TOKEN, (DELEGATE_CHANGED, voter, *other), b""
        before, after = self._weight(), self._weight()
        return TOKEN, (DELEGATE_VOTES_CHANGED, voter), before.to_bytes(32, "big") + after.to_bytes(32, "big")

    def _weight(self) -> int:
        return self.random.randrange(1, 4_000_000) * 10**18 // self.random.randrange(1, 1000)

    def _vote(self, voter: bytes, *, params: bool) -> tuple[bytes, tuple[bytes, ...], bytes]:
        values = [self.random.choice(self.live), self.random.randrange(3), self._weight()]
        reason = b""
        if self.random.random() < 0.05:
            reason = b"Because it is the right thing to do, as said in the forum. " * self.random.randrange(1, 4)
        words = b"".join(value.to_bytes(32, "big") for value in values)
        text = len(reason).to_bytes(32, "big") + reason + bytes(-len(reason) % 32)
        if params:
            offset = 5 * 32
            tail = text + bytes(32)
            return GOVERNOR, (VOTE_CAST_WITH_PARAMS, voter), (
                words + offset.to_bytes(32, "big") + (offset + len(text)).to_bytes(32, "big") + tail
            )  # fmt: skip
        return GOVERNOR, (VOTE_CAST, voter), words + (128).to_bytes(32, "big") + text

    def _proposal(self, block: int) -> tuple[bytes, tuple[bytes, ...], bytes]:
        self.made += 1
        number = int.from_bytes(hashlib.sha256(b"proposal %d" % self.made).digest(), "big")
        self.live.append(number)
        if len(self.live) > 3:
            ended = self.live.pop(0).to_bytes(32, "big")
            if self.made % 7 == 0:
                self.due.append((GOVERNOR, (PROPOSAL_CANCELED,), ended))
            else:
                eta = (timestamp(block) + 172_800).to_bytes(32, "big")
                self.due.append((GOVERNOR, (PROPOSAL_EXECUTED,), ended))
                self.due.append((GOVERNOR, (PROPOSAL_QUEUED,), ended + eta))
        text = f"# Proposal {self.made}\n\n" + "What is asked for, and why it would be good for the DAO. " * 40
        data = encode(
            CREATED_TYPES,
            [number, self.voters[self.made], [TOKEN], [0], [""], [b"\xa9\x05\x9c\xbb" + bytes(64)], block + 7200,
             block + 57_600, text],
        )  # fmt: skip
        return GOVERNOR, (PROPOSAL_CREATED,), data


def write(folder: Path, logs: int, *, per_block: int = LOGS_PER_BLOCK, block_s: int = BLOCK_S) -> Index:
    """Write a chain of so many logs into the folder; see `read`."""
    blocks = -(-logs // per_block)
    last = FIRST_BLOCK + blocks - 1
    index = Index(logs, FIRST_BLOCK, last, last + EMPTY_BLOCKS_AFTER, block_s, [GOVERNOR, TOKEN])
    for address in index.addresses:
        index.starts[address], index.firsts[address], index.topics[address] = array("Q", [0]), array("I"), array("B")
    life, place, offset = _Life(), 0, 0
    files = {address: (folder / f"{address.hex()}.json").open("wb") for address in index.addresses}
    with (folder / "headers.json").open("wb") as headers:
        index.headers.append(0)
        for number in range(FIRST_BLOCK, index.head + 1):
            for address in index.addresses:
                index.firsts[address].append(len(index.topics[address]))
            count = min(per_block, logs - place) if number <= last else 0
            hashes = [transaction_hash(number, position) for position in range(count)]
            shared = f'"blockNumber":"{hex(number)}","blockHash":"{block_hash(number)}"'
            for position in range(count):
                address, topics, data = life.next(place, number)
                place += 1
                if topics[0] not in index.kinds:
                    index.kinds.append(topics[0])
                index.topics[address].append(index.kinds.index(topics[0]))
                named = ",".join(f'"0x{topic.hex()}"' for topic in topics)
                text = (
                    f'{{"address":"0x{address.hex()}","topics":[{named}],"data":"0x{data.hex()}",{shared},'
                    f'"transactionHash":"{hashes[position]}","transactionIndex":"{hex(position)}",'
                    f'"logIndex":"{hex(position)}","removed":false}},'
                )
                files[address].write(text.encode())
                index.starts[address].append(index.starts[address][-1] + len(text))
            body = header(number, "[" + ",".join(f'"{word}"' for word in hashes) + "]", block_s)
            offset += headers.write(body.encode())
            index.headers.append(offset)
            index.transactions.append(count)
    for address in index.addresses:
        index.firsts[address].append(len(index.topics[address]))
        files[address].close()
    names = {
        VOTE_CAST: "VoteCast", VOTE_CAST_WITH_PARAMS: "VoteCastWithParams", DELEGATE_CHANGED: "DelegateChanged",
        DELEGATE_VOTES_CHANGED: "DelegateVotesChanged", PROPOSAL_CREATED: "ProposalCreated",
        PROPOSAL_QUEUED: "ProposalQueued", PROPOSAL_EXECUTED: "ProposalExecuted",
        PROPOSAL_CANCELED: "ProposalCanceled",
    }  # fmt: skip
    for address in index.addresses:
        for kind in index.topics[address]:
            name = names[index.kinds[kind]]
            index.counts[name] = index.counts.get(name, 0) + 1
    (folder / "index.pickle").write_bytes(pickle.dumps(index))
    return index


def read(folder: Path) -> Index:
    """The index of a chain that `write` wrote there (by this program: it is a pickle)."""
    return pickle.loads((folder / "index.pickle").read_bytes())  # noqa: S301 -- written by ourselves a moment ago
