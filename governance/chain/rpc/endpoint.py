# SPDX-License-Identifier: Apache-2.0
"""Ethereum JSON-RPC over HTTP: several endpoints for one chain, batches, and errors that say what to do.

An endpoint's URL may hold an API key: it appears nowhere but in the request itself. Messages, reprs, tracebacks and
logs show its scheme and host. What a node answers is hostile until it was checked: sizes are limited, shapes are
verified, and an answer for another chain is refused.
"""

import hashlib
import hmac
import itertools
import logging
import operator
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx
import orjson
import stamina

from governance.chain.pace import Pace

T = TypeVar("T")
BlockId = int | str | bytes
"""A block: its number, a tag (`latest`, `finalized`, `safe`, `pending`, `earliest`), or its 32-byte hash."""

TAGS = frozenset({"latest", "finalized", "safe", "pending", "earliest"})
_MAX_RESPONSE_BYTES = 128 * 2**20
_MAX_LOGS_BYTES = 32 * 2**20  # tens of thousands of logs: a node without limits must not fill our memory
_MAX_MESSAGE = 300
_SHORTEST_SECRET = 8
_MOST_INDEX = 2**31 - 1
_PLACE = operator.attrgetter("block_number", "log_index")
_MOST_WORDS = 5_000  # read once and remembered while one answer is read
_MOST_ANSWER_S = 120.0  # for a whole answer: the timeout is for each piece of it
MOST_DISTRUST_S = 6 * 3600.0
_WRONG_CHAIN_S = 3600.0
_LIMITED_WAIT_S = 0.6  # where the endpoint names no time: two of them outlast the second that providers count in
_MOST_LEARNING = 8  # refusals of a batch in a row, each of which makes it smaller
_LIMIT_HOLDS_S = 24 * 3600.0  # then a limit is tried again: plans change
_SLOW_S = 1.0
_SLOW_TIMES = 4  # as slow as the fastest
_LATENCY_WEIGHT = 0.2
_SMALL_BYTES = 16_384
_LATENCY_HOLDS_S = 300.0
_UNKNOWN_METHOD = -32601
logger = logging.getLogger(__name__)


class _BelowWarning(logging.Filter):
    """Drops what httpx and httpcore say about single requests: they print whole URLs, with the API keys in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_BelowWarning())
# Retries reach whoever configured logging; without that they don't clutter a command's stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


def redact(url: str) -> str:
    """Scheme, host and port of a URL; user, path and query may be secrets."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}{port}"
    except ValueError:  # told like everything else that is no URL
        return "(not an http URL)"
    return "(not an http URL)"


def secrets_of(url: str) -> list[str]:
    """What of a URL may be a key: user, password, and long parts of path and query; the longest first."""
    try:
        parts = urlsplit(url)
        words = [parts.username or "", parts.password or "", *re.split(r"[/?&=]", f"{parts.path}/{parts.query}")]
    except ValueError:
        return []
    return sorted({word for word in words if len(word) >= _SHORTEST_SECRET}, key=len, reverse=True)


# ---------------------------------------------------------------------------------------------------------- errors


class RpcError(Exception):
    """The node answered with an error, or with something that is not JSON-RPC. `code` is None for the latter."""

    def __init__(self, code: int | None, message: str, data: Any = None, *, endpoint: str = ""):
        self.code, self.message, self.data, self.endpoint = code, message, data, endpoint
        where = f"{endpoint}: " if endpoint else ""
        super().__init__(f"{where}{message}" + (f" (code {code})" if code is not None else ""))


class CallReverted(RpcError):
    """`eth_call` or `eth_estimateGas` reverted. `data` is the revert data, bytes (empty where the node gave none)."""

    data: bytes

    def __init__(self, data: bytes, message: str = "execution reverted", code: int | None = 3, *, endpoint: str = ""):
        super().__init__(code, message, data, endpoint=endpoint)


class RangeTooLarge(RpcError):
    """`eth_getLogs` was asked for too much at once.

    `suggested` is the (first, last) block that the node said would work, `max_blocks` the widest range it said it
    takes; both None where it said neither: then halve.
    """

    suggested: tuple[int, int] | None = None
    max_blocks: int | None = None


class RpcLimited(RpcError):
    """The node limits our rate. `retry_after_s` is what it asked for, or None."""

    retry_after_s: float | None = None


class BatchTooLarge(RpcError):
    """The endpoint takes no batches of so many requests. `most` is what it said it takes, or None.

    Where all must be answered at once (`batch(.., together=True)`) nothing can be done: use another node.
    """

    most: int | None = None


class RpcUnreachable(RpcError):
    """No endpoint answered: connection, timeout, HTTP error, an oversized answer or no JSON."""

    def __init__(self, message: str, *, endpoint: str = ""):
        super().__init__(None, message, endpoint=endpoint)


class Oversized(RpcUnreachable):
    """An endpoint answered with more than is read."""


class Distrusted(RpcError):
    """Every endpoint left was caught answering what is not so. `Rpc.distrust` says for how long none is asked."""


class WrongChain(RpcError):
    """The endpoint serves another chain than the one it is configured for."""

    def __init__(self, expected: int, got: int, *, endpoint: str = ""):
        self.expected, self.got = expected, got
        super().__init__(
            None, f"serves chain {got}, but it is configured for chain {expected}: correct its URL", endpoint=endpoint
        )


