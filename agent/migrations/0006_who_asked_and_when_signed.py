# SPDX-License-Identifier: Apache-2.0
"""Adds who proved to be the asker, and when a roster was taken in by the chain's clock."""

import time
from typing import Any

from django.db import migrations, models


def date_old_rosters(apps: Any, _editor: Any) -> None:
    """Date old rosters by when they were stored. On a test chain wound ahead of our clock, which tells nothing there,
    by the newest block: a roster dated too late only has the operator sign more."""
    heads = dict(apps.get_model("governance", "Cursor").objects.values_list("dao_id", "head_timestamp_chain_s"))
    for roster in apps.get_model("agent", "Roster").objects.iterator():
        head_s = heads.get(roster.dao_id) or 0
        is_wound = head_s > time.time() + 600
        roster.accepted_chain_s = head_s if is_wound else int(roster.accepted_at.timestamp())
        roster.save(update_fields=["accepted_chain_s"])


def mark_unproven_askers(apps: Any, _editor: Any) -> None:
    """Old requests whose key the API did not bind to a signed-in account came from the console."""
    for request in apps.get_model("agent", "Request").objects.iterator():
        if not request.idempotency_key.startswith(bytes(request.requested_by).hex()[:12] + ":"):
            request.asker_signed_in = False
            request.save(update_fields=["asker_signed_in"])


class Migration(migrations.Migration):
    dependencies = [("agent", "0005_model_trouble")]

    operations = [
        migrations.AddField("request", "asker_signed_in", models.BooleanField(default=True)),
        migrations.AddField("roster", "accepted_chain_s", models.BigIntegerField(null=True)),
        migrations.RunPython(date_old_rosters, migrations.RunPython.noop),
        migrations.RunPython(mark_unproven_askers, migrations.RunPython.noop),
    ]
