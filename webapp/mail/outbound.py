# SPDX-License-Identifier: Apache-2.0
"""Requests to addresses that strangers wrote: to the public internet over HTTPS alone, and to no machine behind it.

The host's name is resolved once, every address that it has is judged, and the connection goes to one that was judged:
a name that answers otherwise a moment later changes nothing. No redirect is followed, no proxy of the environment is
asked, and a request ends after `WITHIN_S`, the look-up included, and `MOST_BYTES`, however slowly its other end sends.
"""

from __future__ import annotations

import datetime
import ipaddress
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import httpcore
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from governance.sentences import Sentence
from webapp.mail.words import say

WITHIN_S = 10.0
MOST_BYTES = 65_536  # of an answer, its headers included
MOST_URL = 500
_CONNECT_S = 5.0
_LOOK_UP_S = 3.0
_MOST_DATE = 40  # characters; "Sunday, 06-Nov-94 08:49:37 GMT" and its like are shorter
_MOST_WAIT_S = 100 * 86_400
# Look-ups that were given up end when the system's resolver gives them up: so many threads may wait for that.
_look_ups = threading.BoundedSemaphore(64)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# What Python counts as public and what is not to be reached all the same: a cloud's own service, ways by which one
# address stands for another (6to4 and its relays), and what belongs to protocols.
_CLOSED = tuple(
    ipaddress.ip_network(text)
    for text in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16")
)
_UNICAST6 = ipaddress.ip_network("2000::/3")  # no mapped address, no NAT64, no private or local one lies in it


# Why a request was not taken: codes of `webapp.mail.words`.
REASONS = frozenset({
    "hook_no_name", "hook_name_too_slow", "hook_not_public", "hook_too_slow", "hook_no_connection", "hook_broken",
    "hook_status",
})  # fmt: skip


class BadTarget(Exception):
    """An address that is not to be called. The text is for whoever wrote it, and repeats nothing of it."""


class NotTaken(Exception):
    """A request did not come through, or was answered with another status than 2xx. `status`: 0 where there was none.
    `again_after_s`: what the other end asked for (Retry-After), in seconds, 0 where nothing. `is_known`: whether it is
    certain that nothing was taken; what breaks off, is late or fails over there may have been read all the same. No
    reason repeats a URL."""

    def __init__(self, why: Sentence, status: int = 0, again_after_s: int = 0, *, is_known: bool = True):
        self.why, self.status, self.again_after_s, self.is_known = why, status, again_after_s, is_known
        super().__init__(why)


@dataclass(frozen=True)
class Target:
    """Where a request goes, taken apart once: nothing reads the text again."""

    scheme: str
    host: str  # as it is written in the Host header, without brackets
    port: int
    path: str  # with its query

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"


def is_public(address: Address) -> bool:
    """Whether an address is a machine on the public internet, and stands for no other one."""
    if any(address in network for network in _CLOSED if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in _UNICAST6 and address.is_global
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_allowed(address: Address) -> bool:
    return is_public(address) or any(address in network for network in settings.WEBHOOK_TEST_NETWORKS)


def target_of(url: str) -> Target:
    """Take a URL apart. Raises BadTarget for one that is not to be called; its host is not looked up."""
    refused = gettext(
        "Write an address that begins with https:// and has a host, no user, no port but 443, no fragment."
    )
    if len(url) > MOST_URL or not url.isascii() or any(not "!" <= character <= "~" for character in url):
        raise BadTarget(
            gettext("Write an address of at most %(most)s letters, digits and signs of ASCII.") % {"most": MOST_URL}
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadTarget(refused) from error
    is_plain = "\\" not in url and "@" not in parts.netloc and "#" not in url and "%" not in parts.netloc
    if not host or not is_plain:
        raise BadTarget(refused)
    is_test = bool(settings.WEBHOOK_TEST_NETWORKS) and parts.scheme == "http"
    if not is_test and (parts.scheme != "https" or port not in (None, 443)):
        raise BadTarget(refused)
    try:
        if not _is_allowed(ipaddress.ip_address(host)):
            raise BadTarget(gettext("This address is not on the public internet."))
    except ValueError:
        pass  # a name: judged when it is looked up
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (80 if is_test else 443), path)


def _look_up(host: str, port: int, within_s: float) -> list[Any]:
    """What getaddrinfo answers, which has no limit of its own. Raises NotTaken where there is no answer in time."""
    if not _look_ups.acquire(blocking=False):
        raise NotTaken(say("hook_name_too_slow"))
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:  # noqa: BLE001 -- raised where it is waited for
            answers.put(error)
        finally:
            _look_ups.release()

    threading.Thread(target=ask, name="look-up of a webhook's host", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, within_s))
    except Empty:
        raise NotTaken(say("hook_name_too_slow")) from None
    if isinstance(answer, (OSError, UnicodeError)):
        raise NotTaken(say("hook_no_name")) from answer
    if isinstance(answer, Exception):
        raise answer
    return answer


