# SPDX-License-Identifier: Apache-2.0
"""Who asks and for which month: what the roster is paid for without the operator's signature, on a real chain."""

import json
import time
from contextlib import closing
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command

from agent.acts import askers, executor, provenance
from agent.acts.shown import shown
from agent.acts.verifying_links import verify_against_chain, verify_against_mirror
from agent.models import DecisionRecord, Plan, Request
from agent.work_names import PLAN_WORK
from embedded.process import free_port
from governance import work
from governance.chain.rpc import Rpc, RpcError
from governance.models import Contract, Cursor
from tests.agent.acting import POLICY_ID, USDC, World, payroll, work_errors, world  # noqa: F401
from tests.conftest import CHAIN_ID, DAY_S, ETHER

pytestmark = pytest.mark.django_db(transaction=True)

STRANGER = "asked by an account without votes"


def planned(world: World, by: str = "ada") -> Request:  # noqa: F811
    """A request of the exact roster that is planned, and may be executed by itself."""
    world.sign_roster()
    request = world.ask(world.november(), by=by)
    world.sync()
    work.run_due(PLAN_WORK)
    request.refresh_from_db()
    assert request.status == Request.Status.PLANNED, request.reason
    return request


def test_a_stranger_has_nothing_paid_without_the_operator(world: World) -> None:  # noqa: F811
    world.sign_roster()
    request = world.rest(world.ask(world.november(), by="mallory"))
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert STRANGER in request.reason
    assert any(STRANGER in difference for difference in shown(request)["candidates"][0]["differences"])
    assert world.number == 0
    # Nor is a name read for it: the candidate would tell everybody whose address it is.
    for name in ("jon", "zora"):
        named = world.rest(world.ask(f"pay {name} 300 USDC", by="mallory"), 1)
        assert (named.status, named.reason_code) == (Request.Status.ABSTAINED, "names_not_read"), named.reason
    world.approve(request)
    request = world.rest(request)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    call_command("verify_record", "0x" + bytes(DecisionRecord.objects.get().hash).hex(), "--rpc")


@pytest.mark.parametrize(
    ("by", "kind"),
    [("ada", "delegate"), ("chloe", "holder"), ("dana", "delegate"), ("ines", "roster"), ("olga", "operator")],
)
def test_who_has_a_say_has_the_roster_paid_by_asking(world: World, by: str, kind: str) -> None:  # noqa: F811
    """ada delegates to herself, chloe only holds; dana holds nothing, and ben delegates to her."""
    world.suite.send("ben", "votes_token", "delegate", world.address("dana"))
    world.sign_roster()
    request = world.rest(world.ask(world.november(), by=by))
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    record = json.loads(DecisionRecord.objects.get().body)
    assert record["checks"]["asker"]["kind"] == kind
    call_command("verify_record", record["hash"], "--rpc")


def test_who_lost_the_votes_since_it_was_planned_has_nothing_paid(world: World) -> None:  # noqa: F811
    world.suite.send("chloe", "votes_token", "transfer", world.address("mallory"), 5 * ETHER)
    request = planned(world, by="mallory")
    world.suite.send("mallory", "votes_token", "transfer", world.address("chloe"), 5 * ETHER)
    request = world.rest(request, 3)
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert STRANGER in request.reason
    assert world.number == 0


def test_who_asks_on_the_console_has_not_proved_to_be_the_asker(world: World) -> None:  # noqa: F811
    world.sign_roster()
    call_command("agent", "request", "--dao", "acting", "--policy", "payroll", "--by",
                 "0x" + world.address("olga").hex(), "--key", "k", world.november())  # fmt: skip
    request = world.rest(Request.objects.get(), 2)
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "not known whether who asked has a say" in request.reason


def test_where_the_votes_can_not_be_read_the_operator_signs(world: World) -> None:  # noqa: F811
    world.sign_roster()
    Contract.objects.filter(kind=Contract.Kind.VOTES_TOKEN).update(address=world.address("timelock"))
    request = world.rest(world.ask(world.november()), 2)
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "not known whether who asked has a say" in request.reason
    Contract.objects.filter(kind=Contract.Kind.VOTES_TOKEN).delete()
    assert world.rest(world.ask(world.november()), 2).status == Request.Status.NEEDS_APPROVAL


