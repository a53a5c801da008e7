# SPDX-License-Identifier: Apache-2.0
"""Answer requests that did not arrive whole, and tell the audit log by which page or call something was done."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError

from governance.acting import Via, acting
from webapp.account import signin


class HalfRequest:
    """Answer 408 where a visitor stopped in the middle of a request: that is no error of the site."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, _request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, UnreadablePostError):
            return None
        return JsonResponse({"error": "the request did not arrive whole: send it again"}, status=408)


class Audited:
    """Say for each request what acts: the page or call by its name, and who is signed in (asked where it is needed)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        via = Via.API if request.path_info.startswith("/api/") else Via.PAGE
        with acting(via, lambda: _route(request), lambda: signin.account_of(request)):
            return self._get_response(request)


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return "" if match is None else match.view_name
