# SPDX-License-Identifier: Apache-2.0
"""Make values fit for the audit log: plain JSON in which no e-mail address and no secret of a URL is in clear."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

MOST_TEXT = 400  # characters of one text
# Anything around an @ that a mail program could take for an address; wide on purpose.
_EMAIL = re.compile(
    r"""(?:"(?:[^"\\\n]|\\.){1,64}"|[^\s@<>()\[\]",;:]{1,64})@(?:\[[^\s\[\]]{1,64}\]|[^\s@<>()\[\]",;:]+)"""
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>]+", re.IGNORECASE)


def plain(value: Any) -> Any:
    """Return the value as JSON without secrets. Whole numbers become text: JSON's lose digits past 2^53.

    Raises TypeError for what is no plain value.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {masked(str(name)): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} is no value of the audit log: give text")


def masked(text: str) -> str:
    """Return the text, cut, without e-mail addresses, and with no more of URLs than scheme and host. Characters that
    PostgreSQL or JSON does not take become question marks."""
    kept = "".join("?" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    flat = unicodedata.normalize("NFKC", kept)  # as who reads it, or copies it, may take it: a full-width @ is one
    if _EMAIL.search(flat) or _URL.search(flat):
        kept = flat
    return _EMAIL.sub("[e-mail address]", _URL.sub(_host_alone, kept))[:MOST_TEXT]


def _host_alone(found: re.Match[str]) -> str:
    try:
        parts = urlsplit(found[0])
        host, port = parts.hostname, parts.port
    except ValueError:
        return "[address]"
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}" if host else "[address]"
