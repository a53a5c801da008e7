# SPDX-License-Identifier: Apache-2.0
"""Stored effects in the reader's language."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from agent.understanding.effects import opening
from agent.understanding.effects.families import containers, parameters, policy, roles, tokens, upgrades
from agent.understanding.effects.wording import read

_SPEAKERS = (opening.say, containers.say, parameters.say, policy.say, roles.say, tokens.say, upgrades.say)


@cache
def templates() -> Mapping[str, str]:
    """Every sentence about calls by its code. Raises ValueError where two families use one code."""
    found: dict[str, str] = {}
    for speaker in _SPEAKERS:
        if twice := found.keys() & speaker.templates.keys():
            raise ValueError(f"sentences with the same code: {', '.join(sorted(twice))}")
        found |= speaker.templates
    return found


def shown(stored: Mapping[str, Any]) -> str:
    """Return the sentence of a stored effect in the reader's language; its English text, where it is of a version
    whose codes this one does not know."""
    said = stored.get("said")
    if not isinstance(said, Mapping):
        return str(stored["sentence"])
    try:
        return read(said, templates())
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return str(stored["sentence"])
