# SPDX-License-Identifier: Apache-2.0
"""A real receiver of webhooks on this machine, which takes, refuses, breaks off and dawdles as a test tells it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# What a receiver does with one request: a status, or one of these.
BREAK, DAWDLE, ENDLESS = "break", "dawdle", "endless"


@dataclass
class Receiver:
    """`taken`: bodies as JSON that were answered with 2xx; `seen`: headers and raw bodies of all that came."""

    url: str
    does: Callable[[int], int | str] = lambda _number: 204
    taken: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.seen]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
            does = one.does(len(one.seen))
            if does == BREAK:
                self.close_connection = True
                return
            if does == DAWDLE:
                for letter in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200:
                    try:
                        self.wfile.write(bytes([letter]))
                        time.sleep(0.1)
                    except OSError:
                        return
                return
            status = 200 if does == ENDLESS else int(does)
            if 200 <= status <= 299:
                one.taken.append(json.loads(body))
            self.send_response(status)
            for name, value in one.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                while does == ENDLESS:
                    self.wfile.write(b"x" * 65_536)
            except OSError:
                return

        def log_message(self, *_arguments: object) -> None:
            """Nothing: a test's output is its failures."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one = Receiver(f"http://127.0.0.1:{server.server_port}/in")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
