# SPDX-License-Identifier: Apache-2.0
"""How the model server fares: noted once for all processes, told to the operator once while it lasts.

Who asks the model calls `may_ask` before, `works` after an answer, `note` after a failure. A server that lets us wait
until the deadline, twice in a row, is left alone for a while: what needs it goes on waiting without holding a worker.
"""

import logging
from datetime import timedelta

import rfc8785
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from eth_utils.crypto import keccak

from agent.model import Model, ModelDown, ModelError, Trouble
from agent.models import ModelTrouble
from agent.requests import PLAN_WORK
from governance.models import Work

SUMMARY_WORK = "agent.summarise"
_PAUSE_FIRST_S, _PAUSE_MOST_S = 30, 600

log = logging.getLogger(__name__)


def setup() -> bytes:
    """Return the hash that names what the settings say about the model."""
    return keccak(
        rfc8785.dumps([settings.MODEL_URL, settings.MODEL_NAME, settings.MODEL_DEADLINE_S, settings.MODEL_EXTRA_BODY])
    )


def may_ask() -> None:
    """Raise ModelDown while the model server is left alone because it was too slow."""
    row = ModelTrouble.objects.filter(setup=setup(), ask_again_at__gt=timezone.now()).first()
    if row is not None:
        raise ModelDown(f"the model server is too slow; it is asked again at {row.ask_again_at:%H:%M:%S} UTC")


def works() -> None:
    """Note that the model gave an answer. What waited for it is due at once."""
    cleared, _ = ModelTrouble.objects.filter(setup=setup()).delete()
    if cleared:
        log.info("the model %s answers again", settings.MODEL_NAME)
        waiting = Work.objects.filter(name__in=(SUMMARY_WORK, PLAN_WORK), done_at=None, lease=None)
        waiting.filter(due_at__gt=timezone.now()).update(due_at=timezone.now())


def note(down: ModelDown) -> None:
    """Note why the model can't be used; the operator's log gets one line when it begins and when the reason changes."""
    if down.trouble is None:
        return
    values = dict(down.values)
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


def standing() -> ModelTrouble | None:
    """Return what is known to be wrong with the model of the settings, None for nothing."""
    return ModelTrouble.objects.filter(setup=setup()).first() if settings.MODEL_URL else None


# ------------------------------------------------------------------------------------------------------------ in words


def in_words(row: ModelTrouble) -> str:
    """What is wrong and what to do, in our words only: fit for a page that everybody reads."""
    status = f" (HTTP {row.values['http_status']})" if row.values.get("http_status") else ""
    name = settings.MODEL_NAME
    return {
        Trouble.UNREACHABLE: "The model server can't be reached. Start it, or set MODEL_URL to where it listens.",
        Trouble.SLOW: (
            f"The model server did not answer within {settings.MODEL_DEADLINE_S} seconds. Look at its load; "
            "MODEL_DEADLINE_S sets how long we wait."
        ),
        Trouble.BUSY: f"The model server is loading, overloaded or failing{status}. Look at its log.",
        Trouble.PROTOCOL: (
            "What answers at MODEL_URL does not speak the OpenAI protocol. Set MODEL_URL to the server's base address "
            "(for vLLM it ends in /v1)."
        ),
        Trouble.KEY_FILE: (
            f"The model's key can't be read from its file: {row.values.get('problem')}. Set MODEL_API_KEY_FILE to a "
            "file that holds the key and nothing else."
        ),
        Trouble.KEY: f"The model server refuses our key{status}. Put the right one into MODEL_API_KEY_FILE's file.",
        Trouble.NOT_FOUND: (
            f"The model server has no model {name!r}, or MODEL_URL is not its base address{status}. Set MODEL_NAME to "
            "a model that it has, and MODEL_URL to its base address (for vLLM it ends in /v1)."
        ),
        Trouble.REFUSES: (
            f"The model server refuses every request{status}. Look at MODEL_NAME and MODEL_EXTRA_BODY, and whether the "
            "server knows response_format json_schema. `manage.py check_model` shows what it says."
        ),
        Trouble.THINKS: (
            "The model spends its whole answer on thinking. Switch that off: set MODEL_EXTRA_BODY to "
            '{"chat_template_kwargs": {"enable_thinking": false}}, or to what your model calls it.'
        ),
        Trouble.DISOBEYS: (
            f"The model's answers can't be used, not even to a plain question: {row.values.get('problem')}. Look "
            "whether the server obeys response_format json_schema, and whether the model thinks before it answers."
        ),
    }.get(Trouble(row.trouble), "The model can't be used.")


def for_operator(row: ModelTrouble) -> str:
    """The same with the server's own words, printable and quoted: for a log or a terminal, not for a page."""
    lines = in_words(row)
    if names := row.values.get("names"):
        lines += f" It has: {', '.join(map(repr, names))}."
    if said := row.values.get("said"):
        lines += f" It says: {said!r}"
    return lines
