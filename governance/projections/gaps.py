# SPDX-License-Identifier: Apache-2.0
"""Proposals that logs name and whose creation was never seen: an incident for each, until an earlier block shows it."""

from typing import Any

from django.db.models import Min

from governance import incidents
from governance.models import Dao, Proposal, SyncIncident, Vote
from governance.words import say


def note_gap(dao: Dao, proposal_id: int, block_number: int) -> None:
    """Raise an incident for a proposal that a log of this block names and that was never seen."""
    values = _incident(proposal_id, block_number)
    incidents.note_once(dao, incidents.Kind.GAP, about=values.pop("facts"), **values)


def note_gaps(dao: Dao) -> None:
    """Raise an incident for each proposal that has votes and was never seen; resolve those that were seen since."""
    unseen = (
        Vote.objects.filter(dao=dao, proposal__isnull=True)
        .values_list("onchain_proposal_id")
        .annotate(first=Min("log__block_number"))
    )
    open_ones = SyncIncident.objects.filter(dao=dao, kind=incidents.Kind.GAP, resolved_at=None)
    noted = {int(facts["proposal_id"]): pk for pk, facts in open_ones.values_list("pk", "facts")}
    incidents.note_many(
        dao, incidents.Kind.GAP, [_incident(number, first) for number, first in unseen if number not in noted]
    )
    seen = Proposal.objects.filter(dao=dao, proposal_id__in=list(noted)).values_list("proposal_id", flat=True)
    incidents.resolve(dao, incidents.Kind.GAP, pk__in=[noted[i] for i in seen])


def _incident(proposal_id: int, block_number: int) -> dict[str, Any]:
    """Return the columns of the incident."""
    return {
        "facts": {"proposal_id": str(proposal_id)},
        "detail": say("proposal_unseen", proposal_id=str(proposal_id)),
        "first_block": block_number,
    }
