# SPDX-License-Identifier: Apache-2.0
"""Look up well-known deployments and tokens: who an address is, on which chains, and how many decimals a token has."""

import functools
from dataclasses import dataclass

from agent.understanding.functions.lines import rows, sources
from governance.chain.address import to_bytes

_DEPLOYMENTS = ("addresses.tsv", "addresses_by_hand.tsv")
_TOKENS = "tokens.tsv"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A contract that its makers publish the address of."""

    address: bytes
    chain_ids: frozenset[int]
    kind: str  # `contract`, or one of the kinds in make/kinds.py: multisend, arbitrum_inbox, timelock, ...
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token as a published list has it."""

    chain_id: int
    address: bytes
    symbol: str
    decimals: int
    source: str


def deployments(address: bytes) -> tuple[Deployment, ...]:
    """Return all published deployments at an address, on whatever chain."""
    return _deployments().get(bytes(address), ())


def deployment(chain_id: int, address: bytes) -> Deployment | None:
    """Return the published deployment at an address of a chain, or None."""
    for found in deployments(address):
        if chain_id in found.chain_ids:
            return found
    return None


def token(chain_id: int, address: bytes) -> KnownToken | None:
    """Return the published token at an address of a chain, or None."""
    return _tokens().get((chain_id, bytes(address)))


def tokens(chain_id: int) -> tuple[KnownToken, ...]:
    """Return the published tokens of a chain."""
    return tuple(found for (chain, _), found in _tokens().items() if chain == chain_id)


@functools.cache
def _deployments() -> dict[bytes, tuple[Deployment, ...]]:
    found: dict[bytes, tuple[Deployment, ...]] = {}
    for file in _DEPLOYMENTS:
        named = sources(file)
        for address, chains, kind, name, source in rows(file):
            key = to_bytes(address)
            one = Deployment(key, frozenset(map(int, chains.split(","))), kind, name, named.get(source, source))
            found[key] = (*found.get(key, ()), one)
    return found


@functools.cache
def _tokens() -> dict[tuple[int, bytes], KnownToken]:
    named = sources(_TOKENS)
    found = {}
    for chain, address, symbol, decimals, source in rows(_TOKENS):
        key = (int(chain), to_bytes(address))
        found[key] = KnownToken(*key, symbol, int(decimals), named.get(source, source))
    return found
