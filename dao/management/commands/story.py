# SPDX-License-Identifier: Apache-2.0
"""`manage.py story [--json]`: play the whole story on an embedded stack of its own."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dao.local.ending import ending_once
from dao.local.story.run import run


class Command(BaseCommand):
    help = "Play the story: the whole product on an embedded stack in a temporary place, each step with its evidence."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
        parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the state in this folder, to look at it")

    def handle(self, *_args: Any, **options: Any) -> None:
        def out(line: str) -> None:
            self.stdout.write(line)
            self.stdout.flush()

        with ending_once() as begin_end:
            status = run(as_json=options["json"], out=out, begin_end=begin_end, keep=options["keep"])
        sys.exit(status)
