# SPDX-License-Identifier: Apache-2.0
"""Numbers as the reader's language writes them: `1,234.5` is `1.234,5` in German, where a comma divides decimals."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.translation import gettext, gettext_noop

Translate = Callable[[str], str]  # a message into a language; `str` for English

_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
# A translation writes this number: its second sign parts thousands, its last but one the decimals.
_SAMPLE = gettext_noop("1,234.5")


def in_language(number: str, translate: Translate = gettext) -> str:
    """Return a number that is written the English way as the language of `translate` writes it."""
    sample = translate(_SAMPLE)
    return number.translate(str.maketrans({",": sample[1], ".": sample[-2]}))


def if_grouped(text: str, translate: Translate) -> str:
    """Return a text that is a number with its thousands apart as the language writes it, any other as it is."""
    return in_language(text, translate) if _GROUPED.fullmatch(text) else text


def grouped(number: int, translate: Translate = gettext) -> str:
    """Return a whole number with its thousands apart."""
    return in_language(f"{number:,}", translate)
