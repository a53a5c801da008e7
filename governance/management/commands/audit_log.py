# SPDX-License-Identifier: Apache-2.0
"""`manage.py audit_log verify|export`: who changed what on this site, as a chain of hashes."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.audit_log import Action, bundle, record, stored
from governance.audit_log.bundle import Checked, Entry
from policies.notation.hexadecimal import hex_text

_MOST_BYTES = 1_000_000_000


class Command(BaseCommand):
    help = "Check the log of who changed what on this site, or write it out as a bundle that can be checked elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        verify = what.add_parser("verify", help="check the chain of hashes; exit status 1 where it does not hold")
        verify.add_argument("--file", help="check this bundle, and ask no database (- reads standard input)")
        verify.add_argument(
            "--after", metavar="BUNDLE", help="an earlier bundle, kept elsewhere: the log must go on from it, unchanged"
        )
        verify.add_argument("--head", help="the hash that some entry must have: one noted before, 0x and 64 digits")
        export = what.add_parser("export", help="write a bundle to standard output")
        export.add_argument("--format", choices=("json", "csv"), default="json")
        export.add_argument("--from", dest="first", type=int, default=1, help="the number of the first entry")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["what"] == "export":
            self._export(options)
        else:
            self._verify(options)

    def _export(self, options: dict[str, Any]) -> None:
        first = max(1, options["first"])
        record(Action.LOG_EXPORTED, first=first, format=options["format"])
        entries = list(stored.entries(first))
        if options["format"] == "csv":
            self.stdout.write(bundle.as_csv(entries), ending="")
        else:
            self.stdout.write(json.dumps(bundle.as_bundle(entries), indent=1))

    def _verify(self, options: dict[str, Any]) -> None:
        if options["file"]:
            entries = _read(options["file"])
            found = _checked(entries)
        else:
            entries, found = None, stored.check_all()
        problem, earlier = found.problem, []
        if not problem and options["head"]:
            problem = _misses(options["head"], stored.entries() if entries is None else entries)
        if not problem and options["after"]:
            earlier = _read(options["after"])
            problem = _checked(earlier).problem and f"{options['after']} does not hold: {_checked(earlier).problem}"
            problem = problem or _differs(earlier, entries)
        if problem:
            self.stderr.write(f"the audit log does not hold: {problem}")
            sys.exit(1)
        self.stdout.write(f"the audit log holds: {found.entries} entries, head {hex_text(found.head)}")
        if entries and entries[0].number > 1:
            self.stdout.write(f"what came before entry {entries[0].number} is not in this bundle and was not checked")
            if not any(map(bundle.covers_number, entries)) and (not earlier or earlier[0].number > 1):
                self.stdout.write("its numbers are not proven: hashes of the older format do not cover them")
        if not options["head"] and not options["after"]:
            self.stdout.write("whether all of it was made anew can't be seen here: give --head or --after to see that")


def _read(name: str) -> list[Entry]:
    try:
        raw = sys.stdin.buffer.read(_MOST_BYTES) if name == "-" else Path(name).read_bytes()
        return bundle.read(json.loads(raw))
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error
    except bundle.BadBundle as error:
        raise CommandError(f"{name}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{name}: not JSON") from error


def _checked(entries: Sequence[Entry]) -> Checked:
    first = entries[0].number if entries else 1
    return bundle.check(entries, first=first, before=bundle.FIRST_PREV if first == 1 else None)


def _misses(head: str, entries: Any) -> str:
    wanted = head.lower().removeprefix("0x")
    return "" if any(entry.hash.hex() == wanted for entry in entries) else f"no entry has the hash {head[:70]}"


def _differs(earlier: Sequence[Entry], entries: Sequence[Entry] | None) -> str:
    """Why the log does not go on from an earlier bundle; empty where it does: the entries that both have are the same,
    or the first one follows the earlier bundle's last."""
    if not earlier:
        raise CommandError("the earlier bundle has no entries: there is nothing to compare with")
    first, last = earlier[0].number, earlier[-1].number
    if entries and entries[0].number == last + 1:
        follows = entries[0].prev_hash == earlier[-1].hash
        return "" if follows else f"entry {last + 1} does not follow the earlier bundle's last one"
    now = {entry.number: entry for entry in (stored.entries(first, last) if entries is None else entries)}
    begins = entries[0].number if entries and entries[0].number <= last else first
    for entry in earlier[max(0, begins - first) :]:
        if entry.number not in now:
            return f"entry {entry.number} of the earlier bundle is not there any more"
        if now[entry.number] != entry:
            return f"entry {entry.number} is another than in the earlier bundle"
    return ""
