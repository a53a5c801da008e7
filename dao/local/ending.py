# SPDX-License-Identifier: Apache-2.0
"""How a command that supervises children ends: on the first signal, once, whatever is sent after it.

with ending_once() as begin_end:
    try:
        ...
    except KeyboardInterrupt: ...
    finally:
        begin_end()
        stack.stop()
"""

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def ending_once() -> Iterator[Callable[[], None]]:
    """Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt, the first of them only: a second one breaks off no ending.

    Calling what it yields begins the end without a signal. For the main thread.
    """
    begun = False

    def begin() -> None:
        nonlocal begun
        begun = True

    def end(_number: int, _frame: Any) -> None:
        if not begun:
            begin()
            raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in SIGNALS}
    try:
        yield begin
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
