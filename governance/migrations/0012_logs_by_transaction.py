# SPDX-License-Identifier: Apache-2.0
"""Give a log's place its transaction: nodes of some chains count logs from 0 in each transaction."""

from django.db import migrations, models


def name_transactions(apps, _editor) -> None:
    """Name the transaction in open incidents about logs that can't be read, so that each is found again and not raised
    a second time."""
    incident, log = apps.get_model("governance", "SyncIncident"), apps.get_model("governance", "RawLog")
    for row in incident.objects.filter(kind="undecodable", resolved_at=None):
        block, _, index = str(row.facts.get("log", "")).partition(":")
        if block.isdigit() and index.isdigit():
            of = log.objects.filter(dao_id=row.dao_id, block_number=int(block), log_index=int(index)).first()
            if of is not None:
                row.facts = {**row.facts, "log": f"{block}:{of.transaction_index}:{index}"}
                row.save(update_fields=["facts"])


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0011_codes_beside_words"),
    ]

    operations = [
        migrations.RemoveConstraint("rawlog", "raw_log_once"),
        migrations.AddConstraint(
            "rawlog",
            models.UniqueConstraint(
                fields=("dao", "block_number", "transaction_index", "log_index"), name="raw_log_once"
            ),
        ),
        migrations.RunPython(name_transactions, migrations.RunPython.noop),
    ]
