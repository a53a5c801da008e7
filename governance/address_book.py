# SPDX-License-Identifier: Apache-2.0
"""Who people are by name, where pages may show it."""

import json

from django.conf import settings


def people(chain_id: int) -> list[dict[str, str]]:
    """The demo's people, `[{"name", "address", "role"}]`; empty on every chain but the local one."""
    if settings.LOCAL_CHAIN_ID is None or chain_id != settings.LOCAL_CHAIN_ID:
        return []
    path = settings.STATE_DIR / "people.json"
    return json.loads(path.read_text()) if path.is_file() else []
