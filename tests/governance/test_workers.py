# SPDX-License-Identifier: Apache-2.0
"""Several workers, killed workers, repeated work: nothing is lost and nothing is doubled."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.utils import OperationalError
from django.utils import timezone

from governance import outbox, power, tasks, work
from governance.chain.rpc import Rpc, RpcError
from governance.locks import LockClass
from governance.models import Cursor, Dao, OutboxEntry, RawLog, SyncIncident, Work
from governance.sync import Status, Superseded, refusals, sync_once
from governance.sync.step import SyncResult
from governance.words import TABLE, say
from tests import pseudo
from tests.governance.conftest import CHAIN_ID

pytestmark = pytest.mark.django_db(transaction=True)


def in_thread(function):
    """Runs it in a thread with a database connection of its own, as another worker would."""
    result = []

    def run():
        try:
            result.append(function())
        except (RpcError, Superseded) as error:
            result.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    return result[0]


class Pausing(Rpc):
    """The real node; before it answers logs for the first time, something else happens."""

    def __init__(self, url, meanwhile):
        super().__init__([url], CHAIN_ID, attempts=1)
        self.meanwhile = meanwhile

    def batch(self, requests, **options):
        asked = list(requests)
        if self.meanwhile and any(method == "eth_getLogs" for method, _ in asked):
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return super().batch(asked, **options)


def test_a_second_worker_keeps_away(mirror):
    mirror.delegate(ada="ada")
    seen = []
    rpc = Pausing(mirror.deployed.url, lambda: seen.append(in_thread(mirror.sync)))
    assert sync_once(mirror.dao, rpc).status is Status.CAUGHT_UP
    assert [result.status for result in seen] == [Status.BUSY]


def test_a_superseded_worker_writes_nothing(mirror):
    """Its session was lost, and with it the lock; another one has read on since."""
    mirror.delegate(ada="ada")
    done = []

    def take_over():
        with connection.cursor() as sql:
            sql.execute("SELECT pg_advisory_unlock(%s, %s)", [int(LockClass.SYNC), mirror.dao.pk])
        done.append(in_thread(mirror.sync))

    with pytest.raises(Superseded):
        sync_once(mirror.dao, Pausing(mirror.deployed.url, take_over))
    assert done[0].status is Status.CAUGHT_UP
    assert RawLog.objects.count() == done[0].logs
    assert power.power_now(mirror.dao, mirror.deployed.address("ada")) == 300_000 * 10**18


_KILLED = """
import os, signal, sys
import django
django.setup()
from governance.chain.rpc import Rpc
from governance.models import Dao
from governance.projections.fold import Projector
from governance.sync import sync_once
write, steps = Projector.write, int(sys.argv[2])
def dying(self, batch):
    global steps
    write(self, batch)
    steps -= 1
    if not steps:
        os.kill(os.getpid(), signal.SIGKILL)  # logs and projections are written, nothing is committed
