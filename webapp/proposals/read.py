# SPDX-License-Identifier: Apache-2.0
"""What only a proposal's page shows of it: its time line, reorganisations, what the verdict rests on."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, ngettext

from agent.models import ChainFacts
from agent.understanding.live.names import names_in
from governance.chain import ens
from governance.chain.address import to_bytes
from governance.chain.module import SET_POLICY
from governance.clocks import kept
from governance.incidents import Kind as IncidentKind
from governance.models import Proposal, ProposalTransition, SyncIncident, chain_order
from governance.numbers import grouped
from governance.state import State, is_final, now_at
from policies.code.encoding import DecodeError, codehash
from policies.code.encoding import decode as decode_policy
from policies.notation.visible import one_line
from presentation import labels, words
from presentation.calls import ActionView
from presentation.dao_view import DaoView, is_never
from presentation.policies import in_words
from presentation.proposals import ProposalRow


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


def timeline(place: DaoView, row: ProposalRow) -> list[dict[str, Any]]:
    """What happened to a proposal, what is so now, and what may come, in order of time: each step's `stage` is "past",
    "now" or "next"."""
    proposal = row.proposal
    steps: list[tuple[int, dict[str, Any]]] = []
    found = list(transitions(proposal))
    l1_blocks = kept(place.dao, (bytes(s.log.block_hash) for s in found)) if place.counts_l1_blocks else {}
    for step in found:
        what = str(labels.TRANSITIONS.get(step.kind) or one_line(step.kind))
        log = step.log
        at = now_at(
            place.governor, log.block_number, log.block_timestamp_chain_s, l1_blocks.get(bytes(log.block_hash))
        ).timepoint
        when = words.moment(step.log.block_timestamp_chain_s)
        steps.append((at, {"kind": step.kind, "words": what, "when": when, "log": step.log, "stage": "past"}))
    now, is_over = place.clock_now, is_final(row.state)
    for point, past, future, never in (
        (proposal.snapshot, gettext("Voting started"), gettext("Voting starts"), gettext("Voting never starts")),
        (proposal.deadline, gettext("Voting ended"), gettext("Voting ends"), gettext("Voting has no end")),
    ):
        if is_over and point >= now:
            continue  # it was canceled before
        what = never if is_never(point) else past if point < now else future
        stage = "past" if point < now else "next"
        steps.append((point, {"words": what, "when": place.moment_text(point), "stage": stage}))
    steps.sort(key=lambda step: step[0])
    shown = [step for _, step in steps]
    if proposal.eta_chain_s and not (is_over and proposal.eta_chain_s > place.now_chain_s):
        is_endless = is_never(proposal.eta_chain_s)
        what = gettext("The timelock has no end") if is_endless else gettext("End of the timelock")
        stage = "past" if proposal.eta_chain_s <= place.now_chain_s else "next"
        done = [i for i, step in enumerate(shown) if step.get("kind") == "executed"]
        over = {"words": what, "when": words.moment(proposal.eta_chain_s), "stage": stage}
        shown.insert(done[0] if done else len(shown), over)
    return [*_with_now(place, row, shown), *_if_it_passes(place, row)]


def _with_now(place: DaoView, row: ProposalRow, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps with what is so now between those that are past and those to come."""
    match row.state:
        case State.PENDING | State.UPDATABLE:
            what, when = gettext("Now: the vote has not begun"), place.voting_starts(row.proposal.snapshot)
        case State.ACTIVE:
            what, when = gettext("Now: members vote"), place.voting_left(row.ends_at)
        case State.OBJECTION_PERIOD:
            what, when = gettext("Now: only votes against are taken"), place.until_text(row.ends_at)
        case State.SUCCEEDED:
            what, when = gettext("Now: it has passed"), gettext("it waits for its next step")
        case State.QUEUED if (row.proposal.eta_chain_s or 0) > place.now_chain_s:
            what, when = gettext("Now: in the timelock"), ""
        case State.QUEUED:
            what, when = gettext("Now: out of the timelock"), gettext("it waits for its execution")
        case _:
            return steps
    at = next((i for i, step in enumerate(steps) if step["stage"] == "next"), len(steps))
    return [*steps[:at], {"words": what, "when": when, "stage": "now"}, *steps[at:]]


def _if_it_passes(place: DaoView, row: ProposalRow) -> list[dict[str, Any]]:
    """What comes after a vote that is not over."""
    if row.state not in (State.PENDING, State.UPDATABLE, State.ACTIVE, State.OBJECTION_PERIOD):
        return []
    if place.one("timelock"):
        when = gettext("then queued, then executed when the timelock lets it")
    else:
        when = gettext("then executed")
    return [{"words": gettext("If it passes"), "when": when, "stage": "next"}]


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


def names_of_ens(place: DaoView, proposal: Proposal) -> list[str]:
    """What is known of the names in a proposal's text that end in .eth: one sentence for each that the chain confirmed,
    or one that says why none is used. Nothing where the text has no such name."""
    if not names_in(proposal.description):
        return []
    if place.dao.chain_id not in ens.CHAINS:
        return [gettext("This chain has no ENS: names that end in .eth were not looked up.")]
    row = ChainFacts.objects.filter(proposal=proposal, is_answered=True).first()
    if row is None:
        return [gettext("Names that end in .eth were not looked up yet, or no node could answer: none is used.")]
    number = grouped(row.block_number)
    found = [
        gettext("%(name)s is %(address)s, and that address says so: ENS at block %(number)s.")
        % {"name": name, "address": address, "number": number}
        for address, name in row.names.items()
    ]
    return found or [
        gettext("ENS confirms no name of the text in both directions at block %(number)s: none is used.")
        % {"number": number}
    ]
