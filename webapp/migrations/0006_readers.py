# SPDX-License-Identifier: Apache-2.0
"""One reader an e-mail address, what a subscription is about, moments of votes that no log tells, and votes' ends."""

import django.db.models.deletion
from django.db import migrations, models

import governance.fields

# What a digest "at once" was about before there was a choice: who subscribed then agreed to no more.
_BEFORE = ["created", "scheduled"]


def give_readers(apps, _editor):
    """Make a reader of each address that is subscribed to something."""
    Reader, Subscription = apps.get_model("webapp", "Reader"), apps.get_model("webapp", "Subscription")
    Digest = apps.get_model("webapp", "DigestSent")
    for row in Subscription.objects.order_by("pk").iterator():
        reader, _ = Reader.objects.get_or_create(email=row.email.strip().lower())
        row.reader, row.topics = reader, _BEFORE
        row.save(update_fields=["reader", "topics"])
        Digest.objects.filter(subscription=row).update(reader=reader)


def give_addresses(apps, _editor):
    """Write each subscription's address into it again."""
    for row in apps.get_model("webapp", "Subscription").objects.select_related("reader").iterator():
        row.email = row.reader.email
        row.save(update_fields=["email"])


class Migration(migrations.Migration):
    dependencies = [
        ("webapp", "0005_statements"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reader",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("zone", models.CharField(default="UTC", max_length=64)),
                ("phrase", models.CharField(blank=True, max_length=80)),
                ("refusals", models.PositiveSmallIntegerField(default=0)),
                ("rests_since", models.DateTimeField(null=True)),
                ("unsubscribe_token_hash", governance.fields.Bytes32Field(null=True)),
                ("own_token_hash", governance.fields.Bytes32Field(null=True)),
                ("own_sent_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="Milestone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=160)),
                ("block_number", models.BigIntegerField()),
                ("times", models.PositiveIntegerField(default=1)),
                ("stands", models.BooleanField(default=True)),
                ("seen_at", models.DateTimeField()),
                (
                    "dao",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="governance.dao"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["dao", "seen_at"], name="milestone_by_time")],
                "constraints": [models.UniqueConstraint(fields=("dao", "kind", "key"), name="milestone_once")],
            },
        ),
        migrations.CreateModel(
            name="VoteEnd",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("onchain_proposal_id", governance.fields.Uint256Field()),
                ("ends_at", models.BigIntegerField()),
                ("sequence", models.PositiveIntegerField(default=0)),
                (
                    "dao",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="governance.dao"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("dao", "onchain_proposal_id"), name="vote_end_once")],
            },
        ),
        migrations.AddField("subscription", "topics", models.JSONField(default=list)),
        migrations.AlterField("subscription", "email", models.EmailField(max_length=254, default="")),
        migrations.AddField(
            "subscription",
            "reader",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="subscriptions",
                to="webapp.reader",
            ),
        ),
        migrations.AddField(
            "digestsent",
            "reader",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="digests", to="webapp.reader"
            ),
        ),
        migrations.RemoveConstraint("subscription", "subscription_once"),
        migrations.RunPython(give_readers, give_addresses),
    ]
