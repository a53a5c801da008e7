# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL cluster of its own for each test run, started before Django reads its settings."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from governance.embedded import postgres

_cluster: tuple[subprocess.Popen, Path] | None = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config):
    global _cluster
    if os.environ.get("PYTEST_XDIST_WORKER") or os.environ.get("MANDATE_TEST_DATABASE"):
        return  # a worker uses the cluster its controller started
    place = Path(tempfile.mkdtemp(prefix="mandate-test-"))
    place.chmod(0o755)
    data, password_file = place / "postgres", place / "password"
    postgres.initialise(data, password_file)
    port = free_port()
    server = subprocess.Popen(
        postgres.server_command(data, port, durable=False),
        stdout=(place / "postgres.log").open("w"), stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
        **postgres.unprivileged(),
    )  # fmt: skip
    url = f"postgres://mandate:{password_file.read_text()}@127.0.0.1:{port}/postgres"
    for _ in range(200):
        try:
            psycopg.connect(url, connect_timeout=1).close()
            break
        except psycopg.OperationalError:
            time.sleep(0.05)
    else:
        raise RuntimeError(f"the test cluster did not start: {(place / 'postgres.log').read_text()[-400:]}")
    _cluster = (server, place)
    os.environ["DATABASE_URL"] = os.environ["MANDATE_TEST_DATABASE"] = url
    os.environ["MANDATE_STATE_DIR"] = str(place / "state")


def pytest_unconfigure(config):
    global _cluster
    if _cluster is None:
        return
    server, place = _cluster
    _cluster = None
    server.send_signal(signal.SIGINT)
    server.wait(20)
    shutil.rmtree(place, ignore_errors=True)
