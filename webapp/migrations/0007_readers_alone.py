# SPDX-License-Identifier: Apache-2.0
"""Addresses of people stand with readers alone; a digest of several DAOs names no subscription."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webapp", "0006_readers"),
    ]

    operations = [
        migrations.AlterField(
            "subscription",
            "reader",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="subscriptions", to="webapp.reader"
            ),
        ),
        migrations.AlterField(
            "digestsent",
            "reader",
            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="digests", to="webapp.reader"),
        ),
        migrations.AlterField(
            "digestsent",
            "subscription",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="digests",
                to="webapp.subscription",
            ),
        ),
        migrations.RemoveField("subscription", "email"),
        migrations.AddConstraint(
            "subscription", models.UniqueConstraint(fields=("dao", "reader"), name="subscription_once")
        ),
        migrations.AddConstraint(
            "digestsent",
            models.UniqueConstraint(
                condition=models.Q(("subscription", None)), fields=("reader", "topic"), name="digest_of_all_once"
            ),
        ),
    ]
