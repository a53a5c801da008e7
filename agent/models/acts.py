# SPDX-License-Identifier: Apache-2.0
"""Rosters, requests, plans, approvals and decision records."""

__all__: list[str] = []
