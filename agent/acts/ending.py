# SPDX-License-Identifier: Apache-2.0
"""The operator's end of a request that no act was made for: nothing is paid by it then, whatever is started again.

The request's row decides between operator and executor: who makes an act for it moves it in the same transaction. Once
there is an act, only the chain ends the request, for what is signed can't be taken back.
"""

from django.db import transaction

from agent.acts import life
from agent.acts.policy import in_force
from agent.acts.words import Stated, say
from agent.models import Request
from governance.chain.address import checksum


class EndingError(Stated, ValueError):
    """The request can't be ended; the sentence says why."""


def end(request: Request, account: bytes) -> None:
    """End a request that no act was made for. `account` is signed in. Raises EndingError and
    `policy.NoPolicyInForce`."""
    operator = in_force(request.dao, bytes(request.policy_id)).code.operator
    if account != operator:
        raise EndingError(say("only_operator_ends", operator=checksum(operator)))
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=request.pk)
        if request.status not in life.ENDABLE:
            raise EndingError(say("nothing_to_end"))
        life.move(request, Request.Status.REFUSED, life.Who.OPERATOR, say("ended_by_operator"), account=account)
