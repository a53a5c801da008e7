# SPDX-License-Identifier: Apache-2.0
"""A request's way: the only writer of its status. A move that `MOVES` does not have can't be made; each made is a row.

The row and the status are written in one transaction, and only if the request still stands where the mover read it, so
that of two workers one moves it.
"""

from collections.abc import Collection

from django.db import transaction

from agent.acts import words
from agent.models import Request, RequestMove
from governance.audit_log import Action, record
from governance.sentences import Sentence

Status, Who = Request.Status, RequestMove.Who

PLANNABLE = (Status.RECEIVED, Status.WAITING)
# An approval may come while the model is down (`received`) as well as after it chose.
APPROVABLE = (Status.RECEIVED, Status.NEEDS_APPROVAL)
# No transaction that could still pay is signed for it, and an act may still be made without the operator's signature.
ENDABLE = (Status.RECEIVED, Status.WAITING, Status.PLANNED)

# Who may move a request, from where, and to where. A status that stands on both sides may be given another reason; that
# is no move, and no row.
_TABLE: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (Who.ASKER, ("",), (Status.RECEIVED,)),
    (Who.ASKER, (Status.NEEDS_APPROVAL,), (Status.NEEDS_APPROVAL,)),  # picks a reading: the operator still decides
    (
        Who.PLANNER,
        PLANNABLE,
        (*PLANNABLE, Status.ABSTAINED, Status.REFUSED, Status.NEEDS_APPROVAL, Status.PLANNED),
    ),
    (Who.OPERATOR, APPROVABLE, (Status.PLANNED,)),
    # From `executing` only where no transaction was ever signed for the act (`ending`).
    (Who.OPERATOR, (*ENDABLE, Status.EXECUTING), (Status.REFUSED,)),
    (
        Who.EXECUTOR,
        (Status.PLANNED, Status.EXECUTING),
        (Status.PLANNED, Status.EXECUTING, Status.NEEDS_APPROVAL, Status.REFUSED),
    ),
    (Who.EXECUTOR, (Status.EXECUTING, Status.STOPPED), (Status.PLANNED, Status.FAILED)),
    # A scheduled act's release; what was paid or stopped, or is followed no longer, may be pending again after a
    # reorganisation.
    (
        Who.EXECUTOR,
        (Status.SCHEDULED, Status.EXECUTING, Status.EXECUTED, Status.STOPPED),
        (Status.SCHEDULED, Status.STOPPED),
    ),
    # What the chain says of an act comes true wherever the request stands, once a record can have been made for it.
    (
        Who.MIRROR,
        (
            Status.NEEDS_APPROVAL,
            Status.PLANNED,
            Status.REFUSED,
            Status.EXECUTING,
            Status.SCHEDULED,
            Status.EXECUTED,
            Status.STOPPED,
            Status.FAILED,
        ),
        (Status.SCHEDULED, Status.EXECUTED, Status.STOPPED),
    ),
    (Who.MIRROR, (Status.SCHEDULED, Status.EXECUTED), (Status.EXECUTING,)),  # its act is gone from the chain
)
MOVES = frozenset((before, after, who) for who, froms, tos in _TABLE for before in froms for after in tos)


class NotAllowed(Exception):
    """The table has no such move: a mistake in our own code, never anybody's input."""


class MovedMeanwhile(Exception):
    """The request does not stand where the mover read it: somebody else moved it."""

    def __init__(self, why: Sentence):
        self.why = why
        super().__init__(why)


def was_ended(request: Request) -> bool:
    """Whether the operator ended the request, for good: no later move undoes that."""
    return RequestMove.objects.filter(request=request, who=Who.OPERATOR, to_status=Status.REFUSED).exists()


def received(request: Request) -> None:
    """Keep that a request was asked for, as its first move. Call it in the transaction that makes the request."""
    _keep(request, "", Who.ASKER, words.NOTHING, bytes(request.requested_by))


def move(
    request: Request,
    to: str,
    who: str,
    why: Sentence,
    *,
    account: bytes | None = None,
    expected: Collection[str] = (),
) -> None:
    """Move a request that stands in one of `expected`, or where it was read; or give its status another reason.

    Raises MovedMeanwhile where it stands elsewhere now, NotAllowed for a move that the table does not have.
    """
    with transaction.atomic():
        at = Request.objects.select_for_update(no_key=True).values_list("status", flat=True).get(pk=request.pk)
        if at not in (expected or (request.status,)):
            raise MovedMeanwhile(words.say("moved_meanwhile", request=request.pk, status=at))
        if (at, to, who) not in MOVES:
            raise NotAllowed(f"request {request.pk} can't be moved from {at} to {to} by the {who}")
        text = str(why)[:400]
        if (at, request.status, request.reason) == (to, to, text):
            return
        request.status, request.reason = to, text
        request.reason_code, request.reason_values = why.code, why.values_json()
        request.save(update_fields=["status", "reason", "reason_code", "reason_values", "updated_at"])
        if to != at:
            _keep(request, at, who, why, account)


def _keep(request: Request, at: str, who: str, why: Sentence, account: bytes | None) -> None:
    RequestMove.objects.create(
        request=request,
        from_status=at,
        to_status=request.status,
        who=who,
        account=account,
        reason_code=why.code,
        reason_values=why.values_json(),
    )
    moved = {"request": request.pk, "from": at, "to": request.status, "who": str(who), "reason": why.code}
    record(Action.REQUEST_MOVED, request.dao, account=account, **moved)
