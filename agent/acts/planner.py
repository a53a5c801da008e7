# SPDX-License-Identifier: Apache-2.0
"""From a request to a plan: code derives candidates, policy and chain judge them, the model may choose one or abstain.

The model is asked in a schema whose only free choices are the names of candidates that code derived and that the policy
allows, so whatever it answers, no address, amount or call comes from it. It never sees proposal prose. What differs
from the signed roster, what can be read in two ways, what somebody without a say in the DAO asks for, and what the
model abstains from, waits for the operator's signature. The model can only stop: nothing is paid because it agreed, and
where it says nothing for a set time, exactly the roster goes on without it (`silence`).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NoReturn

import rfc8785
from django.db import transaction
from django.utils import timezone

from agent import choice
from agent.acts import asking, deriving, forms, life, quotes, rosters, silence, situation
from agent.acts.calls import calls_hash, calls_json
from agent.acts.candidates import Draft
from agent.acts.judging import (
    Halted,
    Judgement,
    Words,
    headroom_json,
    judge,
    refusal,
    refusal_json,
    standing_halt,
)
from agent.acts.pieces import NotUnderstood
from agent.acts.policy import NoPolicyInForce, PolicyInForce, in_force
from agent.acts.situation import Judged, Situation
from agent.acts.words import TABLE, because, codes, reason_of, say
from agent.llm import serving
from agent.llm.client import Model, ModelDown
from agent.models import Candidate, Plan, Refusal, Request, Roster
from agent.work_names import EXECUTE_WORK, PLAN_WORK
from governance import work
from governance.chain.address import checksum
from governance.chain.rpc import Rpc, RpcError
from governance.sentences import Sentence
from policies.answer.evaluate import Allowed
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_bytes, hex_text

_AGAIN_S = 5
# ------------------------------------------------------------------------------------------------------------- pure


def approval_reasons(word: choice.Word, differences: Sequence[Sentence], is_roster: bool) -> list[Sentence]:
    """Why the operator must approve; empty only for exactly the roster, and a model that says it is what was asked."""
    found = list(differences)
    if not word.agrees_to(word.key):
        found.insert(0, say("model_abstained", word=word.as_json()))
    if not is_roster and not found:
        found.append(say("not_exactly_roster"))
    return found


# --------------------------------------------------------------------------------------------------------- the steps


@work.worker(PLAN_WORK)
def plan_work(key: str, _arguments: dict[str, Any]) -> None:
    """Due work: plan the request with this id. A node that can't be asked is no failure of it: look again soon."""
    try:
        plan(int(key))
    except RpcError as error:  # raised before the model is asked: no word of it is waited for meanwhile
        silence.begin_afresh(int(key))
        raise work.Again(timezone.now() + timedelta(seconds=_AGAIN_S), error.sentence) from error


def plan(request_id: int, *, rpc: Rpc | None = None, model: Model | None = None) -> None:
    """Derive, judge and choose. Doing it again is harmless; what is decided stays decided.

    Raises work.Again while it must wait: for the mirror, the model, a cooldown, a kill switch to be cleared.
    """
    request = Request.objects.select_related("dao__chain", "module").get(pk=request_id)
    if request.status not in life.PLANNABLE:
        return
    if (stop := standing_halt(request.dao)) is not None:
        _wait(request, say("halted", reason=reason_of(stop)), 15)
    rpc = rpc or Rpc.for_chain(request.dao.chain_id)
    try:
        policy = in_force(request.dao, request.policy_id)
    except NoPolicyInForce as error:
        _settle(request, Request.Status.REFUSED, error.sentence)
        return
    known = situation.read(request, policy, rpc)
    if not known.pinned.is_of(policy):
        _wait(request, say("mirror_behind"), 2)
    roster: Roster | None = None
    quoted: list[dict[str, str]] = []
    try:
        if request.act:
            drafts, lent, quoted = deriving.derive_act(known, rpc)
        else:
            roster, drafts, lent = deriving.derive_words(known, rpc)
    except (rosters.RosterError, NotUnderstood, forms.NotPermitted, quotes.NoQuote) as error:
        _settle(request, Request.Status.ABSTAINED, error.sentence)
        return
    try:
        judged = [judge(policy, known.pinned, rpc, draft.calls) for draft in drafts]
    except Halted as error:
        _wait(request, say("halted", reason=error.sentence), 15)
    candidates = _store(known, roster, drafts, judged, lent, quoted)
    allowed = [candidate for candidate in candidates if candidate.allowed]
    if not allowed:
        why = refusal(judged[0], policy, lent)
        if all(judgement.passing for judgement in judged):
            _wait(request, why, _AGAIN_S)
        _settle(request, Request.Status.REFUSED, why)
        return
    if len(drafts) > 1 or request.act:
        _leave_to_the_operator(request, drafts)
    else:
        _choose(known, allowed, lent, model)


