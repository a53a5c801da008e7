#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs everything the project needs into its own folder. Standard library only: it runs before all else.

    python3.11 dao/local/install.py [--browser]

Each step is stamped with the hash of what it was made from, so a second run installs nothing. Nothing is needed before
it but Python 3.11 with venv, node 20 or newer with npm, and the package registries that pip and npm are set up to use.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MINIMUM_FREE_BYTES = 10**9
MINIMUM_NODE = 20
SOLC_VERSION = "0.8.37"
WRAPPER = '#!/bin/sh\nexec node "$(dirname "$0")/../../contracts/assurance/solc.js" "$@"\n'


class InstallError(Exception):
    """What is missing and what to do about it, in one line."""


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> None:
    if version[:2] != (3, 11):
        found = ".".join(map(str, version))
        raise InstallError(f"Python 3.11 is needed and this is {found}: install python3.11 and run `make` again.")


def check_disk(place: Path, free_bytes: int | None = None) -> None:
    """Raises InstallError when less than a GB are free where `place` lies."""
    free = shutil.disk_usage(place).free if free_bytes is None else free_bytes
    if free < MINIMUM_FREE_BYTES:
        raise InstallError(
            f"Only {free / 10**9:.2f} GB are free on the disk of {place}; 1 GB is needed: free some space."
        )


NODE_ADVICE = f"install Node.js {MINIMUM_NODE} or newer (with npm) and run `make` again."


def check_node(search_path: str | None = None) -> None:
    """Raises InstallError when node or npm is missing."""
    for program in ("node", "npm"):
        if shutil.which(program, path=search_path) is None:
            raise InstallError(f"The program `{program}` is not on PATH: {NODE_ADVICE}")


