# SPDX-License-Identifier: Apache-2.0
"""Sentences about calls: a code with values, worded in English where it is made and in any language where it is shown.

Values are plain JSON or other sentences. Addresses, amounts, units and durations are values of their own form, so that
each page words them in its language:

- `{"address": "0x...", "name": "the treasury"}`: a party; the name only where the book has one;
- `{"amount": "1500000", "asset": "0x...", "symbol": "USDC", "decimals": 6}`: base units of a token; no symbol where the
  book doesn't know the token;
- `{"asset": "0x...", "symbol": "USDC"}`: a token;
- `{"seconds": "172800"}`, `{"blocks": "50400"}`: a duration;
- a list of any of these: its parts with "; " between.

Text that comes from a chain is made harmless (one line, visible characters, cut) before it becomes a value.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext, gettext_noop

Values = Mapping[str, Any]
Translate = Callable[[str], str]  # a message into a language; `str` for English

# Names that the mirror gives to a DAO's own contracts. Every other name is somebody's own word, and stays.
OWN_NAMES = frozenset(
    (
        gettext_noop("the governor"),
        gettext_noop("the timelock"),
        gettext_noop("the treasury"),
        gettext_noop("the policy module"),
        gettext_noop("the votes token"),
    )
)
_BASE_UNITS = gettext_noop("{amount} base units of token {token}")
_TOKEN = gettext_noop("token {token}")
_DURATIONS = (
    (86_400, gettext_noop("{seconds} seconds (1 day)"), gettext_noop("{seconds} seconds ({count} days)")),
    (3_600, gettext_noop("{seconds} seconds (1 hour)"), gettext_noop("{seconds} seconds ({count} hours)")),
    (60, gettext_noop("{seconds} seconds (1 minute)"), gettext_noop("{seconds} seconds ({count} minutes)")),
)
_SECONDS = gettext_noop("{seconds} seconds")
_BLOCKS = gettext_noop("{blocks} blocks")


class Sentence(str):
    """A sentence that knows its code and its values. As text it is English."""

    __slots__ = ("code", "values")

    code: str
    values: Values

    def __new__(cls, code: str, template: str, values: Values) -> "Sentence":
        """Raises KeyError for a value that the template names and `values` lacks."""
        made = super().__new__(cls, worded(template, values, str))
        made.code, made.values = code, dict(values)
        return made

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "values": {name: _json(value) for name, value in self.values.items()}}


class Speaker:
    """Says the sentences of one family. `templates`: code -> English, marked for translation."""

    def __init__(self, templates: Mapping[str, str]):
        self.templates = templates

    def __call__(self, code: str, /, **values: Any) -> Sentence:
        """Return the sentence of a code. Raises KeyError for a code, or a value of its text, that is not known."""
        return Sentence(code, self.templates[code], values)


def worded(template: str, values: Values, translate: Translate, templates: Mapping[str, str] | None = None) -> str:
    """Return a template with its values in a language. `templates` words the sentences among values that are JSON."""
    shown = {name: _shown(value, translate, templates or {}) for name, value in values.items()}
    return translate(template).format_map(shown)


def read(stored: Mapping[str, Any], templates: Mapping[str, str], translate: Translate = gettext) -> str:
    """Return a stored sentence in a language. Raises KeyError, TypeError or ValueError for what no code here says."""
    return worded(templates[stored["code"]], stored["values"], translate, templates)


def _json(value: Any) -> Any:
    if isinstance(value, Sentence):
        return value.as_json()
    return [_json(one) for one in value] if isinstance(value, (list, tuple)) else value


def _shown(value: Any, translate: Translate, templates: Mapping[str, str]) -> Any:
    """A value as it is put into a sentence."""
    if isinstance(value, (list, tuple)):
        return "; ".join(str(_shown(one, translate, templates)) for one in value)
    if not isinstance(value, Mapping):
        return value
    if "code" in value:
        return read(value, templates, translate)
    if "address" in value:
        return _party(value["address"], value.get("name"), translate)
    if "amount" in value:
        return _amount(value, translate)
    if "asset" in value:
        return value.get("symbol") or translate(_TOKEN).format(
            token=_party(value["asset"], value.get("name"), translate)
        )
    if "seconds" in value:
        return _duration(int(value["seconds"]), translate)
    return translate(_BLOCKS).format(blocks=f"{int(value['blocks']):,}")


def _party(address: str, name: str | None, translate: Translate) -> str:
    if not name:
        return address
    return f"{translate(name) if name in OWN_NAMES else name} ({address})"


def _amount(value: Mapping[str, Any], translate: Translate) -> str:
    amount = int(value["amount"])
    if symbol := value.get("symbol"):
        return f"{units(amount, value['decimals'])} {symbol}"
    token = _party(value["asset"], value.get("name"), translate)
    return translate(_BASE_UNITS).format(amount=f"{amount:,}", token=token)


def _duration(seconds: int, translate: Translate) -> str:
    shown = f"{seconds:,}"
    for size, one, many in _DURATIONS:
        if seconds and seconds % size == 0:
            count = seconds // size
            return translate(one if count == 1 else many).format(seconds=shown, count=f"{count:,}")
    return translate(_SECONDS).format(seconds=shown)


def units(amount: int, decimals: int) -> str:
    """Base units as an exact decimal number with thousands separators: units(1_500_000, 6) == "1.5"."""
    whole, rest = divmod(amount, 10**decimals)
    fraction = str(rest).rjust(decimals, "0").rstrip("0") if decimals else ""
    return f"{whole:,}.{fraction}" if fraction else f"{whole:,}"
