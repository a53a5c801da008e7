# SPDX-License-Identifier: Apache-2.0
"""How long a reader rests; and proposals' words are made again, by another rule."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webapp", "0010_kept_notes"),
    ]

    operations = [
        migrations.RunSQL("DELETE FROM webapp_searchtext", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="reader",
            name="rests_until",
            field=models.DateTimeField(null=True),
        ),
    ]
