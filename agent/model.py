# SPDX-License-Identifier: Apache-2.0
"""The language model behind the OpenAI protocol (vLLM in production, llama.cpp embedded). Nobody has to trust it.

Each call carries a JSON schema and its answer is checked against that schema by our own code. The server's word that it
obeyed counts for nothing, and an answer that was cut off counts as no answer.
"""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import rfc8785
from django.conf import settings
from eth_utils.crypto import keccak

from agent import schema as json_schema

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 180.0  # a small model on two busy cores reads 1,500 tokens in 10 s; a queue may stand before us
MAX_ANSWER_BYTES = 1_000_000
MAX_OUTPUT_CHARS = 20_000  # whatever max_tokens the server was told, nothing longer is looked at

_TOO_LONG = "longer than any answer may be"

log = logging.getLogger(__name__)


class ModelError(Exception):
    """The model gave nothing that can be used."""


class ModelDown(ModelError):
    """The server can't be reached or is not ready (still loading, overloaded): ask again later."""


class ModelRefused(ModelError):
    """The server answered, twice, with something that can't be used. Asking again would bring the same.

    `problem` says what was wrong, in our words: never the model's own text. `text` and `usage` are the last answer's,
    for the record.
    """

    def __init__(self, problem: str, *, text: str = "", usage: "Usage | None" = None, model: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.text = text
        self.usage = usage or Usage()
        self.model = model


@dataclass(frozen=True)
class Usage:
    """What a completion cost. `cached_tokens` of the prompt came from the server's prefix cache. Sums over retries."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    duration_ms: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.duration_ms + other.duration_ms,
        )


@dataclass(frozen=True)
class Completion:
    """An answer that obeys its schema. `parsed` is the JSON; it is still untrusted in all that the schema left open."""

    parsed: Any
    text: str
    usage: Usage
    model: str
    finish_reason: str
    prompt_hash: bytes


class _Unusable(Exception):
    """One answer can't be used; the next may."""


class _TooLong(Exception):
    """The server sends more bytes than any answer has."""


class _Bounded(httpx.SyncByteStream):
    """A response's bytes, up to MAX_ANSWER_BYTES: a server gone wild can't fill our memory."""

    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stream:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise _TooLong
            yield chunk

    def close(self) -> None:
        self._stream.close()


class _BoundedTransport(httpx.HTTPTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["accept-encoding"] = "identity"  # what is counted is what would be kept
        response = super().handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise _TooLong
        response.stream = _Bounded(response.stream)  # type: ignore[arg-type]  # a sync client has a sync stream
        return response


class Model:
    """A model behind an OpenAI-compatible endpoint. Stateless and safe to share between threads."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        is_demo: bool = False,
        api_key: str = "",
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        """`url` is the endpoint's base, e.g. `http://127.0.0.1:8080/v1`. `name` is what is asked for."""
        self.name = name
        self.is_demo = is_demo
        timeout = httpx.Timeout(answer_timeout_s, connect=CONNECT_TIMEOUT_S)
        self._client = openai.OpenAI(
            base_url=url,
            api_key=api_key or "none",
            timeout=timeout,
            max_retries=0,  # the retry is ours: it must see what was wrong
            # Neither a proxy from the environment nor a redirect may take a proposal's text or the key elsewhere.
            http_client=httpx.Client(
                timeout=timeout, trust_env=False, follow_redirects=False, transport=_BoundedTransport()
            ),
        )

    @classmethod
    def from_settings(cls) -> "Model":
        """The model that the settings name. Raises ModelDown when none is configured: the product works without."""
        if not settings.MODEL_URL:
            raise ModelDown("no model is configured (MODEL_URL)")
        api_key = ""
        if settings.MODEL_API_KEY_FILE:
            try:
                api_key = Path(settings.MODEL_API_KEY_FILE).read_text().strip()
            except OSError as error:
                raise ModelDown(f"the model's key file can't be read: {error.strerror}") from error
        return cls(settings.MODEL_URL, settings.MODEL_NAME, is_demo=settings.MODEL_IS_DEMO, api_key=api_key)

    def complete(
        self, messages: list[dict[str, str]], schema: dict, schema_name: str, max_tokens: int = 256
    ) -> Completion:
        """One answer in `schema`. Asked once more when the first can't be used.

        Raises ModelDown (try later) and ModelRefused (two answers that can't be used).
        """
        spent, problem, text, model = Usage(), "", "", self.name
        for seed in (0, 1):  # the second try must not be a replay of the first
            answer, usage = self._ask(messages, schema, schema_name, max_tokens, seed)
            spent = spent + usage
            model = "".join(c for c in str(answer.model or self.name) if c.isprintable())[:200]
            try:
                text, finish_reason = _content(answer)
                parsed = _parse(text, schema)
            except _Unusable as unusable:
                problem = str(unusable)
                log.info("model answer for %s can't be used: %s", schema_name, problem)
                continue
            return Completion(parsed, text, spent, model, finish_reason, prompt_hash(messages, schema))
        raise ModelRefused(problem, text=text[:MAX_OUTPUT_CHARS], usage=spent, model=model)

    def _ask(
        self, messages: list[dict[str, str]], schema: dict, schema_name: str, max_tokens: int, seed: int
    ) -> tuple[Any, Usage]:
        started = time.monotonic()
        try:
            answer = self._client.chat.completions.create(
                model=self.name,
                messages=messages,  # type: ignore[arg-type]  # plain dicts are what the protocol is
                temperature=0.0 if seed == 0 else 0.4,
                seed=seed,
                max_tokens=max_tokens,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": schema_name, "schema": schema, "strict": True},
                },
            )
        except openai.APITimeoutError as error:
            raise ModelDown("the model server did not answer in time") from error
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, _TooLong):
                raise ModelRefused(_TOO_LONG, model=self.name) from error
            raise ModelDown("the model server can't be reached") from error
        except openai.APIStatusError as error:
            if error.status_code in (401, 403):
                raise ModelDown(f"the model server refuses our key (HTTP {error.status_code})") from error
            if error.status_code in (404, 408, 425, 429) or error.status_code >= 500:
                raise ModelDown(f"the model server is not ready (HTTP {error.status_code})") from error
            raise ModelRefused(f"the model server refuses the request (HTTP {error.status_code})") from error
        except _TooLong as error:
            raise ModelRefused(_TOO_LONG, model=self.name) from error
        except (openai.APIError, ValueError) as error:  # an answer that is not the protocol's JSON
            raise ModelDown("the model server does not speak the OpenAI protocol") from error
        if not hasattr(answer, "choices"):
            raise ModelDown("the model server does not speak the OpenAI protocol")
        return answer, _usage(answer, int((time.monotonic() - started) * 1000))


