# SPDX-License-Identifier: Apache-2.0
"""Chooses the loopback ports of an instance and remembers them in its state folder."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from embedded.process import free_port, is_port_free
from embedded.supervisor import StackError

NAMES = ("web", "postgres", "broker", "chain", "model", "mail")


def choose(state_dir: Path, asked: int | None, say: Callable[[str], None]) -> dict[str, int]:
    """The ports by name; the web server's is `asked`, `MANDATE_PORT`, the remembered one, or a free one."""
    file = state_dir / "ports.json"
    remembered: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    if asked is None and os.environ.get("MANDATE_PORT"):
        text = os.environ["MANDATE_PORT"]
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise StackError(f"MANDATE_PORT is {text!r}: set it to a port number between 1 and 65535.")
        asked = int(text)
    if asked is not None and not 0 < asked < 65536:
        raise StackError(f"The port {asked} does not exist: take a number between 1 and 65535.")
    if asked is not None and not is_port_free(asked):
        raise StackError(f"Port {asked} is taken: stop what uses it or set MANDATE_PORT to another one.")
    ports: dict[str, int] = {} if asked is None else {"web": asked}
    for name in NAMES:
        if name in ports:
            continue
        port = remembered.get(name)
        if port is not None and port not in ports.values() and is_port_free(port):
            ports[name] = port
            continue
        ports[name] = free_port(avoid={*ports.values(), *remembered.values()})
        if port is not None and name == "web":
            say(f"Port {port}, used before, is taken: the address is now http://127.0.0.1:{ports[name]}")
    half = file.with_suffix(".half")
    half.write_text(json.dumps(ports))
    half.replace(file)
    return ports
