# SPDX-License-Identifier: Apache-2.0
"""What a draft takes, which moments of votes were told, and whether a vote was called off."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webapp", "0009_drafts"),
    ]

    operations = [
        migrations.AddField(
            model_name="draftversion",
            name="size",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="milestone",
            name="told",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="voteend",
            name="is_over",
            field=models.BooleanField(default=False),
        ),
    ]
