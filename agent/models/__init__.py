# SPDX-License-Identifier: Apache-2.0
"""The agent's tables: what the model understood (understanding), what the agent did (acts), how its model fares
(serving)."""

from agent.models.acts import *  # noqa: F403
from agent.models.schedules import *  # noqa: F403
from agent.models.serving import *  # noqa: F403
from agent.models.understanding import *  # noqa: F403
