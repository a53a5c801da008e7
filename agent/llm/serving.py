# SPDX-License-Identifier: Apache-2.0
"""How the model server fares: noted once for all processes, told to the operator once while it lasts.

Who asks the model calls `may_ask` before, `works` after an answer, `note` after a failure. A server that lets us wait
until the deadline, twice in a row, is left alone for a while: what needs it goes on waiting without holding a worker.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agent.llm.client import Model, ModelDown, ModelError
from agent.llm.trouble import Trouble, for_operator, setup
from agent.llm.words import say
from agent.models import ModelTrouble
from agent.work_names import PLAN_WORK, SUMMARY_WORK
from governance.models import Work

_PAUSE_FIRST_S, _PAUSE_MOST_S = 30, 600

log = logging.getLogger(__name__)


def may_ask() -> None:
    """Raise ModelDown while the model server is left alone because it was too slow."""
    row = ModelTrouble.objects.filter(setup=setup(), ask_again_at__gt=timezone.now()).first()
    if row is not None:
        raise ModelDown(say("model_rests", at=f"{row.ask_again_at:%H:%M:%S}"))


def works() -> None:
    """Note that the model gave an answer. What waited for it is due at once."""
    cleared, _ = ModelTrouble.objects.all().delete()  # of settings that were, too
    if cleared:
        log.info("the model %s answers again", settings.MODEL_NAME)
        waiting = Work.objects.filter(name__in=(SUMMARY_WORK, PLAN_WORK), done_at=None, lease=None)
        waiting.filter(due_at__gt=timezone.now()).update(due_at=timezone.now())


def note(down: ModelDown) -> None:
    """Note why the model can't be used; the operator's log gets one line when it begins and when the reason changes."""
    if down.trouble is None:
        if not settings.MODEL_URL:  # there is none any more: nothing is wrong with it
            ModelTrouble.objects.all().delete()
        return
    values = {**down.values, "model": settings.MODEL_NAME}
    if down.trouble == Trouble.NOT_FOUND:
        values["names"] = _names()
    with transaction.atomic():
        row, created = ModelTrouble.objects.select_for_update().get_or_create(
            setup=setup(), defaults={"trouble": down.trouble, "values": values}
        )
        changed = created or row.trouble != down.trouble
        row.failures = 1 if changed else row.failures + 1
        row.trouble, row.values = down.trouble, values
        row.ask_again_at = None
        if down.trouble == Trouble.SLOW and row.failures > 1:
            pause_s = min(_PAUSE_FIRST_S * 2 ** min(row.failures - 2, 20), _PAUSE_MOST_S)
            row.ask_again_at = timezone.now() + timedelta(seconds=pause_s)
        row.save()
        ModelTrouble.objects.exclude(setup=row.setup).delete()  # of settings that were
    if changed:
        log.warning("%s", for_operator(row))


def _names() -> list[str]:
    """The models that the server says it has; none where it does not say."""
    try:
        return Model.from_settings().names()
    except ModelError as error:
        log.debug("the model server does not list its models: %s", error)
        return []
