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
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from governance.numbers import two_readings

HEADER = "Mandate-Language"
_API = "/api/v1/"  # no page of a DAO lies beneath it, even where one has the slug `api`
_FOR_PROGRAMS = frozenset(
    {"health", "record", "policy_document", "own_export", "feed", "votes_calendar", "audit_log_export"}
)  # by the names of their addresses, as a DAO may have the first word of any of these as its slug
_FILE = re.compile(r".*\.(?:atom|ics|json|csv|yaml)")


def is_for_programs(request: HttpRequest) -> bool:
    """Whether a program reads the answer, so that it is in English."""
    if request.path_info.startswith(_API):
        return True
    try:
        return (request.resolver_match or resolve(request.path_info)).url_name in _FOR_PROGRAMS
    except Resolver404:
        return _FILE.fullmatch(request.path_info) is not None


def known(code: str) -> str:
    """Return the code of a language that this site speaks, English for any other."""
    return code if code in dict(settings.LANGUAGES) else "en"


def current() -> str:
    """Return the code of the language that is spoken now."""
    return known(get_language() or "en")


def unclear_amount(text: str) -> str:
    """Why no amount of a text that somebody typed on a page is taken: it has one that means another number in the
    page's language than it would in English. Empty where there is none, and always in English."""
    found = two_readings(text) if current() != "en" else None
    if found is None:
        return ""
    typed, whole, decimal = found
    return gettext("“%(typed)s” can be read in two ways: write %(whole)s or %(decimal)s") % {
        "typed": typed, "whole": whole, "decimal": decimal,
    }  # fmt: skip


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
