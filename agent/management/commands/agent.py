# SPDX-License-Identifier: Apache-2.0
"""`manage.py agent <what>`: rosters, requests, approvals and the kill switch, for the operator."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from agent import approvals, planner, requests, rosters
from agent.models import AgentHalt, Request
from agent.policy import NoPolicyInForce, chain_now_s
from governance.chain.address import BadAddress, to_bytes
from governance.models import Dao
from policies import encoding

_DAY_S = 86_400


class Command(BaseCommand):
    """The operator's side of the agent on a command line. Signing is done by the operator's wallet, not here."""

    help = "Rosters, requests, approvals and the kill switch of a DAO's agent."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)

        def command(name: str, text: str) -> CommandParser:
            sub = what.add_parser(name, help=text)
            sub.add_argument("--dao", required=True, help="the DAO's slug")
            return sub

        compose = command("roster-typed-data", "print what the operator signs (EIP-712), from a JSON list of entries")
        compose.add_argument("--policy", required=True, help="the policy's name")
        compose.add_argument("--days", type=int, default=365, help="how long it is good, from now (default 365)")
        compose.add_argument("--asset", help="the token's address, for entries that name none")
        compose.add_argument(
            "entries", help='file (or -) with [{"name": .., "address": .., "amount": "<base units>", "asset": ..}, ..]'
        )
        accept = command("roster-import", "verify and store a signed roster")
        accept.add_argument("signed", help='file (or -) with {"typed_data": .., "signature": "0x.."}')
        ask = command("request", "ask the agent for something")
        ask.add_argument("--policy", required=True, help="the policy's name")
        ask.add_argument("--by", required=True, help="the address that asks")
        ask.add_argument("--key", required=True, help="asking again with the same key is the same request")
        ask.add_argument("text")
        show = command("show", "print a request with its candidates and what may be approved")
        show.add_argument("request", type=int)
        approve = command("approve", "hand in the operator's signature over a candidate")
        approve.add_argument("request", type=int)
        approve.add_argument("candidate")
        approve.add_argument("signature")
        command("halts", "list what the kill switch stands for")
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
            rosters.RosterError,
            requests.RequestError,
            approvals.ApprovalError,
            NoPolicyInForce,
            BadAddress,
        ) as error:
            raise CommandError(str(error)) from error

    def _roster_typed_data(self, dao: Dao, options: dict[str, Any]) -> None:
        entries = _json(options["entries"])
        if not isinstance(entries, list):
            raise CommandError("the entries must be a JSON list")
        lines = [_line(entry, number, options["asset"]) for number, entry in enumerate(entries, 1)]
        expires = chain_now_s(dao) + options["days"] * _DAY_S
        document = rosters.typed_data(dao, encoding.policy_id(options["policy"]), lines, expires_chain_s=expires)
        self.stdout.write(json.dumps(document, indent=1))

    def _roster_import(self, dao: Dao, options: dict[str, Any]) -> None:
        roster = rosters.accept(dao, _json(options["signed"]))
        self.stdout.write(f"roster {roster.serial} accepted: {roster.entries.count()} entries, 0x{roster.digest.hex()}")

    def _request(self, dao: Dao, options: dict[str, Any]) -> None:
        request = requests.submit(
            dao, encoding.policy_id(options["policy"]), options["text"], to_bytes(options["by"]), options["key"]
        )
        self.stdout.write(f"request {request.pk}: {request.status}")

    def _show(self, dao: Dao, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(planner.describe(_request(dao, options["request"])), indent=1))

    def _approve(self, dao: Dao, options: dict[str, Any]) -> None:
        approvals.accept(_request(dao, options["request"]), options["candidate"], options["signature"])
        self.stdout.write("approved")

    def _halts(self, dao: Dao, _options: dict[str, Any]) -> None:
        for halt in AgentHalt.objects.filter(dao=dao, cleared_at=None):
            self.stdout.write(f"{halt.happened_at:%Y-%m-%d %H:%M:%S} UTC  {halt.reason}  {json.dumps(halt.facts)}")

    def _clear_halt(self, dao: Dao, options: dict[str, Any]) -> None:
        cleared = AgentHalt.objects.filter(dao=dao, cleared_at=None).update(
            cleared_at=timezone.now(), cleared_because=options["because"][:300]
        )
        self.stdout.write(f"{cleared} cleared")


def _request(dao: Dao, pk: int) -> Request:
    request = Request.objects.filter(dao=dao, pk=pk).select_related("dao", "module").first()
    if request is None:
        raise CommandError(f"{dao.slug} has no request {pk}")
    return request


def _json(name: str) -> Any:
    try:
        return json.loads(sys.stdin.read() if name == "-" else Path(name).read_text())
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{name} is not JSON: {error}") from error


def _line(entry: Any, number: int, asset: str | None) -> rosters.Line:
    if not isinstance(entry, dict) or not {"name", "amount"} <= set(entry) <= {
        "name",
        "address",
        "recipient",
        "amount",
        "asset",
    }:
        raise CommandError(f"entry {number} must have name, address and amount, and may have asset")
    token = entry.get("asset", asset)
    if token is None:
        raise CommandError(f"entry {number} names no asset: add it, or give --asset")
    amount = str(entry["amount"])
    if not amount.isascii() or not amount.isdigit():
        raise CommandError(f"entry {number}: the amount must be base units, as digits")
    return rosters.Line(
        str(entry["name"]), to_bytes(entry.get("recipient", entry.get("address"))), to_bytes(token), int(amount)
    )
