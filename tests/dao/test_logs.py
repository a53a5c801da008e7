# SPDX-License-Identifier: Apache-2.0
"""What a line of the log holds, and what it must not."""

import io
import logging
import re

import pytest
from django.test import Client, RequestFactory
from django.urls import resolve

from dao import logs
from presentation.dao_view import DaoView


def written(record: logging.LogRecord, *filters: logging.Filter) -> str:
    """What a handler with our form writes of a record."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.LineFormatter())
    for each in filters:
        handler.addFilter(each)
    handler.handle(record)
    return out.getvalue()


def record(message: str, *args: object, level: int = logging.INFO, error: BaseException | None = None, **extra):
    made = logging.LogRecord(
        "a.logger", level, __file__, 1, message, args, (type(error), error, None) if error else None
    )
    made.__dict__.update(extra)
    return made


def test_a_record_is_one_line():
    line = written(record("read %d blocks", 5, level=logging.WARNING))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING a\.logger\[\d+\] read 5 blocks\n", line)


@pytest.mark.parametrize("hostile", ["\n", "\r\n", "\r", "\x1b[2J", "\u202e", "\x00", "\u2028"])
def test_a_strangers_text_can_not_pass_for_another_record(hostile):
    forged = f"x{hostile}2026-11-29T16:00:00Z ERROR a.logger[1] all is lost"
    text = written(record("the node says %s", forged, error=ValueError(forged)))
    begins = [line for line in text.splitlines() if re.match(r"\S+Z [A-Z]+ ", line)]
    assert len(begins) == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\r" not in text


def test_the_secrets_of_the_settings_are_in_no_message_and_no_traceback(settings):
    settings.SECRET_KEY = "key-of-the-site"
    settings.EMAIL_HOST_PASSWORD = "password-of-the-mailbox"
    settings.CELERY_BROKER_URL = "redis://:password-of-the-broker@127.0.0.1:6379/0"
    settings.MODEL_URL = "https://user:password-of-the-model@model.test/v1"
    settings.RPC_URLS = {
        1: ["https://user:password-of-a-node@node.test/v3/0123456789abcdef0123?apikey=fedcba9876543210"]
    }
    hidden = [
        "key-of-the-site", "password-of-the-mailbox", "password-of-the-broker", "password-of-a-node",
        "password-of-the-model", "0123456789abcdef0123", "fedcba9876543210",
    ]  # fmt: skip
    said = f"{settings.RPC_URLS} {settings.MODEL_URL} {settings.CELERY_BROKER_URL} {' '.join(hidden)}"
    text = written(record("failed: %s", said, error=ValueError(said)))
    assert "node.test" in text
    assert [secret for secret in hidden if secret in text] == []


def test_a_token_in_a_path_is_hidden():
    request = RequestFactory().get("/subscriptions/confirm/abcdef:ghi/?x=1")
    request.resolver_match = resolve(request.path)
    made = record("Internal Server Error: %s", request.path, request=request)
    assert written(made, logs.RequestFilter()).endswith(" Internal Server Error: /subscriptions/confirm/***/\n")
    other = RequestFactory().get("/river/")
    other.resolver_match = resolve(other.path)
    made = record("Internal Server Error: %s", other.path, request=other)
    assert written(made, logs.RequestFilter()).endswith(" Internal Server Error: /river/\n")


@pytest.mark.parametrize(
    ("level", "runtime_s", "kept"),
    [(logging.INFO, 0.01, False), (logging.INFO, 60.0, True), (logging.ERROR, 0.01, True), (logging.INFO, None, True)],
)
def test_only_quick_wake_ups_that_went_well_are_dropped(level, runtime_s, kept):
    made = record("Task %(name)s succeeded", {"name": "a.task", "runtime": runtime_s}, level=level)
    assert bool(written(made, logs.QuickTaskFilter())) is kept


def test_a_view_that_raises_leaves_one_record_with_its_traceback(db, monkeypatch, caplog):
    def broken(*_arguments):
        raise RuntimeError("the view is broken")

    monkeypatch.setattr(DaoView, "of", broken)
    client = Client(raise_request_exception=False)
    assert client.get("/river/?secret=of-the-query").status_code == 500
    (left,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    text = written(left, logs.RequestFilter())
    assert "Internal Server Error: /river/\n  Traceback (most recent call last):\n" in text
    assert "RuntimeError: the view is broken" in text
    assert "of-the-query" not in text


def test_the_site_and_the_worker_log_to_stderr_from_the_chosen_level():
    for level in ("DEBUG", "INFO", "ERROR"):
        chosen = logs.configuration(level)
        assert chosen["root"] == {"handlers": ["stderr"], "level": level}
        for noisy in ("httpx", "httpcore", "django.db.backends"):  # whole addresses, headers and statements
            assert chosen["loggers"][noisy]["level"] == "WARNING"
