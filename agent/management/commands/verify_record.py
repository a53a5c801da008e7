# SPDX-License-Identifier: Apache-2.0
"""`manage.py verify_record <hash | file>`: recompute a decision record and hold it against the chain."""

import json
import re
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent.acts import provenance, verifying, verifying_links
from governance.chain.rpc import Rpc, RpcError
from governance.models import Contract
from policies.notation.hexadecimal import hex_bytes

_HASH = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_MOST_BYTES = 4 * 2**20
_MARKS = {True: "ok", False: "FAILED", None: "not checked"}


class Command(BaseCommand):
    """Prints each check; exit status 0 when all that could be checked holds, else 1."""

    help = (
        "Verify a decision record: every hash, the signature, the evaluation, the links, and that the act on chain "
        "with this decision made exactly these calls."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("record", help="a record's hash, or a file that holds the record (as /records/<hash>.json)")
        parser.add_argument("--rpc", action="store_true", help="ask the chain's configured nodes too")
        parser.add_argument(
            "--offline",
            action="store_true",
            help="no mirror and no database: the document alone, and (--rpc) the chain",
        )
        parser.add_argument("--json", action="store_true", help="print the checks as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            text = _read(options["record"])
            record = provenance.load(text)
        except provenance.RecordError as error:
            raise CommandError(f"{options['record'][:100]}: {error}") from error
        checks = list(verifying.verify_document(record, text))
        if all(check.ok is not False for check in checks):
            first_block = 0  # a search from there on takes longer, and finds the same
            if not options["offline"]:
                checks += verifying_links.verify_against_mirror(record)
                first_block = _first_block(record)
            if options["rpc"]:
                checks += _ask(record, first_block)
        good = all(check.ok is not False for check in checks)
        verdict = "accepted" if good else "REJECTED: " + ", ".join(c.name for c in checks if c.ok is False)
        if options["json"]:
            items = [{"check": c.name, "ok": c.ok, "detail": c.detail} for c in checks]
            self.stdout.write(json.dumps({"accepted": good, "hash": record.get("hash"), "checks": items}, indent=1))
        else:
            for check in checks:
                self.stdout.write(f"{_MARKS[check.ok]:>11}  {check.name}: {check.detail}")
            self.stdout.write(f"record {record.get('hash')}: {verdict}")
        if not good:
            raise SystemExit(1)


def _first_block(record: dict[str, Any]) -> int:
    """The block from which the mirror reads the record's policy module on; 0 where it does not know the module."""
    address = hex_bytes(record["actions"]["module"])
    module = Contract.objects.filter(kind=Contract.Kind.MODULE, address=address).first()
    return module.start_block if module else 0


def _ask(record: dict[str, Any], first_block: int) -> list[verifying.Check]:
    try:
        rpc = Rpc.for_chain(int(record["message"]["chainId"]))
        return list(verifying_links.verify_against_chain(record, rpc, first_block))
    except RpcError as error:
        return [verifying.Check("act on chain", None, str(error))]


def _read(name: str) -> bytes:
    """The record's text. A hash is looked up here, anything else is a file. Raises RecordError."""
    if _HASH.fullmatch(name):
        text = provenance.public_json(bytes.fromhex(name.removeprefix("0x")))
        if text is None:
            raise provenance.RecordError("no record with this hash is known here")
        return text
    try:
        path = Path(name)
        if path.stat().st_size > _MOST_BYTES:
            raise provenance.RecordError("larger than any record")
        return path.read_bytes()
    except OSError as error:
        raise provenance.RecordError(f"can't be read: {error.strerror}") from error
