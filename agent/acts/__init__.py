# SPDX-License-Identifier: Apache-2.0
"""From a request to an act: rosters, candidates, plans, approvals, the executor and decision records."""
