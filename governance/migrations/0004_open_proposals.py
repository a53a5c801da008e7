# SPDX-License-Identifier: Apache-2.0

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0003_faster_tables"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(
                condition=models.Q(("canceled", False), ("executed", False)),
                fields=["dao", "deadline"],
                name="proposal_undecided",
            ),
        ),
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(
                condition=models.Q(
                    ("canceled", False),
                    ("executed", False),
                    models.Q(("eta_chain_s__gt", 0), ("for_votes__gt", models.F("against_votes")), _connector="OR"),
                ),
                fields=["dao", "-created_block", "-id"],
                name="proposal_carried",
            ),
        ),
    ]
