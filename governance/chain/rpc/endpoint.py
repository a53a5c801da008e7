# SPDX-License-Identifier: Apache-2.0
"""One node at one URL: its HTTP client, what it is asked, its health and limits.

An endpoint's URL may hold an API key: it appears nowhere but in the request itself. Messages, reprs, tracebacks and
logs show its scheme and host. What a node answers is hostile until it was checked: sizes are limited, shapes are
verified, and an answer for another chain is refused.
"""

import hashlib
import hmac
import itertools
import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from governance.chain.rpc.dialects import classify, refuses_batch
from governance.chain.rpc.errors import (
    Answered,
    Oversized,
    RangeTooLarge,
    RpcError,
    RpcLimited,
    RpcUnreachable,
    WrongChain,
)
from governance.chain.rpc.values import quantity
from governance.sentences import Sentence
from governance.words import say

MAX_RESPONSE_BYTES = 128 * 2**20
_MAX_LOGS_BYTES = 32 * 2**20  # tens of thousands of logs: a node without limits must not fill our memory
_SHORTEST_SECRET = 8
_MOST_ANSWER_S = 120.0  # for a whole answer: the timeout holds for each piece of it
MOST_DISTRUST_S = 6 * 3600.0
WRONG_CHAIN_S = 3600.0
_LIMIT_HOLDS_S = 24 * 3600.0  # then a limit is tried again: plans change
_LATENCY_WEIGHT = 0.2
_SMALL_BYTES = 16_384
_LATENCY_HOLDS_S = 300.0
_LEAST_PACE = 8
_PACE_GROWTH = 1.25
_ENOUGH_PACE = 200  # no caller sends more at once: no limit is needed from here on


class _BelowWarning(logging.Filter):
    """Drop what httpx and httpcore log about single requests: they print whole URLs, with the API keys in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_BelowWarning())


def redact(url: str) -> str:
    """Return scheme, host and port of a URL; user, path and query may be secrets."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}{port}"
    except ValueError:  # treated like everything else that is no URL
        return "(not an http URL)"
    return "(not an http URL)"


def secrets_of(url: str) -> list[str]:
    """List the parts of a URL that may be a key (user, password, long parts of path and query), the longest first."""
    try:
        parts = urlsplit(url)
        words = [parts.username or "", parts.password or "", *re.split(r"[/?&=]", f"{parts.path}/{parts.query}")]
    except ValueError:
        return []
    return sorted({word for word in words if len(word) >= _SHORTEST_SECRET}, key=len, reverse=True)


@dataclass(frozen=True)
class Known:
    """An endpoint's limits and health, as processes share them. Times are Unix seconds of the wall clock, or None;
    `name` is scheme and host."""

    name: str
    limits: Mapping[str, tuple[int, float]] = field(
        default_factory=dict
    )  # "blocks", "batch" -> the limit, when learned
    latency_s: float | None = None
    failures: int = 0  # in a row
    lies: int = 0
    aside_until_s: float | None = None
    distrusted_until_s: float | None = None
    answered_at_s: float | None = None
    problem: str = ""