_RANGE = re.compile(
    r"block range|blocks? range|range (is )?too (large|wide|big)|range limit|max(imum)? range|too many blocks|"
    r"more than [\d,]+ (results|logs|blocks)|too many (results|logs)|"
    r"response size (is )?(exceeded|too large|should not)|limited to (a |0 - )?[\d,]+k? (blocks? )?range|"
    r"limited to 0 ?- ?[\d,]+ blocks|exceeds? max(imum)? (results|logs|block)|"
    r"query timeout exceeded|response too (large|big)|matched by query exceeds|bigger than range|"
    r"exceeds the range|reduce (your|the) (block )?range|please limit the query|"
    r"range [\d,]+ exceeds limit|narrow (your|the) (filter|query|block range)",
    re.IGNORECASE,
)
_LIMITED = re.compile(
    r"rate limit|rate-limit|too many requests|request limit|request rate|requests? count exceeded|throughput|"
    r"compute units|capacity|calls per second|per second|quota|credits|limited to [\d,]+ ?/ ?sec",
    re.IGNORECASE,
)
_BATCH = re.compile(
    r"batch(es)? (\w+ ){0,4}(too (large|big|long)|limit|size|not (supported|allowed)|support)|"
    r"too many (requests|calls) in (a |the |one )?batch|batch of more than|(no|disallow\w*|unsupported) batch",
    re.IGNORECASE,
)
_BATCH_MOST = re.compile(
    r"(?:more than|at most|limit(?:ed to| is| of|:)?|max(?:imum)?(?: is| of|:)?) ?(\d{1,5})\b", re.IGNORECASE
)
# QuickNode's -32007 (requests) and -32012 (credits), Ankr's -32090, others' -32029; 429 where the status is repeated.
_LIMITED_CODES = frozenset({429, -32007, -32012, -32029, -32090})
_BETWEEN_HEX = re.compile(r"\[\s*(0x[0-9a-fA-F]{1,16})\s*,\s*(0x[0-9a-fA-F]{1,16})\s*\]")
_BETWEEN_DECIMAL = re.compile(r"range (\d{1,18})\s*-\s*(\d{1,18})")
_SPAN = re.compile(
    r"(?:limited to (?:a |0 ?- ?)?|up to a |max(?:imum)?(?: block)? range(?: is|:)? |range limit(?: is|:)? |"
    r"max(?:imum)? is(?: set to)? |greater than |max(?:imum)? block range(?: =|:) |max range: |"
    r"range [\d,]{1,20} exceeds limit of |block range exceeds server limit, narrow your filter: )"
    r"([\d,]{1,12})(k?)\b(?! (?:results|logs))",
    re.IGNORECASE,
)


def _suggestion(message: str, data: Any) -> tuple[tuple[int, int] | None, int | None]:
    """What a node said would work: (first, last), and the widest range."""
    suggested = None
    if isinstance(data, dict) and isinstance(data.get("from"), str) and isinstance(data.get("to"), str):
        try:
            suggested = (int(data["from"], 16), int(data["to"], 16))
        except ValueError:
            suggested = None
    if suggested is None and (found := _BETWEEN_HEX.search(message)):
        suggested = (int(found[1], 16), int(found[2], 16))
    if suggested is None and (found := _BETWEEN_DECIMAL.search(message)):
        suggested = (int(found[1]), int(found[2]))
    if suggested is not None and suggested[0] > suggested[1]:
        suggested = None
    span = None
    if (found := _SPAN.search(message)) and (digits := found[1].replace(",", "")):
        span = int(digits) * (1000 if found[2] else 1) or None
    return suggested, span


def _refuses_batch(error: Any, count: int) -> BatchTooLarge | None:
    """Whether the error that a whole batch of `count` got says that it is too large."""
    message = error.get("message") if isinstance(error, dict) else None
    if count < 2 or not isinstance(message, str) or not _BATCH.search(message):
        return None
    refused = BatchTooLarge(None, f"takes no batch of {count} requests")
    if found := _BATCH_MOST.search(message):
        refused.most = int(found[1])
    return refused


def _revert_data(data: Any) -> bytes:
    """Revert data as geth, Parity (`Reverted 0x..`) and Hardhat (an object) give it; empty where there is none."""
    if isinstance(data, dict):
        data = data.get("data", data.get("result"))
    if isinstance(data, str):
        text = data.removeprefix("Reverted ").strip()
        if text.startswith("0x"):
            try:
                return bytes.fromhex(text[2:])
            except ValueError:
                return b""
    return b""


def classify(error: Any, method: str, endpoint: str = "", secrets: Sequence[str] = ()) -> RpcError:
    """The exception for a JSON-RPC `error` member, whatever it turns out to be; without `secrets` that it repeats."""
    if not isinstance(error, dict):
        return RpcError(None, f"answered {method} with an error that is not an object", endpoint=endpoint)
    code = error.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    message = error.get("message")
    # The text is the node's: printable, one line, of bounded length.
    message = "".join(c if c.isprintable() else " " for c in message) if isinstance(message, str) else "no message"
    for secret in secrets:
        message = message.replace(secret, "***")
    short = message[:_MAX_MESSAGE]
    data = error.get("data")
    if method in ("eth_call", "eth_estimateGas") and (code in (3, -32015) or "revert" in message.lower()):
        return CallReverted(_revert_data(data), short, code, endpoint=endpoint)
    if method in ("eth_getLogs", "eth_getBlockReceipts") and _RANGE.search(message):
        large = RangeTooLarge(code, short, data, endpoint=endpoint)
        large.suggested, large.max_blocks = _suggestion(message, data)
        return large
    if code in _LIMITED_CODES or (code in (-32005, -32097, -32600, -32000, None) and _LIMITED.search(message)):
        return RpcLimited(code, short, data, endpoint=endpoint)
    if code == -32005 and method == "eth_getLogs":
        large = RangeTooLarge(code, short, data, endpoint=endpoint)
        large.suggested, large.max_blocks = _suggestion(message, data)
        return large
    return RpcError(code, short, data, endpoint=endpoint)


# ---------------------------------------------------------------------------------------------------------- values


class Header(NamedTuple):
    """A block's header; `transactions` are hashes (bytes), or raw transaction objects where they were asked for."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp_chain_s: int
    base_fee_wei: int | None
    transactions: tuple[Any, ...]
    logs_bloom: bytes | None = None  # 256 bytes where the node gives it; see governance.chain.bloom
    receipts_root: bytes | None = None  # 32 bytes where the node gives it; see governance.chain.receipts


class Log(NamedTuple):
    """A log as the node returned it. `topics` has up to four words. `timestamp_chain_s` where the node gives it, which
    is never 0: some nodes give that for every log."""

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
    """A receipt. `succeeded` is False where the transaction reverted. `kind` is its transaction's EIP-2718 type, 0 for
    a legacy one; `cumulative_gas` is what the block used up to and with it. Both None where the node says nothing that
    can be read: only the receipts root needs them."""

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
    """What one node has of a range of blocks: logs, the last block's header, that of the block before the range where
    it was asked for, and the number of the block that it calls final (None where it knows no such tag)."""

    logs: list[Log]
    last: Header
    below: Header | None
    final_block: int | None


def quantity(value: Any) -> int:
    """A JSON-RPC quantity. Raises ValueError for anything else."""
    if not isinstance(value, str) or not value.startswith("0x") or len(value) > 66:
        raise ValueError("not a quantity")
    return int(value, 16)


def bounded_quantity(value: Any, most: int = 2**63 - 1) -> int:
    """A quantity that a column can hold: a block's number, a time, a place. Raises ValueError for anything else."""
    found = quantity(value)
    if found > most:
        raise ValueError("a number out of range")
    return found


def _quantity_or_none(value: Any) -> int | None:
    """A quantity that nothing depends on: None for anything else."""
    try:
        return quantity(value)
    except ValueError:
        return None


