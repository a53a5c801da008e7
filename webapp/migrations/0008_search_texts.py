# SPDX-License-Identifier: Apache-2.0
"""Words of proposals' texts, for search."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

import governance.fields


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0023_gas_readings"),
        ("webapp", "0007_readers_alone"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("proposer", governance.fields.AddressField()),
                ("text_md5", models.CharField(max_length=32)),
                ("vector", django.contrib.postgres.search.SearchVectorField()),
                (
                    "dao",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="governance.dao"
                    ),
                ),
                (
                    "proposal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="search_text",
                        to="governance.proposal",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["vector"], name="search_text_words"),
                    models.Index(fields=["dao", "-proposal"], name="search_text_newest_first"),
                    models.Index(fields=["dao", "proposer", "-proposal"], name="search_text_by_proposer"),
                ],
            },
        ),
    ]
