# SPDX-License-Identifier: Apache-2.0
"""`manage.py replay FOLDER...`: recorded events through the real sync, in a database of their own."""

import json
import signal
import time
from argparse import ArgumentTypeError
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.chain.rpc import RpcError
from replay.faults import mix
from replay.recording import BadRecording, load
from replay.run import ReplayStopped, Report, replay
from replay.scratch import NoDatabase, temporary_database


class Command(BaseCommand):
    help = (
        "Serves folders of recorded events (<chain id>/<contract>/<event signature>.csv) from a replay node, reads "
        "them with the real sync into a temporary database, and prints counts and tallies. Needs no service."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
        parser.add_argument(
            "--faults", type=int, metavar="SEED",
            help="serve from two nodes at which everything goes wrong now and then, one of which lies; by this seed",
        )  # fmt: skip
        parser.add_argument(
            "--quorum", type=_units, metavar="UNITS",
            help="the quorum of all proposals, in base units of the votes token: no log says it, and what carried is "
            "Unknown without it",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")

    def handle(self, *, folders: list[Path], json: bool, faults: int | None, quorum: int | None, **_: Any) -> None:
        # SIGTERM ends like Ctrl-C, so that the temporary database is removed either way.
        signal.signal(signal.SIGTERM, _interrupt)
        started = time.monotonic()
        say = (lambda _: None) if json else self.stderr.write
        try:
            recordings = load(folders)  # first: a broken folder is told before a database is made for it
            reading_s = time.monotonic() - started
            with temporary_database():
                nodes = () if faults is None else mix(faults)
                report = replay(recordings, say, nodes=nodes, seed=faults or 0, quorum_votes=quorum)
            report.timing.reading_s = reading_s
        except (BadRecording, ReplayStopped, NoDatabase, RpcError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("interrupted; nothing was kept", returncode=130) from None
        if json:
            self.stdout.write(_dumps(report.as_json()))
        else:
            self._show(report, time.monotonic() - started)

    def _show(self, report: Report, seconds: float) -> None:
        for contract in report.contracts:
            self.stdout.write(f"\nchain {contract['chain_id']}, {contract['kind']} {contract['address']}")
            for event, count in contract["events"].items():
                self.stdout.write(f"  {count:>7}  {event}")
            kinds = ", ".join(f"{count} {kind}" for kind, count in contract["kinds"].items())
            proposals = f"{contract['proposals']} proposals" + (f" ({kinds})" if kinds else "")
            self.stdout.write(f"  {proposals}, {contract['votes']} votes")
            for proposal_id, tally in contract["tallies"].items():
                if tally["votes"]:
                    self.stdout.write(
                        f"  proposal {proposal_id}: for {tally['for']}, against {tally['against']}, "
                        f"abstain {tally['abstain']} ({tally['votes']} votes)"
                    )
                    for option, weight in tally.get("options", {}).items():
                        self.stdout.write(f"    option {option}: {weight}")
            for state, count in sorted(Counter(map(_said, contract.get("states", {}).values())).items()):
                self.stdout.write(f"  {count:>7}  {state}, at block {contract['state_block']}")
            if contract["power"]["pairs"]:
                broken = contract["power"]["breaks"]
                pairs = contract["power"]["pairs"]
                self.stdout.write(f"  {pairs - len(broken)} of {pairs} checkpoints begin where the last one ended")
            for event, count in contract["kept_raw_only"].items():
                self.stdout.write(f"  {count} {event} kept as raw logs only: no projection reads this event yet")
            for gap in contract["gaps"]:
                self.stdout.write(f"  gap: {gap['problem']}: {gap['proposal_id']}")
            for incident in contract["incidents"]:
                self.stdout.write(f"  incident: {incident['kind']}: {incident['detail']}")
            self.stdout.write(f"  against the chain: {contract['checked']}")
        timing = report.timing
        self.stdout.write(
            f"\n{timing.logs} events: read in {timing.reading_s:.2f} s, synced in {timing.sync_s:.2f} s, "
            f"{seconds:.1f} s in all, {report.repeated} steps done again. "
            "Block hashes and unrecorded times are made up."
        )


def _said(state: dict[str, str]) -> str:
    missing = state.get("not_recorded")
    return f"{state['state']} (not recorded: {missing})" if missing else state["state"]


def _units(text: str) -> int:
    if not text.isdecimal() or len(text) > 78 or int(text) >> 256:
        raise ArgumentTypeError("a quorum is a whole number of base units")
    return int(text)


def _dumps(value: Any) -> str:
    return json.dumps(value, indent=2)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
