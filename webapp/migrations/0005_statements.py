# SPDX-License-Identifier: Apache-2.0

import django.db.models.deletion
from django.db import migrations, models

import governance.fields


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0021_codes_beside_errors"),
        ("webapp", "0004_plain_policy_texts"),
    ]

    operations = [
        migrations.CreateModel(
            name="DelegateStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account", governance.fields.AddressField(editable=True)),
                ("text", models.TextField()),
                ("signed_at_s", models.BigIntegerField()),
                ("signature", models.BinaryField()),
                ("block_number", models.BigIntegerField(null=True)),
                (
                    "dao",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="governance.dao"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("dao", "account"), name="statement_once")],
            },
        ),
    ]
