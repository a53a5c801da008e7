# SPDX-License-Identifier: Apache-2.0
"""The operator's end of a request that no transaction was signed for.

What is signed can't be taken back, so only what is not signed is ended. The end and the agent's key wait for one
another at the DAO's row (`halts.Switched`): of the two the first one wins. An announced act is not ended here: on the
chain members object to it, and a veto or a pause stops it, whoever has the agent's key.
"""

from django.db import transaction

from agent.acts import life
from agent.acts.policy import in_force
from agent.acts.words import Stated, say
from agent.models import Binding, Request
from governance.chain.address import checksum
from governance.models import Dao, OutgoingTransaction
from governance.sentences import Sentence
from policies.notation.hexadecimal import hex_text

Status = Request.Status


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
        # Nothing was signed for the number: it is free for another request.
        request.bindings.filter(state=Binding.State.LIVE).update(state=Binding.State.UNUSED)
        how = say("ended_at_console" if account is None else "ended_by_operator")
        life.move(request, Status.REFUSED, life.Who.OPERATOR, how, account=account)


def why_not(request: Request) -> Sentence | None:
    """Why the request can't be ended, whoever asks; None where it can."""
    if request.status == Status.EXECUTING:
        return say("act_is_signed") if _was_signed(request) else None
    if request.status == Status.SCHEDULED:
        return say("act_is_announced")
    return None if request.status in life.ENDABLE else say("nothing_to_end")


def _was_signed(request: Request) -> bool:
    """Whether a transaction was ever signed for an act of the request, also one that the chain refused for good."""
    purposes = [f"act:{hex_text(bytes(row.hash))}:" for row in request.records.all()]
    return any(OutgoingTransaction.objects.filter(key__startswith=purpose).exists() for purpose in purposes)
