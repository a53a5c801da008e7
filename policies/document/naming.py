# SPDX-License-Identifier: Apache-2.0
"""Who is meant: tokens, named addresses, address books and ENS names, so that no address is mistaken for another."""

import difflib
import re
from collections.abc import Iterable, Mapping

from policies.code.document_model import Sources
from policies.document.fields import name as checked_name
from policies.document.fields import symbol as checked_symbol
from policies.known import tokens as known_tokens
from policies.notation.amounts import ETHER, Token, Unclear
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import checksum, is_hex_address
from policies.notation.problems import shown

ANYTHING = ("anything", "anyone")
_MOST_LOOKED_FOR = 50_000  # names that wrong ones are held against, in one document

_FROZEN = re.compile(r"(.{1,255}) is (0x[0-9a-fA-F]{40})")
_DOMAIN = re.compile(r"[^\s./:]+(?:\.[^\s./:]+)+")
_ADDRESS_WITHIN = re.compile(r"(?<![0-9a-zA-Z])0x[0-9a-fA-F]{40}(?![0-9a-zA-Z])")  # of a link, or behind `eth:`
_PLAIN_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10}")
# Letters of lower-case ASCII that are drawn alike: two names that differ only in these are one trap.
_ALIKE = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("2", "z"), ("-", ""))


