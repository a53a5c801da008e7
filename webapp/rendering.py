# SPDX-License-Identifier: Apache-2.0
"""How a page is rendered."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from presentation.dao_view import DaoView
from webapp.account import signin


def page_number(request: HttpRequest) -> int:
    """The page number asked for; anything that is none is the first."""
    asked = request.GET.get("page", "1")
    return int(asked) if asked.isdecimal() and 0 < len(asked) < 8 and int(asked) > 0 else 1


def render_page(
    request: HttpRequest, template: str, place: DaoView | None, here: str = "", **context: Any
) -> HttpResponse:
    """Render a page with what every page shows: the DAO, where the reader is in it, and who is signed in."""
    return render(
        request,
        f"webapp/{template}",
        {"place": place, "here": here, "signed_in": signin.signed_in_text(request), **context},
    )
