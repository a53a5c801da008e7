# SPDX-License-Identifier: Apache-2.0
"""`manage.py audit <slug>`: every act and refusal with what it can be checked by, as JSON for auditors."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.chain.address import checksum
from governance.models import Act, Cursor, Dao, OnchainCheck, PolicyVersion, RefusedAct, SyncIncident


def audit(dao: Dao) -> dict[str, Any]:
    """The DAO's policies, acts, refusals, checks and open incidents; amounts as text, addresses checksummed."""
    return {
        "dao": dao.slug,
        "chain_id": dao.chain_id,
        "read_to_block": Cursor.objects.get(dao=dao).next_block - 1,
        "policies": [
            {
                "policy_id": "0x" + policy.policy_id.hex(),
                "version": policy.version,
                "agent": checksum(policy.agent),
                "codehash": "0x" + policy.codehash.hex(),
                "code_read": bool(policy.code),
                "transaction": "0x" + policy.log.transaction_hash.hex(),
            }
            for policy in PolicyVersion.objects.filter(dao=dao).select_related("log").order_by("log_id")
        ],
        "acts": [
            {
                "policy_id": "0x" + act.policy_id.hex(),
                "version": act.version,
                "number": act.number,
                "status": act.status,
                "agent": checksum(act.agent),
                "decision": "0x" + act.decision.hex(),
                "calls": [
                    {"target": checksum(c.target), "value_wei": str(c.value_wei), "calldata": "0x" + c.calldata.hex()}
                    for c in act.calls.all()
                ],
                "block": act.log.block_number,
                "transaction": "0x" + act.log.transaction_hash.hex(),
                "final_transaction": "0x" + act.final_log.transaction_hash.hex() if act.final_log else None,
            }
            for act in Act.objects.filter(dao=dao)
            .select_related("log", "final_log")
            .prefetch_related("calls")
            .order_by("log__block_number", "log__log_index")
        ],
        "refusals": [
            {
                "transaction": "0x" + refused.transaction_hash.hex(),
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
                {"subject": c.subject, "chain": c.chain_says, "mirror": c.mirror_says, "block": c.block_number}
                for c in OnchainCheck.objects.filter(dao=dao, matched=False)
            ],
        },
        "open_incidents": [
            {"kind": incident.kind, "detail": incident.detail}
            for incident in SyncIncident.objects.filter(dao=dao, resolved_at=None).exclude(kind="reorg")
        ],
    }


class Command(BaseCommand):
    help = "Print a DAO's policies, acts, refusals and checks as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")

    def handle(self, slug: str, **_options: Any) -> None:
        dao = Dao.objects.filter(slug=slug).first()
        if dao is None:
            raise CommandError(f"there is no DAO {slug!r} in the mirror")
        self.stdout.write(json.dumps(audit(dao), indent=2))
