# SPDX-License-Identifier: Apache-2.0
"""What counts as the model's silence, and what it never undoes."""

import contextlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from agent.acts import planner
from agent.acts.shown import shown
from agent.llm import trouble
from agent.llm.client import Model
from agent.models import ModelTrouble, Plan, Request
from agent.work_names import EXECUTE_WORK, PLAN_WORK
from governance import work
from governance.chain.rpc import RpcError
from tests.agent.acting import ABSTAINS, USDC, World, first_candidate, world  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def waited(request: Request, seconds: int, *, asked_before_s: int = 5) -> None:
    """Have the model awaited for so long; it was asked in vain last `asked_before_s` ago."""
    now = timezone.now()
    Request.objects.filter(pk=request.pk).update(
        model_awaited_since=now - timedelta(seconds=seconds), model_asked_at=now - timedelta(seconds=asked_before_s)
    )


def then(world: World, *answers: tuple[int, str]) -> None:  # noqa: F811
    """Have the model's server answer these (HTTP status, text), one after the other, and the last one from then on."""
    left = list(answers)

    def say(_body: dict[str, Any]) -> str:
        world.model.status, text = left.pop(0) if len(left) > 1 else left[0]
        return text

    world.model.say = say


def test_a_no_said_to_another_request_for_the_same_payments_is_not_undone_by_silence(
    world: World,  # noqa: F811
    settings: Any,
) -> None:
    settings.MODEL_SILENCE_S = 0
    world.sign_roster()
    world.model.say = ABSTAINS
    first = world.rest(world.ask(world.november()), 1)
    assert first.status == Request.Status.NEEDS_APPROVAL
    world.model.down = True
    second = world.rest(world.ask(world.november()), 3)
    assert (second.status, world.number) == (Request.Status.NEEDS_APPROVAL, 0)
    said = f"the model said no to the same payments before, in request {first.pk}"
    assert said in second.reason
    world.approve(second)
    assert world.rest(second).status == Request.Status.EXECUTED


def test_a_no_to_the_same_payments_that_comes_after_silence_was_let_go_on_stops_it_before_it_is_signed(
    world: World,  # noqa: F811
    settings: Any,
) -> None:
    settings.MODEL_SILENCE_S = 0
    world.sign_roster()
    world.model.down = True
    second = world.ask(world.november())
    work.run_due(PLAN_WORK)
    second.refresh_from_db()
    assert second.status == Request.Status.PLANNED
    world.model.down, world.model.say = False, ABSTAINS
    first = world.ask(world.november())
    work.run_due(PLAN_WORK)
    second = world.rest(second, 2)
    assert (second.status, world.number) == (Request.Status.NEEDS_APPROVAL, 0)
    assert second.reason == f"the model said no to the same payments before, in request {first.pk}"


@pytest.mark.parametrize(
    "second", [(429, ""), (503, ""), (401, ""), (404, ""), (400, ""), (403, "")], ids=lambda one: str(one[0])
)
def test_an_answer_that_cant_be_used_is_no_silence_whatever_comes_of_the_second_try(
    world: World,  # noqa: F811
    settings: Any,
    second: tuple[int, str],
) -> None:
    settings.MODEL_SILENCE_S = 0
    world.sign_roster()
    then(world, (200, "no: this is not what was asked"), second)
    request = world.rest(world.ask(world.november()), 3)
    assert (request.status, world.number) == (Request.Status.NEEDS_APPROVAL, 0)
    assert len(world.model.asked) == 2
    assert shown(request)["model_said"]["agrees"] is False
    assert Plan.objects.get().output == ("no: this is not what was asked" if second[0] not in (400, 403) else "")


@pytest.mark.parametrize("refused", [400, 403])
def test_a_refusal_after_which_the_server_is_down_is_no_silence(
    world: World,  # noqa: F811
    settings: Any,
    refused: int,
) -> None:
    settings.MODEL_SILENCE_S = 0
    world.sign_roster()
    then(world, (refused, ""), (503, ""))
    request = world.rest(world.ask(world.november()), 3)
    assert (request.status, world.number) == (Request.Status.NEEDS_APPROVAL, 0)
    assert trouble.standing() is not None


