# SPDX-License-Identifier: Apache-2.0
"""The site and the workers as the README starts them: what they do with slow visitors, errors and bad settings."""

import contextlib
import os
import re
import select
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from dao.local import services
from dao.local.paths import ROOT
from embedded.process import die_with_parent, free_port

README = (ROOT / "README.md").read_text()
HALF_A_POST = (
    b"POST /auth/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
)
HALF_A_HEAD = b"POST /auth/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-"


def commands(program: str) -> list[list[str]]:
    """The README's command lines that start a program, without what stands for a comment."""
    lines = re.findall(rf"^    \.venv/bin/({program} .*)$", README, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@contextlib.contextmanager
def site(folder: Path, **environment: str):
    """The site as the README starts it, on the tests' database; yields its address and its log."""
    (command,) = commands("gunicorn")
    port = free_port()
    log = folder / "web.log"
    address = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--bind", f"127.0.0.1:{port}"], cwd=ROOT, stdout=output,
            stderr=subprocess.STDOUT, env=os.environ | {"MANDATE_ORIGIN": address} | environment,
            preexec_fn=die_with_parent(),
        )  # fmt: skip
        try:
            give_up = time.monotonic() + 240  # on a machine that does much else
            while not answers(address):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < give_up, log.read_text()
                time.sleep(0.1)
            yield address, log
        finally:
            process.terminate()
            process.wait(30)


def answers(address: str, timeout: float = 5.0) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=timeout).status_code == 200
    except httpx.TransportError:
        return False


def test_the_readme_starts_what_the_embedded_stack_starts():
    assert commands("gunicorn") == [list(services.WEB)]
    assert commands("celery") == [list(services.WORKER), list(services.BEAT)]


def test_half_a_request_stops_nobody_else_and_is_cut_off(tmp_path):
    with site(tmp_path) as (address, log), contextlib.ExitStack() as held:
        where = ("127.0.0.1", int(address.rpartition(":")[2]))
        slow = [held.enter_context(socket.create_connection(where)) for _ in range(12)]
        for number, connection in enumerate(slow):
            connection.sendall(HALF_A_HEAD if number % 2 else HALF_A_POST)
        began = time.monotonic()
        assert answers(address, timeout=60)
        assert select.select(slow, [], [], 0)[0] == []  # it came while the site still waited for the rest of each
        while time.monotonic() - began < 12:  # longer than a half request may take: also while they are cut off
            assert answers(address, timeout=60)
        said = b""
        for connection in slow:
            connection.settimeout(30)
            with contextlib.suppress(ConnectionResetError):
                while piece := connection.recv(4096):
                    said += piece
        assert said.count(b"HTTP/1.1 408 ") == 6  # those of which the head came whole
        assert answers(address, timeout=60)
        assert "Traceback" not in log.read_text()


def test_who_takes_no_answer_holds_no_thread_for_ever(tmp_path):
    """Files and answers of views, asked for in one go and not read: the site gives up on such a visitor."""
    with site(tmp_path) as (address, log), contextlib.ExitStack() as held:
        where = ("127.0.0.1", int(address.rpartition(":")[2]))
        size = {
            path: len(httpx.get(address + path, timeout=60).content)
            for path in ("/static/webapp/mandate.css", "/api/v1/openapi.json")
        }
        more_than_the_kernel_keeps = 10_000_000
        lazy = {path: held.enter_context(socket.socket()) for path in size}
        for path, connection in lazy.items():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # else the loopback takes megabytes
            connection.connect(where)
            times = more_than_the_kernel_keeps // size[path] + 1
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * times)
        time.sleep(45)  # a wait of SEND_TIMEOUT_S for each part that the kernel still took, and one more
        for path, connection in lazy.items():
            connection.settimeout(30)
            taken = 0
            with contextlib.suppress(ConnectionResetError):
                while piece := connection.recv(65536):
                    taken += len(piece)
            assert taken < more_than_the_kernel_keeps, path
        assert "Traceback" not in log.read_text()


def test_an_error_leaves_one_record_with_its_traceback_and_no_secret(tmp_path, db):
    """Views that can't do their work: the site is pointed at a database without tables."""
    rpc = "31337=https://node.test/v3/0123456789abcdef0123456789abcdef"
    url = os.environ["DATABASE_URL"]
    empty = f"without_tables_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {empty}")
        try:
            base = url.rpartition("/")[0]
            with site(tmp_path, DATABASE_URL=f"{base}/{empty}", MANDATE_RPC_URLS=rpc) as (address, log):
                visitor = httpx.Client(base_url=address, timeout=120, headers={"cookie": "mandate=s3cr3t-cookie"})
                assert visitor.get("/river/?token=s3cr3t-of-the-query").status_code == 500
                assert visitor.get("/subscriptions/unsubscribe/s3cr3t-token-of-a-mail/").status_code == 500
                assert visitor.get("/nowhere/at/all").status_code == 404
        finally:
            server.execute(f"DROP DATABASE {empty} WITH (FORCE)")
    text = log.read_text()
    records = [line for line in text.splitlines() if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ERROR ", line)]
    about = [line for line in records if "/river/" in line]
    assert len(about) == 1
    assert re.fullmatch(r"\S+Z ERROR django\.request\[\d+\] Internal Server Error: /river/", about[0])
    assert any(line.endswith("Internal Server Error: /subscriptions/unsubscribe/***/") for line in records)
    assert "  Traceback (most recent call last):" in text
    assert 'relation "governance_dao" does not exist' in text
    password = re.search(r":([^:@/]+)@", url)
    for secret in ("s3cr3t", "0123456789abcdef", password.group(1) if password else "s3cr3t"):
        assert secret not in text
    assert "/nowhere" not in text


@pytest.mark.parametrize("program", ["gunicorn", "celery"])
@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MANDATE_ORIGIN", "https://dao.example/", "write https://dao.example"),
        ("MANDATE_LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("MANDATE_TRUSTED_PROXIES", "nginx", "'nginx'"),
    ],
)
def test_a_setting_that_can_not_work_is_refused_in_one_line(program, variable, value, says):
    command = commands(program)[-1]
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=os.environ | {variable: value},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert run.returncode != 0
    lines = [line for line in run.stderr.splitlines() if line]
    assert len(lines) == 1, run.stderr
    assert variable in lines[0]
    assert says in lines[0]


def test_a_worker_and_beat_say_what_they_do_and_write_no_file(tmp_path, db):
    """Without a broker they only start; what they say of it is a line of our own form, and beat leaves no schedule."""
    environment = os.environ | {"BROKER_URL": "redis://:s3cr3t-password@127.0.0.1:1/0"}
    before = set(os.listdir(ROOT))
    for command in commands("celery"):
        with (tmp_path / "log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=output,
                stderr=subprocess.STDOUT, preexec_fn=die_with_parent(),
            )  # fmt: skip
            try:
                give_up = time.monotonic() + 240  # on a machine that does much else
                while not re.search(r"^\S+Z (ERROR|INFO) celery\.", (tmp_path / "log").read_text(), re.MULTILINE):
                    assert time.monotonic() < give_up, (tmp_path / "log").read_text()
                    time.sleep(0.1)
                time.sleep(2)
            finally:
                process.kill()
                process.wait(30)
        assert "s3cr3t" not in (tmp_path / "log").read_text()
    assert set(os.listdir(ROOT)) - before <= {"__pycache__"}
