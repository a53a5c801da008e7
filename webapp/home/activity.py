# SPDX-License-Identifier: Apache-2.0
"""What happened in a DAO lately: steps of proposals, acts of the agent, and policies that were set."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext

from governance.models import Act, PolicyVersion, Proposal, ProposalTransition, RawLog
from policies.notation.hexadecimal import hex_text
from presentation import titles, words
from presentation.dao_view import DaoView
from webapp.models import Milestone

MOST = 8


@dataclass(frozen=True)
class Event:
    """Something that happened: what about what, in words, and where to read more.

    `log`: None for a moment of a vote that no log tells. `key` names it, also after a reorganisation. `proposal`: the
    row's number (primary key) of the proposal that it is about.
    """

    log: RawLog | None
    about: str
    what: str
    url: str
    key: str
    proposal: int | None = None
    block: int = 0
    at_s: int = 0  # where there is no log

    @property
    def order(self) -> tuple[int, int, int]:
        if self.log is None:
            return self.block, 2**31, 0
        return self.log.block_number, self.log.transaction_index, self.log.log_index

    @property
    def chain_s(self) -> int:
        """When it happened, by the chain's clock."""
        return self.at_s if self.log is None else self.log.block_timestamp_chain_s

    @property
    def is_unconfirmed(self) -> bool:
        """Whether it is the word of one node alone, with no proof."""
        return hasattr(self.log, "unconfirmed")


def newest_events(place: DaoView, most: int = MOST, *, milestones: bool = False) -> list[Event]:
    """The newest events, newest first. Three queries, five with `milestones` of votes; rows of a DAO are made in the
    order of its chain, so that the newest have the highest numbers."""
    found = [*_steps(place, most), *_acts(place, most), *_policies(place, most)]
    if milestones:
        found += _milestones(place, most)
    return sorted(found, key=lambda event: event.order, reverse=True)[:most]


def _milestones(place: DaoView, most: int) -> list[Event]:
    said = {
        "vote.opened": gettext("voting is open"),
        "vote.quorum": gettext("the quorum is reached"),
        "vote.passed": gettext("passed"),
        "vote.failed": gettext("did not pass"),
    }
    stands = Milestone.objects.filter(dao=place.dao, stands=True, told=True, kind__in=said)
    rows = list(stands.order_by("-seen_at", "-pk")[:most])
    proposals = Proposal.objects.filter(dao=place.dao, proposal_id__in={int(row.key) for row in rows})
    by_number = {proposal.proposal_id: proposal for proposal in proposals}
    return [
        Event(
            None,
            titles.title_of(about.description, about.proposal_id),
            said[row.kind],
            reverse("proposal", args=[place.dao.slug, about.proposal_id]),
            f"proposal-{about.proposal_id}-{row.kind}",
            about.pk,
            row.block_number,
            int(row.seen_at.timestamp()),
        )
        for row in rows
        if (about := by_number.get(int(row.key))) is not None
    ]


def _steps(place: DaoView, most: int) -> list[Event]:
    said = {
        "created": gettext("was proposed"),
        "queued": gettext("was queued in the timelock"),
        "executed": gettext("was executed"),
        "canceled": gettext("was canceled"),
        "extended": gettext("has more time, for the quorum came late"),
    }
    steps = ProposalTransition.objects.filter(proposal__dao=place.dao, kind__in=said)
    rows = steps.select_related("proposal", "log__unconfirmed").order_by("-id")[:most]
    return [
        Event(
            row.log,
            titles.title_of(row.proposal.description, row.proposal.proposal_id),
            said[row.kind],
            reverse("proposal", args=[place.dao.slug, row.proposal.proposal_id]),
            f"proposal-{row.proposal.proposal_id}-{row.kind}",
            row.proposal_id,
        )
        for row in rows
    ]


def _acts(place: DaoView, most: int) -> list[Event]:
    said = {
        Act.Status.RELEASED: gettext("was released"),
        Act.Status.KILLED: gettext("was stopped by objections"),
        Act.Status.VETOED: gettext("was vetoed"),
        Act.Status.VOIDED: gettext("was voided"),
    }
    acts = Act.objects.filter(dao=place.dao)
    # An act that was announced long ago may have ended a moment ago.
    began_last = acts.order_by("-id").values("pk")[:most]
    ended_last = acts.exclude(final_log=None).order_by("-final_log_id").values("pk")[:most]
    newest = acts.filter(pk__in=began_last.union(ended_last))  # asked for the one or the other, all acts would be read
    found = []
    for act in newest.select_related("log__unconfirmed", "final_log__unconfirmed"):
        about = gettext("Act %(number)s of policy %(policy)s") % {
            "number": act.number, "policy": words.short(hex_text(act.policy_id)),
        }  # fmt: skip
        url = f"{reverse('agent', args=[place.dao.slug])}#act-{act.pk}"
        began = gettext("was performed") if act.status == Act.Status.EXECUTED else gettext("was announced")
        key = f"act-{hex_text(act.policy_id)}-{act.number}"
        found.append(Event(act.log, about, began, url, key))
        if act.final_log is not None and act.status in said:
            found.append(Event(act.final_log, about, said[Act.Status(act.status)], url, f"{key}-{act.status}"))
    return found


def _policies(place: DaoView, most: int) -> list[Event]:
    rows = PolicyVersion.objects.filter(dao=place.dao).select_related("log__unconfirmed").order_by("-id")[:most]
    url = reverse("policies", args=[place.dao.slug])
    return [
        Event(
            row.log,
            gettext("Policy %(policy)s, version %(version)s")
            % {"policy": words.short(hex_text(row.policy_id)), "version": row.version},
            gettext("was set"),
            url,
            f"policy-{hex_text(row.policy_id)}-{row.version}",
        )
        for row in rows
    ]
