# SPDX-License-Identifier: Apache-2.0
"""`manage.py flags`: the page of all flags, in Markdown. docs/flags.md is what it prints."""

from typing import Any

from django.core.management.base import BaseCommand

from agent.understanding.flags.page import text


class Command(BaseCommand):
    """Needs no database."""

    help = "Print docs/flags.md: each flag with its severity, its words and its evidence."
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(text(), ending="")
