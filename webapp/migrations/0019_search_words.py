# SPDX-License-Identifier: Apache-2.0
"""Words of proposals' texts, for questions with a misspelt one. Where the database's owner may not make pg_trgm, search
goes on without it, and `manage.py doctor` says so."""

import django.db.models.deletion
from django.db import DatabaseError, migrations, models, transaction

NEAR = "CREATE INDEX IF NOT EXISTS search_word_near ON webapp_searchword USING gin (folded gin_trgm_ops)"


def make_trigrams(_apps, editor):
    try:
        with transaction.atomic(), editor.connection.cursor() as sql:
            sql.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            sql.execute(NEAR)
    except DatabaseError:
        return  # not installed, or not allowed


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0023_gas_readings"),
        ("webapp", "0018_reader_language"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("word", models.CharField(max_length=30)),
                ("folded", models.CharField(max_length=200)),
                (
                    "dao",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="governance.dao",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["dao", "folded"], name="search_word_folded")],
                "constraints": [models.UniqueConstraint(fields=("dao", "word"), name="search_word_once")],
            },
        ),
        migrations.RunPython(make_trigrams, migrations.RunPython.noop),
        migrations.RunSQL(
            """INSERT INTO webapp_searchword (dao_id, word, folded)
               SELECT DISTINCT dao_id, word,
                   left(regexp_replace(normalize(replace(lower(word), 'ß', 'ss'), NFKD), '[\u0300-\u036f]', '', 'g'), 200)
               FROM webapp_searchtext, unnest(tsvector_to_array(vector)) word
               WHERE length(word) BETWEEN 4 AND 30 AND word !~ '[0-9]' ON CONFLICT DO NOTHING""",
            migrations.RunSQL.noop,
        ),
    ]