def test_a_node_that_fails_is_no_answer() -> None:
    with closing(Rpc([f"http://127.0.0.1:{free_port()}"], CHAIN_ID, attempts=1)) as rpc, pytest.raises(RpcError):
        askers.read_votes(rpc, b"\x01" * 20, "getVotes(address)", b"\x02" * 20, "latest")


def test_a_month_that_began_before_the_roster_was_signed_needs_the_operator(world: World) -> None:  # noqa: F811
    world.sign_roster_this_month()
    request = world.rest(world.ask(world.november(), by="olga"), 3)
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "began before the roster was signed" in request.reason
    assert world.number == 0
    this_month = world.november()
    world.begin_next_month()
    late = world.rest(world.ask(this_month), 3)
    assert late.status == Request.Status.NEEDS_APPROVAL, "it is still that month, however late it is asked for"
    assert world.rest(world.ask(world.november())).status == Request.Status.EXECUTED
    world.approve(request)
    world.wind(120)
    request = world.rest(request)
    assert request.status in (Request.Status.EXECUTED, Request.Status.SCHEDULED), (request.reason, work_errors())


def test_a_month_begins_at_its_first_second(world: World) -> None:  # noqa: F811
    roster = world.sign_roster_this_month()
    begins = askers.month_begins_s("2027-03")
    for accepted_chain_s, doubts in ((begins, False), (begins - 1, False), (begins + 1, True), (None, True)):
        roster.accepted_chain_s = accepted_chain_s
        assert bool(askers.early_doubt(roster, "2027-03")) is doubts
    assert "not known when" in askers.early_doubt(roster, "2027-03")


def test_a_newer_roster_begins_anew(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.wind(60)
    world.sign_roster_this_month(world.lines(900 * USDC))
    request = world.rest(world.ask(world.november()), 2)
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "began before the roster was signed" in request.reason


def test_a_mirror_that_lags_does_not_date_a_roster_early(world: World) -> None:  # noqa: F811
    """The mirror has not read on since the month before; the roster was signed in this one."""
    Cursor.objects.update(head_timestamp_chain_s=world.suite.anvil.now - 40 * DAY_S)
    roster = world.sign_roster_this_month(expires_chain_s=world.suite.anvil.now + DAY_S)
    assert roster.accepted_chain_s is not None
    assert roster.accepted_chain_s >= time.time() - 60


# What was planned, bound or scheduled before records said what an act rests on


def as_planned_before(request: Request, answer: dict[str, str]) -> None:
    """The plan as the version before stored it: choice and reason apart, chosen by the model whatever the reason."""
    plan = Plan.objects.get(request=request)
    plan.prompt = {**plan.prompt, "schema": {"properties": {"choice": {}, "reason": {}}}}
    plan.output, plan.answer = json.dumps(answer), answer
    plan.save()


def test_a_plan_from_before_whose_model_said_no_pays_nobody_until_the_operator_signs(world: World) -> None:  # noqa: F811
    request = planned(world)
    as_planned_before(request, {"choice": "c1", "reason": "not_what_was_asked"})
    request = world.rest(request, 3)
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "not what was asked" in request.reason
    assert world.number == 0
    said = shown(request)["model_said"]
    assert (said["choice"], said["reason"], said["agrees"]) == ("c1", "not_what_was_asked", False)
    world.approve(request)
    request = world.rest(request)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    assert request.plan.chosen_by == Plan.ChosenBy.OPERATOR
    assert shown(request)["model_said"] == said, "the word is still shown"
    record = json.loads(DecisionRecord.objects.get().body)
    assert json.loads(record["output"]["text"])["reason"] == "not_what_was_asked"
    call_command("verify_record", record["hash"], "--rpc")


def test_a_plan_whose_month_was_changed_in_the_database_pays_nobody(world: World) -> None:  # noqa: F811
    request = planned(world)
    Request.objects.filter(pk=request.pk).update(period="2031-01")
    request = world.rest(request, 3)
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert "month" in request.reason
    assert world.number == 0


def test_a_plan_from_before_whose_model_agreed_is_paid(world: World) -> None:  # noqa: F811
    request = planned(world)
    as_planned_before(request, {"choice": "c1", "reason": "matches_request"})
    request = world.rest(request)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    call_command("verify_record", "0x" + bytes(DecisionRecord.objects.get().hash).hex(), "--rpc")


def test_a_plan_without_a_models_answer_pays_nobody(world: World) -> None:  # noqa: F811
    request = planned(world)
    Plan.objects.update(model={}, output="")
    assert world.rest(request, 3).status == Request.Status.NEEDS_APPROVAL
    assert world.number == 0


def scheduled_before(world: World) -> Request:  # noqa: F811
    """The exact roster, scheduled with nobody's signature, its record of the format before."""
    world.sign_roster()
    world.settle(world.ask("pay kim 1,500 USDC for the design"))
    world.wind(120)
    request = world.rest(world.ask(world.november()), 4)
    assert request.status == Request.Status.SCHEDULED, (request.reason, work_errors())
    row = DecisionRecord.objects.get(request=request)
    row.body = row.body.replace(provenance.FORMAT, provenance.FORMAT_BEFORE)
    row.save()
    return request


@pytest.mark.parametrize("flaw", ["a stranger asked", "the model said no"])
def test_what_was_scheduled_before_and_would_need_the_operator_now_is_not_released(
    world: World,  # noqa: F811
    flaw: str,
) -> None:
    request = scheduled_before(world)
    if flaw == "a stranger asked":
        Request.objects.filter(pk=request.pk).update(requested_by=world.address("mallory"))
    else:
        as_planned_before(request, {"choice": "c1", "reason": "suspicious"})
    held = world.balances()
    world.wind(2 * DAY_S + 2)
    request = world.rest(request, 3)
    assert request.status == Request.Status.SCHEDULED
    with pytest.raises(work.Again, match="without votes" if flaw == "a stranger asked" else "looks suspicious"):
        executor.release(request.pk)
    assert world.balances() == held
    world.wind(6 * DAY_S)
    assert world.rest(request, 3).status == Request.Status.STOPPED
    assert world.balances() == held


def test_what_was_scheduled_before_with_good_reason_is_released(world: World) -> None:  # noqa: F811
    request = scheduled_before(world)
    as_planned_before(request, {"choice": "c1", "reason": "matches_request"})
    world.wind(2 * DAY_S + 2)
    request = world.rest(request)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())


