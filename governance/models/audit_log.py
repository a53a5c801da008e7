# SPDX-License-Identifier: Apache-2.0
"""Who did what on this site."""

from django.db import models

from governance.fields import Bytes32Field

__all__ = ["AuditEntry"]


class AuditEntry(models.Model):
    """One action that changed something. Written by `governance.audit_log.record`, and never changed or deleted.

    The database chains the entries: as a transaction commits, a trigger gives each of its entries the next `number`,
    the `hash` of the entry before it, and its own: SHA-256 over `prev_hash`, `number` and `body`, as
    `governance/audit_log/bundle.py` says. Other triggers refuse every other change of the table. So a committed entry
    always has all three, and no number is missing.
    """

    number = models.BigIntegerField(null=True, unique=True, editable=False)
    body = models.TextField()  # canonical JSON (RFC 8785)
    prev_hash = Bytes32Field(null=True)
    hash = Bytes32Field(null=True)

    def __str__(self) -> str:
        return f"audit entry {self.number}"
