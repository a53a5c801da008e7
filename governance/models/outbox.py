# SPDX-License-Identifier: Apache-2.0
"""What happened, told once to the layers above."""

from django.db import models

from governance.models.chains import of_a_dao

__all__ = ["OutboxEntry"]


class OutboxEntry(models.Model):
    """What happened, for the layers above, written in the projection's own transaction. Readers keep cursors over `id`.

    A reorg that undoes what an entry told appends a `*.undone` entry with the same key. `key` is unique per occurrence.
    """

    dao = of_a_dao()
    topic = models.CharField(
        max_length=40
    )  # proposal.created, vote.cast, proposal.executed, policy.set, act.scheduled, ...
    key = models.CharField(max_length=160)
    block_number = models.BigIntegerField()
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["topic", "id"]),
            models.Index(fields=["dao", "block_number"], name="outbox_by_block"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"
