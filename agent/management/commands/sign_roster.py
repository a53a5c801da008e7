# SPDX-License-Identifier: Apache-2.0
"""`manage.py sign_roster <dao> <policy>`: compose what the operator signs, and take in what was signed.

Signing itself is the operator's wallet's: no key of hers is ever here.
"""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent.acts import rosters
from agent.acts.policy import NoPolicyInForce, chain_now_s
from governance.chain.address import BadAddress, to_bytes
from governance.models import Dao
from policies.code import encoding
from policies.notation.hexadecimal import hex_text

_DAY_S = 86_400
_MOST_CHARACTERS = 2**20


class Command(BaseCommand):
    """Prints EIP-712 typed data for a list of entries; with --accept, verifies and stores the signed roster."""

    help = "Print the typed data of a roster for the operator's wallet, or (--accept) store it once it is signed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dao", help="the DAO's slug")
        parser.add_argument("policy", help="the policy's name")
        parser.add_argument(
            "file",
            nargs="?",
            default="-",
            help='entries [{"name", "address", "amount" in base units as text, "asset"}, ..], or with --accept '
            '{"typed_data", "signature"}; - (the default) is standard input',
        )
        parser.add_argument("--accept", action="store_true", help="take in a signed roster")
        parser.add_argument("--days", type=int, default=365, help="how long the roster is good, from now (default 365)")
        parser.add_argument("--kind", choices=rosters.KINDS, help="paid each month, or names for one-off payments")
        parser.add_argument("--first-month", default="", help="the first month it is for, as 2026-11")
        parser.add_argument("--last-month", default="", help="the last month it is for")
        parser.add_argument(
            "--may-ask",
            help="who but the operator may have it paid by asking, with commas between: "
            f"{','.join(rosters.MAY_ASK)} (the default: all of them), or none",
        )
        parser.add_argument("--asset", help="the token's address, for entries that name none")

    def handle(self, *_args: Any, **options: Any) -> None:
        dao = Dao.objects.filter(slug=options["dao"]).select_related("chain").first()
        if dao is None:
            raise CommandError(f"no DAO is called {options['dao']!r}")
        policy_id = encoding.policy_id(options["policy"])
        given = _json(options["file"])
        try:
            if options["accept"]:
                roster = rosters.accept(dao, given, policy_id)
                count = roster.entries.count()
                self.stdout.write(f"roster {roster.serial} accepted: {count} entries, {hex_text(roster.digest)}")
                return
            if not isinstance(given, list):
                raise CommandError("the entries must be a JSON list")
            lines = [_line(entry, number, options["asset"]) for number, entry in enumerate(given, 1)]
            expires = chain_now_s(dao) + options["days"] * _DAY_S
            document = rosters.typed_data(dao, policy_id, lines, expires_chain_s=expires, rules=_rules(options))
        except (rosters.RosterError, NoPolicyInForce) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(document, indent=1))


def _rules(options: dict[str, Any]) -> rosters.Rules | None:
    """The rules that are asked for; None where none is, so that what was signed before stays what is signed."""
    given = (options["kind"], options["first_month"], options["last_month"], options["may_ask"])
    if not any(given):
        return None
    asked = options["may_ask"] or ",".join(rosters.MAY_ASK)
    may_ask = frozenset() if asked == "none" else frozenset(filter(None, asked.split(",")))
    return rosters.Rules(options["kind"] or rosters.MONTHLY, options["first_month"], options["last_month"], may_ask)


def _json(name: str) -> Any:
    try:
        text = sys.stdin.read(_MOST_CHARACTERS) if name == "-" else Path(name).read_text()
        return json.loads(text)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{name}: not JSON: {error}") from error


def _line(entry: Any, number: int, asset: str | None) -> rosters.Line:
    if not isinstance(entry, dict) or not {"name", "address", "amount"} <= set(entry) <= {
        "name",
        "address",
        "amount",
        "asset",
    }:
        raise CommandError(f"entry {number} must have name, address and amount, and may have asset")
    token = entry.get("asset", asset)
    if token is None:
        raise CommandError(f"entry {number} names no asset: add it, or give --asset")
    amount = entry["amount"]
    if not isinstance(amount, str) or not amount.isascii() or not amount.isdigit():
        raise CommandError(f"entry {number}: the amount must be base units, as digits in quotes")
    try:
        return rosters.Line(str(entry["name"]), to_bytes(entry["address"]), to_bytes(token), int(amount))
    except BadAddress as error:
        raise CommandError(f"entry {number}: {error.problem}") from error
