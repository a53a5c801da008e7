# SPDX-License-Identifier: Apache-2.0
"""What beat wakes: thin, the work is done by `webapp.mail` and rows with leases."""

from celery import shared_task

from governance import work
from webapp.mail import send


@shared_task
def poll() -> None:
    """Read the outbox, plan today's digests, and send what is due."""
    send.follow_outbox()
    send.plan_periods()
    work.run_due("webapp.")
