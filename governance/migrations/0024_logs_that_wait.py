# SPDX-License-Identifier: Apache-2.0
"""Logs of new blocks wait for a second node to have them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0023_gas_readings"),
    ]

    operations = [
        migrations.AddField(
            model_name="unconfirmedlog",
            name="waits",
            field=models.BooleanField(default=False),
        ),
    ]
