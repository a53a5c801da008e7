# SPDX-License-Identifier: Apache-2.0
"""The operator's end of a request that no transaction was signed for, or of an announced act that is not released.

What is signed can't be taken back, so only what is not signed is ended. The end and the agent's key wait for one
another at the DAO's row (`halts.Switched`): of the two the first one wins. An announced act ends so for this site's
agent alone: it stays on the chain, unreleased, until its time there is over.
"""

from django.db import transaction

from agent.acts import life
from agent.acts.policy import in_force
from agent.acts.words import Stated, say
from agent.models import Binding, Request
from governance.chain.address import checksum
from governance.models import Act, Dao, OutgoingTransaction
from governance.sentences import Sentence
from policies.notation.hexadecimal import hex_text

Status = Request.Status
_HOW = {  # by whether its act is announced, and whether it is ended at the console
    (False, False): "ended_by_operator",
    (False, True): "ended_at_console",
    (True, False): "release_ended_by_operator",
    (True, True): "release_ended_at_console",
}


class EndingError(Stated, ValueError):
    """The request can't be ended; the sentence says why."""


def end(request: Request, account: bytes | None) -> None:
    """End a request. `account` is signed in and must be the policy's operator; None: the server's console.

    Raises EndingError and `policy.NoPolicyInForce`.
    """
    if account is not None:
        operator = in_force(request.dao, bytes(request.policy_id)).code.operator
        if account != operator:
            raise EndingError(say("only_operator_ends", operator=checksum(operator)))
    with transaction.atomic():
        Dao.objects.select_for_update(no_key=True).get(pk=request.dao_id)
        request = Request.objects.select_for_update().get(pk=request.pk)
        if (problem := why_not(request)) is not None:
            raise EndingError(problem)
        is_announced = request.status == Status.SCHEDULED
        if not is_announced:  # nothing was signed for the number: it is free for another request
            request.bindings.filter(state=Binding.State.LIVE).update(state=Binding.State.UNUSED)
        to = Status.STOPPED if is_announced else Status.REFUSED
        life.move(request, to, life.Who.OPERATOR, say(_HOW[is_announced, account is None]), account=account)


def why_not(request: Request) -> Sentence | None:
    """Why the request can't be ended, whoever asks; None where it can."""
    if request.status == Status.EXECUTING:
        return say("act_is_signed") if _is_signed([f"act:{_hex(row.hash)}:" for row in request.records.all()]) else None
    if request.status == Status.SCHEDULED:
        decisions = [bytes(row.hash) for row in request.records.all()]
        acts = Act.objects.filter(dao=request.dao_id, decision__in=decisions, act_id__isnull=False)
        return say("release_is_signed") if _is_signed([f"release:{_hex(act.act_id)}:" for act in acts]) else None
    return None if request.status in life.ENDABLE else say("nothing_to_end")


def _is_signed(purposes: list[str]) -> bool:
    """Whether a transaction was ever signed for one of these purposes, in the journal's words."""
    return any(OutgoingTransaction.objects.filter(key__startswith=purpose).exists() for purpose in purposes)


def _hex(value: bytes | None) -> str:
    return hex_text(bytes(value or b""))
