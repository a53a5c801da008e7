# SPDX-License-Identifier: Apache-2.0
"""A made-up language: English in full-width letters (`Ｖｏｔｅｓ`). What is left in Latin ones was not translated.

The values that a message holds are put in as they are, so a value that is itself an untranslated word is found too.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser

from django.utils import translation
from django.utils.translation import trans_real

# What stays in a message: values, marks of HTML, entities.
_KEPT = re.compile(r"(%\(\w+\)[sd]|\{\w+[^{}]*\}|%%|</?\w[^<>]*>|&\w+;)")
_FULL_WIDTH = {code: code + 0xFEE0 for code in (*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1))}
_CONTEXT = trans_real.CONTEXT_SEPARATOR
_ATTRIBUTES = ("title", "alt", "aria-label", "placeholder", "data-denied")


def in_pseudo(message: str) -> str:
    """Return a message in the made-up language."""
    pieces = _KEPT.split(message)
    return "".join(piece if i % 2 else piece.translate(_FULL_WIDTH) for i, piece in enumerate(pieces))


class _Pseudo(gettext.NullTranslations):
    """What German has no translation of stays in Latin letters: so what no catalog can know is found too."""

    def __init__(self, knows_all: bool) -> None:
        super().__init__()
        self._known = trans_real.translation("de")._catalog
        self._knows_all = knows_all

    def gettext(self, message: str) -> str:
        return self._shown(message) if self._knows_all or message in self._known else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        shown = msgid1 if n == 1 else msgid2
        return self._shown(shown) if self._knows_all or (msgid1, 0) in self._known else shown

    def _shown(self, message: str) -> str:
        context, _, text = message.rpartition(_CONTEXT)
        return text if context == "date format" else in_pseudo(text)

    def language(self) -> str:
        return "en"

    def to_language(self) -> str:
        return "en"


@contextmanager
def spoken(*, knows_all: bool = False) -> Iterator[None]:
    """Have this thread speak the made-up language. `knows_all`: also sentences that a test alone says."""
    english = trans_real.translation("en")
    trans_real._default = trans_real._default or english  # Django keeps what it first finds there
    with translation.override("en"):  # at its end it activates English again, which must be itself by then
        trans_real._translations["en"] = _Pseudo(knows_all)  # which is what a request in English activates
        translation.activate("en")
        try:
            yield
        finally:
            trans_real._translations["en"] = english


class _Texts(HTMLParser):
    """What a page shows: its texts, and the attributes that are shown or read aloud. Code is data."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            is_button = tag == "input" and dict(attrs).get("type") in ("submit", "button") and name == "value"
            if value and (name in _ATTRIBUTES or is_button):
                self.found.append(value)
        if tag in ("code", "script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside and data.strip():
            self.found.append(" ".join(data.split()))


def texts_of(html: str) -> list[str]:
    """Return the texts of a page (`_Texts`), in their order."""
    parser = _Texts()
    parser.feed(html)
    parser.close()
    assert parser._inside == []
    return parser.found
