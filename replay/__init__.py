# SPDX-License-Identifier: Apache-2.0
"""A node that serves recorded or made-up chains over JSON-RPC, with faults on demand (`manage.py replay`, tests)."""
