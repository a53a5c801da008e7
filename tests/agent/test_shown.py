# SPDX-License-Identifier: Apache-2.0
"""A request is shown by one function: command, API and page say the same of what may be done, and by whom."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from agent.acts.life import Status
from agent.acts.shown import shown
from agent.models import Request
from governance.chain.address import checksum
from tests.agent.acting import ABSTAINS, World, world  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def on_the_console(request: Request) -> dict[str, Any]:
    out = StringIO()
    call_command("agent", "show", str(request.pk), dao="acting", stdout=out)
    return json.loads(out.getvalue())


def over_the_api(request: Request) -> dict[str, Any]:
    return Client().get(f"/api/v1/daos/acting/requests/{request.pk}").json()


def buttons(request: Request) -> list[tuple[str, str]]:
    """(candidate, who may) of each button that the page offers for the request."""
    page = Client().get("/acting/agent/").content.decode()
    found = re.findall(
        rf'data-approve="[^"]*/requests/{request.pk}/approve" data-candidate="(\w+)"(?: data-operator="(\w+)")?', page
    )
    return [(candidate, by) for candidate, by in found]


def agree_on(request: Request) -> list[tuple[str, str]]:
    """What all three say may be approved, and by whom."""
    views = (on_the_console(request), over_the_api(request))
    said = [[(item["candidate"], item["by"]) for item in view["may"]] for view in views]
    assert said[0] == said[1] == buttons(request)
    assert (over_the_api(request)["approval"] is not None) == bool(said[0])
    return said[0]


def test_while_the_model_is_down_all_say_that_the_operator_may_approve_and_a_button_is_there(
    world: World,  # noqa: F811
) -> None:
    world.sign_roster()
    world.model.down = True
    request = world.rest(world.ask(world.november()), 2)
    assert request.status == Status.RECEIVED
    assert "the operator may approve a candidate without it" in request.reason
    assert agree_on(request) == [("c1", checksum(world.address("olga")))]
    document = over_the_api(request)["approval"]["typed_data"]
    assert document["message"]["asked"] == request.text
    world.model.down = False
    request = world.rest(request)
    assert request.status == Status.EXECUTED
    assert agree_on(request) == []


def test_what_waits_for_the_operator_can_be_approved_and_what_is_refused_can_not(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.say = ABSTAINS
    two = world.rest(world.ask("pay ines, jon and kim 900 USDC"), 1)
    assert agree_on(two) == [(key, checksum(world.address("olga"))) for key in ("c1", "c2")]
    refused = world.rest(world.ask("pay ines 5,001 USDC as a bonus"), 1)
    assert refused.status == Status.REFUSED
    assert agree_on(refused) == []
    assert on_the_console(refused)["refusal"] == over_the_api(refused)["refusal"] != ""


def test_all_show_the_same_but_who_is_who(world: World) -> None:  # noqa: F811
    world.sign_roster()
    request = world.rest(world.ask(world.november(), key="books"), 1)
    private, public = on_the_console(request), over_the_api(request)
    lines = private["candidates"][0]["lines"]
    assert [line.pop("name") for line in lines] == ["ines", "jon", "kim", "lea", "max"]
    assert (private.pop("key"), public.pop("key")) == ("books", "")
    assert private == public == json.loads(json.dumps({k: v for k, v in shown(request).items() if k != "key"}))
