# SPDX-License-Identifier: Apache-2.0
"""`manage.py agent <what>`: requests, approvals and the kill switch, for the operator."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent.acts import approvals, ending, halts, submitting
from agent.acts.policy import NoPolicyInForce
from agent.acts.shown import shown
from agent.acts.words import reason_of
from agent.models import Request
from governance.chain.address import BadAddress, to_bytes
from governance.models import Dao
from policies.code import encoding


class Command(BaseCommand):
    """The operator's side of the agent on a command line. Signing is done by the operator's wallet, not here."""

    help = "Requests, approvals and the kill switch of a DAO's agent. Rosters: sign_roster."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)

        def command(name: str, text: str) -> CommandParser:
            sub = what.add_parser(name, help=text)
            sub.add_argument("--dao", required=True, help="the DAO's slug")
            return sub

        ask = command("request", "ask the agent for something")
        ask.add_argument("--policy", required=True, help="the policy's name")
        ask.add_argument("--by", required=True, help="the address that asks; unproven here, so the operator signs")
        ask.add_argument("--key", required=True, help="asking again with the same key is the same request")
        ask.add_argument("text")
        show = command("show", "print a request with its candidates and what may be approved")
        show.add_argument("request", type=int)
        approve = command("approve", "hand in the operator's signature over a candidate")
        approve.add_argument("request", type=int)
        approve.add_argument("candidate")
        approve.add_argument("signature")
        end = command("end", "end a request that no transaction was signed for")
        end.add_argument("request", type=int)
        command("halts", "list which kill switches are on, and why")
        stop = command("stop", "stop the agent at once: it signs nothing more for the DAO until clear-halt")
        stop.add_argument("--because", default="", help="why, for those who look")
        clear = command("clear-halt", "clear the kill switch, with the reason why that is safe")
        clear.add_argument("--because", required=True)

    def handle(self, *_args: Any, **options: Any) -> None:
        dao = Dao.objects.filter(slug=options["dao"]).select_related("chain").first()
        if dao is None:
            raise CommandError(f"no DAO is called {options['dao']!r}")
        what = getattr(self, "_" + options["what"].replace("-", "_"))
        try:
            what(dao, options)
        except (
            submitting.RequestError,
            approvals.ApprovalError,
            ending.EndingError,
            NoPolicyInForce,
            halts.HaltError,
            BadAddress,
        ) as error:
            raise CommandError(str(error)) from error

    def _request(self, dao: Dao, options: dict[str, Any]) -> None:
        request = submitting.submit(
            dao,
            encoding.policy_id(options["policy"]),
            options["text"],
            to_bytes(options["by"]),
            options["key"],
            signed_in=False,
        )
        self.stdout.write(f"request {request.pk}: {request.status}")

    def _show(self, dao: Dao, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(shown(_request(dao, options["request"]), public=False), indent=1))

    def _approve(self, dao: Dao, options: dict[str, Any]) -> None:
        approvals.accept(_request(dao, options["request"]), options["candidate"], options["signature"])
        self.stdout.write("approved")

    def _end(self, dao: Dao, options: dict[str, Any]) -> None:
        ending.end(_request(dao, options["request"]), None)
        request = _request(dao, options["request"])
        self.stdout.write(f"request {request.pk}: {request.status}. {reason_of(request)}")

    def _halts(self, dao: Dao, _options: dict[str, Any]) -> None:
        for halt in halts.standing(dao):
            since = f"{halt.happened_at:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{since}  {reason_of(halt)}  {json.dumps(halt.facts)}")

    def _clear_halt(self, dao: Dao, options: dict[str, Any]) -> None:
        self.stdout.write(f"{halts.start(dao, None, options['because'])} cleared")

    def _stop(self, dao: Dao, options: dict[str, Any]) -> None:
        self.stdout.write(str(reason_of(halts.stop(dao, None, options["because"]))))


def _request(dao: Dao, pk: int) -> Request:
    request = Request.objects.filter(dao=dao, pk=pk).select_related("dao", "module").first()
    if request is None:
        raise CommandError(f"{dao.slug} has no request {pk}")
    return request
