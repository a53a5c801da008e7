# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with the model server, in words: for a page that everybody reads, and for the operator.

Pages import this without the model's client library.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import rfc8785
from django.conf import settings
from django.utils.translation import gettext, gettext_noop
from eth_utils.crypto import keccak

from agent.llm.words import TABLE
from agent.models import ModelTrouble


class Trouble(StrEnum):
    """Why a model server can't be used."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"  # no whole answer within the deadline
    BUSY = "busy"  # loading, overloaded, failing: HTTP 429 and 5xx
    # What follows is set up wrongly: it lasts until somebody changes the settings or the server.
    PROTOCOL = "protocol"  # something else answers there
    KEY_FILE = "key_file"
    KEY = "key"
    NOT_FOUND = "not_found"  # no such model, or no such path
    REFUSES = "refuses"  # every request, a plain one too
    THINKS = "thinks"  # the answer is used up by thinking
    DISOBEYS = "disobeys"  # the answers obey no schema


def setup() -> bytes:
    """Return the hash that names what the settings say about the model."""
    return keccak(
        rfc8785.dumps([settings.MODEL_URL, settings.MODEL_NAME, settings.MODEL_DEADLINE_S, settings.MODEL_EXTRA_BODY])
    )


def standing() -> ModelTrouble | None:
    """Return what is known to be wrong with the model, None for nothing. A web server need not know its settings."""
    return ModelTrouble.objects.order_by("-seen_at").first()


_IN_WORDS = {
    Trouble.UNREACHABLE: gettext_noop(
        "The model server can't be reached. Start it, or set MODEL_URL to where it listens."
    ),
    Trouble.SLOW: gettext_noop(
        "The model server did not answer within %(seconds)s seconds. Look at its load; MODEL_DEADLINE_S sets how long "
        "we wait."
    ),
    Trouble.BUSY: gettext_noop("The model server is loading, overloaded or failing%(status)s. Look at its log."),
    Trouble.PROTOCOL: gettext_noop(
        "What answers at MODEL_URL does not speak the OpenAI protocol. Set MODEL_URL to the server's base address (for "
        "vLLM it ends in /v1)."
    ),
    Trouble.KEY_FILE: gettext_noop(
        "The model's key can't be read from its file: %(problem)s. Set MODEL_API_KEY_FILE to a file that holds the key "
        "and nothing else."
    ),
    Trouble.KEY: gettext_noop(
        "The model server refuses our key%(status)s. Put the right one into MODEL_API_KEY_FILE's file."
    ),
    Trouble.NOT_FOUND: gettext_noop(
        "The model server has no model %(model)s, or MODEL_URL is not its base address%(status)s. Set MODEL_NAME to a "
        "model that it has, and MODEL_URL to its base address (for vLLM it ends in /v1)."
    ),
    Trouble.REFUSES: gettext_noop(
        "The model server refuses every request%(status)s. Look at MODEL_NAME and MODEL_EXTRA_BODY, and whether the "
        "server knows response_format json_schema. `manage.py check_model` shows what it says."
    ),
    Trouble.THINKS: gettext_noop(
        "The model spends its whole answer on thinking. Switch that off: set MODEL_EXTRA_BODY to %(body)s, or to what "
        "your model calls it."
    ),
    Trouble.DISOBEYS: gettext_noop(
        "The model's answers can't be used, not even to a plain question: %(problem)s. Look whether the server obeys "
        "response_format json_schema, and whether the model thinks before it answers."
    ),
}
_NO_THINKING = '{"chat_template_kwargs": {"enable_thinking": false}}'


def in_words(row: ModelTrouble) -> str:
    """What is wrong and what to do, in our words only: fit for a page that everybody reads."""
    text = _IN_WORDS.get(Trouble(row.trouble)) if row.trouble in list(Trouble) else None
    if text is None:
        return gettext("The model can't be used.")
    status = row.values.get("http_status")
    return gettext(text) % {
        "status": f" (HTTP {status})" if status else "",
        "seconds": row.values.get("seconds"),
        "problem": _problem(row.values.get("problem")),
        "model": repr(row.values.get("model")),
        "body": _NO_THINKING,
    }


def _problem(stored: Any) -> str:
    """What is wrong in the reader's language; rows older than the codes keep its text."""
    return TABLE.shown(stored, "") if isinstance(stored, Mapping) else str(stored)


def for_operator(row: ModelTrouble) -> str:
    """The same with the server's own words, printable and quoted: for a log or a terminal, not for a page."""
    lines = in_words(row)
    if names := row.values.get("names"):
        lines += f" It has: {', '.join(map(repr, names))}."
    if said := row.values.get("said"):
        lines += f" It says: {said!r}"
    return lines
