import django.db.models.deletion
from django.db import migrations, models

import governance.fields


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0006_cheaper_rows"),
    ]

    operations = [
        migrations.CreateModel(
            name="PartialDelegation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                ("delegator", governance.fields.AddressField(editable=True)),
                ("delegate", governance.fields.AddressField(editable=True)),
                ("share_bps", models.PositiveIntegerField()),
                (
                    "dao",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="governance.dao",
                    ),
                ),
                (
                    "log",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="governance.rawlog"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["dao", "delegate"], name="partial_by_delegate")],
                "constraints": [models.UniqueConstraint(fields=("log", "position"), name="partial_delegation_once")],
            },
        ),
    ]
