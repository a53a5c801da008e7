# SPDX-License-Identifier: Apache-2.0
"""Settings, all from the environment: embedded stack and production differ only in these values (README's table)."""

import json
import os
import re
from pathlib import Path
from typing import Any

import dj_database_url
import rfc8785
from django.core.exceptions import ImproperlyConfigured

from dao import environment, logs

ROOT = Path(__file__).resolve().parent.parent
STATE_DIR = Path(os.environ.get("MANDATE_STATE_DIR", ROOT / ".mandate"))


def _secret(name: str, default: str | None = None) -> str | None:
    """The content of the file that `<name>_FILE` names: secrets never stand in the environment itself."""
    path = os.environ.get(f"{name}_FILE")
    try:
        return Path(path).read_text().strip() if path else default
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which holds no text: write it as text") from None


def _database(url: str) -> dict[str, Any]:
    """Return what Django is told of the database; the URL may hold a password, so no refusal repeats it."""
    try:
        found = dict(dj_database_url.parse(url, conn_max_age=60))
    except ValueError:
        found = {}
    if found.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL is no postgres://<user>@<host>:<port>/<name>")
    return found


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit():
        raise ImproperlyConfigured(f"{name} is {text!r}: set it to a whole number")
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is there twice")
    return found


# What the product itself says in each request: an answer that obeys our schema, complete, in one piece, from one model.
_OUR_FIELDS = {
    "model", "messages", "prompt", "response_format", "temperature", "seed", "max_tokens", "max_completion_tokens", "n",
    "stream", "stream_options", "tools", "tool_choice", "functions", "function_call", "structured_outputs",
    "guided_json", "guided_regex", "guided_choice", "guided_grammar", "grammar", "json_schema",
}  # fmt: skip


def _extra_body(text: str) -> dict[str, Any]:
    """The fields that go along with each request to the model, from a JSON object. They stand in public records."""
    if len(text) > 10_000:
        raise ImproperlyConfigured("MODEL_EXTRA_BODY is longer than 10,000 characters")
    try:
        found = json.loads(text or "{}", object_pairs_hook=_unique)
        rfc8785.dumps(found)  # records hold it in this form; it has no NaN, no huge integer, no half character
    except (ValueError, RecursionError) as error:
        raise ImproperlyConfigured(f"MODEL_EXTRA_BODY can't be read as JSON: {error}"[:200]) from None
    if not isinstance(found, dict):
        raise ImproperlyConfigured('MODEL_EXTRA_BODY is no JSON object: set it to one, such as {"top_k": 1}')
    if ours := sorted(_OUR_FIELDS & set(found)):
        raise ImproperlyConfigured(f"MODEL_EXTRA_BODY may not set {', '.join(ours)}: these are set by Mandate itself")
    return found


_MOST_DEPTH = 1_000_000


def _by_chain(text: str) -> dict[int, list[str]]:
    """`31337=http://127.0.0.1:8545 1=https://a 1=https://b` -> {31337: [...], 1: [a, b]}; several endpoints a chain."""
    urls: dict[int, list[str]] = {}
    for item in text.split():
        chain_id, _, url = item.partition("=")
        if not (chain_id.isascii() and chain_id.isdigit() and url.lower().startswith(("http://", "https://"))):
            raise ImproperlyConfigured(  # urls hold keys
                "MANDATE_RPC_URLS holds an item that is not <chain id>=<url>, with a url of http:// or https://"
            )
        urls.setdefault(int(chain_id), []).append(url)
    return urls


def _depths(text: str) -> dict[int, int]:
    """`137=512 10=300` -> {137: 512, 10: 300}: blocks, by chain."""
    depths: dict[int, int] = {}
    for item in text.split():
        chain_id, _, blocks = item.partition("=")
        if not all(part.isascii() and part.isdigit() and len(part) < 16 for part in (chain_id, blocks)) or not (
            0 < int(blocks) <= _MOST_DEPTH
        ):
            raise ImproperlyConfigured(
                f"MANDATE_FINALITY_DEPTHS holds {item[:40]!r}: write <chain id>=<blocks>, 1 to {_MOST_DEPTH:,} of them"
            )
        depths[int(chain_id)] = int(blocks)
    return depths


