# SPDX-License-Identifier: Apache-2.0
"""An Ethereum node that serves a recording, or a chain made up in memory, over JSON-RPC on the loopback interface: by
HTTP and by WebSocket (requests, and `eth_subscribe` to newHeads and logs), with faults on demand.

What a recording lacks is made up, deterministically, and `web3_clientVersion` says so: block hashes, parent hashes,
transaction hashes, and the times that were not recorded. Nothing else is made up: a question whose answer was not
recorded (a call, a balance, a receipt) gets the error "not recorded".
"""

import bisect
import contextlib
import copy
import itertools
import logging
import socket
import sys
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from governance.chain import bloom
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak
from replay.faults import KINDS, PROVIDERS, Chance, Faults, rate_refusal
from replay.recording import RecordedLog, Recording
from replay.sight import Chain, NodeError, PlainAnswer, ServedLog, Sight, refuse
from replay.synthetic import SyntheticChain, other_network

__all__ = ["CLIENT_VERSION", "Faults", "NodeError", "ReplayChain", "ReplayNode"]

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
_PUSH_S = 0.02  # how often a subscription looks for what is new


class ReplayChain:
    """A recorded chain: blocks by number or hash, logs, reorgs. Thread-safe; no block is stored."""

    client = CLIENT_VERSION

    def __init__(self, recording: Recording, *, extra_blocks: int = 2 * _FINALITY_DEPTH):
        """The head is `extra_blocks` above the last recorded block, so that all of it can be final."""
        self.recording = recording
        self.chain_id = recording.chain_id
        self.head = recording.last_block + extra_blocks
        self.finality_depth = min(_FINALITY_DEPTH, extra_blocks)
        self._logs: list[RecordedLog] = list(recording.logs)
        self._numbers = [log.block_number for log in self._logs]
        # Reorgs, oldest first: from this block on, the hashes are of this generation.
        self._forks: list[tuple[int, int]] = [(0, 0)]
        self.lock = threading.RLock()
        self._prefix = b"mandate replay" + recording.chain_id.to_bytes(32, "big")
        self._spacing = _BLOCK_S.get(recording.chain_id, 2)
        self._anchors = sorted(recording.times.items())
        self._anchor_numbers = [number for number, _ in self._anchors]

    # --- what tests and the control methods change

    def set_head(self, number: int) -> None:
        """Let the chain end at `number`."""
        with self.lock:
            self.head = number

    def reorg(self, depth: int, *, drop_logs: bool = False) -> None:
        """Replace the last `depth` blocks by others of the same numbers, with the same logs or without them."""
        with self.lock:
            first = self.head - depth + 1
            if depth < 1 or first < 1:
                raise NodeError(-32602, f"a reorg of {depth} blocks is not possible")
            generation = max(generation for _, generation in self._forks) + 1
            self._forks = [fork for fork in self._forks if fork[0] < first] + [(first, generation)]
            if drop_logs:
                self._logs = [log for log in self._logs if not first <= log.block_number <= self.head]
                self._numbers = [log.block_number for log in self._logs]

    # --- as a chain (`sight.Chain`); hashes, transactions and most times are made up

    def final_at(self, head: int) -> int:
        return max(head - self.finality_depth, 0)

    def hash_at(self, number: int) -> bytes:
        """Ends in the block's number, so that a block is found by its hash without any table."""
        generation = self._forks[bisect.bisect_right(self._forks, (number, 2**62)) - 1][1]
        digest = keccak(self._prefix + number.to_bytes(32, "big") + generation.to_bytes(32, "big"))
        return digest[:24] + number.to_bytes(8, "big")

    def l1_block_at(self, _number: int) -> int | None:
        return None

    def number_of(self, block_hash: bytes) -> int | None:
        number = int.from_bytes(block_hash[24:], "big")
        return number if number <= self.head and self.hash_at(number) == block_hash else None

    def time_at(self, number: int) -> int:
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

    def bloom_at(self, number: int) -> bytes:
        return bloom.of_logs((log.address, log.topics) for log in self._between(number, number))

    def receipts_root_at(self, _number: int) -> bytes:
        return bytes(32)

    def logs_between(self, first: int, last: int) -> list[ServedLog]:
        return [
            ServedLog(
                log.block_number, log.log_index, log.transaction_index, self.transaction_hash(log), log.address,
                log.topics, log.data,
            )
            for log in self._between(first, last)
        ]  # fmt: skip

    def transaction_hash(self, log: RecordedLog) -> bytes:
        place = log.block_number.to_bytes(32, "big") + log.transaction_index.to_bytes(32, "big")
        return keccak(self._prefix + b"transaction" + place)

    def transactions_at(self, _number: int) -> list[dict[str, Any]] | None:
        return None

    def other(self, _method: str, _params: list[Any], _number: int) -> Any:
        raise NodeError(-32601, "the method does not exist")

    def _between(self, first: int, last: int) -> list[RecordedLog]:
        return self._logs[bisect.bisect_left(self._numbers, first) : bisect.bisect_right(self._numbers, last)]


