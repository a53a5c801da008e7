# SPDX-License-Identifier: Apache-2.0
"""A request's way: one writer of its status, a table of allowed moves, and each move a row."""

import ast
import threading

import pytest
from django.db import connection, transaction

from agent.acts import life
from agent.acts.life import Status, Who
from agent.acts.words import say
from agent.models import Request, RequestMove
from tests.agent.acting import World, work_errors, world  # noqa: F401
from tests.conftest import DAY_S, ROOT
from tests.webapp.conftest import Made, account, made  # noqa: F401

database = pytest.mark.django_db(transaction=True)
SOURCES = ("agent", "presentation", "webapp", "dao", "replay", "bench")


def asked_of(made: Made, status: str = "received") -> Request:  # noqa: F811
    request = Request.objects.create(
        module=made.contracts["module"], dao=made.dao, policy_id=bytes(32), reference=bytes(32),
        idempotency_key="1", text="pay", requested_by=account(3), status=status,
    )  # fmt: skip
    return Request.objects.get(pk=request.pk)


def ways(request: Request) -> list[tuple[str, str, str]]:
    return list(request.moves.values_list("from_status", "to_status", "who"))


def writers_of_status(source: str) -> list[int]:
    """The lines that set the attribute `status`, or name it in a write of rows, in a file that imports Request."""
    tree = ast.parse(source)
    imports = [name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names]
    if "Request" not in imports:
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "status" and isinstance(node.ctx, ast.Store | ast.Del):
            found.append(node.lineno)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            text = ast.unparse(node)
            if name in ("update", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "save",
                        "setattr", "Request") and ("status=" in text or "'status'" in text):  # fmt: skip
                found.append(node.lineno)
    return found


def test_nobody_but_life_writes_a_requests_status():
    files = [path for top in SOURCES for path in (ROOT / top).rglob("*.py") if "node_modules" not in path.parts]
    writers = {str(path.relative_to(ROOT)): lines for path in files if (lines := writers_of_status(path.read_text()))}
    assert list(writers) == ["agent/acts/life.py"]


@pytest.mark.parametrize(
    "line",
    [
        "request.status = 'planned'",
        "request.status, request.reason = 'planned', ''",
        "Request.objects.filter(pk=1).update(status='planned')",
        "request.save(update_fields=['status'])",
        "Request.objects.bulk_update(rows, ['status'])",
        "setattr(request, 'status', 'planned')",
        "Request(status='planned').save()",
    ],
)
def test_the_search_for_writers_finds_each_way_to_write(line):
    assert set(writers_of_status(f"from agent.models import Request\n{line}\n")) == {2}


def test_every_status_is_reached_and_none_from_nowhere():
    assert {after for _, after, _ in life.MOVES} == set(Status.values)
    assert {before for before, _, who in life.MOVES if who == Who.ASKER} == {"", Status.NEEDS_APPROVAL}
    assert {after for before, after, who in life.MOVES if who == Who.ASKER and before} == {Status.NEEDS_APPROVAL}
    assert {before for before, _, _ in life.MOVES} <= {"", *Status.values}
    assert {who for _, _, who in life.MOVES} == set(Who.values) - {Who.LEGACY}


def test_the_operator_can_approve_or_end_nothing_that_was_refused_or_paid():
    assert {move for move in life.MOVES if move[2] == Who.OPERATOR} == {
        ("received", "planned", "operator"),
        ("needs_approval", "planned", "operator"),
        ("received", "refused", "operator"),
        ("waiting", "refused", "operator"),
        ("planned", "refused", "operator"),
        ("executing", "refused", "operator"),  # while nothing is signed: test_ending
    }


def test_only_the_executor_binds_and_only_the_chain_says_paid():
    assert {who for _, after, who in life.MOVES if after == Status.EXECUTED} == {Who.MIRROR}
    assert {(before, who) for before, after, who in life.MOVES if after == Status.EXECUTING and before != after} == {
        ("planned", Who.EXECUTOR),
        ("scheduled", Who.MIRROR),
        ("executed", Who.MIRROR),
    }