def check_node_version(search_path: str | None = None) -> None:
    """Raises InstallError when node does not run or is too old to run the tools."""
    node = shutil.which("node", path=search_path)
    try:
        answer = subprocess.run([node or "node", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        answer = ""
    match = re.match(r"v(\d+)\.", answer)
    if match is None:
        raise InstallError(f"The program {node} does not run: {NODE_ADVICE}")
    if int(match[1]) < MINIMUM_NODE:
        raise InstallError(f"Node.js {answer.strip()} is too old: {NODE_ADVICE}")


def content_hash(*paths: Path, extra: str = "") -> str:
    """One hash of the names and contents of files and of all files in folders."""
    digest = hashlib.sha256(extra.encode())
    for path in paths:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            if "node_modules" in file.parts or "__pycache__" in file.parts:
                continue
            digest.update(f"\0{file.relative_to(ROOT)}\0".encode())
            digest.update(file.read_bytes() if file.exists() else b"missing")
    return digest.hexdigest()


class Stamps:
    """Which step was done from which inputs. A stamp is written only after its step is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def is_current(self, step: str, inputs: str, *outputs: Path) -> bool:
        stamp = self._folder / step
        return stamp.is_file() and stamp.read_text() == inputs and all(output.exists() for output in outputs)

    def write(self, step: str, inputs: str) -> None:
        half = self._folder / f".{step}.{os.getpid()}"
        half.write_text(inputs)
        half.replace(self._folder / step)

    def remove(self, step: str) -> None:
        (self._folder / step).unlink(missing_ok=True)


class Installer:
    """The steps, in order. `say` gets one line for each step that has something to do."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.stamps = Stamps(ROOT / ".build" / "stamps")
        self.python = ROOT / ".venv" / "bin" / "python"

    def run(self) -> None:
        check_disk(ROOT)
        check_node()
        locks = [ROOT / "requirements" / "base.txt", ROOT / "requirements" / "model.txt"]
        packages = [ROOT / "package.json", ROOT / "package-lock.json", ROOT / ".npmrc"]
        python_inputs = content_hash(*locks, extra=f"{sys.version} {ROOT}")
        node_inputs = content_hash(*packages, extra=str(os.uname()[4]))
        wrapper = ROOT / ".build" / "solc" / f"solc-v{SOLC_VERSION}"

        self._step("python", python_inputs, [self.python], "Python packages (about 900 MB)", self._install_python)
        self._step("node", node_inputs, [ROOT / "node_modules"], "Node packages (about 270 MB)", self._install_node)
        self._step("solc", str(ROOT), [wrapper], "the compiler's wrapper", lambda: self._write_solc(wrapper))
        scripts = [ROOT / "contracts" / name for name in ("scripts/compile.py", "assurance/solc.js")]
        sources = [ROOT / "contracts" / "src", ROOT / "ape-config.yaml", *scripts]
        built = [ROOT / ".build" / "abi", ROOT / ".build" / "contracts"]
        source_inputs = content_hash(*sources, extra=node_inputs)
        self._step("contracts", source_inputs, built, "the contracts (compiling)", self._compile)
        catalogs = content_hash(
            ROOT / "webapp" / "locale", ROOT / "dao" / "local" / "languages.py", extra=python_inputs
        )
        spoken = [
            ROOT / ".build" / "locale" / source.stem / "LC_MESSAGES" / "django.mo"
            for source in (ROOT / "webapp" / "locale").glob("*.po")
        ]
        self._step("languages", catalogs, spoken, "the languages (compiling)", self._translate)
        wallet = content_hash(ROOT / "webapp" / "wallet", extra=node_inputs)
        self._step(
            "wallet", wallet, [ROOT / ".build" / "static" / "wallet.js"], "the browser wallet (bundling)", self._bundle
        )

    def _step(self, name: str, inputs: str, outputs: list[Path], what: str, make: Callable[[], None]) -> None:
        if self.stamps.is_current(name, inputs, *outputs):
            return
        check_node_version()
        self.say(f"Installing {what} ...")
        started = time.monotonic()
        self.stamps.remove(name)
        make()
        missing = [str(output.relative_to(ROOT)) for output in outputs if not output.exists()]
        if missing:
            raise InstallError(f"The step `{name}` ended without making {', '.join(missing)}.")
        self.stamps.write(name, inputs)
        self.say(f"  done in {time.monotonic() - started:.0f} s")

    # Python

    def _install_python(self) -> None:
        uv = ROOT / ".venv" / "bin" / "uv"
        pinned = locked_requirement((ROOT / "requirements" / "base.txt").read_text(), "uv")
        if not self._is_usable_environment():
            make_environment(ROOT / ".venv")
        version = re.match(r"uv==(\S+)", pinned)
        assert version is not None
        known = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False) if uv.exists() else None
        if known is None or known.stdout.split()[1:2] != [version[1]]:
            self._install_uv(pinned)
        command = [uv, "pip", "sync", "--python", self.python, "--require-hashes", "--strict"]
        files = ["requirements/base.txt", "requirements/model.txt"]
        self._call([*command[:-1], *files], environment=uv_environment(), what="installing the Python packages")

    def _is_usable_environment(self) -> bool:
        if not self.python.exists():
            return False
        code = "import sys; print(sys.version_info[:2] == (3, 11), sys.prefix)"
        answer = subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=False)
        return answer.returncode == 0 and answer.stdout.split() == ["True", str(ROOT / ".venv")]

    def _install_uv(self, pinned: str) -> None:
        subprocess.run([self.python, "-m", "ensurepip", "-q"], check=False, capture_output=True)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
            requirement.write(pinned)
            requirement.flush()
            self._call(
                [self.python, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", requirement.name],
                environment={"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"},
                what="installing uv",
            )

    # Node

    def _install_node(self) -> None:
        # No package needs its install script here: esbuild's own binary comes as a package of its own.
        self._call(["npm", "ci", "--ignore-scripts", "--loglevel=error"], what="installing the Node packages")
        if not any((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil")):
            raise InstallError(
                f"The local chain (anvil) has no binary for {sys.platform} {os.uname()[4]}: use Linux on amd64."
            )

    def _write_solc(self, wrapper: Path) -> None:
        """Write the shell script that speaks for npm's solc: forge wants a native one."""
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        half = wrapper.with_suffix(".half")
        half.write_text(WRAPPER)
        half.chmod(0o755)
        half.replace(wrapper)

    def _compile(self) -> None:
        self._call([self.python, "contracts/scripts/compile.py"], what="compiling the contracts")

    def _translate(self) -> None:
        self._call([self.python, "-m", "dao.local.languages"], what="compiling the languages")

    def _bundle(self) -> None:
        self._call(["npm", "run", "--silent", "build:wallet"], what="bundling the browser wallet")

    def _call(self, command: list[str | Path], *, what: str, environment: dict[str, str] | None = None) -> None:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate()
        except BaseException:  # whoever ends the install ends what it started, and what that started
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if process.returncode != 0:
            log = ROOT / ".build" / "install.log"
            log.write_text(output)
            lines = [line.strip() for line in output.splitlines() if re.search(r"\w\W+\w", line)]
            lines = [line for line in lines if not re.fullmatch(r"npm error( code \w+)?", line)]
            telling = [line for line in lines if re.search("error|denied|refused|not found", line, re.IGNORECASE)]
            reason = without_credentials(telling[0] if telling else (lines or ["no output"])[-1])
            raise InstallError(f"Failed while {what}: {reason[:300]} (all of it in {log}). Run `make` again.")


def make_environment(place: Path) -> None:
    """A fresh virtual environment at `place`; raises InstallError where Debian left ensurepip out."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise InstallError("This Python has no `ensurepip`: install python3.11-venv and run `make` again.")
    answer = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", place], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        words = " ".join((answer.stdout + answer.stderr).split())
        raise InstallError(f"The virtual environment {place} could not be made: {words[:300]}")


def locked_requirement(lock: str, name: str) -> str:
    """One package's block (version and hashes) out of a lock file."""
    block = re.search(rf"^{re.escape(name)}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    if block is None:
        raise InstallError(f"requirements/base.txt does not lock {name}: run `make lock`.")
    return block[0]


def uv_environment() -> dict[str, str]:
    """uv reads no pip.conf: give it the registry that pip is set up to use."""
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found = uv_settings(answer.stdout if answer.returncode == 0 else "")
    found = {name: value for name, value in found.items() if name not in os.environ}
    cache = Path(os.environ.get("UV_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home())
    while not cache.exists():
        cache = cache.parent
    if cache.stat().st_dev != ROOT.stat().st_dev:
        found["UV_LINK_MODE"] = "copy"
    return found


def uv_settings(pip_config: str) -> dict[str, str]:
    """Environment for uv that says what `pip config list` said (later lines win, as for pip)."""
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "cert": "SSL_CERT_FILE",
    }
    settings: dict[str, str] = {}
    for line in pip_config.splitlines():
        key, _, value = line.partition("=")
        option = key.rpartition(".")[2]
        if option in names:
            settings[names[option]] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    if "UV_FIND_LINKS" in settings:
        settings["UV_FIND_LINKS"] = ",".join(settings["UV_FIND_LINKS"].split())
    if "UV_INDEX" in settings:
        # pip takes a package from whichever index has it; the hashes in the lock say which file is the right one.
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return settings


def without_credentials(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//***@", text)


@contextlib.contextmanager
def only_one(lock_file: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Waits until no other install runs in this folder. The lock ends with the process, however it ends."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another install is running in this folder; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_browser(say: Callable[[str], None]) -> None:
    """Debian's chromium, which `make test-browser` drives: installed when root on Debian, else said what to install."""
    if shutil.which("chromium"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise InstallError("The browser tests need `chromium` on PATH: install it (Debian: apt-get install chromium).")
    say("Installing Debian's chromium ...")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        answer = subprocess.run(
            ["apt-get", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if answer.returncode != 0:
            lines = [line for line in answer.stderr.splitlines() if line.strip()] or ["no output"]
            raise InstallError(f"apt-get {arguments[0]} failed: {without_credentials(lines[-1])}")
    if shutil.which("chromium") is None:
        raise InstallError("apt-get installed the package chromium, and there is still no `chromium` on PATH.")


def end_like_ctrl_c() -> None:
    """SIGTERM and SIGHUP end the install as Ctrl-C does: with all that it started."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Install everything the project needs into its own folder.")
    parser.add_argument("--browser", action="store_true", help="also see to the Chromium that the browser tests drive")
    options = parser.parse_args(arguments)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    end_like_ctrl_c()
    try:
        check_python()
        with only_one(ROOT / ".build" / "install.lock", say):
            Installer(say).run()
            if options.browser:
                install_browser(say)
    except InstallError as error:
        say(f"install: {error}")
        return 1
    except OSError as error:
        say(f"install: {error.strerror or error}: {error.filename or ''} (mend it and run `make` again)")
        return 1
    except KeyboardInterrupt:
        say("install: interrupted; run `make` again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
