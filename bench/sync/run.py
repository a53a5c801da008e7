# SPDX-License-Identifier: Apache-2.0
"""How fast a DAO's past is read: `make bench-sync`, or python -m bench.sync.run.

    --logs N (500000)   --rounds N (3)   --without-ponder

One local node serves the same made-up logs (bench.sync.chain) to each reader, one after the other, into databases of
one PostgreSQL with the product's own settings. Medians and spread go to bench/results/sync.json (with fewer logs, or
without Ponder, to standard output only). Exits with 1 where a bar is missed.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from bench.sync import chain
from bench.sync.cluster import Cluster, cluster
from embedded import process

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results" / "sync.json"
_PONDER_SOURCE = Path(__file__).with_name("ponder")
_PONDER = ROOT / ".build" / "ponder"
_LISTED = 100  # how often the node is listed for Ponder, to lift its limit of requests a second
_SMALL = 100_000
_MOST_PONDER_S = 3600

STORES = {
    "floor": "eth_getLogs in ranges of 500 blocks, JSON to bytes, binary COPY into one table without any index. "
    "Nothing is decoded, no headers, one transaction a range.",
    "mirror": "The product's sync_once: raw logs and their blocks' headers (fetched, for the node says no times in "
    "logs), votes, proposals with calls, transitions and exact tallies, delegations, power checkpoints, scanned "
    "ranges, cursor, outbox; one transaction a range behind a lock and a fence; each range checked against the header "
    "before it and the node's head.",
    "ponder": "Ponder 0.16.10: blocks, transactions and logs in its cache, and by handlers one row each for votes, "
    "delegations, checkpoints and proposals with the same tallies.",
    "ponder_lifted": f"The same with the node listed {_LISTED} times: its limiter counts requests by endpoint.",
    "ponder_cached": "The same logs once more from Ponder's own cache in PostgreSQL, without the node.",
}
# What a measurement must reach. Events a second unless said otherwise.
BARS = {"of_floor": 0.40, "times_ponder_lifted": 15.0, "times_ponder_cached": 2.0, "peak_mb": 300.0, "growth": 1.15}
AIMS = {"of_floor": 0.60}


class Node:
    """The node's process, serving the chain in a folder."""

    def __init__(self, folder: Path):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sync.node", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=ROOT, preexec_fn=process.die_with_parent(),
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{int(self._line())}"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def requests(self) -> dict[str, int]:
        """How often each method was called since this was asked last."""
        assert self._process.stdin is not None
        self._process.stdin.write("requests\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def set_head(self, number: int) -> float:
        """Let the chain end at a block that was written; when the node has it (monotonic)."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"head {number}\n")
        self._process.stdin.flush()
        self._line()
        return time.monotonic()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


@contextmanager
def node(logs: int, *, per_block: int = chain.LOGS_PER_BLOCK) -> Iterator[Node]:
    """A node with so many logs."""
    folder = Path(tempfile.mkdtemp(prefix="mandate-bench-chain-"))
    try:
        chain.write(folder, logs, per_block=per_block)
        served = Node(folder)
        try:
            yield served
        finally:
            served.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read(what: str, served: Node, database: str, logs: int, server: int) -> dict[str, Any]:
    """`bench.sync.read` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.sync.read", what, served.url, str(logs), str(server)], cwd=ROOT,
        capture_output=True, text=True, env={**os.environ, "DATABASE_URL": database},
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"{what} failed: {done.stderr.strip()[-600:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return {**found, "requests": served.requests()}


def install_ponder() -> None:
    """Ponder by its lock file into .build/ponder; no script of any package runs."""
    _PONDER.mkdir(parents=True, exist_ok=True)
    lock = _PONDER / "package-lock.json"
    wanted = (_PONDER_SOURCE / "package-lock.json").read_bytes()
    installed = (_PONDER / "node_modules" / "ponder").is_dir() and lock.exists() and lock.read_bytes() == wanted
    shutil.copytree(_PONDER_SOURCE, _PONDER, dirs_exist_ok=True)
    if not installed:
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=_PONDER, check=True)


