# SPDX-License-Identifier: Apache-2.0
"""The agent's due work on acts, in one call for the task: follow what was sent, then plan, execute and release."""

from agent import executor, planner
from agent.requests import EXECUTE_WORK, PLAN_WORK, RELEASE_WORK
from governance import work

__all__ = ["executor", "planner", "run_due"]  # importing them is what registers their work


def run_due() -> None:
    """Do what is due. Payments on their way come before new plans."""
    executor.settle_sent()
    work.run_due(EXECUTE_WORK, RELEASE_WORK)
    work.run_due(PLAN_WORK)
    work.run_due(EXECUTE_WORK)