class Pace:
    """Learn from an endpoint's refusals how many requests to send at once, because no provider's rate can be asked for.

    `most` is the limit for the next batch, or None: until an endpoint refuses because of the rate, there is none.
    Providers count each request of a batch. So a refusal halves the next batch, and each batch that is answered makes
    the next one a quarter larger; after a refusal the endpoint is set aside for a while (`Pool`). `most` never falls
    below `_LEAST_PACE`: some endpoints refuse now and then for other reasons, and many small batches fail more often
    than one. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.most: int | None = None

    def portion(self, count: int) -> int:
        """Return how many of `count` requests to send as one batch."""
        most = self.most
        return count if most is None else min(count, most)

    def refused(self, count: int) -> None:
        """Halve the limit after a batch of `count` was refused because of the rate. A refusal of a small batch changes
        nothing: the rate was used up already, and smaller batches would not help."""
        if count <= _LEAST_PACE:
            return
        with self._lock:
            self.most = max(_LEAST_PACE, min(count, self.most or count) // 2)

    def answered(self, count: int) -> None:
        """Raise the limit by a quarter after a batch of `count`, at least as large as the limit, was answered."""
        if self.most is None:
            return
        with self._lock:
            if self.most is not None and count >= self.most:
                more = int(self.most * _PACE_GROWTH) + 1
                self.most = None if more > _ENOUGH_PACE else more


class Endpoint:
    """One node: its URL, connections, health and limits. Its repr and errors show only scheme and host."""

    def __init__(self, url: str, timeout_s: float, max_response_bytes: int = MAX_RESPONSE_BYTES):
        self._url = url
        self.name = redact(url)
        self.secrets = secrets_of(url)
        self.timeout_s, self.max_response_bytes = timeout_s, max_response_bytes
        self.checked = False  # its chain id was right, and it has not failed since
        self.aside_until = 0.0  # monotonic
        self.failures = 0  # in a row
        self.failing_since = 0.0  # monotonic: the first of them
        self.distrusted_until = 0.0  # monotonic: it gave a false answer
        self.lies = 0
        self.problem = ""  # why it was last set aside or distrusted
        self.answered_at = 0.0  # monotonic
        self.unknown: set[str] = set()  # methods and features that it does not know
        self.proven: set[str] = set()  # features that it was seen to have
        self.pace = Pace()
        self._limits: dict[str, tuple[int, float]] = {}  # name -> the most it accepts, when learned (wall clock)
        self._latency_s: tuple[float, float] | None = None
        self._ids = itertools.count(1)
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<endpoint {self.name}>"

    @property
    def most_blocks(self) -> int | None:
        """The widest range that it accepts in eth_getLogs, in blocks; None if it stated none in the last day."""
        return self._limit("blocks")

    @most_blocks.setter
    def most_blocks(self, blocks: int) -> None:
        self._limits["blocks"] = (blocks, time.time())

    @property
    def most_batch(self) -> int | None:
        """The most requests that it accepts in one batch; None if it refused none in the last day."""
        return self._limit("batch")

    def takes_no_batch(self, count: int, most: int | None) -> None:
        """Remember that a batch of `count` was refused; `most` is the limit it stated, or None."""
        fewer = max(1, count // 2 if most is None or most >= count else most)
        self._limits["batch"] = (fewer, time.time())

    def _limit(self, name: str) -> int | None:
        limit = self._limits.get(name)
        return None if limit is None or time.time() - limit[1] > _LIMIT_HOLDS_S else limit[0]

    def portion(self, count: int) -> int:
        """Return how many of `count` requests to send as one batch."""
        count = self.pace.portion(count)
        return count if (most := self.most_batch) is None else min(count, most)

    @property
    def latency_s(self) -> float | None:
        """The average latency of small responses, in seconds; None if the last one is more than five minutes old."""
        if self._latency_s is None or time.monotonic() - self._latency_s[1] > _LATENCY_HOLDS_S:
            return None
        return self._latency_s[0]

    def took(self, seconds: float) -> None:
        """Record the latency of a small response."""
        known = self.latency_s
        average = seconds if known is None else known + _LATENCY_WEIGHT * (seconds - known)
        self._latency_s = (average, time.monotonic())

    def fingerprint(self, secret: str) -> bytes:
        """A keyed hash of the URL: the same URL gives the same value, and the value does not reveal the URL."""
        return hmac.new(secret.encode(), self._url.encode(), hashlib.sha256).digest()

    def known(self) -> Known:
        """Return its limits and health, with times of the wall clock."""
        now, wall_s = time.monotonic(), time.time()

        def wall(at: float) -> float | None:
            return wall_s + at - now if at else None

        return Known(
            self.name, dict(self._limits), self.latency_s, self.failures, self.lies,
            wall(self.aside_until), wall(self.distrusted_until), wall(self.answered_at), self.problem,
        )  # fmt: skip

    def recall(self, known: Known) -> None:
        """Add limits and health that another process, or this one before a restart, learned. This never ends distrust
        sooner, and no limit holds longer than a day. The pace is not shared: each process has its part of the rate."""
        now, wall_s = time.monotonic(), time.time()

        def until(at_s: float | None, most_s: float) -> float:
            """Clamp to `most_s`, so that a wrong clock can't set it aside for ever."""
            return 0.0 if at_s is None else now + min(at_s - wall_s, most_s)

        self.distrusted_until = max(self.distrusted_until, until(known.distrusted_until_s, MOST_DISTRUST_S))
        if not self.answered_at:
            self.aside_until = max(self.aside_until, until(known.aside_until_s, WRONG_CHAIN_S))
        self.lies = max(self.lies, known.lies)
        self.problem = self.problem or known.problem
        for name, limit in known.limits.items():
            if name not in self._limits or self._limits[name][1] < limit[1]:
                self._limits[name] = limit

    def failed(self, problem: str, aside_s: float) -> None:
        """Count a failure and set the endpoint aside for `aside_s`, doubled by each further failure, up to 16-fold."""
        self.checked, self.problem = False, problem
        if not self.failures:
            self.failing_since = time.monotonic()
        self.failures += 1
        self.aside_until = time.monotonic() + aside_s * min(2 ** (self.failures - 1), 16)

    # --- requests

    def check_chain(self, chain_id: int) -> None:
        """Ask for the chain id, unless it was right since the last failure. Raises WrongChain for another chain than
        `chain_id`."""
        if self.checked:
            return
        try:
            answer = self.one("eth_chainId", ())
        except Answered as error:  # a revoked key, for example: the next endpoint may answer
            raise RpcUnreachable(say("chain_id_refused", reason=error.message), endpoint=self.name) from None
        try:
            got = quantity(answer)
        except ValueError:
            raise RpcUnreachable(say("chain_id_unreadable"), endpoint=self.name) from None
        if got != chain_id:
            raise WrongChain(chain_id, got, endpoint=self.name)
        self.checked = True

    def one(self, method: str, params: Sequence[Any]) -> Any:
        """Send one request and return its `result`. Raises RpcError."""
        number = next(self._ids)
        body = orjson.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)})
        answer = self._exchange(body, [method])
        if not isinstance(answer, dict):
            raise RpcUnreachable(say("not_json_rpc", method=method), endpoint=self.name)
        if answer.get("error") is not None:
            raise self._refusal(answer["error"], method, 1)
        if answer.get("id") != number or "result" not in answer:
            raise RpcUnreachable(say("not_json_rpc", method=method), endpoint=self.name)
        return answer["result"]

    def _refusal(self, raw: Any, method: str, count: int) -> RpcError:
        """Make the exception for an `error` member in the answer to `count` requests, and learn limits from it."""
        error = classify(raw, method, self.name, self.secrets)
        if isinstance(error, RpcLimited):
            self.pace.refused(count)
        elif isinstance(error, RangeTooLarge) and error.max_blocks is not None:
            self.most_blocks = error.max_blocks
        return error

    def many_of_chain(self, requests: list[tuple[str, Sequence[Any]]], chain_id: int) -> list[Any]:
        """Send requests as `many` does, and ask in the same batch which chain answers: a balancer may have a node of
        another network behind it. Raises RpcUnreachable where the answers are another chain's."""
        *answers, told = self.many([*requests, ("eth_chainId", ())])
        if isinstance(told, RpcError):
            raise RpcUnreachable(say("chain_id_refused", reason=told.message), endpoint=self.name)
        try:
            got = quantity(told)
        except ValueError:
            raise RpcUnreachable(say("chain_id_unreadable"), endpoint=self.name) from None
        if got != chain_id:
            raise RpcUnreachable(say("answer_of_other_chain", got=got, expected=chain_id), endpoint=self.name)
        return answers

    def many(self, requests: list[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Send all requests as one batch and return the results in order; a request that the node refused has its
        RpcError in its place. Raises RpcError if the batch fails as a whole."""
        if len(requests) == 1:  # the endpoint may not support batches
            try:
                return [self.one(*requests[0])]
            except Answered as error:
                return [error]
        methods = [method for method, _ in requests]
        numbers = [next(self._ids) for _ in requests]
        body = orjson.dumps(
            [
                {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
                for number, (method, params) in zip(numbers, requests, strict=True)
            ]
        )
        answer = self._exchange(body, methods)
        if isinstance(answer, dict) and answer.get("error") is not None:
            if refused := refuses_batch(answer["error"], len(requests)):
                self.takes_no_batch(len(requests), refused.most)
                refused.endpoint = self.name
                raise refused
            raise self._refusal(answer["error"], methods[0], len(requests))
        if not isinstance(answer, list):
            raise RpcUnreachable(say("not_a_batch"), endpoint=self.name)
        by_number = {item["id"]: item for item in answer if isinstance(item, dict) and isinstance(item.get("id"), int)}
        results: list[Any] = []
        for number, (method, _) in zip(numbers, requests, strict=True):
            item = by_number.get(number)
            if item is not None and item.get("error") is not None:
                error = self._refusal(item["error"], method, len(requests))
                if isinstance(error, RpcLimited):
                    raise error  # the whole batch is repeated: with some requests refused it has gaps
                results.append(error)
            elif item is None or "result" not in item:
                raise RpcUnreachable(say("answer_left_out", method=method), endpoint=self.name)
            else:
                results.append(item["result"])
        return results

    def _exchange(self, body: bytes, methods: Sequence[str]) -> Any:
        method, most = methods[0] if len(methods) == 1 else "a batch", self.max_response_bytes
        if "eth_getLogs" in methods:
            most = min(most, _MAX_LOGS_BYTES)
        begun = time.monotonic()
        try:
            status, raw, retry_after = self.post(body, most)
        except Oversized as error:
            if "eth_getLogs" not in methods:
                raise
            # Nothing is wrong with the endpoint: ask for fewer logs at once.
            raise RangeTooLarge(None, error.message, endpoint=self.name) from None
        if status == 429:
            self.pace.refused(len(methods))
            limited = RpcLimited(429, say("rate_limited", method=method), endpoint=self.name)
            limited.retry_after_s = min(float(retry_after), 60.0) if retry_after and retry_after.isdigit() else None
            raise limited
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError:
            answer = None
        # Some nodes put JSON-RPC errors behind HTTP 4xx and 5xx; those say more than the status.
        carries_error = isinstance(answer, list) or (isinstance(answer, dict) and isinstance(answer.get("error"), dict))
        if status >= 400 and not carries_error:
            raise RpcUnreachable(say("http_status", method=method, status=status), endpoint=self.name)
        if answer is None:
            raise RpcUnreachable(say("not_json", method=method), endpoint=self.name)
        if len(raw) < _SMALL_BYTES and "eth_getLogs" not in methods:  # slow even if it finds nothing
            self.took(time.monotonic() - begun)
        return answer

    def client(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                # No proxy from the environment for a node on this machine.
                local = urlsplit(self.name).hostname in ("127.0.0.1", "localhost", "::1")
                self._client = httpx.Client(
                    timeout=httpx.Timeout(self.timeout_s, connect=min(self.timeout_s, 5.0)),
                    trust_env=not local,
                    limits=httpx.Limits(max_keepalive_connections=8, keepalive_expiry=30),
                    headers={"content-type": "application/json", "user-agent": "mandate"},
                )
            return self._client

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def post(self, body: bytes, max_bytes: int) -> tuple[int, bytes, str | None]:
        """Send a body and return (HTTP status, body, Retry-After). Raises RpcUnreachable, never with the URL in it."""
        problem: Sentence | None = None
        until = time.monotonic() + _MOST_ANSWER_S
        try:
            with self.client().stream("POST", self._url, content=body) as response:
                parts, size = [], 0
                for part in response.iter_bytes():
                    size += len(part)
                    if size > max_bytes:
                        problem = say("answer_too_large", mebibytes=max_bytes >> 20)
                        break
                    if time.monotonic() > until:
                        problem = say("endless_answer", seconds=_MOST_ANSWER_S)
                        break
                    parts.append(part)
                if problem is None:
                    return response.status_code, b"".join(parts), response.headers.get("retry-after")
        except httpx.TimeoutException:
            problem = say("no_answer", seconds=self.timeout_s)
        except httpx.ConnectError as error:
            problem = say("certificate_refused" if "certificate" in str(error).lower() else "no_connection")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            problem = say("request_failed", error=type(error).__name__)
        # Raised outside the handlers: httpx's exceptions hold the request, and with it the URL.
        failure = (Oversized if problem.code == "answer_too_large" else RpcUnreachable)(problem, endpoint=self.name)
        failure.not_sent = problem.code in ("no_connection", "certificate_refused")
        raise failure
