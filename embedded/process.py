# SPDX-License-Identifier: Apache-2.0
"""Children that never outlive their parent, and ports that are free."""

import ctypes
import os
import random
import signal
import socket
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def set_death_signal(death_signal: int) -> None:
    """The kernel sends `death_signal` to this process when the thread that made it ends (Linux; elsewhere nothing)."""
    if _libc is not None and _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def die_with_parent(death_signal: int = signal.SIGKILL) -> Callable[[], None]:
    """A `preexec_fn` for `subprocess`. It runs after the change of user, which would clear the setting.

    The kernel watches the *thread* that started the child, so start children from a thread that lives as long as they.
    """
    parent = os.getpid()

    def before_exec() -> None:
        set_death_signal(death_signal)
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return before_exec


def is_port_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection in TIME_WAIT is no hindrance
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(*, avoid: frozenset[int] | set[int] = frozenset()) -> int:
    """A free loopback port below the ephemeral range, so that no outgoing connection takes it before it is used."""
    for _ in range(200):
        port = random.SystemRandom().randrange(20_000, 32_000)
        if port not in avoid and is_port_free(port):
            return port
    raise OSError("no free loopback port between 20000 and 32000")
