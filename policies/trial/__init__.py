# SPDX-License-Identifier: Apache-2.0
"""Acts played through without a chain: over a recorded history, or by a thief of the agent's key."""
