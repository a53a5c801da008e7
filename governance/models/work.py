# SPDX-License-Identifier: Apache-2.0
"""Work that is due."""

from django.db import models

__all__ = ["Work"]


class Work(models.Model):
    """Due work as a row with a lease: beat polls, a message only wakes a worker, a killed worker's lease runs out.

    `name` says which function of the owning layer does it (the layer registers it; this table names nobody above).
    """

    name = models.CharField(max_length=60)
    key = models.CharField(max_length=160)
    arguments = models.JSONField(default=dict)
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    last_error_code = models.JSONField(default=dict)  # the same as {"code", "values", "table"}; empty in older rows
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "key"], name="work_once")]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(done_at=None), name="work_due")]

    def __str__(self) -> str:
        return f"{self.name} {self.key}"
