# SPDX-License-Identifier: Apache-2.0
"""A node that serves a written chain (see `bench.sync.chain`) as fast as a socket takes it: python -m bench.sync.node.

Answers are slices of files in memory: whoever reads from it is the one that is measured. It speaks what the mirror, the
floor and Ponder ask: eth_chainId, eth_blockNumber, eth_getBlockByNumber/ByHash (also with whole transactions),
eth_getLogs by range or block hash with addresses and topics, eth_syncing, net_version, web3_clientVersion, batches.
Prints its port, then serves until its standard input ends.
"""

import heapq
import mmap
import socketserver
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from bench.sync import chain

_FINALITY = 64
_MOST_BODY = 4 * 2**20
_MOST_BUFFERS = 512  # below the kernel's IOV_MAX


class _Refused(Exception):
    """An error that the node answers with."""

    def __init__(self, code: int, message: str):
        self.code, self.message = code, message
        super().__init__(message)


def _map(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class Chain:
    """A written chain, answering with pieces of its files."""

    def __init__(self, folder: Path):
        self.index = chain.read(folder)
        self.logs = {address: _map(folder / f"{address.hex()}.json") for address in self.index.addresses}
        self.headers = _map(folder / "headers.json")
        self.requests: dict[str, int] = {}

    def answer(self, method: str, params: list[Any]) -> list[bytes | memoryview]:
        """The pieces of the JSON of a result. Raises _Refused."""
        self.requests[method] = self.requests.get(method, 0) + 1
        match method:
            case "eth_chainId":
                return [orjson.dumps(hex(chain.CHAIN_ID))]
            case "net_version":
                return [orjson.dumps(str(chain.CHAIN_ID))]
            case "web3_clientVersion":
                return [b'"mandate-bench/1 (made up)"']
            case "eth_syncing":
                return [b"false"]
            case "eth_blockNumber":
                return [orjson.dumps(hex(self.index.head))]
            case "eth_getBlockByNumber":
                return self._block(self._number(params[0]), full=bool(params[1]))
            case "eth_getBlockByHash":
                return self._block(self._by_hash(params[0]), full=bool(params[1]))
            case "eth_getLogs":
                return self._get_logs(params[0])
        raise _Refused(-32601, f"{method} is not offered")

    def _number(self, block: Any) -> int | None:
        match block:
            case "latest" | "pending":
                return self.index.head
            case "finalized" | "safe":
                return self.index.head - _FINALITY
            case "earliest":
                return 0
        number = int(block, 16)
        return number if number <= self.index.head else None

    def _by_hash(self, block_hash: str) -> int | None:
        number = int(block_hash[-16:], 16)
        return number if number <= self.index.head and chain.block_hash(number) == block_hash else None

    def _block(self, number: int | None, *, full: bool) -> list[bytes | memoryview]:
        if number is None:
            return [b"null"]
        place = number - self.index.first_block
        if place < 0:
            return [chain.header(number, "[]", self.index.block_s).encode()]
        if full:
            transactions = chain.full_transactions(number, self.index.transactions[place])
            return [chain.header(number, transactions, self.index.block_s).encode()]
        return [self.headers[self.index.headers[place] : self.index.headers[place + 1]]]

    def _get_logs(self, condition: dict[str, Any]) -> list[bytes | memoryview]:
        if condition.get("blockHash") is not None:
            first = last = self._by_hash(condition["blockHash"])
            if first is None:
                raise _Refused(-32000, "unknown block")
        else:
            first, last = self._number(condition.get("fromBlock")), self._number(condition.get("toBlock"))
            if first is None or last is None or first > last:
                raise _Refused(-32602, "no such range")
        index = self.index
        low = min(max(first - index.first_block, 0), len(index.transactions))
        high = min(max(last + 1 - index.first_block, 0), len(index.transactions))
        asked = condition.get("address")
        asked = [asked] if isinstance(asked, str) else asked or ["0x" + a.hex() for a in index.addresses]
        wanted = {bytes.fromhex(text[2:]) for text in asked}
        addresses = [address for address in index.addresses if address in wanted]
        spans = {a: (index.firsts[a][low], index.firsts[a][high]) for a in addresses}
        spans = {address: span for address, span in spans.items() if span[0] < span[1]}
        topics = [None if not t else {t} if isinstance(t, str) else set(t) for t in condition.get("topics") or []]
        if not spans:
            return [b"[]"]
        if len(spans) == 1 and self._all(*spans, topics):
            ((address, (start, end)),) = spans.items()
            return [b"[", self._piece(address, start, end), b"]"]
        found = list(heapq.merge(*(self._some(a, *span, topics) for a, span in spans.items()), key=lambda log: log[0]))
        pieces: list[bytes | memoryview] = [b"["]
        for _, piece in found:
            pieces += [piece, b","]
        return [*pieces[:-1], b"]"] if found else [b"[]"]

    def _piece(self, address: bytes, start: int, end: int) -> memoryview:
        starts = self.index.starts[address]
        return self.logs[address][starts[start] : starts[end] - 1]

    def _all(self, address: bytes, topics: list[set[str] | None]) -> bool:
        """Whether every log of an address fits: only first topics are asked for, and all that it has."""
        if any(place is not None for place in topics[1:]):
            return False
        has = {"0x" + self.index.kinds[kind].hex() for kind in set(self.index.topics[address])}
        return not topics or topics[0] is None or has <= topics[0]

    def _some(
        self, address: bytes, start: int, end: int, topics: list[set[str] | None]
    ) -> Iterator[tuple[tuple[int, int], memoryview]]:
        for place in range(start, end):
            piece = self._piece(address, place, place + 1)
            log = orjson.loads(piece)
            words = log["topics"]
            if len(topics) <= len(words) and all(
                t is None or word in t for t, word in zip(topics, words, strict=False)
            ):
                yield (int(log["blockNumber"], 16), int(log["logIndex"], 16)), piece

    def respond(self, body: bytes) -> list[bytes | memoryview]:
        """The pieces of the answer to a request or a batch."""
        asked = orjson.loads(body)
        if isinstance(asked, dict):
            return self._one(asked)
        pieces: list[bytes | memoryview] = [b"["]
        for item in asked:
            pieces += [*self._one(item), b","]
        return [*pieces[:-1], b"]"]

    def _one(self, request: dict[str, Any]) -> list[bytes | memoryview]:
        opening = b'{"jsonrpc":"2.0","id":' + orjson.dumps(request.get("id"))
        try:
            return [opening + b',"result":', *self.answer(request["method"], request.get("params") or []), b"}"]
        except _Refused as error:
            return [opening + b',"error":', orjson.dumps({"code": error.code, "message": error.message}), b"}"]


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    rbufsize = 65536

    def handle(self) -> None:
        while line := self.rfile.readline(65536):
            length = 0
            while (header := self.rfile.readline(65536)) not in (b"\r\n", b"\n", b""):
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not line.startswith(b"POST") or length > _MOST_BODY:
                self.wfile.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                return
            pieces = self.server.chain.respond(self.rfile.read(length))  # type: ignore[attr-defined]
            size = sum(map(len, pieces))
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % size
            self._send([head, *pieces])

    def _send(self, pieces: list[bytes | memoryview]) -> None:
        for start in range(0, len(pieces), _MOST_BUFFERS):
            part = pieces[start : start + _MOST_BUFFERS]
            if sum(map(len, part)) < 2**20:
                self.connection.sendall(b"".join(part))
                continue
            for piece in part:
                self.connection.sendall(piece)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none of our business; anything else is a bug and shows as one."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def main() -> None:
    served = Chain(Path(sys.argv[1]))
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.chain = served  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        for line in sys.stdin:
            command, _, number = line.strip().partition(" ")
            if command == "head":  # the chain ends there from now on
                served.index.head = int(number)
                print("ok", flush=True)
            if command == "requests":  # how often each method was called since this was asked last
                print(orjson.dumps(served.requests).decode(), flush=True)
                served.requests = {}


if __name__ == "__main__":
    main()
