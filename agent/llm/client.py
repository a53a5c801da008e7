# SPDX-License-Identifier: Apache-2.0
"""The language model behind the OpenAI protocol (vLLM in production, llama.cpp embedded). Nobody has to trust it.

Each call carries a JSON schema and its answer is checked against that schema by our own code. The server's word that it
obeyed counts for nothing, and an answer that was cut off counts as no answer.
"""

import json
import logging
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpcore
import httpx
import openai
import rfc8785
from django.conf import settings
from eth_utils.crypto import keccak

from agent.llm import answer_schema as json_schema
from agent.llm.errors import ModelDown, ModelError, ModelMisconfigured, ModelRefused, Usage, key_refused
from agent.llm.trouble import Trouble
from agent.llm.words import say
from governance.sentences import Sentence
from policies.notation.visible import without_hidden

CONNECT_TIMEOUT_S = 5.0
DEADLINE_S = 180  # of one completion, both tries together: a small model on two busy cores reads 1,500 tokens in 10 s
MAX_ANSWER_BYTES = 1_000_000
MAX_OUTPUT_CHARS = 20_000  # whatever max_tokens the server was told, nothing longer is looked at
MAX_NAMES = 5  # of the models that a server says it has
_WRITE_BYTES = 4096  # the kernel takes so much at once or makes us wait: a slow reader can't stretch it

log = logging.getLogger(__name__)


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
    """One answer can't be used; the next may. `unanswered`: there is nothing in it at all."""

    def __init__(self, problem: Sentence, *, unanswered: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.unanswered = unanswered


def _refused(problem: Sentence, text: str, spent: Usage, model: str, unanswered: bool) -> ModelRefused:
    return ModelRefused(problem, text=text[:MAX_OUTPUT_CHARS], usage=spent, model=model, unanswered=unanswered)


class _TooLong(Exception):
    """The server sends more bytes than any answer has."""


class _Clock:
    """The moment (monotonic) at which a completion must have ended."""

    def __init__(self, seconds: float) -> None:
        self._end_s = time.monotonic() + seconds

    def left_s(self, most_s: float | None = None) -> float:
        """Return the seconds that are left, `most_s` at most. Raises httpcore.ReadTimeout when there are none."""
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout
        return left_s if most_s is None else min(left_s, most_s)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends when the clock does.

    The timeouts of httpx begin anew with each read, so a server that sends a byte every two seconds would hold us for
    ever, in the headers as well as in the body. Here each read may wait for what is left of the whole.
    """

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            self._stream.write(buffer[start : start + _WRITE_BYTES], self._clock.left_s(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        # One timeout for the whole handshake: Python's own clock counts over its reads.
        stream = self._stream.start_tls(ssl_context, server_hostname, self._clock.left_s(timeout))
        return _TimedStream(stream, self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _TimedBackend(httpcore.NetworkBackend):
    """Opens connections that end with the clock. Only the name's look-up has the resolver's own timeouts."""

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(host, port, self._clock.left_s(timeout), local_address, socket_options)
        return _TimedStream(stream, self._clock)


@contextmanager
def _httpx_errors() -> Iterator[None]:
    """Raise httpcore's errors as httpx's, which the OpenAI client knows."""
    try:
        yield
    except (httpcore.ConnectTimeout, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise httpx.TransportError(type(error).__name__) from error
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout(type(error).__name__) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error)) from error


class _Bounded(httpx.SyncByteStream):
    """A response's bytes, up to MAX_ANSWER_BYTES: a server gone wild can't fill our memory."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        with _httpx_errors():
            for chunk in self._response.iter_stream():
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    raise _TooLong
                yield chunk

    def close(self) -> None:
        self._response.close()


class _Transport(httpx.BaseTransport):
    """HTTP for one completion: it ends with the clock, and answers are no longer than any answer may be."""

    def __init__(self, clock: _Clock, tls: ssl.SSLContext | None) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=tls, network_backend=_TimedBackend(clock))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["accept-encoding"] = "identity"  # what is counted is what would be kept
        with _httpx_errors():
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        headers = httpx.Headers(response.headers)
        if headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise _TooLong
        return httpx.Response(status_code=response.status, headers=headers, stream=_Bounded(response))

    def close(self) -> None:
        self._pool.close()


