# SPDX-License-Identifier: Apache-2.0
"""Celery's way in: thin tasks that beat sends. What is due stands in rows, so a lost message loses nothing."""

from celery import shared_task

from agent import acts, summaries


@shared_task(name="agent.tasks.act")
def act() -> None:
    """Do what is due for acts: follow what was sent, execute, release, plan."""
    acts.run_due()


@shared_task(name="agent.tasks.read")
def read() -> None:
    """Read the outbox for new proposals and summarise one that is due; the model may take a minute over it."""
    summaries.follow_outbox()
    summaries.run_due()
