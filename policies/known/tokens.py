# SPDX-License-Identifier: Apache-2.0
"""Look up tokens that published lists name: their symbol and decimals by chain and address, each with its source.

`python -m agent.understanding.functions.make` writes tokens.tsv, from packages at pinned versions.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

from policies.known import lines
from policies.notation.hexadecimal import hex_bytes
from policies.notation.primitives import checksum

FILE = Path(__file__).parent / "tokens.tsv"
_CHAIN_NAMES = {
    1: "Ethereum", 10: "Optimism", 56: "BNB Chain", 100: "Gnosis", 130: "Unichain", 137: "Polygon", 324: "zkSync",
    480: "World Chain", 5000: "Mantle", 8453: "Base", 42161: "Arbitrum", 42220: "Celo", 43114: "Avalanche",
    59144: "Linea", 534352: "Scroll", 11155111: "Sepolia",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token as a published list has it."""

    chain_id: int
    address: bytes
    symbol: str
    decimals: int
    source: str

    @property
    def where(self) -> str:
        """The chain, and the list that names the token there: `on Ethereum, in name@1.2.3`."""
        return f"on {_CHAIN_NAMES.get(self.chain_id, f'the chain {self.chain_id}')}, in {self.source}"


def token(chain_id: int, address: bytes) -> KnownToken | None:
    """Return the published token at an address of a chain, or None."""
    return _tokens().get((chain_id, bytes(address)))


def tokens(chain_id: int) -> tuple[KnownToken, ...]:
    """Return the published tokens of a chain."""
    return tuple(found for (chain, _), found in _tokens().items() if chain == chain_id)


def at(address: bytes) -> tuple[KnownToken, ...]:
    """Return the published tokens at an address on whatever chain: for a document, which names no chain.

    Commands ask this of a few addresses and end: the file is searched, not read into a table.
    """
    needle, text = f"\t{checksum(bytes(address))}\t", _text()
    found, place = [], text.find(needle)
    while place >= 0:
        line = text[text.rfind("\n", 0, place) + 1 : text.find("\n", place)]
        found.append(_token(line.split("\t"), _sources()))
        place = text.find(needle, place + 1)
    return tuple(found)


@functools.cache
def _text() -> str:
    return FILE.read_text(encoding="utf-8")


@functools.cache
def _sources() -> dict[str, str]:
    return lines.sources(FILE)


@functools.cache
def _tokens() -> dict[tuple[int, bytes], KnownToken]:
    named = _sources()
    found = (_token(row, named) for row in lines.rows(FILE))
    return {(one.chain_id, one.address): one for one in found}


def _token(row: list[str], named: dict[str, str]) -> KnownToken:
    chain, address, symbol, decimals, source = row
    return KnownToken(int(chain), hex_bytes(address), symbol, int(decimals), named.get(source, source))
