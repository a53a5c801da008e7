# SPDX-License-Identifier: Apache-2.0
"""How lists are cut into pages."""

from __future__ import annotations

PAGE = 25  # rows
LAST_PAGE = 10**7  # larger page numbers are clamped: PostgreSQL's OFFSET is a bigint
