# SPDX-License-Identifier: Apache-2.0
"""Policies to start from: the templates that come with the policy language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.utils.translation import gettext_lazy

import policies

_FOLDER = Path(policies.__file__).parent / "templates"

# A template's file, without its ending -> what it is called.
TEMPLATES: Mapping[str, object] = {
    "bounties": gettext_lazy("Bounties"),
    "grants": gettext_lazy("Grants"),
    "metagovernance": gettext_lazy("Votes in other DAOs"),
    "operations": gettext_lazy("Operations"),
    "payroll": gettext_lazy("Payroll"),
    "streams": gettext_lazy("Streams (Sablier's first version; its comments say what to change for later ones)"),
    "swaps": gettext_lazy("Swaps"),
    "yield": gettext_lazy("Yield"),
}


def text_of(name: str) -> str:
    """Return a template's text; empty for a name that there is no template of."""
    return _text_of_known(name) if name in TEMPLATES else ""


@cache
def _text_of_known(name: str) -> str:
    return (_FOLDER / f"{name}.yaml").read_text()
