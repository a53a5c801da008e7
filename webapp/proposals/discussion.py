# SPDX-License-Identifier: Apache-2.0
"""Where a proposal's text says that it is discussed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from policies.notation.visible import one_line

# Places where DAOs discuss, by a part of the host's name, and by the path that the forum's software gives its threads.
_HOSTS = ("forum", "discourse", "gov", "commonwealth", "discuss", "research")
_PATHS = ("/t/", "/discussion")


@dataclass(frozen=True)
class Discussion:
    """A link of the text. Its author wrote it: where it leads is nobody's word but theirs."""

    url: str
    host: str


def discussion_in(links: Iterable[str]) -> Discussion | None:
    """Return the first of a text's links that looks like a thread of a forum; None where there is none."""
    for link in links:
        try:
            parts = urlsplit(link)
            host = parts.hostname or ""
        except ValueError:
            continue  # no address that a browser would follow
        if parts.scheme != "https" or not host.isascii() or not parts.path.startswith(_PATHS):
            continue
        if any(part.startswith(_HOSTS) for part in host.split(".")):
            return Discussion(link, one_line(host, 80))
    return None