def ponder(served: Node, database: str, logs: int, schema: str, *, listed: int) -> dict[str, Any]:
    """`ponder start` until it says that its backfill is done; seconds from when it begins to read."""
    last = chain.FIRST_BLOCK + -(-logs // chain.LOGS_PER_BLOCK) - 1
    port = process.free_port()
    environment = {
        **os.environ, "DATABASE_URL": database, "BENCH_NODE": served.url, "BENCH_NODE_LISTED": str(listed),
        "BENCH_FIRST_BLOCK": str(chain.FIRST_BLOCK), "BENCH_LAST_BLOCK": str(last),
        "BENCH_GOVERNOR": "0x" + chain.GOVERNOR.hex(), "BENCH_TOKEN": "0x" + chain.TOKEN.hex(),
        "PONDER_TELEMETRY_DISABLED": "true",
    }  # fmt: skip
    served.requests()
    command = ["node", "node_modules/ponder/dist/esm/bin/ponder.js", "start", "--schema", schema, "--port", str(port)]
    with tempfile.TemporaryFile("w+") as output:
        begun = time.monotonic()
        running = subprocess.Popen(
            [*command, "--log-format", "json"], cwd=_PONDER, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, preexec_fn=process.die_with_parent(),
        )  # fmt: skip
        peak = 0.0
        try:
            started = None
            while True:
                time.sleep(0.1)
                if running.poll() is not None or time.monotonic() - begun > _MOST_PONDER_S:
                    output.seek(0)
                    raise SystemExit(f"Ponder did not finish: {output.read()[-600:]}")
                peak = max(peak, psutil.Process(running.pid).memory_info().rss / 2**20)
                if started is None and _has_begun(database, schema):
                    started = time.monotonic()
                if started is not None and _is_ready(port):
                    break
            seconds = time.monotonic() - started
        finally:
            running.terminate()
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
    rows = {}
    with psycopg.connect(database) as sql:
        for name in ("vote", "proposal", "delegation", "power_checkpoint"):
            rows[name] = sql.execute(f'SELECT count(*) FROM "{schema}".{name}').fetchone()[0]  # noqa: S608 -- ours
        for name in ("logs", "blocks", "transactions"):
            rows[f"cache_{name}"] = sql.execute(f"SELECT count(*) FROM ponder_sync.{name}").fetchone()[0]  # noqa: S608
    if rows["cache_logs"] < logs:
        raise SystemExit(f"Ponder has {rows['cache_logs']} logs of {logs}")
    return {
        "seconds": seconds, "start_seconds": started - begun, "logs": logs, "rows": rows, "peak_mb": round(peak, 1),
        "requests": served.requests(),
    }  # fmt: skip


def _has_begun(database: str, schema: str) -> bool:
    """Whether its own start is over: its tables are there."""
    with psycopg.connect(database) as sql:
        found = sql.execute("SELECT to_regclass(%s)", [f'"{schema}".vote']).fetchone()
    return found is not None and found[0] is not None


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def one_round(served: Node, small: Node | None, server: Cluster, logs: int, *, with_ponder: bool) -> dict[str, Any]:
    """Each reader once, one after the other, each into a database of its own."""
    found: dict[str, Any] = {}
    for name, source, count in (
        ("floor", served, logs), ("mirror", served, logs), ("mirror_100k", small, _SMALL),
    ):  # fmt: skip
        if source is not None:
            database = server.fresh(name)
            found[name] = read(name.split("_")[0], source, database, count, server.process_id)
            server.drop(database)
            _tell(name, found[name])
    if with_ponder:
        database = server.fresh("ponder")
        found["ponder"] = ponder(served, database, logs, "first", listed=1)
        server.drop(database)
        _tell("ponder", found["ponder"])
        database = server.fresh("ponder_lifted")
        for name, schema in (("ponder_lifted", "lifted"), ("ponder_cached", "again")):
            found[name] = ponder(served, database, logs, schema, listed=_LISTED)
            _tell(name, found[name])
        server.drop(database)
    return found


def _tell(name: str, found: dict[str, Any]) -> None:
    rate = found["logs"] / found["seconds"]
    print(f"{name:<14} {rate:>9,.0f} logs/s {found['seconds']:>8.1f} s {found['peak_mb']:>7.0f} MB", file=sys.stderr)


def summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians and spread of each reader over the rounds."""
    found = {}
    for name in rounds[0]:
        rates = [r[name]["logs"] / r[name]["seconds"] for r in rounds]
        found[name] = {
            "logs_per_s": round(statistics.median(rates)),
            "logs_per_s_spread": [round(min(rates)), round(max(rates))],
            "peak_mb": max(r[name]["peak_mb"] for r in rounds),
            **_cpu_s([r[name]["cpu_s"] for r in rounds if "cpu_s" in r[name]]),
            "rows": rounds[-1][name]["rows"],
            "requests": rounds[-1][name]["requests"],
            "stores": STORES[name.removesuffix("_100k")],
        }
    return found


def _cpu_s(rounds: list[dict[str, float]]) -> dict[str, Any]:
    """Medians of the processor's seconds, of the reader and of its database; {} for Ponder."""
    if not rounds:
        return {}
    return {"cpu_s": {part: round(statistics.median(r[part] for r in rounds), 2) for part in rounds[0]}}


def verdicts(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each bar with what was reached."""
    rate = found["mirror"]["logs_per_s"]
    reached = {"of_floor": rate / found["floor"]["logs_per_s"], "peak_mb": found["mirror"]["peak_mb"]}
    if "mirror_100k" in found:
        reached["growth"] = found["mirror"]["peak_mb"] / found["mirror_100k"]["peak_mb"]
    if "ponder_lifted" in found:
        reached["times_ponder_lifted"] = rate / found["ponder_lifted"]["logs_per_s"]
        reached["times_ponder_cached"] = rate / found["ponder_cached"]["logs_per_s"]
    return {
        name: {
            "bar": BARS[name], **({"aim": AIMS[name]} if name in AIMS else {}), "reached": round(value, 3),
            "met": value <= BARS[name] if name in ("peak_mb", "growth") else value >= BARS[name],
        }
        for name, value in reached.items()
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast a DAO's past is read, beside the floor and Ponder.")
    parser.add_argument("--logs", type=int, default=500_000, help="how many logs the node has (500000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--without-ponder", action="store_true", help="floor and mirror only")
    arguments = parser.parse_args()
    if arguments.logs < 1000 or arguments.rounds < 1:
        parser.error("at least 1000 logs and one round")
    with_ponder = not arguments.without_ponder
    if with_ponder:
        if shutil.which("npm") is None:
            parser.error("Ponder needs node and npm on PATH: install them, or pass --without-ponder")
        install_ponder()
    rounds = []
    with cluster() as server, node(arguments.logs) as served, _small(arguments.logs) as small:
        for number in range(arguments.rounds):
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
            rounds.append(one_round(served, small, server, arguments.logs, with_ponder=with_ponder))
    found = summary(rounds)
    report = {
        "logs": arguments.logs, "rounds": arguments.rounds, "blocks": -(-arguments.logs // chain.LOGS_PER_BLOCK),
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "load": round(os.getloadavg()[0], 2)},
        "bars": verdicts(found), "readers": found,
    }  # fmt: skip
    text = json.dumps(report, indent=2)
    print(text)
    if with_ponder and arguments.logs >= 500_000 and arguments.rounds >= 3:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text + "\n")
    missed = [name for name, verdict in report["bars"].items() if not verdict["met"]]
    if missed:
        raise SystemExit(f"missed: {', '.join(missed)}")


@contextmanager
def _small(logs: int) -> Iterator[Node | None]:
    """A second node with fewer logs, to see whether memory grows with the history; None where there are few anyway."""
    if logs <= _SMALL:
        yield None
        return
    with node(_SMALL) as served:
        yield served


if __name__ == "__main__":
    main()
