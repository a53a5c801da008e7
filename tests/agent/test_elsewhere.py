# SPDX-License-Identifier: Apache-2.0
"""What a vote paid somebody is shown beside a request for the same people, and holds it for the operator."""

import pytest

from agent.models import Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.chain.address import checksum
from presentation.dao_view import DaoView
from tests.agent.acting import ABSTAINS, USDC, World, work_errors, world  # noqa: F401
from webapp.agent.asked import request_view

pytestmark = pytest.mark.django_db(transaction=True)
Status = Request.Status


def pay_by_vote(world: World, who: str, amount: int) -> None:  # noqa: F811
    """The treasury pays somebody as a vote decided, without the agent."""
    data = world.suite.calldata("usdc", "transfer", world.address(who), amount * USDC)
    world.suite.send_as("timelock", "treasury", "perform", world.address("usdc"), 0, data)
    world.sync()


def elsewhere(request: Request) -> list[str]:
    return [text for text in request.candidates.get().differences if "by the treasury on" in text]


def test_the_roster_waits_for_the_operator_where_a_vote_paid_somebody_of_it_since_the_month_began(
    world: World,  # noqa: F811
) -> None:
    world.sign_roster()
    pay_by_vote(world, "ines", 1000)
    asked = world.rest(world.ask(world.november()))
    assert asked.status == Status.NEEDS_APPROVAL, work_errors()
    [told] = elsewhere(asked)
    assert told.startswith(f"{checksum(world.address('ines'))} was paid 1,000 USDC by the treasury on ")
    view = request_view(DaoView(world.dao), asked.pk, None)
    assert [(one["recipient"], one["amount"]) for one in view["transfers"]] == [(world.address("ines"), "1,000 USDC")]
    world.approve(asked)
    assert world.rest(asked).status == Status.EXECUTED, work_errors()


def test_what_was_decided_waits_for_the_operator_where_a_vote_pays_before_the_act(world: World) -> None:  # noqa: F811
    world.sign_roster()
    asked = world.ask(world.november())
    world.sync()
    work.run_one(PLAN_WORK, str(asked.pk))
    asked.refresh_from_db()
    assert asked.status == Status.PLANNED, work_errors()
    pay_by_vote(world, "kim", 7)
    pay_by_vote(world, "lea", 8)
    assert world.rest(asked).status == Status.NEEDS_APPROVAL, work_errors()
    assert (len(elsewhere(asked)), world.number) == (2, 0)
    world.approve(asked)
    assert world.rest(asked).status == Status.EXECUTED, work_errors()


def test_what_was_approved_is_refused_where_a_vote_pays_before_the_act(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.say = ABSTAINS
    asked = world.rest(world.ask(world.november()))
    world.approve(asked)
    asked.refresh_from_db()
    assert asked.status == Status.PLANNED
    pay_by_vote(world, "jon", 1000)
    asked = world.rest(asked)
    assert (asked.status, asked.reason_code, world.number) == (Status.REFUSED, "form_since_approved", 0)


def test_what_the_agent_paid_is_no_payment_by_others_and_what_a_vote_paid_holds_a_one_off(
    world: World,  # noqa: F811
) -> None:
    world.sign_roster()
    assert world.rest(world.ask(world.november())).status == Status.EXECUTED, work_errors()
    world.wind(120)
    asked = world.rest(world.ask("pay jon 300 USDC"), 1)
    assert elsewhere(asked) == []
    assert "paid_lately" in {one["code"] for one in asked.candidates.get().difference_codes}
    assert request_view(DaoView(world.dao), asked.pk, None)["transfers"] == []
    pay_by_vote(world, "jon", 300)
    asked = world.rest(world.ask("pay jon 301 USDC"), 1)
    [told] = elsewhere(asked)
    assert f"{checksum(world.address('jon'))} was paid 300 USDC" in told
    pay_by_vote(world, "ines", 300)
    assert len(elsewhere(world.rest(world.ask("pay jon 302 USDC"), 1))) == 1, "of the people of the request alone"
