# SPDX-License-Identifier: Apache-2.0
"""The agent's due work on acts, in one call for the task: follow what was sent, then plan, execute and release."""

import logging

from agent import executor, planner
from agent.requests import EXECUTE_WORK, PLAN_WORK, RELEASE_WORK
from governance import work
from governance.chain.rpc import RpcError

__all__ = ["executor", "planner", "run_due"]  # importing them is what registers their work

log = logging.getLogger(__name__)


def run_due() -> None:
    """Do what is due. Payments on their way come before new plans, whose model may take a while.

    A node that can't be reached keeps only the look at what was sent from being done; rows wait by themselves.
    """
    work.run_due(EXECUTE_WORK, RELEASE_WORK)
    work.run_due(PLAN_WORK)
    work.run_due(EXECUTE_WORK)
    try:
        executor.settle_sent()
    except RpcError as error:
        log.warning("what the agent sent could not be looked at: %s", error)
