# SPDX-License-Identifier: Apache-2.0
"""Running the agent: its switch, rosters, accounts, model and mirror; and what keepers of the site see."""
