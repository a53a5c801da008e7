# SPDX-License-Identifier: Apache-2.0
"""Stored effects in the reader's language."""

from collections.abc import Mapping
from typing import Any

from agent.understanding.effects.opening import TABLE  # once each family has added its sentences


def shown(stored: Mapping[str, Any]) -> str:
    """Return the sentence of a stored effect in the reader's language; its English text, where it is of a version
    whose codes this one does not know."""
    said = stored.get("said")
    return TABLE.shown(said if isinstance(said, Mapping) else None, str(stored["sentence"]))
