# SPDX-License-Identifier: Apache-2.0
"""Answer requests that did not arrive whole."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError


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
