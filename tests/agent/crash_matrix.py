# SPDX-License-Identifier: Apache-2.0
"""`make crash`: a worker dies by SIGKILL at every step of a payment, while the node and the model fail in every way.

Each cell is a point of `test_kill` x a fault of the node x a fault of the model, and is run CRASH_ROUNDS times (3). The
kill is proven by the worker's exit, the fault by having been met; then whoever comes next must pay exactly once. The
cells and counts are printed, and written to bench/results/crash.json. Not collected by `make test`: it takes half an
hour. The node's faults are made by a proxy before the real chain, and stay until the end.
"""

import itertools
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from django.utils import timezone

from agent.models import Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.models import OutgoingTransaction, Work
from tests.agent.acting import ABSTAINS, USDC, World, first_candidate, work_errors, world  # noqa: F401
from tests.agent.test_kill import POINTS, kill_at
from tests.conftest import CHAIN_ID, DAY_S, ROOT

pytestmark = pytest.mark.django_db(transaction=True)
RELEASE = "after the release's broadcast"
NODE = ("sound", "loses the answer to a broadcast", "refuses every third request", "is slow")
MODEL = ("agrees", "is silent", "says no")
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "3"))
CELLS = list(itertools.product((*POINTS, RELEASE), NODE, MODEL, range(ROUNDS)))
_paid: Counter[tuple[str, str, str]] = Counter()


class Faulty:
    """A proxy before the chain's node that fails in one way; `met` counts how often it did."""

    def __init__(self, upstream: str, fault: str) -> None:
        self.met = 0
        self._asked = itertools.count(1)
        client = httpx.Client(timeout=60)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if fault == "refuses every third request" and next(outer._asked) % 3 == 0:
                    outer.met += 1
                    self.send_error(503)
                    return
                if fault == "is slow":
                    outer.met += 1
                    threading.Event().wait(0.05)
                answer = client.post(upstream, content=body, headers={"Content-Type": "application/json"}).content
                if fault == "loses the answer to a broadcast" and b"eth_sendRawTransaction" in body:
                    outer.met += 1
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

            def finish(self) -> None:
                if not self.connection._closed:  # type: ignore[attr-defined]
                    super().finish()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._client = client

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()


@pytest.fixture(scope="module", autouse=True)
def told() -> Iterator[None]:
    """Print the cells with how often each was paid exactly once, and keep them as JSON."""
    yield
    lines = [
        {"killed": point, "node": node, "model": model, "runs": _runs((point, node, model)), "paid_once": count}
        for (point, node, model), count in sorted(_paid.items())
    ]
    for line in lines:
        print("{killed:32} node {node:32} model {model:10} paid once {paid_once} of {runs}".format(**line))
    print(f"{len(lines)} of {len({cell[:3] for cell in CELLS})} cells, {sum(_paid.values())} runs paid exactly once")
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    (results / "crash.json").write_text(json.dumps({"rounds": ROUNDS, "cells": lines}, indent=1) + "\n")


def _runs(cell: tuple[str, str, str]) -> int:
    return sum(one[:3] == cell for one in CELLS)


def decided(world: World, request: Request) -> Request:  # noqa: F811
    """Have the request planned, and signed by the operator where it needs her."""
    for _ in range(6):
        world.sync()
        Work.objects.filter(done_at=None).update(due_at=timezone.now())
        work.run_due(PLAN_WORK)
        request.refresh_from_db()
        if request.status == Request.Status.NEEDS_APPROVAL:
            world.approve(request)
            request.refresh_from_db()
        if request.status == Request.Status.PLANNED:
            return request
    raise AssertionError((request.status, request.reason, work_errors()))


@pytest.mark.parametrize(("point", "node", "model", "number"), CELLS)
def test_paid_exactly_once(
    world: World,  # noqa: F811
    settings: Any,
    point: str,
    node: str,
    model: str,
    number: int,
) -> None:
    world.sign_roster()
    amount, people = 1000 * USDC, 5
    if point == RELEASE:  # the second act of the month is over what may be paid at once
        world.rest(world.ask(world.november()))
        world.wind(120)
        amount, people = 1500 * USDC, 1
    settings.MODEL_SILENCE_S = 0
    world.model.down = model == "is silent"
    world.model.say = ABSTAINS if model == "says no" else first_candidate
    acts, sent = world.number, OutgoingTransaction.objects.count()
    request = world.ask("pay kim 1,500 USDC for the design" if point == RELEASE else world.november())
    proxy = Faulty(world.suite.url, node)
    try:
        decided(world, request)
        before = world.balance("kim")
        if point == RELEASE:
            assert world.rest(request).status == Request.Status.SCHEDULED, (request.reason, work_errors())
            world.suite.anvil.wind(2 * DAY_S + 2)
            world.sync()
        settings.RPC_URLS = {CHAIN_ID: [proxy.url]}
        kill_at(point, request, world, node=proxy.url, tries=10)
        for _ in range(40):
            world.step()
            request.refresh_from_db()
            if request.status == Request.Status.EXECUTED:
                break
    finally:
        proxy.stop()
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    assert node == "sound" or proxy.met, "the fault was met"
    assert world.balance("kim") == before + amount
    assert sum(world.balances()) == sum([1000 * USDC] * 5) + (0 if people == 5 else amount)
    assert world.number == acts + 1
    assert OutgoingTransaction.objects.count() == sent + (2 if point == RELEASE else 1)
    _paid[point, node, model] += 1
