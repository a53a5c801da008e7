# SPDX-License-Identifier: Apache-2.0
"""`manage.py gaps [slug]`: what the mirror knows that it does not know. Exit status 1 where there is anything."""

import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Case, Count, When

from governance import incidents
from governance.models import Cursor, Dao, PolicyVersion, Proposal, RawLog, ScannedRange, SyncIncident, Vote
from governance.projections import events
from governance.projections.events import Kind
from policies.notation.hexadecimal import hex_text


def gaps_of(dao: Dao) -> list[str]:
    """One sentence per gap: blocks not read, proposals never seen, logs not understood, code and quorums not read."""
    cursor = Cursor.objects.get(dao=dao)
    found = []
    for contract in dao.contracts.all():
        next_block = contract.start_block
        for read in ScannedRange.objects.filter(contract=contract).order_by("first_block"):
            if read.first_block > next_block:
                found.append(f"{contract}: blocks {next_block} to {read.first_block - 1} were not read")
            next_block = max(next_block, read.last_block + 1)
        if next_block < cursor.next_block:
            found.append(f"{contract}: blocks {next_block} to {cursor.next_block - 1} were not read")
    unseen = Counter(Vote.objects.filter(dao=dao, proposal=None).values_list("onchain_proposal_id", flat=True))
    found += [f"proposal {i} has {n} votes and was never seen" for i, n in sorted(unseen.items())]
    # Referred to by other events: queued, executed, canceled, extended.
    open_gaps = SyncIncident.objects.filter(dao=dao, kind=incidents.Kind.GAP, resolved_at=None)
    for gap in open_gaps.order_by("first_block", "pk"):
        if int(gap.facts["proposal_id"]) not in unseen:
            found.append(
                f"proposal {gap.facts['proposal_id']} is named from block {gap.first_block} on, and never seen"
            )
    for contract in dao.contracts.filter(kind__in=[Kind.GOVERNOR, Kind.TIMELOCK, Kind.MODULE]):
        understood = events.layouts(Kind(contract.kind))
        unknown: Counter[str] = Counter()
        given = sum(Case(When(**{f"topic{n}__isnull": False}, then=1), default=0) for n in range(4))
        logs = RawLog.objects.filter(dao=dao, address=contract.address).annotate(given=given)
        for topic0, topics, count in logs.values_list("topic0", "given").annotate(Count("pk")).order_by("topic0"):
            if topic0 is None or (bytes(topic0), topics) not in understood:
                unknown[hex_text(bytes(topic0)) if topic0 else "anonymous"] += count
        found += [f"{contract}: {n} logs of the unknown event {topic} are kept raw" for topic, n in unknown.items()]
    for incident in SyncIncident.objects.filter(dao=dao, kind=incidents.Kind.UNDECODABLE, resolved_at=None):
        found.append(incident.detail)
    for policy in PolicyVersion.objects.filter(dao=dao, code=b""):
        found.append(f"the code of {policy} was not read")
    open_quorums = Proposal.objects.filter(dao=dao, quorum_votes=None).count()
    if open_quorums:
        found.append(f"{open_quorums} proposals whose quorum the chain has not told")
    return found


class Command(BaseCommand):
    help = "Say what is missing in the mirror; exit status 1 where anything is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?")

    def handle(self, slug: str | None, **_options: Any) -> None:
        daos = Dao.objects.filter(slug=slug) if slug else Dao.objects.order_by("slug")
        if slug and not daos:
            raise CommandError(f"there is no DAO {slug!r} in the mirror")
        anything = False
        for dao in daos:
            found = gaps_of(dao)
            anything |= bool(found)
            for gap in found or ["no gaps"]:
                self.stdout.write(f"{dao.slug}: {gap}")
        if anything:
            sys.exit(1)
