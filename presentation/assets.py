# SPDX-License-Identifier: Apache-2.0
"""A DAO's tokens and native currency, with what is needed to write their amounts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext

from governance.models import Contract
from governance.numbers import grouped, in_language
from policies.notation.amounts import units
from policies.notation.visible import one_line
from presentation import words

_PLAIN_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9$._-]*")


@dataclass(frozen=True)
class Asset:
    """A token (or the native currency, under 20 zero bytes) with what is needed to write its amounts."""

    address: bytes
    symbol: str
    decimals: int
    known: bool = True  # False: nobody told us its decimals, so amounts are in base units
    # Another asset of the DAO has the same symbol, or this one has none: the symbol alone does not say which it is.
    shared: bool = False

    @property
    def name(self) -> str:
        """The symbol; with the address where another asset has the same symbol, or where the symbol, which is the
        token's own word, could pass for another one or for a part of the amount: then in quotes too."""
        plain = not any(self.address) or _PLAIN_SYMBOL.fullmatch(self.symbol)
        if plain and not self.shared:
            return self.symbol
        which = words.address_text(self.address) if any(self.address) else gettext("the native currency")
        return f"{self.symbol} ({which})" if plain else f"“{self.symbol}” ({which})"

    def text(self, base_units: int, places: int | None = 4) -> str:
        """`12.5 USDC`, or `12500000 base units of 0x1234…cdef`."""
        if not self.known:
            asset = words.short(words.address_text(self.address))
            return gettext("%(amount)s base units of %(asset)s") % {"amount": grouped(base_units), "asset": asset}
        return f"{in_language(units(base_units, self.decimals, places=places))} {self.name}"


def asset_of(contract: Contract, symbol: str = "", decimals: int | None = None) -> Asset:
    told = contract.capabilities
    known = told.get("decimals", decimals)
    named = one_line(str(told.get("symbol") or symbol), 16)
    return Asset(
        bytes(contract.address),
        named or gettext("tokens"),
        int(known) if known is not None else 0,
        known=known is not None,
        shared=not named,  # "tokens" does not say which
    )
