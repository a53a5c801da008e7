# SPDX-License-Identifier: Apache-2.0
"""Logs that one node alone shows."""

from django.db import models

from governance.models.chains import Dao
from governance.models.logs import RawLog

__all__ = ["UnconfirmedLog"]


class UnconfirmedLog(models.Model):
    """A log that another node does not show, and of which no receipts root says who is right. It is kept and shown as
    unconfirmed; no mail and no act counts it until the chain's own answers settle it (`governance.unconfirmed`).

    `news` is what the log has to tell, [[topic, key, block number], ...]: it goes to the outbox when it is confirmed.
    `asked_at`: when nodes were last asked about it again (`governance.sync.look_again`). `waits`: no other node that
    has its block was asked about it yet; it is settled as soon as one was, or where no other node answers any more.
    """

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="unconfirmed_logs")
    log = models.OneToOneField(RawLog, on_delete=models.CASCADE, related_name="unconfirmed")
    news = models.JSONField(default=list)
    asked_at = models.DateTimeField(null=True)
    waits = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.log} of one node alone"
