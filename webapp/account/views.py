# SPDX-License-Identifier: Apache-2.0
"""The addresses of sign-in: a nonce, the signed message, and out again."""

from __future__ import annotations

import json

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from presentation import words
from webapp.account import signin


@require_GET
def nonce(request: HttpRequest) -> JsonResponse:
    """A nonce for one sign-in, with the domain and address that the message must name."""
    browser = signin.browser_of(request)
    answer = JsonResponse(
        {"nonce": signin.fresh_nonce(browser), "domain": settings.ORIGIN.split("://", 1)[1], "uri": settings.ORIGIN}
    )
    signin.remember(answer, browser)
    answer["Cache-Control"] = "no-store"
    return answer


def _ours(request: HttpRequest) -> bool:
    return (
        request.content_type == "application/json" and request.headers.get("Origin", settings.ORIGIN) == settings.ORIGIN
    )


@csrf_exempt  # JSON only, our origin only, and a nonce that was made for this very browser is asked for
@require_POST
def verify(request: HttpRequest) -> JsonResponse:
    """Sign in with `{"message", "signature"}`; the answer names the account."""
    if not _ours(request):
        return JsonResponse({"error": "send JSON from a page of this site"}, status=403)
    try:
        sent = json.loads(request.body)
        message, signature = sent["message"], sent["signature"]
        if not isinstance(message, str) or not isinstance(signature, str):
            raise TypeError("message and signature are texts")
    except (ValueError, KeyError, TypeError, RecursionError):
        return JsonResponse({"error": "send message and signature as JSON"}, status=400)
    try:
        account = signin.verify(request, message, signature)
    except signin.SignInRefused as error:
        return JsonResponse({"error": str(error)}, status=403)
    return JsonResponse({"address": words.address_text(account)})


@csrf_exempt  # as above; the worst that another site could do is nothing
@require_POST
def sign_out(request: HttpRequest) -> JsonResponse:
    """Forget who was signed in."""
    if not _ours(request):
        return JsonResponse({"error": "send JSON from a page of this site"}, status=403)
    signin.sign_out(request)
    return JsonResponse({"address": None})
