# SPDX-License-Identifier: Apache-2.0
"""From a request to money and back, on a real chain: what a DAO's members and operator see."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from agent.acts import approvals, executor, halts, judging, life
from agent.acts.calls import calls_from_json, calls_hash, calls_json
from agent.acts.paid import lately, paid_lines
from agent.acts.policy import in_force
from agent.acts.shown import shown
from agent.models import AgentHalt, Binding, DecisionRecord, PaidLine, Request, Roster
from agent.work_names import PLAN_WORK
from governance import work
from governance.chain.address import checksum
from governance.chain.keys import Signer
from governance.models import (
    Act,
    AuditEntry,
    Contract,
    Cursor,
    OutgoingTransaction,
    PolicyVersion,
    UnconfirmedLog,
)
from policies.answer.evaluate import Refused
from policies.code.call import Call
from tests.agent.acting import ABSTAINS, POLICY_ID, USDC, World, first_candidate, work_errors, world  # noqa: F401
from tests.conftest import DAY_S

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


def test_only_the_operators_key_approves_in_any_form_that_wallets_send(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.say = ABSTAINS
    request = world.rest(world.ask(world.november()))
    typed_data = approvals.typed_data(request, request.candidates.get(key="c1"))
    for by, signature, problem in (
        ("mallory", None, "made the signature, not that of"),
        ("olga", "0x" + "11" * 650, "has 650 bytes, as contract wallets make them"),
        ("olga", "none", "hexadecimal digits"),
    ):
        with pytest.raises(approvals.ApprovalError, match=problem) as refused:
            approvals.accept(request, "c1", signature or world.sign(by, typed_data))
        assert checksum(world.address("olga")) in str(refused.value)
    full = bytes.fromhex(world.sign("olga", typed_data)[2:])
    old = full[:64] + bytes([full[64] - 27])
    assert bytes(approvals.accept(request, "c1", "0x" + old.hex()).signature) == full
    assert world.rest(request).status == Request.Status.EXECUTED


def test_the_same_month_is_paid_once_however_often_it_is_asked(world: World) -> None:  # noqa: F811
    world.sign_roster()
    first, second = world.ask(world.november()), world.ask(world.november())
    before = world.balances()
    world.rest(first)
    world.wind(120)
    second = world.rest(second)
    third = world.rest(world.ask(world.november()))
    assert {second.status, third.status} <= {Request.Status.ABSTAINED, Request.Status.REFUSED}
    assert "already paid" in third.reason
    assert [b - a for a, b in zip(before, world.balances(), strict=True)] == [1000 * USDC] * 5
    assert world.number == 1


def test_two_requests_that_were_planned_together_pay_once(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.say = ABSTAINS
    asked = [world.ask(world.november()) for _ in range(2)]
    world.rest(asked[0], 2)
    before = world.balances()
    for request in asked:
        world.approve(request)
    for request in asked:
        world.rest(request)
    assert sorted(r.status for r in Request.objects.all()) == [Request.Status.EXECUTED, Request.Status.REFUSED]
    assert [b - a for a, b in zip(before, world.balances(), strict=True)] == [1000 * USDC] * 5


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("pay ines 5,001 USDC as a bonus", "5,000 USDC"),
        ("pay {mallory} 100 USDC", "0x"),
    ],
)
def test_what_is_outside_the_policy_is_refused_with_the_clause_and_never_sent(
    world: World,  # noqa: F811
    text: str,
    clause: str,
) -> None:
    world.sign_roster()
    mallory = "0x" + world.address("mallory").hex()
    request = world.rest(world.ask(text.format(mallory=mallory)), 3)
    assert request.status == Request.Status.REFUSED
    refusal = request.refusals.get()
    assert clause in str(refusal)
    assert refusal.headroom[0]["left_instant"] == str(6000 * USDC)
    assert refusal.module_says != "allowed"
    assert not OutgoingTransaction.objects.exists()
    assert shown(request)["refusal"] == str(refusal)


def test_over_the_rolling_budget_is_refused_and_below_it_is_scheduled_and_released(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    world.wind(120)
    assert world.settle(world.ask("pay ines 900 USDC as a bonus")).status == Request.Status.EXECUTED
    world.wind(120)
    held = world.balance("jon")
    audit = world.settle(world.ask("pay jon 5,000 USDC for the audit"))
    assert audit.status == Request.Status.SCHEDULED, (audit.reason, work_errors())
    assert world.balance("jon") == held, "nothing leaves before the delay is over"
    world.wind(2 * DAY_S + 2)
    audit = world.rest(audit)
    assert audit.status == Request.Status.EXECUTED, (audit.reason, work_errors())
    assert world.balance("jon") == held + 5000 * USDC
    assert [act.status for act in world.acts()] == ["executed", "executed", "released"]
    over = world.rest(world.ask("pay ines 1,101 USDC for travel"), 3)
    assert over.status == Request.Status.REFUSED
    assert over.refusals.get().reasons[0]["code"] == "OverBudget"
    assert "12,000 USDC" in over.reason


def test_a_scheduled_act_that_members_stop_is_never_released(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    world.wind(120)
    request = world.settle(world.ask("pay kim 1,500 USDC for the design"))
    assert request.status == Request.Status.SCHEDULED
    act = world.acts()[-1]
    held = world.balance("kim")
    world.suite.send("ada", "module", "object", POLICY_ID, [bytes(act.act_id)])
    world.wind(120)
    later = world.rest(world.ask("pay jon 1,500 USDC for the design"), 2)
    assert later.status == Request.Status.WAITING
    assert "Members stopped an act; nothing is scheduled before 2" in later.reason
    assert "Quiet" not in later.reason
    world.wind(2 * DAY_S + 2)
    request = world.rest(request)
    assert request.status == Request.Status.STOPPED
    assert "objected" in request.reason
    assert world.balance("kim") == held


def test_a_scheduled_act_that_was_not_released_in_time_ends(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    world.wind(120)
    request = world.settle(world.ask("pay kim 1,500 USDC for the design"))
    world.suite.anvil.wind(8 * DAY_S)
    request = world.rest(request)
    assert request.status == Request.Status.STOPPED
    assert world.balance("kim") == 1000 * USDC


def test_a_month_whose_act_expired_can_be_asked_for_again(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask("pay kim 1,500 USDC for the design"), 3)
    world.settle(Request.objects.get(), 3)
    world.wind(120)
    first = world.settle(world.ask(world.november()))
    assert first.status == Request.Status.SCHEDULED, first.reason
    again = world.ask(first.text)
    world.suite.anvil.wind(8 * DAY_S)
    assert world.rest(again, 3).status == Request.Status.ABSTAINED, "its time is over, but that may still be undone"
    world.suite.anvil.mine(130)
    world.step()
    again = world.settle(world.ask(first.text))
    assert again.status in (Request.Status.EXECUTED, Request.Status.SCHEDULED), again.reason


def test_an_act_whose_stop_was_reorganised_away_is_not_released_once_the_month_is_paid(world: World) -> None:  # noqa: F811
    world.sign_roster(world.lines(600 * USDC))
    spent = world.settle(world.ask("pay kim 3,500 USDC for the design"))
    assert spent.status == Request.Status.EXECUTED, spent.reason
    world.wind(120)
    first = world.settle(world.ask(world.november()))
    assert first.status == Request.Status.SCHEDULED, first.reason
    act = world.acts()[-1]
    world.wind(120)
    before = world.suite.anvil.call("evm_snapshot")
    world.suite.send("ada", "module", "object", POLICY_ID, [bytes(act.act_id)])
    assert world.rest(first, 2).status == Request.Status.STOPPED
    # The operator has the month paid in a smaller part, which goes at once; then the chain forgets the objection.
    again = world.settle(world.ask(f"pay ines for {first.text[-7:]}"), 3)
    assert again.status in (Request.Status.EXECUTING, Request.Status.EXECUTED), again.reason
    assert world.suite.anvil.call("evm_revert", before)
    world.suite.anvil.mine(2)
    world.sync()
    assert Act.objects.get(number=act.number).status == "scheduled"
    world.wind(2 * DAY_S + 2)
    first = world.rest(first, 4)
    again.refresh_from_db()
    assert again.status == Request.Status.EXECUTED, again.reason
    assert world.balance("ines") == 600 * USDC, "the month is paid once, by whichever request"
    assert first.status == Request.Status.STOPPED
    assert "another request" in first.reason


def test_what_one_node_alone_calls_stopped_is_paid_for_all_that_is_known(world: World) -> None:  # noqa: F811
    """A node can make up that an act was vetoed or objected to: the month must not be paid a second time for that."""
    world.sign_roster(world.lines(600 * USDC))
    world.settle(world.ask("pay kim 3,500 USDC for the design"))
    world.wind(120)
    first = world.settle(world.ask(world.november()))
    assert first.status == Request.Status.SCHEDULED, first.reason
    world.suite.send("ada", "module", "object", POLICY_ID, [bytes(world.acts()[-1].act_id)])
    world.sync()
    stopped = world.acts()[-1]
    assert stopped.status == "killed"
    mark = UnconfirmedLog.objects.create(dao=world.dao, log=stopped.final_log, news=[])
    policy = in_force(world.dao, POLICY_ID)
    again = world.ask(first.text)
    assert paid_lines(policy, first.period, again)
    assert stopped.pk in {act.pk for act, _ in lately(world.dao, {world.address("ines")}, besides=again)}
    first = world.rest(first, 3)
    assert first.status == Request.Status.SCHEDULED, first.reason
    assert any("one node alone" in error for error in work_errors())
    again.refresh_from_db()
    assert again.status == Request.Status.ABSTAINED, again.reason
    mark.delete()
    assert not paid_lines(policy, first.period, again)
    assert world.rest(first, 2).status == Request.Status.STOPPED


def test_a_stopped_act_that_names_a_decision_again_unpays_nobody(world: World) -> None:  # noqa: F811
    """The module lets the agent's key announce another act under the same decision; members stop it."""
    world.sign_roster()
    first = world.rest(world.ask(world.november()))
    assert first.status == Request.Status.EXECUTED, first.reason
    (act,) = world.acts()
    Act.objects.create(
        dao=act.dao, module=act.module, policy_id=act.policy_id, number=act.number + 1, version=act.version,
        agent=act.agent, decision=act.decision, status=Act.Status.KILLED, log=act.log, objection_power=0,
    )  # fmt: skip
    again = world.ask(first.text)
    assert len(paid_lines(in_force(world.dao, POLICY_ID), first.period, again)) == 5


