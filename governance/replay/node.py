# SPDX-License-Identifier: Apache-2.0
"""An Ethereum node that serves a recording over JSON-RPC on the loopback interface, with faults on demand.

What the recording lacks is made up, deterministically, and `web3_clientVersion` says so: block hashes, parent hashes,
transaction hashes, and the times that were not recorded. Nothing else is made up: a question whose answer was not
recorded (a call, a balance, a receipt) gets the error "not recorded".
"""

import bisect
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from eth_hash.auto import keccak

from governance.replay.recording import RecordedLog, Recording

CLIENT_VERSION = "mandate-replay/1 (recorded logs; block hashes, transaction hashes and unrecorded times are made up)"
_FINALITY_DEPTH = 64
_BLOCK_S = {1: 12, 10: 2}  # seconds between blocks where no times were recorded; 2 for other chains
_MADE_UP_START_S = 1_400_000_000
_NOT_RECORDED = frozenset(
    {
        "eth_call", "eth_estimateGas", "eth_getCode", "eth_getBalance", "eth_getStorageAt", "eth_getTransactionCount",
        "eth_getProof", "eth_getTransactionByHash", "eth_getTransactionReceipt", "eth_getBlockReceipts",
        "eth_feeHistory", "eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_sendRawTransaction",
        "debug_traceTransaction", "debug_traceCall",
    }
)  # fmt: skip
_MOST_BODY_BYTES = 4 * 2**20
_MOST_BATCH = 1000


class NodeError(Exception):
    """An error that the node answers with."""

    def __init__(self, code: int, message: str, data: Any = None):
        self.code, self.message, self.data = code, message, data
        super().__init__(message)


@dataclass
class Faults:
    """What goes wrong on demand. Everything may be changed while the node runs."""

    max_range: int | None = None  # blocks that one eth_getLogs may span
    max_results: int | None = None  # logs that one eth_getLogs may return
    latency_s: float = 0.0
    # method -> how many of its next answers are errors
    errors: dict[str, int] = field(default_factory=dict)
    head_back: int = 0  # how many blocks the node's head lies behind the chain's, as behind a lagging load balancer


