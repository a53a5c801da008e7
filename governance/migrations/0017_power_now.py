# SPDX-License-Identifier: Apache-2.0
"""Keep each account's power and delegations of now as rows of their own, filled from the history that was read.

Takes about as long as sorting the two histories: measured by `python -m bench.migration`.
"""

import django.db.models.deletion
from django.db import migrations, models

import governance.fields

_POWERS = """
    INSERT INTO governance_accountpower
        (dao_id, account, power, delegators, block_number, transaction_index, log_index)
    SELECT DISTINCT ON (c.dao_id, c.account) c.dao_id, c.account, c.power, 0, l.block_number, l.transaction_index,
           l.log_index
    FROM governance_powercheckpoint c JOIN governance_rawlog l ON l.id = c.log_id
    ORDER BY c.dao_id, c.account, l.block_number DESC, l.transaction_index DESC, l.log_index DESC
"""
# Several shares of one delegate in one log are one row; shares of nothing and of nobody are none.
_DELEGATIONS = """
    INSERT INTO governance_currentdelegation
        (dao_id, delegator, position, delegate, share_bps, block_number, transaction_index, log_index)
    SELECT newest.dao_id, newest.delegator,
           row_number() OVER (PARTITION BY newest.dao_id, newest.delegator ORDER BY part.position) - 1,
           coalesce(part.delegate, decode(repeat('00', 20), 'hex')), coalesce(part.share, 0), newest.block_number,
           newest.transaction_index, newest.log_index
    FROM (SELECT DISTINCT ON (d.dao_id, d.delegator) d.dao_id, d.delegator, d.to_delegate, d.log_id, l.block_number,
                 l.transaction_index, l.log_index
          FROM governance_delegation d JOIN governance_rawlog l ON l.id = d.log_id
          ORDER BY d.dao_id, d.delegator, l.block_number DESC, l.transaction_index DESC, l.log_index DESC) newest
    LEFT JOIN LATERAL (
        SELECT given.delegate, sum(given.share_bps) AS share, min(given.position) AS position
        FROM (SELECT p.delegate, p.share_bps, p.position
              FROM governance_partialdelegation p WHERE p.log_id = newest.log_id
              UNION ALL
              SELECT newest.to_delegate, 10000, 0
              WHERE NOT EXISTS (SELECT FROM governance_partialdelegation p WHERE p.log_id = newest.log_id)) given
        WHERE given.share_bps > 0 AND given.delegate <> decode(repeat('00', 20), 'hex')
        GROUP BY given.delegate) part ON true
"""
_DELEGATORS = """
    INSERT INTO governance_accountpower AS now
        (dao_id, account, power, delegators, block_number, transaction_index, log_index)
    SELECT dao_id, delegate, 0, count(*), -1, -1, -1 FROM governance_currentdelegation WHERE share_bps > 0
    GROUP BY dao_id, delegate
    ON CONFLICT (dao_id, account) DO UPDATE SET delegators = excluded.delegators
"""
_TOTALS = """
    INSERT INTO governance_powertotal (dao_id, holders, power)
    SELECT dao_id, count(*), sum(power) FROM governance_accountpower WHERE power > 0 GROUP BY dao_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0016_clocks_of_other_chains"),
    ]

    operations = [
        migrations.CreateModel(
            name="PowerTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("holders", models.IntegerField()),
                ("power", models.DecimalField(decimal_places=0, max_digits=100)),
                (
                    "dao",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="governance.dao"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AccountPower",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account", governance.fields.AddressField(editable=True)),
                ("power", governance.fields.Uint256Field(default=0)),
                ("delegators", models.IntegerField(default=0)),
                ("block_number", models.BigIntegerField(default=-1)),
                ("transaction_index", models.IntegerField(default=-1)),
                ("log_index", models.IntegerField(default=-1)),
                (
                    "dao",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="governance.dao",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("power__gt", 0)),
                        fields=["dao", "power", "account"],
                        name="account_by_power",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("dao", "account"), name="power_of_account_once")],
            },
        ),
        migrations.CreateModel(
            name="CurrentDelegation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("delegator", governance.fields.AddressField(editable=True)),
                ("position", models.PositiveIntegerField()),
                ("delegate", governance.fields.AddressField(editable=True)),
                ("share_bps", models.PositiveIntegerField()),
                ("block_number", models.BigIntegerField()),
                ("transaction_index", models.IntegerField()),
                ("log_index", models.IntegerField()),
                (
                    "dao",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="governance.dao",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["dao", "delegate", "delegator"], name="delegation_now_by_delegate")],
                "constraints": [
                    models.UniqueConstraint(fields=("dao", "delegator", "position"), name="delegation_now_once")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="onchaincheck",
            index=models.Index(
                condition=models.Q(("matched", True)), fields=["dao", "-block_number"], name="check_that_matches"
            ),
        ),
        migrations.RunSQL(_POWERS, migrations.RunSQL.noop),
        migrations.RunSQL(_DELEGATIONS, migrations.RunSQL.noop),
        migrations.RunSQL(_DELEGATORS, migrations.RunSQL.noop),
        migrations.RunSQL(_TOTALS, migrations.RunSQL.noop),
    ]
