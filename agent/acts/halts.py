# SPDX-License-Identifier: Apache-2.0
"""The agent's switch on this site: stop it at once, and start it again with the reason why that is safe.

While a halt stands uncleared, the agent signs nothing for the DAO. It is no pause of the module: what was sent before
may still be mined, and another who has the agent's key isn't stopped by it. The guardian's pause is what stops that.
"""

from typing import Any

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone

from agent.acts import life
from agent.acts.words import Stated, reason_of, say
from agent.models import AgentHalt, Request
from governance.audit_log import Action, record
from governance.chain.keys import Signer
from governance.models import Dao

MOST_REASON = 300
MOST_SHOWN = 50  # halts in one place: whoever may stop the agent may do so any number of times
FEWEST_REASON = 10  # characters: a word is no reason


class HaltError(Stated, ValueError):
    """The agent can't be stopped or started so; the sentence says why."""


class Halted(Stated, RuntimeError):
    """Nothing may be signed: the kill switch stands, or the request was ended; the sentence is the reason."""


class Switched:
    """The agent's key behind the switch: it signs nothing for DAOs from the moment on at which one of them has a halt.

    It signs within a transaction that keeps what was signed, and holds the DAOs' rows until that ends; whoever stops
    the agent waits for the row, and so does who ends a request. So once `stop` has returned, nothing new is signed, and
    once `request` was ended, nothing for it. Raises Halted.
    """

    def __init__(self, signer: Signer, *daos: Dao, request: Request | None = None):
        self._signer, self._daos, self._request = signer, [dao.pk for dao in daos], request
        self.address = signer.address

    def sign(self, fields: dict[str, Any]) -> tuple[bytes, bytes]:
        self._ask()
        return self._signer.sign(fields)

    def sign_typed_data(self, full_message: dict[str, Any]) -> bytes:
        self._ask()
        return self._signer.sign_typed_data(full_message)

    def _ask(self) -> None:
        list(Dao.objects.select_for_update(no_key=True).filter(pk__in=self._daos).order_by("pk"))
        halt = AgentHalt.objects.filter(dao__in=self._daos, cleared_at=None).order_by("id").first()
        if halt is not None:
            raise Halted(reason_of(halt))
        if self._request is not None and life.was_ended(self._request):
            raise Halted(say("was_ended"))


def stop(dao: Dao, account: bytes | None, because: str) -> AgentHalt:
    """Stop the agent now. `because` is shown to everybody and may be empty: stopping must never wait for words. Each
    stop is a halt of its own: whoever starts the agent again sees them all, and clears those that they saw."""
    because = _line(because)
    with transaction.atomic():
        Dao.objects.select_for_update(no_key=True).get(pk=dao.pk)
        why = say("stopped_by_hand", because=because)
        made = AgentHalt.objects.create(
            dao=dao, reason=str(why)[:400], reason_code=why.code, reason_values=why.values_json()
        )
        record(Action.AGENT_STOPPED, dao, account=account, halt=made.pk, reason=why.code, because=because)
    return made


def start(dao: Dao, account: bytes | None, because: str, halts: list[int] | None = None) -> int:
    """Clear halts of the DAO (`halts`: these, by their numbers, as somebody saw them; None: all that stand), with the
    reason why that is safe. Returns how many were cleared. Raises HaltError where the reason is none."""
    because = _line(because)
    if len(because) < FEWEST_REASON:
        raise HaltError(say("start_needs_reason", least=FEWEST_REASON))
    with transaction.atomic():
        found = AgentHalt.objects.select_for_update().filter(dao=dao, cleared_at=None)
        if halts is not None:
            found = found.filter(pk__in=halts)
        numbers = sorted(row.pk for row in found)
        AgentHalt.objects.filter(pk__in=numbers).update(cleared_at=timezone.now(), cleared_because=because)
        if numbers:
            record(Action.AGENT_STARTED, dao, account=account, halts=numbers, because=because)
    return len(numbers)


def standing(dao: Dao, most: int | None = None) -> list[AgentHalt]:
    """The halts that stand, at most so many: those that the agent made itself, then those by hand; the oldest first."""
    by_hand = ExpressionWrapper(Q(reason_code="stopped_by_hand"), BooleanField())
    return list(AgentHalt.objects.filter(dao=dao, cleared_at=None).order_by(by_hand, "id")[:most])


def count(dao: Dao) -> int:
    """How many halts stand."""
    return AgentHalt.objects.filter(dao=dao, cleared_at=None).count()


def _line(text: str) -> str:
    kept = "".join("?" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    return " ".join(kept.split())[:MOST_REASON]