class ReplayChain:
    """A recorded chain: blocks by number or hash, logs, reorgs. Thread-safe; no block is stored."""

    def __init__(self, recording: Recording, *, extra_blocks: int = 2 * _FINALITY_DEPTH):
        """The head is `extra_blocks` above the last recorded block, so that all of it can be final."""
        self.recording = recording
        self.chain_id = recording.chain_id
        self.faults = Faults()
        self.head = recording.last_block + extra_blocks
        self.finality_depth = min(_FINALITY_DEPTH, extra_blocks)
        self._logs: list[RecordedLog] = list(recording.logs)
        self._numbers = [log.block_number for log in self._logs]
        # Reorgs, oldest first: from this block on, the hashes are of this generation.
        self._forks: list[tuple[int, int]] = [(0, 0)]
        self._lock = threading.RLock()
        self._prefix = b"mandate replay" + recording.chain_id.to_bytes(32, "big")
        self._spacing = _BLOCK_S.get(recording.chain_id, 2)
        self._anchors = sorted(recording.times.items())
        self._anchor_numbers = [number for number, _ in self._anchors]

    # --- what tests and the control methods change

    def set_head(self, number: int) -> None:
        """Let the chain end at `number`."""
        with self._lock:
            self.head = number

    def reorg(self, depth: int, *, drop_logs: bool = False) -> None:
        """Replace the last `depth` blocks by others of the same numbers, with the same logs or without them."""
        with self._lock:
            first = self.head - depth + 1
            if depth < 1 or first < 1:
                raise NodeError(-32602, f"a reorg of {depth} blocks is not possible")
            generation = max(generation for _, generation in self._forks) + 1
            self._forks = [fork for fork in self._forks if fork[0] < first] + [(first, generation)]
            if drop_logs:
                self._logs = [log for log in self._logs if not first <= log.block_number <= self.head]
                self._numbers = [log.block_number for log in self._logs]

    # --- made up

    def block_hash(self, number: int) -> bytes:
        """Ends in the block's number, so that a block is found by its hash without any table."""
        generation = self._forks[bisect.bisect_right(self._forks, (number, 2**62)) - 1][1]
        digest = keccak(self._prefix + number.to_bytes(32, "big") + generation.to_bytes(32, "big"))
        return digest[:24] + number.to_bytes(8, "big")

    def timestamp(self, number: int) -> int:
        """A block's time as recorded; else between its recorded neighbours, or evenly spaced. Never goes backwards."""
        if not self._anchors:
            return _MADE_UP_START_S + number * self._spacing
        after = bisect.bisect_left(self._anchor_numbers, number)
        if after < len(self._anchors) and self._anchors[after][0] == number:
            return self._anchors[after][1]
        if after == 0:
            first_number, first_time = self._anchors[0]
            return max(first_time - (first_number - number) * self._spacing, 0)
        low_number, low_time = self._anchors[after - 1]
        if after == len(self._anchors):
            return low_time + (number - low_number) * self._spacing
        high_number, high_time = self._anchors[after]
        return low_time + (high_time - low_time) * (number - low_number) // (high_number - low_number)

    def transaction_hash(self, log: RecordedLog) -> bytes:
        place = log.block_number.to_bytes(32, "big") + log.transaction_index.to_bytes(32, "big")
        return keccak(self._prefix + b"transaction" + place)

    # --- answers

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of one request. Raises NodeError."""
        if self.faults.latency_s:
            time.sleep(self.faults.latency_s)
        if self.faults.errors.get(method, 0) > 0:
            self.faults.errors[method] -= 1
            raise NodeError(-32000, "an error on demand")
        if method in _NOT_RECORDED:
            raise NodeError(-32001, f"not recorded: a replay can't answer {method}")
        with self._lock:
            match method:
                case "web3_clientVersion":
                    return CLIENT_VERSION
                case "eth_chainId":
                    return hex(self.chain_id)
                case "net_version":
                    return str(self.chain_id)
                case "eth_syncing":
                    return False
                case "eth_blockNumber":
                    return hex(self._shown_head())
                case "eth_getBlockByNumber":
                    return self._block(self._number(_at(params, 0)), _at(params, 1))
                case "eth_getBlockByHash":
                    return self._block(self._by_hash(_at(params, 0)), _at(params, 1))
                case "eth_getLogs":
                    return self._get_logs(_at(params, 0))
        raise NodeError(-32601, "the method does not exist")

    def _shown_head(self) -> int:
        return max(self.head - self.faults.head_back, 0)

    def _number(self, block: Any) -> int | None:
        head = self._shown_head()
        match block:
            case "latest" | "pending":
                return head
            case "finalized" | "safe":
                return max(head - self.finality_depth, 0)
            case "earliest":
                return 0
        number = _quantity(block)
        return number if number <= head else None

    def _by_hash(self, block_hash: Any) -> int | None:
        raw = _word(block_hash)
        number = int.from_bytes(raw[24:], "big")
        return number if number <= self._shown_head() and self.block_hash(number) == raw else None

    def _logs_between(self, first: int, last: int) -> list[RecordedLog]:
        return self._logs[bisect.bisect_left(self._numbers, first) : bisect.bisect_right(self._numbers, last)]

    def _block(self, number: int | None, full: Any) -> Any:
        if number is None:
            return None
        logs = self._logs_between(number, number)
        if full is True and logs:
            raise NodeError(-32001, "not recorded: a replay knows transactions by their place only")
        hashes = dict.fromkeys("0x" + self.transaction_hash(log).hex() for log in logs)
        zero = "0x" + "00" * 32
        return {
            "number": hex(number),
            "hash": "0x" + self.block_hash(number).hex(),
            "parentHash": "0x" + self.block_hash(number - 1).hex() if number else zero,
            "timestamp": hex(self.timestamp(number)),
            "transactions": list(hashes),
            "uncles": [],
            "nonce": "0x0000000000000000",
            "sha3Uncles": zero,
            "logsBloom": "0x" + "ff" * 256,
            "transactionsRoot": zero,
            "stateRoot": zero,
            "receiptsRoot": zero,
            "miner": "0x" + "00" * 20,
            "difficulty": "0x0",
            "extraData": "0x" + CLIENT_VERSION[:16].encode().hex(),
            "size": "0x0",
            "gasLimit": "0x0",
            "gasUsed": "0x0",
        }

    def _get_logs(self, condition: Any) -> list[dict[str, Any]]:
        if not isinstance(condition, dict):
            raise NodeError(-32602, "the filter is not an object")
        head = self._shown_head()
        if condition.get("blockHash") is not None:
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
                raise NodeError(-32602, f"the block range extends beyond the current head block {head}")
            first, last = first_or_none, last_or_none
            if first > last:
                raise NodeError(-32602, "invalid block range: fromBlock is above toBlock")
            most = self.faults.max_range
            if most is not None and last - first + 1 > most:
                raise NodeError(-32602, f"eth_getLogs is limited to a {most} blocks range")
        wanted = _addresses(condition.get("address"))
        topics = _topic_filter(condition.get("topics"))
        found = [
            log
            for log in self._logs_between(first, last)
            if (not wanted or log.address in wanted) and _fits(log, topics)
        ]
        most = self.faults.max_results
        if most is not None and len(found) > most:
            good = max(found[most].block_number - 1, first)
            raise NodeError(
                -32005,
                f"query returned more than {most} results. Try with this block range [{hex(first)}, {hex(good)}].",
                {"from": hex(first), "to": hex(good), "limit": most},
            )
        return [self._shown(log) for log in found]

    def _shown(self, log: RecordedLog) -> dict[str, Any]:
        return {
            "address": "0x" + log.address.hex(),
            "topics": ["0x" + topic.hex() for topic in log.topics],
            "data": "0x" + log.data.hex(),
            "blockNumber": hex(log.block_number),
            "blockHash": "0x" + self.block_hash(log.block_number).hex(),
            "blockTimestamp": hex(self.timestamp(log.block_number)),
            "transactionHash": "0x" + self.transaction_hash(log).hex(),
            "transactionIndex": hex(log.transaction_index),
            "logIndex": hex(log.log_index),
            "removed": False,
        }


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
            return bytes.fromhex(value[2:])
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


def _fits(log: RecordedLog, places: list[frozenset[bytes] | None]) -> bool:
    if len(places) > len(log.topics):
        return False
    return all(place is None or topic in place for place, topic in zip(places, log.topics, strict=False))


class ReplayNode:
    """Serves a chain on a free loopback port: `with ReplayNode(recording) as node: Rpc([node.url], node.chain_id)`.

    With `controls` the methods `replay_setHead`, `replay_reorg` and `replay_faults` change the chain from outside.
    """

    def __init__(self, recording: Recording, *, controls: bool = False, **chain: Any):
        self.chain = ReplayChain(recording, **chain)
        self.chain_id = self.chain.chain_id
        self.faults = self.chain.faults
        self.controls = controls
        self.requests = 0  # answered so far
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        assert self._server is not None, "the node is not running"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "ReplayNode":
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="replay node", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def respond(self, body: bytes) -> bytes:
        """The JSON-RPC answer to a request or a batch."""
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError:
            return orjson.dumps(_failure(None, NodeError(-32700, "not JSON")))
        if isinstance(request, list):
            if not 0 < len(request) <= _MOST_BATCH:
                return orjson.dumps(_failure(None, NodeError(-32600, f"a batch has 1 to {_MOST_BATCH} requests")))
            return orjson.dumps([self._one(item) for item in request])
        return orjson.dumps(self._one(request))

    def _one(self, request: Any) -> dict[str, Any]:
        self.requests += 1
        number = request.get("id") if isinstance(request, dict) else None
        try:
            if not isinstance(request, dict) or not isinstance(request.get("method"), str):
                raise NodeError(-32600, "not a JSON-RPC request")
            params = request.get("params", [])
            if not isinstance(params, list):
                raise NodeError(-32602, "params must be a list")
            if self.controls and request["method"].startswith("replay_"):
                result = self._control(request["method"], params)
            else:
                result = self.chain.answer(request["method"], params)
        except NodeError as error:
            return _failure(number, error)
        return {"jsonrpc": "2.0", "id": number, "result": result}

    def _control(self, method: str, params: list[Any]) -> Any:
        try:
            match method, params:
                case "replay_setHead", [int(number)]:
                    self.chain.set_head(number)
                case "replay_reorg", [int(depth), *rest]:
                    self.chain.reorg(depth, drop_logs=bool(rest and rest[0]))
                case "replay_faults", [dict(changes)]:
                    for name, value in changes.items():
                        if name not in Faults.__dataclass_fields__:
                            raise NodeError(-32602, f"no such fault: {name}")
                        setattr(self.faults, name, value)
                case _:
                    raise NodeError(-32602, "no such control, or not its parameters")
        except TypeError as error:
            raise NodeError(-32602, str(error)) from None
        return True


def _failure(number: Any, error: NodeError) -> dict[str, Any]:
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": number, "error": body}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none of our business; anything else is a bug and shows as one."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(node: ReplayNode) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # header and body leave in one piece: two would wait for each other's acknowledgement
        disable_nagle_algorithm = True
        timeout = 60

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdigit() or int(length) > _MOST_BODY_BYTES:
                self.close_connection = True
                self._send(413 if length.isdigit() else 411, b"")
                return
            self._send(200, node.respond(self.rfile.read(int(length))))

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Requests are not logged: stdout belongs to the command."""

    return Handler
