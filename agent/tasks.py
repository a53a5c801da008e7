# SPDX-License-Identifier: Apache-2.0
"""Celery's way in: thin tasks that beat sends. What is due stands in rows, so a lost message loses nothing."""

from celery import shared_task

from agent.acts import due
from agent.understanding import chain_facts, summaries


@shared_task(name="agent.tasks.act")
def act() -> None:
    """Do what is due for acts but plans: follow what was sent, execute, release, then ask by schedules. No model can
    hold it, and no schedule what is paid."""
    due.pay_due()
    due.ask_due()


@shared_task(name="agent.tasks.plan")
def plan() -> None:
    """Plan the requests that are due; the model may take until its deadline over each."""
    due.plan_due()


@shared_task(name="agent.tasks.read")
def read() -> None:
    """Read the outbox for new proposals, and store what code alone knows of them; judge again what old rules judged."""
    summaries.follow_outbox()
    summaries.judge_due()


@shared_task(name="agent.tasks.summarise")
def summarise() -> None:
    """Summarise one proposal that is due; the model may take until its deadline over it."""
    summaries.run_due()


@shared_task(name="agent.tasks.ask")
def ask() -> None:
    """Ask the chain of one proposal's accounts, if one is due; a node may be slow over it."""
    chain_facts.ask_due()