def test_a_roster_is_as_old_as_the_chain_says_and_not_the_mirror(world: World) -> None:  # noqa: F811
    """While blocks are read again, the mirror's clock stands in the past, where the roster was still good."""
    world.sign_roster(expires_chain_s=world.suite.anvil.now + 40 * DAY_S)
    then = world.suite.anvil.now
    world.wind(45 * DAY_S)
    request = world.ask(world.november())
    sync = world.sync

    def in_the_past() -> None:
        sync()
        Cursor.objects.filter(dao=world.dao).update(head_timestamp_chain_s=then)

    world.sync = in_the_past  # type: ignore[method-assign]
    request = world.rest(request, 3)
    assert request.status in (Request.Status.ABSTAINED, Request.Status.NEEDS_APPROVAL, Request.Status.REFUSED)
    assert "expired" in request.reason
    assert world.number == 0


def test_while_paused_nothing_is_planned_or_sent(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.say = ABSTAINS
    planned = world.rest(world.ask(world.november()), 2)
    world.suite.send("gus", "module", "pause")
    world.sync()
    world.approve(planned)
    asked = world.rest(world.ask("pay ines 100 USDC for books"), 3)
    planned.refresh_from_db()
    assert [asked.status, planned.status] == [Request.Status.REFUSED] * 2
    assert "paused" in asked.reason
    assert not OutgoingTransaction.objects.exists()
    world.suite.send_as("timelock", "module", "unpause")
    world.sync()
    world.model.say = first_candidate
    assert world.rest(world.ask(world.november())).status == Request.Status.EXECUTED


def test_what_waits_for_the_cooldown_is_done_when_it_is_over(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    request = world.rest(world.ask("pay ines 10 USDC for books"), 3)
    assert request.status == Request.Status.WAITING
    world.wind(61)
    assert world.settle(request).status == Request.Status.EXECUTED


def test_another_act_under_the_same_number_is_overtaken_only_when_that_is_final(world: World) -> None:  # noqa: F811
    """A thief with the agent's key pays under our number, after we had signed: we pay again, once, when the operator
    has seen what the thief paid."""
    world.sign_roster()
    before = world.balance("ines")
    request = world.ask(world.november())
    world.suite.anvil.call("evm_setAutomine", False)
    try:
        world.step()
        world.step()
        assert OutgoingTransaction.objects.get().status == "sent"
        world.suite.anvil.call("anvil_dropAllTransactions")
    finally:
        world.suite.anvil.call("evm_setAutomine", True)
    # The thief's transaction takes our nonce as well as our number.
    transfer = world.suite.calldata("usdc", "transfer", world.address("ines"), 5 * USDC)
    codehash = bytes(request.dao.policy_versions.get().codehash)
    world.suite.send(
        "agent", "module", "execute", POLICY_ID, codehash, [(world.address("usdc"), 0, transfer)], 1, b"\x99" * 32
    )
    world.wind(120)
    request = world.rest(request, 4)
    assert request.status == Request.Status.EXECUTING
    assert Binding.objects.filter(state=Binding.State.LIVE).get().number == 1
    assert world.number == 1, "nothing is sent under another number while that log may still go away"
    world.suite.anvil.mine(130)
    request = world.rest(request, 8)
    assert request.status == Request.Status.NEEDS_APPROVAL, (request.reason, work_errors())
    assert "without a decision record" in request.reason
    assert world.number == 1
    world.approve(request)
    request = world.rest(request, 4)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    assert world.number == 2
    assert world.balance("ines") == before + 1005 * USDC
    assert [b.state for b in Binding.objects.order_by("id")] == ["overtaken", "live"]


@pytest.mark.parametrize("decision", [b"\x99" * 32, None], ids=["no record", "the record of an act before"])
@pytest.mark.parametrize("approved", [False, True])
def test_what_somebody_else_paid_with_the_agents_key_is_not_paid_again_unseen(
    world: World,  # noqa: F811
    approved: bool,
    decision: bytes | None,
) -> None:
    """A second agent with our key, from a backup say, pays the roster between our planning and our binding."""
    world.sign_roster(world.lines(100 * USDC))
    first = world.settle(world.ask("pay kim 1 USDC for a stamp"))
    assert first.status == Request.Status.EXECUTED
    decision = decision or bytes(DecisionRecord.objects.get().hash)
    world.wind(120)
    if approved:
        world.model.say = ABSTAINS
    request = world.ask(world.november())
    work.run_due(PLAN_WORK)
    if approved:
        world.approve(request)
    request.refresh_from_db()
    assert request.status == Request.Status.PLANNED
    pays = [(world.address("usdc"), 0, world.suite.calldata("usdc", "transfer", world.address("ines"), 100 * USDC))]
    codehash = bytes(request.dao.policy_versions.get().codehash)
    world.suite.send("agent", "module", "execute", POLICY_ID, codehash, pays, 2, decision)
    with pytest.raises(work.Again, match="behind the chain"):
        executor.execute(request.pk)
    world.wind(120)
    request = world.rest(request, 4)
    assert request.status == (Request.Status.REFUSED if approved else Request.Status.NEEDS_APPROVAL), request.reason
    assert "without a decision record" in request.reason
    assert world.number == 2


def test_a_worker_killed_while_it_warns_of_an_unrecorded_payment_pays_nobody_twice(world: World, monkeypatch) -> None:  # noqa: F811
    """The warning and the refusal are written together, else the next worker takes the approval for one that saw it."""
    world.sign_roster(world.lines(100 * USDC))
    world.model.say = ABSTAINS
    before = world.balance("ines")
    request = world.ask(world.november())
    work.run_due(PLAN_WORK)
    world.approve(request)
    pays = [(world.address("usdc"), 0, world.suite.calldata("usdc", "transfer", world.address("ines"), 100 * USDC))]
    codehash = bytes(request.dao.policy_versions.get().codehash)
    world.suite.send("agent", "module", "execute", POLICY_ID, codehash, pays, 1, b"\x99" * 32)
    world.wind(120)

    class Killed(BaseException):
        pass

    def die(*_arguments: object, **_named: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(life, "move", die)
        with pytest.raises(Killed):
            executor.execute(request.pk)
    request = world.rest(request, 4)
    assert (request.status, request.reason_code) == (Request.Status.REFUSED, "unrecorded_since_approved")
    assert world.number == 1
    assert world.balance("ines") == before + 100 * USDC


def test_a_reorganisation_that_takes_the_payment_away_is_followed_and_paid_again_once(world: World) -> None:  # noqa: F811
    world.sign_roster()
    before = world.balances()
    world.suite.anvil.mine(3)
    request = world.rest(world.ask(world.november()), 3)
    assert request.status == Request.Status.EXECUTED
    world.suite.anvil.call("anvil_rollback", 1)
    assert world.number == 0
    world.suite.anvil.mine(2)
    request = world.rest(request, 6)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    assert [b - a for a, b in zip(before, world.balances(), strict=True)] == [1000 * USDC] * 5
    assert world.number == 1
    assert DecisionRecord.objects.count() == 1


def test_evaluator_and_module_disagreeing_stops_the_agent_until_an_operator_clears_it(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.sign_roster()

    def blind(*_arguments: object) -> Refused:
        """An evaluator with a bug: it refuses what the module allows."""
        from policies.answer.evaluate import Reason

        return Refused((Reason("NoCalls"),))

    with monkeypatch.context() as patched:
        patched.setattr(judging.evaluation, "evaluate", blind)
        request = world.rest(world.ask(world.november()), 2)
        assert request.status == Request.Status.WAITING
        assert "disagree" in AgentHalt.objects.get().reason
    request = world.rest(request, 2)
    assert request.status == Request.Status.WAITING, "mending the evaluator does not clear the switch"
    assert world.number == 0
    call_command("agent", "clear-halt", "--dao", "acting", "--because", "the evaluator was mended")
    assert world.rest(request).status == Request.Status.EXECUTED


def test_while_the_kill_switch_stands_nothing_is_signed_again(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.ask(world.november())
    world.suite.anvil.call("evm_setAutomine", False)
    try:
        world.step()
        world.step()
        OutgoingTransaction.objects.update(signed_at=timezone.now() - timedelta(hours=1))
        halt = AgentHalt.objects.create(dao=world.dao, reason="an operator looks into it")
        executor.settle_sent()
        assert OutgoingTransaction.objects.get().replaced == []
        halt.cleared_at = timezone.now()
        halt.save()
        settled = executor.settle

        def stopped_meanwhile(*arguments: object) -> None:
            halts.stop(world.dao, None, "after settling looked at the switch")
            settled(*arguments)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(executor, "settle", stopped_meanwhile)
            executor.settle_sent()
        assert OutgoingTransaction.objects.get().replaced == []
        halts.start(world.dao, None, "it was a false alarm, looked at")
        executor.settle_sent()
        assert len(OutgoingTransaction.objects.get().replaced) == 1
    finally:
        world.suite.anvil.call("evm_setAutomine", True)


def test_a_row_changed_in_the_database_pays_nobody(world: World) -> None:  # noqa: F811
    """Whoever can write to the tables but has neither operator's nor agent's key gets no payment of their own."""
    world.sign_roster()
    request = world.ask(world.november())
    world.sync()
    work.run_due(PLAN_WORK)
    request.refresh_from_db()
    assert request.status == Request.Status.PLANNED
    candidate = request.candidates.get()
    transfer = world.suite.calldata("usdc", "transfer", world.address("ines"), 5000 * USDC)
    candidate.calls = calls_json([Call(world.address("usdc"), 0, transfer)])
    candidate.calls_hash = calls_hash(calls_from_json(candidate.calls))
    candidate.save()
    request = world.rest(request, 3)
    assert request.status == Request.Status.NEEDS_APPROVAL
    assert world.number == 0


def test_a_roster_changed_in_the_database_after_the_plan_is_not_paid_and_the_request_says_so(world: World) -> None:  # noqa: F811
    world.sign_roster()
    request = world.ask(world.november())
    world.sync()
    work.run_due(PLAN_WORK)
    Roster.objects.update(expires_chain_s=F("expires_chain_s") + DAY_S)
    request = world.rest(request, 2)
    assert request.status == Request.Status.NEEDS_APPROVAL, (request.reason, work_errors())
    assert "changed in the database" in request.reason
    assert world.number == 0


def test_a_month_that_was_paid_through_the_module_before_is_not_paid_through_the_new_one(world: World) -> None:  # noqa: F811
    world.sign_roster()
    paid = world.rest(world.ask(world.november()))
    assert paid.status == Request.Status.EXECUTED, paid.reason
    moved = Contract.objects.create(dao=world.dao, kind=Contract.Kind.MODULE, address=b"\x77" * 20)
    policy = replace(in_force(world.dao, POLICY_ID), contract=moved, module=moved.address)
    again = world.ask(world.november())
    assert {payee for payee, _ in paid_lines(policy, paid.period, again)} == {line.recipient for line in world.lines()}


def test_a_request_of_another_policy_module_is_not_sent_to_either(world: World) -> None:  # noqa: F811
    """The DAO moved its policy to a new module, with the same code: what was asked of the old one ends."""
    world.sign_roster()
    request = world.ask(world.november())
    world.sync()
    work.run_due(PLAN_WORK)
    moved = Contract.objects.create(dao=world.dao, kind=Contract.Kind.MODULE, address=b"\x77" * 20)
    PolicyVersion.objects.update(module=moved)
    executor.execute(request.pk)
    request.refresh_from_db()
    assert request.status == Request.Status.REFUSED
    assert "another policy module" in request.reason
    assert not DecisionRecord.objects.exists()


def test_another_key_than_the_policys_agent_sends_nothing(world: World) -> None:  # noqa: F811
    world.sign_roster()
    request = world.ask(world.november())
    world.sync()
    work.run_due(PLAN_WORK)
    with pytest.raises(work.Again, match="agent is"):
        executor.execute(request.pk, rpc=world.rpc, signer=Signer(world.suite.accounts["mallory"]))
    assert not DecisionRecord.objects.exists()
    assert not PaidLine.objects.exists()


def test_once_the_agent_is_stopped_nothing_new_is_signed_whatever_was_under_way(world: World) -> None:  # noqa: F811
    """Somebody stops it after the executor looked at the switch, and before it signs."""
    world.sign_roster()
    world.ask(world.november())
    simulated = executor.judge

    def stopped_meanwhile(*arguments: object) -> object:
        halts.stop(world.dao, None, "something looks wrong")
        return simulated(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(executor, "judge", stopped_meanwhile)
        request = world.rest(Request.objects.get(), 3)
    assert (request.status, world.number) == (Request.Status.PLANNED, 0)
    assert not OutgoingTransaction.objects.exists()
    assert not DecisionRecord.objects.exists()
    assert halts.start(world.dao, None, "it was a false alarm, looked at") == 1
    assert world.rest(request).status == Request.Status.EXECUTED
    done = [json.loads(row.body)["action"] for row in AuditEntry.objects.order_by("id")]
    expected = ["agent_stopped", "agent_started", "decision_recorded", "transaction_signed"]
    assert [action for action in done if action in expected] == expected
    assert done.count("request_moved") >= 4