def unhex(value: Any, length: int | None = None) -> bytes:
    """JSON-RPC data, of `length` bytes where given. Raises ValueError for anything else."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("not hexadecimal data")
    raw = bytes.fromhex(value[2:])
    if length is not None and len(raw) != length:
        raise ValueError(f"expected {length} bytes")
    return raw


def parse_header(raw: Any, *, transactions: bool = True) -> Header:
    """A header from a block object, without its transactions where they are not wanted. Raises ValueError, KeyError or
    TypeError where it is not one."""
    return Header(
        bounded_quantity(raw["number"]), unhex(raw["hash"], 32), unhex(raw["parentHash"], 32),
        bounded_quantity(raw["timestamp"]),
        quantity(raw["baseFeePerGas"]) if raw.get("baseFeePerGas") is not None else None,
        tuple([unhex(item, 32) if isinstance(item, str) else item for item in raw.get("transactions", ())])
        if transactions
        else (),
        unhex(raw["logsBloom"], 256) if raw.get("logsBloom") is not None else None,
        unhex(raw["receiptsRoot"], 32) if raw.get("receiptsRoot") is not None else None,
    )  # fmt: skip


def parse_log(raw: Any) -> Log:
    """A log from a log object. Raises ValueError, KeyError or TypeError where it is not one."""
    if raw.get("removed"):
        raise ValueError("a removed log")
    topics = tuple(unhex(topic, 32) for topic in raw["topics"])
    if len(topics) > 4:
        raise ValueError("more than four topics")
    timestamp = raw.get("blockTimestamp")
    return Log(
        unhex(raw["address"], 20), topics, unhex(raw["data"]), bounded_quantity(raw["blockNumber"]),
        unhex(raw["blockHash"], 32), unhex(raw["transactionHash"], 32),
        bounded_quantity(raw["transactionIndex"], _MOST_INDEX), bounded_quantity(raw["logIndex"], _MOST_INDEX),
        None if timestamp is None else bounded_quantity(timestamp) or None,  # 0x0 is what some nodes say for "unknown"
    )  # fmt: skip


def parse_logs(raw: Any) -> list[Log]:
    """The logs of a list, each as `parse_log` reads it. Faster where there are many: neighbours share their block,
    their contract and their event, whose words are read once.

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
    block_text: Any = object()  # equal to nothing that a node can say
    hash_text: Any = object()
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
        logs.append(
            new(  # twice as fast as calling the class
                Log,
                (
                    addresses[address], topics, fromhex(data[2:]), block, block_hash, transaction_hash,
                    places[first] if first in places else place(first),
                    places[second] if second in places else place(second),
                    None if time is None else bounded_quantity(time) or None,
                ),
            )
        )  # fmt: skip
        if len(words) > _MOST_WORDS:
            words.clear()
    return logs


def parse_logs_beside_block(raw: Any) -> list[Log]:
    """The logs of an answer that came in one request with the block's header: the node has the block, so that null,
    which some nodes say where a block has no such logs, is as good as an empty list."""
    return [] if raw is None else parse_logs(raw)


def parse_transaction(raw: Any) -> Transaction:
    """A transaction from its object. Raises ValueError, KeyError or TypeError where it is not one."""

    def optional(name: str, parse: Callable[[Any], Any]) -> Any:
        return None if raw.get(name) is None else parse(raw[name])

    return Transaction(
        unhex(raw["hash"], 32), unhex(raw["from"], 20), optional("to", lambda v: unhex(v, 20)),
        quantity(raw["nonce"]), quantity(raw["value"]), unhex(raw["input"]), quantity(raw["gas"]),
        optional("blockNumber", quantity), optional("blockHash", lambda v: unhex(v, 32)),
        optional("transactionIndex", quantity),
    )  # fmt: skip


