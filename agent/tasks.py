# SPDX-License-Identifier: Apache-2.0
"""Celery's way in: one thin task that beat sends. What is due stands in rows, so a lost message loses nothing."""

from celery import shared_task

from agent import acts, summaries


@shared_task(name="agent.poll")
def poll() -> None:
    """Read the outbox for news and do the agent's due work. Acts first: a model's answer may take a minute."""
    acts.run_due()
    summaries.follow_outbox()
    summaries.run_due()
