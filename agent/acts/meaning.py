# SPDX-License-Identifier: Apache-2.0
"""Which reading of a request was meant, as who asked says. It releases nothing: the operator sees it, and decides."""

from django.db import transaction

from agent.acts import life
from agent.acts.words import TABLE, Stated, because, say
from agent.models import Plan, Request
from governance.audit_log import Action, record


class MeaningError(Stated, ValueError):
    """The reading can't be picked; the sentence says why."""


def may_pick(request: Request, readings: int) -> bool:
    """Whether a reading may still be picked: the request waits with several, and the operator approved none of them."""
    plan = getattr(request, "plan", None)
    is_open = plan is not None and plan.candidate_id is None
    return request.status == Request.Status.NEEDS_APPROVAL and readings > 1 and is_open


def pick(request: Request, candidate_key: str, account: bytes) -> None:
    """Keep that the asker means this candidate. Raises MeaningError.

    `account` is signed in. Picking again replaces what was picked; a model never picks between readings.
    """
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=request.pk)
        if account != bytes(request.requested_by) or not request.asker_signed_in:
            raise MeaningError(say("only_asker_means"))
        candidates = list(request.candidates.all())
        plan = Plan.objects.select_for_update().filter(request=request).first()
        if plan is None or not may_pick(request, len(candidates)):
            raise MeaningError(say("nothing_to_mean"))
        candidate = next((row for row in candidates if row.key == candidate_key), None)
        if candidate is None:
            raise MeaningError(say("no_such_candidate"))
        if not candidate.allowed:
            raise MeaningError(say("outside_policy"))
        plan.asker_means = candidate.key
        plan.save(update_fields=["asker_means"])
        why = TABLE.read_all(plan.approval_codes, plan.needs_approval)
        means = because([say("asker_means", candidate=candidate.key), *why])
        life.move(request, request.Status.NEEDS_APPROVAL, life.Who.ASKER, means, account=account)
        record(Action.READING_PICKED, request.dao, account=account, request=request.pk, candidate=candidate.key)
