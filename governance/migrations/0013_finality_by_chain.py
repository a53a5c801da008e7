# SPDX-License-Identifier: Apache-2.0
"""Wait for finality as long as each chain needs, and keep how deep its reorgs have been."""

from django.db import migrations, models

_EVERYWHERE = 64  # what every chain had until now
_DEPTHS_BLOCKS = {
    10: 200, 137: 500, 1_101: 500, 8_453: 200, 34_443: 200, 59_141: 28_800, 59_144: 300, 80_002: 500, 81_457: 200,
    84_532: 200, 11_155_420: 200,
}  # fmt: skip


def fill(apps, _editor) -> None:
    """Give chains that had the one old depth their own, and read from the reorgs that were met how deep they went."""
    chain, incident = apps.get_model("governance", "Chain"), apps.get_model("governance", "SyncIncident")
    for chain_id, blocks in _DEPTHS_BLOCKS.items():
        chain.objects.filter(pk=chain_id, finality_depth=_EVERYWHERE).update(finality_depth=blocks)
    deepest: dict[int, int] = {}
    for chain_id, facts in incident.objects.filter(kind="reorg").values_list("dao__chain", "facts"):
        blocks = facts.get("to_block", -1) - facts.get("from_block", 0) + 1
        deepest[chain_id] = max(blocks, deepest.get(chain_id, 0))
    for chain_id, blocks in deepest.items():
        chain.objects.filter(pk=chain_id).update(deepest_reorg_blocks=blocks)


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0012_logs_by_transaction"),
    ]

    operations = [
        migrations.AddField("chain", "deepest_reorg_blocks", models.PositiveIntegerField(default=0)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
