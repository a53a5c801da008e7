# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL cluster for one command: made in a temporary folder, gone with it. No other database is ever written."""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dj_database_url
import psycopg
from django.db import connections

from embedded import postgres, process

_PREFIX = "mandate-replay-"
_MOST_START_S = 30.0
_NEEDED_BYTES = 300 * 2**20


class NoDatabase(Exception):
    """The temporary cluster can't be had; the message says why, and what to do."""


@contextmanager
def temporary_database() -> Iterator[None]:
    """Django's default database is a temporary cluster's for the block, migrated and empty.

    Whatever `DATABASE_URL` says is not used: an operator's database must not be written by mistake. The cluster ends
    with this process, however that ends.

    Raises:
        NoDatabase: no room, or the server does not start.
    """
    # As root the server runs as another user, who must get through to its folder.
    parent = postgres.place_for(Path(tempfile.gettempdir()) / _PREFIX).parent
    _sweep(parent)
    place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    place.chmod(0o755)
    lock = (place / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    server: subprocess.Popen[bytes] | None = None
    configured = dict(connections.settings["default"])
    try:
        if shutil.disk_usage(place).free < _NEEDED_BYTES:
            raise NoDatabase(f"less than {_NEEDED_BYTES >> 20} MB are free in {place.parent}: make room, or set TMPDIR")
        server, url = _start(place)
        connections["default"].close()
        connections.settings["default"].update(dj_database_url.parse(url))
        _migrate(place)
        yield
    finally:
        connections.close_all()
        connections.settings["default"].update(configured)
        if server is not None:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(place, ignore_errors=True)
        lock.close()


def _sweep(parent: Path) -> None:
    """Remove what a killed run left: a folder of ours whose lock nobody holds."""
    for left in parent.glob(_PREFIX + "*"):
        try:
            if left.stat().st_uid != os.geteuid():
                continue
            with (left / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue  # in use, or half made by a run that has only just begun


def _start(place: Path) -> tuple[subprocess.Popen[bytes], str]:
    data, password_file, log = place / "postgres", place / "password", place / "postgres.log"
    try:
        postgres.initialise(data, password_file)
    except subprocess.CalledProcessError as error:
        raise NoDatabase(f"initdb failed: {_last_line(error.stderr)}") from None
    except OSError as error:
        raise NoDatabase(f"can't make a temporary database: {error}") from None
    port = process.free_port()
    with log.open("w") as output:
        server = subprocess.Popen(
            postgres.server_command(data, port, durable=False), stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
            preexec_fn=process.die_with_parent(signal.SIGINT), **postgres.unprivileged(),
        )  # fmt: skip
    url = f"postgres://mandate:{password_file.read_text()}@127.0.0.1:{port}/postgres"
    until = time.monotonic() + _MOST_START_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                server.kill()
                raise NoDatabase(f"the temporary database did not start: {_last_line(log.read_text())}") from None
            time.sleep(0.05)
        else:
            return server, url


def _migrate(place: Path) -> None:
    from django.core.management import call_command

    with connections["default"].cursor() as cursor:
        cursor.execute("SHOW data_directory")
        (folder,) = cursor.fetchone()
    if Path(folder) != place / "postgres":
        raise NoDatabase("the temporary database is not the one that Django uses")  # never migrate another one
    call_command("migrate", verbosity=0, interactive=False)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no reason given"
