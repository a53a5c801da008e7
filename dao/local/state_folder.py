# SPDX-License-Identifier: Apache-2.0
"""The state folder: everything that an instance remembers. Makes it, holds its lock, deletes it."""

import fcntl
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from dao.local.install import InstallError, check_disk
from dao.local.people import write_secret
from embedded import postgres
from embedded.supervisor import StackError

MARKER = "mandate-state"  # in every state folder; a folder without it is never deleted


def make(state_dir: Path) -> None:
    """Make the folder if it is absent; raises StackError when it can't be made, is not ours, or the disk is full."""
    try:
        check_disk(_existing(state_dir))
    except InstallError as error:
        raise StackError(str(error)) from None
    new = not state_dir.exists()
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StackError(
            f"{state_dir} can't be made ({error.strerror}): set MANDATE_STATE_DIR to another folder."
        ) from None
    if not new and not (state_dir / MARKER).exists() and any(state_dir.iterdir()):
        raise StackError(f"{state_dir} is not empty and not a state folder of Mandate: choose another one.")


def hold_state(state_dir: Path) -> Any:
    """The lock of a state folder, held until closed or the process ends. Raises StackError while another holds it."""
    lock = (state_dir / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StackError(
            f"The stack of {state_dir} runs already (process {holder}): stop it with Ctrl-C there, "
            "or set MANDATE_STATE_DIR to another folder."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def lay_out(state_dir: Path) -> None:
    """Make the folders within, by whoever holds the lock."""
    if os.geteuid() == 0:
        state_dir.chmod(0o711)  # PostgreSQL runs as nobody and must get through to its own folder
    (state_dir / MARKER).touch()
    for name in ("logs", "mail", "run", "broker", "chain"):
        (state_dir / name).mkdir(mode=0o700, exist_ok=True)
    for leftover in (state_dir / "run").iterdir():
        leftover.unlink()


def write_secrets(state_dir: Path, broker_port: int) -> None:
    """Write the files that hold the instance's secrets; those that are there already stay as they are."""
    for name in ("secret_key", "broker_password", "model_api_key"):
        if not (state_dir / name).exists():
            write_secret(state_dir / name, secrets.token_urlsafe(36))
    password = (state_dir / "broker_password").read_text()
    write_secret(state_dir / "broker_url", f"redis://:{password}@127.0.0.1:{broker_port}/0")
    lines = [
        "bind 127.0.0.1", f"port {broker_port}", f"requirepass {password}", "protected-mode yes",
        f'dir "{state_dir / "broker"}"', "appendonly yes", "appendfsync everysec", 'save ""', "daemonize no",
    ]  # fmt: skip
    write_secret(state_dir / "broker.conf", "\n".join(lines) + "\n")


def forget(state_dir: Path) -> bool:
    """Delete an instance's whole state; False when there is none. Raises StackError while it runs."""
    state_dir = state_dir.resolve()
    if not state_dir.exists():
        return False
    if not (state_dir / MARKER).exists():
        raise StackError(f"{state_dir} is not a state folder of Mandate; nothing was deleted.")
    with hold_state(state_dir):
        cluster = postgres.place_for(state_dir / "postgres")
        shutil.rmtree(cluster, ignore_errors=not cluster.exists())
        cluster.with_suffix(".of").unlink(missing_ok=True)
        for entry in sorted(state_dir.iterdir(), key=lambda entry: entry.name == MARKER):  # the marker last
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        state_dir.rmdir()
    return True


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
