# SPDX-License-Identifier: Apache-2.0
"""Two sites with two databases and one agent's key, at the same request on one chain: it is paid once.

Neither knows of the other: no row, no advisory lock and no journal is shared, as after a restored backup that is run
beside the first. What keeps them apart is the chain, where a number is taken once, and what each reads of it.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from agent.models import DecisionRecord, Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.models import OutgoingTransaction
from tests.agent.acting import USDC, World, work_errors, world  # noqa: F401
from tests.agent.test_kill import kill_at, planned, worker
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "other_site"
PAID_ELSEWHERE = ("unrecorded", "unrecorded_since_approved")


@contextmanager
def other_site() -> Iterator[None]:
    """Be the other site: all that asks the database asks its own."""
    here = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = f"{here}_{OTHER}"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = here


@pytest.fixture
def sites(world: World) -> Iterator[World]:  # noqa: F811
    yield world
    _on_server(f'drop database if exists "{connection.settings_dict["NAME"]}_{OTHER}" with (force)')


def copy_site() -> None:
    """Make the other site's database: this one's as it is now."""
    here = connection.settings_dict["NAME"]
    _on_server(f'create database "{here}_{OTHER}" template "{here}"')


def _on_server(statement: str) -> None:
    here = connection.settings_dict["NAME"]
    connection.close()  # a template has no sessions
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)
    connection.settings_dict["NAME"] = here


def both_go_on(world: World, request: Request) -> tuple[Request, Request]:  # noqa: F811
    """Let the sites work in turn, until what the first of them did is final and a while after; the request as each has
    it."""
    for turn in range(10):
        with other_site():
            world.step()
        world.step()
        if turn == 4:
            world.suite.anvil.mine(130)
    with other_site():
        theirs = Request.objects.get(pk=request.pk)
    return Request.objects.get(pk=request.pk), theirs


def assert_paid_once(world: World, ours: Request, theirs: Request, before: list[int], each: list[int]) -> None:  # noqa: F811
    assert [b - a for a, b in zip(before, world.balances(), strict=True)] == each
    assert world.number == 1
    paid, other = (ours, theirs) if ours.status == Request.Status.EXECUTED else (theirs, ours)
    assert paid.status == Request.Status.EXECUTED, (ours.reason, theirs.reason, work_errors())
    if other.status == Request.Status.EXECUTED:  # both signed the very same record, in one second: it is one act
        assert len(ours_and_theirs(lambda: DecisionRecord.objects.latest("pk").hash)) == 1
        return
    # Who was paid by an act without a record here is paid again only if the operator looks at that and signs.
    assert other.status in (Request.Status.NEEDS_APPROVAL, Request.Status.REFUSED), (other.status, other.reason)
    assert other.reason_code in PAID_ELSEWHERE, other.reason


def ours_and_theirs(read: Callable[[], Any]) -> set[bytes]:
    """What the two sites hold, once where it is the same."""
    with other_site():
        theirs = bytes(read())
    return {bytes(read()), theirs}


def begun_here_and_there() -> list[tuple[int, int]]:
    """How many records were signed, and transactions, by this site and by the other."""

    def count() -> tuple[int, int]:
        return DecisionRecord.objects.count(), OutgoingTransaction.objects.count()

    found = [count()]
    with other_site():
        found.append(count())
    return found


@pytest.mark.parametrize("point", ["before the journal", "between journal and broadcast", "after the broadcast"])
def test_one_site_is_killed_and_both_go_on_and_it_is_paid_once(sites: World, point: str) -> None:
    request = planned(sites)
    copy_site()
    before = sites.balances()
    with other_site():
        kill_at(point, request, sites)
    ours, theirs = both_go_on(sites, request)
    assert_paid_once(sites, ours, theirs, before, [1000 * USDC] * 5)


def test_both_killed_with_a_signed_act_each_and_it_is_paid_once(sites: World) -> None:
    request = planned(sites)
    copy_site()
    before = sites.balances()
    with other_site():
        kill_at("between journal and broadcast", request, sites)
    kill_at("between journal and broadcast", request, sites)
    assert begun_here_and_there() == [(1, 1), (1, 1)], "each has signed an act of number 1"
    ours, theirs = both_go_on(sites, request)
    assert_paid_once(sites, ours, theirs, before, [1000 * USDC] * 5)


def test_both_executors_at_once_and_it_is_paid_once(sites: World) -> None:
    request = planned(sites)
    copy_site()
    before = sites.balances()
    with other_site():
        theirs = worker("nowhere", request, sites)
    running = []
    for command, environment in (theirs, worker("nowhere", request, sites)):
        running.append(
            subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
    for process in running:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said[-2000:]
    assert_paid_once(sites, *both_go_on(sites, request), before, [1000 * USDC] * 5)


def test_what_the_operator_signed_for_one_request_pays_once_on_two_sites(sites: World) -> None:
    sites.sign_roster()
    request = sites.ask("pay kim 250 USDC for the talk")
    sites.sync()
    work.run_due(PLAN_WORK)
    request.refresh_from_db()
    assert request.status == Request.Status.NEEDS_APPROVAL
    sites.approve(request)
    copy_site()
    before = sites.balances()
    with other_site():
        kill_at("between journal and broadcast", request, sites)
    kill_at("between journal and broadcast", request, sites)
    ours, theirs = both_go_on(sites, request)
    assert_paid_once(sites, ours, theirs, before, [0, 0, 250 * USDC, 0, 0])
