# SPDX-License-Identifier: Apache-2.0
"""Read what the API is sent. What can't be read raises HttpError, with one line for the asker."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest
from django.utils.translation import gettext
from ninja.errors import HttpError

from governance.chain.address import BadAddress, to_bytes
from presentation.paging import LAST_PAGE
from webapp import throttle

RELAYED_AN_HOUR = 60


def refuse_other_sites(request: HttpRequest) -> None:
    """Refuse what another site's page may have made a browser send."""
    if request.content_type != "application/json":
        raise HttpError(415, "send JSON, with content-type application/json")
    origin = request.headers.get("Origin")
    if origin is not None and origin != settings.ORIGIN:
        raise HttpError(403, "this was sent by a page of another site")


def refuse_too_many(request: HttpRequest) -> None:
    """Count what a visitor's network has the relayer check, whoever signed it; refuse what is too much for an hour. To
    be called before the node is asked."""
    if not throttle.allow("relay", throttle.who_asks(request), limit=RELAYED_AN_HOUR, window=throttle.HOUR):
        text = gettext("Too many attempts in an hour: try again later, or send a transaction. Nothing was sent.")
        raise HttpError(429, text)


def page_and_size(page: int, size: int) -> tuple[int, int]:
    """Return a page's number and its rows within the API's limits."""
    return min(LAST_PAGE, max(1, page)), min(100, max(1, size))


def parse_address(text: str, what: str) -> bytes:
    """Return the 20 bytes of an address; `what` names the field where it is none."""
    try:
        return to_bytes(text)
    except BadAddress as error:
        raise HttpError(422, f"{what}: {error}") from error


def parse_bytes(text: str, what: str) -> bytes:
    """Return bytes from hexadecimal text; `what` names the field where it is none."""
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise HttpError(422, f"{what}: not hexadecimal") from error


def bytes32(text: str) -> bytes:
    """32 bytes from 64 hexadecimal digits in a page's address, with or without 0x. Raises Http404 for anything else."""
    digits = text.removeprefix("0x")
    try:
        value = bytes.fromhex(digits)
    except ValueError:
        value = b""
    if len(value) != 32 or len(digits) != 64:
        raise Http404("not a hash")
    return value