class Names:
    """The names that stand in one document, and what the caller's sources add to them.

    `read_back` is for documents of code found on chain: what would be refused as too easy to mistake is then a warning,
    collected in `doubts`, because the code is what it is.
    """

    def __init__(self, sources: Sources, *, read_back: bool) -> None:
        self._sources = sources
        self._read_back = read_back
        self._callers: dict[bytes, str] = {address: name for name, address in sources.book.items()}
        self._by_ends: dict[bytes, dict[bytes, str]] = {}
        self._domains: dict[str, str] = {}
        self._looked_for = 0
        self.tokens: dict[str, Token] = {ETHER.symbol: ETHER}
        self.addresses: dict[str, bytes] = {}
        self.list_names: list[str] = []
        self.doubts: list[Unclear] = []
        for address, name in self._callers.items():
            self._alike(address).setdefault(address, name)

    def address(self, text: str) -> tuple[bytes, str]:
        """The address that is meant, and the text to freeze in place of what stands outside the document."""
        if text in self.addresses:
            return self.addresses[text], text
        if text in self.tokens and text != ETHER.symbol:
            return self.tokens[text].address, text
        address, frozen = self._outside(text)
        self._beware_look_alikes(address, self._callers.get(address, checksum(address)))
        return address, frozen

    def name_address(self, name: str, text: str) -> tuple[bytes, str]:
        """Gives an address the name."""
        address, frozen = self._outside(text)
        if address in self._named():
            raise Unclear(
                f"{checksum(address)} is already called {self._named()[address]}", "keep one name for one address"
            )
        if self._sources.book.get(name, address) != address:
            raise Unclear(
                f"{name} is {checksum(address)} here and {checksum(self._sources.book[name])} in the address book",
                "check which of the two is meant, and rename or correct one",
            )
        self._beware_look_alikes(address, name)
        self.addresses[name] = address
        return address, frozen

    def add_token(self, symbol: str, text: str, decimals: int) -> str:
        """Gives a token its symbol. Returns the text to freeze as its address."""
        address, frozen = self._outside(text)
        if address in self._named():
            raise Unclear(
                f"{checksum(address)} is already called {self._named()[address]}", "keep one name for one address"
            )
        self._refuse_other_decimals(symbol, address, decimals)
        self._beware_look_alikes(address, symbol)
        self.tokens[symbol] = Token(symbol, address, decimals)
        return frozen

    def _refuse_other_decimals(self, symbol: str, address: bytes, decimals: int) -> None:
        """By the caller's tokens, and by the lists that people publish: one that no chain's list agrees with."""
        known = self._sources.tokens.get(address)
        if known is not None and known.decimals != decimals:
            raise Unclear(
                f"{symbol} has {known.decimals} decimals, not {decimals}", f"write `decimals: {known.decimals}`"
            )
        published = known_tokens.at(address)
        if known is None and published and all(one.decimals != decimals for one in published):
            found = ", or ".join(f"{one.decimals} ({one.symbol} {one.where})" for one in published[:3])
            self._doubt(
                Unclear(
                    f"{symbol} has other decimals than {decimals}: {found}",
                    f"write `decimals: {published[0].decimals}`",
                )
            )

    def new_symbol(self, text: str) -> str:
        _refuse_taken(checked_symbol(text), self.tokens, "the symbol", "give each token its own symbol (ETH is ether)")
        return text

    def new_name(self, text: str) -> str:
        taken = (*self.addresses, *self.tokens, *ANYTHING)
        _refuse_taken(checked_name(text), taken, "the name", "give each address its own name")
        if text.lower().endswith(".eth") and not self._read_back:
            raise Unclear(
                f"members would take {text} for an ENS name that was resolved", "give the address a name without .eth"
            )
        return text

    def new_list_name(self, text: str) -> str:
        taken = (*self.list_names, *self.addresses, *self.tokens, *ANYTHING)
        _refuse_taken(checked_name(text), taken, "the name", "give the list its own name")
        return text

    def _named(self) -> dict[bytes, str]:
        return {address: name for name, address in self.addresses.items()} | {
            token.address: token.symbol for token in self.tokens.values()
        }

    def _outside(self, text: str) -> tuple[bytes, str]:
        """An address that the document has no name for yet."""
        if match := _FROZEN.fullmatch(text):
            address = self._checksummed(match[2])
            self._refuse_moved(match[1], address)
            return address, text
        for known in (self._sources.book, self._sources.ens):
            if text in known:
                self._refuse_alike_domains(text)
                return known[text], f"{text} is {checksum(known[text])}"
        if _DOMAIN.fullmatch(text):
            self._refuse_alike_domains(text)
            if text.endswith(".eth"):
                raise Unclear(
                    f"{shown(text)} was not resolved: an ENS name needs a chain",
                    "resolve it with `manage.py policy ... --rpc URL`, or write the address it stands for",
                )
            raise Unclear(
                f"{shown(text)} was not resolved", "resolve it when compiling, or write the address it stands for"
            )
        return self._checksummed(text), text

    def _refuse_moved(self, name: str, address: bytes) -> None:
        """A name that was frozen and has another address by now."""
        if _DOMAIN.fullmatch(name):
            self._refuse_alike_domains(name)
        for known in (self._sources.book, self._sources.ens):
            if known.get(name, address) != address:
                raise Unclear(
                    f"{shown(name)} is now {checksum(known[name])}, not {checksum(address)}",
                    "check which of the two is meant, and write that one",
                )

    def _refuse_alike_domains(self, text: str) -> None:
        if _DOMAIN.fullmatch(text) is None:
            return
        if _PLAIN_DOMAIN.fullmatch(text) is None or "xn--" in text:
            raise Unclear(
                f"{shown(text)} has letters that can look like others",
                "write the address it stands for, checked in another way",
            )
        other = self._domains.setdefault(_skeleton(text), text)
        if other != text:
            raise Unclear(f"{text} looks like {other}", "check which of the two is meant, and write its address")

    def _nearest(self, text: str, known: tuple[str, ...]) -> list[str]:
        """The name that was perhaps meant. In a table of hundreds, all wrong, only the first ones are looked for."""
        self._looked_for += len(known)
        return difflib.get_close_matches(text, known, 1) if self._looked_for <= _MOST_LOOKED_FOR else []

    def _checksummed(self, text: str) -> bytes:
        if not is_hex_address(text):
            known = (*self.addresses, *(one for one in self.tokens if one != ETHER.symbol), *self._sources.book)
            near = [name for name in known if name.lower() == text.lower()]
            near = near or [found[0] for found in _ADDRESS_WITHIN.finditer(text)] or self._nearest(text[:60], known)
            what = (
                f"write `{near[0]}`"
                if near
                else "write 0x and 40 hexadecimal digits, or add the name under `addresses`"
            )
            if near and near[0] in self.tokens and text.isupper() and near[0] != text.upper():
                what += " if that is meant, or add the token under `tokens`"  # USDT is no slip for USDC
            raise Unclear(
                f"{shown(text)} is not an address" + (" or a known name" if known else ""),
                what,
                unknown=text,
                meant=near[0] if near else None,
            )
        address = hex_bytes(text)
        if not any(address) and not self._read_back:
            raise Unclear("the zero address is nobody", "write the address you mean")
        if checksum(address) != text:
            raise Unclear(
                f"{text} has no valid checksum (EIP-55): a digit may be wrong",
                f"copy it again from its source, and only if it is right write {checksum(address)}",
            )
        return address

    def _beware_look_alikes(self, address: bytes, name: str) -> None:
        for other, other_name in self._alike(address).items():
            if other != address:
                self._doubt(
                    Unclear(
                        f"{checksum(address)} looks like {other_name} ({checksum(other)}) and is another address",
                        "check which of the two is meant: such pairs are made to be mistaken for each other",
                    )
                )
        self._alike(address).setdefault(address, name)

    def _alike(self, address: bytes) -> dict[bytes, str]:
        """The addresses met so far that begin and end like this one: what people compare when they compare two."""
        return self._by_ends.setdefault(address[:2] + address[-2:], {})

    def _doubt(self, unclear: Unclear) -> None:
        if not self._read_back:
            raise unclear
        self.doubts.append(unclear)


def _refuse_taken(text: str, taken: Iterable[str] | Mapping[str, object], what: str, suggestion: str) -> None:
    if text.lower() in (known.lower() for known in taken):
        raise Unclear(f"{what} {text} is taken", suggestion)


def _skeleton(text: str) -> str:
    for letters, drawn in _ALIKE:
        text = text.replace(letters, drawn)
    return text