DEBUG = False
# Empty without a secret file: then nothing is served, signed or mailed. Tests and the embedded stack make one.
SECRET_KEY = _secret("MANDATE_SECRET_KEY", "")
if os.environ.get("MANDATE_SECRET_KEY_FILE") and not SECRET_KEY:
    raise ImproperlyConfigured("MANDATE_SECRET_KEY_FILE names an empty file: write a long random text into it")
ORIGIN = environment.origin("MANDATE_ORIGIN", os.environ.get("MANDATE_ORIGIN") or "http://127.0.0.1:8000")
ALLOWED_HOSTS = [re.sub(r":[0-9]+$", "", ORIGIN.split("://", 1)[1])]
CSRF_TRUSTED_ORIGINS = [ORIGIN]
# Whose X-Forwarded-For is believed. X-Forwarded-Proto is not read: the scheme is the origin's.
TRUSTED_PROXIES, UNIX_SOCKET_IS_TRUSTED = environment.proxies(
    "MANDATE_TRUSTED_PROXIES", os.environ.get("MANDATE_TRUSTED_PROXIES", "")
)
# Who runs this site: they see subscribers and the audit log, and may stop and start any agent here (governance.roles).
KEEPERS = environment.addresses("MANDATE_KEEPERS", os.environ.get("MANDATE_KEEPERS", ""))
# Who may see the names on rosters beside their operators, and each payee its own (governance.roles).
AUDITORS = environment.addresses("MANDATE_AUDITORS", os.environ.get("MANDATE_AUDITORS", ""))
LOGGING = logs.configuration(environment.log_level("MANDATE_LOG_LEVEL", os.environ.get("MANDATE_LOG_LEVEL") or "INFO"))

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "governance",
    "replay",
    "agent",
    "webapp",
    "dao",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pages, answers, and the script: a third of their size on the way
    "webapp.middleware.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "webapp.middleware.InTheReadersLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "webapp.middleware.HalfRequest",
    "webapp.middleware.Audited",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
ROOT_URLCONF = "dao.urls"
WSGI_APPLICATION = "dao.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "webapp.languages.offered",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": _database(
        _secret("DATABASE_URL") or os.environ.get("DATABASE_URL", "postgres://mandate@127.0.0.1:5432/mandate")
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
# Catalogs are compiled by the install (dao/local/languages.py); a language without one is not offered.
LOCALE_PATHS = [ROOT / ".build" / "locale"]
LANGUAGES = [
    (code, name)
    for code, name in (("en", "English"), ("de", "Deutsch"))
    if code == "en" or (LOCALE_PATHS[0] / code / "LC_MESSAGES" / "django.mo").is_file()
]
STATIC_URL = "static/"
STATICFILES_DIRS = [ROOT / ".build" / "static"] if (ROOT / ".build" / "static").is_dir() else []
WHITENOISE_USE_FINDERS = True  # files are served from where they lie: nothing to collect, nothing to forget

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = os.environ.get("MANDATE_COOKIE", "mandate")  # cookies cross ports: a name per instance
CSRF_COOKIE_NAME = SESSION_COOKIE_NAME + "_csrf"
LANGUAGE_COOKIE_NAME = SESSION_COOKIE_NAME + "_language"
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = ORIGIN.startswith("https://")
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# Celery only wakes workers; due work is rows with leases (governance.work).
# JSON only: a broker is never trusted with pickles.
CELERY_BROKER_URL = _secret("BROKER_URL", os.environ.get("BROKER_URL", "redis://127.0.0.1:6379/0"))
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = 6
# In memory: no interval is long enough to be worth a file, and none is written into the checkout.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 15,
    "unacked_restore_throttle": 1,
}
CELERY_TIMEZONE = "UTC"

