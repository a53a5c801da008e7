# SPDX-License-Identifier: Apache-2.0
"""Drafts of proposals: text and actions become calls, are looked at as members will see them, and go to the wallet."""
