# SPDX-License-Identifier: Apache-2.0
"""The model's silence: how long a request waits for its word, and what stands where the word is missing.

The model is a second look, which can only stop. Silence stops nothing for ever: after a set time what is exactly the
signed roster goes on, and is told as "no second look"; everything else waits for the operator, as it does anyway.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from agent.acts.words import TABLE, say
from agent.llm.client import ModelDown
from agent.models import Plan, Request
from governance.sentences import Sentence


def awaited_since(request: Request) -> datetime:
    """Return when the model was first asked about the request; from now on where it never was."""
    if request.model_awaited_since is None:
        request.model_awaited_since = timezone.now()
        Request.objects.filter(pk=request.pk).update(model_awaited_since=request.model_awaited_since)
    return request.model_awaited_since


def over(request: Request, down: ModelDown) -> Sentence | None:
    """Return what to say of the missing word once nobody waits for it any more; None while it is waited for.

    Where no model is configured there is nothing to wait for.
    """
    since = awaited_since(request)
    if down.trouble is None and not settings.MODEL_URL:
        return say("no_second_look_none")
    waited = timezone.now() - since
    if waited < timedelta(seconds=settings.MODEL_SILENCE_S):
        return None
    return say("no_second_look", minutes=int(waited.total_seconds()) // 60, problem=down.why)


def until(request: Request) -> str:
    """Return the moment (UTC, in words) to which the request waits for the model at most."""
    at = awaited_since(request) + timedelta(seconds=settings.MODEL_SILENCE_S)
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def kept(why: Sentence) -> dict[str, Any]:
    """Return what a plan keeps of a silence: its sentence as a code with values, and the text of its time."""
    return {**why.as_json(), "text": str(why)}


def of(plan: Plan | None) -> Sentence | None:
    """Return why the plan's payment had no second look; None where it had one, or none was waited for."""
    return None if plan is None or not plan.silence else read(plan.silence)


def read(silence: Mapping[str, Any]) -> Sentence:
    return TABLE.read(dict(silence), str(silence.get("text", "")))
