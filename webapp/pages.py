# SPDX-License-Identifier: Apache-2.0
"""The pages. Each view gets what it shows from `reading` and `budgets`; all of them can be read without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from agent.llm import trouble
from agent.models import DecisionRecord, Refusal, Request
from governance import standing
from governance.capabilities import takes_signed_ballots
from governance.chain import abi
from governance.chain.address import BadAddress, to_bytes
from governance.models import Act, Dao, PolicyVersion, Proposal
from governance.open_proposals import OpenProposals, count_of, open_proposals
from policies.code.encoding import DecodeError, codehash, decode
from presentation import reading, words
from presentation.reading import Place, ProposalRow
from webapp.account import signin
from webapp.policies import read as budgets
from webapp.proposals import voter as voters
from webapp.proposals.governor_calls import next_step

_TRANSITIONS = {
    "created": "Proposed",
    "queued": "Queued in the timelock",
    "executed": "Executed",
    "canceled": "Canceled",
    "extended": "Voting time extended (late quorum)",
}
_VERDICTS = {
    "matches": "Each call matches a sentence of the text",
    "differs": "The text and the calls differ",
    "unmatched": "Code could not match the text to the calls",
    "opaque": "Some calls can't be decoded, so nobody can say",
    "unread": "The text was not compared: no claims were read from it",
}


def _page(request: HttpRequest) -> int:
    """The page number asked for; anything that is none is the first."""
    asked = request.GET.get("page", "1")
    return int(asked) if asked.isdecimal() and 0 < len(asked) < 8 and int(asked) > 0 else 1


def _render(request: HttpRequest, template: str, place: Place | None, here: str = "", **context: Any) -> HttpResponse:
    return render(
        request,
        f"webapp/{template}",
        {"place": place, "here": here, "signed_in": signin.signed_in_text(request), **context},
    )


@require_safe
def daos(request: HttpRequest) -> HttpResponse:
    """All DAOs; with only one, its home."""
    found = list(Dao.objects.select_related("chain").order_by("name")[:100])
    if len(found) == 1:
        return redirect("home", slug=found[0].slug)
    return _render(request, "daos.html", None, daos=found)


@dataclass
class Agenda:
    """What is open in a DAO, as its home shows it. Of each kind the first few, and how many more there are.

    `now` holds what ends: acts that members may object to and votes that are open, whichever ends first.
    """

    now: list[dict[str, Any]]
    more_acts: int
    more_votes: int
    coming: list[ProposalRow]
    more_coming: int
    decided: list[ProposalRow]
    more_decided: int
    others: list[ProposalRow]  # the newest of those that are shown nowhere above

    ACTS, VOTES, NEXT, OTHERS = 10, 10, 5, 5

    @classmethod
    def of(cls, place: Place) -> Agenda:
        """Read it. As many queries for one proposal as for a thousand."""
        found = OpenProposals([], [], [])
        if governor := place.one("governor"):
            found = open_proposals(place.dao, governor, place.now)
        voting, more_votes = _first(found.voting, cls.VOTES)
        coming, more_coming = _first(found.coming, cls.NEXT)
        decided, more_decided = _first(found.decided, cls.NEXT)
        others = reading.latest_but(place, [*voting, *coming, *decided], cls.OTHERS)
        rows = {row.proposal.pk: row for row in reading.rows_of(place, [*voting, *coming, *decided, *others])}

        def shown(numbers: list[int]) -> list[ProposalRow]:
            return [rows[number] for number in numbers if number in rows]

        acts = reading.objectable(place, cls.ACTS)
        more_acts = max(0, reading.objectable_count(place) - cls.ACTS)
        now = [
            *((_act_ends_s(place, act), {"act": act}) for act in acts),
            *((place.seconds_until(row.ends_at), {"row": row}) for row in shown(voting)),
        ]
        now.sort(key=lambda entry: entry[0])  # stable: of what ends at the same time, acts come first
        return cls(
            [entry for _, entry in now], more_acts, more_votes,
            shown(coming), more_coming, shown(decided), more_decided, shown(others),
        )  # fmt: skip

    @property
    def has_proposals(self) -> bool:
        """Whether any proposal is shown."""
        votes = any("row" in entry for entry in self.now)
        return votes or bool(self.coming or self.decided or self.others)


def _first(numbers: QuerySet | list[int], most: int) -> tuple[list[int], int]:
    """The first few of those numbers, and how many are left."""
    return list(numbers[:most]), max(0, count_of(numbers) - most)


def _act_ends_s(place: Place, act: Act) -> float:
    """About how many seconds are left to object to an act; 0 where it may be released at any moment."""
    return max(0, (act.releasable_chain_s or 0) - place.now_chain_s)


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest, slug: str) -> HttpResponse:
    """What needs the reader now, the treasury, and the agent's spending."""
    place = Place.of(slug)
    agenda = Agenda.of(place)
    policies = budgets.views(place, reading.policies_in_force(place))
    return _render(
        request,
        "home.html",
        place,
        "home",
        agenda=agenda,
        balances=reading.balances(place),
        flows=reading.flows(place),
        budgets=[budget for policy in policies for budget in policy.budgets],
        policies=policies,
        standing=standing.known(place.dao),
        incidents=reading.incidents(place, 5),
        held=reading.held_against(place),
    )


