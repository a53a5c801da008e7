import django.db.models.deletion
from django.db import migrations, models

import governance.fields


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0007_partial_delegations"),
    ]

    operations = [
        migrations.CreateModel(
            name="RpcEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", governance.fields.Bytes32Field(editable=True)),
                ("name", models.CharField(max_length=300)),
                ("most_blocks", models.PositiveBigIntegerField(null=True)),
                ("most_blocks_said_at", models.DateTimeField(null=True)),
                ("most_batch", models.PositiveIntegerField(null=True)),
                ("most_batch_said_at", models.DateTimeField(null=True)),
                ("latency_s", models.FloatField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("lies", models.PositiveIntegerField(default=0)),
                ("aside_until", models.DateTimeField(null=True)),
                ("distrusted_until", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("problem", models.CharField(blank=True, max_length=400)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "chain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="endpoints", to="governance.chain"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("chain", "fingerprint"), name="endpoint_once")],
            },
        ),
    ]
