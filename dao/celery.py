# SPDX-License-Identifier: Apache-2.0
"""The Celery application. Messages only wake workers; what is due is said by rows (governance.work)."""

import logging.config
import os
import signal
from pathlib import Path

from celery import Celery, Task
from celery.signals import beat_init, setup_logging, worker_process_init, worker_ready
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from embedded.process import set_death_signal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
try:
    settings.SECRET_KEY  # noqa: B018 -- reads the settings: what is wrong with them is told in one line
except ImproperlyConfigured as error:
    raise SystemExit(f"dao.celery: {error}") from None

_WATCH_EXPIRES_S = 5.0


class OneAtATime(Task):
    """Every task here is a wake-up: one that finds the same at work already has nothing to do."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        from governance import work  # the models are there only after django.setup()
        from governance.acting import Via, acting

        with work.alone(self.name) as mine, acting(Via.TASK, self.name or ""):
            result = self.run(*args, **kwargs) if mine else None
        if mine and kwargs.get("watch_s"):
            # The next watch begins now: until beat's next wake-up a block would go unseen for a second.
            self.apply_async(kwargs=kwargs, expires=_WATCH_EXPIRES_S)
        return result


app = Celery("mandate", task_cls=OneAtATime)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["governance", "agent", "webapp"])


def _every(task: str, seconds: float, **arguments: object) -> dict[str, object]:
    """A wake-up that nobody took in time is dropped, not piled up: the next one says the same."""
    return {"task": task, "schedule": seconds, "kwargs": arguments, "options": {"expires": max(5.0, 2 * seconds)}}


# Wake-ups only. Each layer polls what it owns; which task runs how often is said here, above them all.
app.conf.beat_schedule = {
    # One worker watches the chains' heads at a time; the wake-ups in between find it at work and end at once.
    "sync": _every("governance.tasks.sync_all", 1.0, watch_s=60.0),
    "governance work": _every("governance.tasks.work_due", 2.0),
    "reconcile": _every("governance.tasks.reconcile_all", 10.0),
    "agent's acts": _every("agent.tasks.act", 1.0),
    # Tasks of their own: these two wait for the model, which may take minutes over one answer.
    "agent's plans": _every("agent.tasks.plan", 1.0),
    "agent's summaries": _every("agent.tasks.summarise", 2.0),
    "agent's reading": _every("agent.tasks.read", 2.0),
    "agent's questions": _every("agent.tasks.ask", 2.0),
    "webapp": _every("webapp.tasks.poll", 2.0),
    # A task of its own: it waits for strangers' machines, and mails must not.
    "webhooks": _every("webapp.tasks.post_webhooks", 2.0),
    "words for search": _every("webapp.tasks.keep_words", 10.0),
    "policies' documents": _every("webapp.tasks.find_policy_texts", 60.0),
    "webapp's expired rows": _every("webapp.tasks.tidy", 600.0),
}


@setup_logging.connect
def _log_as_the_site(**_kwargs: object) -> None:
    """Keep Celery from making handlers of its own: LOGGING of the settings holds for every process."""
    logging.config.dictConfig(settings.LOGGING)


@worker_process_init.connect
def _end_with_worker(**_kwargs: object) -> None:
    """A pool process never outlives its worker: what it held is leased to another one."""
    set_death_signal(signal.SIGKILL)


def _tell_ready(name: str) -> None:
    """Where a supervisor waits (it names a folder), say that this service is ready by a file."""
    folder = os.environ.get("MANDATE_READY_DIR")
    if folder:
        (Path(folder) / name).touch()


@worker_ready.connect
def _worker_is_ready(**_kwargs: object) -> None:
    _tell_ready("worker")


@beat_init.connect
def _beat_is_ready(**_kwargs: object) -> None:
    _tell_ready("beat")
