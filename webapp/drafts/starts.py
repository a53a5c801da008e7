# SPDX-License-Identifier: Apache-2.0
"""Policies to start from: the templates that come with the policy language."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import policies

_FOLDER = Path(policies.__file__).parent / "templates"


@cache
def names() -> tuple[str, ...]:
    """Return the templates' names."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


@cache
def text_of(name: str) -> str:
    """Return a template's text; empty for a name that there is no template of."""
    return (_FOLDER / f"{name}.yaml").read_text() if name in names() else ""
