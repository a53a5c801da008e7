# SPDX-License-Identifier: Apache-2.0
"""Governors whose clock counts the blocks of another chain, as on Arbitrum: a settable clock on the tests' chain, and a
proxy before its node that says what a node there says of the chain below."""

import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from governance import register
from governance.chain.rpc import Rpc
from tests.governance.governors.lives import FINAL, House, World, call

CHAIN_ID = 31337
FIRST_L1_BLOCK = 21_000_000
HOUSES = {
    "v5 simple, L1 blocks": ("Simple5", "control"),
    "v5 fractional, late quorum, L1 blocks": ("Fractional5", "control"),
    "v5 super quorum, L1 blocks": ("Super5", "control"),
}
_NUMBER = "0x" + call("number()").hex()


class LayeredNode:
    """A proxy before a node. `in_headers`: blocks name `l1BlockNumber`; `as_opcode`: contracts see the chain below's
    block as block.number. `below` is the settable clock."""

    def __init__(self, url: str, *, in_headers: bool = True, as_opcode: bool = False):
        self.upstream, self.in_headers, self.as_opcode = url, in_headers, as_opcode
        self.below = b""
        self._http = httpx.Client(timeout=30)
        self._known: dict[str, str] = {}
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = node.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> "LayeredNode":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Any) -> bytes:
        """What the node before answers, and what it says of the chain below."""
        answers = self._http.post(self.upstream, json=request).json()
        asked = request if isinstance(request, list) else [request]
        by_id = {one["id"]: one for one in asked}
        for one in answers if isinstance(answers, list) else [answers]:
            question = by_id[one["id"]]
            found = one.get("result")
            if question["method"].startswith("eth_getBlockBy") and isinstance(found, dict) and self.in_headers:
                found["l1BlockNumber"] = self.l1_block({"blockHash": found["hash"]})
            is_creation = question["method"] == "eth_call" and "to" not in question["params"][0]
            if is_creation and self.as_opcode and isinstance(found, str):
                one["result"] = "0x" + f"{int(self.l1_block(question['params'][1]), 16):064x}" + found[66:]
        return json.dumps(answers).encode()

    def l1_block(self, block: Any) -> str:
        """The chain below's block at a block, in hexadecimal; 0 before the clock was there."""
        key = json.dumps(block)
        if key not in self._known:
            request = {"to": "0x" + self.below.hex(), "data": _NUMBER}
            asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [request, block]}
            found = self._http.post(self.upstream, json=asked).json().get("result", "0x")
            self._known[key] = hex(int(found, 16)) if len(found) > 2 else "0x0"
        return self._known[key]


class LayeredWorld(World):
    """The same life, by the clock of the chain below. It is set in blocks of their own: within one block contracts see
    one number."""

    def __init__(self, anvil: Any, node: LayeredNode, people: list[str], rng: random.Random, names: list[str]):
        self.node, self.l1_block = node, FIRST_L1_BLOCK
        super().__init__(anvil, Rpc([node.url], CHAIN_ID, attempts=1), people, rng, names)

    def _house(self, name: str) -> House:
        contract, kind = HOUSES[name]
        some = self.people[0]
        if not self.node.below:
            self.node.below = self._deploy("LayerBelow", self.l1_block)
        token = self._deploy("LayeredVotes5", self.node.below)
        timelock = self.controller(some)
        governor = self._deploy(contract, token, timelock)
        self.grant_roles(some, timelock, governor)
        for position, person in enumerate(self.people):
            self.send(person, token, call("mint(address,uint256)", person, 100 + 37 * position))
            self.send(person, token, call("delegate(address)", person))
        self.mine()
        slug = f"layered-{governor.hex()[:8]}"
        dao = register.add_dao(self.rpc, governor, slug=slug, name=name, start_block=self.head()[0] - 1)
        return House(name, contract, False, governor, token, timelock, kind, dao)

    def move(self, l1_blocks: int) -> None:
        """The chain below goes on, in a block in which nothing else happens."""
        waiting, self.pending = self.pending, []
        self.l1_block += l1_blocks
        self.send(self.people[0], self.node.below, call("set(uint48)", self.l1_block))
        self.mine()
        self.pending = waiting

    def step(self) -> None:
        """Some blocks more of this chain, now and then one of the chain below: the next, or that of the next boundary
        of some life, or the one before it."""
        roll = self.rng.random()
        if roll < 0.4:
            self.move(1)
        elif roll < 0.6:
            ahead: set[int] = set()
            for house in self.houses:
                for life in house.lives:
                    if life.row is not None and life.state not in FINAL:
                        ahead |= {n + m for n in (life.row.snapshot, life.row.deadline) for m in (0, 1)}
            self.move(min(30, min((n - self.l1_block for n in ahead if n > self.l1_block), default=1)))
        self.mine(self.rng.randint(1, 3), self.rng.randint(1, 4))
