# SPDX-License-Identifier: Apache-2.0
"""A worker is killed with SIGKILL in the middle of a payment: whoever comes next pays exactly once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from agent.models import Binding, DecisionRecord, Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.models import OutgoingTransaction
from tests.agent.acting import USDC, World, work_errors, world  # noqa: F401
from tests.conftest import DAY_S, ROOT

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = [
    "before the record",
    "before the journal",
    "while the journal is written",
    "between journal and broadcast",
    "after the broadcast",
]


def worker(point: str, request: Request, world: World, node: str = "") -> tuple[list[str], dict[str, str]]:  # noqa: F811
    """The command and the environment of a worker of its own on the database that is connected now."""
    parameters = connection.get_connection_params()
    url = (
        f"postgres://{parameters['user']}:{parameters['password']}@{parameters['host']}:{parameters['port']}"
        f"/{parameters['dbname']}"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "dao.settings",
        "DATABASE_URL": url,
        "TEST_RPC_URL": node or world.suite.url,
        "TEST_KEYSTORE": settings.AGENT_KEYSTORE,
        "TEST_PASSWORD_FILE": settings.AGENT_PASSWORD_FILE,
        "PYTHONPATH": str(ROOT),
    }
    script = Path(__file__).with_name("killed_worker.py")
    return [sys.executable, str(script), point, str(request.pk)], environment


def kill_at(point: str, request: Request, world: World, *, node: str = "", tries: int = 1) -> None:  # noqa: F811
    """Run a worker of its own on the request until it is killed at the point. `node` is asked in place of the chain's;
    where it may fail the worker, several may be needed until one gets as far as the point."""
    command, environment = worker(point, request, world, node)
    for _ in range(tries):
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )  # fmt: skip
        if done.returncode == -signal.SIGKILL:
            return
    assert done.returncode == -signal.SIGKILL, (point, done.returncode, done.stdout, done.stderr[-2000:])


def planned(world: World) -> Request:  # noqa: F811
    world.sign_roster()
    request = world.ask(world.november())
    world.sync()
    work.run_due(PLAN_WORK)
    request.refresh_from_db()
    assert request.status == Request.Status.PLANNED, request.reason
    return request


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_the_payment_is_made_exactly_once(world: World, point: str) -> None:  # noqa: F811
    request = planned(world)
    before = world.balances()
    kill_at(point, request, world)
    request = world.rest(request)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    assert [b - a for a, b in zip(before, world.balances(), strict=True)] == [1000 * USDC] * 5
    assert world.number == 1
    assert DecisionRecord.objects.count() == 1
    assert OutgoingTransaction.objects.count() == 1
    assert Binding.objects.get().state == Binding.State.LIVE


def test_killed_again_and_again_the_payment_is_made_exactly_once(world: World) -> None:  # noqa: F811
    request = planned(world)
    before = world.balances()
    for point in ("before the journal", "between journal and broadcast"):
        kill_at(point, request, world)
    request = world.rest(request)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    assert [b - a for a, b in zip(before, world.balances(), strict=True)] == [1000 * USDC] * 5
    assert (world.number, OutgoingTransaction.objects.count()) == (1, 1)


def test_killed_before_the_journal_and_paused_then_nothing_is_sent(world: World) -> None:  # noqa: F811
    """What was recorded is checked again before it is signed: the chain may have changed while nobody ran."""
    request = planned(world)
    kill_at("before the journal", request, world)
    world.suite.send("gus", "module", "pause")
    request = world.rest(request)
    assert request.status == Request.Status.REFUSED
    assert "paused" in request.reason
    assert Binding.objects.get().state == Binding.State.UNUSED
    assert (world.number, OutgoingTransaction.objects.count()) == (0, 0)


def test_killed_before_the_journal_and_the_roster_replaced_then_the_old_one_is_not_paid(world: World) -> None:  # noqa: F811
    request = planned(world)
    before = world.balances()
    kill_at("before the journal", request, world)
    world.sign_roster(world.lines(900 * USDC))
    request = world.rest(request)
    assert request.status == Request.Status.NEEDS_APPROVAL, (request.reason, work_errors())
    assert world.balances() == before
    assert Binding.objects.get().state == Binding.State.UNUSED


def test_killed_before_the_journal_a_row_changed_meanwhile_pays_nobody(world: World) -> None:  # noqa: F811
    request = planned(world)
    before = world.balances()
    kill_at("before the journal", request, world)
    binding = Binding.objects.get()
    stolen = (world.address("usdc"), 0, world.suite.calldata("usdc", "transfer", world.address("ines"), 5000 * USDC))
    codehash, decision = bytes(binding.policy_codehash), bytes(binding.record.hash)
    arguments = (bytes(binding.policy_id), codehash, [stolen], binding.number, decision)
    binding.calldata = world.suite.calldata("module", "execute", *arguments)
    binding.save()
    request = world.rest(request)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    assert [b - a for a, b in zip(before, world.balances(), strict=True)] == [1000 * USDC] * 5


def test_killed_while_releasing_the_act_is_released_exactly_once(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    world.wind(120)
    request = world.settle(world.ask("pay kim 1,500 USDC for the design"))
    assert request.status == Request.Status.SCHEDULED
    world.suite.anvil.wind(2 * DAY_S + 2)
    world.sync()
    held = world.balance("kim")
    kill_at("after the release's broadcast", request, world)
    request = world.rest(request)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    assert world.balance("kim") == held + 1500 * USDC
    assert OutgoingTransaction.objects.filter(key__startswith="release:").count() == 1
