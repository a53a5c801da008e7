# SPDX-License-Identifier: Apache-2.0
"""A model that takes its time for ever holds what needs it, and nothing else: payments go on."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.utils import timezone

from agent import tasks
from agent.models import Plan, Request, Summary
from governance.models import Work
from tests.agent.acting import USDC, World, work_errors, world  # noqa: F401
from tests.agent.trickler import WAYS, trickler
from tests.conftest import DAY_S

# Other tests call the tasks themselves, without what the application adds: it is not to become the current one.
_BEFORE = current_app._get_current_object()
from dao.celery import app  # noqa: E402

_BEFORE.set_current()

pytestmark = pytest.mark.django_db(transaction=True)


def run(task: str) -> None:
    """The task as one of the worker's processes runs it."""
    app.tasks[getattr(tasks, task).name]()


@contextmanager
def another_process(task: str) -> Iterator[threading.Thread]:
    """The task at work beside us, with a database connection of its own."""

    def work() -> None:
        try:
            run(task)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive()


def pay_until(world: World, status: str, request: Request) -> None:  # noqa: F811
    """Beat's wake-ups for payments alone, until the request stands there."""
    give_up = time.monotonic() + 120
    while request.status != status:
        assert time.monotonic() < give_up, (request.status, request.reason, work_errors())
        world.sync()
        Work.objects.filter(done_at=None).update(due_at=timezone.now())
        run("act")
        request.refresh_from_db()


@pytest.mark.parametrize("way", ["a space at a time in the body", "a byte at a time in the headers"])
def test_payments_are_made_and_released_while_a_plan_waits_for_the_model(
    world: World,  # noqa: F811
    settings: Any,
    way: str,
) -> None:
    world.sign_roster()
    world.rest(world.ask(world.november()))
    books, audit = world.ask("pay kim 10 USDC for books"), world.ask("pay jon 5,000 USDC for the audit")
    world.wind(120)
    for request in (books, audit):
        assert world.rest(request, 1).status == Request.Status.NEEDS_APPROVAL
    held = {name: world.balance(name) for name in ("jon", "kim", "lea")}

    settings.MODEL_DEADLINE_S = 3600
    tea = world.ask("pay lea 20 USDC for tea")
    with trickler(*WAYS[way]) as server:
        settings.MODEL_URL = server.url
        with another_process("plan") as planning:
            assert server.asked.wait(60)
            world.approve(books)
            pay_until(world, Request.Status.EXECUTED, books)
            # The operator need not wait for the model either.
            tea.refresh_from_db()
            assert tea.status == Request.Status.RECEIVED
            assert "the operator may approve a candidate without it" in tea.reason
            world.approve(tea)
            world.wind(120)
            pay_until(world, Request.Status.EXECUTED, tea)
            world.approve(audit)
            world.wind(120)
            pay_until(world, Request.Status.SCHEDULED, audit)
            world.wind(2 * DAY_S + 2)
            pay_until(world, Request.Status.EXECUTED, audit)
            assert planning.is_alive(), "the model is still being asked"
            server.ended.set()
    tea.refresh_from_db()
    assert (tea.status, tea.plan.chosen_by) == (Request.Status.EXECUTED, Plan.ChosenBy.OPERATOR)
    assert [act.status for act in world.acts()] == ["executed", "executed", "executed", "released"]
    assert {name: world.balance(name) - held[name] for name in held} == {
        "jon": 5000 * USDC, "kim": 10 * USDC, "lea": 20 * USDC,
    }  # fmt: skip


def test_new_proposals_get_their_flags_while_a_summary_waits_for_the_model(world: World, settings: Any) -> None:  # noqa: F811
    def propose(text: str) -> None:
        call = world.suite.calldata("votes_token", "transfer", world.address("mallory"), 1)
        world.suite.send("ada", "governor", "propose", [world.suite.address("votes_token")], [0], [call], text)
        world.sync()

    world.wind(60)
    settings.MODEL_DEADLINE_S = 3600
    propose("# One\n\nThis proposal pays a person for the work on the documentation.")
    run("read")
    with trickler(*WAYS["a space at a time in the body"]) as server:
        settings.MODEL_URL = server.url
        with another_process("summarise") as reading:
            assert server.asked.wait(60)
            propose("# Another\n\nThis proposal pays another person for the same work.")
            run("read")
            assert reading.is_alive()
            newest = Summary.objects.order_by("-id")[0]
            assert (newest.proposal.title, newest.status) == ("Another", "pending")
            assert newest.effects
            server.ended.set()
    assert Summary.objects.filter(status="pending").count() == 2
