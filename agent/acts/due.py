# SPDX-License-Identifier: Apache-2.0
"""The agent's due work on acts: payments in one call, plans in another, since a plan waits for the model."""

import logging

from agent.acts import executor, planner, schedules
from agent.work_names import EXECUTE_WORK, PLAN_WORK, RELEASE_WORK
from governance import work
from governance.chain.rpc import RpcError

__all__ = ["executor", "pay_due", "plan_due", "planner", "run_due"]  # importing them is what registers their work

log = logging.getLogger(__name__)


def run_due() -> None:
    """Do all that is due in one process, plans first."""
    ask_due()
    plan_due()
    pay_due()


def ask_due() -> None:
    """Ask for what schedules say is due. Asks no node."""
    schedules.ask_due()


def plan_due() -> None:
    """Plan the requests that are due. Each may wait for the model until its deadline."""
    work.run_due(PLAN_WORK)


def pay_due() -> None:
    """Execute and release what is due, and follow what was sent. Never asks a model.

    A node that can't be reached keeps only the look at what was sent from being done; rows wait by themselves.
    """
    work.run_due(EXECUTE_WORK, RELEASE_WORK)
    try:
        executor.settle_sent()
    except RpcError as error:
        log.warning("what the agent sent could not be looked at: %s", error)
