# SPDX-License-Identifier: Apache-2.0
"""Keep no copy of the table of finality depths, so that what is corrected there, and what an operator takes back, counts
for chains that are known already. What an operator set stands in the settings."""

from django.db import migrations, models


def forget(apps, _editor) -> None:
    """Take the copies off."""
    apps.get_model("governance", "Chain").objects.update(finality_depth=None)


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0024_logs_that_wait"),
    ]

    operations = [
        migrations.AlterField("chain", "finality_depth", models.PositiveIntegerField(null=True)),
        migrations.RunPython(forget, migrations.RunPython.noop),
    ]
