# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of its own for a measurement, with the product's own settings (durable), and fresh databases in it."""

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from embedded import postgres, process


def cpu_s(server: int) -> float:
    """Seconds of the processor that a server, by its process id, has used so far, its ended processes included.

    Beside other work on the machine this tells two readers apart where the clock on the wall cannot.
    """
    process_of_all = psutil.Process(server)
    ended = process_of_all.cpu_times()
    used = ended.user + ended.system + ended.children_user + ended.children_system
    for child in process_of_all.children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended in between: what it used is counted above next time
            times = child.cpu_times()
            used += times.user + times.system
    return used


class Cluster:
    """A running server. `fresh` makes an empty database and says its URL."""

    def __init__(self, base: str, process_id: int):
        self._base, self._made, self.process_id = base, 0, process_id

    def fresh(self, name: str) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        made = f"bench_{self._made}_{name}"
        with psycopg.connect(f"{self._base}/postgres", autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{made}"')
        return f"{self._base}/{made}"

    def drop(self, url: str) -> None:
        """Drop a database again, and have the disk settle: the next measurement begins like the first."""
        with psycopg.connect(f"{self._base}/postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE "{url.rsplit("/", 1)[1]}" WITH (FORCE)')
            server.execute("CHECKPOINT")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster in a temporary folder, gone afterwards."""
    parent = postgres.place_for(Path(tempfile.gettempdir()) / "mandate-bench-").parent
    place = Path(tempfile.mkdtemp(prefix="mandate-bench-", dir=parent))
    place.chmod(0o755)
    server: subprocess.Popen[bytes] | None = None
    try:
        data, password_file, log = place / "postgres", place / "password", place / "postgres.log"
        postgres.initialise(data, password_file)
        port = process.free_port()
        with log.open("w") as output:
            server = subprocess.Popen(
                postgres.server_command(data, port), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
                preexec_fn=process.die_with_parent(signal.SIGINT), **postgres.unprivileged(),
            )  # fmt: skip
        base = f"postgres://mandate:{password_file.read_text()}@127.0.0.1:{port}"
        until = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(f"{base}/postgres", connect_timeout=2).close()
                break
            except psycopg.OperationalError:
                if server.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"the database did not start: {log.read_text()[-300:]}") from None
                time.sleep(0.05)
        yield Cluster(base, server.pid)
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(place, ignore_errors=True)
