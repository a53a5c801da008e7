# SPDX-License-Identifier: Apache-2.0
"""`manage.py demo_reset`: forgets the demo's data."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from dao.local.state_folder import forget
from embedded.supervisor import StackError


class Command(BaseCommand):
    help = "Deletes the demo's state folder; refuses while the demo runs."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        try:
            was_there = forget(settings.STATE_DIR)
        except StackError as error:
            print(f"demo-reset: {error}", file=sys.stderr)
            sys.exit(1)
        print("The demo's data is deleted." if was_there else "There is no demo's data to delete.")
