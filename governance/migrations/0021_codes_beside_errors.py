# SPDX-License-Identifier: Apache-2.0
"""Keep beside why work waits and what sending met the code and the values. Rows from before have their text alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0020_asked_power_and_modules")]

    operations = [
        migrations.AddField("work", "last_error_code", models.JSONField(default=dict)),
        migrations.AddField("outgoingtransaction", "error_code", models.JSONField(default=dict)),
    ]
