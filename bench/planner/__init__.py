# SPDX-License-Identifier: Apache-2.0
"""How right the planner is on requests in several languages."""
