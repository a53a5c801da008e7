# SPDX-License-Identifier: Apache-2.0
"""Wake-ups: one task of a name at a time, and one watch after the other."""

import threading

import pytest
from celery import current_app
from django.db import connection
from django.utils.module_loading import import_string

from governance import tasks, work
from governance.sync import watch

# Other tests call the tasks themselves, without what the application adds: it is not to become the current one.
_BEFORE = current_app._get_current_object()
from dao.celery import OneAtATime, app  # noqa: E402

_BEFORE.set_current()

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sync_all():
    """The task as a worker calls it."""
    found = app.tasks[tasks.sync_all.name]
    assert isinstance(found, OneAtATime)
    return found


@pytest.fixture
def sent(monkeypatch):
    """What was sent to the broker: keyword arguments and options."""
    messages = []
    monkeypatch.setattr(OneAtATime, "apply_async", lambda _task, **message: messages.append(message))
    return messages


@pytest.fixture
def watched(monkeypatch):
    """How long each watch that began was to last."""
    begun = []
    monkeypatch.setattr(watch, "follow", lambda _chains, _head, _read, for_s, _block_s: begun.append(for_s))
    return begun


def test_the_next_watch_begins_where_one_ends(sync_all, sent, watched):
    sync_all(watch_s=60.0)
    assert watched == [60.0]
    (message,) = sent
    assert message["kwargs"] == {"watch_s": 60.0}
    assert 0 < message["expires"] <= 10  # a message that nobody took piles up with nothing


def test_reading_once_asks_for_no_more(sync_all, sent, watched):
    sync_all()
    assert (watched, sent) == ([0], [])


def test_a_watch_that_another_one_keeps_away_asks_for_none(sync_all, sent, watched):
    """Else each of beat's wake-ups would bring another one with it, for ever."""
    begun, end = threading.Event(), threading.Event()

    def another() -> None:
        with work.alone(sync_all.name) as mine:
            assert mine
            begun.set()
            end.wait(60)
        connection.close()

    thread = threading.Thread(target=another)
    thread.start()
    assert begun.wait(60)
    try:
        sync_all(watch_s=60.0)
        assert (watched, sent) == ([], [])
    finally:
        end.set()
        thread.join(60)
    sync_all(watch_s=60.0)
    assert (watched, len(sent)) == ([60.0], 1)


def test_a_watch_that_breaks_is_begun_again_by_beat_alone(sync_all, sent, monkeypatch):
    """At once it would break again, as often as a second has room for."""

    def breaking(*_arguments):
        raise OSError("the database is away")

    monkeypatch.setattr(watch, "follow", breaking)
    with pytest.raises(OSError, match="away"):
        sync_all(watch_s=60.0)
    assert sent == []


def test_mails_and_webhooks_are_woken_apart_and_every_wake_up_has_its_task():
    named = [entry["task"] for entry in app.conf.beat_schedule.values()]
    assert {"webapp.tasks.poll", "webapp.tasks.post_webhooks"} <= set(named)
    assert all(import_string(name).name == name for name in named)
