# SPDX-License-Identifier: Apache-2.0
"""`<state folder>/env`: what a shell needs so that `manage.py` commands work on a running instance."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from dao.local.people import write_secret

NAME = "env"


def write(state_dir: Path, environment: Mapping[str, str], outside: Mapping[str, str], rpc_url: str) -> Path:
    """Write the instance's own part of an environment, and the node as RPC, readable by its owner alone.

    `outside` is what every process on this machine has; what is the same there is left out.
    """
    own = {name: value for name, value in sorted(environment.items()) if outside.get(name) != value}
    lines = [
        "# A shell against the running instance: `. "
        + str(state_dir / NAME)
        + "`, then .venv/bin/python manage.py ...",
        *(f"export {name}={shlex.quote(value)}" for name, value in own.items()),
        f"export RPC={shlex.quote(rpc_url)}",
    ]
    file = state_dir / NAME
    write_secret(file, "\n".join(lines) + "\n")
    return file


def forget(state_dir: Path) -> None:
    """Take the file away when the instance ends: its addresses are another's soon."""
    (state_dir / NAME).unlink(missing_ok=True)
