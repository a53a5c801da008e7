# SPDX-License-Identifier: Apache-2.0
"""`manage.py audit <slug>`: the mirror held against the chain, and what differs. Exit status 1 where anything does.

With `--record`, every act and refusal with what it can be checked by, as JSON for auditors, in place of asking.
"""

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance import endpoints, incidents, module_search, reconcile
from governance.chain.address import checksum
from governance.chain.rpc import Rpc, RpcError
from governance.clock_check import hold_clock
from governance.models import (
    Act,
    Block,
    Contract,
    Cursor,
    Dao,
    OnchainCheck,
    PolicyVersion,
    RefusedAct,
    SyncIncident,
    chain_order,
)
from governance.probing import probe_again
from governance.register import about_read_token
from policies.notation.hexadecimal import hex_text


def audit(dao: Dao) -> dict[str, Any]:
    """The DAO's policies, acts, refusals, checks and open incidents; amounts as text, addresses checksummed."""
    return {
        "dao": dao.slug,
        "chain_id": dao.chain_id,
        "read_to_block": Cursor.objects.get(dao=dao).next_block - 1,
        "finality_depth_blocks": dao.chain.depth_blocks,
        "deepest_reorg_blocks": dao.chain.deepest_reorg_blocks,
        "policies": [
            {
                "policy_id": hex_text(policy.policy_id),
                "version": policy.version,
                "agent": checksum(policy.agent),
                "codehash": hex_text(policy.codehash),
                "code_read": bool(policy.code),
                "transaction": hex_text(policy.log.transaction_hash),
            }
            for policy in PolicyVersion.objects.filter(dao=dao).select_related("log").order_by("log_id")
        ],
        "acts": [
            {
                "policy_id": hex_text(act.policy_id),
                "version": act.version,
                "number": act.number,
                "status": act.status,
                "agent": checksum(act.agent),
                "decision": hex_text(act.decision),
                "calls": [
                    {"target": checksum(c.target), "value_wei": str(c.value_wei), "calldata": hex_text(c.calldata)}
                    for c in act.calls.all()
                ],
                "block": act.log.block_number,
                "transaction": hex_text(act.log.transaction_hash),
                "final_transaction": hex_text(act.final_log.transaction_hash) if act.final_log else None,
            }
            for act in Act.objects.filter(dao=dao)
            .select_related("log", "final_log")
            .prefetch_related("calls")
            .order_by(*chain_order("log__"))
        ],
        "refusals": [
            {
                "transaction": hex_text(refused.transaction_hash),
                "block": refused.block_number,
                "sender": checksum(refused.sender),
                "reason": refused.reason,
                "clause": refused.clause,
            }
            for refused in RefusedAct.objects.filter(dao=dao).order_by("block_number", "pk")
        ],
        "checks": {
            "matched": OnchainCheck.objects.filter(dao=dao, matched=True).count(),
            "differing": [
                {
                    "subject": c.subject,
                    "chain": c.chain_says,
                    "other_node": c.other_says or None,
                    "mirror": c.mirror_says,
                    "block": c.block_number,
                }
                for c in OnchainCheck.objects.filter(dao=dao).differing()
            ],
        },
        "open_incidents": [
            {"kind": incident.kind, "detail": incident.detail}
            for incident in SyncIncident.objects.filter(dao=dao, resolved_at=None).exclude(kind=incidents.Kind.REORG)
        ],
    }


_TRIES = 5


