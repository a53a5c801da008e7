# SPDX-License-Identifier: Apache-2.0
"""What went wrong while a chain was read."""

from django.db import models

from governance.models.chains import Dao

__all__ = ["SyncIncident"]


class SyncIncident(models.Model):
    """Something that a person should see: a reorg, a reorg deeper than finality, a lying or failing node, a gap."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="incidents")
    kind = models.CharField(max_length=24)  # one of governance.incidents.Kind
    detail = models.TextField()
    detail_code = models.CharField(max_length=40, default="legacy")  # of governance.words, which words it
    detail_values = models.JSONField(default=dict)
    facts = models.JSONField(
        default=dict
    )  # e.g. {"from_block": .., "to_block": .., "dropped_logs": .., "dropped_votes": [...]}
    first_block = models.BigIntegerField(null=True)
    happened_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.kind
