# SPDX-License-Identifier: Apache-2.0
"""Whoever may stop the agent may do so any number of times: no page grows with it, and starting stays possible."""

import re

import pytest

from agent.acts import halts
from agent.acts.words import say
from agent.models import AgentHalt
from tests.webapp.conftest import account
from webapp.account import signin

pytestmark = pytest.mark.django_db
COUNT = 1_200  # more fields than a form may have


@pytest.fixture
def flooded(made, settings):
    """Stopped by hand again and again, and in the middle of that once by the agent itself."""
    why = say("stopped_by_hand", because="a flood")
    rows = [
        AgentHalt(dao=made.dao, reason=str(why), reason_code=why.code, reason_values=why.values_json())
        for _ in range(COUNT)
    ]
    rows[COUNT // 2] = AgentHalt(dao=made.dao, reason="unlike", reason_code="disagreement", reason_values={})
    AgentHalt.objects.bulk_create(rows)
    return made


def test_pages_and_the_api_show_some_and_say_how_many(client, flooded):
    page = client.get("/river/operations/").content.decode()
    assert page.count("Somebody stopped it here.") == halts.MOST_SHOWN - 1
    assert page.count("one of them has a fault") == 1, "what the agent found comes first"
    assert f"And {COUNT - halts.MOST_SHOWN} more." in page
    assert client.get("/river/agent/").content.decode().count("a flood") < 10
    answer = client.get("/api/v1/daos/river/operations").json()
    assert (len(answer["halts"]), answer["halts_standing"], answer["stopped"]) == (halts.MOST_SHOWN, COUNT, True)
    assert answer["halts"][0]["code"] == "disagreement"


def test_a_keeper_starts_the_agent_again_by_the_page(client, flooded, settings, monkeypatch):
    settings.KEEPERS = frozenset({account(3)})
    monkeypatch.setattr(signin, "signed_in", lambda _request: (account(3), None))
    left = COUNT
    while left:
        page = client.get("/river/operations/").content.decode()
        shown = re.findall(r'name="halt" value="(\d+)"', page)
        assert 0 < len(shown) <= halts.MOST_SHOWN
        form = {"halt": shown, "because": "all of it was looked at"}
        assert client.post("/river/operations/start", form).status_code == 302
        assert halts.count(flooded.dao) == left - len(shown)
        left -= len(shown)
    assert "Not stopped here" in client.get("/river/operations/").content.decode()