Projector.write = dying
sync_once(Dao.objects.get(), Rpc([sys.argv[1]], 31337))
"""


def test_killed_in_the_middle_of_a_sync(mirror, monkeypatch):
    d = mirror.deployed
    mirror.delegate(ada="ada", ben="ben")
    d.anvil.mine(70)
    mirror.delegate(chloe="dana")
    d.anvil.mine(70)
    name = connection.settings_dict
    url = f"postgres://{name['USER']}:{name['PASSWORD']}@{name['HOST']}:{name['PORT']}/{name['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "dao.settings",
                   "MANDATE_LOCAL_CHAIN": str(CHAIN_ID)}  # fmt: skip
    for step in (1, 2):
        killed = subprocess.run(
            [sys.executable, "-c", _KILLED, d.url, str(step)], env=environment, timeout=60, capture_output=True
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    read = Cursor.objects.get(dao=mirror.dao).next_block
    assert d.start_block < read < mirror.rpc.head_number()
    deadline = time.monotonic() + 60
    while mirror.sync().status is Status.BUSY:  # until the database has noticed that the session is dead
        assert time.monotonic() < deadline
        time.sleep(0.05)
    keys = list(RawLog.objects.values_list("block_hash", "log_index"))
    assert len(keys) == len(set(keys))
    whole = [c.address for c in mirror.dao.contracts.exclude(kind__in=["asset", "votes_token"])]
    question = {"address": ["0x" + a.hex() for a in whole], "fromBlock": "0x0", "toBlock": "latest"}
    on_chain = {
        (bytes.fromhex(log["blockHash"][2:]), int(log["logIndex"], 16)) for log in d.anvil.call("eth_getLogs", question)
    }
    assert set(RawLog.objects.filter(address__in=whole).values_list("block_hash", "log_index")) == on_chain
    for account in ("ada", "ben", "dana"):
        assert power.power_now(mirror.dao, d.address(account)) == d.read("votes_token", "getVotes", d.address(account))


def test_tasks_told_of_a_node_that_is_down(mirror, settings):
    settings.RPC_URLS = {CHAIN_ID: ["http://127.0.0.1:9"]}
    before = Cursor.objects.get().next_block
    tasks.sync_all()
    tasks.sync_all()
    incident = SyncIncident.objects.get()
    assert incident.kind == "node_error"
    assert "no connection" in incident.detail
    assert Cursor.objects.get().next_block == before
    settings.RPC_URLS = {CHAIN_ID: [mirror.deployed.url]}
    tasks.sync_all()
    incident.refresh_from_db()
    assert incident.resolved_at is not None


def test_a_task_that_came_twice_tells_of_a_failure_once(mirror, monkeypatch):
    save = SyncIncident.save

    def slow(self, **options):
        time.sleep(0.3)
        save(self, **options)

    monkeypatch.setattr(SyncIncident, "save", slow)
    threads = [
        threading.Thread(
            target=in_thread, args=(lambda: tasks.note_failure(mirror.dao, "node_error", "no connection"),)
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert SyncIncident.objects.count() == 1


def test_a_dao_that_can_not_be_read_keeps_no_other_from_being_read(mirror, monkeypatch):
    other = Dao.objects.create(chain=mirror.dao.chain, slug="other", name="Other")
    asked = []

    def read(dao, _rpc):
        asked.append(dao.slug)
        if dao == mirror.dao:
            raise OverflowError("date value out of range")
        return SyncResult(Status.CAUGHT_UP)

    monkeypatch.setattr(tasks, "sync_once", read)
    tasks.sync_all()
    assert asked == [mirror.dao.slug, other.slug]
    incident = SyncIncident.objects.get()
    assert (incident.dao, incident.kind, incident.resolved_at) == (mirror.dao, "sync_error", None)
    monkeypatch.undo()
    mirror.sync()
    incident.refresh_from_db()
    assert incident.resolved_at is not None


def test_what_fails_after_the_logs_are_read_is_one_incident(mirror, monkeypatch):
    def fail(*_):
        raise RpcError(-32000, "no such receipt")

    monkeypatch.setattr(refusals, "scan", fail)
    for _ in range(3):
        tasks.sync_all()
    assert SyncIncident.objects.get().resolved_at is None
    monkeypatch.undo()
    tasks.sync_all()
    assert SyncIncident.objects.get().resolved_at is not None


def test_a_failed_answer_is_no_empty_range(mirror):
    mirror.delegate(ada="ada")

    class Failing(Rpc):
        def batch(self, requests, **options):
            return [RpcError(-32000, "internal error") if m == "eth_getLogs" else a
                    for (m, _), a in zip(requests, super().batch(requests, **options), strict=True)]  # fmt: skip

    with pytest.raises(RpcError):
        sync_once(mirror.dao, Failing([mirror.deployed.url], CHAIN_ID, attempts=1))
    assert Cursor.objects.get().next_block == mirror.deployed.start_block
    assert mirror.sync().logs > 0


# --- work


@pytest.fixture
def worker(monkeypatch):
    """Registers functions for the test only."""
    monkeypatch.setattr(work, "_workers", {})
    return work.worker


def test_work_is_done_once(worker):
    done = []
    worker("test.a")(lambda key, arguments: done.append((key, arguments)))
    assert work.enqueue("test.a", "k", arguments={"n": 1})
    assert not work.enqueue("test.a", "k", arguments={"n": 2})
    assert work.run_due("test.") == 1
    assert work.run_due() == 0
    assert done == [("k", {"n": 1})]
    assert not work.enqueue("test.a", "k")
    assert work.enqueue("test.a", "k", arguments={"n": 3}, renew=True)
    assert work.run_due("test.a") == 1
    assert done[-1] == ("k", {"n": 3})


def test_what_is_not_due_or_not_registered_here_waits(worker):
    worker("test.a")(lambda _key, _arguments: None)
    work.enqueue("test.a", "later", timezone.now() + timedelta(hours=1))
    work.enqueue("elsewhere.b", "k")
    assert work.run_due() == 0


def test_failed_work_backs_off_and_keeps_its_error(worker):
    @worker("test.a")
    def fail(key, arguments):
        raise ValueError("no such thing")

    work.enqueue("test.a", "k")
    assert work.run_due() == 1
    assert work.run_due() == 0
    row = Work.objects.get()
    assert row.last_error == "failed with ValueError: no such thing"
    stored = {"code": "work_failed", "values": {"error": "ValueError", "text": "no such thing"}, "table": "mirror"}
    assert row.last_error_code == stored
    assert row.attempts == 1
    assert row.due_at > timezone.now()
    assert row.done_at is None


def test_work_may_ask_for_another_time_or_give_up(worker):
    @worker("test.a")
    def answer(key, arguments):
        if key == "later":
            raise work.Again(timezone.now() + timedelta(hours=1), "the market is closed")
        raise work.Abandon("it never will be")

    work.enqueue("test.a", "later")
    work.enqueue("test.a", "never")
    assert work.run_due() == 2
    later, never = Work.objects.order_by("key")
    assert (later.done_at, later.attempts, later.last_error) == (None, 0, "the market is closed")
    assert never.done_at is not None
    assert never.last_error == "it never will be"
    plain = {"code": "plain", "values": {"text": "the market is closed"}, "table": "mirror"}
    assert later.last_error_code == plain
    assert TABLE.read(never.last_error_code, "") == "it never will be"


def test_why_work_waits_is_kept_as_a_code_of_the_table_that_says_it(worker):
    because = say("other_block", block=1, answered=2)

    @worker("test.a")
    def answer(key, arguments):
        raise work.Again(
            timezone.now() + timedelta(hours=1), say("node_failed", endpoint="n", problem=because, number=3)
        )

    work.enqueue("test.a", "later")
    work.run_due()
    row = Work.objects.get()
    assert row.last_error_code["table"] == "mirror"
    assert TABLE.read(row.last_error_code, "").values["problem"].code == "other_block"
    with pseudo.spoken():
        assert TABLE.shown(row.last_error_code, row.last_error) != row.last_error


def test_two_workers_never_hold_one_row(worker):
    inner = []

    @worker("test.a")
    def outer(key, arguments):
        inner.append(in_thread(lambda: work.run_due("test.a")))

    work.enqueue("test.a", "k")
    work.run_due("test.a")
    assert inner == [0]


def _let_the_lease_run_out() -> None:
    """As if so much time had passed."""
    Work.objects.update(leased_until=timezone.now() - timedelta(seconds=1))


def _is_renewed() -> bool:
    """Wait for the lease to be renewed: for a minute, so that it is still held when it is looked at."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        if Work.objects.get().leased_until > timezone.now():
            return True
        time.sleep(0.05)
    return False