def test_votes_of_another_token_are_no_votes_in_the_dao(world: World, tmp_path: Any) -> None:  # noqa: F811
    """A record that leans on a token that its author made: the mirror knows the DAO's own."""
    world.sign_roster()
    world.rest(world.ask(world.november()))
    record = json.loads(DecisionRecord.objects.get().body)
    assert [check.ok for check in verify_against_mirror(record) if check.name == "votes token"] == [True]
    record["checks"]["asker"]["votes_token"] = record["actions"]["module"]
    assert [check.ok for check in verify_against_mirror(record) if check.name == "votes token"] == [False]
    record["checks"]["asker"] |= {"votes_call": "pay(address)"}
    assert [c.ok for c in verify_against_chain(record, world.rpc) if c.name == "asker on chain"] == [False]


def test_votes_that_nobody_held_at_the_recorded_block_are_found(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    record = json.loads(DecisionRecord.objects.get().body)
    assert [c.ok for c in verify_against_chain(record, world.rpc) if c.name == "asker on chain"] == [True]
    record["checks"]["asker"]["votes"] = "1"
    assert [c.ok for c in verify_against_chain(record, world.rpc) if c.name == "asker on chain"] == [False]


def test_rosters_and_requests_from_before_get_the_safe_values(world: World) -> None:  # noqa: F811
    """What the migration writes: a wound test chain's newest time, else when it was stored; nobody proved to be who a
    request that the API did not bind to an account names."""
    migration = import_module("agent.migrations.0006_who_asked_and_when_signed")
    roster = world.sign_roster()  # the chain is wound into the next month
    world.wind(DAY_S)
    on_console, over_api = (
        world.ask("pay kim 1 USDC"),
        world.ask("pay kim 2 USDC", f"{world.address('ada').hex()[:12]}:k"),
    )
    migration.date_old_rosters(apps, None)
    migration.mark_unproven_askers(apps, None)
    roster.refresh_from_db()
    assert roster.accepted_chain_s == world.suite.anvil.now
    assert askers.early_doubt(roster, world.november()[-7:]), "a month that may have begun before it is the operator's"
    Cursor.objects.update(head_timestamp_chain_s=1)
    migration.date_old_rosters(apps, None)
    roster.refresh_from_db()
    assert roster.accepted_chain_s == int(roster.accepted_at.timestamp())
    assert [Request.objects.get(pk=row.pk).asker_signed_in for row in (on_console, over_api)] == [False, True]
