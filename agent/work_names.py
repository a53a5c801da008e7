# SPDX-License-Identifier: Apache-2.0
"""The names of the agent's due work (governance.work), which more than one room has to know."""

PLAN_WORK, EXECUTE_WORK, RELEASE_WORK = "agent.plan", "agent.execute", "agent.release"
SUMMARY_WORK = "agent.summarise"
FACTS_WORK = "agent.chain_facts"
