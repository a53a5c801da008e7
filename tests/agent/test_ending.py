# SPDX-License-Identifier: Apache-2.0
"""The operator ends a request that nothing was signed for: it pays nothing any more, whoever looks at the same time."""

import io
import json
import threading
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from agent.acts import ending, executor, halts, life
from agent.acts.words import reason_of, say
from agent.models import AgentHalt, Binding, DecisionRecord, Request
from agent.work_names import EXECUTE_WORK, PLAN_WORK
from governance import work
from governance.chain.address import checksum
from governance.models import Act, AuditEntry, Dao, OutgoingTransaction
from tests.agent.acting import ABSTAINS, World, first_candidate, work_errors, world  # noqa: F401
from tests.agent.test_elsewhere import pay_by_vote

pytestmark = pytest.mark.django_db(transaction=True)
Status = Request.Status


def decided(world: World) -> Request:  # noqa: F811
    """The month's roster, chosen and not carried out yet."""
    world.sign_roster()
    request = world.ask(world.november())
    world.sync()
    work.run_one(PLAN_WORK, str(request.pk))
    request.refresh_from_db()
    assert request.status == Status.PLANNED, (request.reason, work_errors())
    return request


@pytest.mark.parametrize("is_ended", [False, True])
def test_who_starts_the_agent_again_pays_what_was_decided_unless_its_operator_ended_it(
    world: World,  # noqa: F811
    is_ended: bool,
) -> None:
    request = decided(world)
    before = world.balances()
    halts.stop(world.dao, world.address("olga"), "paid by the treasury")
    if is_ended:
        ending.end(request, world.address("olga"))
    world.rest(request, 2)
    AgentHalt.objects.update(cleared_at="2026-12-01T00:00:00Z")
    request = world.rest(request)
    assert request.status == (Status.REFUSED if is_ended else Status.EXECUTED), work_errors()
    assert world.number == (0 if is_ended else 1)
    assert (world.balances() == before) is is_ended
    assert Binding.objects.exists() is not is_ended
    if is_ended:
        last = request.moves.last()
        assert last is not None
        assert (last.from_status, last.who, last.reason_code) == ("planned", "operator", "ended_by_operator")
        assert bytes(last.account) == world.address("olga")
        entries = [json.loads(row.body) for row in AuditEntry.objects.order_by("id")]
        (entry,) = [entry for entry in entries if entry["action"] == "request_moved" and "ended" in json.dumps(entry)]
        assert checksum(world.address("olga")) in json.dumps(entry)


def test_only_the_operator_ends_a_request(world: World) -> None:  # noqa: F811
    request = decided(world)
    for who in ("ada", "mallory", "agent"):
        with pytest.raises(ending.EndingError, match="only the policy's operator"):
            ending.end(request, world.address(who))
    assert world.rest(request).status == Status.EXECUTED


