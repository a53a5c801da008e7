# SPDX-License-Identifier: Apache-2.0
"""`manage.py webhooks list` and `end`: what accounts have posted where, and ending a stranger's."""

from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser

from policies.notation.visible import one_line
from presentation.words import address_text
from webapp.mail import webhooks
from webapp.models import Webhook

FEWEST_REASON, MOST_REASON = 5, 300


class Command(BaseCommand):
    """For who runs the server. An address may hold a secret of its owner, so the host alone is shown."""

    help = "Webhooks of this site: lists them, and ends one whoever its owner is. Its owner's page says that it ended."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        listed = what.add_parser("list", help="list those that have not ended: number, DAO, owner, form, host, state")
        listed.add_argument("--dao", default="", help="those of one DAO, by its slug")
        end = what.add_parser("end", help="end one, delete its address and what waits to be sent")
        end.add_argument("number", type=int)
        end.add_argument("--because", required=True, help="why, for the audit log")

    def handle(self, *_: Any, what: str, **options: Any) -> None:
        if what == "list":
            self._list(options["dao"])
        else:
            self._end(options["number"], one_line(options["because"], MOST_REASON))

    def _list(self, slug: str) -> None:
        found = webhooks.active().select_related("dao").order_by("dao__slug", "pk")
        for hook in found.filter(dao__slug=slug) if slug else found:
            host = one_line(urlsplit(hook.url).hostname or "", 100)
            taken = f"last taken {hook.last_taken_at:%Y-%m-%d %H:%M} UTC" if hook.last_taken_at else "nothing taken yet"
            failed = f", {hook.failures} attempts failed since" if hook.failures else ""
            owner = address_text(bytes(hook.owner))
            self.stdout.write(f"{hook.pk}  {hook.dao.slug}  {owner}  {hook.form}  {host}  {taken}{failed}")

    def _end(self, number: int, because: str) -> None:
        if len(because) < FEWEST_REASON:
            raise CommandError(f"say why in {FEWEST_REASON} characters or more")
        hook = Webhook.objects.select_related("dao").filter(pk=number).first() if number < 2**63 else None
        if hook is None or hook.ended_at is not None:
            raise CommandError(f"there is no webhook {number} that has not ended")
        webhooks.end(hook, "hook_by_keeper", because)
        self.stdout.write(f"webhook {number} is ended")