EMAIL_HOST = os.environ.get("SMTP_HOST", "127.0.0.1")
EMAIL_PORT = _number("SMTP_PORT", 25)
EMAIL_HOST_USER = os.environ.get("SMTP_USER", "")
EMAIL_HOST_PASSWORD = _secret("SMTP_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("SMTP_TLS", "") == "1"
EMAIL_TIMEOUT = 10
# Blocks that must stand on the one that brings news before it is mailed; what is replaced after that is corrected.
MAIL_DEPTH_BLOCKS = _number("MANDATE_MAIL_DEPTH", 0)
DEFAULT_FROM_EMAIL = os.environ.get("MANDATE_FROM", "Mandate <mandate@localhost>")

# Networks that webhooks may be sent to beside the public internet, also without TLS: for tests, and not to be set from
# outside.
WEBHOOK_TEST_NETWORKS: list[Any] = []

# Chains: where to read, and which one (if any) is the local test chain that may be wound forward.
RPC_URLS = _by_chain(os.environ.get("MANDATE_RPC_URLS", ""))
# Blocks that must stand on a block for it to be final, where it is not to be governance.finality_depth's.
FINALITY_DEPTHS = _depths(os.environ.get("MANDATE_FINALITY_DEPTHS", ""))
LOCAL_CHAIN_ID = _number("MANDATE_LOCAL_CHAIN", 0) or None
if LOCAL_CHAIN_ID not in (None, 1337, 31337):
    raise ImproperlyConfigured(
        f"MANDATE_LOCAL_CHAIN is {LOCAL_CHAIN_ID}: a test wallet and a clock to wind exist on test chains only "
        "(1337 or 31337)"
    )

# What the agent's and the relayer's accounts should hold at least (gas must be paid) and at most (a stolen key takes it
# all): in wei of the chain's native currency, by chain. Outside of that, the site raises an alarm.
KEY_FLOORS_WEI = environment.wei_by_chain("MANDATE_KEY_FLOOR_WEI", os.environ.get("MANDATE_KEY_FLOOR_WEI", ""))
KEY_CAPS_WEI = environment.wei_by_chain("MANDATE_KEY_CAP_WEI", os.environ.get("MANDATE_KEY_CAP_WEI", ""))

# The most that a transaction of ours may ever pay per gas.
MANDATE_MAX_FEE_GWEI = _number("MANDATE_MAX_FEE_GWEI", 200)

# The model server, spoken to over the OpenAI protocol (vLLM in production, llama.cpp embedded).
MODEL_URL = os.environ.get("MODEL_URL", "")
MODEL_NAME = os.environ.get("MODEL_NAME", "")
MODEL_IS_DEMO = os.environ.get("MODEL_IS_DEMO", "") == "1"
MODEL_API_KEY_FILE = os.environ.get("MODEL_API_KEY_FILE", "")
if MODEL_URL and not MODEL_URL.lower().startswith(("http://", "https://")):
    raise ImproperlyConfigured("MODEL_URL does not begin with http:// or https://")  # not shown: it may hold a password
# How long one answer may take in all: connecting, reading, and asking once more.
MODEL_DEADLINE_S = _number("MODEL_DEADLINE_S", 180)
if not 1 <= MODEL_DEADLINE_S <= 3600:
    raise ImproperlyConfigured(f"MODEL_DEADLINE_S is {MODEL_DEADLINE_S}: set it to 1 to 3600 seconds")
# How long a request waits for the model's word; after that exactly the roster is paid without it, and that is told.
MODEL_SILENCE_S = _number("MODEL_SILENCE_S", 3600)
if not 0 <= MODEL_SILENCE_S <= 2_592_000:
    raise ImproperlyConfigured(f"MODEL_SILENCE_S is {MODEL_SILENCE_S}: set it to 0 to 2592000 seconds")
MODEL_EXTRA_BODY = _extra_body(_secret("MODEL_EXTRA_BODY", os.environ.get("MODEL_EXTRA_BODY", "")) or "")

# Keys are Ethereum keystore files; their passwords lie in files that only the service may read.
AGENT_KEYSTORE = os.environ.get("MANDATE_AGENT_KEYSTORE", "")
AGENT_PASSWORD_FILE = os.environ.get("MANDATE_AGENT_PASSWORD_FILE", "")
RELAYER_KEYSTORE = os.environ.get("MANDATE_RELAYER_KEYSTORE", "")
RELAYER_PASSWORD_FILE = os.environ.get("MANDATE_RELAYER_PASSWORD_FILE", "")