class Model:
    """A model behind an OpenAI-compatible endpoint. Stateless and safe to share between threads."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        is_demo: bool = False,
        api_key: str = "",
        answer_timeout_s: float = DEADLINE_S,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        """`url` is the endpoint's base, e.g. `http://127.0.0.1:8080/v1`. `name` is what is asked for.

        `answer_timeout_s` is for the whole of a completion: connecting, headers, body, and the second try.
        `extra_body` are fields that go along with each request (a chat template's switches, say).
        """
        self.name = name
        self.is_demo = is_demo
        self.extra_body = dict(extra_body or {})
        self._url = url
        self._api_key = api_key
        self._answer_timeout_s = answer_timeout_s

    @classmethod
    def from_settings(cls) -> "Model":
        """The model that the settings name.

        Raises ModelDown when none is configured (the product works without), ModelMisconfigured for a bad key file.
        """
        if not settings.MODEL_URL:
            raise ModelDown(say("model_none"))
        return cls(
            settings.MODEL_URL,
            settings.MODEL_NAME,
            is_demo=settings.MODEL_IS_DEMO,
            api_key=_read_key(settings.MODEL_API_KEY_FILE) if settings.MODEL_API_KEY_FILE else "",
            answer_timeout_s=settings.MODEL_DEADLINE_S,
            extra_body=settings.MODEL_EXTRA_BODY,
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return httpx.create_ssl_context(trust_env=False) if self._url.lower().startswith("https:") else None

    @contextmanager
    def _client(self, clock: _Clock) -> Iterator[openai.OpenAI]:
        """A client for one completion: none of its connections outlives the clock."""
        timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
        # Neither a proxy from the environment nor a redirect may take a proposal's text or the key elsewhere.
        with httpx.Client(
            timeout=timeout, trust_env=False, follow_redirects=False, transport=_Transport(clock, self._tls)
        ) as http:
            yield openai.OpenAI(
                base_url=self._url,
                api_key=self._api_key or "none",
                timeout=timeout,
                max_retries=0,  # the retry is ours: it must see what was wrong
                http_client=http,
            )

    def complete(
        self, messages: list[dict[str, str]], schema: dict, schema_name: str, max_tokens: int = 256
    ) -> Completion:
        """One answer in `schema`. Asked once more when the first can't be used.

        Raises ModelDown (try later), ModelMisconfigured and ModelRefused (two answers that can't be used).
        """
        spent, problem, text, model, unanswered = Usage(), say("answer_empty"), "", self.name, False
        clock = _Clock(self._answer_timeout_s)
        with self._client(clock) as client:
            for seed in (0, 1):  # the second try must not be a replay of the first
                try:
                    answer, usage = self._ask(client, messages, schema, schema_name, max_tokens, seed)
                except ModelError as error:
                    if seed:  # the first answer came, and can't be used: that it came must not get lost
                        error.after = _refused(problem, text, spent, model, unanswered)
                    raise
                spent = spent + usage
                model = _short(str(answer.model or self.name), 200)
                try:
                    text, finish_reason = _content(answer)
                    parsed = _parse(text, schema)
                except _Unusable as unusable:
                    problem, unanswered = unusable.problem, unusable.unanswered
                    log.info("model answer for %s can't be used: %s", schema_name, problem)
                    continue
                hashed = prompt_hash(messages, schema, self.extra_body)
                return Completion(parsed, text, spent, model, finish_reason, hashed)
        raise _refused(problem, text, spent, model, unanswered)

    def names(self) -> list[str]:
        """Return the names of models that the server says it has, the first few. They are the server's own words.

        Raises as `complete` does.
        """
        with self._client(_Clock(min(self._answer_timeout_s, 2 * CONNECT_TIMEOUT_S))) as client, self._errors():
            listed: Any = client.get("/models", cast_to=object)
        found = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(found, list):
            raise _other_protocol()
        names = [item.get("id") for item in found[:MAX_NAMES] if isinstance(item, dict)]
        return [self._theirs(name, 80) for name in names if isinstance(name, str)]

    def _ask(
        self,
        client: openai.OpenAI,
        messages: list[dict[str, str]],
        schema: dict,
        schema_name: str,
        max_tokens: int,
        seed: int,
    ) -> tuple[Any, Usage]:
        started = time.monotonic()
        with self._errors():
            answer = client.chat.completions.create(
                model=self.name,
                messages=messages,  # type: ignore[arg-type]  # plain dicts are what the protocol is
                temperature=0.0 if seed == 0 else 0.4,
                seed=seed,
                max_tokens=max_tokens,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": schema_name, "schema": schema, "strict": True},
                },
                extra_body=self.extra_body or None,
            )
        if not isinstance(getattr(answer, "choices", None), list):
            raise _other_protocol()
        return answer, _usage(answer, int((time.monotonic() - started) * 1000))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise what the client library raises as errors of ours."""
        try:
            yield
        except openai.APITimeoutError as error:
            raise ModelDown(say("model_slow"), Trouble.SLOW, seconds=self._answer_timeout_s) from error
        except openai.APIConnectionError as error:
            raise ModelDown(say("model_unreachable"), Trouble.UNREACHABLE) from error
        except openai.APIStatusError as error:
            raise self._refusal(error) from error
        except _TooLong as error:
            raise ModelRefused(say("answer_too_long"), model=self.name) from error
        except (openai.APIError, ValueError, RecursionError) as error:  # an answer that is not the protocol's JSON
            raise _other_protocol() from error

    def _refusal(self, error: openai.APIStatusError) -> ModelError:
        status, said = error.status_code, self._theirs(_said(error), 200)
        if status == 401:
            return key_refused(status, said)
        if status == 404:
            return ModelMisconfigured(
                say("model_not_found", http_status=status),
                Trouble.NOT_FOUND,
                http_status=status,
                said=said,
            )
        if status in (408, 425, 429) or status >= 500:
            return ModelDown(say("model_busy", http_status=status), Trouble.BUSY, http_status=status, said=said)
        return ModelRefused(
            say("request_refused", http_status=status),
            model=self.name,
            unanswered=True,
            http_status=status,
            said=said,
        )

    def _theirs(self, text: str, most: int) -> str:
        """A server's own words, printable, short and without our key."""
        if self._api_key:
            text = text.replace(self._api_key, "(the key)")
        return _short(text, most)


def _read_key(path: str) -> str:
    """Return the key in a file. Raises ModelMisconfigured where there is none that a header can carry."""
    try:
        key = Path(path).read_text().strip()
    except ValueError as error:
        raise _no_key(say("file_not_text")) from error
    except OSError as error:
        raise _no_key(say("file_unreadable", error=error.strerror or type(error).__name__)) from error
    if not key or not all("!" <= character <= "~" for character in key):
        raise _no_key(say("file_odd_key" if key else "file_without_key"))
    return key


def _no_key(problem: Sentence) -> ModelMisconfigured:
    return ModelMisconfigured(say("model_key_file", problem=problem), Trouble.KEY_FILE, problem=problem.as_json())


def _other_protocol() -> ModelMisconfigured:
    return ModelMisconfigured(say("model_protocol"), Trouble.PROTOCOL)


def _short(text: str, most: int) -> str:
    """A server's words on one line without hidden characters, at most `most` long."""
    return without_hidden(" ".join(text[: 8 * most].split()))[:most]


def _said(error: openai.APIStatusError) -> str:
    """What a server gave as its reason: whatever it sent, of whatever shape."""
    body = error.body
    for key in ("error", "message", "detail"):
        if isinstance(body, dict) and key in body:
            body = body[key]
    return body if isinstance(body, str) else json.dumps(body, default=str) if body else ""


def prompt_hash(messages: list[dict[str, str]], schema: dict, extra_body: Mapping[str, Any] | None = None) -> bytes:
    """keccak256 of what was asked, in canonical JSON (RFC 8785)."""
    asked: dict[str, Any] = {"messages": messages, "schema": schema}
    if extra_body:  # without any, the hash is that of records made before there were such fields
        asked["extra_body"] = dict(extra_body)
    return keccak(rfc8785.dumps(asked))


def _content(answer: Any) -> tuple[str, str]:
    # The client library does not check what the server sent: any field may be missing or of another type.
    choices = answer.choices
    if not choices:
        raise _Unusable(say("answer_without_choice"), unanswered=True)
    finish_reason = getattr(choices[0], "finish_reason", None)
    message = getattr(choices[0], "message", None)
    text = getattr(message, "content", None)
    said = text.strip() if isinstance(text, str) else ""
    if finish_reason != "stop":
        begun = said.startswith("{")  # as every schema's answer does
        if finish_reason == "length" and not begun and _thinks(message, said):
            raise ModelMisconfigured(say("model_thinks"), Trouble.THINKS)
        problem = say("answer_cut_off" if finish_reason == "length" else "answer_not_ended")
        raise _Unusable(problem, unanswered=not begun)
    if not isinstance(text, str) or not said:
        raise _Unusable(say("answer_empty"))
    if len(text) > MAX_OUTPUT_CHARS:
        raise _Unusable(say("answer_too_long"))
    return text, finish_reason


def _thinks(message: Any, said: str) -> bool:
    """Whether what came in place of an answer is thinking: in a field of its own (vLLM's names), or before the JSON."""
    thoughts = (getattr(message, name, None) for name in ("reasoning_content", "reasoning"))
    return said.startswith("<think>") or any(isinstance(thought, str) and thought.strip() for thought in thoughts)


def _no_constant(name: str) -> Any:
    raise _Unusable(say("answer_constant", name=name))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unusable(say("answer_property_twice"))
    return found


def _parse(text: str, schema: dict) -> Any:
    """The text as JSON that obeys the schema, and nothing around it."""
    try:
        parsed = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _Unusable(say("answer_not_json")) from error
    except ValueError as error:  # e.g. an integer of thousands of digits
        raise _Unusable(say("answer_odd_number")) from error
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
