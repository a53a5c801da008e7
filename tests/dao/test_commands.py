# SPDX-License-Identifier: Apache-2.0
"""What goes wrong at the command line is told in one line, with an exit status that says so; a story tells its step."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from dao.local.ending import ending_once
from dao.local.paths import ROOT
from dao.local.state_folder import MARKER, hold_state
from dao.local.story import run as story
from embedded.supervisor import StackError


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=os.environ | environment,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def is_one_line(answer: subprocess.CompletedProcess[str], *says: str) -> None:
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    for words in says:
        assert words in answer.stderr


@pytest.mark.parametrize("port", ["0", "70000", "-1"])
def test_a_port_that_does_not_exist_is_refused(tmp_path, port):
    is_one_line(manage("demo", f"--port={port}", MANDATE_STATE_DIR=str(tmp_path / "state")), f"port {port}")


def test_a_state_folder_that_is_a_file_is_refused_and_stays(tmp_path):
    letter = tmp_path / "letter"
    letter.write_text("dear")
    is_one_line(manage("demo", MANDATE_STATE_DIR=str(letter)), str(letter), "set MANDATE_STATE_DIR")
    is_one_line(manage("demo", MANDATE_STATE_DIR=str(letter / "state")), "set MANDATE_STATE_DIR")
    assert letter.read_text() == "dear"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MANDATE_RPC_URLS", "https://key@node.example", "<chain id>=<url>"),
        ("MANDATE_RPC_URLS", "1=", "<chain id>=<url>"),
        ("SMTP_PORT", "smtp", "whole number"),
        ("MANDATE_SECRET_KEY_FILE", "/nowhere/key", "/nowhere/key"),
        ("MANDATE_SECRET_KEY_FILE", "/dev/null", "names an empty file"),
        ("MANDATE_SECRET_KEY_FILE", sys.executable, "holds no text"),  # any file of bytes
        ("DATABASE_URL", "postgres://x@127.0.0.1:1/x", "the database does not answer"),
        ("DATABASE_URL", "key@nonsense", "postgres://<user>@<host>:<port>/<name>"),
        ("DATABASE_URL", "postgres://u:key@h:port/x", "postgres://<user>@<host>:<port>/<name>"),
        ("DATABASE_URL", "mysql://u:key@h/x", "postgres://<user>@<host>:<port>/<name>"),
        ("MANDATE_RPC_URLS", "1=ftp://key@node.example", "http:// or https://"),
    ],
)
def test_settings_that_can_not_work_are_named_without_what_they_hold(variable, value, says):
    answer = manage("migrate", **{variable: value})
    is_one_line(answer, says)
    assert "key@" not in answer.stderr


class FakeStack:
    """In the place of the real one: it starts as told, and counts its stops."""

    start_error: BaseException | None = None
    stops = 0
    pids: dict[str, int] = {}

    def __init__(self, _state: Path, **_options):
        self.people, self.rpc_url, self.web_url = {}, "http://127.0.0.1:1", "http://127.0.0.1:1"

    def start(self):
        if self.start_error:
            raise self.start_error

    def stop(self):
        type(self).stops += 1


@pytest.fixture
def stack(monkeypatch):
    class Fake(FakeStack):
        stops = 0

    monkeypatch.setattr(story, "Stack", Fake)
    return Fake


def play(**options):
    said: list[str] = []
    status = story.run(as_json=True, out=said.append, **options)
    (document,) = said
    return status, json.loads(document)


def with_steps(monkeypatch, *steps):
    named = [(f"step {number}", step) for number, step in enumerate(steps, 1)]
    monkeypatch.setattr(story.Story, "steps", property(lambda _story: [(title, lambda s=s: s()) for title, s in named]))


def test_a_story_whose_stack_does_not_start_says_so_in_its_document(stack):
    stack.start_error = StackError("Port 7 is taken: stop what uses it.")
    status, document = play()
    assert status == 1
    assert document["failure"] == "the start: Port 7 is taken: stop what uses it."
    assert (document["done"], document["steps"], stack.stops) == (0, [], 1)


@pytest.mark.parametrize(
    ("error", "saw", "status"),
    [
        (story.StepFailed("the vote; saw none"), "the vote; saw none", 1),
        (story.ChainError("eth_call: no"), "eth_call: no", 1),
        (KeyError("tally"), "KeyError: 'tally' (story.py, line", 1),
        (subprocess.TimeoutExpired("x", 3), "TimeoutExpired: ", 1),
        (httpx.ConnectError("refused"), "ConnectError: refused", 1),
        (KeyboardInterrupt(), "interrupted", 130),
    ],
)
def test_a_step_that_fails_is_named_with_what_it_saw_whatever_it_met(stack, monkeypatch, error, saw, status):
    def fail():
        raise error

    with_steps(monkeypatch, lambda: None, fail, lambda: None)
    begun = []
    ended, document = play(begin_end=lambda: begun.append(stack.stops))
    assert ended == status
    assert document["failure"].startswith(f"step 2, 'step 2': {saw}")
    assert (document["done"], len(document["steps"]), stack.stops) == (1, 2, 1)
    assert begun[0] == 0  # before the stack was stopped


def test_a_story_that_comes_to_its_end_is_green(stack, monkeypatch):
    with_steps(monkeypatch, lambda: None)
    status, document = play()
    assert (status, document["failure"], document["done"]) == (0, None, 1)


def test_a_folder_that_holds_something_is_no_place_for_a_story(stack, tmp_path):
    (tmp_path / "letter").touch()
    status, document = play(keep=tmp_path)
    assert status == 1
    assert "is not empty" in document["failure"]


def test_the_first_signal_ends_and_a_second_one_breaks_off_nothing():
    before = signal.getsignal(signal.SIGTERM)
    with ending_once():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGTERM) == before
    with ending_once() as begin_end:
        begin_end()
        signal.raise_signal(signal.SIGINT)


def test_the_state_of_a_killed_story_is_removed_and_a_living_one_stays(tmp_path):
    for name in ("killed", "living"):
        state = tmp_path / f"{story.PREFIX}{name}" / "state"
        state.mkdir(parents=True)
        (state / MARKER).touch()
    (tmp_path / f"{story.PREFIX}linked").symlink_to(tmp_path / f"{story.PREFIX}living")
    with hold_state(tmp_path / f"{story.PREFIX}living" / "state"):
        story.remove_left_behind(tmp_path)
    assert not (tmp_path / f"{story.PREFIX}killed").exists()
    assert (tmp_path / f"{story.PREFIX}living" / "state" / MARKER).exists()