def test_an_executor_that_read_it_before_it_was_ended_makes_no_act(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = decided(world)
    judged = executor._judge

    def late(*known: Any) -> Any:
        found = judged(*known)
        ending.end(request, world.address("olga"))
        return found

    monkeypatch.setattr(executor, "_judge", late)
    with pytest.raises(work.Again):
        executor.execute(request.pk)
    monkeypatch.undo()
    assert world.rest(request).status == Status.REFUSED
    assert (Binding.objects.count(), DecisionRecord.objects.count(), OutgoingTransaction.objects.count()) == (0, 0, 0)
    assert world.number == 0


def test_a_model_that_answers_after_it_was_ended_decides_nothing(world: World) -> None:  # noqa: F811
    world.sign_roster()
    request = world.ask(world.november())

    def slow(body: dict[str, Any]) -> str:
        ending.end(request, world.address("olga"))
        connection.close()
        return first_candidate(body)

    world.model.say = slow
    assert world.rest(request).status == Status.REFUSED
    assert request.moves.filter(to_status=Status.PLANNED).count() == 0
    assert world.number == 0


def test_what_waits_for_a_signature_or_has_a_signed_transaction_is_not_ended(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.say = ABSTAINS
    request = world.rest(world.ask(world.november()))
    assert request.status == Status.NEEDS_APPROVAL
    for who in (world.address("olga"), None):
        with pytest.raises(ending.EndingError, match="waits for the operator's signature"):
            ending.end(request, who)
    world.approve(request)
    work.run_one(EXECUTE_WORK, str(request.pk))
    request.refresh_from_db()
    assert request.status == Status.EXECUTING, work_errors()
    for who in (world.address("olga"), None):
        with pytest.raises(ending.EndingError, match="a transaction was signed for its act"):
            ending.end(request, who)
    assert world.rest(request).status == Status.EXECUTED
    with pytest.raises(ending.EndingError, match="nothing to end"):
        ending.end(request, world.address("olga"))


class Died(BaseException):
    """The worker dies here."""


def bound(world: World, monkeypatch: pytest.MonkeyPatch) -> Request:  # noqa: F811
    """A request whose worker died between its decision record and the signature of its transaction."""
    request = decided(world)

    def dies(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(executor, "_send", dies)
        with pytest.raises(Died):
            executor.execute(request.pk)
    request.refresh_from_db()
    assert (request.status, DecisionRecord.objects.count()) == (Status.EXECUTING, 1)
    assert not OutgoingTransaction.objects.exists()
    return request


def test_an_approval_does_not_wait_for_who_holds_the_dao(world: World) -> None:  # noqa: F811
    """An end holds the DAO and waits for the request: an approval that held the request and waited for the DAO would
    have one of them fail."""
    world.sign_roster()
    world.model.say = ABSTAINS
    request = world.rest(world.ask(world.november()))
    held, approved = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Dao.objects.select_for_update(no_key=True).get(pk=world.dao.pk)
                held.set()
                approved.wait(60)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(60)
        with connection.cursor() as sql:
            sql.execute("SET lock_timeout = '20s'")
        world.approve(request)
    finally:
        approved.set()
        holder.join()
        with connection.cursor() as sql:
            sql.execute("RESET lock_timeout")
    request.refresh_from_db()
    assert request.status == Status.PLANNED


@pytest.mark.parametrize("by_console", [False, True])
def test_an_act_that_nothing_was_signed_for_is_ended_and_its_number_is_another_requests(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    by_console: bool,
) -> None:
    request = bound(world, monkeypatch)
    before = world.balances()
    if by_console:
        out = io.StringIO()
        call_command("agent", "end", str(request.pk), dao="acting", stdout=out)
        assert out.getvalue() == f"request {request.pk}: refused. ended at the server's console\n"
    else:
        ending.end(request, world.address("olga"))
    request = world.rest(request)
    assert (request.status, request.moves.last().who) == (Status.REFUSED, "operator")
    assert (world.number, world.balances()) == (0, before)
    assert Binding.objects.get().state == Binding.State.UNUSED
    other = world.rest(world.ask(world.november()))
    assert other.status == Status.EXECUTED, work_errors()
    assert (world.number, Binding.objects.latest("pk").number) == (1, 1)
    assert world.rest(request).status == Status.REFUSED
    if by_console:
        with pytest.raises(CommandError, match="nothing to end"):
            call_command("agent", "end", str(request.pk), dao="acting")


def test_an_executor_that_goes_on_after_it_was_ended_signs_nothing(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = bound(world, monkeypatch)
    send_once = executor.send_once

    def late(*known: Any) -> Any:
        ending.end(request, world.address("olga"))
        return send_once(*known)

    with monkeypatch.context() as patch:
        patch.setattr(executor, "send_once", late)
        with pytest.raises(work.Again, match="was ended"):
            executor.execute(request.pk)
    assert world.rest(request).status == Status.REFUSED
    assert not OutgoingTransaction.objects.exists()


def test_of_the_end_and_a_signature_at_the_same_moment_the_end_waits_and_is_refused(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request, found = bound(world, monkeypatch), []
    sign, began = halts.Switched.sign, threading.Event()

    def end() -> None:
        began.wait()
        try:
            ending.end(request, world.address("olga"))
            found.append("ended")
        except ending.EndingError as error:
            found.append(error.sentence.code)
        finally:
            connection.close()

    def slow(self: halts.Switched, fields: dict[str, Any]) -> Any:
        signed = sign(self, fields)  # it holds the DAO's row from here on, until what it signed is kept
        began.set()
        other.join(0.3)
        return signed

    other = threading.Thread(target=end)
    other.start()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(halts.Switched, "sign", slow)
            with pytest.raises(work.Again):
                executor.execute(request.pk)
    finally:
        began.set()
        other.join()
    assert found == ["act_is_signed"]
    assert world.rest(request).status == Status.EXECUTED


def announced(world: World) -> Request:  # noqa: F811
    """A request whose act is announced, after the instant part of the budget was paid."""
    world.sign_roster()
    assert world.rest(world.ask(world.november())).status == Status.EXECUTED
    world.wind(120)
    request = world.settle(world.ask("pay jon 1,500 USDC"), 4)
    assert request.status == Status.SCHEDULED, work_errors()
    return request


def test_an_announced_act_is_not_ended_here(world: World) -> None:  # noqa: F811
    request = announced(world)
    for who in (world.address("olga"), None):
        with pytest.raises(ending.EndingError, match="stopped there: by members who object in time, by a veto"):
            ending.end(request, who)
    # Also where the mirror has no act for a moment: its blocks are read again.
    Act.objects.filter(number=2).update(decision=bytes(32))
    with pytest.raises(ending.EndingError, match="announced on the chain"):
        ending.end(request, None)
    with pytest.raises(work.Again):
        executor.execute(request.pk)
    request.refresh_from_db()
    assert request.status == Status.EXECUTING, "gone from the chain, as far as is read"
    with pytest.raises(ending.EndingError, match="a transaction was signed for its act"):
        ending.end(request, None)


@pytest.mark.parametrize("was_paid_by_vote", [False, True])
def test_a_second_attempt_that_is_refused_now_fails_and_the_next_request_is_paid(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    was_paid_by_vote: bool,
) -> None:
    request, anvil = decided(world), world.suite.anvil
    anvil.call("evm_setAutomine", False)
    work.run_one(EXECUTE_WORK, str(request.pk))
    anvil.call("anvil_dropAllTransactions")
    anvil.call("evm_setAutomine", True)
    world.suite.send("gus", "module", "pause")
    look(world, 2)  # sent again, and it reverts
    anvil.mine(130)
    world.suite.send_as("timelock", "module", "unpause")
    anvil.mine(130)

    def refuses(*_: Any) -> None:
        raise work.Again(timezone.now(), say("act_on_its_way"))

    with monkeypatch.context() as patch:
        patch.setattr(executor, "_send", refuses)  # the node could not estimate just then
        look(world, 3)
    (sent,) = OutgoingTransaction.objects.filter(key__startswith="act:")
    assert (sent.status, sent.final, Binding.objects.get().attempt) == ("failed", True, 2), work_errors()
    with pytest.raises(ending.EndingError, match="refused it for good, the agent signs another"):
        ending.end(request, None)
    if was_paid_by_vote:
        pay_by_vote(world, "ines", 1000)
    before = world.balances()
    request = world.rest(request, 6)
    if not was_paid_by_vote:
        assert request.status == Status.EXECUTED, work_errors()
        return
    assert (request.status, world.balances()) == (Status.FAILED, before), work_errors()
    assert str(reason_of(request)) == "sent 1 times and reverted: the chain refused it"
    assert Binding.objects.get().state == Binding.State.FAILED
    world.wind(120)
    other = world.rest(world.ask("pay max 20 USDC"), 3)
    if other.status == Status.NEEDS_APPROVAL:
        world.approve(other)
        other = world.rest(other, 4)
    assert other.status == Status.EXECUTED, work_errors()


def look(world: World, times: int) -> None:  # noqa: F811
    """Steps of the worker, each of which looks at what was mined as well."""
    for _ in range(times):
        executor._look_at_mined_now()
        world.step()


def test_of_operator_and_executor_at_the_same_moment_each_moves_it_once_and_the_end_stays(world: World) -> None:  # noqa: F811
    request = decided(world)
    ready, won = threading.Barrier(4), []

    def run(step: Any, name: str) -> None:
        try:
            mine = Request.objects.select_related("dao").get(pk=request.pk)
            ready.wait()
            step(mine)
            won.append(name)
        except (life.MovedMeanwhile, ending.EndingError):
            pass
        finally:
            connection.close()

    def bind(mine: Request) -> None:
        life.move(mine, Status.EXECUTING, life.Who.EXECUTOR, say("bound", number=1))

    steps = [(bind, "executing"), (lambda mine: ending.end(mine, world.address("olga")), "refused")] * 2
    threads = [threading.Thread(target=run, args=step) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    request.refresh_from_db()
    # An act that nothing was signed for yet is ended too; whoever comes behind an end does nothing.
    assert sorted(won) in (["refused"], ["executing", "refused"])
    assert request.status == Status.REFUSED
