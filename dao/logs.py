# SPDX-License-Identifier: Apache-2.0
"""Write log records as lines on stderr: when (UTC), how bad, who says it, which process, what; a traceback below.

Neither a record nor a traceback shows the secrets that the settings hold, the query string of a request or the token
in its path.
"""

import logging
import time
from typing import Any

from policies.notation.visible import visible

_SHORTEST_SECRET = 6  # characters; a shorter one would blank out ordinary words, and guards nothing
_QUICK_S = 1.0


class LineFormatter(logging.Formatter):
    """One line for a record, and the text of its exception below, indented: no text can pass for another record."""

    converter = time.gmtime

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(name)s[%(process)d] %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).replace("\r", "\\r")
        for secret in _secrets():
            text = text.replace(secret, "***")
        return visible(text).replace("\n", "\n  ")


class RequestFilter(logging.Filter):
    """Take the tokens out of the path that a record of a request names: they confirm and end subscriptions."""

    def filter(self, record: logging.LogRecord) -> bool:
        match = getattr(getattr(record, "request", None), "resolver_match", None)
        tokens = [str(value) for name, value in match.kwargs.items() if name == "token"] if match else []
        if tokens and isinstance(record.args, tuple):
            record.args = tuple(_without(argument, tokens) for argument in record.args)
        return True


def _without(value: Any, tokens: list[str]) -> Any:
    for token in tokens:
        value = value.replace(token, "***") if isinstance(value, str) else value
    return value


class QuickTaskFilter(logging.Filter):
    """Drop that a wake-up ended well within a second: several come each second. Failures and long tasks are kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.INFO or logging.getLogger().level <= logging.DEBUG:
            return True
        told = record.args if isinstance(record.args, dict) else {}
        runtime_s = told.get("runtime")
        return not isinstance(runtime_s, (int, float)) or runtime_s >= _QUICK_S


def _secrets() -> list[str]:
    """Return the secrets that the settings hold, a longer one before those that are part of it."""
    from django.conf import settings

    from governance.chain.rpc import secrets_of

    urls = [url for several in settings.RPC_URLS.values() for url in several]
    found = {
        settings.SECRET_KEY,
        settings.EMAIL_HOST_PASSWORD,
        *(database.get("PASSWORD") for database in settings.DATABASES.values()),
        *(secret for url in [*urls, settings.CELERY_BROKER_URL, settings.MODEL_URL] for secret in secrets_of(url)),
    }
    return sorted((text for text in found if text and len(text) >= _SHORTEST_SECRET), key=len, reverse=True)


def configuration(level: str) -> dict[str, Any]:
    """Return Django's LOGGING for records from `level` on."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "dao.logs.LineFormatter"}},
        "filters": {
            "request": {"()": "dao.logs.RequestFilter"},
            "quick task": {"()": "dao.logs.QuickTaskFilter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers: a mail to nobody, and a console that is silent without DEBUG.
            "django": {"handlers": [], "level": "NOTSET"},
            # What a visitor asks for in vain is no error of the site, and its path may be a half token.
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "ERROR"},
            # At DEBUG their lines would hold statements with people's addresses, and headers with keys.
            "django.db.backends": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "openai": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "celery.app.trace": {"filters": ["quick task"]},
            "celery.worker.strategy": {"level": "WARNING" if level != "DEBUG" else "DEBUG"},
        },
    }
