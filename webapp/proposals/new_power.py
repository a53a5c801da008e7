# SPDX-License-Identifier: Apache-2.0
"""How much of the votes for a proposal is power that came to its voters just before: bought, borrowed or delegated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.utils.translation import gettext

from governance import asked_power
from governance.models import PowerCheckpoint, Proposal
from presentation import words
from presentation.dao_view import DaoView
from presentation.power import counts_by_snapshot
from presentation.proposals import ProposalRow
from webapp.proposals.votes import Heavy

_DAY_S = 86_400
_OLD_S = 30 * _DAY_S  # in a younger DAO everybody's power is new
_LOOKED_AT = 20  # the heaviest votes for it: one query, and no more rows than these


def of_votes_for(place: DaoView, row: ProposalRow, heavy: Sequence[Heavy]) -> str:
    """Return the sentence that says so where half or more of the votes for a proposal are such power; "" where less is,
    or where it is not known."""
    proposal = row.proposal
    if not row.for_votes or row.facts.counted_by_governor or not counts_by_snapshot(place):
        return ""
    if asked_power.degraded(place.dao) is not None:
        return ""
    created_chain_s = proposal.log.block_timestamp_chain_s
    if not _is_of_an_old_dao(proposal, created_chain_s - _OLD_S):
        return ""
    added: Counter[bytes] = Counter()  # one that splits its power votes several times
    for vote in heavy:
        added[vote.voter] += vote.sides[1]
    looked_at = sorted(+added, key=lambda voter: (-added[voter], voter))[:_LOOKED_AT]
    before = _powers_before(proposal, looked_at, created_chain_s - _DAY_S)
    new = sum(max(0, added[voter] - before[voter]) for voter in looked_at if voter in before)
    if 2 * new < row.for_votes:
        return ""
    text = gettext(
        "%(share)s of the votes for it are power that its accounts did not have a day before it was proposed: bought, "
        "borrowed or delegated since."
    )
    return text % {"share": words.percent(new, row.for_votes)}


def _powers_before(proposal: Proposal, accounts: Sequence[bytes], chain_s: int) -> dict[bytes, int]:
    """The power at a time of those accounts whose power changed between then and the snapshot, in base units."""
    rows = (
        PowerCheckpoint.objects.filter(
            dao=proposal.dao, account__in=list(accounts), timepoint__lte=proposal.snapshot,
            log__block_timestamp_chain_s__gt=chain_s,
        )
        .order_by("account", "timepoint", "log__block_number", "log__transaction_index", "log__log_index")
        .distinct("account")
        .values_list("account", "previous_power")
    )  # fmt: skip
    return {bytes(account): int(power) for account, power in rows}


def _is_of_an_old_dao(proposal: Proposal, chain_s: int) -> bool:
    first = Proposal.objects.filter(dao=proposal.dao).select_related("log").order_by("created_block", "id").first()
    return first is not None and first.log.block_timestamp_chain_s <= chain_s
