# SPDX-License-Identifier: Apache-2.0
"""Servers that take their time for ever: each byte comes before any timeout of a single read is over."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
# What is sent at once, and what then comes again and again.
WAYS: dict[str, tuple[bytes, bytes]] = {
    "a space at a time in the body": (_HEAD + b"content-length: 900000\r\n\r\n", b" "),
    "a chunk at a time in the body": (_HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a byte at a time until the connection closes": (_HEAD + b"\r\n", b" "),
    "a byte at a time in the headers": (_HEAD + b"x-more: ", b"x"),
    "a byte at a time in the status line": (b"HTTP/1.1 200 ", b"O"),
    "one early hint after the other": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "nothing at all": (b"", b""),
}


@dataclass
class Trickler:
    """`asked` is set once a connection is there."""

    url: str
    asked: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def trickler(at_once: bytes, again: bytes, every_s: float = 0.1, *, reads: bool = True) -> Iterator[Trickler]:
    """A server that answers every connection so, until the test is over or the client has had enough."""
    listener = socket.create_server(("127.0.0.1", 0))
    found = Trickler(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if reads:
                connection.recv(65536)
            connection.sendall(at_once)
            while not found.ended.wait(every_s):
                connection.sendall(again)

    def accept() -> None:
        with suppress(OSError):  # closed at the end
            while True:
                connection, _ = listener.accept()
                found.asked.set()
                _thread(serve, connection)

    _thread(accept)
    try:
        yield found
    finally:
        found.ended.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _thread(target: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=target, args=arguments, daemon=True).start()
