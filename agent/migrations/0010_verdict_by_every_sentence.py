# SPDX-License-Identifier: Apache-2.0
"""Outcomes of the verdict that reads every sentence, and by which rules a row was judged: those of before are due again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agent", "0009_summary_reason_codes")]

    operations = [
        migrations.AlterField(
            "summary",
            "verdict",
            models.CharField(
                choices=[
                    ("no_calls", "No Calls"),
                    ("differs", "Differs"),
                    ("not_told", "Not Told"),
                    ("cant_be_checked", "Cant Be Checked"),
                    ("told_in_part", "Told In Part"),
                    ("told", "Told"),
                    ("matches", "Matches"),
                    ("unmatched", "Unmatched"),
                    ("opaque", "Opaque"),
                    ("unread", "Unread"),
                ],
                default="unread",
                max_length=16,
            ),
        ),
        migrations.AddField("summary", "rules", models.PositiveSmallIntegerField(db_index=True, default=0)),
    ]
