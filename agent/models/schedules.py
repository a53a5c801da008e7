# SPDX-License-Identifier: Apache-2.0
"""What is asked for by a calendar: an operator's rules, and each time that one came due."""

from django.db import models

from agent.models.acts import Request
from governance.fields import AddressField, Bytes32Field
from governance.models import Contract, Dao

__all__ = ["Schedule", "ScheduledTime"]


class Schedule(models.Model):
    """A rule by which something is asked for in the name of the operator who made it, by the chain's clock."""

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE, related_name="schedules")
    module = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="+")
    policy_id = Bytes32Field()
    made_by = AddressField()  # the policy's operator, signed in
    text = models.CharField(max_length=400)  # as a request; `{month}` stands for the month that is due
    zone = models.CharField(max_length=64)  # IANA's name
    hour = models.CharField(max_length=5)  # "09:00"
    day = models.PositiveSmallIntegerField(default=0)  # of each month; 0 where there are dates
    dates = models.JSONField(default=list)  # ["2026-12-15"]
    back = models.PositiveSmallIntegerField(default=0)  # 1: for the month before
    next_due_chain_s = models.BigIntegerField(null=True)  # null: it never comes due again
    next_month = models.CharField(max_length=7, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    # Why it ended, where nobody ended it by hand: the operator changed.
    ended_because = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [models.Index(fields=["dao", "ended_at", "next_due_chain_s"])]

    def __str__(self) -> str:
        return f"schedule {self.pk}"


class ScheduledTime(models.Model):
    """One time at which a schedule came due, and what became of it. The unique key is what makes it one."""

    class Outcome(models.TextChoices):
        ASKED = "asked"
        MISSED = "missed"  # this site was not running, or the mirror lagged, for too long
        REFUSED = "refused"  # it could not be asked for: `reason_code` says why

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="times")
    due_chain_s = models.BigIntegerField()
    month = models.CharField(max_length=7)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    request = models.ForeignKey(Request, on_delete=models.SET_NULL, null=True, related_name="+")
    reason_code = models.CharField(max_length=40, blank=True)
    reason_values = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "due_chain_s"], name="scheduled_time_once")]

    def __str__(self) -> str:
        return f"{self.schedule_id} at {self.due_chain_s}: {self.outcome}"
