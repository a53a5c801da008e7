# SPDX-License-Identifier: Apache-2.0
import django.db.models.deletion
from django.db import migrations, models

import governance.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("governance", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutboxCursor",
            fields=[
                ("reader", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("after_id", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Summary",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("input_hash", governance.fields.Bytes32Field(editable=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("written", "Written"),
                            ("abstained", "Abstained"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("matches", "Matches"),
                            ("differs", "Differs"),
                            ("unmatched", "Unmatched"),
                            ("opaque", "Opaque"),
                            ("unread", "Unread"),
                        ],
                        default="unread",
                        max_length=10,
                    ),
                ),
                ("sentences", models.JSONField(default=list)),
                ("claims", models.JSONField(default=list)),
                ("effects", models.JSONField(default=list)),
                ("flags", models.JSONField(default=list)),
                ("findings", models.JSONField(default=list)),
                ("hidden", models.JSONField(default=list)),
                ("spans_read", models.PositiveIntegerField(default=0)),
                ("spans_total", models.PositiveIntegerField(default=0)),
                ("model_name", models.CharField(blank=True, max_length=200)),
                ("model_is_demo", models.BooleanField(default=False)),
                ("prompt_hash", governance.fields.Bytes32Field(editable=True, null=True)),
                ("output_hash", governance.fields.Bytes32Field(editable=True, null=True)),
                ("prompt_tokens", models.PositiveIntegerField(default=0)),
                ("cached_tokens", models.PositiveIntegerField(default=0)),
                ("output_tokens", models.PositiveIntegerField(default=0)),
                ("duration_ms", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("written_at", models.DateTimeField(null=True)),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="summaries", to="governance.proposal"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "summaries",
            },
        ),
        migrations.AddConstraint(
            model_name="summary",
            constraint=models.UniqueConstraint(fields=("proposal", "input_hash"), name="summary_once"),
        ),
    ]
