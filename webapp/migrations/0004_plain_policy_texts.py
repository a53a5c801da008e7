# SPDX-License-Identifier: Apache-2.0

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from policies.document.published import published
from policies.notation.problems import PolicyError


def publish_again(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Texts were kept as they were written, with parameters that the hash does not cover: keep the plain ones."""
    for row in apps.get_model("webapp", "PolicyText").objects.all():
        try:
            found, row.text = published(row.text)
        except PolicyError:
            found = b""
        if found == bytes(row.document_hash):
            row.save(update_fields=["text"])
        else:
            row.delete()  # whoever has the plain document can give it again


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0021_codes_beside_errors"),
        ("webapp", "0003_policy_texts"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchedProposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("searched_at", models.DateTimeField(auto_now_add=True)),
                (
                    "proposal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="governance.proposal"
                    ),
                ),
            ],
        ),
        migrations.RunPython(publish_again, migrations.RunPython.noop, elidable=True),
    ]