def addresses_of(host: str, port: int, within_s: float = _LOOK_UP_S) -> list[str]:
    """All addresses that a name has now. Raises NotTaken where it has none, or one that is not to be called, and where
    they are not found within that time."""
    found = _look_up(host, port, min(within_s, _LOOK_UP_S))
    written = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in written:
        try:
            address = ipaddress.ip_address(text)
        except ValueError as error:  # with a zone: a link's own
            raise NotTaken(say("hook_not_public")) from error
        if not _is_allowed(address):
            raise NotTaken(say("hook_not_public"))
    return written


class _Bounded(httpcore.NetworkStream):
    """A connection that ends at a moment (monotonic), and after so many bytes were read."""

    def __init__(self, inner: httpcore.NetworkStream, until: float):
        self._inner, self._until, self._left = inner, until, MOST_BYTES

    def _time(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("out of time")
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 -- the moment is the limit
        if self._left <= 0:
            raise httpcore.ReadError("too much")
        data = self._inner.read(min(max_bytes, self._left), self._time())
        self._left -= len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._inner.write(buffer, self._time())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Bounded(self._inner.start_tls(ssl_context, server_hostname, self._time()), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Judged(httpcore.NetworkBackend):
    """Connects to addresses that were judged, whatever name httpcore was given."""

    def __init__(self, until: float):
        self._until = until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        problem: Exception = httpcore.ConnectError("no address")
        for address in addresses_of(host, port, self._until - time.monotonic())[:3]:
            left = min(_CONNECT_S, self._until - time.monotonic())
            if left <= 0:
                break
            try:
                inner = httpcore.SyncBackend().connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
                continue
            return _Bounded(inner, self._until)
        raise problem


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Hand a body over, once. Returns the status where it is 2xx; raises NotTaken otherwise, and BadTarget."""
    target = target_of(url)
    until = time.monotonic() + WITHIN_S
    sent = {
        "Host": target.authority, "User-Agent": "Mandate-Webhooks", "Content-Length": str(len(body)), "Accept": "*/*",
        "Accept-Encoding": "identity", "Connection": "close", **headers,
    }  # fmt: skip
    where = httpcore.URL(
        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
    )
    with httpcore.ConnectionPool(ssl_context=_context(), network_backend=_Judged(until), retries=0) as pool:
        try:
            # The status is the answer: a body that never ends is not waited for.
            with pool.stream("POST", where, headers=list(sent.items()), content=body) as answer:
                status, told = answer.status, answer.headers
        except httpcore.ConnectTimeout as error:
            raise NotTaken(say("hook_too_slow")) from error
        except (httpcore.TimeoutException, TimeoutError) as error:
            raise NotTaken(say("hook_too_slow"), is_known=False) from error
        except httpcore.ConnectError as error:
            raise NotTaken(say("hook_no_connection")) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ssl.SSLError) as error:
            raise NotTaken(say("hook_broken"), is_known=False) from error
    if 200 <= status <= 299:
        return status
    # A server that fails, or one before it that waited in vain, may have read the message.
    raise NotTaken(say("hook_status", status=status), status, _asked_to_wait(told), is_known=status < 500)


def _asked_to_wait(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return Retry-After in whole seconds from now, also where it is a date (RFC 9110, 10.2.3); 0 where there is none,
    where it can't be read, and of a moment that is over. The first that the answer has counts."""
    for name, value in headers:
        if name.lower() != b"retry-after":
            continue
        text = value.strip()
        if text.isdigit():
            return int(text) if len(text) < 8 else 0
        return _seconds_until(text[:_MOST_DATE].decode("ascii", "replace"))
    return 0


def _seconds_until(date: str) -> int:
    """Return the seconds from now to an HTTP date, up to a hundred days; 0 where it is none, or over."""
    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:  # "-0000", and forms without a zone: HTTP's dates are UTC's
            moment = moment.replace(tzinfo=datetime.UTC)
        wait = moment - timezone.now()
    except (ValueError, OverflowError):
        return 0
    return max(0, min(math.ceil(wait.total_seconds()), _MOST_WAIT_S))
