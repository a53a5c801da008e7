# SPDX-License-Identifier: Apache-2.0
"""What a node answers, as values: headers, logs, transactions, receipts, and the parsers that check their shape."""

from collections.abc import Callable
from typing import Any, NamedTuple

from policies.notation.hexadecimal import hex_bytes

BlockId = int | str | bytes
"""A block: its number, a tag (`latest`, `finalized`, `safe`, `pending`, `earliest`), or its 32-byte hash."""

_MOST_INDEX = 2**31 - 1
_MOST_WORDS = 5_000  # kept parsed while one answer is read


class Header(NamedTuple):
    """A block's header; `transactions` are hashes (bytes), or raw transaction objects where they were asked for. Only a
    chain's first block may have the time 0."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp_chain_s: int
    base_fee_wei: int | None
    transactions: tuple[Any, ...]
    logs_bloom: bytes | None = None  # 256 bytes where the node gives it; see governance.chain.bloom
    receipts_root: bytes | None = None  # 32 bytes where the node gives it; see governance.chain.receipts
    l1_block: int | None = None  # the block of the chain below, on chains whose headers name it; see governance.clocks


class Log(NamedTuple):
    """A log as the node returned it. `topics` has up to four words. `timestamp_chain_s` is None if the node gave no
    time, or none that can be read: 0, as some nodes do for every log, or no quantity."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    transaction_index: int
    log_index: int
    timestamp_chain_s: int | None


class Transaction(NamedTuple):
    """A transaction; `block_number` and `block_hash` are None while it is pending; `to` is None for a creation."""

    hash: bytes
    sender: bytes
    to: bytes | None
    nonce: int
    value_wei: int
    calldata: bytes
    gas: int
    block_number: int | None
    block_hash: bytes | None
    transaction_index: int | None


class Receipt(NamedTuple):
    """A receipt. `succeeded` is False if the transaction reverted. `kind` is its transaction's EIP-2718 type, 0 for a
    legacy one; `cumulative_gas` is the gas that the block used up to and including this transaction. Both are None if
    the node gave no readable value: only the receipts root needs them."""

    transaction_hash: bytes
    block_number: int
    block_hash: bytes
    transaction_index: int
    succeeded: bool
    gas_used: int
    effective_gas_price_wei: int | None
    contract_address: bytes | None
    logs: tuple[Log, ...]
    kind: int | None = 0
    cumulative_gas: int | None = None


class RangeLogs(NamedTuple):
    """One node's logs of a range of blocks, with the last block's header, the header of the block before the range (if
    it was asked for), the number of the node's `finalized` block (None if the node doesn't know that tag), and of its
    newest block (None if it names none). `by_two`: another node was asked for the logs too."""

    logs: list[Log]
    last: Header
    below: Header | None
    final_block: int | None
    newest_block: int | None = None
    by_two: bool = False


def quantity(value: Any) -> int:
    """Parse a JSON-RPC quantity. Raises ValueError for anything else."""
    if not isinstance(value, str) or not value.startswith("0x") or len(value) > 66:
        raise ValueError("not a quantity")
    return int(value, 16)


def bounded_quantity(value: Any, most: int = 2**63 - 1) -> int:
    """Parse a quantity that a database column can hold, at most `most`. Raises ValueError for anything else."""
    found = quantity(value)
    if found > most:
        raise ValueError("a number out of range")
    return found


def _quantity_or_none(value: Any) -> int | None:
    """Parse an optional quantity: None for anything else."""
    try:
        return quantity(value)
    except ValueError:
        return None


def _number_or_none(value: Any) -> int | None:
    """Parse an optional number that a database column can hold: None for anything else."""
    try:
        return bounded_quantity(value)
    except ValueError:
        return None


def _time_or_none(value: Any) -> int | None:
    """Parse the time that a log says, Unix seconds; None where the node says none. Some send 0 for each log, or what
    is no quantity: the block's header says the time. Raises ValueError for a time that no column can hold."""
    try:
        time_s = quantity(value)
    except ValueError:
        return None
    return bounded_quantity(value) if time_s else None


