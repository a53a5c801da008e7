# SPDX-License-Identifier: Apache-2.0
"""What other programs follow of a DAO: a feed of what happened, and a calendar of when votes end."""
