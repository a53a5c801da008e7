# SPDX-License-Identifier: Apache-2.0
"""`manage.py demo`: the whole product on this machine, filled, until Ctrl-C."""

import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from dao.local.demo import Demo, greeting
from dao.local.ending import ending_once
from dao.local.founding import FoundingError
from dao.local.stack import Stack
from dao.local.wallet import ChainError, Reverted
from embedded.supervisor import StackError

# What can go wrong while it starts and fills, each with words that say what.
TROUBLE = (
    StackError, FoundingError, ChainError, Reverted,
    OSError, subprocess.TimeoutExpired, httpx.HTTPError, psycopg.Error,
)  # fmt: skip


class Command(BaseCommand):
    help = "Runs the whole product on this machine, with a DAO full of life, until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, help="the web server's port (else MANDATE_PORT, else a free one)")

    def handle(self, *_: Any, port: int | None, **__: Any) -> None:
        began = time.monotonic()

        def say(line: str) -> None:
            print(f"[{time.monotonic() - began:5.1f} s] {line}", file=sys.stderr, flush=True)

        with ending_once() as begin_end:
            stack = Stack(settings.STATE_DIR, say=say, port=port)
            try:
                stack.start()
                Demo(stack, say).fill()
                print(greeting(stack), flush=True)
                threading.Event().wait()
            except KeyboardInterrupt:
                pass
            except TROUBLE as error:
                begin_end()
                print(f"demo: {error}", file=sys.stderr)
                sys.exit(1)
            finally:
                begin_end()
                runs = bool(stack.pids)
                if runs:
                    say("Stopping ...")
                stack.stop()
                if runs:
                    say("Stopped; nothing is left running.")
