# SPDX-License-Identifier: Apache-2.0
"""What one node sees of a chain, and how it answers JSON-RPC about it: pure, but for the faults' chance."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from governance.chain import bloom
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.primitives import keccak
from replay.faults import FORGED, Chance, Faults, Refusal, range_refusal, rate_refusal, size_refusal

GAS = 21_000  # that every transaction used
KIND = 2  # of every transaction: EIP-1559's
_FORGED_FROM_BLOCKS = 8  # below a block, whose logs forged receipts show in it


class NodeError(Exception):
    """An error that the node answers with; over HTTP with `status`."""

    def __init__(self, code: int, message: str, data: Any = None, status: int = 200):
        self.code, self.message, self.data, self.status = code, message, data, status
        super().__init__(message)


class PlainAnswer(Exception):
    """The gateway answers the request in plain text, no JSON-RPC."""

    def __init__(self, status: int, body: bytes):
        self.status, self.body = status, body
        super().__init__(status)


class ServedLog(NamedTuple):
    """A log in its place."""

    block_number: int
    log_index: int
    transaction_index: int
    transaction_hash: bytes
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class Chain(Protocol):
    """A chain at one moment, as one node has it: blocks 0..head."""

    chain_id: int
    client: str
    head: int

    def final_at(self, head: int) -> int:
        """What is final for a node whose head is `head`."""
        ...

    def hash_at(self, number: int) -> bytes:
        """The hash of the block with this number."""
        ...

    def time_at(self, number: int) -> int:
        """The block's time, Unix seconds."""
        ...

    def bloom_at(self, number: int) -> bytes:
        """The block's logs bloom, 256 bytes."""
        ...

    def receipts_root_at(self, number: int) -> bytes:
        """The root of the block's receipts, as `sight` shows them; zeros where they are not known."""
        ...

    def l1_block_at(self, number: int) -> int | None:
        """The block of the chain below that the block's header names; None where it names none."""
        ...

    def number_of(self, block_hash: bytes) -> int | None:
        """The number of the block with this hash; None where this chain has none."""
        ...

    def logs_between(self, first: int, last: int) -> Sequence[ServedLog]:
        """Logs of blocks first..last, in chain order."""
        ...

    def transactions_at(self, number: int) -> list[dict[str, Any]] | None:
        """The block's transactions as JSON objects without their block; None where only their hashes are known."""
        ...

    def other(self, method: str, params: list[Any], number: int) -> Any:
        """What else is answered at a block. Raises NodeError."""
        ...