def _store(
    known: Situation, roster: Roster | None, drafts: Sequence[Draft], judged: Sequence[Judgement], lent: Words,
    quoted: Sequence[dict[str, str]],
) -> list[Candidate]:  # fmt: skip
    """Write candidates, refusals and what the planner knew. A request that waited is derived afresh."""
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=known.request.pk)
        if request.status not in life.PLANNABLE:
            return list(request.candidates.all())  # approved in between
        Plan.objects.filter(request=request).delete()
        request.candidates.all().delete()
        plan = Plan.objects.create(
            request=request,
            chosen_by=Plan.ChosenBy.NOBODY,
            inputs={
                "roster": roster
                and {
                    "digest": hex_text(bytes(roster.digest)),
                    "serial": str(roster.serial),
                    "operator": checksum(bytes(roster.operator)),
                },
                "quotes": list(quoted),
                "at_chain_s": str(known.pinned.now_chain_s),
                "tokens": [
                    {"asset": checksum(token.address), "symbol": token.symbol, "decimals": str(token.decimals)}
                    for token in lent.tokens
                ],
            },
        )
        candidates = []
        for number, (draft, judgement) in enumerate(zip(drafts, judged, strict=True), 1):
            candidate = Candidate.objects.create(
                request=request,
                key=f"c{number}",
                label=draft.label[:300],
                label_code=draft.label.as_json(),
                roster=roster,
                is_roster=draft.is_roster,
                differences=list(draft.differences),
                difference_codes=codes(draft.differences),
                lines=[
                    {
                        "recipient": checksum(line.recipient),
                        "asset": checksum(line.asset),
                        "amount": str(line.amount),
                        "period": line.period,
                        "name": line.name,
                        "provenance": dict(line.provenance),
                    }
                    for line in draft.lines
                ],
                calls=calls_json(draft.calls),
                calls_hash=calls_hash(draft.calls),
                allowed=judgement.allowed,
                band=judgement.answer.band if isinstance(judgement.answer, Allowed) else "",
            )
            candidates.append(candidate)
            if not judgement.allowed:
                record_refusal(known.chosen(plan, candidate, lent).judged(judgement))
    return candidates


def record_refusal(known: Judged) -> None:
    """Keep a refusal; the same one again (a request that waits) is kept once."""
    request, candidate, policy, pinned = known.request, known.candidate, known.policy, known.pinned
    reasons = refusal_json(known.judgement, policy, known.words)
    last = request.refusals.filter(candidate_key=candidate.key).order_by("-id").first()
    if last is not None and [reason["code"] for reason in last.reasons] == [reason["code"] for reason in reasons]:
        return
    Refusal.objects.create(
        request=request,
        candidate_key=candidate.key,
        label=candidate.label,
        label_code=candidate.label_code,
        calls=candidate.calls,
        policy_codehash=policy.codehash,
        block_number=pinned.block.number,
        block_hash=pinned.block.hash,
        reasons=reasons,
        headroom=headroom_json(policy.code, pinned.state, pinned.now_chain_s),
        module_says=known.judgement.simulation.text or "allowed",
        module_code=known.judgement.simulation.code,
    )


