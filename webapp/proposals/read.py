# SPDX-License-Identifier: Apache-2.0
"""What only a proposal's page shows of it: votes, its time line, reorganisations, what the verdict rests on."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, ngettext

from governance.chain.address import to_bytes
from governance.chain.module import SET_POLICY
from governance.clocks import kept
from governance.incidents import Kind as IncidentKind
from governance.models import Proposal, ProposalTransition, SyncIncident, Vote, chain_order
from governance.state import now_at
from policies.code.encoding import DecodeError, codehash
from policies.code.encoding import decode as decode_policy
from policies.notation.visible import one_line
from presentation import labels, words
from presentation.calls import ActionView
from presentation.dao_view import DaoView, is_never
from presentation.policies import in_words


def page_of_votes(proposal: Proposal, *, page: int = 1, size: int = 50) -> tuple[list[Vote], int]:
    """A page of the votes on a proposal, the heaviest first."""
    found = Vote.objects.filter(proposal=proposal)
    # Their numbers first, from the index alone: a page in the middle of a million must not join all that it skips.
    heaviest = list(found.order_by("-weight", "id").values_list("pk", flat=True)[(page - 1) * size : page * size])
    rows = Vote.objects.filter(pk__in=heaviest).select_related("log__unconfirmed").order_by("-weight", "id")
    return list(rows), found.count()


def transitions(proposal: Proposal) -> list[ProposalTransition]:
    return list(
        ProposalTransition.objects.filter(proposal=proposal)
        .select_related("log__unconfirmed")
        .order_by(*chain_order("log__"))
    )


def reorgs_of(place: DaoView, proposal: Proposal) -> list[dict]:
    """What took something from this proposal, newest first:
    `[{"incident", "is_reread", "votes", "voters", "words"}]`.

    Mostly a reorganisation of the chain; or (`is_reread`) a node had answered wrongly, and its blocks are read again.
    """
    text = str(proposal.proposal_id)
    touched = []
    # By their facts, not by kind: whatever the reason was, whoever voted has to see it.
    dropping = SyncIncident.objects.filter(dao=place.dao, facts__has_any_keys=["dropped_votes", "dropped_proposals"])
    for incident in dropping.order_by("-id")[:50]:
        dropped = [vote for vote in incident.facts.get("dropped_votes", []) if _names_proposal(vote, text)]
        if dropped or text in map(str, incident.facts.get("dropped_proposals", [])):
            voters = [to_bytes(vote["voter"]) for vote in dropped if isinstance(vote, dict) and "voter" in vote]
            is_reread = incident.kind == IncidentKind.MISSED_LOGS
            touched.append(
                {
                    "incident": incident, "is_reread": is_reread, "votes": dropped, "voters": voters[:10],
                    "words": _removed(len(dropped), is_reread),
                }
            )  # fmt: skip
    return touched


def _removed(votes: int, is_reread: bool) -> str:
    """What was taken from a proposal, and by what."""
    if is_reread:
        if not votes:
            return gettext("A node answered wrongly, so the mirror removed something from this proposal.")
        return ngettext(
            "A node answered wrongly, so the mirror removed a vote from this proposal.",
            "A node answered wrongly, so the mirror removed %(count)s votes from this proposal.",
            votes,
        ) % {"count": votes}
    if not votes:
        return gettext("A reorganisation of the chain removed something from this proposal.")
    return ngettext(
        "A reorganisation of the chain removed a vote from this proposal.",
        "A reorganisation of the chain removed %(count)s votes from this proposal.",
        votes,
    ) % {"count": votes}


def _names_proposal(vote: object, proposal_id: str) -> bool:
    if isinstance(vote, dict):
        return proposal_id in (str(vote.get("proposal_id")), str(vote.get("proposal")))
    return isinstance(vote, (list, tuple)) and proposal_id in map(str, vote)


def timeline(place: DaoView, proposal: Proposal) -> list[dict[str, Any]]:
    """What happened to a proposal and what its clock says, in order of time."""
    steps: list[tuple[int, dict[str, Any]]] = []
    found = list(transitions(proposal))
    l1_blocks = kept(place.dao, (bytes(s.log.block_hash) for s in found)) if place.counts_l1_blocks else {}
    for step in found:
        what = str(labels.TRANSITIONS.get(step.kind) or one_line(step.kind))
        log = step.log
        at = now_at(
            place.governor, log.block_number, log.block_timestamp_chain_s, l1_blocks.get(bytes(log.block_hash))
        ).timepoint
        steps.append(
            (
                at,
                {
                    "kind": step.kind,
                    "words": what,
                    "when": words.moment(step.log.block_timestamp_chain_s),
                    "log": step.log,
                },
            )
        )
    now = place.clock_now
    for point, past, future, never in (
        (proposal.snapshot, gettext("Voting started"), gettext("Voting starts"), gettext("Voting never starts")),
        (proposal.deadline, gettext("Voting ended"), gettext("Voting ends"), gettext("Voting has no end")),
    ):
        what = never if is_never(point) else past if point < now else future
        steps.append((point, {"words": what, "when": place.moment_text(point)}))
    steps.sort(key=lambda step: step[0])
    if proposal.eta_chain_s:
        is_endless = is_never(proposal.eta_chain_s)
        what = gettext("The timelock has no end") if is_endless else gettext("End of the timelock")
        over = {"words": what, "when": words.moment(proposal.eta_chain_s)}
        done = [i for i, (_, step) in enumerate(steps) if step.get("kind") == "executed"]
        steps.insert(done[0] if done else len(steps), (0, over))
    return [step for _, step in steps]


def policy_in(place: DaoView, calls: list[ActionView]) -> dict[str, Any] | None:
    """The policy that a proposal would put in force, in words, from the very bytes that are voted on."""
    for call in calls:
        if call.decoded is None or not call.decoded.signature.startswith(SET_POLICY):
            continue
        code = call.decoded.args[1].value
        try:
            return {"sentences": in_words(place, decode_policy(code)), "codehash": codehash(code)}
        except DecodeError as error:
            return {
                "sentences": [],
                "problem": gettext("the module will refuse this: %(problem)s") % {"problem": error},
            }
    return None
