# SPDX-License-Identifier: Apache-2.0
"""Acts and movements of the treasury have their log's time beside them, so that the newest are found by an index."""

from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def _times(apps, _schema_editor):
    logs = apps.get_model("governance", "RawLog").objects.filter(pk=OuterRef("log_id"))
    for name in ("Act", "TreasuryFlow"):
        rows = apps.get_model("governance", name).objects.all()
        rows.update(at_chain_s=Subquery(logs.values("block_timestamp_chain_s")[:1]))


class Migration(migrations.Migration):
    dependencies = [("governance", "0028_rows_keyed_by_their_log")]

    operations = [
        migrations.AddField("act", "at_chain_s", models.BigIntegerField(null=True)),
        migrations.AddField("treasuryflow", "at_chain_s", models.BigIntegerField(null=True)),
        migrations.RunPython(_times, migrations.RunPython.noop),
        migrations.AlterField("act", "at_chain_s", models.BigIntegerField()),
        migrations.AlterField("treasuryflow", "at_chain_s", models.BigIntegerField()),
        migrations.AddIndex("act", models.Index(fields=["dao", "-at_chain_s"], name="act_newest_first")),
        migrations.AddIndex("act", models.Index(fields=["dao", "decision"], name="act_by_decision")),
        migrations.AddIndex(
            "treasuryflow", models.Index(fields=["dao", "-at_chain_s"], name="treasury_flow_newest_first")
        ),
    ]
