# SPDX-License-Identifier: Apache-2.0
"""How fast the site answers in a large DAO: `make bench-web`, or python -m bench.web.

    --proposals N (10000)   --votes N (1000000)   --delegates N (200000)   --rounds N (40)

Fills a database as `bench.queries` does, serves it as the README does (gunicorn with its own settings), and opens every
page and every API answer that the site has an address for, over HTTP: N times by one reader, then by eight at once.
Each page (not the API's answers) is opened by a visitor, and once more, named "(signed in)", by a signed-in account
that has more power than any other of the DAO and keeps the site.
What is missed: a page or answer whose p95 for one reader on the clock is 50 ms or more; one that runs more queries here
than in a DAO of a tenth of the proposals and a hundredth of the rest; a page whose first load (itself, styles, icon and
script, as the site sends them to a browser that takes gzip) is 120 kB or more; one that could be opened by neither
of the two, since it refuses (403) or lacks what it is about (404, 410), for the time of a refusal is no page's; and one
that answered otherwise while it was timed. The demo's own pages (/local/) are refused by every other site, and the API
has nothing at its root: of these the bench asks that they refuse. Then it exits with 1. Prints JSON and writes
bench/results/bench-web.json.

`p50_ms` and `p95_ms` are times on the clock, and the bar is held against them. `own_p50_ms` and `own_p95_ms` are those
less the time in which reader, site and database were ready to run and had no processor, by the kernel's own count
(schedstat): where a page misses the bar, they tell how much of that others on the machine may have cost. Site and
database also wait for each other, so they may be less than on a machine of their own. `cpu_p50_ms` and `cpu_p95_ms` are
for how long a processor ran site and database for one answer, by the same count: others on the machine make it longer
only by what they push out of the processor's caches.

No node is given: an answer that asks the chain says 503 here, is named `asks_the_chain`, and its time is not that of
a node.
"""

import argparse
import gzip
import json
import math
import multiprocessing
import os
import random
import re
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

from bench import queries
from bench.sync.cluster import cluster
from bench.sync.run import ROOT
from dao.local.services import WEB
from embedded import process

BAR_P95_MS = 50.0
BAR_FIRST_LOAD_BYTES = 120_000
RESULTS = ROOT / "bench" / "results" / "bench-web.json"
READERS = 8
_FLOOR = "/health"
SIGNED_IN = " (signed in)"
_ACCOUNT = (1).to_bytes(20, "big")  # a quarter of the delegators delegate to it (`bench.queries`)
_NOT_OPENED = (403, 404, 410)
_REFUSES = {"/local/", "/local/people", "/api/v1/"}  # of the demo alone; and no answer of the API
_PARTS = re.compile(r'<(?:link rel="stylesheet" href|link rel="icon" href|script src)="([^"]+)"')


class Took(NamedTuple):
    """What an answer took, ms: on the clock, without what was waited for a processor, and of a processor."""

    clock: float
    own: float
    cpu: float


# name -> (address, status, number of queries)
Opened = dict[str, tuple[str, int, int]]


def signed_in() -> dict[str, str]:
    """The cookie of an account that is signed in, as `webapp.account.signin` notes it."""
    from importlib import import_module

    from django.conf import settings

    from webapp.account import signin

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[signin._ACCOUNT] = {"address": _ACCOUNT.hex(), "until": time.time() + signin.SIGNED_IN_S, "chain": None}
    session.save()
    return {settings.SESSION_COOKIE_NAME: session.session_key}


def prepare(database: str, proposals: int, votes: int, delegates: int) -> tuple[Opened, dict[str, str]]:
    """Fill a database, in a process of its own: all that is opened, and the cookie of who is signed in."""
    os.environ["DATABASE_URL"] = database
    os.environ["MANDATE_RPC_URLS"] = ""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    dao = queries.fill(proposals, votes, delegates)
    found: Opened = {}
    opened = queries.pages(dao)
    cookies = signed_in()
    mine = {f"{name}{SIGNED_IN}": path for name, path in opened.items() if not name.startswith("/api/")}
    for name, path in {**opened, **mine}.items():
        sent = cookies if name.endswith(SIGNED_IN) else None
        queries.queries_of(path, sent)  # what is read once a process is read
        run, _, status = queries.queries_of(path, sent)
        if status == 405:
            continue  # what changes something is no GET
        if status not in queries.STATUSES:
            raise SystemExit(f"{path} answered {status}")
        found[name] = (path, status, len(run))
    return found, cookies


