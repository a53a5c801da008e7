# SPDX-License-Identifier: Apache-2.0
"""From a request to money and back to its record, on a real chain: what a DAO's members and operator see."""

import pytest

from agent.models import DecisionRecord, Request
from tests.agent.acting import ABSTAINS, USDC, World, work_errors, world  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_whole_roster_is_paid_without_anybody_when_the_model_chooses_it(world: World) -> None:  # noqa: F811
    world.sign_roster()
    before = world.balances()
    request = world.rest(world.ask(world.november()))
    assert request.status == Request.Status.EXECUTED, (request.status, request.reason, work_errors())
    assert [b - a for a, b in zip(before, world.balances(), strict=True)] == [1000 * USDC] * 5
    (act,) = world.acts()
    assert act.status == "executed"
    assert bytes(act.decision) == bytes(DecisionRecord.objects.get().hash)


def test_an_abstention_waits_for_the_operator(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.say = ABSTAINS
    request = world.rest(world.ask(world.november()))
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "abstained" in request.reason
    assert world.number == 0
    world.approve(request)
    assert world.rest(request).status == Request.Status.EXECUTED
    assert world.number == 1