@require_safe
@ensure_csrf_cookie
def proposals(request: HttpRequest, slug: str) -> HttpResponse:
    """All proposals, newest first; of the open ones what ends first."""
    place = Place.of(slug)
    only_open, page = request.GET.get("show") == "open", _page(request)
    rows, count = reading.proposals(place, only_open=only_open, page=page)
    return _render(
        request,
        "proposals.html",
        place,
        "proposals",
        rows=rows,
        only_open=only_open,
        page=page,
        pages=max(1, -(-count // reading.PAGE)),
        query="&show=open" if only_open else "",
    )


@require_safe
@ensure_csrf_cookie
def proposal(request: HttpRequest, slug: str, proposal_id: int) -> HttpResponse:
    """One proposal: text beside effects, summary with its sources, tally, votes, and what can be done now."""
    place = Place.of(slug)
    row_proposal = reading.proposal(place, proposal_id)
    row, summary = reading.proposal_row(place, row_proposal), reading.summary_of(row_proposal)
    page = _page(request)
    votes, count = reading.votes(row_proposal, page=page)
    calls = reading.actions(place, row_proposal, summary)
    return _render(
        request,
        "proposal.html",
        place,
        "proposals",
        row=row,
        summary=summary,
        findings=reading.findings(summary),
        verdict_text=_VERDICTS.get(summary.verdict, summary.verdict) if summary else "",
        calls=calls,
        policy=policy_in(place, calls),
        votes=votes,
        votes_count=count,
        page=page,
        pages=max(1, -(-count // 50)),
        query="",
        checks=reading.checks(place, f"proposal:{proposal_id}:"),
        reorgs=reading.reorgs_of(place, row_proposal),
        timeline=timeline(place, row_proposal),
        transaction=next_step(place, row_proposal, row.state, calls),
        relayer=bool(settings.RELAYER_KEYSTORE) and takes_signed_ballots(place.governor.capabilities),
        **voter_asked_for(request, place, row_proposal),
    )


def voter_asked_for(request: HttpRequest, place: Place, proposal: Proposal) -> dict[str, Any]:
    """The account that a reader without JavaScript asked about (`?account=0x...`), with its power and votes."""
    asked = request.GET.get("account", "").strip()
    if not asked:
        return {}
    try:
        account = to_bytes(asked)
    except BadAddress as error:
        return {"voter_problem": f"That is no address: {words.one_line(str(error))}."}
    seen = voters.look(place, proposal, account)
    return {"voter": seen, "voter_words": voters.in_words(place, proposal, seen)}


def timeline(place: Place, proposal: Proposal) -> list[dict[str, Any]]:
    """What happened to a proposal and what its clock says, in order of time."""
    steps: list[tuple[int, dict[str, Any]]] = []
    for step in reading.transitions(proposal):
        what = _TRANSITIONS.get(step.kind, words.one_line(step.kind))
        at = step.log.block_number if place.counts_blocks else step.log.block_timestamp_chain_s
        steps.append((at, {"words": what, "when": words.moment(step.log.block_timestamp_chain_s), "log": step.log}))
    now = place.clock_now
    for point, past, future in (
        (proposal.snapshot, "Voting started", "Voting starts"),
        (proposal.deadline, "Voting ended", "Voting ends"),
    ):
        steps.append((point, {"words": past if point < now else future, "when": place.clock_text(point)}))
    steps.sort(key=lambda step: step[0])
    if proposal.eta_chain_s:
        over = {"words": "End of the timelock", "when": words.moment(proposal.eta_chain_s)}
        done = [i for i, (_, step) in enumerate(steps) if step["words"] == _TRANSITIONS["executed"]]
        steps.insert(done[0] if done else len(steps), (0, over))
    return [step for _, step in steps]


def policy_in(place: Place, calls: list[reading.ActionView]) -> dict[str, Any] | None:
    """The policy that a proposal would put in force, in words, from the very bytes that are voted on."""
    for call in calls:
        if call.decoded is None or not call.decoded.signature.startswith("setPolicy(bytes32,bytes)"):
            continue
        code = call.decoded.args[1].value
        try:
            return {"sentences": budgets.in_words(place, decode(code)), "codehash": codehash(code)}
        except DecodeError as error:
            return {"sentences": [], "problem": f"the module will refuse this: {error}"}
    return None


@require_safe
@ensure_csrf_cookie
def delegates(request: HttpRequest, slug: str) -> HttpResponse:
    """Who holds voting power."""
    place = Place.of(slug)
    rows = reading.delegates(place)
    return _render(request, "delegates.html", place, "delegates", rows=rows, total=sum(row.power for row in rows))


@require_safe
@ensure_csrf_cookie
def policies(request: HttpRequest, slug: str) -> HttpResponse:
    """The policies in force, in words, with their budgets."""
    place = Place.of(slug)
    return _render(
        request,
        "policies.html",
        place,
        "policies",
        policies=budgets.views(place, reading.policies_in_force(place)),
        standing=standing.known(place.dao),
    )


_OBJECT = "object(bytes32,bytes32[])"
_VETO = "veto(bytes32,bytes32)"
_PAUSE = "pause()"


@require_safe
@ensure_csrf_cookie
def agent(request: HttpRequest, slug: str) -> HttpResponse:
    """Acts, refusals and requests, with the buttons that stop."""
    place, page = Place.of(slug), _page(request)
    rows, count = reading.acts(place, page=page)
    in_force = reading.policies_in_force(place)
    recorded = set(
        DecisionRecord.objects.filter(hash__in=[bytes(act.decision) for act in rows]).values_list("hash", flat=True)
    )
    return _render(
        request,
        "agent.html",
        place,
        "agent",
        acts=[act_view(place, act, bytes(act.decision) in {bytes(item) for item in recorded}) for act in rows],
        page=page,
        pages=max(1, -(-count // reading.PAGE)),
        query="",
        refused=refused(place),
        modules=[
            {
                "pk": module.pk,
                "state": place.module_states.get(module.pk),
                "address_text": words.address_text(module.address),
                "pause_calldata": words.hash_text(abi.encode_call(_PAUSE)),
            }
            for module in place.contracts["module"]
        ],
        policies=in_force,
        standing=standing.known(place.dao),
        model_trouble=(now_wrong := trouble.standing()),
        model_trouble_text=trouble.in_words(now_wrong) if now_wrong else "",
        requests=requests(place, in_force),
    )


def requests(place: Place, in_force: list[PolicyVersion]) -> list[Request]:
    """The newest requests, each with `operator_text`: who may approve it, or nothing where that is not known."""
    operators = {(version.module_id, bytes(version.policy_id)): budgets.operator_of(version) for version in in_force}
    rows = list(
        Request.objects.filter(dao=place.dao).select_related("plan").prefetch_related("candidates").order_by("-id")[:20]
    )
    for row in rows:
        operator = operators.get((row.module_id, bytes(row.policy_id)))
        row.operator_text = words.address_text(operator) if operator else ""
    return rows


def act_view(place: Place, act: Act, has_record: bool) -> dict[str, Any]:
    """An act with its calls in words and the calldata that stops it."""
    view: dict[str, Any] = {
        "act": act,
        "status_text": act.get_status_display(),
        "calls": [
            {"words": reading.call_words(place, bytes(call.target), call.value_wei, bytes(call.calldata))}
            for call in act.calls.all()
        ],
        "has_record": has_record,
        "module": words.address_text(act.module.address),
    }
    if act.act_id:
        policy_id, act_id = bytes(act.policy_id), bytes(act.act_id)
        view["object_calldata"] = words.hash_text(abi.encode_call(_OBJECT, [policy_id, [act_id]]))
        view["veto_calldata"] = words.hash_text(abi.encode_call(_VETO, [policy_id, act_id]))
    return view


def planner_refusals(place: Place) -> list[Refusal]:
    """Candidates that the planner's check refused, newest first."""
    return list(Refusal.objects.filter(request__dao=place.dao).select_related("request").order_by("-id")[:50])


def refused(place: Place) -> list[dict[str, Any]]:
    """What the chain refused and what the planner's check refused before anything was sent, newest first."""
    found: list[tuple[float, dict[str, Any]]] = [
        (
            float(row.block_timestamp_chain_s),
            {
                "by": "by the chain",
                "words": row.clause or row.reason,
                "reason": row.reason,
                "when": f"{words.moment(row.block_timestamp_chain_s)}, block {row.block_number}",
                "transaction": bytes(row.transaction_hash),
                "sender": bytes(row.sender),
            },
        )
        for row in reading.refusals(place)
    ]
    found += [
        (
            row.created_at.timestamp(),
            {
                "by": "before sending",
                "words": str(row) or row.label,
                "reason": f"{row.label} (request: {row.request.text})",
                "when": f"{row.created_at:%d %b %Y, %H:%M} UTC, checked at block {row.block_number}",
            },
        )
        for row in planner_refusals(place)
    ]
    return [item for _, item in sorted(found, key=lambda pair: -pair[0])]


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Whether this process serves and its database answers; 503 where not. Says nothing else to anybody."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError:
        return JsonResponse({"status": "the database does not answer"}, status=503)
    return JsonResponse({"status": "ok"})


def bytes32(text: str) -> bytes:
    """32 bytes from 64 hexadecimal digits, with or without 0x. Raises Http404 for anything else."""
    digits = text.removeprefix("0x")
    try:
        value = bytes.fromhex(digits)
    except ValueError:
        value = b""
    if len(value) != 32 or len(digits) != 64:
        raise Http404("not a hash")
    return value