@pytest.mark.django_db
def test_a_move_is_a_row_with_who_and_why(made):  # noqa: F811
    request = asked_of(made)
    life.received(request)
    life.move(request, Status.REFUSED, Who.PLANNER, say("somebody_paid", period="2026-11"))
    request.refresh_from_db()
    assert request.reason == "somebody of it was already paid for 2026-11, or is being paid"
    assert (request.reason_code, request.reason_values) == ("somebody_paid", {"period": "2026-11"})
    assert ways(request) == [("", "received", "asker"), ("received", "refused", "planner")]
    first, last = request.moves.all()
    assert bytes(first.account) == account(3)
    assert (last.account, last.reason_code, last.reason_values) == (None, "somebody_paid", {"period": "2026-11"})


@pytest.mark.django_db
def test_another_reason_for_the_same_status_is_no_move(made):  # noqa: F811
    request = asked_of(made)
    life.move(request, Status.RECEIVED, Who.PLANNER, say("model_asked"))
    assert Request.objects.get().reason_code == "model_asked"
    assert ways(request) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("at", "to", "who"),
    [
        ("refused", Status.PLANNED, Who.OPERATOR),
        ("executed", Status.PLANNED, Who.PLANNER),
        ("received", Status.EXECUTING, Who.EXECUTOR),
        ("abstained", Status.EXECUTED, Who.MIRROR),
        ("received", Status.PLANNED, Who.LEGACY),
    ],
)
def test_a_move_that_is_not_in_the_table_raises_and_writes_nothing(made, at, to, who):  # noqa: F811
    request = asked_of(made, at)
    with pytest.raises(life.NotAllowed):
        life.move(request, to, who, say("approved"))
    request.refresh_from_db()
    assert (request.status, request.reason_code, ways(request)) == (at, "", [])


@pytest.mark.django_db
def test_a_request_that_was_moved_meanwhile_is_not_moved_by_who_read_it_before(made):  # noqa: F811
    one = asked_of(made)
    other = Request.objects.get(pk=one.pk)
    life.move(one, Status.PLANNED, Who.OPERATOR, say("approved"))
    with pytest.raises(life.MovedMeanwhile):
        life.move(other, Status.WAITING, Who.PLANNER, say("mirror_behind"), expected=life.PLANNABLE)
    assert Request.objects.get().status == Status.PLANNED
    assert ways(one) == [("received", "planned", "operator")]


@pytest.mark.django_db
def test_the_row_goes_with_the_move_that_is_rolled_back(made):  # noqa: F811
    request = asked_of(made)
    with transaction.atomic():
        life.move(request, Status.PLANNED, Who.OPERATOR, say("approved"))
        assert RequestMove.objects.exists()
        transaction.set_rollback(True)
    assert Request.objects.get().status == Status.RECEIVED
    assert not RequestMove.objects.exists()


@database
def test_of_two_workers_that_read_the_same_status_one_moves(made):  # noqa: F811
    request = asked_of(made)
    read, moved, late = threading.Barrier(6), [], []

    def work() -> None:
        try:
            mine = Request.objects.get(pk=request.pk)
            read.wait()
            life.move(mine, Status.PLANNED, Who.OPERATOR, say("approved"))
            moved.append(1)
        except life.MovedMeanwhile:
            late.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(moved), len(late)) == (1, 5)
    assert ways(request) == [("received", "planned", "operator")]


@database
def test_the_way_of_a_payment_is_told_move_by_move(world: World) -> None:  # noqa: F811
    world.sign_roster()
    world.rest(world.ask(world.november()))
    world.wind(120)
    request = world.settle(world.ask("pay kim 1,500 USDC for the design"))
    world.wind(2 * DAY_S + 2)
    request = world.rest(request)
    assert request.status == Status.EXECUTED, (request.reason, work_errors())
    assert [(move.to_status, move.who, move.reason_code) for move in request.moves.all()] == [
        ("received", "asker", ""),
        ("needs_approval", "planner", "because"),
        ("planned", "operator", "approved"),
        ("executing", "executor", "bound"),
        ("scheduled", "mirror", "waits_out_delay"),
        ("executed", "mirror", "paid_after_delay"),
    ]
    assert bytes(request.moves.get(who="operator").account) == world.address("olga")
