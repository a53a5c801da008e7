# SPDX-License-Identifier: Apache-2.0
"""Keep a proposal's text, and the functions that its calls name as text, byte for byte as the log has them."""

from collections.abc import Iterator
from types import SimpleNamespace

from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Length

from governance.projections import events

_CUT = 400  # what a signature's column held until now


def _written(dao_pk: int, log: type[models.Model], contract: type[models.Model]) -> Iterator[events.Event]:
    """What a DAO's governors emitted of proposals' texts and calls, in chain order."""
    governors = list(contract.objects.filter(dao_id=dao_pk, kind="governor").values_list("address", flat=True))
    known = events.layouts("governor").values()
    topics = {one.topic0 for one in known if {p.name for p in one.parameters} & {"description", "signatures"}}
    logs = log.objects.filter(dao_id=dao_pk, address__in=governors, topic0__in=topics)
    for row in logs.order_by("block_number", "log_index").iterator(chunk_size=1000):
        words = (row.topic0, row.topic1, row.topic2, row.topic3)
        try:
            event = events.decode(
                "governor", SimpleNamespace(topics=tuple(w for w in words if w is not None), data=bytes(row.data))
            )
        except events.Undecodable:
            continue  # told as an incident when it was read; no row was made of it
        if event is not None and "proposalId" in event.args:
            yield event


def fill(apps, _editor) -> None:
    """Read again, from the raw logs, the texts that were stored changed: with U+FFFD in them, or cut."""
    proposal, action = apps.get_model("governance", "Proposal"), apps.get_model("governance", "ProposalAction")
    texts = proposal.objects.filter(description__contains="\ufffd")
    calls = action.objects.annotate(length=Length("signature")).filter(
        Q(signature__contains="\ufffd") | Q(length__gte=_CUT)
    )
    for dao in sorted({*texts.values_list("dao_id", flat=True), *calls.values_list("proposal__dao_id", flat=True)}):
        described = dict(texts.filter(dao_id=dao).values_list("proposal_id", "pk"))
        called = dict(calls.filter(proposal__dao_id=dao).values_list("proposal__proposal_id", "proposal_id"))
        # Later events write anew what earlier ones wrote, as the fold has it.
        descriptions, signatures = {}, {}
        for event in _written(dao, apps.get_model("governance", "RawLog"), apps.get_model("governance", "Contract")):
            number = event.args["proposalId"]
            if number in described and "description" in event.args:
                descriptions[number] = event.args["description"]
            if number in called and "signatures" in event.args:
                signatures[number] = event.args["signatures"]
        for number, raw in descriptions.items():
            proposal.objects.filter(pk=described[number]).update(description_raw=events.raw_of(raw))
        for number, of_calls in signatures.items():
            for row in calls.filter(proposal_id=called[number], position__lt=len(of_calls)):
                raw = of_calls[row.position]
                action.objects.filter(pk=row.pk).update(signature=events.text_of(raw), signature_raw=events.raw_of(raw))


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0008_rpc_endpoints"),
    ]

    operations = [
        migrations.AddField("proposal", "description_raw", models.BinaryField(null=True)),
        migrations.AddField("proposalaction", "signature_raw", models.BinaryField(null=True)),
        migrations.AlterField("proposalaction", "signature", models.TextField(blank=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
