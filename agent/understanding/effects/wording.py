# SPDX-License-Identifier: Apache-2.0
"""The sentences about calls, all in one table: each family of functions adds its own.

Addresses, amounts, units and durations in them are sentences too, so that each page words them in its language. Text
that comes from a chain is made harmless (one line, visible characters, cut) before it becomes a value.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_noop

from governance.chain.address import checksum
from governance.sentences import Sentence, Table, Template, Translate, Values

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
_DURATIONS = (
    (86_400, gettext_noop("{seconds} seconds (1 day)"), gettext_noop("{seconds} seconds ({count} days)")),
    (3_600, gettext_noop("{seconds} seconds (1 hour)"), gettext_noop("{seconds} seconds ({count} hours)")),
    (60, gettext_noop("{seconds} seconds (1 minute)"), gettext_noop("{seconds} seconds ({count} minutes)")),
)
_SECONDS = gettext_noop("{seconds} seconds")
_BLOCKS = gettext_noop("{blocks} blocks")
_BASE_UNITS = gettext_noop("{amount} base units of token {token}")


def _named(values: Values, translate: Translate) -> str:
    name = values["name"]
    return f"{translate(name) if name in OWN_NAMES else name} ({values['address']})"


def _amount(values: Values, _translate: Translate) -> str:
    return f"{units(int(values['amount']), values['decimals'])} {values['symbol']}"


def _base_units(values: Values, translate: Translate) -> str:
    return translate(_BASE_UNITS).format(amount=f"{int(values['amount']):,}", token=values["token"])


def _duration(values: Values, translate: Translate) -> str:
    seconds = int(values["seconds"])
    shown = f"{seconds:,}"
    for size, one, many in _DURATIONS:
        if seconds and seconds % size == 0:
            count = seconds // size
            return translate(one if count == 1 else many).format(seconds=shown, count=f"{count:,}")
    return translate(_SECONDS).format(seconds=shown)


def _blocks(values: Values, translate: Translate) -> str:
    return translate(_BLOCKS).format(blocks=f"{int(values['blocks']):,}")


def _list(values: Values, _translate: Translate) -> str:
    return "; ".join(values["items"])


TABLE = Table(
    "calls",
    {
        "party": "{address}",
        "named_party": _named,
        "amount": _amount,
        "base_units": _base_units,
        "symbol": "{symbol}",
        "token": gettext_noop("token {token}"),
        "seconds": _duration,
        "blocks": _blocks,
        "list": _list,
    },
)


class Speaker:
    """Says sentences of the table, having added those of one family: code -> English, marked for translation."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        """Raises ValueError for a code by which another family says another sentence."""
        TABLE.add(templates)
        self.templates = templates

    def __call__(self, code: str, /, **values: Any) -> Sentence:
        """Return the sentence of a code. Raises KeyError for a code, or a value of its text, that is not known."""
        return TABLE.say(code, **values)


# Values of sentences.


def party(address: bytes, name: str | None = None) -> Sentence:
    """An address, with its name where it has one."""
    if not name:
        return TABLE.say("party", address=checksum(address))
    return TABLE.say("named_party", address=checksum(address), name=name)


def amount_of(asset: bytes, amount: int, symbol: str, decimals: int) -> Sentence:
    """An amount of a known token, in base units: `1.5 USDC`."""
    return TABLE.say("amount", asset=checksum(asset), amount=str(amount), symbol=symbol, decimals=decimals)


def base_units_of(asset: bytes, amount: int, name: str | None) -> Sentence:
    """An amount of a token whose decimals nobody knows."""
    return TABLE.say("base_units", asset=checksum(asset), amount=str(amount), token=party(asset, name))


def seconds(count: int) -> Sentence:
    return TABLE.say("seconds", seconds=str(count))


def blocks(count: int) -> Sentence:
    return TABLE.say("blocks", blocks=str(count))


def listed(items: Iterable[Any]) -> Sentence:
    """Several parts with "; " between."""
    return TABLE.say("list", items=list(items))


def units(amount: int, decimals: int) -> str:
    """Base units as an exact decimal number with thousands separators: units(1_500_000, 6) == "1.5"."""
    whole, rest = divmod(amount, 10**decimals)
    fraction = str(rest).rjust(decimals, "0").rstrip("0") if decimals else ""
    return f"{whole:,}.{fraction}" if fraction else f"{whole:,}"
