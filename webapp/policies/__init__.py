# SPDX-License-Identifier: Apache-2.0
"""The policies in force, with what is spent of their budgets."""
