# SPDX-License-Identifier: Apache-2.0
"""`manage.py rebuild <slug>`: drop a DAO's projections and make them anew from its raw logs. Asks no node.

In one transaction: pages read the old projections until the new ones are there, all at once.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.audit_log import Action, record
from governance.models import Dao, RawLog
from governance.projections import again
from governance.sync.fence import hold


class Command(BaseCommand):
    help = "Make a DAO's projections anew from its raw logs, in one transaction: pages show the old ones meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")

    def handle(self, slug: str, **_options: Any) -> None:
        dao = Dao.objects.filter(slug=slug).first()
        if dao is None:
            raise CommandError(f"there is no DAO {slug!r} in the mirror")
        with hold(dao, wait=True) as writer:
            if writer is None:
                raise CommandError("another worker writes this DAO: try again")
            with writer.transaction():
                unread = again.rebuild(dao)
                record(Action.MIRROR_REBUILT, dao)
        self.stdout.write(f"{slug}: projections made anew from {RawLog.objects.filter(dao=dao).count()} logs")
        for what, count in [*unread.undecodable.items(), *unread.unknown.items()]:
            self.stdout.write(f"  kept raw, not understood: {what} ({count})")
