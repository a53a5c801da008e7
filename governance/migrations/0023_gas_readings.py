# SPDX-License-Identifier: Apache-2.0
"""What the accounts hold that pay for gas is read as well."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0022_audit_log"),
    ]

    operations = [
        migrations.AlterField(
            model_name="chainreading",
            name="kind",
            field=models.CharField(
                choices=[
                    ("balance", "Balance"),
                    ("policy", "Policy"),
                    ("ring", "Ring"),
                    ("enabled", "Enabled"),
                    ("owner", "Owner"),
                    ("gas", "Gas"),
                ],
                max_length=8,
            ),
        ),
    ]
