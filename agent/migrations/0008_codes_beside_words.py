# SPDX-License-Identifier: Apache-2.0
"""Adds codes with their values beside the words of candidates, plans, refusals and halts. Older rows keep words alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agent", "0007_request_moves")]

    operations = [
        migrations.AddField(
            "agenthalt", "reason_code", models.CharField(blank=True, default="", max_length=40), preserve_default=False
        ),
        migrations.AddField("agenthalt", "reason_values", models.JSONField(default=dict)),
        migrations.AddField("candidate", "difference_codes", models.JSONField(default=list)),
        migrations.AddField("candidate", "label_code", models.JSONField(default=dict)),
        migrations.AddField("plan", "approval_codes", models.JSONField(default=list)),
        migrations.AddField("refusal", "label_code", models.JSONField(default=dict)),
        migrations.AddField(
            "refusal", "module_code", models.CharField(blank=True, default="", max_length=60), preserve_default=False
        ),
    ]
