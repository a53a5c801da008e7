# SPDX-License-Identifier: Apache-2.0
"""`manage.py doctor [slug]...`: how the mirror of each DAO is. Exit status 1 where something is wrong."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.doctor import Level, findings_of
from governance.models import Dao


class Command(BaseCommand):
    help = (
        "Say of each DAO's mirror how far it has read and when, how its nodes are, what is open, unconfirmed or "
        "degraded. Reads the database alone. Exit status 1 where something is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="DAO", help="of these DAOs only")

    def handle(self, *, slugs: list[str], **_options: Any) -> None:
        daos = list(Dao.objects.select_related("chain").order_by("slug"))
        if unknown := set(slugs) - {dao.slug for dao in daos}:
            raise CommandError(f"there is no DAO {min(unknown)!r} in the mirror")
        chosen = [dao for dao in daos if not slugs or dao.slug in slugs]
        if not chosen:
            raise CommandError("no DAO is mirrored: `add_dao` takes one in")
        wrong = 0
        for dao in chosen:
            found = findings_of(dao)
            wrong += sum(one.level is Level.WRONG for one in found)
            self.stdout.write(f"{dao.slug}, chain {dao.chain}")
            styles = {Level.WRONG: self.style.ERROR, Level.NOTE: self.style.WARNING, Level.OK: str}
            for one in found:
                self.stdout.write(styles[one.level](f"  {one.level:<6}{one.subject:<17}{one.words}"))
        if wrong:
            self.stdout.write(f"{wrong} wrong")
            sys.exit(1)
        self.stdout.write("nothing is wrong")
