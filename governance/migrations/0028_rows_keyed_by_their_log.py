# SPDX-License-Identifier: Apache-2.0
"""Votes, delegations and checkpoints of power are keyed by the log that made them: one index less to write for each."""

import django.db.models.deletion
from django.db import migrations, models


def _keyed_by_log(model: str) -> list[migrations.operations.base.Operation]:
    log = models.OneToOneField(
        "governance.rawlog", on_delete=django.db.models.deletion.CASCADE, related_name="+", db_constraint=False,
        primary_key=True, serialize=False,
    )  # fmt: skip
    return [migrations.RemoveField(model, "id"), migrations.AlterField(model, "log", log)]


class Migration(migrations.Migration):
    dependencies = [("governance", "0027_numbers_in_the_audit_chain")]

    operations = [
        migrations.RemoveIndex("vote", "vote_by_weight"),
        *_keyed_by_log("vote"),
        *_keyed_by_log("delegation"),
        *_keyed_by_log("powercheckpoint"),
        migrations.AddIndex("vote", models.Index(fields=["proposal", "-weight", "log"], name="vote_by_weight")),
    ]
