# SPDX-License-Identifier: Apache-2.0

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0025_finality_by_the_table"),
    ]

    operations = [
        migrations.AddField(
            model_name="chainanswer",
            name="block_hash",
            field=models.BinaryField(null=True),
        ),
    ]