def test_a_killed_workers_row_comes_back_when_its_lease_is_over(worker, monkeypatch):
    done = []
    worker("test.a")(lambda key, _arguments: done.append(key))
    work.enqueue("test.a", "k")
    monkeypatch.setattr(work, "LEASE_S", 60)
    assert work._lease(["test.a"]) is not None  # and the process dies here
    assert work.run_due() == 0
    assert timezone.now() < Work.objects.get().leased_until < timezone.now() + timedelta(seconds=60)
    _let_the_lease_run_out()
    assert work.run_due() == 1
    assert done == ["k"]


def test_a_row_that_kills_its_worker_every_time_waits_longer_and_longer(worker, monkeypatch):
    worker("test.a")(lambda _key, _arguments: None)
    work.enqueue("test.a", "k")
    monkeypatch.setattr(work, "LEASE_S", 0)
    monkeypatch.setattr(work, "_BACKOFF_FIRST_S", 60)  # on a machine that does much else a second is soon over
    for _ in range(2):
        assert work._lease(["test.a"]) is not None  # and the process dies here
    assert work._lease(["test.a"]) is None  # it was begun twice and never ended: once more after a while
    Work.objects.update(attempts=30, due_at=timezone.now() - timedelta(seconds=1))
    assert work._lease(["test.a"]) is not None
    assert Work.objects.get().due_at > timezone.now() + timedelta(seconds=250)


