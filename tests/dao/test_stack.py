# SPDX-License-Identifier: Apache-2.0
"""The stack comes up, is killed, comes back with its data, and leaves no process."""

import json
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import psutil
import pytest

from dao.local import install, state_folder
from dao.local.paths import ROOT
from dao.local.stack import Stack
from embedded.supervisor import StackError

SUPERVISOR = textwrap.dedent("""
    import sys, threading
    from pathlib import Path
    from dao.local.stack import Stack
    with Stack(Path(sys.argv[1]), say=lambda line: print(line, flush=True), model=False) as running:
        import json
        print("READY " + json.dumps({"pids": running.pids, "rpc": running.rpc_url, "web": running.web_url}), flush=True)
        threading.Event().wait()
""")


@pytest.fixture
def state_dir(tmp_path):
    yield tmp_path / "state"
    state_folder.forget(tmp_path / "state")  # as root its cluster lies elsewhere


class Supervisor:
    """A stack in a process of its own, so that it can be killed."""

    def __init__(self, state_dir: Path):
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, str(state_dir)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        self.said = []
        self.facts = None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("READY "):
                self.facts = json.loads(line[6:])
                break

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def rpc(self, method: str, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        answer = httpx.post(self.facts["rpc"], content=body, headers={"content-type": "application/json"}, timeout=60)
        return answer.json()["result"]

    def chain_time(self) -> int:
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(60)
        self.process.stdout.close()


def still_there(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that run; one that has ended and was not yet reaped (a zombie) is gone."""

    def runs(process: psutil.Process) -> bool:
        try:
            return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        except psutil.NoSuchProcess:
            return False

    return [process for process in processes if runs(process)]


def wait_until(condition, seconds: float, what: str):
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def test_up_killed_and_back_with_its_data(state_dir):
    recipient = "0x" + "11" * 20
    first = Supervisor(state_dir)
    try:
        assert first.facts, "".join(first.said)
        names = {"postgres", "broker", "chain", "mail", "worker", "beat", "web"}
        assert first.facts["pids"].keys() == names
        with Stack.open_database(state_dir) as connection:
            connection.execute("create table kept (word text)")
            connection.execute("insert into kept values ('yes')")
        sender = first.rpc("eth_accounts")[1]
        first.rpc("evm_increaseTime", 30 * 86_400)
        first.rpc("eth_sendTransaction", {"from": sender, "to": recipient, "value": "0x5"})
        wound_to = first.chain_time()
        mined = int(first.rpc("eth_blockNumber"), 16)
        saved = state_dir / "chain" / "state.json"
        good = state_dir / "chain" / "good.json"
        wait_until(lambda: int(json.loads(good.read_text())["block"]["number"], 16) > mined, 60, "a copy of the save")
        family = first.family()
        assert len(family) > len(names)  # PostgreSQL's, Celery's and gunicorn's own children too
        with pytest.raises(StackError, match=rf"runs already \(process {first.process.pid}\)"):
            Stack(state_dir).start()

        first.end(signal.SIGKILL)
        wait_until(lambda: not still_there(family), 60, "all children gone: " + str(still_there(family)))
        saved.write_text("")  # as anvil leaves it when it is killed while it writes
    finally:
        first.end()

    second = Supervisor(state_dir)
    try:
        assert second.facts, "".join(second.said)
        assert second.facts["web"] == first.facts["web"]
        with Stack.open_database(state_dir) as connection:
            assert connection.execute("select word from kept").fetchone() == ("yes",)
        assert second.rpc("eth_getBalance", recipient, "latest") == "0x5"
        assert second.chain_time() >= wound_to
        assert any("last blocks" in line for line in second.said)
        before = int(second.rpc("eth_blockNumber"), 16)
        wait_until(lambda: int(second.rpc("eth_blockNumber"), 16) > before, 60, "a block")
        assert second.chain_time() > wound_to

        family = second.family()
        second.process.send_signal(signal.SIGTERM)  # the default action: an end without clean-up, as bad as SIGKILL
        second.process.wait(60)
        wait_until(lambda: not still_there(family), 60, "all children gone")
    finally:
        second.end()


def test_a_child_that_dies_is_started_again_and_an_orderly_stop_leaves_nothing(state_dir):
    said: list[str] = []
    ours = set(psutil.Process().children(recursive=True))  # the test run's own database
    with Stack(state_dir, say=said.append, model=False) as running:
        family = psutil.Process().children(recursive=True)
        was = running.pids["broker"]
        running.kill("broker")
        wait_until(lambda: running.pids.get("broker", was) != was, 60, "a new broker")
        wait_until(lambda: "broker is ready." in said, 60, "a ready broker")
        assert any("broker ended (killed by SIGKILL)" in line for line in said)
        was = running.pids["mail"]
        running.restart("mail")
        assert running.pids["mail"] != was
        with pytest.raises(StackError, match="There is no 'sherlock'"):
            running.kill("sherlock")
        assert running.peak_memory_bytes() > 50_000_000
        secrets = ["secret_key", "broker_password", "broker_url", "broker.conf", "model_api_key", "mnemonic", "pgpass"]
        assert all((state_dir / name).stat().st_mode & 0o077 == 0 for name in [*secrets, "keys/agent.json"])
        # A shell that reads the instance's env file works on its database and knows its chain.
        assert (state_dir / "env").stat().st_mode & 0o077 == 0
        asked = f". {state_dir}/env && echo $RPC && exec {sys.executable} manage.py module plan nowhere"
        shell = subprocess.run(["sh", "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False)
        assert shell.stdout.strip() == running.rpc_url
        assert "nowhere: no such DAO in the mirror; there are: none" in shell.stderr
        password = (state_dir / "broker_password").read_text()
        held = " ".join(" ".join(psutil.Process(pid).cmdline()) for pid in running.pids.values())
        assert password not in held
        assert password not in str(running.environment)
        family += psutil.Process().children(recursive=True)
    assert [process for process in still_there(family) if process not in ours] == []
    assert not (state_dir / "env").exists()
    running.stop()  # a second time is harmless


def test_an_error_of_a_page_stands_in_the_webs_log_once_with_its_traceback(state_dir, monkeypatch):
    """And the workers log what they do, as much as was asked for; no secret of the instance is in any log."""
    monkeypatch.setenv("MANDATE_LOG_LEVEL", "DEBUG")
    logs = state_dir / "logs"
    with Stack(state_dir, model=False) as running:
        with running.database() as connection:
            connection.execute("alter table governance_dao rename to gone")
        assert httpx.get(f"{running.web_url}/?secret=of-the-query", timeout=60).status_code == 500
        with running.database() as connection:
            connection.execute("alter table gone rename to governance_dao")
        assert httpx.get(f"{running.web_url}/", timeout=60).status_code == 200
        done = re.compile(r"^\S+Z INFO celery\.app\.trace\S+ Task webapp\.tasks\.poll\[.* succeeded in ", re.MULTILINE)
        wait_until(lambda: done.search((logs / "worker.log").read_text()), 60, "a task that beat sent")
    web = (logs / "web.log").read_text()
    assert web.count(" ERROR django.request[") == 1
    assert web.count("Internal Server Error: /\n  Traceback (most recent call last):\n") == 1
    assert 'relation "governance_dao" does not exist' in web
    assert "of-the-query" not in web
    secrets = [
        (state_dir / name).read_text().strip() for name in ("secret_key", "broker_password", "postgres_password")
    ]
    for name in ("web", "worker", "beat"):
        text = (logs / f"{name}.log").read_text()
        assert [secret for secret in secrets if secret in text] == [], name


def taken_port() -> socket.socket:
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen()
    return holder


def test_a_taken_port_that_was_asked_for_is_refused_in_one_line(state_dir, monkeypatch):
    with taken_port() as holder:
        port = holder.getsockname()[1]
        monkeypatch.setenv("MANDATE_PORT", str(port))
        with pytest.raises(StackError, match=f"Port {port} is taken") as refused, Stack(state_dir):
            pass
        assert "\n" not in str(refused.value)
    monkeypatch.setenv("MANDATE_PORT", "http")
    with pytest.raises(StackError, match="MANDATE_PORT is 'http'"), Stack(state_dir):
        pass


def test_a_taken_port_that_was_remembered_is_replaced_and_said(state_dir):
    said: list[str] = []
    instance = Stack(state_dir, say=said.append)
    instance._open_state()
    with taken_port() as holder:
        port = holder.getsockname()[1]
        (state_dir / "ports.json").write_text(json.dumps({"web": port, "mail": 21_987}))
        instance._choose_ports()
        assert instance.web_url != f"http://127.0.0.1:{port}"
        assert said == [f"Port {port}, used before, is taken: the address is now {instance.web_url}"]
    assert json.loads((state_dir / "ports.json").read_text())["web"] == instance._ports["web"]
    instance.stop()


def test_a_full_disk_stops_the_start_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _place: _Usage())
    with pytest.raises(StackError, match="free some space"):
        Stack(tmp_path / "state").start()
    assert not (tmp_path / "state").exists()


class _Usage:
    free = 5 * 10**8


def test_a_folder_that_is_not_ours_is_neither_used_nor_deleted(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StackError, match="not a state folder"):
        Stack(tmp_path).start()
    with pytest.raises(StackError, match="nothing was deleted"):
        state_folder.forget(tmp_path)
    assert (tmp_path / "letter.txt").exists()
    assert state_folder.forget(tmp_path / "nowhere") is False


def test_a_running_instance_is_not_forgotten(state_dir):
    state_dir.mkdir()
    (state_dir / state_folder.MARKER).touch()
    with state_folder.hold_state(state_dir), pytest.raises(StackError, match="runs already"):
        state_folder.forget(state_dir)
    assert state_folder.forget(state_dir) is True
    assert not state_dir.exists()
