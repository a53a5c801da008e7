# SPDX-License-Identifier: Apache-2.0
"""What the agent did, what it was asked for, and the records of its decisions."""
