# SPDX-License-Identifier: Apache-2.0
"""Have summaries made once more where what they say of the calls was wrong: of coins that are not ether, and of functions
whose text was stored changed. The summaries from before stay; the newest one is shown."""

from django.db import migrations
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

from governance.chain.native import symbol_of


def enqueue(apps, _editor) -> None:
    """Queue a summary for each proposal that has one and would get another one now."""
    proposal, work = apps.get_model("governance", "Proposal"), apps.get_model("governance", "Work")
    action = apps.get_model("governance", "ProposalAction")
    daos = [dao.pk for dao in apps.get_model("governance", "Dao").objects.all() if symbol_of(dao.chain_id) != "ETH"]
    texts = action.objects.annotate(length=Length("signature")).filter(
        Q(signature_raw__isnull=False) | Q(length__gte=400)
    )
    wrong = proposal.objects.filter(Q(dao__in=daos) | Q(pk__in=texts.values("proposal")), summaries__isnull=False)
    now = timezone.now()
    work.objects.bulk_create(
        (
            work(
                name="agent.summarise", key=f"again:{pk}", due_at=now,
                arguments={"dao": dao, "proposal": str(proposal_id)},
            )
            for pk, dao, proposal_id in wrong.order_by("-pk").values_list("pk", "dao_id", "proposal_id").distinct()
        ),
        ignore_conflicts=True,
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("agent", "0002_acts"),
        ("governance", "0009_text_as_bytes"),
    ]

    operations = [
        migrations.RunPython(enqueue, migrations.RunPython.noop),
    ]
