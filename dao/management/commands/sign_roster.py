# SPDX-License-Identifier: Apache-2.0
"""`manage.py sign_roster <dao> <policy>`: what an operator signs about who is paid what, and taking in what was signed.

Without --accept it reads `[{"name", "address", "asset", "amount"}]` (amounts per month in base units, as text) from
standard input and prints the EIP-712 document for the operator's wallet. With --accept it reads
`{"typed_data", "signature"}`, checks it against the policy in force and stores the roster.
"""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from eth_utils import keccak

from agent import rosters
from agent.policy import NoPolicyInForce, chain_now_s
from governance.chain.address import BadAddress, to_bytes
from governance.models import Dao

MAXIMUM_INPUT = 1_000_000
LIFE_S = 365 * 86_400


class Command(BaseCommand):
    help = "Composes the roster that a policy's operator signs (standard input to standard output), or takes it in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dao", help="the DAO's name in addresses of pages")
        parser.add_argument("policy", help="the policy's name")
        parser.add_argument("--accept", action="store_true", help="read a signed roster and store it")

    def handle(self, *_: Any, dao: str, policy: str, accept: bool, **__: Any) -> None:
        try:
            mirrored = Dao.objects.get(slug=dao)
            given = json.loads(sys.stdin.read(MAXIMUM_INPUT))
            if accept:
                roster = rosters.accept(mirrored, given)
                self.stdout.write(f"roster {roster.serial} of {policy} is in use")
                return
            lines = [
                rosters.Line(row["name"], to_bytes(row["address"]), to_bytes(row["asset"]), int(row["amount"]))
                for row in given
            ]
            expires_chain_s = chain_now_s(mirrored) + LIFE_S
            document = rosters.typed_data(mirrored, keccak(text=policy), lines, expires_chain_s=expires_chain_s)
            self.stdout.write(json.dumps(document))
        except Dao.DoesNotExist:
            raise CommandError(f"there is no DAO {dao!r} in the mirror: take it in with `manage.py add_dao`") from None
        except (rosters.RosterError, NoPolicyInForce, BadAddress) as error:
            raise CommandError(str(error)) from None
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"the input can't be used ({type(error).__name__}: {error})") from None
