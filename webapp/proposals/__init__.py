# SPDX-License-Identifier: Apache-2.0
"""Proposals, votes, and what an account can do about them."""