@pytest.mark.parametrize("outcome", [work.Abandon, ValueError, lambda text: work.Again(timezone.now(), text)])
def test_a_reason_that_no_column_holds_is_kept_all_the_same(worker, outcome, monkeypatch):
    # A parallel run sends what was logged to its controller, and half a surrogate pair can't be sent.
    monkeypatch.setattr(work.logger, "disabled", True)

    @worker("test.a")
    def fail(key, arguments):
        raise outcome("a node's words: \x00 \ud800")

    work.enqueue("test.a", "k")
    assert work.run_due(limit=1) == 1
    row = Work.objects.get()
    assert row.lease is None
    assert "a node's words: \ufffd ?" in row.last_error


def test_a_lease_outlives_a_database_that_hiccups(worker, monkeypatch):
    monkeypatch.setattr(work, "LEASE_S", 60)
    monkeypatch.setattr(work, "_RENEW_S", 0.1)
    others, hiccuped = [], threading.Event()

    @worker("test.a")
    def long(key, arguments):
        real = connections["default"].__class__.cursor

        def hiccup(self, *args):
            if threading.current_thread().name.startswith("lease of") and not hiccuped.is_set():
                hiccuped.set()
                raise OperationalError("the server closed the connection")
            return real(self, *args)

        monkeypatch.setattr(connections["default"].__class__, "cursor", hiccup)
        assert hiccuped.wait(30)
        _let_the_lease_run_out()
        assert _is_renewed()
        others.append(in_thread(lambda: work.run_due("test.a")))

    work.enqueue("test.a", "k")
    assert work.run_due() == 1
    assert others == [0]


def test_a_long_function_keeps_its_lease(worker, monkeypatch):
    monkeypatch.setattr(work, "LEASE_S", 60)
    monkeypatch.setattr(work, "_RENEW_S", 0.1)
    others = []

    @worker("test.a")
    def long(key, arguments):
        for _ in range(2):
            _let_the_lease_run_out()
            assert _is_renewed()
        others.append(in_thread(lambda: work.run_due("test.a")))

    work.enqueue("test.a", "k")
    assert work.run_due() == 1
    assert others == [0]
    assert Work.objects.get().done_at is not None


# --- outbox


def test_the_outbox_is_written_with_what_it_tells_and_read_in_order(mirror):
    with pytest.raises(transaction.TransactionManagementError):
        outbox.publish(mirror.dao, "a.b", "k", 1)
    with transaction.atomic():
        outbox.publish_many(mirror.dao, [("a.b", "1", 1), ("c.d", "2", 1), ("a.b", "3", 2)])
    first, second = outbox.read("a.")
    assert (first.key, second.key) == ("1", "3")
    assert outbox.read("a.", after_id=first.id) == [second]
    assert outbox.read(after_id=second.id) == []


def test_an_entry_never_appears_before_one_with_a_smaller_id(mirror):
    """A writer with a smaller id that commits later would be skipped by every reader."""
    ready = threading.Event()

    def slow():
        with transaction.atomic():
            outbox.publish(mirror.dao, "t", "slow", 1)
            ready.set()
            time.sleep(0.4)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert ready.wait(60)
    with transaction.atomic():
        outbox.publish(mirror.dao, "t", "fast", 1)
        assert OutboxEntry.objects.filter(key="slow").exists()  # committed before this one's id was given out
    thread.join()
    assert list(OutboxEntry.objects.order_by("id").values_list("key", flat=True)) == ["slow", "fast"]
