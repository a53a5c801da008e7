# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL cluster of its own for each test run, started before Django reads its settings.

The run's xdist workers share it (pytest-django gives each a database of its own). It dies with the run, also when the
run is killed; the folder that a killed run leaves behind is removed by the next one.
"""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

import psycopg
import pytest

from dao.local import languages
from embedded import postgres
from embedded.process import die_with_parent, free_port

PREFIX = "mandate-test-"
_cluster: tuple[subprocess.Popen, Path, IO] | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config):
    global _cluster
    if os.environ.get("PYTEST_XDIST_WORKER"):
        return  # a worker uses the cluster its controller started
    languages.compile_all()  # as they are in the checkout, whatever was installed; the settings offer what is compiled
    folder = _folder()
    _remove_left_behind(folder)
    place = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    place.chmod(0o711)
    lock = (place / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    data, password_file = place / "postgres", place / "password"
    postgres.initialise(data, password_file)
    server, port = _start(data, place / "postgres.log", password_file.read_text())
    _cluster = (server, place, lock)
    os.environ["DATABASE_URL"] = f"postgres://mandate:{password_file.read_text()}@127.0.0.1:{port}/postgres"
    os.environ["MANDATE_STATE_DIR"] = str(place / "state")
    secret_key = place / "secret_key"
    secret_key.touch(0o600)
    secret_key.write_text(secrets.token_urlsafe(48))
    os.environ["MANDATE_SECRET_KEY_FILE"] = str(secret_key)


def pytest_unconfigure(config):
    global _cluster
    if _cluster is None:
        return
    server, place, lock = _cluster
    _cluster = None
    server.send_signal(signal.SIGINT)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)
    shutil.rmtree(place, ignore_errors=True)
    lock.close()


def _folder() -> Path:
    """Where temporary clusters lie: as root, somewhere that `nobody` can reach."""
    folder = Path(tempfile.gettempdir())
    return folder if os.geteuid() != 0 or postgres.is_world_reachable(folder) else Path("/var/tmp")  # noqa: S108


def _remove_left_behind(folder: Path) -> None:
    for place in folder.glob(f"{PREFIX}*"):
        try:
            with (place / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place, ignore_errors=True)
        except OSError:
            continue  # of a run that lives, of another user, or just being made


def _start(data: Path, log: Path, password: str) -> tuple[subprocess.Popen, int]:
    """Start the server. Another process may take the port between choice and use: then try another one."""
    for _ in range(3):
        port = free_port()
        with log.open("w") as output:
            server = subprocess.Popen(
                postgres.server_command(data, port, durable=False),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGQUIT),
                **postgres.unprivileged(),
            )  # fmt: skip
        give_up = time.monotonic() + 60
        while server.poll() is None and time.monotonic() < give_up:
            try:
                psycopg.connect(
                    host="127.0.0.1", port=port, user="mandate", password=password, dbname="postgres", connect_timeout=2
                ).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return server, port
        server.kill()
        server.wait(10)
    raise RuntimeError(f"the test cluster did not start: {log.read_text()[-400:]}")
