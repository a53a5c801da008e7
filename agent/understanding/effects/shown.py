# SPDX-License-Identifier: Apache-2.0
"""Stored effects in the reader's language."""

from collections.abc import Mapping
from typing import Any

# The opening knows all families, and so the table has all their sentences.
from agent.understanding.effects import opening as _every_family  # noqa: F401
from agent.understanding.effects.wording import TABLE


def shown(stored: Mapping[str, Any]) -> str:
    """Return the sentence of a stored effect in the reader's language; its English text, where it is of a version
    whose codes this one does not know."""
    said = stored.get("said")
    return TABLE.shown(said if isinstance(said, Mapping) else None, str(stored["sentence"]))