def prompt_hash(messages: list[dict[str, str]], schema: dict) -> bytes:
    """keccak256 of what was asked, in canonical JSON (RFC 8785)."""
    return keccak(rfc8785.dumps({"messages": messages, "schema": schema}))


def _content(answer: Any) -> tuple[str, str]:
    # The client library does not check what the server sent: any field may be missing or of another type.
    choices = answer.choices
    if not isinstance(choices, list) or not choices:
        raise _Unusable("no choice in the answer")
    finish_reason = getattr(choices[0], "finish_reason", None)
    if finish_reason != "stop":
        raise _Unusable("cut off" if finish_reason == "length" else "not ended by the model itself")
    text = getattr(getattr(choices[0], "message", None), "content", None)
    if not isinstance(text, str) or not text.strip():
        raise _Unusable("empty answer")
    if len(text) > MAX_OUTPUT_CHARS:
        raise _Unusable(_TOO_LONG)
    return text, finish_reason


def _no_constant(name: str) -> Any:
    raise _Unusable(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unusable("the same property twice")
    return found


def _parse(text: str, schema: dict) -> Any:
    """The text as JSON that obeys the schema, and nothing around it."""
    try:
        parsed = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _Unusable("not JSON") from error
    except ValueError as error:  # e.g. an integer of thousands of digits
        raise _Unusable("a number that is no number") from error
    if wrong := json_schema.problems(parsed, schema):
        raise _Unusable(wrong[0])
    return parsed


def _count(value: Any) -> int:
    """A token count that a server reports: any nonsense counts as 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _usage(answer: Any, duration_ms: int) -> Usage:
    usage = getattr(answer, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(
        _count(getattr(usage, "prompt_tokens", 0)),
        _count(getattr(details, "cached_tokens", 0)),
        _count(getattr(usage, "completion_tokens", 0)),
        duration_ms,
    )
