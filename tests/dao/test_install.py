# SPDX-License-Identifier: Apache-2.0
"""Given a machine that lacks something, the install says in one line what to do; a second install does nothing."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dao.local import install, lock


def run_install(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(install.ROOT / "dao" / "local" / "install.py")],
        env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]} | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def program(folder: Path, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def test_another_python_is_refused():
    with pytest.raises(install.InstallError, match=r"Python 3\.11 is needed and this is 3\.9\.2"):
        install.check_python((3, 9, 2))
    install.check_python((3, 11, 0))


def test_a_full_disk_is_refused(tmp_path):
    with pytest.raises(install.InstallError, match=r"Only 0\.99 GB are free .* free some space"):
        install.check_disk(tmp_path, free_bytes=990_000_000)
    install.check_disk(tmp_path, free_bytes=10**9)


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_a_missing_program_is_named(tmp_path, missing):
    for name in {"node", "npm"} - {missing}:
        program(tmp_path, name, "v20.1.0")
    with pytest.raises(install.InstallError, match=f"`{missing}` is not on PATH: install Node.js 20"):
        install.check_node(str(tmp_path))


@pytest.mark.parametrize(("says", "problem"), [("v18.19.0", "is too old"), ("Segmentation fault", "does not run")])
def test_an_unfit_node_is_refused(tmp_path, says, problem):
    program(tmp_path, "node", says)
    with pytest.raises(install.InstallError, match=problem):
        install.check_node_version(str(tmp_path))


def test_node_20_and_newer_will_do(tmp_path):
    program(tmp_path, "node", "v22.0.1")
    install.check_node_version(str(tmp_path))


def test_without_node_the_install_ends_with_one_line_and_no_traceback(tmp_path):
    answer = run_install(PATH=str(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.startswith("install: The program `node` is not on PATH")


def test_without_ensurepip_the_package_to_install_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(install.InstallError, match=r"install python3\.11-venv"):
        install.make_environment(tmp_path / "venv")


def test_a_stamp_holds_only_for_the_same_inputs_and_while_the_output_is_there(tmp_path):
    stamps, output = install.Stamps(tmp_path / "stamps"), tmp_path / "output"
    output.touch()
    assert not stamps.is_current("step", "a", output)
    stamps.write("step", "a")
    assert stamps.is_current("step", "a", output)
    assert not stamps.is_current("step", "b", output)
    output.unlink()
    assert not stamps.is_current("step", "a", output)


def test_a_second_install_waits_for_the_first(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from dao.local import install\n"
        "with install.only_one(Path(sys.argv[1]), print):\n  print('in', flush=True); sys.stdin.readline(); "
        "time.sleep(0.3); print('out', flush=True)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=install.ROOT)
    assert first.stdout.readline() == "in\n"
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        first.stdin.close()  # only now may it end

    with install.only_one(tmp_path / "lock", say):
        os.set_blocking(first.stdout.fileno(), False)
        assert os.read(first.stdout.fileno(), 100) == b"out\n"  # it was done before this one got in
    assert said == ["Another install is running in this folder; waiting for it ..."]
    first.wait()
    first.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_install_that_is_told_to_end_leaves_no_process(tmp_path, number):
    note = tmp_path / "pid"
    code = (
        "import sys; from dao.local import install\n"
        "install.end_like_ctrl_c()\n"
        "command = ['sh', '-c', 'sleep 300 & echo $! > $0.half; mv $0.half $0; wait', sys.argv[1]]\n"
        "try: install.Installer(print)._call(command, what='waiting')\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(note)], cwd=install.ROOT)
    give_up = time.monotonic() + 60
    while not note.exists():
        assert time.monotonic() < give_up
        time.sleep(0.05)
    grandchild = psutil.Process(int(note.read_text()))
    process.send_signal(number)
    assert process.wait(60) == 130
    psutil.wait_procs([grandchild], timeout=60)
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def test_one_package_is_cut_out_of_the_lock():
    text = "a==1 \\\n    --hash=sha256:aa\n"
    text += "uv==0.1 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n    # via -r x\nuvx==3\n"
    assert install.locked_requirement(text, "uv").count("--hash") == 2
    assert "uvx" not in install.locked_requirement(text, "uv")
    with pytest.raises(install.InstallError, match="make lock"):
        install.locked_requirement(text, "z")


def test_uv_is_told_what_pip_is_set_up_to_use():
    listed = (
        "global.index-url='https://a.example/simple'\nglobal.extra-index-url='https://b.example/x https://c.example'\n"
    )
    assert install.uv_settings(listed + ":env:.cert='/c.pem'\nglobal.timeout='3'") == {
        "UV_DEFAULT_INDEX": "https://a.example/simple",
        "UV_INDEX": "https://b.example/x https://c.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": "/c.pem",
    }


def test_errors_show_no_password_of_a_registry():
    assert install.without_credentials("GET https://me:secret@host/simple") == "GET https://***@host/simple"


def test_the_lock_files_are_current():
    assert lock.problems() == []


def test_a_changed_requirement_shows_in_the_lock_check(tmp_path):
    for name in ("requirements", "package.json", "package-lock.json"):
        source = install.ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    assert lock.problems(tmp_path) == []
    with (tmp_path / "requirements" / "base.in").open("a") as file:
        file.write("left-pad\n")
    package = (tmp_path / "package.json").read_text()
    (tmp_path / "package.json").write_text(package.replace('"5.7.0"', '"5.7.1"'))
    assert len(lock.problems(tmp_path)) == 2