def prepared(database: str, proposals: int, votes: int, delegates: int) -> tuple[Opened, dict[str, str]]:
    """`prepare`, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
        return alone.submit(prepare, database, proposals, votes, delegates).result()


@contextmanager
def site(database: str, folder: Path) -> Iterator[tuple[str, int]]:
    """The pages' address and the process, while gunicorn serves them as the README starts it."""
    port = process.free_port()
    environment = {
        **os.environ, "DATABASE_URL": database, "MANDATE_RPC_URLS": "", "MANDATE_ORIGIN": f"http://127.0.0.1:{port}",
        "MANDATE_STATE_DIR": str(folder), "MANDATE_LOCAL_CHAIN": "",
    }  # fmt: skip
    environment.pop("MANDATE_READY_DIR", None)
    with (folder / "web.log").open("wb") as log:
        served = subprocess.Popen(
            [sys.executable, "-m", *WEB, "--bind", f"127.0.0.1:{port}"], cwd=ROOT, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            preexec_fn=process.die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        try:
            _wait(f"http://127.0.0.1:{port}{_FLOOR}", served, folder / "web.log")
            yield f"http://127.0.0.1:{port}", served.pid
        finally:
            served.terminate()
            try:
                served.wait(10)
            except subprocess.TimeoutExpired:
                served.kill()
                served.wait()


def _wait(address: str, served: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and served.poll() is None:
        try:
            httpx.get(address, timeout=5)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit(f"the site did not start: {log.read_text()[-500:]}")


def percentile(times: list[float], part: float) -> float:
    """The time that this part of all (0 to 1) does not exceed."""
    return sorted(times)[max(0, math.ceil(len(times) * part) - 1)]


class Waiting:
    """How long processes and this thread were ready to run and had no processor."""

    HERE = "/proc/thread-self/schedstat"

    def __init__(self, families: list[int]):
        self._families = families  # process ids, each with its children

    def seen(self) -> dict[str, tuple[int, int]]:
        """By task, how long it waited and ran until now, ns."""
        found = {}
        for place in [self.HERE, *self._tasks()]:
            try:
                ran, waited, _ = Path(place).read_text().split()
            except OSError:  # it ended just now
                continue
            found[place] = int(waited), int(ran)
        return found

    @staticmethod
    def between(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> tuple[float, float]:
        """How long those that are in both waited and ran, ms in all."""
        both = before.keys() & after.keys()
        waited, ran = (sum(after[task][part] - before[task][part] for task in both) / 1e6 for part in (0, 1))
        return waited, ran

    @classmethod
    def elsewhere(cls, seen: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        """What was seen of others than this thread, whose own looking takes time."""
        return {task: times for task, times in seen.items() if task != cls.HERE}

    def _tasks(self) -> Iterator[str]:
        for number in self._families:
            try:
                parent = psutil.Process(number)
                for one in (parent, *parent.children(recursive=True)):
                    yield from map(str, Path(f"/proc/{one.pid}/task").glob("*/schedstat"))
            except psutil.NoSuchProcess:
                continue


def _headers(name: str, cookies: dict[str, str]) -> dict[str, str]:
    """What a browser sends beside the address: of who is signed in, its cookie."""
    if not name.endswith(SIGNED_IN):
        return {}
    return {"Cookie": "; ".join(f"{key}={value}" for key, value in cookies.items())}


def read_alone(
    origin: str, paths: dict[str, str], rounds: int, waiting: Waiting, cookies: dict[str, str]
) -> tuple[dict[str, list[Took]], dict[str, int]]:
    """One reader opens everything so often, each round in another order: name -> what each time took; and the last
    status."""
    order, chance = list(paths), random.Random(1)  # noqa: S311 -- an order, no secret
    taken: dict[str, list[Took]] = {name: [] for name in paths}
    answered: dict[str, int] = {}
    with httpx.Client(base_url=origin, timeout=60) as reader:
        for name in (*order, *order):  # both of gunicorn's processes have read what is read once
            reader.get(paths[name], headers=_headers(name, cookies))
        for _ in range(rounds):
            chance.shuffle(order)
            for name in order:
                before = waiting.seen()
                begun = time.perf_counter()
                answered[name] = reader.get(paths[name], headers=_headers(name, cookies)).status_code
                clock = (time.perf_counter() - begun) * 1000
                after = waiting.seen()
                waited, ran = waiting.between(before, after)
                _, cpu = waiting.between(waiting.elsewhere(before), waiting.elsewhere(after))
                # Where two waited at once, more is taken off than was lost: never less than what was run.
                taken[name].append(Took(clock, max(clock - waited, min(clock, ran)), cpu))
    return taken, answered


def read_together(
    origin: str, paths: dict[str, str], rounds: int, cookies: dict[str, str]
) -> tuple[dict[str, list[float]], float]:
    """Eight readers at once, each in an order of its own: what each time took (ms), and answers a second in all."""
    parts: list[dict[str, list[float]]] = [{name: [] for name in paths} for _ in range(READERS)]

    def read(number: int) -> None:
        order, chance = list(paths), random.Random(number)  # noqa: S311 -- an order, no secret
        with httpx.Client(base_url=origin, timeout=60) as reader:
            for _ in range(rounds):
                chance.shuffle(order)
                for name in order:
                    begun = time.perf_counter()
                    reader.get(paths[name], headers=_headers(name, cookies))
                    parts[number][name].append((time.perf_counter() - begun) * 1000)

    readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    begun = time.perf_counter()
    for one in readers:
        one.start()
    for one in readers:
        one.join()
    elapsed_s = time.perf_counter() - begun
    taken = {name: [ms for part in parts for ms in part[name]] for name in paths}
    return taken, READERS * rounds * len(paths) / elapsed_s


def first_loads(origin: str, paths: dict[str, str], cookies: dict[str, str]) -> dict[str, dict[str, int]]:
    """What a browser takes over the wire for a page that it never saw, with its styles, icon and script: bytes as the
    site sends them to one that takes gzip, and as they are without that."""
    found = {}
    with httpx.Client(base_url=origin, timeout=60, headers={"Accept-Encoding": "gzip"}) as browser:
        sizes: dict[tuple[str, str], tuple[int, int]] = {}

        def size(path: str, name: str = "") -> tuple[int, int]:
            if (path, name) not in sizes:
                with browser.stream("GET", path, headers=_headers(name, cookies)) as answer:
                    raw = b"".join(answer.iter_raw())
                is_packed = answer.headers.get("content-encoding") == "gzip"
                sizes[path, name] = len(raw), len(gzip.decompress(raw) if is_packed else raw)
            return sizes[path, name]

        for name, path in paths.items():
            answer = browser.get(path, headers=_headers(name, cookies))
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            parts = [size(path, name), *(size(part) for part in dict.fromkeys(_PARTS.findall(answer.text)))]
            found[name] = {"sent_bytes": sum(one for one, _ in parts), "unpacked_bytes": sum(two for _, two in parts)}
    return found


def _figures(times: list[Took]) -> dict[str, float]:
    """Middle and p95 of what one reader's times are on the clock, of the site's own, and of a processor."""
    clock, own, cpu = (list(part) for part in zip(*times, strict=True))
    return {
        "p50_ms": round(statistics.median(clock), 1), "p95_ms": round(percentile(clock, 0.95), 1),
        "own_p50_ms": round(statistics.median(own), 1), "own_p95_ms": round(percentile(own, 0.95), 1),
        "cpu_p50_ms": round(statistics.median(cpu), 1), "cpu_p95_ms": round(percentile(cpu, 0.95), 1),
    }  # fmt: skip


def misses(pages: dict[str, dict[str, Any]]) -> list[str]:
    """What is too slow, asks more of a larger DAO, or is too large."""
    missed = []
    for name, page in pages.items():
        if page["answered"] != page["status"]:
            missed.append(f"{name}: answered {page['answered']} while it was timed, and {page['status']} before")
        if name.removesuffix(SIGNED_IN) in _REFUSES:
            if page["status"] not in _NOT_OPENED:
                missed.append(f"{name}: should refuse, and answers {page['status']}")
            continue
        if page["status"] in _NOT_OPENED:
            if pages.get(f"{name}{SIGNED_IN}", page)["status"] not in _NOT_OPENED:
                continue  # for who is signed in
            missed.append(f"{name}: not opened, it answers {page['status']}")
            continue
        if not page["asks_the_chain"] and page["p95_ms"] >= BAR_P95_MS:
            missed.append(f"{name}: p95 {page['p95_ms']} ms on the clock, {page['own_p95_ms']} ms its own")
        if page["queries_small"] is not None and page["queries"] > page["queries_small"]:
            missed.append(f"{name}: {page['queries']} queries, {page['queries_small']} in a small DAO")
        if page.get("sent_bytes", 0) >= BAR_FIRST_LOAD_BYTES:
            missed.append(f"{name}: the first load takes {page['sent_bytes']:,} bytes")
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the site answers in a large DAO.")
    parser.add_argument("--proposals", type=int, default=10_000)
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--delegates", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=40)
    asked = parser.parse_args()
    sizes = (asked.proposals, asked.votes, asked.delegates)
    # Not smaller: in each of them the chain said of some proposals otherwise than the mirror, which pages ask after.
    small = tuple(max(size // 100, least) for size, least in zip(sizes, (1_000, 2_000, 500), strict=True))
    with cluster() as server, tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret_key"
        secret.touch(0o600)
        secret.write_text(secrets.token_urlsafe(48))
        # The same for who fills the database and who serves it: a session of the one is one of the other.
        os.environ |= {"MANDATE_SECRET_KEY_FILE": str(secret), "MANDATE_KEEPERS": f"0x{_ACCOUNT.hex()}"}
        load = os.getloadavg()[0]
        counted, _ = prepared(server.fresh("small"), *small)
        begun = time.monotonic()
        database = server.fresh("large")
        opened, cookies = prepared(database, *sizes)
        print(f"filled in {time.monotonic() - begun:.0f} s", file=sys.stderr)
        paths = {name: path for name, (path, _, _) in opened.items()} | {_FLOOR: _FLOOR}
        with site(database, Path(folder)) as (origin, number):
            alone, answered = read_alone(origin, paths, asked.rounds, Waiting([number, server.process_id]), cookies)
            together, per_s = read_together(origin, paths, max(1, asked.rounds // READERS), cookies)
            loads = first_loads(origin, paths, cookies)
    pages = {}
    for name, (_, status, number) in opened.items():
        there = counted.get(name)
        pages[name] = {
            "status": status, "answered": answered[name], "asks_the_chain": status == 503,
            **_figures(alone[name]),
            "eight_p50_ms": round(statistics.median(together[name]), 1),
            "eight_p95_ms": round(percentile(together[name], 0.95), 1),
            "queries": number, "queries_small": there[2] if there and there[1] == status else None,
            **loads.get(name, {}),
        }  # fmt: skip
    every = [ms for name, page in pages.items() if page["status"] not in _NOT_OPENED for ms in together[name]]
    result = {
        "proposals": sizes[0], "votes": sizes[1], "delegates": sizes[2], "small": small, "rounds": asked.rounds,
        "cpus": os.cpu_count(), "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2), "bar_p95_ms": BAR_P95_MS,
        "bar_first_load_bytes": BAR_FIRST_LOAD_BYTES,
        "health": _figures(alone[_FLOOR]),
        "opened": sum(page["status"] not in _NOT_OPENED for page in pages.values()),
        "not_opened": sum(page["status"] in _NOT_OPENED for page in pages.values()),
        "one_reader_slowest": {
            key: max(page[key] for page in pages.values() if page["status"] not in _NOT_OPENED)
            for key in _figures([Took(0, 0, 0)])
        },
        "eight_readers": {
            "p50_ms": round(statistics.median(every), 1), "p95_ms": round(percentile(every, 0.95), 1),
            "answers_a_second": round(per_s, 1),
        },
        "largest_first_load_bytes": max((page.get("sent_bytes", 0) for page in pages.values()), default=0),
        "missed": misses(pages),
        "pages": pages,
    }  # fmt: skip
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    for name, page in sorted(pages.items(), key=lambda item: -item[1]["p95_ms"]):
        print(
            f"{name:<75} {page['status']} p95 {page['p95_ms']:>6} ms (its own {page['own_p95_ms']}, "
            f"processor {page['cpu_p50_ms']} to {page['cpu_p95_ms']}), "
            f"{page['queries']:>3} queries ({page['queries_small']}), first load {page.get('sent_bytes', 0):>7,} bytes",
            file=sys.stderr,
        )
    if result["missed"]:
        raise SystemExit("missed:\n" + "\n".join(result["missed"]))


if __name__ == "__main__":
    main()
