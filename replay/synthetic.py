# SPDX-License-Identifier: Apache-2.0
"""A chain made in memory, block by block, that may grow, be reorganised in any way and stand at an earlier moment.

Every change adds a moment; a node shows the newest, or an earlier one (as one behind a load balancer that lags). Block
hashes follow from the parent, the time, the transactions and a salt; a transaction keeps its hash when a reorg puts it
elsewhere, as on a real chain.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from governance.chain import bloom, receipts
from governance.chain.rpc import Log, Receipt
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.primitives import keccak
from replay.sight import GAS, KIND, NodeError, ServedLog

CLIENT_VERSION = "mandate-synthetic/1 (a chain made up in memory)"
_KEPT_MOMENTS = 64
Emitted = tuple[bytes, tuple[bytes, ...], bytes]
"""A log as a contract emits it: address, topics, data."""
Call = Callable[[bytes, bytes, int], bytes]
"""Answers `eth_call`: recipient, calldata, block number -> returned bytes. Raises NodeError."""


@dataclass(frozen=True)
class SyntheticTransaction:
    """A transaction and what it logged; one that failed logs nothing. `salt` tells equal ones apart. The logs of a
    `system` one, which the chain itself makes, stand in no bloom and in no receipt, as Polygon's state syncs; a chain
    puts it last in its block."""

    to: bytes
    logs: tuple[Emitted, ...] = ()
    sender: bytes = b"\x5e" * 20
    calldata: bytes = b""
    succeeded: bool = True
    salt: int = 0
    system: bool = False

    @cached_property
    def hash(self) -> bytes:
        """32 bytes, the same wherever the transaction stands."""
        parts = [self.to, self.sender, self.calldata, self.salt.to_bytes(8, "big"), bytes([self.succeeded])]
        for address, topics, data in self.logs:
            parts += [address, *topics, data]
        return keccak(b"".join(len(part).to_bytes(4, "big") + part for part in parts))


@dataclass(frozen=True)
class SyntheticBlock:
    """A block in its place."""

    number: int
    parent_hash: bytes
    time_s: int
    transactions: tuple[SyntheticTransaction, ...]
    salt: int = 0

    @cached_property
    def hash(self) -> bytes:
        place = b"".join(n.to_bytes(8, "big") for n in (self.number, self.time_s, self.salt))
        return keccak(b"".join([b"synthetic", self.parent_hash, place, *(t.hash for t in self.transactions)]))

    @cached_property
    def logs(self) -> tuple[ServedLog, ...]:
        emitted = [(at, t, log) for at, t in enumerate(self.transactions) for log in t.logs]
        return tuple(
            ServedLog(self.number, index, at, transaction.hash, *log)
            for index, (at, transaction, log) in enumerate(emitted)
        )

    @cached_property
    def bloom(self) -> bytes:
        return bloom.of_logs((log[0], log[1]) for t in self.transactions if not t.system for log in t.logs)

    @cached_property
    def receipts_root(self) -> bytes:
        found = [
            Receipt(
                t.hash, self.number, self.hash, at, t.succeeded, GAS, None, None,
                tuple(Log(*log, self.number, self.hash, t.hash, at, 0, None) for log in t.logs),
                KIND, GAS * (at + 1),
            )
            for at, t in enumerate(self.transactions)
            if not t.system
        ]  # fmt: skip
        root = receipts.root(found)
        assert root is not None
        return root


L1Block = Callable[[SyntheticBlock], int]
"""The block of the chain below that a block's header names."""


@dataclass(frozen=True)
class Moment:
    """The chain at one moment (`sight.Chain`)."""

    chain_id: int
    blocks: tuple[SyntheticBlock, ...]
    final: int
    codes: dict[bytes, bytes]
    call: Call | None
    client: str = CLIENT_VERSION
    l1_block: L1Block | None = None

    @property
    def head(self) -> int:
        return len(self.blocks) - 1

    def final_at(self, head: int) -> int:
        return min(self.final, head)

    def hash_at(self, number: int) -> bytes:
        return self.blocks[number].hash

    def time_at(self, number: int) -> int:
        return self.blocks[number].time_s

    def bloom_at(self, number: int) -> bytes:
        return self.blocks[number].bloom

    def receipts_root_at(self, number: int) -> bytes:
        return self.blocks[number].receipts_root

    def l1_block_at(self, number: int) -> int | None:
        return None if self.l1_block is None else self.l1_block(self.blocks[number])

    @cached_property
    def _numbers(self) -> dict[bytes, int]:
        return {block.hash: block.number for block in self.blocks}

    def number_of(self, block_hash: bytes) -> int | None:
        return self._numbers.get(block_hash)

    def logs_between(self, first: int, last: int) -> list[ServedLog]:
        return [log for block in self.blocks[first : last + 1] for log in block.logs]

    def transactions_at(self, number: int) -> list[dict[str, Any]]:
        return [
            {
                "hash": hex_text(t.hash), "from": hex_text(t.sender), "to": hex_text(t.to), "nonce": "0x0",
                "value": "0x0", "input": hex_text(t.calldata), "gas": "0x100000", "gasPrice": "0x1",
                "status": hex(t.succeeded), "system": t.system,
            }
            for t in self.blocks[number].transactions
        ]  # fmt: skip

    def other(self, method: str, params: list[Any], number: int) -> Any:
        try:
            if method == "eth_getCode":
                return hex_text(self.codes.get(hex_bytes(params[0]), b""))
            if method == "eth_call" and self.call is not None:
                to, data = (hex_bytes(params[0][name]) for name in ("to", "data"))
                return hex_text(self.call(to, data, number))
        except (KeyError, IndexError, TypeError, ValueError):
            raise NodeError(-32602, "invalid parameters") from None
        raise NodeError(-32601, f"the method {method} does not exist")