class ReplayNode:
    """Serves a chain on a free loopback port: `with ReplayNode(recording) as node: Rpc([node.url], node.chain_id)`.

    Several nodes may serve one chain, each with its own faults; `seed` decides which requests a fault by chance hits.
    With `controls` the methods `replay_setHead`, `replay_reorg` and `replay_faults` change a recorded chain from
    outside. `websocket` serves `ws_url` too.
    """

    def __init__(
        self,
        source: Recording | ReplayChain | SyntheticChain,
        *,
        controls: bool = False,
        faults: Faults | None = None,
        seed: int = 0,
        websocket: bool = False,
        **chain: Any,
    ):
        self.chain: Any = ReplayChain(source, **chain) if isinstance(source, Recording) else source
        self.chain_id: int = self.chain.chain_id
        self.faults = faults or Faults()
        self.chance = Chance(seed)
        self.controls = controls
        self.websocket = websocket
        self.requests = 0  # answered so far
        self._answered_at: deque[float] = deque()  # within the last second, where the rate is limited
        self._rate_lock = threading.Lock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._sockets: Server | None = None
        self._conversing: set[ServerConnection] = set()
        self._conversing_lock = threading.Lock()
        self._port = 0
        self._ws_port = 0

    @property
    def url(self) -> str:
        """Where it answers HTTP; the same after a restart."""
        assert self._port, "the node is not running"
        return f"http://127.0.0.1:{self._port}"

    @property
    def ws_url(self) -> str:
        """Where it answers WebSocket; the same after a restart."""
        assert self._ws_port, "the node does not serve WebSocket"
        return f"ws://127.0.0.1:{self._ws_port}"

    def __enter__(self) -> "ReplayNode":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the ports of before where there were any."""
        self._server = _Server(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="replay node", daemon=True
        )
        self._thread.start()
        if self.websocket:
            self._sockets = serve(self._converse, "127.0.0.1", self._ws_port, max_size=_MOST_BODY_BYTES, logger=_QUIET)
            self._ws_port = self._sockets.socket.getsockname()[1]
            threading.Thread(target=self._sockets.serve_forever, name="replay sockets", daemon=True).start()

    def stop(self) -> None:
        """Stop listening and cut every connection, also in the middle of a request."""
        if self._sockets is not None:
            self._sockets.shutdown()
            self._sockets = None
            with self._conversing_lock:
                left = list(self._conversing)
            for conversation in left:
                with contextlib.suppress(OSError):  # the other side was first
                    conversation.socket.shutdown(socket.SHUT_RDWR)
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server.cut()
            self._server = None

    # --- answers

    def sight(self) -> Sight:
        """What the node sees in one request: behind a load balancer, one of its nodes."""
        if isinstance(self.chain, SyntheticChain):
            back = self.faults.sights_back
            if self.chance.hits(self.faults, "older_sight"):
                back += 1 + self.chance.pick(4)
            chain: Chain = self.chain.moment(back)
            if self.chance.hits(self.faults, "other_network"):
                chain = other_network(chain)  # type: ignore[arg-type]
        else:
            # As it is now: what a subscription knew before a reorg must still be there to be taken back.
            with self.chain.lock:
                chain = copy.copy(self.chain)
            if self.chance.hits(self.faults, "older_sight"):
                chain.head = max(chain.head - 1 - self.chance.pick(4), 0)
        return Sight(chain, self.faults, self.chance)

    def respond(self, body: bytes) -> bytes:
        """The JSON-RPC answer to a request or a batch, whatever the HTTP status."""
        return self.answer(body)[1]

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """(HTTP status, body). Raises PlainAnswer where the gateway gives no JSON-RPC."""
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError:
            return 200, orjson.dumps(_failure(None, NodeError(-32700, "not JSON")))
        if self.faults.latency_s:
            time.sleep(self.faults.latency_s)
        sight = self.sight()
        if isinstance(request, list):
            if not 0 < len(request) <= _MOST_BATCH:
                return 200, orjson.dumps(_failure(None, NodeError(-32600, f"a batch has 1 to {_MOST_BATCH} requests")))
            return 200, orjson.dumps([self._one(sight, item)[1] for item in request])
        status, answer = self._one(sight, request)
        return status, orjson.dumps(answer)

    def _one(self, sight: Sight, request: Any) -> tuple[int, dict[str, Any]]:
        self.requests += 1
        number = request.get("id") if isinstance(request, dict) else None
        try:
            if self._is_over_rate():
                refuse(rate_refusal(self.faults.provider))
            if not isinstance(request, dict) or not isinstance(request.get("method"), str):
                raise NodeError(-32600, "not a JSON-RPC request")
            params = request.get("params", [])
            if not isinstance(params, list):
                raise NodeError(-32602, "params must be a list")
            method = request["method"]
            if self.controls and method.startswith("replay_"):
                result = self._control(method, params)
            elif isinstance(self.chain, ReplayChain):
                if method in _NOT_RECORDED:
                    raise NodeError(-32001, f"not recorded: a replay can't answer {method}")
                result = sight.answer(method, params)
            else:
                result = sight.answer(method, params)
        except NodeError as error:
            return error.status, _failure(number, error)
        return 200, {"jsonrpc": "2.0", "id": number, "result": result}

    def _is_over_rate(self) -> bool:
        """Whether this request is one too many for the last second. One that is refused does not count."""
        most, now = self.faults.requests_per_s, time.monotonic()
        if most is None:
            return False
        with self._rate_lock:
            while self._answered_at and self._answered_at[0] <= now - 1:
                self._answered_at.popleft()
            if len(self._answered_at) >= most:
                return True
            self._answered_at.append(now)
            return False

    def _control(self, method: str, params: list[Any]) -> Any:
        try:
            match method, params:
                case "replay_setHead", [int(number)]:
                    self.chain.set_head(number)
                case "replay_reorg", [int(depth), *rest]:
                    self.chain.reorg(depth, drop_logs=bool(rest and rest[0]))
                case "replay_faults", [dict(changes)]:
                    self._change_faults(changes)
                case _:
                    raise NodeError(-32602, "no such control, or not its parameters")
        except (TypeError, AttributeError) as error:
            raise NodeError(-32602, str(error)) from None
        return True

    def _change_faults(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            if name not in Faults.__dataclass_fields__:
                raise NodeError(-32602, f"no such fault: {name}")
            if name == "provider" and value not in PROVIDERS:
                raise NodeError(-32602, f"no such provider: one of {', '.join(PROVIDERS)}")
            if name == "chances" and not set(value) <= KINDS:
                raise NodeError(-32602, f"no such fault: chances are of {', '.join(sorted(KINDS))}")
            setattr(self.faults, name, value)

    # --- WebSocket

    def _converse(self, connection: ServerConnection) -> None:
        """One WebSocket: requests and their answers; subscriptions send what is new until the connection ends."""
        subscriptions: dict[str, threading.Event] = {}
        numbers = itertools.count(1)
        with self._conversing_lock:
            self._conversing.add(connection)
        try:
            for message in connection:
                body = message.encode() if isinstance(message, str) else message
                try:
                    request = orjson.loads(body)
                except orjson.JSONDecodeError:
                    request = None
                method = request.get("method") if isinstance(request, dict) else None
                params = request.get("params") if isinstance(request, dict) else None
                if method == "eth_subscribe" and params and params[0] in ("newHeads", "logs"):
                    name, ended = hex(next(numbers)), threading.Event()
                    subscriptions[name] = ended
                    # Seen from before the answer, so that nothing is missed between the two.
                    known = self.sight()
                    connection.send(orjson.dumps({"jsonrpc": "2.0", "id": request["id"], "result": name}).decode())
                    condition = params[1] if len(params) > 1 else {}
                    arguments = (connection, name, params[0], condition, known, ended)
                    threading.Thread(target=self._push, args=arguments, name="subscription", daemon=True).start()
                elif method == "eth_unsubscribe" and params:
                    ended_or_none = subscriptions.pop(params[0], None)
                    if ended_or_none is not None:
                        ended_or_none.set()
                    known_one = ended_or_none is not None
                    connection.send(orjson.dumps({"jsonrpc": "2.0", "id": request["id"], "result": known_one}).decode())
                else:
                    try:
                        connection.send(self.respond(body).decode())
                    except PlainAnswer:
                        return  # a gateway that limits the rate ends the connection
        except ConnectionClosed:
            return
        finally:
            with self._conversing_lock:
                self._conversing.discard(connection)
            for ended in subscriptions.values():
                ended.set()

    def _push(
        self, connection: ServerConnection, name: str, kind: str, condition: Any, known: Sight, ended: threading.Event
    ) -> None:
        """Send new heads, or logs: those of blocks that were replaced again with `removed`, as nodes do."""

        def hashes(sight: Sight) -> dict[int, bytes]:
            first = max(sight.head - 2 * _FINALITY_DEPTH, 0)
            return {number: sight.chain.hash_at(number) for number in range(first, sight.head + 1)}

        before = hashes(known)
        while not ended.wait(_PUSH_S):
            now = self.sight()
            after = hashes(now)
            if after == before:
                continue
            low = min(before, default=0)
            gone = [n for n, block_hash in before.items() if after.get(n) != block_hash and n >= min(after)]
            fresh = [n for n, block_hash in after.items() if before.get(n) != block_hash and n >= low]
            results: list[Any] = []
            try:
                if kind == "newHeads":
                    results = [now.answer("eth_getBlockByNumber", [hex(n), False]) for n in fresh]
                else:
                    for sight, numbers, removed in ((known, gone[::-1], True), (now, fresh, False)):
                        for n in numbers:
                            asked = {**condition, "blockHash": hex_text(sight.chain.hash_at(n))}
                            logs = sight.answer("eth_getLogs", [asked])
                            results += [{**log, "removed": removed} for log in logs]
                for result in results:
                    told = {"subscription": name, "result": result}
                    text = orjson.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": told}).decode()
                    connection.send(text)
            except (ConnectionClosed, NodeError, PlainAnswer):
                return
            known, before = now, after


def _failure(number: Any, error: NodeError) -> dict[str, Any]:
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": number, "error": body}


_QUIET = logging.getLogger(f"{__name__}.sockets")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False  # stdout and stderr belong to the command


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True  # a node that restarts comes back on its port
    request_queue_size = 64

    def __init__(self, *arguments: Any):
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        """End every connection, as a process that dies does."""
        with self._open_lock:
            left = list(self._open)
        for request in left:
            with contextlib.suppress(OSError):  # the other side was first
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none of our business; anything else is a bug and shows as one."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


_PAGE = b"<html><body><h1>Bad Gateway</h1></body></html>"


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
            body = self.rfile.read(int(length))
            try:
                self._answer(body)
            except PlainAnswer as plain:
                self._send(plain.status, plain.body, kind="text/plain")

        def _answer(self, body: bytes) -> None:
            def hits(kind: str) -> bool:
                return node.chance.hits(node.faults, kind)

            if hits("hang_up"):
                self.close_connection = True
                return
            if hits("server_error"):
                self._send(502, _PAGE, kind="text/html")
                return
            if hits("not_json"):
                self._send(200, _PAGE, kind="text/html")
                return
            if hits("rate_status"):
                self._limit()
                return
            if hits("rate_status_after"):
                self._limit({"retry-after": str(node.faults.retry_after_s)})
                return
            status, answer = node.answer(body)
            if hits("truncated"):
                answer = answer[: max(len(answer) - 1 - node.chance.pick(len(answer)), 1)]
            if hits("half_closed"):
                self.close_connection = True
                self._send(status, answer, shown=len(answer) // 2)
                return
            self._send(status, answer)

        def _limit(self, headers: dict[str, str] | None = None) -> None:
            refusal = rate_refusal(node.faults.provider)
            body = refusal.body
            if body is None:
                body = orjson.dumps(_failure(None, NodeError(refusal.code, refusal.message, refusal.data)))
            self._send(429, body, headers=headers)

        def _send(
            self, status: int, body: bytes, *, kind: str = "application/json", headers: dict[str, str] | None = None,
            shown: int | None = None,
        ) -> None:  # fmt: skip
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if shown is None else body[:shown])

        def log_message(self, format: str, *args: Any) -> None:
            """Requests are not logged: stdout belongs to the command."""

    return Handler
