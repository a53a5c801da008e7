# SPDX-License-Identifier: Apache-2.0
"""`manage.py policy_document`: keep a policy's document by its hash, from a file or from another mirror."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from policies.files import FileProblem, read_text
from policies.notation.hexadecimal import hex_bytes, hex_text
from webapp.policies import texts


class Command(BaseCommand):
    help = "Keeps policy documents, which /policies/<hash>.yaml serves. Whoever gives one need not be trusted."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        publish = actions.add_parser("publish", help="keep the document in a file")
        publish.add_argument("file", help="a document that names nothing outside itself; - is standard input")
        fetch = actions.add_parser("fetch", help="fetch a document from another mirror and check its hash")
        fetch.add_argument("hash", help="the document hash in a policy's code")
        fetch.add_argument("--from", dest="mirror", required=True, metavar="URL", help="such as https://mirror.example")
        find = actions.add_parser("find", help="look for documents in proposals that were not searched yet")
        find.add_argument("--again", action="store_true", help="search every proposal once more, in several rounds")

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        try:
            if action == "publish":
                kept = texts.keep(read_text(options["file"]))
            elif action == "fetch":
                kept = _hash(options["hash"])
                texts.fetch(kept, options["mirror"])
            else:
                if options["again"]:
                    texts.search_again()
                self.stdout.write(f"{texts.find_in_proposals()} new documents")
                return
        except (FileProblem, texts.BadText) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"/policies/{hex_text(kept)}.yaml")


def _hash(text: str) -> bytes:
    try:
        found = hex_bytes(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise CommandError("a document hash is 0x and 64 hexadecimal digits")
    return found
