# SPDX-License-Identifier: Apache-2.0
"""Asks a server on a loopback port for an answer, which is empty while the server is not there."""

import socket
import urllib.error
import urllib.request


def talk(port: int, request: bytes, *, until: bytes) -> bytes:
    """What a line protocol's server answers, up to `until`; empty when it is not there."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(request)
            while until not in answer:
                piece = connection.recv(1024)
                if not piece:
                    break
                answer += piece
    except OSError:
        return b""
    return answer


def fetch(url: str, body: bytes | None = None, *, refusal_is_answer: bool = False) -> bytes:
    """The body of a good answer over loopback HTTP; empty when there is none (yet). A refusal is a status below 500."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 -- our own address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy
    try:
        with opener.open(request, timeout=5) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.read() if refusal_is_answer and error.code < 500 else b""
    except (urllib.error.URLError, OSError, ValueError):
        return b""
