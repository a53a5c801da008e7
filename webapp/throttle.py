# SPDX-License-Identifier: Apache-2.0
"""Limits on how often something may be asked for. Subjects are stored as keyed hashes: nobody's address stands here."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Collection

from django.conf import settings
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from webapp.models import Throttle

HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
KEPT = 2 * DAY  # longer than any window
MOST_PROXIES = 16  # in a row before the site

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_WRITTEN = re.compile(
    r'"?(?:\[(?P<bracketed>[0-9A-Fa-f:.]{2,45})(?:%[\w.-]{1,32})?\](?::\d{1,5})?'
    r"|(?P<v4>\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?"
    r'|(?P<v6>[0-9A-Fa-f:.]{2,45})(?:%[\w.-]{1,32})?)"?',
    re.ASCII,
)


def _keyed(kind: str, subject: str) -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), f"{kind}:{subject}".encode(), hashlib.sha256).digest()


def allow(kind: str, subject: str, *, limit: int, window: datetime.timedelta, count: int = 1) -> bool:
    """Count one attempt of `subject` (or `count` of what it takes) and say whether it is among the first `limit` of
    this window."""
    row, created = Throttle.objects.get_or_create(
        kind=kind, subject=_keyed(kind, subject), window_start=start_of(window), defaults={"count": count}
    )
    if created:
        return count <= limit
    Throttle.objects.filter(pk=row.pk).update(count=F("count") + count)
    row.refresh_from_db(fields=["count"])
    return row.count <= limit


def start_of(window: datetime.timedelta) -> datetime.datetime:
    """Return when the present window of this length began. Hours and days are UTC's."""
    seconds = int(window.total_seconds())
    now = int(timezone.now().timestamp())
    return datetime.datetime.fromtimestamp(now - now % seconds, tz=datetime.UTC)


def may_ask(request: HttpRequest, account: bytes) -> bool:
    """Count a request to the agent. Accounts cost nothing to make, so the asker's place counts too: each request takes
    the agent's time."""
    return allow("request", account.hex(), limit=20, window=HOUR) and allow(
        "request-asker", who_asks(request), limit=100, window=HOUR
    )


def first(kind: str, subject: str, at_s: int) -> bool:
    """Say whether `subject`, which was made at `at_s` (Unix seconds), comes for the first time; of several who ask at
    once, one is told so. Forgotten after KEPT."""
    at = datetime.datetime.fromtimestamp(at_s, tz=datetime.UTC)
    _, created = Throttle.objects.get_or_create(
        kind=kind, subject=_keyed(kind, subject), window_start=at, defaults={"count": 1}
    )
    return created


def forget_old() -> None:
    """Delete the counts of windows that are over."""
    Throttle.objects.filter(window_start__lt=timezone.now() - KEPT).delete()


def who_asks(request: HttpRequest) -> str:
    """Return the network that the asker is counted by: an IPv4 address, or the /64 that one subscriber of IPv6 has.

    Behind proxies, MANDATE_TRUSTED_PROXIES says whose X-Forwarded-For is believed.
    """
    address = client_address(
        request.META.get("REMOTE_ADDR", ""),
        request.META.get("HTTP_X_FORWARDED_FOR", ""),
        settings.TRUSTED_PROXIES,
        trust_socket=settings.UNIX_SOCKET_IS_TRUSTED,
    )
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address or "")


def client_address(
    peer: str, forwarded: str, trusted: Collection[Network], *, trust_socket: bool = False
) -> Address | None:
    """Return the address that the nearest trusted proxies took a request from; None where nobody says it.

    peer: who connected (REMOTE_ADDR); empty for a Unix socket, which counts as a proxy where `trust_socket`.
    forwarded: X-Forwarded-For. Each proxy adds at its right end whom it took the request from, so what is left of the
    first address that is no proxy's was written by strangers, and so was all that is left of what is no address.
    """
    address = _address(peer)
    if not (_is_proxy(address, trusted) if peer else trust_socket):
        return address
    entries = forwarded.rsplit(",", MOST_PROXIES)
    for entry in reversed(entries[1:] if len(entries) > MOST_PROXIES else entries):
        told = _address(entry)
        if told is None:
            return address
        address = told
        if not _is_proxy(address, trusted):
            break
    return address


def _is_proxy(address: Address | None, trusted: Collection[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> Address | None:
    """Read an address, with or without brackets, port, quotes and zone; an IPv4 address in IPv6's clothes is IPv4."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    try:
        address = ipaddress.ip_address(found["bracketed"] or found["v4"] or found["v6"])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        # Without its zone: that is a name of the machine that wrote it.
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address
