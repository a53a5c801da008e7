# SPDX-License-Identifier: Apache-2.0
"""Send static files, speak the reader's language, answer requests that did not arrive whole, and tell the audit log by
which page or call something was done."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.http import parse_etags
from whitenoise.middleware import WhiteNoiseFileResponse, WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from governance.acting import Via, acting
from webapp import languages
from webapp.account import signin


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise beneath the packing of answers, which makes a strong ETag a weak one: browsers send that one back."""

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponseBase:
        """Return the file, or 304 to who has it. Tags are compared as RFC 9110, 13.1.2 says, weak like strong ones."""
        meta = dict(request.META)
        meta.pop("HTTP_RANGE", None)  # a part of what is packed on the way can't be told by the file's bytes
        if "HTTP_IF_NONE_MATCH" in meta:
            held = parse_etags(meta["HTTP_IF_NONE_MATCH"])
            if any(tag == "*" or tag.removeprefix("W/") == static_file.etag for tag in held):
                meta["HTTP_IF_NONE_MATCH"] = static_file.etag
        told = static_file.get_response(request.method, meta)
        # The packing takes a file's answer for one that has a body, and would give 304 one.
        answer = HttpResponse(status=int(told.status)) if told.file is None else WhiteNoiseFileResponse(told.file)
        del answer["content-type"]
        for name, value in told.headers:
            answer[name] = value
        return answer


class InTheReadersLanguage:
    """Answer in the language that the reader chose, or else the browser asks for (`webapp.languages`)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        code = languages.of_request(request)
        with translation.override(code):
            answer = self._get_response(request)
        languages.mark(request, answer, code)
        return answer


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
        via = Via.API if request.path_info.startswith("/api/v1/") else Via.PAGE
        with acting(via, lambda: _route(request), lambda: signin.account_of(request)):
            return self._get_response(request)


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return "" if match is None else match.view_name
