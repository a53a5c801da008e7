# SPDX-License-Identifier: Apache-2.0
"""Adds a code with its values beside a summary's reason. Older rows read "legacy": their text is shown as it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agent", "0008_codes_beside_words")]

    operations = [
        migrations.AddField(
            "summary",
            "reason_code",
            models.CharField(blank=True, default="legacy", max_length=40),
            preserve_default=False,
        ),
        migrations.AddField("summary", "reason_values", models.JSONField(default=dict)),
    ]
