# SPDX-License-Identifier: Apache-2.0

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

MANY = tuple(
    bytes.fromhex(topic)
    for topic in (
        "b8e138887d0aa13bab447e82de9d5c1777041ecd21ca36ba824ff1e6c07ddda4",  # VoteCast
        "e2babfbac5889a709b63bb7f598b324e08bc5a4fb9ec647fb3cbc9ec07eb8712",  # VoteCastWithParams
        "3134e8a2e6d97e929a7e54011ea5485d7d196dd5f0ba4d4ef95803e8e3fc257f",  # DelegateChanged
        "dec2bacdd2f05b59de34da9b523dff8be42e5e38e818c82fdb0bae774387a724",  # DelegateVotesChanged
        "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",  # Transfer
    )
)


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0005_supply_of_votes"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="block",
            name="block_hash_once",
        ),
        migrations.RemoveConstraint(
            model_name="rawlog",
            name="raw_log_once",
        ),
        migrations.RemoveIndex(
            model_name="rawlog",
            name="governance__dao_id_7edae6_idx",
        ),
        migrations.RemoveIndex(
            model_name="rawlog",
            name="governance__dao_id_42b7ee_idx",
        ),
        migrations.RemoveIndex(
            model_name="vote",
            name="governance__dao_id_f8e52b_idx",
        ),
        migrations.RemoveIndex(
            model_name="vote",
            name="governance__voter_2bd0c8_idx",
        ),
        migrations.AlterField(
            model_name="block",
            name="dao",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="governance.dao"
            ),
        ),
        migrations.AlterField(
            model_name="delegation",
            name="log",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="governance.rawlog",
            ),
        ),
        migrations.AlterField(
            model_name="powercheckpoint",
            name="log",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="governance.rawlog",
            ),
        ),
        migrations.AlterField(
            model_name="vote",
            name="log",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="governance.rawlog",
            ),
        ),
        migrations.AddIndex(
            model_name="rawlog",
            index=models.Index(
                condition=models.Q(("topic0__in", MANY), _negated=True), fields=["dao", "topic0"], name="raw_log_of_few"
            ),
        ),
        migrations.AddIndex(
            model_name="vote",
            index=models.Index(
                condition=models.Q(("proposal", None)),
                fields=["dao", "onchain_proposal_id"],
                name="vote_without_proposal",
            ),
        ),
        migrations.AddIndex(
            model_name="vote",
            index=django.contrib.postgres.indexes.HashIndex(fields=["voter"], name="vote_by_voter"),
        ),
        migrations.AddConstraint(
            model_name="rawlog",
            constraint=models.UniqueConstraint(fields=("dao", "block_number", "log_index"), name="raw_log_once"),
        ),
    ]
