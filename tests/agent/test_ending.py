# SPDX-License-Identifier: Apache-2.0
"""The operator ends a request that no act was made for: it pays nothing any more, whoever looks at the same moment."""

import json
import threading
from typing import Any

import pytest
from django.db import connection

from agent.acts import ending, executor, halts, life
from agent.acts.words import say
from agent.models import AgentHalt, Binding, DecisionRecord, Request
from agent.work_names import EXECUTE_WORK, PLAN_WORK
from governance import work
from governance.chain.address import checksum
from governance.models import AuditEntry, OutgoingTransaction
from tests.agent.acting import ABSTAINS, World, first_candidate, work_errors, world  # noqa: F401

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


def test_what_waits_for_a_signature_or_has_an_act_is_not_ended(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.model.say = ABSTAINS
    request = world.rest(world.ask(world.november()))
    assert request.status == Status.NEEDS_APPROVAL
    with pytest.raises(ending.EndingError, match="no act was made"):
        ending.end(request, world.address("olga"))
    world.approve(request)
    work.run_one(EXECUTE_WORK, str(request.pk))
    request.refresh_from_db()
    assert request.status == Status.EXECUTING, work_errors()
    with pytest.raises(ending.EndingError, match="no act was made"):
        ending.end(request, world.address("olga"))
    assert world.rest(request).status == Status.EXECUTED
    with pytest.raises(ending.EndingError, match="no act was made"):
        ending.end(request, world.address("olga"))


def test_of_operator_and_executor_at_the_same_moment_one_moves_it(world: World) -> None:  # noqa: F811
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
    assert won == [request.status]
