# SPDX-License-Identifier: Apache-2.0
"""Numbers as the reader's language writes them: `1,234.5` is `1.234,5` in German, where a comma divides decimals."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from django.utils.translation import gettext, gettext_noop

Translate = Callable[[str], str]  # a message into a language; `str` for English

_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
# A number and what it counts: `12,000 USDC`, `0.5 UNI (0x…)`, `1,500 base units of token …`. A number alone may be a
# version, so only one with its thousands apart is known for one.
_COUNTED = re.compile(
    r"([0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]+)?…?)"
    r"( (?:native units|base units of [^\n]+|[^\s(]\S*(?: \(0x[0-9a-fA-F]{40}\))?))"
)
# One comma and three digits behind it: 1,500 in English, and 1.5 where a comma divides decimals.
_TWO_READINGS = re.compile(r"(?<![0-9.,_'])([0-9]{1,3}),([0-9]{3})(?![0-9_']|[.,][0-9])")
# A translation writes this number: its second sign parts thousands, its last but one the decimals.
_SAMPLE = gettext_noop("1,234.5")


def in_language(number: str, translate: Translate = gettext) -> str:
    """Return a number that is written the English way as the language of `translate` writes it."""
    sample = translate(_SAMPLE)
    return number.translate(str.maketrans({",": sample[1], ".": sample[-2]}))


def if_grouped(text: str, translate: Translate = gettext) -> str:
    """Return a text that is a number with its thousands apart, or an amount, as the language writes it; any other as
    it is."""
    if _GROUPED.fullmatch(text):
        return in_language(text, translate)
    amount = _COUNTED.fullmatch(text)
    return f"{in_language(amount[1], translate)}{amount[2]}" if amount else text


def two_readings(text: str) -> tuple[str, str, str] | None:
    """The first number in a text that is one in English and another where a comma divides decimals: as it is written,
    and each of both as nobody mistakes it (`1,500`, `1500`, `1.5`). None where there is none."""
    found = _TWO_READINGS.search(unicodedata.normalize("NFKC", text))
    if found is None:
        return None
    whole, behind = found.groups()
    decimals = behind.rstrip("0")
    return found[0], (whole + behind).lstrip("0") or "0", f"{int(whole)}.{decimals}" if decimals else str(int(whole))


def grouped(number: int, translate: Translate = gettext) -> str:
    """Return a whole number with its thousands apart."""
    return in_language(f"{number:,}", translate)
