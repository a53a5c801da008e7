# SPDX-License-Identifier: Apache-2.0
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0002_outgoing_fees_and_replacements"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="rawlog",
            name="governance__transac_61d0dd_idx",
        ),
        migrations.AddField(
            model_name="proposal",
            name="created_block",
            field=models.BigIntegerField(default=0),
        ),
        migrations.RunSQL(
            "UPDATE governance_proposal p SET created_block = l.block_number FROM governance_rawlog l WHERE l.id = p.log_id",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="delegation",
            name="dao",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="governance.dao"
            ),
        ),
        migrations.AlterField(
            model_name="outboxentry",
            name="dao",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="governance.dao"
            ),
        ),
        migrations.AlterField(
            model_name="powercheckpoint",
            name="dao",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="governance.dao"
            ),
        ),
        migrations.AlterField(
            model_name="rawlog",
            name="dao",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="governance.dao"
            ),
        ),
        migrations.AlterField(
            model_name="vote",
            name="dao",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="governance.dao"
            ),
        ),
        migrations.AlterField(
            model_name="vote",
            name="proposal",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="votes",
                to="governance.proposal",
            ),
        ),
        migrations.AddIndex(
            model_name="delegation",
            index=models.Index(fields=["dao", "delegator"], name="delegation_by_delegator"),
        ),
        migrations.AddIndex(
            model_name="delegation",
            index=models.Index(fields=["dao", "to_delegate"], name="delegation_by_delegate"),
        ),
        migrations.AddIndex(
            model_name="outboxentry",
            index=models.Index(fields=["dao", "block_number"], name="outbox_by_block"),
        ),
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(fields=["dao", "-created_block", "-id"], name="proposal_newest_first"),
        ),
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(fields=["dao", "operation_id"], name="proposal_by_operation"),
        ),
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(fields=["dao", "operation_id_v4"], name="proposal_by_operation_v4"),
        ),
        migrations.AddIndex(
            model_name="vote",
            index=models.Index(fields=["proposal", "-weight", "id"], name="vote_by_weight"),
        ),
    ]
