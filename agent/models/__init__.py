# SPDX-License-Identifier: Apache-2.0
"""The agent's tables: what the model understood (understanding) and what the agent did (acts)."""

from agent.models.acts import *  # noqa: F403
from agent.models.understanding import *  # noqa: F403
