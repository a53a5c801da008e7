# SPDX-License-Identifier: Apache-2.0
"""What a vote paid somebody is shown beside a request for the same people, and holds it for the operator."""

import pytest

from agent.acts import elsewhere as elsewhere_module
from agent.models import Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.chain.address import checksum
from governance.models import TreasuryFlow
from presentation.dao_view import DaoView
from tests.agent.acting import ABSTAINS, CONTRIBUTORS, USDC, World, work_errors, world  # noqa: F401
from tests.conftest import DAY_S
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


def test_a_transfer_of_nothing_by_a_stranger_is_no_payment_and_holds_no_request(world: World) -> None:  # noqa: F811
    """Anybody may have a plain token move 0 of the treasury's to anybody."""
    world.sign_roster()
    move_nothing(world, "ines")
    asked = world.rest(world.ask("pay jon 300 USDC"))
    move_nothing(world, "jon")
    assert TreasuryFlow.objects.filter(outgoing=True, amount=0).count() == 2, "the mirror keeps what the chain says"
    world.approve(asked)
    assert world.rest(asked).status == Status.EXECUTED, work_errors()
    world.wind(120)
    roster = world.rest(world.ask(world.november()))
    assert (roster.status, elsewhere(roster)) == (Status.EXECUTED, []), work_errors()
    assert request_view(DaoView(world.dao), roster.pk, None)["transfers"] == []


def move_nothing(world: World, to: str) -> None:  # noqa: F811
    data = world.suite.calldata("usdc", "transferFrom", world.address("treasury"), world.address(to), 0)
    world.suite.send_raw("mallory", world.address("usdc"), data)
    world.sync()


def test_a_one_off_that_was_approved_is_refused_where_a_vote_pays_before_the_act(world: World) -> None:  # noqa: F811
    world.sign_roster()
    pay_by_vote(world, "jon", 250)
    asked = world.rest(world.ask("pay jon 300 USDC"))
    world.approve(asked)
    pay_by_vote(world, "jon", 300)
    before = world.balance("jon")
    asked = world.rest(asked)
    assert (asked.status, asked.reason_code) == (Status.REFUSED, "form_since_approved"), work_errors()
    assert (world.balance("jon"), world.number) == (before, 0)


def test_an_approved_one_off_is_paid_where_the_operator_was_told_of_all_that_votes_paid(
    world: World,  # noqa: F811
) -> None:
    world.sign_roster()
    pay_by_vote(world, "jon", 250)
    asked = world.rest(world.ask("pay jon 300 USDC"))
    world.wind(20 * DAY_S)
    world.approve(asked)
    pay_by_vote(world, "kim", 300)
    assert world.rest(asked).status == Status.EXECUTED, work_errors()


def test_of_many_payments_by_votes_each_payee_is_named_with_how_many_there_were(world: World) -> None:  # noqa: F811
    world.sign_roster()
    for who in ("max", "max", "ines", "jon", "kim", "lea"):
        pay_by_vote(world, who, 1000)
    for who in ("ines", "jon", "kim", "lea", "ines", "jon", "kim", "lea"):
        pay_by_vote(world, who, 7)
    asked = world.rest(world.ask(world.november()))
    told = elsewhere(asked)
    assert {text[:42] for text in told} == {checksum(world.address(who)) for who in CONTRIBUTORS}
    [of_max] = [text for text in told if text.startswith(checksum(world.address("max")))]
    assert "was paid 1,000 USDC" in of_max
    assert of_max.endswith("in the time that was looked at: 1")
    view = request_view(DaoView(world.dao), asked.pk, None)
    assert (len(view["transfers"]), view["has_more_transfers"]) == (10, True)
    world.approve(asked)
    assert world.rest(asked).status == Status.EXECUTED, "of all of them she was told"


def test_whoever_else_a_known_transaction_paid_is_told_too(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(elsewhere_module, "_AT_ONCE", 2)
    world.sign_roster()
    for who in ("ines", "jon", "kim"):
        pay_by_vote(world, who, 1000)
    found = list(elsewhere_module.transfers(world.dao, {world.address(who) for who in CONTRIBUTORS}, 0))
    assert [one.recipient for one in found] == [world.address(who) for who in ("kim", "jon", "ines")]
    asked = world.rest(world.ask(world.november()))
    candidate = asked.candidates.get()
    assert elsewhere_module.unwarned(asked.plan, candidate, []) == []
    of_kim, of_jon, *others = [one for one in candidate.difference_codes if one["code"] == "paid_elsewhere"]
    of_kim["values"]["transaction"] = of_jon["values"]["transaction"]
    candidate.difference_codes = [of_kim, *others]
    not_told = elsewhere_module.unwarned(asked.plan, candidate, [])
    assert [one.values["payee"] for one in not_told] == [checksum(world.address("kim")), of_jon["values"]["payee"]]