def _leave_to_the_operator(request: Request, drafts: Sequence[Draft]) -> None:
    """Have the operator pick between readings of the request, or sign what was asked for in a form. A model is not
    asked: it would only guess, and there is nothing of a form to understand."""
    why = list(dict.fromkeys(difference for draft in drafts for difference in draft.differences))
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=request.pk)
        if request.status not in life.PLANNABLE:
            return
        Plan.objects.filter(request=request).update(needs_approval=why, approval_codes=codes(why))
        life.move(request, Request.Status.NEEDS_APPROVAL, life.Who.PLANNER, because(why))


def _choose(known: Situation, allowed: Sequence[Candidate], lent: Words, model: Model | None) -> None:
    """Ask the model for one of the allowed candidates, and have it executed where nobody needs to approve it."""
    request, policy, pinned = known.request, known.policy, known.pinned
    keys = [candidate.key for candidate in allowed]
    text_of = {token.address: token for token in lent.tokens}
    asked = asking.messages(
        request.text,
        [(candidate.key, candidate.label) for candidate in allowed],
        [
            f"{row['budget']}: {_amount(text_of, row['asset'], row['left_instant'])} at once, "
            f"{_amount(text_of, row['asset'], row['left'])} in all"
            for row in headroom_json(policy.code, pinned.state, pinned.now_chain_s)
        ],
        [_amount(text_of, checksum(asset), str(amount)) for asset, amount in sorted(pinned.balances.items())],
    )
    form = choice.schema(keys)
    # Said before the model is asked: it may take its time, and the operator need not.
    if not _settle(request, Request.Status.RECEIVED, say("model_asked")):
        return  # approved in between
    try:
        serving.may_ask()
        chooser = model or Model.from_settings()
        answered = asking.ask(chooser, asked, form)
    except ModelDown as error:
        serving.note(error)
        why_silent = silence.over(request, error)
        if why_silent is None:
            awaited = say("model_awaited", problem=error.why, until=silence.until(request))
            _wait(request, awaited, _AGAIN_S, status=Request.Status.RECEIVED)
        _go_on_without_the_model(known, allowed, why_silent)
        return
    silence.begin_afresh(request.pk)
    word = choice.read(answered["parsed"], keys)
    chosen = next((candidate for candidate in allowed if word.agrees_to(candidate.key)), None)
    subject = chosen or allowed[0]
    why = approval_reasons(word, TABLE.read_all(subject.difference_codes, subject.differences), subject.is_roster)
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=request.pk)
        was_let_go = chosen is None and _was_let_go(request, subject)
        if not was_let_go and not _may_still_be_decided(request, policy, allowed):
            return  # the operator approved a candidate while the model was thinking
        row = Plan.objects.select_for_update().get(request=request)
        row.candidate = row.candidate if was_let_go else chosen
        row.chosen_by = Plan.ChosenBy.MODEL if chosen else Plan.ChosenBy.NOBODY
        row.silence = {}
        row.prompt = {"messages": asked, "schema": form}
        row.sampling = {
            "temperature": "0",
            "max_tokens": str(asking.MAX_TOKENS),
            "retry": {"temperature": "0.4", "times": "1"},
        }
        if chooser.extra_body:  # as text: a database's JSON would write some numbers in another way
            row.sampling["extra_body"] = rfc8785.dumps(chooser.extra_body).decode()
        row.model = {"name": answered["model"], "is_demo": chooser.is_demo}
        row.output = answered["text"]
        row.answer = word.as_json()
        row.usage = answered["usage"]
        if was_let_go:  # the executor reads it before it signs anything, and asks the operator
            row.needs_approval, row.approval_codes = list(why), codes(why)
            row.save()
        else:
            _decide(request, row, why, say("agreed"))


