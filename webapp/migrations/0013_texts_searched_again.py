# SPDX-License-Identifier: Apache-2.0
"""Proposals that were searched for policy documents before calls that name their function as text were understood."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def search_again(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Let workers search each proposal once more, the newest first and some in each round. Nothing kept is lost."""
    apps.get_model("webapp", "SearchedProposal").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("webapp", "0012_webhooks"),
    ]

    operations = [
        migrations.RunPython(search_again, migrations.RunPython.noop, elidable=True),
    ]
