# SPDX-License-Identifier: Apache-2.0
"""`manage.py demo_act TEMPLATE`: act a policy template out in the running demo, against stand-ins of ours."""

import json
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from dao.local.acting_out import TEMPLATES, ActingOut
from dao.local.demo import SLUG
from dao.local.founding import FoundingError
from dao.local.people import load_or_create
from dao.local.shell import NAME
from dao.local.wallet import ChainError, Node, Reverted, Wallet
from governance.models import Dao

_PAUSE_S = 0.5


class Command(BaseCommand):
    help = (
        "Acts a policy template out in the running demo: puts it in force by a vote, on stand-ins of the demo for "
        "other projects' contracts, and has the agent perform one act under it. Winds the local chain's clock by "
        "days, so that votes that are open end."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("template", choices=sorted(path.stem for path in TEMPLATES.glob("*.yaml")))

    def handle(self, *_: Any, template: str, **__: Any) -> None:
        folder = settings.STATE_DIR
        urls = settings.RPC_URLS.get(settings.LOCAL_CHAIN_ID) or []
        dao = Dao.objects.filter(slug=SLUG, chain_id=settings.LOCAL_CHAIN_ID).first() if urls else None
        if dao is None or not (folder / NAME).exists():
            raise CommandError(f"no demo runs here: `make demo`, then `. {folder / NAME}` in this shell")
        node = Node(urls[0])
        people = load_or_create(folder)
        contracts = json.loads((folder / f"deployment-{SLUG}.json").read_text())["contracts"]
        wallets = {name: Wallet.from_key(name, people[name].key, node) for name in people.addresses}
        acting = ActingOut(node, wallets, contracts, dao, folder, self.stdout.write, lambda: time.sleep(_PAUSE_S))
        try:
            request = acting.act_out(template)
        except (FoundingError, ChainError, Reverted) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(settings.ORIGIN + reverse("request", args=[dao.slug, request.pk]))