def test_silence_is_not_counted_over_a_time_in_which_nobody_asked(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.down = True
    request = world.rest(world.ask(world.november()), 1)
    waited(request, 4000, asked_before_s=3900)  # no worker ran
    request = world.rest(request, 2)
    assert (request.status, world.number) == (Request.Status.RECEIVED, 0)
    waited(request, 4000)
    assert world.rest(request).status == Request.Status.EXECUTED


def test_silence_is_not_counted_over_a_time_in_which_the_node_could_not_be_asked(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.sign_roster()
    world.model.down = True
    request = world.rest(world.ask(world.november()), 1)
    waited(request, 4000)

    def fails(*_: Any) -> None:
        raise RpcError(-32000, "the node is away")

    with monkeypatch.context() as patched:
        patched.setattr(planner.situation, "read", fails)
        world.step()
    request = world.rest(request, 2)
    assert (request.status, world.number) == (Request.Status.RECEIVED, 0)


def test_a_slow_server_is_asked_once_more_before_its_silence_lets_anything_go_on(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.down = True
    request = world.rest(world.ask(world.november()), 1)
    waited(request, 4000)
    ModelTrouble.objects.update(ask_again_at=timezone.now() + timedelta(minutes=5))
    request = world.rest(request, 2)
    assert (request.status, world.number) == (Request.Status.RECEIVED, 0)
    ModelTrouble.objects.update(ask_again_at=timezone.now())
    world.model.down, world.model.say = False, ABSTAINS
    assert world.rest(request, 2).status == Request.Status.NEEDS_APPROVAL


def test_a_no_that_comes_after_silence_was_decided_by_another_worker_stops_the_payment(
    world: World,  # noqa: F811
    settings: Any,
) -> None:
    settings.MODEL_SILENCE_S = 0
    world.sign_roster()

    def decide_meanwhile(_body: dict[str, Any]) -> str:
        with contextlib.closing(connection):
            planner.plan(Request.objects.get().pk, model=Model("http://127.0.0.1:1/v1", "none"))
            assert Request.objects.get().status == Request.Status.PLANNED
        return json.dumps({"choice": "abstain: suspicious"})

    world.model.say = decide_meanwhile
    request = world.ask(world.november())
    work.run_due(PLAN_WORK, limit=1)
    world.model.say = first_candidate
    work.run_due(EXECUTE_WORK)
    request = world.rest(request, 2)
    assert (request.status, world.number) == (Request.Status.NEEDS_APPROVAL, 0)
    assert shown(request)["model_said"]["reason"] == "suspicious"
    assert shown(request)["no_second_look"] is None
    world.approve(request)
    assert world.rest(request).status == Request.Status.EXECUTED
    assert world.balances() == [1000 * USDC] * 5


def test_an_answer_ends_a_silence(world: World, settings: Any) -> None:  # noqa: F811
    world.sign_roster()
    world.model.down = True
    request = world.rest(world.ask(world.november()), 1)
    assert request.model_awaited_since is not None
    world.model.down, world.model.say = False, ABSTAINS
    request = world.rest(request, 1)
    assert (request.model_awaited_since, request.model_asked_at) == (None, None)


def test_the_time_without_any_model_is_no_silence_of_one_that_is_set_then(world: World, settings: Any) -> None:  # noqa: F811
    url, settings.MODEL_URL = settings.MODEL_URL, ""
    world.sign_roster()
    request = world.rest(world.ask(world.november()), 2)
    since = timezone.now() - timedelta(seconds=4000)
    Request.objects.filter(pk=request.pk).update(model_awaited_since=since)
    settings.MODEL_URL, world.model.down = url, True
    request = world.rest(request, 3)
    assert (request.status, world.number) == (Request.Status.RECEIVED, 0)
