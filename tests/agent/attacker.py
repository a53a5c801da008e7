# SPDX-License-Identifier: Apache-2.0
"""An attacker model: an OpenAI-compatible server that answers whatever a test tells it to. No model is in it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agent.llm.client import Model

Answer = str | bytes | int | dict | tuple[int, bytes]
Script = Callable[[dict], Answer]


@dataclass
class AttackerModel:
    """`script` gets the request and gives the message's text, a raw body, an HTTP status (with a body), or a choice's
    fields. `models` is the body that lists its models."""

    script: Script
    requests: list[dict] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""
    models: bytes = b'{"object": "list", "data": [{"id": "attacker-1", "object": "model"}]}'

    def model(self, **options) -> Model:
        return Model(self.url, "attacker", is_demo=True, **options)


def answer(text: str, finish_reason: str = "stop") -> dict:
    return {"text": text, "finish_reason": finish_reason}


@contextmanager
def attacker_model(script: Script) -> Iterator[AttackerModel]:
    attacker = AttackerModel(script)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(attacker.models)))
            self.end_headers()
            self.wfile.write(attacker.models)

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            attacker.requests.append(request)
            attacker.keys.append(self.headers.get("authorization", ""))
            said = attacker.script(request)
            status, body = 200, b""
            if isinstance(said, int):
                status, body = said, b'{"error": {"message": "no"}}'
            elif isinstance(said, tuple):
                status, body = said
            elif isinstance(said, bytes):
                body = said
            else:
                fields = said if isinstance(said, dict) else answer(said)
                body = json.dumps({
                    "id": "1", "object": "chat.completion", "created": 0, "model": "attacker-1",
                    "choices": [{"index": 0, "finish_reason": fields["finish_reason"],
                                 "message": {"role": "assistant", "content": fields["text"],
                                             **{name: fields[name] for name in fields if "reasoning" in name}}}],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
                }).encode()  # fmt: skip
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # the client may have had enough
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    attacker.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield attacker
    finally:
        server.shutdown()
        server.server_close()
