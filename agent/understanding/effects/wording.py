# SPDX-License-Identifier: Apache-2.0
"""The sentences about calls (`governance.sentences`), whose families add their own.

Addresses, amounts, units and durations are values of their own form, so that
each page words them in its language:

- `{"address": "0x...", "name": "the treasury"}`: a party; the name only where the book has one;
- `{"amount": "1500000", "asset": "0x...", "symbol": "USDC", "decimals": 6}`: base units of a token; no symbol where the
  book doesn't know the token;
- `{"asset": "0x...", "symbol": "USDC"}`: a token;
- `{"seconds": "172800"}`, `{"blocks": "50400"}`: a duration.

Text that comes from a chain is made harmless (one line, visible characters, cut) before it becomes a value.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop

from governance.numbers import grouped, in_language
from governance.sentences import Table, Translate
from policies.notation.amounts import units

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


def _in_words(value: Mapping[str, Any], translate: Translate) -> str:
    """A value as it is put into a sentence."""
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
    return translate(_BLOCKS).format(blocks=grouped(int(value["blocks"]), translate))


TABLE = Table("effects", {}, _in_words)  # each family adds its own


def _party(address: str, name: str | None, translate: Translate) -> str:
    if not name:
        return address
    return f"{translate(name) if name in OWN_NAMES else name} ({address})"


def _amount(value: Mapping[str, Any], translate: Translate) -> str:
    amount = int(value["amount"])
    if symbol := value.get("symbol"):
        return f"{in_language(units(amount, value['decimals']), translate)} {symbol}"
    token = _party(value["asset"], value.get("name"), translate)
    return translate(_BASE_UNITS).format(amount=grouped(amount, translate), token=token)


def _duration(seconds: int, translate: Translate) -> str:
    shown = grouped(seconds, translate)
    for size, one, many in _DURATIONS:
        if seconds and seconds % size == 0:
            count = seconds // size
            return translate(one if count == 1 else many).format(seconds=shown, count=grouped(count, translate))
    return translate(_SECONDS).format(seconds=shown)
