# SPDX-License-Identifier: Apache-2.0
"""`manage.py demo`: the whole product on this machine, filled, until Ctrl-C."""

import signal
import sys
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from dao.local.demo import Demo, greeting
from dao.local.founding import FoundingError
from dao.local.stack import Stack, StackError
from dao.local.wallet import ChainError, Reverted


class Command(BaseCommand):
    help = "Runs the whole product on this machine, with a DAO full of life, until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, help="the web server's port (else MANDATE_PORT, else a free one)")

    def handle(self, *_: Any, port: int | None, **__: Any) -> None:
        began = time.monotonic()
        asked_to_end = threading.Event()

        def say(line: str) -> None:
            print(f"[{time.monotonic() - began:5.1f} s] {line}", file=sys.stderr, flush=True)

        def end(_number: int, _frame: Any) -> None:
            """The first signal begins the end (also in the middle of a start); a second one changes nothing."""
            if asked_to_end.is_set():
                return
            asked_to_end.set()
            if not ready:
                raise _Ended

        ready = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, end)
        stack = Stack(settings.STATE_DIR, say=say, port=port)
        try:
            stack.start()
            Demo(stack, say).fill()
            ready = True
            print(greeting(stack), flush=True)
            asked_to_end.wait()
        except _Ended:
            pass
        except (StackError, FoundingError, ChainError, Reverted) as error:
            asked_to_end.set()  # from here on Ctrl-C must not break the stop
            print(f"demo: {error}", file=sys.stderr)
            sys.exit(1)
        finally:
            asked_to_end.set()
            say("Stopping ...")
            stack.stop()
            say("Stopped; nothing is left running.")


class _Ended(Exception):
    """The user asked to end before everything was up."""
