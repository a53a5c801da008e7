# SPDX-License-Identifier: Apache-2.0
"""Advisory locks: who is kept out, what ends with the session, and that nobody takes one under a number of its own."""

import ast
import re
import threading
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.utils import OperationalError

from agent.acts.executor import only_executor
from governance import work
from governance.locks import LockClass, key_of, session_lock, transaction_lock
from governance.models import Chain, Cursor, Dao
from governance.sync import fence

ROOT = Path(__file__).resolve().parents[2]


def elsewhere(function):
    """What `function` answers in a database session of its own."""
    answers = []

    def run():
        try:
            answers.append(function())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return answers[0]


def held_by_another(lock: LockClass, key: int) -> bool:
    def attempt() -> bool:
        with session_lock(lock, key) as mine:
            return not mine

    return elsewhere(attempt)


def end_our_session() -> None:
    """As a restart of PostgreSQL, or a broken network, does."""
    with connection.cursor() as sql:
        sql.execute("SELECT pg_backend_pid()")
        (pid,) = sql.fetchone()

    def terminate() -> None:
        with connection.cursor() as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])

    elsewhere(terminate)


@pytest.mark.django_db(transaction=True)
class TestSessionLocks:
    @pytest.fixture
    def dao(self):
        dao = Dao.objects.create(chain=Chain.objects.create(chain_id=77, name="made up"), slug="d", name="D")
        Cursor.objects.create(dao=dao)
        return dao

    def test_one_session_holds_it_at_a_time(self):
        with session_lock(LockClass.SYNC, 7) as mine:
            assert mine
            assert held_by_another(LockClass.SYNC, 7)
            assert not held_by_another(LockClass.SYNC, 8)
            assert not held_by_another(LockClass.EXECUTOR, 7)
        assert not held_by_another(LockClass.SYNC, 7)

    def test_an_error_within_frees_it(self):
        with pytest.raises(ZeroDivisionError), session_lock(LockClass.WORK, 7):
            1 / 0  # noqa: B018
        assert not held_by_another(LockClass.WORK, 7)

    def test_who_waits_gets_it_when_the_other_ends(self):
        order = []
        waiting = threading.Event()

        def wait() -> None:
            waiting.set()
            with session_lock(LockClass.SYNC, 7, wait=True) as mine:
                order.append(("second", mine))
            connection.close()

        with session_lock(LockClass.SYNC, 7):
            thread = threading.Thread(target=wait)
            thread.start()
            assert waiting.wait(60)
            thread.join(0.2)
            order.append(("first", True))
        thread.join(60)
        assert order == [("first", True), ("second", True)]

    @pytest.mark.parametrize(
        "hold",
        [fence.hold, lambda dao: work.alone(dao.slug), only_executor],
        ids=["the reader of a chain", "a task", "an agent's executor"],
    )
    def test_it_ends_with_the_session_and_the_next_one_goes_on(self, dao, hold):
        def lose_it() -> None:
            with hold(dao) as mine:
                assert mine
                end_our_session()

        lose_it()  # what the worker wrote last may have been all it had to do
        with hold(dao) as mine:
            assert mine

    def test_the_error_that_the_lost_session_caused_is_the_one_that_is_seen(self, dao):
        def lose_it() -> None:
            with only_executor(dao):
                end_our_session()
                dao.refresh_from_db()

        with pytest.raises(OperationalError, match="terminat"):
            lose_it()

    def test_what_ends_quietly_without_its_session_is_no_error(self):
        with session_lock(LockClass.SYNC, 7):
            end_our_session()
        assert not held_by_another(LockClass.SYNC, 7)


@pytest.mark.django_db(transaction=True)
class TestTransactionLocks:
    def test_another_transaction_waits_until_this_one_ends(self):
        def try_it() -> bool:
            with transaction.atomic(), connection.cursor() as sql:
                sql.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [int(LockClass.NONCE), 7])
                return sql.fetchone()[0]

        with transaction.atomic():
            transaction_lock(LockClass.NONCE, 7)
            assert not elsewhere(try_it)
        assert elsewhere(try_it)

    def test_there_is_none_outside_a_transaction(self):
        with pytest.raises(transaction.TransactionManagementError, match="OUTBOX"):
            transaction_lock(LockClass.OUTBOX)


def test_numbers_and_keys_fit_postgresqls_two_integers():
    assert all(0 < lock < 2**31 for lock in LockClass)
    assert all(-(2**31) <= key_of(name) < 2**31 for name in ("", "a", "governance.tasks.sync_all", "1:" + "ff" * 20))


def test_no_other_file_takes_advisory_locks():
    """A number that is written elsewhere may be another lock's."""
    others = [
        str(path.relative_to(ROOT))
        for folder in ("governance", "replay", "agent", "presentation", "webapp", "dao")
        for path in (ROOT / folder).rglob("*.py")
        if path != ROOT / "governance" / "locks.py" and "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "pg_advisory" in node.value
    ]
    assert others == []


def test_a_trigger_takes_a_lock_by_one_of_the_known_numbers():
    taken = [
        int(number)
        for path in (ROOT / "governance" / "migrations").glob("*.py")
        for number in re.findall(r"pg_advisory_\w+\((\d+)", path.read_text())
    ]
    assert taken != []
    assert set(taken) == {LockClass.AUDIT_LOG}