def other_network(moment: Moment) -> Moment:
    """Another network's chain, on which the same contracts log the same a block later; its head is a little higher."""
    blocks = [SyntheticBlock(0, bytes(32), moment.blocks[0].time_s, (), moment.chain_id + 1)]
    for below in (*moment.blocks, *moment.blocks[-2:]):
        parent = blocks[-1]
        blocks.append(SyntheticBlock(parent.number + 1, parent.hash, below.time_s + parent.number, below.transactions))
    return replace(moment, chain_id=moment.chain_id + 1, blocks=tuple(blocks), final=moment.final + 3)


@dataclass
class SyntheticChain:
    """A chain that changes. Thread-safe. `final` is the last final block and never goes down."""

    chain_id: int
    start_s: int = 1_700_000_000
    spacing_s: int = 12
    finality_depth: int = 64
    codes: dict[bytes, bytes] = field(default_factory=dict)
    call: Call | None = None
    l1_block: L1Block | None = None  # as on Arbitrum, whose headers name the block of the chain below

    def __post_init__(self) -> None:
        genesis = SyntheticBlock(0, bytes(32), self.start_s, (), self.chain_id)
        self._lock = threading.RLock()
        self.final = 0
        self.moments: list[Moment] = []
        self._show((genesis,))

    @property
    def blocks(self) -> tuple[SyntheticBlock, ...]:
        """The chain as it is now; a branch to come back to."""
        return self.moments[-1].blocks

    @property
    def head(self) -> int:
        """The newest block's number."""
        return len(self.blocks) - 1

    def moment(self, back: int = 0) -> Moment:
        """The chain as it is, or as it was so many changes ago."""
        with self._lock:
            return self.moments[max(len(self.moments) - 1 - back, 0)]

    def grow(self, *blocks: Iterable[SyntheticTransaction], salt: int = 0) -> None:
        """Add blocks with these transactions."""
        with self._lock:
            self._show(self._extended(self.blocks, blocks, salt))

    def reorg(
        self, depth: int, *blocks: Iterable[SyntheticTransaction], salt: int = 1, even_final: bool = False
    ) -> None:
        """Replace the last `depth` blocks by these, fewer or more. `salt` makes them others than before.

        Raises:
            ValueError: final blocks would go, and `even_final` does not say that they may.
        """
        with self._lock:
            kept = len(self.blocks) - depth
            if kept < 1 or depth < 0 or (kept <= self.final and not even_final):
                raise ValueError(f"a reorg of {depth} blocks is not possible: block {self.final} is final")
            self._show(self._extended(self.blocks[:kept], blocks, salt), even_final)

    def return_to(self, branch: Sequence[SyntheticBlock], *, even_final: bool = False) -> None:
        """Make an earlier branch the chain again. Raises ValueError where it lacks a final block."""
        with self._lock:
            if tuple(branch[: self.final + 1]) != self.blocks[: self.final + 1] and not even_final:
                raise ValueError(f"the branch has not the final block {self.final}")
            self._show(tuple(branch), even_final)

    def _extended(
        self, base: tuple[SyntheticBlock, ...], blocks: Iterable[Iterable[SyntheticTransaction]], salt: int
    ) -> tuple[SyntheticBlock, ...]:
        found = list(base)
        for transactions in blocks:
            parent = found[-1]
            found.append(
                SyntheticBlock(
                    parent.number + 1, parent.hash, parent.time_s + self.spacing_s,
                    tuple(sorted(transactions, key=lambda t: t.system)), salt,
                )
            )  # fmt: skip
        return tuple(found)

    def _show(self, blocks: tuple[SyntheticBlock, ...], even_final: bool = False) -> None:
        deep = max(len(blocks) - 1 - self.finality_depth, 0)
        self.final = deep if even_final else max(self.final, deep)
        moment = Moment(self.chain_id, blocks, self.final, self.codes, self.call, l1_block=self.l1_block)
        self.moments = [*self.moments[-_KEPT_MOMENTS:], moment]
