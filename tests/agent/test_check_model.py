# SPDX-License-Identifier: Apache-2.0
"""`manage.py check_model`: what the operator reads in a terminal."""

import json

import pytest
from django.core.management import CommandError, call_command

from agent.models import ModelTrouble
from tests.agent.attacker import answer, attacker_model
from tests.agent.test_summaries import scripted, use
from tests.plugin import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_model_that_works_is_said_to_work(settings, capsys):
    with attacker_model(scripted) as attacker:
        use(settings, attacker.url)
        settings.MODEL_EXTRA_BODY = {"top_k": 1}
        call_command("check_model", "--again")
        assert attacker.requests[0]["top_k"] == 1
    shown = capsys.readouterr().out
    for line in (
        "yes, as 'attacker-1'",
        "'attacker-1'\n",
        "obeyed",
        "stop",
        "top_k",
        "5 tokens",
        "0 proposals",
        "works.",
    ):
        assert line in shown, line
    assert not ModelTrouble.objects.exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((404, b'{"message": "no such\x1b[2J"}'), "Set MODEL_NAME to a model that it has"),
        ((404, b'{"message": "no such\x1b[2J"}'), "It has: 'attacker-1'."),
        ((400, json.dumps({"error": {"message": "unknown field \x1b[2J"}}).encode()), "It says: 'unknown field [2J'"),
        (401, "MODEL_API_KEY_FILE"),
        (503, "loading, overloaded or failing (HTTP 503)"),
        (answer("", "length"), "whether the model thinks before it answers"),
        ({"text": None, "reasoning": "Hm.", "finish_reason": "length"}, '"enable_thinking": false'),
        ("no JSON", "obeys response_format json_schema"),
        (b"<html>", "does not speak the OpenAI protocol"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_what_to_do(settings, said, told):
    with attacker_model(lambda _: said) as attacker:
        use(settings, attacker.url)
        with pytest.raises(CommandError) as wrong:
            call_command("check_model")
    assert told in str(wrong.value)
    assert "\x1b" not in str(wrong.value)


def test_without_a_model_or_with_nobody_there_it_says_so(settings):
    settings.MODEL_URL = ""
    with pytest.raises(CommandError, match="set MODEL_URL"):
        call_command("check_model")
    use(settings, f"http://127.0.0.1:{free_port()}/v1")
    with pytest.raises(CommandError, match="Start it, or set MODEL_URL"):
        call_command("check_model")
