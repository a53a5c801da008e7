# SPDX-License-Identifier: Apache-2.0

from django.db import migrations, models

import governance.fields


class Migration(migrations.Migration):
    dependencies = [
        ("webapp", "0002_relayed_delegations"),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("document_hash", governance.fields.Bytes32Field(editable=True, unique=True)),
                ("text", models.TextField()),
                ("kept_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