def parse_receipt(raw: Any) -> Receipt:
    """A receipt from its object. Raises ValueError, KeyError or TypeError where it is not one."""
    price, created = raw.get("effectiveGasPrice"), raw.get("contractAddress")
    return Receipt(
        unhex(raw["transactionHash"], 32), quantity(raw["blockNumber"]), unhex(raw["blockHash"], 32),
        quantity(raw["transactionIndex"]), quantity(raw["status"]) == 1, quantity(raw["gasUsed"]),
        None if price is None else quantity(price), None if created is None else unhex(created, 20),
        tuple(parse_log(log) for log in raw["logs"]),
        0 if raw.get("type") is None else _quantity_or_none(raw["type"]),
        _quantity_or_none(raw.get("cumulativeGasUsed")),
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------------- client


@dataclass(frozen=True)
class Known:
    """What was learned of an endpoint. Times are Unix seconds of the wall clock, None where there was none; `name` is
    scheme and host."""

    name: str
    limits: Mapping[str, tuple[int, float]] = field(default_factory=dict)  # "blocks", "batch" -> most, when it said so
    latency_s: float | None = None
    failures: int = 0  # in a row
    lies: int = 0
    aside_until_s: float | None = None
    distrusted_until_s: float | None = None
    answered_at_s: float | None = None
    problem: str = ""


class Disagreement(NamedTuple):
    """A block about whose logs endpoints differ, and how, in words."""

    block_number: int
    problem: str


class _Endpoint:
    """One URL, its connection pool, and whether it is set aside. Its repr and errors show only scheme and host."""

    def __init__(self, url: str, timeout_s: float):
        self._url = url
        self.name = redact(url)
        self.secrets = secrets_of(url)
        self.timeout_s = timeout_s
        self.checked = False  # its chain id was right since it last failed
        self.aside_until = 0.0  # monotonic
        self.failures = 0  # in a row
        self.failing_since = 0.0  # monotonic: the first of them
        self.distrusted_until = 0.0  # monotonic: what it answered was found untrue
        self.lies = 0
        self.problem = ""  # why it was set aside or distrusted last
        self.answered_at = 0.0  # monotonic
        self.unknown: set[str] = set()  # methods that it does not know
        self.pace = Pace()
        self._limits: dict[str, tuple[int, float]] = {}  # name -> what it takes, and when it said so (wall clock)
        self._latency_s: tuple[float, float] | None = None
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<endpoint {self.name}>"

    @property
    def most_blocks(self) -> int | None:
        """The widest range that it said it takes; None where it said nothing of late."""
        return self._limit("blocks")

    @most_blocks.setter
    def most_blocks(self, blocks: int) -> None:
        self._limits["blocks"] = (blocks, time.time())

    @property
    def most_batch(self) -> int | None:
        """How many requests it takes in one batch; None where it said nothing of late."""
        return self._limit("batch")

    def takes_no_batch(self, count: int, most: int | None) -> None:
        """It refused a batch for having so many; `most` is what it said it takes, if it did."""
        fewer = max(1, count // 2 if most is None or most >= count else most)
        self._limits["batch"] = (fewer, time.time())

    def _limit(self, name: str) -> int | None:
        limit = self._limits.get(name)
        return None if limit is None or time.time() - limit[1] > _LIMIT_HOLDS_S else limit[0]

    def portion(self, count: int) -> int:
        """How many of `count` requests may go in one batch."""
        count = self.pace.portion(count)
        return count if (most := self.most_batch) is None else min(count, most)

    @property
    def latency_s(self) -> float | None:
        """How long it takes for small answers, on average; None where none was asked for of late."""
        if self._latency_s is None or time.monotonic() - self._latency_s[1] > _LATENCY_HOLDS_S:
            return None
        return self._latency_s[0]

    def took(self, seconds: float) -> None:
        """A small answer took so long."""
        known = self.latency_s
        average = seconds if known is None else known + _LATENCY_WEIGHT * (seconds - known)
        self._latency_s = (average, time.monotonic())

    def fingerprint(self, secret: str) -> bytes:
        """What tells its URL from others to who has the secret, and tells nothing of it to who has not."""
        return hmac.new(secret.encode(), self._url.encode(), hashlib.sha256).digest()

    def known(self) -> "Known":
        """What was learned of it, in times of the wall clock."""
        now, wall_s = time.monotonic(), time.time()

        def wall(at: float) -> float | None:
            return wall_s + at - now if at else None

        return Known(
            self.name, dict(self._limits), self.latency_s, self.failures, self.lies,
            wall(self.aside_until), wall(self.distrusted_until), wall(self.answered_at), self.problem,
        )  # fmt: skip

    def recall(self, known: "Known") -> None:
        """Add what another process, or this one before it was started anew, had learned. Nobody is trusted sooner for
        it, and no limit lives longer than a day. What the rate allows is not taken over: each process has its share."""
        now, wall_s = time.monotonic(), time.time()

        def until(at_s: float | None, most_s: float) -> float:
            """A wrong clock must not set it aside for ever."""
            return 0.0 if at_s is None else now + min(at_s - wall_s, most_s)

        self.distrusted_until = max(self.distrusted_until, until(known.distrusted_until_s, MOST_DISTRUST_S))
        if not self.answered_at:
            self.aside_until = max(self.aside_until, until(known.aside_until_s, _WRONG_CHAIN_S))
        self.lies = max(self.lies, known.lies)
        self.problem = self.problem or known.problem
        for name, limit in known.limits.items():
            if name not in self._limits or self._limits[name][1] < limit[1]:
                self._limits[name] = limit

    def client(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                # A proxy from the environment has no business between us and a node on this machine.
                local = urlsplit(self.name).hostname in ("127.0.0.1", "localhost", "::1")
                self._client = httpx.Client(
                    timeout=httpx.Timeout(self.timeout_s, connect=min(self.timeout_s, 5.0)),
                    trust_env=not local,
                    limits=httpx.Limits(max_keepalive_connections=8, keepalive_expiry=30),
                    headers={"content-type": "application/json", "user-agent": "mandate"},
                )
            return self._client

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def post(self, body: bytes, max_bytes: int) -> tuple[int, bytes, str | None]:
        """(HTTP status, body, Retry-After). Raises RpcUnreachable; no traceback ever carries the URL."""
        problem = ""
        until = time.monotonic() + _MOST_ANSWER_S
        try:
            with self.client().stream("POST", self._url, content=body) as response:
                parts, size = [], 0
                for part in response.iter_bytes():
                    size += len(part)
                    if size > max_bytes:
                        problem = f"answered with more than {max_bytes >> 20} MiB"
                        break
                    if time.monotonic() > until:
                        problem = f"did not end its answer within {_MOST_ANSWER_S:g} s"
                        break
                    parts.append(part)
                if not problem:
                    return response.status_code, b"".join(parts), response.headers.get("retry-after")
        except httpx.TimeoutException:
            problem = f"did not answer within {self.timeout_s:g} s"
        except httpx.ConnectError as error:
            problem = "certificate refused" if "certificate" in str(error).lower() else "no connection"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            problem = f"failed ({type(error).__name__})"
        # Raised outside the handlers: httpx's exceptions hold the request, and with it the URL.
        failure = (Oversized if problem.startswith("answered with more than") else RpcUnreachable)(
            problem, endpoint=self.name
        )
        failure.not_sent = problem in ("no connection", "certificate refused")  # type: ignore[attr-defined]
        raise failure


_IDEMPOTENT = re.compile(
    r"(eth_(get|call|blockNumber|chainId|estimateGas|feeHistory|gasPrice|maxPriority|syncing)|net_|web3_|debug_trace)"
)
_cache: dict[tuple[int, int, tuple[str, ...]], "Rpc"] = {}


class Rpc:
    """A chain as seen through its endpoints. Thread-safe; connections are kept alive.

    Reads go to the first endpoint that is not set aside, and on to the next when it fails; an endpoint that failed is
    set aside for `aside_s` (longer each time). Sends are tried once, unless no byte left this machine.

    An endpoint that was caught in an untrue answer (`distrust`) is not asked at all for a while, not even where no
    other is left: a missing answer is repeated later, an untrue one is believed.
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int | None,
        *,
        timeout_s: float = 15.0,
        attempts: int = 3,
        aside_s: float = 5.0,
        distrust_s: float = 300.0,
        down_s: float = 120.0,
        max_response_bytes: int = _MAX_RESPONSE_BYTES,
    ):
        """`chain_id` None asks any chain (to find out which one it is); everyone else names the one expected."""
        if not urls:
            raise RpcUnreachable(f"no RPC endpoint is configured for chain {chain_id}: set MANDATE_RPC_URLS")
        self.chain_id = chain_id
        self.attempts, self.aside_s, self.max_response_bytes = attempts, aside_s, max_response_bytes
        self.distrust_s, self.down_s = distrust_s, down_s
        self._endpoints = [_Endpoint(url, timeout_s) for url in urls]
        self._ids = itertools.count(1)
        self._said = threading.local()  # .by: the endpoint that answered this thread last
        self._caught: list[str] = []
        self._disagreements: list[Disagreement] = []

    @classmethod
    def for_chain(cls, chain_id: int) -> "Rpc":
        """The process's client for a chain, from `settings.RPC_URLS`; RpcUnreachable where none is configured."""
        from django.conf import settings

        key = (os.getpid(), chain_id, tuple(settings.RPC_URLS.get(chain_id, ())))  # a fork must not share sockets
        if key not in _cache:
            _cache[key] = cls(key[2], chain_id)
        return _cache[key]

    def __repr__(self) -> str:
        return f"<Rpc chain {self.chain_id} via {', '.join(e.name for e in self._endpoints)}>"

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        for endpoint in self._endpoints:
            endpoint.close()

    # --- one endpoint's word against another's

    @property
    def names(self) -> str:
        """Scheme and host of the endpoints, for messages."""
        return ", ".join(endpoint.name for endpoint in self._endpoints)

    def answerer(self) -> "Rpc":
        """The endpoint alone that answered this thread's last request; the first where there was none."""
        return self._alone(getattr(self._said, "by", None) or self._endpoints[0])

    def others(self) -> "list[Rpc]":
        """The other endpoints, each alone, those first that are not set aside; not those that are distrusted."""
        said, now = self.answerer()._endpoints[0], time.monotonic()
        return [self._alone(e) for e in self._in_order() if e is not said and e.distrusted_until <= now]

    def is_down(self) -> bool:
        """Whether every endpoint has done nothing but fail for `down_s`: none is waited for any more."""
        since = time.monotonic() - self.down_s
        return all(endpoint.failures and endpoint.failing_since <= since for endpoint in self._endpoints)

    def distrust(self, reason: str) -> None:
        """Ask these endpoints nothing for a while (`distrust_s`, longer each time): what they answered is not so."""
        for endpoint in self._endpoints:
            if endpoint.distrusted_until > time.monotonic():
                continue  # one wrong answer may show in many blocks
            endpoint.lies += 1
            endpoint.problem = reason
            endpoint.checked = False
            pause_s = min(self.distrust_s * 2 ** (endpoint.lies - 1), MOST_DISTRUST_S)
            endpoint.distrusted_until = time.monotonic() + pause_s
            logger.warning("%s is not asked for %d s: %s", endpoint.name, pause_s, reason)
            self._caught.append(f"{endpoint.name} is not asked for {pause_s:.0f} s: {reason}.")

    def set_aside(self) -> None:
        """Ask these endpoints last for a while: they lag."""
        for endpoint in self._endpoints:
            endpoint.aside_until, endpoint.problem = time.monotonic() + self.aside_s, "it lagged behind another"

    def known(self, secret: str) -> dict[bytes, Known]:
        """What was learned of each endpoint, by the fingerprint of its URL."""
        return {endpoint.fingerprint(secret): endpoint.known() for endpoint in self._endpoints}

    def recall(self, secret: str, known: Mapping[bytes, Known]) -> None:
        """Add what `known` of another process says."""
        for endpoint in self._endpoints:
            if (found := known.get(endpoint.fingerprint(secret))) is not None:
                endpoint.recall(found)

    def take_caught(self) -> list[str]:
        """What `distrust` was told since this was asked last, in words."""
        caught = self._caught[:]
        del self._caught[: len(caught)]
        return caught

    def note_disagreement(self, block_number: int, problem: str) -> None:
        """Keep for people that endpoints differ about a block and nothing says which is right; both stay trusted."""
        self._disagreements.append(Disagreement(block_number, problem))

    def take_disagreements(self) -> "list[Disagreement]":
        """What `note_disagreement` was given since this was asked last."""
        noted = self._disagreements[:]
        del self._disagreements[: len(noted)]
        return noted

    def _alone(self, endpoint: _Endpoint) -> "Rpc":
        """A client of one of our endpoints, sharing its connections and what is known of it."""
        alone = object.__new__(Rpc)
        alone.chain_id, alone.attempts, alone.aside_s = self.chain_id, self.attempts, self.aside_s
        alone.max_response_bytes, alone.distrust_s, alone.down_s = self.max_response_bytes, self.distrust_s, self.down_s
        alone._endpoints, alone._ids, alone._said = [endpoint], self._ids, threading.local()
        alone._caught, alone._disagreements = self._caught, self._disagreements
        return alone

    # --- requests

    def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The `result` of one request.

        Raises:
            RpcError: what the node answered; see its subclasses.
        """
        return self._perform(lambda endpoint: self._one(endpoint, method, params), [method])

    def batch(
        self, requests: Iterable[tuple[str, Sequence[Any]]], *, size: int = 100, together: bool = False
    ) -> list[Any]:
        """The results in the order asked, in batches of `size`, or of as many as the endpoint takes. A request that the
        node refused gives its RpcError in its place (returned, not raised); what fails as a whole is raised.

        `together` asks all of it in one request, whatever the endpoint's rate is: of two requests the second may reach
        another node behind a load balancer, one that lags, and what the first one said is then taken for its word."""
        asked = list(requests)
        if together:
            return self._perform(lambda endpoint: self._many(endpoint, asked), [m for m, _ in asked]) if asked else []
        results: list[Any] = []
        refusals = 0  # in a row
        while len(results) < len(asked):
            rest = asked[len(results) : len(results) + size]
            part = rest[: self.portion(len(rest))]
            try:
                results += self._perform(
                    lambda endpoint, part=part: self._many(endpoint, part), [m for m, _ in part], may_shrink=True
                )
                refusals = 0
            except BatchTooLarge:
                refusals += 1
                if self.attempts == 1 or refusals > _MOST_LEARNING:
                    raise
            except RpcLimited:
                refusals += 1
                if refusals > _MOST_LEARNING or self.portion(len(part)) == len(part):
                    raise
        return results

    def portion(self, count: int) -> int:
        """How many of `count` requests the endpoint that is asked first takes in one batch. All of them for who makes
        one attempt: learning takes seconds, and many small batches fail more often than one."""
        return count if self.attempts == 1 else self._in_order()[0].portion(count)

    def in_groups(
        self, items: Sequence[T], requests_each: int, most_items: int, ask: Callable[[Sequence[T]], None]
    ) -> None:
        """Have `ask` called with all items in turn, so many at a time (at most `most_items`) as the endpoint takes of
        `requests_each` requests each, which stay `together`; with fewer once more where its rate refused them."""
        done = 0
        while done < len(items):
            at_once = max(1, self.portion(most_items * requests_each) // requests_each)
            part = items[done : done + at_once]
            try:
                ask(part)
            except RpcLimited:
                if max(1, self.portion(len(part) * requests_each) // requests_each) >= len(part):
                    raise
                continue
            done += len(part)

    @property
    def most_blocks(self) -> int | None:
        """The widest range that the endpoint that is asked first takes in eth_getLogs; None where that is not known."""
        return self._in_order()[0].most_blocks

    def _in_order(self) -> list[_Endpoint]:
        """The endpoints, those first that answer soonest: not set aside, not slow."""
        now = time.monotonic()
        latencies = {endpoint: endpoint.latency_s for endpoint in self._endpoints}

        def is_slow(endpoint: _Endpoint) -> bool:
            if (own := latencies[endpoint]) is None or len(latencies) == 1:
                return False
            fastest = min(other or 0.0 for e, other in latencies.items() if e is not endpoint)
            return own > max(_SLOW_S, _SLOW_TIMES * fastest)

        return sorted(
            self._endpoints, key=lambda e: (e.distrusted_until > now, max(e.aside_until - now, 0.0), is_slow(e))
        )

    def _perform(self, request: Callable[[_Endpoint], Any], methods: list[str], *, may_shrink: bool = False) -> Any:
        """What an endpoint answers, after some attempts; `may_shrink`: not where it now takes fewer at once."""
        if not all(_IDEMPOTENT.match(method) for method in methods):
            return self._once_over(request, len(methods), repeat=False)

        def again(error: Exception) -> bool | float:
            if not isinstance(error, RpcLimited):
                return isinstance(error, RpcUnreachable)
            if may_shrink and self.portion(len(methods)) < len(methods):
                return False
            return _LIMITED_WAIT_S if error.retry_after_s is None else min(max(error.retry_after_s, 0.01), 3.0)

        for attempt in stamina.retry_context(
            on=again, attempts=self.attempts, timeout=None, wait_initial=0.2, wait_max=3.0
        ):
            with attempt:
                return self._once_over(request, len(methods), repeat=True)
        raise AssertionError("stamina returns or raises")

    def _once_over(self, request: Callable[[_Endpoint], Any], count: int, *, repeat: bool) -> Any:
        """Each endpoint in turn until one answers; those set aside last, for nothing else may be left."""
        now = time.monotonic()
        wrong: WrongChain | None = None
        failure: RpcError | None = None
        trusted = [endpoint for endpoint in self._in_order() if endpoint.distrusted_until <= now]
        if not trusted:
            raise Distrusted(None, f"every endpoint of chain {self.chain_id} was caught in an untrue answer")
        for endpoint in trusted:
            try:
                self._check_chain(endpoint)
                result = request(endpoint)
            except WrongChain as error:
                endpoint.aside_until, endpoint.problem = now + _WRONG_CHAIN_S, error.message
                wrong = error
            except RpcUnreachable as error:
                self._set_aside(endpoint, error.message)
                failure = error
                if not repeat and not getattr(error, "not_sent", False):
                    raise
            except RpcLimited as error:
                endpoint.aside_until = time.monotonic() + (error.retry_after_s or 1.0)
                failure = error
                if not repeat:
                    raise
            else:
                endpoint.failures, endpoint.answered_at = 0, time.monotonic()
                endpoint.pace.answered(count)
                self._said.by = endpoint
                return result
        if failure is None:
            assert wrong is not None
            raise wrong
        raise failure

    def _set_aside(self, endpoint: _Endpoint, problem: str) -> None:
        endpoint.checked, endpoint.problem = False, problem
        if not endpoint.failures:
            endpoint.failing_since = time.monotonic()
        endpoint.failures += 1
        endpoint.aside_until = time.monotonic() + self.aside_s * min(2 ** (endpoint.failures - 1), 16)

    def _check_chain(self, endpoint: _Endpoint) -> None:
        if endpoint.checked or self.chain_id is None:
            return
        try:
            answer = self._one(endpoint, "eth_chainId", ())
        except (RpcUnreachable, RpcLimited):
            raise
        except RpcError as error:  # a key that was revoked, say: the next endpoint may do
            raise RpcUnreachable(f"refused eth_chainId: {error.message}", endpoint=endpoint.name) from None
        try:
            got = quantity(answer)
        except ValueError:
            raise RpcUnreachable("answered eth_chainId with nonsense", endpoint=endpoint.name) from None
        if got != self.chain_id:
            raise WrongChain(self.chain_id, got, endpoint=endpoint.name)
        endpoint.checked = True

    def _one(self, endpoint: _Endpoint, method: str, params: Sequence[Any]) -> Any:
        number = next(self._ids)
        body = orjson.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)})
        answer = self._exchange(endpoint, body, [method])
        if not isinstance(answer, dict):
            raise RpcUnreachable(f"answered {method} with something that is not JSON-RPC", endpoint=endpoint.name)
        if answer.get("error") is not None:
            raise self._refusal(endpoint, answer["error"], method, 1)
        if answer.get("id") != number or "result" not in answer:
            raise RpcUnreachable(f"answered {method} with something that is not JSON-RPC", endpoint=endpoint.name)
        return answer["result"]

    def _refusal(self, endpoint: _Endpoint, raw: Any, method: str, count: int) -> RpcError:
        """The exception for an `error` member in the answer to `count` requests, after the endpoint's limits were
        learned from it."""
        error = classify(raw, method, endpoint.name, endpoint.secrets)
        if isinstance(error, RpcLimited):
            endpoint.pace.refused(count)
        elif isinstance(error, RangeTooLarge) and error.max_blocks is not None:
            endpoint.most_blocks = error.max_blocks
        return error

    def _many(self, endpoint: _Endpoint, requests: list[tuple[str, Sequence[Any]]]) -> list[Any]:
        if len(requests) == 1:  # the endpoint may know no batches
            try:
                return [self._one(endpoint, *requests[0])]
            except (RpcUnreachable, RpcLimited):
                raise
            except RpcError as error:
                return [error]
        methods = [method for method, _ in requests]
        numbers = [next(self._ids) for _ in requests]
        body = orjson.dumps(
            [
                {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
                for number, (method, params) in zip(numbers, requests, strict=True)
            ]
        )
        answer = self._exchange(endpoint, body, methods)
        if isinstance(answer, dict) and answer.get("error") is not None:
            if refused := _refuses_batch(answer["error"], len(requests)):
                endpoint.takes_no_batch(len(requests), refused.most)
                refused.endpoint = endpoint.name
                raise refused
            raise self._refusal(endpoint, answer["error"], methods[0], len(requests))
        if not isinstance(answer, list):
            raise RpcUnreachable("answered a batch with something that is not one", endpoint=endpoint.name)
        by_number = {item["id"]: item for item in answer if isinstance(item, dict) and isinstance(item.get("id"), int)}
        results: list[Any] = []
        for number, (method, _) in zip(numbers, requests, strict=True):
            item = by_number.get(number)
            if item is not None and item.get("error") is not None:
                error = self._refusal(endpoint, item["error"], method, len(requests))
                if isinstance(error, RpcLimited):
                    raise error  # the whole batch is repeated: a half-limited one has holes
                results.append(error)
            elif item is None or "result" not in item:
                raise RpcUnreachable(f"left out the answer to {method} in a batch", endpoint=endpoint.name)
            else:
                results.append(item["result"])
        return results

    def _exchange(self, endpoint: _Endpoint, body: bytes, methods: Sequence[str]) -> Any:
        method, most = methods[0] if len(methods) == 1 else "a batch", self.max_response_bytes
        if "eth_getLogs" in methods:
            most = min(most, _MAX_LOGS_BYTES)
        begun = time.monotonic()
        try:
            status, raw, retry_after = endpoint.post(body, most)
        except Oversized as error:
            if "eth_getLogs" not in methods:
                raise
            # Nothing is wrong with the endpoint: less is to be asked of it at once.
            raise RangeTooLarge(None, error.message, endpoint=endpoint.name) from None
        if status == 429:
            endpoint.pace.refused(len(methods))
            limited = RpcLimited(429, f"limits our rate ({method})", endpoint=endpoint.name)
            limited.retry_after_s = min(float(retry_after), 60.0) if retry_after and retry_after.isdigit() else None
            raise limited
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError:
            answer = None
        # Some nodes put JSON-RPC errors behind HTTP 4xx and 5xx; those say more than the status.
        carries_error = isinstance(answer, list) or (isinstance(answer, dict) and isinstance(answer.get("error"), dict))
        if status >= 400 and not carries_error:
            raise RpcUnreachable(f"answered {method} with HTTP {status}", endpoint=endpoint.name)
        if answer is None:
            raise RpcUnreachable(f"answered {method} with something that is not JSON", endpoint=endpoint.name)
        if len(raw) < _SMALL_BYTES and "eth_getLogs" not in methods:  # which takes long where there is nothing, too
            endpoint.took(time.monotonic() - begun)
        return answer

    # --- what is asked

    def head_number(self) -> int:
        """The newest block's number."""
        return self._parsed("eth_blockNumber", [], quantity)

    def block(self, block: BlockId = "latest", *, full: bool = False) -> Header | None:
        """A block's header by number, tag or hash; None where the node has none. `full` brings whole transactions."""
        if isinstance(block, bytes):
            return self._parsed("eth_getBlockByHash", ["0x" + block.hex(), full], _or_none(parse_header))
        header = self._parsed("eth_getBlockByNumber", [_block_parameter(block), full], _or_none(parse_header))
        if header is not None and isinstance(block, int) and header.number != block:
            raise RpcError(None, f"asked for block {block}, the node answered block {header.number}")
        return header

    def blocks(self, numbers: Iterable[int]) -> list[Header | None]:
        """Headers of many blocks in batches, without their transactions. Raises what the node answered for any of
        them."""
        asked = list(numbers)
        answers = self.batch([("eth_getBlockByNumber", [hex(number), False]) for number in asked])
        headers = []
        for number, answer in zip(asked, answers, strict=True):
            if isinstance(answer, RpcError):
                raise answer
            header = checked("eth_getBlockByNumber", answer, _or_none(partial(parse_header, transactions=False)))
            if header is not None and header.number != number:
                raise RpcError(None, f"asked for block {number}, the node answered block {header.number}")
            headers.append(header)
        return headers

    def logs(
        self,
        addresses: Sequence[bytes] = (),
        topics: Sequence[Any] = (),
        *,
        first_block: int | None = None,
        last_block: int | None = None,
        block_hash: bytes | None = None,
    ) -> list[Log]:
        """Logs of `addresses` (none: of all) in first_block..last_block, or of the block with `block_hash`.

        A topic is a word, None for any, or a list of alternatives. Answers outside of what was asked are refused, and
        so is a range by a node that has not its last block: many such answer with what they have, or nothing.

        Raises:
            RangeTooLarge: ask for less, see its `suggested`.
        """
        condition: dict[str, Any] = {}
        if addresses:
            condition["address"] = ["0x" + address.hex() for address in addresses]
        if topics:
            condition["topics"] = [_topic(topic) for topic in topics]
        if block_hash is not None:
            condition["blockHash"] = "0x" + block_hash.hex()
        else:
            if first_block is None or last_block is None:
                raise ValueError("logs() needs first_block and last_block, or block_hash")
            condition["fromBlock"], condition["toBlock"] = hex(first_block), hex(last_block)
        wanted = set(addresses)

        def parse(answer: Any) -> list[Log]:
            logs = parse_logs(answer) if block_hash is not None else parse_logs_beside_block(answer)
            for log in logs:
                if wanted and log.address not in wanted:
                    raise ValueError("a log of an address that was not asked for")
                if block_hash is not None and log.block_hash != block_hash:
                    raise ValueError("a log of a block that was not asked for")
                if block_hash is None and not first_block <= log.block_number <= last_block:  # type: ignore[operator]
                    raise ValueError("a log of a block that was not asked for")
            logs.sort(key=_PLACE)
            return logs

        if block_hash is not None:
            return self._parsed("eth_getLogs", [condition], parse)
        # In one request, for behind a load balancer the next one may reach another node.
        answer, last = self.batch(
            [("eth_getLogs", [condition]), ("eth_getBlockByNumber", [hex(last_block), False])], together=True
        )
        for result in (answer, last):
            if isinstance(result, RpcError):
                raise result
        if last is None:
            raise RpcError(None, f"the node that was asked for logs up to block {last_block} does not have that block")
        return checked("eth_getLogs", answer, parse)

    def range_logs(
        self,
        filters: Iterable[tuple[Sequence[bytes], Sequence[Any]]],
        first_block: int,
        last_block: int,
        *,
        below: bool,
    ) -> RangeLogs:
        """Logs that any of these filters (addresses, topics) finds in first_block..last_block, as one node has them:
        all is asked in one request, for behind a load balancer the next one may reach a node on another branch.

        Raises:
            RangeTooLarge: ask for less, see its `suggested`.
            RpcError: the node has not the last block, or answers what was not asked.
        """
        at = {"fromBlock": hex(first_block), "toBlock": hex(last_block)}
        asked = [
            (
                set(addresses),
                {"address": ["0x" + a.hex() for a in addresses], "topics": [_topic(t) for t in topics], **at},
            )
            for addresses, topics in filters
        ]
        numbers = [hex(last_block), "finalized", *([hex(first_block - 1)] if below else [])]
        requests: list[tuple[str, Sequence[Any]]] = [("eth_getLogs", [condition]) for _, condition in asked]
        requests += [("eth_getBlockByNumber", [number, False]) for number in numbers]
        answers = self.batch(requests, together=True)
        ends = answers[len(asked) :]
        for answer in [*answers[: len(asked)], ends[0], *ends[2:]]:
            if isinstance(answer, RpcError):
                raise answer
        found: list[Log] = []
        for (wanted, _), answer in zip(asked, answers, strict=False):
            logs = checked("eth_getLogs", answer, parse_logs_beside_block)
            for log in logs:
                if log.address not in wanted or not first_block <= log.block_number <= last_block:
                    raise RpcError(
                        None, f"asked for logs of blocks {first_block} to {last_block}, the node answered others"
                    )
            found += logs
        headers = []
        for number, answer in zip((last_block, first_block - 1), (ends[0], *ends[2:]), strict=False):
            header = checked("eth_getBlockByNumber", answer, _or_none(parse_header))
            if header is None or header.number != number:
                raise RpcError(
                    None, f"the node that was asked for logs up to block {last_block} does not have block {number}"
                )
            headers.append(header)
        final = (
            None if isinstance(ends[1], RpcError) else checked("eth_getBlockByNumber", ends[1], _or_none(parse_header))
        )
        return RangeLogs(found, headers[0], headers[1] if below else None, final.number if final else None)

    def eth_call(
        self, to: bytes, data: bytes, block: BlockId = "latest", *, sender: bytes | None = None, value_wei: int = 0
    ) -> bytes:
        """What the call returns at a block. Raises CallReverted with the revert data."""
        return self._parsed("eth_call", [_call(to, data, sender, value_wei), _block_parameter(block)], unhex)

    def eth_calls(
        self, calls: Iterable[tuple[bytes, bytes]], block: BlockId = "latest", *, sender: bytes | None = None
    ) -> list[bytes | RpcError]:
        """Many (to, data) calls at one block, in batches; an error (CallReverted, ...) stands in its call's place."""
        at = _block_parameter(block)
        answers = self.batch([("eth_call", [_call(to, data, sender, 0), at]) for to, data in calls])
        return [a if isinstance(a, RpcError) else checked("eth_call", a, unhex) for a in answers]

    def estimate_gas(
        self, to: bytes, data: bytes, *, sender: bytes, value_wei: int = 0, block: BlockId = "pending"
    ) -> int:
        """The gas a call needs. Raises CallReverted with the revert data."""
        return self._parsed("eth_estimateGas", [_call(to, data, sender, value_wei), _block_parameter(block)], quantity)

    def get_code(self, address: bytes, block: BlockId = "latest") -> bytes:
        """An account's code; empty where it has none."""
        return self._parsed("eth_getCode", ["0x" + address.hex(), _block_parameter(block)], unhex)

    def storage(self, address: bytes, slot: int, block: BlockId = "latest") -> bytes:
        """A storage word."""
        return self._parsed(
            "eth_getStorageAt",
            ["0x" + address.hex(), f"0x{slot:064x}", _block_parameter(block)],
            lambda v: unhex(v, 32),
        )

    def balance(self, address: bytes, block: BlockId = "latest") -> int:
        """An account's ether, in wei."""
        return self._parsed("eth_getBalance", ["0x" + address.hex(), _block_parameter(block)], quantity)

    def nonce(self, address: bytes, block: BlockId = "latest") -> int:
        """The number of transactions an account has sent, at a block (`pending` counts the mempool's too)."""
        return self._parsed("eth_getTransactionCount", ["0x" + address.hex(), _block_parameter(block)], quantity)

    def transaction(self, hash: bytes) -> Transaction | None:
        """A transaction by its hash, pending or mined; None where the node doesn't know it."""
        return self._parsed("eth_getTransactionByHash", ["0x" + hash.hex()], _or_none(parse_transaction))

    def receipt(self, hash: bytes) -> Receipt | None:
        """A mined transaction's receipt; None while it is not mined."""
        return self._parsed("eth_getTransactionReceipt", ["0x" + hash.hex()], _or_none(parse_receipt))

    def block_receipts(self, block_hash: bytes) -> list[Receipt] | None:
        """All receipts of a block by its hash, in order; None where the node has no such block. Raises RpcError where
        it doesn't know the method. An answer for another block is refused."""

        def parse(answer: Any) -> list[Receipt]:
            receipts = [parse_receipt(item) for item in answer]
            if any(receipt.block_hash != block_hash for receipt in receipts):
                raise ValueError("a receipt of a block that was not asked for")
            return receipts

        method = "eth_getBlockReceipts"
        if all(method in endpoint.unknown for endpoint in self._endpoints):
            raise RpcError(_UNKNOWN_METHOD, f"{self.names}: {method} is not known there")
        try:
            return self._parsed(method, ["0x" + block_hash.hex()], _or_none(parse))
        except RpcError as error:
            if error.code == _UNKNOWN_METHOD and len(self._endpoints) == 1:
                self._endpoints[0].unknown.add(method)
            raise

    def send_raw(self, signed: bytes) -> bytes:
        """Broadcast a signed transaction; its hash. Tried once: the caller repeats, from a journal."""
        return self._parsed("eth_sendRawTransaction", ["0x" + signed.hex()], lambda v: unhex(v, 32))

    def _parsed(self, method: str, params: Sequence[Any], parse: Callable[[Any], T]) -> T:
        return checked(method, self.call(method, params), parse)


def checked(method: str, answer: Any, parse: Callable[[Any], T]) -> T:
    """What `parse` makes of a node's answer; RpcError where the answer has another shape than the standard says."""
    try:
        return parse(answer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error)[:80]
        raise RpcError(None, f"the node's answer to {method} is malformed: {type(error).__name__} {reason}") from None


def _or_none(parse: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda answer: None if answer is None else parse(answer)


def _topic(topic: Any) -> Any:
    if topic is None:
        return None
    if isinstance(topic, bytes):
        return "0x" + topic.hex()
    return ["0x" + item.hex() for item in topic]


def _block_parameter(block: BlockId) -> Any:
    """Number or tag as the standard says; a hash as EIP-1898 says, canonical only: a state that reorged away errs."""
    if isinstance(block, bytes):
        if len(block) != 32:
            raise ValueError("a block hash has 32 bytes")
        return {"blockHash": "0x" + block.hex(), "requireCanonical": True}
    if isinstance(block, int):
        return hex(block)
    if block not in TAGS:
        raise ValueError(f"{block!r} is no block tag")
    return block


def _call(to: bytes, data: bytes, sender: bytes | None, value_wei: int) -> dict[str, str]:
    call = {"to": "0x" + to.hex(), "data": "0x" + data.hex()}
    if sender is not None:
        call["from"] = "0x" + sender.hex()
    if value_wei:
        call["value"] = hex(value_wei)
    return call
