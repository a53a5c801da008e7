# SPDX-License-Identifier: Apache-2.0
"""Where the model server's trouble is noted; and summaries that were lost to it are made after all."""

from typing import Any

from django.db import migrations, models
from django.utils import timezone

import governance.fields


def read_again(apps: Any, _schema: Any) -> None:
    """Open the summaries that were given up because an answer could not be used.

    A server that was set up wrongly (HTTP 400, answers used up by thinking) looked the same as a bad answer. Whose
    fault it was is found out now, when they are asked for again.
    """
    Summary, Work = apps.get_model("agent", "Summary"), apps.get_model("governance", "Work")
    lost = Summary.objects.filter(status="abstained", reason__startswith="the model's answer could not be used, twice:")
    for summary in lost.select_related("proposal__dao"):
        proposal = summary.proposal
        Work.objects.get_or_create(
            name="agent.summarise",
            key=f"{proposal.dao.slug}:again:{summary.pk}",
            defaults={
                "arguments": {"dao": proposal.dao_id, "proposal": str(proposal.proposal_id)},
                "due_at": timezone.now(),
            },
        )
    lost.update(status="pending", reason="", written_at=None)


class Migration(migrations.Migration):
    dependencies = [("agent", "0004_withdraw_old_matches"), ("governance", "0008_rpc_endpoints")]

    operations = [
        migrations.CreateModel(
            name="ModelTrouble",
            fields=[
                ("setup", governance.fields.Bytes32Field(editable=True, primary_key=True, serialize=False)),
                ("trouble", models.CharField(max_length=16)),
                ("values", models.JSONField(default=dict)),
                ("failures", models.PositiveIntegerField(default=1)),
                ("ask_again_at", models.DateTimeField(null=True)),
                ("since", models.DateTimeField(auto_now_add=True)),
                ("seen_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.RunPython(read_again, migrations.RunPython.noop),
    ]