class Command(BaseCommand):
    help = (
        "Hold a DAO's mirror against its chain at the block that was read last: every proposal's state, votes and "
        "quorum, accounts' power, voters' when the vote began, policies and pauses. Exit status 1 where any differs."
    )

    changed: Sequence[str] = ()
    clock: str | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument(
            "--rpc", metavar="URL", action="append", default=[], help="a node to ask (default: MANDATE_RPC_URLS)"
        )
        parser.add_argument(
            "--most", type=int, default=5000, metavar="N",
            help="accounts whose power is asked about, those that changed last, and as many of the newest votes "
            "(default: 5000)",
        )  # fmt: skip
        parser.add_argument(
            "--record", action="store_true", help="print acts, refusals and checks as JSON; asks no node"
        )

    def handle(self, slug: str, **options: Any) -> None:
        dao = Dao.objects.filter(slug=slug).first()
        if dao is None:
            raise CommandError(f"there is no DAO {slug!r} in the mirror")
        if options["record"]:
            self.stdout.write(json.dumps(audit(dao), indent=2))
            return
        urls = options["rpc"]
        nodes: list[str] = []
        try:
            if urls:
                found = self._ask(dao, Rpc(urls, dao.chain_id), options["most"])
            else:
                with endpoints.known(dao.chain_id) as rpc:
                    found = self._ask(dao, rpc, options["most"])
                nodes = endpoints.told(rpc)
        except RpcError as error:
            raise CommandError(f"the chain could not be asked: {error}") from None
        self._tell(dao, found)
        if (degraded := about_read_token(dao)) is not None:
            self.stdout.write(self.style.WARNING(str(degraded)))
        for candidate in module_search.not_followed(dao):
            self.stdout.write(self.style.WARNING(module_search.told(dao, candidate)))
        chain = dao.chain
        self.stdout.write(
            f"final after {chain.depth_blocks:,} blocks; deepest reorg seen {chain.deepest_reorg_blocks:,}"
        )
        for node in nodes:
            self.stdout.write(f"node {node}")
        if found.differing or self.clock:
            sys.exit(1)

    def _ask(self, dao: Dao, rpc: Rpc, most: int) -> reconcile.Reconciled:
        if Cursor.objects.get(dao=dao).head_hash is None:
            raise CommandError(f"nothing of {dao.slug} was read yet")
        # Not everything that changes has an event: how votes are counted, for one.
        if (governor := dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()) is not None:
            self.changed = probe_again(dao, rpc, governor)
        self.clock = hold_clock(dao, rpc)
        for _ in range(_TRIES):
            found = reconcile.reconcile(dao, rpc, whole=True, most=most)
            if found is not None:
                return found
        raise CommandError("the mirror moves on faster than the chain answers: stop the workers, or use a faster node")

    def _tell(self, dao: Dao, found: reconcile.Reconciled) -> None:
        rows = {
            check.subject: check for check in OnchainCheck.objects.filter(dao=dao, subject__in=list(found.subjects))
        }
        pinned = Block.objects.filter(dao=dao, number=found.block_number).first()
        at = f" ({hex_text(pinned.hash)})" if pinned else ""
        self.stdout.write(f"{dao.slug} against chain {dao.chain_id} at block {found.block_number:,}{at}")
        asked, differing, silent = (
            Counter(map(_sort_of, subjects)) for subjects in (found.subjects, found.differing, found.unanswered)
        )
        for sort in _SORTS:
            if asked[sort]:
                said = f"{asked[sort] - silent[sort]:>7,} asked  {differing[sort]:>5,} differ"
                self.stdout.write(
                    f"  {sort:<9}{said}" + (f"  {silent[sort]:,} the chain does not answer" if silent[sort] else "")
                )
        for subject in found.differing:
            check = rows[subject]
            self.stdout.write(self.style.ERROR(f"differs: {subject}: {check.words}"))
        for name in self.changed:
            self.stdout.write(self.style.WARNING(f"changed: the governor's {name.replace('_', ' ')}, asked again"))
        if self.clock:
            self.stdout.write(self.style.ERROR(f"differs: {self.clock}"))
        elif not found.differing:
            self.stdout.write(self.style.SUCCESS("nothing differs") if found.checked else "nothing was asked")


_SORTS = ("state", "votes", "quorum", "power", "policies")


def _sort_of(subject: str) -> str:
    what, _, rest = subject.partition(":")
    return rest.rpartition(":")[2] if what == "proposal" else "power" if what == "power" else "policies"
