# SPDX-License-Identifier: Apache-2.0
"""Amounts, addresses, hashes, times and verdicts as people read them, in the reader's language. Values in, text out."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from cchecksum import to_checksum_address
from django.utils import dateformat
from django.utils.translation import gettext, gettext_noop, ngettext, pgettext

from governance.numbers import in_language
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line

ZERO_ADDRESS = bytes(20)


def address_text(address: bytes) -> str:
    """The EIP-55 checksummed text of a 20-byte address."""
    return str(to_checksum_address(hex_text(address)))


def short(text: str) -> str:
    """`0x1234…cdef`: enough to recognise, never enough to copy."""
    return f"{text[:6]}…{text[-4:]}" if len(text) > 14 else text


def percent(part: int, whole: int) -> str:
    """`part` of `whole` in per cent with one decimal, cut towards zero (so 49.96 % never reads as 50)."""
    if whole <= 0:
        return "0 %"
    tenths = part * 1000 // whole
    return f"{in_language(f'{tenths // 10}.{tenths % 10}')} %" if tenths % 10 else f"{tenths // 10} %"


def basis_points(share: int) -> str:
    """A share of 10,000 in per cent, whole: `33.33 %`."""
    cents = f"{share % 100:02}".rstrip("0")
    return f"{in_language(f'{share // 100}.{cents}')} %" if cents else f"{share // 100} %"


def duration(seconds: int) -> str:
    """A length of time in its two largest units: `3 days 4 hours`. Never negative."""
    days, rest = divmod(max(0, seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = (
        (days, ngettext("%(count)s day", "%(count)s days", days)),
        (hours, ngettext("%(count)s hour", "%(count)s hours", hours)),
        (minutes, ngettext("%(count)s minute", "%(count)s minutes", minutes)),
        (rest, ngettext("%(count)s second", "%(count)s seconds", rest)),
    )
    largest = next((i for i, (count, _text) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(text % {"count": count} for count, text in parts[largest : largest + 2] if count) or (
        ngettext("%(count)s second", "%(count)s seconds", 0) % {"count": 0}
    )


def when(moment_: datetime.datetime) -> str:
    """A moment as `22 Nov 2026, 18:40 UTC`."""
    shown = dateformat.format(moment_.astimezone(datetime.UTC), pgettext("date format", "j M Y, H:i"))
    return gettext("%(moment)s UTC") % {"moment": shown}


def moment(chain_s: int) -> str:
    """A chain time (Unix seconds) as `22 Nov 2026, 18:40 UTC`; a time no calendar has is shown as its number."""
    try:
        return when(datetime.datetime.fromtimestamp(chain_s, tz=datetime.UTC))
    except (OverflowError, ValueError, OSError):
        return gettext("Unix time %(number)s") % {"number": chain_s}


def day(chain_s: int) -> str:
    """A chain time's day, UTC: `22 Nov 2026`; a time no calendar has is shown as its number."""
    try:
        moment_ = datetime.datetime.fromtimestamp(chain_s, tz=datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return gettext("Unix time %(number)s") % {"number": chain_s}
    return dateformat.format(moment_, pgettext("date format", "j M Y"))


def iso(chain_s: int) -> str:
    """A chain time for a `datetime` attribute; empty where no calendar has it."""
    try:
        return datetime.datetime.fromtimestamp(chain_s, tz=datetime.UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return ""


VERDICTS = {
    "told": gettext_noop("The text names everything that the calls do"),
    "told_in_part": gettext_noop("The text mentions what the calls do, but not all of it"),
    "not_told": gettext_noop("The calls do something that the text does not mention"),
    "differs": gettext_noop("The text says something else than the calls do"),
    "cant_be_checked": gettext_noop("Some calls can't be decoded, so the text can't be checked"),
    "no_calls": gettext_noop("The proposal has no calls: the vote alone changes nothing on chain"),
    # Of rows that earlier rules judged, until they are judged again.
    "matches": gettext_noop("Each call matched a sentence by the rules before; not compared by today's yet"),
    "unmatched": gettext_noop("Not compared by today's rules yet"),
    "opaque": gettext_noop("Some calls can't be decoded, so this can't be checked"),
    "unread": gettext_noop("The text was not compared with the calls yet"),
}

_HIDDEN = {
    "comment": gettext_noop("HTML comment, hidden by other sites"),
    "element": gettext_noop("HTML that other sites hide"),
    "attribute": gettext_noop("Words in an HTML tag, hidden by other sites"),
    "alt": gettext_noop("Description of a picture, hidden by other sites"),
    "definition": gettext_noop("Link definition that no page shows"),
    "title": gettext_noop("Title of a link that no page prints"),
    "language": gettext_noop("Words behind the name of a language that no page shows"),
    "cell": gettext_noop("Cell of a table that no page shows"),
    "zero-width": gettext_noop("Characters that nobody sees"),
    "bidirectional": gettext_noop("Characters that turn the direction of writing"),
    "tag": gettext_noop("Invisible characters that spell words"),
    "control": gettext_noop("Control characters"),
}


def verdict(code: str) -> str:
    """Return what a verdict says, as the start of a sentence; a code that is not known as it is."""
    return gettext(VERDICTS[code]) if code in VERDICTS else code


def hidden(notice: Mapping[str, Any]) -> str:
    """Return what some readers of a text don't see, with a sample: an item of `Summary.hidden` in words."""
    kind, count, sample = str(notice["kind"]), int(notice["count"]), str(notice.get("sample", ""))
    shown = {"what": gettext(_HIDDEN[kind]) if kind in _HIDDEN else kind, "count": count, "sample": one_line(sample)}
    return (gettext("%(what)s (%(count)s): “%(sample)s”") if sample else gettext("%(what)s (%(count)s)")) % shown
