# SPDX-License-Identifier: Apache-2.0
"""The model's silence: how long a request waits for its word, and what stands where the word is missing.

The model is a second look, which can only stop. Silence stops nothing for ever: after a set time what is exactly the
signed roster goes on, and is told as "no second look"; everything else waits for the operator, as it does anyway. A
no that was said to the same payments before is not undone by silence.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from agent.acts.words import TABLE, say
from agent.llm.client import ModelDown
from agent.models import Candidate, Plan, Request
from governance.sentences import Sentence

_PAUSE_MOST_S = 600  # for which agent.llm.serving leaves a slow server alone, at most


def asked_in_vain(request: Request, *, is_there_one: bool) -> None:
    """Keep that the model has no word now. Its silence counts from the first time, and afresh after a gap in which
    nobody asked: no worker ran, or no model was configured (`is_there_one`), say."""
    now = timezone.now()
    most = timedelta(seconds=_PAUSE_MOST_S + 2 * settings.MODEL_DEADLINE_S)
    last = request.model_asked_at
    if request.model_awaited_since is None or (is_there_one and (last is None or now - last > most)):
        request.model_awaited_since = now
    request.model_asked_at = now if is_there_one else None
    Request.objects.filter(pk=request.pk).update(
        model_awaited_since=request.model_awaited_since, model_asked_at=request.model_asked_at
    )


def begin_afresh(request_id: int) -> None:
    """Have the model's silence counted afresh when it is asked again."""
    Request.objects.filter(pk=request_id).update(model_awaited_since=None, model_asked_at=None)


def over(request: Request, down: ModelDown) -> Sentence | None:
    """Return what to say of the missing word once nobody waits for it any more; None while it is waited for.

    That is decided right after a question that failed, not while a slow server is left alone. Where no model is
    configured the set time is waited out, too.
    """
    is_there_one = down.trouble is not None or bool(settings.MODEL_URL)
    asked_in_vain(request, is_there_one=is_there_one)
    waited = timezone.now() - _since(request)
    if waited < timedelta(seconds=settings.MODEL_SILENCE_S):
        return None
    if down.trouble is None:
        return None if is_there_one else say("no_second_look_none")
    return say("no_second_look", minutes=int(waited.total_seconds()) // 60, problem=down.why)


def no_before(request: Request, candidate: Candidate) -> Sentence | None:
    """Return that the model said no to the same payments when another request asked for them; None where it did not."""
    plans = Plan.objects.filter(
        request__dao=request.dao_id,
        request__module=request.module_id,
        request__policy_id=request.policy_id,
        request__period=request.period,
        request__candidates__calls_hash=candidate.calls_hash,
    )
    for plan in plans.exclude(request=request).exclude(model={}).order_by("-id").distinct():
        same = plan.request.candidates.filter(calls_hash=candidate.calls_hash)
        if not any(plan.model_agrees_to(one) for one in same):
            return say("model_said_no_before", request=plan.request_id)
    return None


def _since(request: Request) -> datetime:
    return request.model_awaited_since or timezone.now()


def until(request: Request) -> str:
    """Return the moment (UTC, in words) to which the request waits for the model at least, if it says nothing."""
    at = _since(request) + timedelta(seconds=settings.MODEL_SILENCE_S)
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def kept(why: Sentence) -> dict[str, Any]:
    """Return what a plan keeps of a silence: its sentence as a code with values, and the text of its time."""
    return {**why.as_json(), "text": str(why)}


def of(plan: Plan | None) -> Sentence | None:
    """Return why the plan's payment had no second look; None where it had one, or none was waited for."""
    return None if plan is None or not plan.silence else read(plan.silence)


def read(silence: Mapping[str, Any]) -> Sentence:
    return TABLE.read(dict(silence), str(silence.get("text", "")))
