# SPDX-License-Identifier: Apache-2.0
"""Which language a reader gets: what they chose on a page, else what their browser asks for, else English.

The API, feeds, calendars and records speak English: programs read them, and what they say must not depend on who asks.
The wallet's script, which shows what the API answers on a page, names the page's language in a header of its own.
"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

HEADER = "Mandate-Language"
_FOR_PROGRAMS = re.compile(r"/(?:api|health|records)(?:/|$)|.*\.(?:atom|ics|json|csv|yaml)$")


def is_for_programs(request: HttpRequest) -> bool:
    """Whether a program reads the answer, so that it is in English."""
    return _FOR_PROGRAMS.match(request.path_info) is not None


def known(code: str) -> str:
    """Return the code of a language that this site speaks, English for any other."""
    return code if code in dict(settings.LANGUAGES) else "en"


def current() -> str:
    """Return the code of the language that is spoken now."""
    return known(get_language() or "en")


def of_request(request: HttpRequest) -> str:
    """Return the language in which a request is answered."""
    if is_for_programs(request):
        return known(request.headers.get(HEADER, "en"))
    return known(translation.get_language_from_request(request))


def mark(request: HttpRequest, answer: HttpResponse, code: str) -> None:
    """Say in which language an answer is, and for caches what it depends on."""
    answer.headers.setdefault("Content-Language", code)
    patch_vary_headers(answer, (HEADER,) if is_for_programs(request) else ("Accept-Language", "Cookie"))


def offered(request: HttpRequest) -> dict[str, Any]:
    """For templates: the languages that a page offers beside its own, and where its switch leads back to."""
    now = current()
    others = [(code, name) for code, name in settings.LANGUAGES if code != now]
    back = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    return {"other_languages": others, "language_back": back}


choose = require_POST(set_language)  # keeps the choice in a cookie, and leads back to a page of this site alone