def unhex(value: Any, length: int | None = None) -> bytes:
    """Parse JSON-RPC data, of exactly `length` bytes if given. Raises ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError("not hexadecimal data")
    raw = hex_bytes(value)
    if length is not None and len(raw) != length:
        raise ValueError(f"expected {length} bytes")
    return raw


def _unhex_or_none(value: Any, length: int) -> bytes | None:
    """Parse data that nothing depends on; None where it is missing or, as on some chains, of another length."""
    try:
        return unhex(value, length)
    except ValueError:
        return None


def parse_header(raw: Any, *, transactions: bool = True) -> Header:
    """Parse a block object into a header, without its transactions if `transactions` is False.

    Raises:
        ValueError, KeyError, TypeError: it is not a block object, or it names no time.
    """
    number, timestamp = bounded_quantity(raw["number"]), bounded_quantity(raw["timestamp"])
    if number and not timestamp:
        raise ValueError("a block without a time")
    return Header(
        number, unhex(raw["hash"], 32), unhex(raw["parentHash"], 32), timestamp,
        quantity(raw["baseFeePerGas"]) if raw.get("baseFeePerGas") is not None else None,
        tuple([unhex(item, 32) if isinstance(item, str) else item for item in raw.get("transactions", ())])
        if transactions
        else (),
        _unhex_or_none(raw.get("logsBloom"), 256), _unhex_or_none(raw.get("receiptsRoot"), 32),
        _number_or_none(raw.get("l1BlockNumber")),
    )  # fmt: skip


def parse_log(raw: Any) -> Log:
    """Parse a log object. Raises ValueError, KeyError or TypeError if it is not one."""
    if raw.get("removed"):
        raise ValueError("a removed log")
    topics = tuple(unhex(topic, 32) for topic in raw["topics"])
    if len(topics) > 4:
        raise ValueError("more than four topics")
    return Log(
        unhex(raw["address"], 20), topics, unhex(raw["data"]), bounded_quantity(raw["blockNumber"]),
        unhex(raw["blockHash"], 32), unhex(raw["transactionHash"], 32),
        bounded_quantity(raw["transactionIndex"], _MOST_INDEX), bounded_quantity(raw["logIndex"], _MOST_INDEX),
        _time_or_none(raw.get("blockTimestamp")),
    )  # fmt: skip


def parse_logs(raw: Any) -> list[Log]:
    """Parse a list of logs, each as `parse_log` does. Faster for many logs: neighbours share their block, contract and
    event, and each of those is parsed once.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not a list of logs.
    """
    if not isinstance(raw, list):
        raise TypeError("not a list")
    words: dict[str, bytes] = {}
    addresses: dict[str, bytes] = {}
    places: dict[str, int] = {}

    def word(text: Any) -> bytes:
        found = fromhex(text[2:])
        if len(found) != 32 or text[:2] != "0x":
            raise ValueError("not a word")
        words[text] = found
        return found

    def place(text: Any) -> int:
        places[text] = found = bounded_quantity(text, _MOST_INDEX)
        return found

    fromhex, new, known = bytes.fromhex, tuple.__new__, words.get
    logs: list[Log] = []
    block, block_hash = 0, b""
    time_s: int | None = None
    block_text: Any = object()  # equal to nothing that a node can answer
    hash_text: Any = object()
    time_text: Any = None
    for item in raw:
        if item.get("removed"):
            raise ValueError("a removed log")
        topics = tuple([known(text) or word(text) for text in item["topics"]])
        if len(topics) > 4:
            raise ValueError("more than four topics")
        address = item["address"]
        if address not in addresses:
            addresses[address] = unhex(address, 20)
        if item["blockNumber"] != block_text:
            block_text = item["blockNumber"]
            block = bounded_quantity(block_text)
        if item["blockHash"] != hash_text:
            hash_text = item["blockHash"]
            block_hash = unhex(hash_text, 32)
        data, transaction = item["data"], item["transactionHash"]
        transaction_hash = fromhex(transaction[2:])
        if data[:2] != "0x" or transaction[:2] != "0x" or len(transaction_hash) != 32:
            raise ValueError("not hexadecimal data, or not so much of it")
        first, second, time = item["transactionIndex"], item["logIndex"], item.get("blockTimestamp")
        if time != time_text:
            time_text, time_s = time, _time_or_none(time)
        logs.append(
            new(  # twice as fast as calling the class
                Log,
                (
                    addresses[address], topics, fromhex(data[2:]), block, block_hash, transaction_hash,
                    places[first] if first in places else place(first),
                    places[second] if second in places else place(second),
                    time_s,
                ),
            )
        )  # fmt: skip
        if len(words) > _MOST_WORDS:
            words.clear()
    return logs


def parse_logs_beside_block(raw: Any) -> list[Log]:
    """Parse a list of logs that came in one request with the block's header. The header shows that the node has the
    block, so null, which some nodes answer if a block has no such logs, means an empty list."""
    return [] if raw is None else parse_logs(raw)


def parse_transaction(raw: Any) -> Transaction:
    """Parse a transaction object. Raises ValueError, KeyError or TypeError if it is not one."""

    def optional(name: str, parse: Callable[[Any], Any]) -> Any:
        return None if raw.get(name) is None else parse(raw[name])

    return Transaction(
        unhex(raw["hash"], 32), unhex(raw["from"], 20), optional("to", lambda v: unhex(v, 20)),
        quantity(raw["nonce"]), quantity(raw["value"]), unhex(raw["input"]), quantity(raw["gas"]),
        optional("blockNumber", quantity), optional("blockHash", lambda v: unhex(v, 32)),
        optional("transactionIndex", quantity),
    )  # fmt: skip


def parse_receipt(raw: Any) -> Receipt:
    """Parse a receipt object. Raises ValueError, KeyError or TypeError if it is not one."""
    price, created = raw.get("effectiveGasPrice"), raw.get("contractAddress")
    return Receipt(
        unhex(raw["transactionHash"], 32), quantity(raw["blockNumber"]), unhex(raw["blockHash"], 32),
        quantity(raw["transactionIndex"]), quantity(raw["status"]) == 1, quantity(raw["gasUsed"]),
        None if price is None else quantity(price), None if created is None else unhex(created, 20),
        tuple(parse_log(log) for log in raw["logs"]),
        0 if raw.get("type") is None else _quantity_or_none(raw["type"]),
        _quantity_or_none(raw.get("cumulativeGasUsed")),
    )  # fmt: skip
