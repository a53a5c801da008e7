# SPDX-License-Identifier: Apache-2.0
"""When the chain said what a page shows."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext

from governance.models import ChainReading
from presentation import words


def as_of(reading: ChainReading | None) -> str:
    """Return a reading's block and age, `block 1234, 12 seconds ago`; nothing where the chain was not asked yet."""
    if reading is None:
        return ""
    age_s = int((timezone.now() - reading.read_at).total_seconds())
    shown = {"number": reading.block_number, "duration": words.duration(age_s)}
    return gettext("block %(number)s, %(duration)s ago") % shown
