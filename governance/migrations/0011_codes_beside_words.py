# SPDX-License-Identifier: Apache-2.0
"""Keep beside each sentence of the mirror the code and the values it is made of. Rows from before read `legacy`."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0010_chain_readings"),
    ]

    operations = [
        migrations.AddField(
            model_name="refusedact",
            name="reason_code",
            field=models.CharField(default="legacy", max_length=60),
        ),
        migrations.AddField(
            model_name="refusedact",
            name="reason_values",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="rpcendpoint",
            name="problem_code",
            field=models.CharField(default="legacy", max_length=40),
        ),
        migrations.AddField(
            model_name="rpcendpoint",
            name="problem_values",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="syncincident",
            name="detail_code",
            field=models.CharField(default="legacy", max_length=40),
        ),
        migrations.AddField(
            model_name="syncincident",
            name="detail_values",
            field=models.JSONField(default=dict),
        ),
    ]
