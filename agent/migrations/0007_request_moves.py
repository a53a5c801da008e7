# SPDX-License-Identifier: Apache-2.0
"""Adds the moves of requests, and the code beside the words of why a request stands where it stands."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import governance.fields

STATUSES = [
    ("received", "Received"),
    ("waiting", "Waiting"),
    ("abstained", "Abstained"),
    ("refused", "Refused"),
    ("needs_approval", "Needs Approval"),
    ("planned", "Planned"),
    ("executing", "Executing"),
    ("scheduled", "Scheduled"),
    ("executed", "Executed"),
    ("stopped", "Stopped"),
    ("failed", "Failed"),
]
WHO = [
    ("asker", "Asker"),
    ("planner", "Planner"),
    ("operator", "Operator"),
    ("executor", "Executor"),
    ("mirror", "Mirror"),
    ("legacy", "Legacy"),
]


def keep_where_requests_stand(apps: Any, _editor: Any) -> None:
    """Give each request a first move to where it stands; how it came there nobody kept."""
    requests, moves = apps.get_model("agent", "Request").objects, apps.get_model("agent", "RequestMove")
    requests.update(reason_code="legacy")
    moves.objects.bulk_create(
        (
            moves(
                request_id=pk,
                to_status=status,
                who="legacy",
                reason_code="legacy",
                reason_values={"text": reason},
                at=updated_at,
            )
            for pk, status, reason, updated_at in requests.order_by("pk")
            .values_list("pk", "status", "reason", "updated_at")
            .iterator(chunk_size=1000)
        ),
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [("agent", "0006_who_asked_and_when_signed")]

    operations = [
        migrations.AddField(
            "request", "reason_code", models.CharField(blank=True, default="", max_length=40), preserve_default=False
        ),
        migrations.AddField("request", "reason_values", models.JSONField(default=dict)),
        migrations.CreateModel(
            "RequestMove",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_status", models.CharField(blank=True, choices=STATUSES, max_length=16)),
                ("to_status", models.CharField(choices=STATUSES, max_length=16)),
                ("who", models.CharField(choices=WHO, max_length=8)),
                ("account", governance.fields.AddressField(null=True)),
                ("reason_code", models.CharField(blank=True, max_length=40)),
                ("reason_values", models.JSONField(default=dict)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="moves", to="agent.request"
                    ),
                ),
            ],
            options={"ordering": ["id"]},
        ),
        migrations.RunPython(keep_where_requests_stand, migrations.RunPython.noop),
    ]
