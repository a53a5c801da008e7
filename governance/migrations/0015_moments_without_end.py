# SPDX-License-Identifier: Apache-2.0
"""Hold every moment that a governor or a timelock can name: they count in 256 bits."""

from django.db import migrations, models

from governance.fields import Uint256Field


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0014_the_chains_word"),
    ]

    operations = [
        migrations.AlterField("proposal", "snapshot", Uint256Field()),
        migrations.AlterField("proposal", "deadline", Uint256Field()),
        migrations.AlterField("proposal", "eta_chain_s", Uint256Field(null=True)),
        migrations.AlterField("onchaincheck", "subject", models.CharField(max_length=200)),  # which names a snapshot
        migrations.AlterField("timelockoperation", "ready_chain_s", Uint256Field()),
    ]