class Sight:
    """A node's sight for one request: a chain, how far it sees, and what goes wrong."""

    def __init__(self, chain: Chain, faults: Faults, chance: Chance):
        self.chain, self.faults, self.chance = chain, faults, chance
        self.head = max(chain.head - faults.head_back, 0)

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of one request. Raises NodeError, or PlainAnswer for the whole request."""
        if self.faults.errors.get(method, 0) > 0:
            self.faults.errors[method] -= 1
            raise NodeError(-32000, "an error on demand")
        if self.chance.hits(self.faults, "internal_error"):
            raise NodeError(-32603, "internal error")
        if method == "eth_call" and self.chance.hits(self.faults, "call_error"):
            raise NodeError(-32000, "missing trie node")
        if self.chance.hits(self.faults, "rate_error"):
            refuse(rate_refusal(self.faults.provider))
        match method:
            case "web3_clientVersion":
                return self.chain.client
            case "eth_chainId":
                return hex(self.chain_id)
            case "net_version":
                return str(self.chain_id)
            case "eth_syncing":
                return False
            case "eth_blockNumber":
                return hex(self.head)
            case "eth_getBlockByNumber":
                return self._block(self._number(_at(params, 0)), _at(params, 1))
            case "eth_getBlockByHash":
                return self._block(self._by_hash(_at(params, 0)), _at(params, 1))
            case "eth_getLogs":
                logs = self._get_logs(_at(params, 0))
                return logs or (None if self.faults.null_logs else [])
            case "eth_getBlockReceipts":
                return self._receipts(_at(params, 0))
            case "eth_getTransactionByHash":
                return self._transaction(_at(params, 0))
            case "eth_getTransactionReceipt":
                return self._receipt(_at(params, 0))
        return self.chain.other(method, params, self._asked_block(params))

    @property
    def chain_id(self) -> int:
        """The chain's id, or the wrong one that a fault has it say."""
        return self.chain.chain_id if self.faults.chain_id is None else self.faults.chain_id

    # --- blocks

    def _number(self, block: Any) -> int | None:
        match block:
            case "latest" | "pending":
                return self.head
            case "finalized" | "safe" if not self.faults.has_final_tag:
                raise NodeError(-32602, f"invalid argument 0: hex string without 0x prefix: {block}")
            case "finalized" | "safe":
                if self.faults.final_back is not None:
                    return max(self.head - self.faults.final_back, 0)
                return min(self.chain.final_at(self.head), self.head)
            case "earliest":
                return 0
        number = _quantity(block)
        return number if number <= self.head else None

    def _by_hash(self, block_hash: Any) -> int | None:
        number = self.chain.number_of(_word(block_hash))
        return number if number is not None and number <= self.head else None

    def _asked_block(self, params: list[Any]) -> int:
        """The block that a question about state names, last among its parameters; the head where it names none."""
        for value in reversed(params):
            if isinstance(value, dict) and "blockHash" in value:
                number = self._by_hash(value["blockHash"])
            elif isinstance(value, str) and (value in _TAGS or (value.startswith("0x") and len(value) <= 18)):
                number = self._number(value)
            else:
                continue
            if number is None:
                raise NodeError(-32000, "header not found")
            return number
        return self.head

    def _block(self, number: int | None, full: Any) -> Any:
        if number is None or self.chance.hits(self.faults, "null_block"):
            return None
        transactions: list[Any] | None = self.chain.transactions_at(number)
        if transactions is None:
            logs = self.chain.logs_between(number, number)
            if full is True and logs:
                raise NodeError(-32001, "not recorded: a replay knows transactions by their place only")
            transactions = list(dict.fromkeys(hex_text(log.transaction_hash) for log in logs))
        elif full is True:
            transactions = [self._placed(raw, number, place) for place, raw in enumerate(transactions)]
        else:
            transactions = [raw["hash"] for raw in transactions]
        zero = "0x" + "00" * 32
        l1_block = self.chain.l1_block_at(number)
        return {
            **({} if l1_block is None else {"l1BlockNumber": hex(l1_block)}),
            "number": hex(number),
            "hash": hex_text(self.chain.hash_at(number)),
            "parentHash": hex_text(self.chain.hash_at(number - 1)) if number else zero,
            "timestamp": hex(self.chain.time_at(number)),
            "transactions": transactions,
            "uncles": [],
            "nonce": "0x0000000000000000",
            "sha3Uncles": zero,
            "logsBloom": hex_text(self._bloom(number)),
            "transactionsRoot": zero,
            "stateRoot": zero,
            "receiptsRoot": self._receipts_root(number),
            "miner": "0x" + "00" * 20,
            "difficulty": "0x0",
            "extraData": hex_text(self.chain.client[:16].encode()),
            "size": "0x0",
            "gasLimit": "0x0",
            "gasUsed": "0x0",
        }

    def _bloom(self, number: int) -> bytes:
        match self.faults.blooms:
            case "zeros":
                return bytes(bloom.BYTES)
            case "omit":
                shown = [log for log in self.chain.logs_between(number, number) if not _is_hit(log, b"bloom", 0.5)]
                return bloom.of_logs((log.address, log.topics) for log in shown)
        return self.chain.bloom_at(number)

    def _receipts_root(self, number: int) -> str:
        root = self.chain.receipts_root_at(number) if self.faults.has_receipts_root else bytes(32)
        return hex_text(root)

    # --- logs

    def _get_logs(self, condition: Any) -> list[dict[str, Any]]:
        if not isinstance(condition, dict):
            raise NodeError(-32602, "the filter is not an object")
        if condition.get("blockHash") is not None and self.faults.hash_filter == "refused":
            raise NodeError(-32602, "invalid params: unknown field blockHash")
        if condition.get("blockHash") is not None and self.faults.hash_filter == "known":
            if condition.get("fromBlock") is not None or condition.get("toBlock") is not None:
                raise NodeError(-32602, "blockHash excludes fromBlock and toBlock")
            number = self._by_hash(condition["blockHash"])
            if number is None:
                raise NodeError(-32000, "unknown block")
            first = last = number
        else:
            first_or_none = self._number(condition.get("fromBlock", "latest"))
            last_or_none = self._number(condition.get("toBlock", "latest"))
            if first_or_none is None or last_or_none is None:
                raise NodeError(-32602, f"the block range extends beyond the current head block {self.head}")
            first, last = first_or_none, last_or_none
            if first > last:
                raise NodeError(-32602, "invalid block range: fromBlock is above toBlock")
            most = self.faults.max_range
            if most is not None and last - first + 1 > most:
                refuse(range_refusal(self.faults.provider, most, first, last))
        wanted = _addresses(condition.get("address"))
        topics = _topic_filter(condition.get("topics"))
        found = [
            log
            for log in self.chain.logs_between(first, last)
            if (not wanted or log.address in wanted) and _fits(log, topics) and not self._lacks(log)
        ]
        most = self.faults.max_results
        if most is not None and len(found) > most and condition.get("blockHash") is None:
            good = max(found[most].block_number - 1, first)
            refuse(size_refusal(self.faults.provider, most, first, good))
        if found and self.chance.hits(self.faults, "empty_logs"):
            return []
        if found and self.chance.hits(self.faults, "missing_logs"):
            found = self.chance.some(found)
        return [self._shown(log) for log in self._numbered(found)]

    def _numbered(self, logs: Sequence[ServedLog]) -> Iterable[ServedLog]:
        """The logs with their indexes as this node counts them."""
        if self.faults.numbering == "block":
            yield from logs
            return
        first: dict[tuple[int, int], int] = {}  # (block, transaction) -> its first log's index in the block
        for number in dict.fromkeys(log.block_number for log in logs):
            for log in self.chain.logs_between(number, number):
                first.setdefault((number, log.transaction_index), log.log_index)
        for log in logs:
            yield log._replace(log_index=log.log_index - first[log.block_number, log.transaction_index])

    def _lacks(self, log: ServedLog) -> bool:
        """Whether the node's index has a hole where this log should be."""
        return _is_hit(log, b"hole", self.faults.hole)

    def _shown(self, log: ServedLog) -> dict[str, Any]:
        shown = {
            "address": hex_text(log.address),
            "topics": [hex_text(topic) for topic in log.topics],
            "data": hex_text(log.data),
            "blockNumber": hex(log.block_number),
            "blockHash": hex_text(self.chain.hash_at(log.block_number)),
            "transactionHash": hex_text(log.transaction_hash),
            "transactionIndex": hex(log.transaction_index),
            "logIndex": hex(0 if self.faults.one_place else log.log_index),
            "removed": False,
        }
        if self.faults.log_times != "omit":
            is_whole = self.faults.log_times == "whole"
            shown["blockTimestamp"] = hex(self.chain.time_at(log.block_number) if is_whole else 0)
        return shown

    # --- transactions

    def _placed(self, raw: dict[str, Any], number: int, place: int) -> dict[str, Any]:
        """A transaction's JSON object in its block."""
        shown = {name: value for name, value in raw.items() if name not in ("status", "system")}
        block_hash = hex_text(self.chain.hash_at(number))
        return {**shown, "blockNumber": hex(number), "blockHash": block_hash, "transactionIndex": hex(place)}

    def _found(self, transaction_hash: Any) -> tuple[int, int, dict[str, Any]] | None:
        wanted = hex_text(_word(transaction_hash))
        for number in range(self.head, -1, -1):
            transactions = self.chain.transactions_at(number)
            if transactions is None:
                raise NodeError(-32001, "not recorded: a replay knows transactions by their place only")
            for place, raw in enumerate(transactions):
                if raw["hash"] == wanted:
                    return number, place, raw
        return None

    def _transaction(self, transaction_hash: Any) -> Any:
        found = self._found(transaction_hash)
        return None if found is None else self._placed(found[2], found[0], found[1])

    def _receipt(self, transaction_hash: Any) -> Any:
        found = self._found(transaction_hash)
        return None if found is None or found[2].get("system") else self._receipt_of(found[2], found[0], found[1])

    def _receipt_of(self, raw: dict[str, Any], number: int, place: int) -> dict[str, Any]:
        logs = [log for log in self.chain.logs_between(number, number) if log.transaction_index == place]
        return {
            "transactionHash": raw["hash"],
            "blockNumber": hex(number),
            "blockHash": hex_text(self.chain.hash_at(number)),
            "transactionIndex": hex(place),
            "status": raw["status"],
            "type": hex(KIND),
            "from": raw["from"],
            "to": raw["to"],
            "gasUsed": hex(GAS),
            "cumulativeGasUsed": hex(GAS * (place + 1)),
            "effectiveGasPrice": "0x1",
            "contractAddress": None,
            "logs": [self._shown(log) for log in self._numbered(logs) if not self._is_left_out(log)],
        }

    def _is_left_out(self, log: ServedLog) -> bool:
        """Whether the log stands in no receipt of this node."""
        return self.faults.receipts == "partial" and _is_hit(log, b"receipt", 0.5)

    def _receipts(self, block: Any) -> Any:
        if self.faults.receipts == "unknown":
            raise NodeError(-32601, "the method eth_getBlockReceipts does not exist/is not available")
        if self.faults.receipts == "null":
            return None
        number = self._by_hash(block) if isinstance(block, str) and len(block) == 66 else self._number(block)
        if number is None:
            return None
        transactions = self.chain.transactions_at(number)
        if transactions is None:
            raise NodeError(-32001, "not recorded: a replay can't answer eth_getBlockReceipts")
        found = [
            self._receipt_of(raw, number, place) for place, raw in enumerate(transactions) if not raw.get("system")
        ]
        return self._forged(found, number) if self.faults.receipts == FORGED else found

    def _forged(self, receipts: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
        """The block's receipts without some logs, or with one that another block has; counted as whole ones are."""
        for receipt in receipts:
            place = int(receipt["transactionIndex"], 16)
            served = [log for log in self.chain.logs_between(number, number) if log.transaction_index == place]
            kept = [
                shown for shown, log in zip(receipt["logs"], served, strict=True) if not _is_hit(log, b"hidden", 0.4)
            ]
            receipt["logs"] = [*kept, *self._added(receipt, number, place)]
        index = 0
        for receipt in receipts:
            if self.faults.numbering == "transaction":
                index = 0
            for log in receipt["logs"]:
                log["logIndex"] = hex(index)
                index += 1
        return receipts

    def _added(self, receipt: dict[str, Any], number: int, place: int) -> list[dict[str, Any]]:
        """A log of an earlier block as if this transaction had logged it, in half of the transactions."""
        earlier = self.chain.logs_between(max(number - _FORGED_FROM_BLOCKS, 0), number - 1)
        if not earlier:
            return []
        transaction_hash = hex_bytes(receipt["transactionHash"])
        log = earlier[-1]._replace(block_number=number, transaction_index=place, transaction_hash=transaction_hash)
        return [self._shown(log)] if _is_hit(log, b"added", 0.5) else []


_TAGS = frozenset({"latest", "pending", "finalized", "safe", "earliest"})


def _is_hit(log: ServedLog, fault: bytes, share: float) -> bool:
    """Whether a fault that lasts hits this log: that follows from the log alone, whenever and however one asks."""
    if not share:
        return False
    digest = keccak(fault + log.transaction_hash + log.log_index.to_bytes(4, "big"))
    return digest[0] < share * 256


def refuse(refusal: Refusal) -> None:
    """Answer as the provider refuses. Raises NodeError, or PlainAnswer where it gives no JSON-RPC."""
    if refusal.body is not None:
        raise PlainAnswer(refusal.status, refusal.body)
    raise NodeError(refusal.code, refusal.message, refusal.data, refusal.status)


def _at(params: list[Any], position: int) -> Any:
    return params[position] if position < len(params) else None


def _quantity(value: Any) -> int:
    try:
        if isinstance(value, str) and value.startswith("0x") and len(value) <= 18:
            return int(value, 16)
    except ValueError:
        pass  # falls through to the one error for all that is no quantity
    raise NodeError(-32602, "not a block number or tag")


def _word(value: Any, length: int = 32) -> bytes:
    try:
        if isinstance(value, str) and value.startswith("0x") and len(value) == 2 + 2 * length:
            return hex_bytes(value)
    except ValueError:
        pass  # falls through to the one error for all that is no word
    raise NodeError(-32602, f"expected {length} bytes of hexadecimal data")


def _addresses(value: Any) -> frozenset[bytes]:
    if value is None:
        return frozenset()
    return frozenset(_word(item, 20) for item in (value if isinstance(value, list) else [value]))


def _topic_filter(value: Any) -> list[frozenset[bytes] | None]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 4:
        raise NodeError(-32602, "topics must be a list of at most four")
    places: list[frozenset[bytes] | None] = []
    for item in value:
        if item is None or item == []:
            places.append(None)
        else:
            places.append(frozenset(_word(word) for word in (item if isinstance(item, list) else [item])))
    return places


def _fits(log: ServedLog, places: list[frozenset[bytes] | None]) -> bool:
    if len(places) > len(log.topics):
        return False
    return all(place is None or topic in place for place, topic in zip(places, log.topics, strict=False))