def _go_on_without_the_model(known: Situation, allowed: Sequence[Candidate], why_silent: Sentence) -> None:
    """Have exactly the roster executed without a second look; all else waits for the operator, who is told of that."""
    subject = allowed[0]
    why = TABLE.read_all(subject.difference_codes, subject.differences)
    if not subject.is_roster or len(allowed) > 1:
        why = why or [say("not_exactly_roster")]
    if (no := silence.no_before(known.request, subject)) is not None:
        why = [no, *why]
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=known.request.pk)
        if not _may_still_be_decided(request, known.policy, allowed):
            return
        row = Plan.objects.select_for_update().get(request=request)
        row.candidate = None if why else subject
        row.chosen_by = Plan.ChosenBy.NOBODY if why else Plan.ChosenBy.ROSTER
        row.silence = silence.kept(why_silent)
        _decide(request, row, [*why, why_silent] if why else [], say("exactly_roster", look=why_silent))


def _was_let_go(request: Request, candidate: Candidate) -> bool:
    """Whether another worker let the same payments of the (locked) request go on, as if the model were silent."""
    plan = Plan.objects.filter(request=request).select_related("candidate").first()
    return (
        request.status == Request.Status.PLANNED
        and plan is not None
        and plan.chosen_by == Plan.ChosenBy.ROSTER
        and plan.candidate is not None
        and bytes(plan.candidate.calls_hash) == bytes(candidate.calls_hash)
    )


def _may_still_be_decided(request: Request, policy: PolicyInForce, candidates: Sequence[Candidate]) -> bool:
    """Whether the (locked) request is still to be decided. Raises work.Again where what was asked about has changed."""
    if request.status not in life.PLANNABLE:
        return False
    if not _stands(request, policy, candidates):
        raise work.Again(timezone.now(), say("changed_meanwhile"))
    return True


def _decide(request: Request, plan: Plan, why: Sequence[Sentence], otherwise: Sentence) -> None:
    """Keep the plan. `why` the operator must sign; where it is empty the plan is executed, and `otherwise` is why."""
    plan.needs_approval, plan.approval_codes = list(why), codes(why)
    plan.save()
    if why:
        life.move(request, Request.Status.NEEDS_APPROVAL, life.Who.PLANNER, because(why))
        return
    life.move(request, Request.Status.PLANNED, life.Who.PLANNER, otherwise)
    work.enqueue(EXECUTE_WORK, str(request.pk), renew=True)


def _stands(request: Request, policy: PolicyInForce, candidates: Sequence[Candidate]) -> bool:
    """Whether what the model was asked about is still there: these candidates, under this code of the policy."""
    try:
        now = in_force(request.dao, request.policy_id)
    except NoPolicyInForce:
        return False
    known = set(request.candidates.values_list("pk", flat=True))
    return now.codehash == policy.codehash and {candidate.pk for candidate in candidates} <= known


def _amount(text_of: dict[bytes, Token], asset: str, amount: str) -> str:
    token = text_of.get(hex_bytes(asset))
    return token.text(int(amount)) if token else f"{amount} base units of {asset}"


def _settle(request: Request, status: str, why: Sentence) -> bool:
    """Write where it stands. Returns False, and writes nothing, if the request moved on in between."""
    try:
        life.move(request, status, life.Who.PLANNER, why, expected=life.PLANNABLE)
    except life.MovedMeanwhile:
        return False
    return True


def _wait(request: Request, why: Sentence, seconds: int, status: str = Request.Status.WAITING) -> NoReturn:
    """Write why it waits, and come back. Raises work.Again always."""
    if _settle(request, status, why) and status == Request.Status.WAITING and request.model_awaited_since:
        silence.begin_afresh(request.pk)  # it waits for something else now
    raise work.Again(timezone.now() + timedelta(seconds=seconds), why)
